//! The drill plan: what a failover drill is to prove, as its JSON file says.
//!
//! [`load()`] reads the plan as operators write it, or says by file and line what is wrong. Unknown
//! checks are errors that list the known ones; keys that this tool has no use for are kept and named,
//! since a plan is written for more readers than this one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::TargetName;
use crate::judge::DrillCheck;
use crate::units::Cutoff;

/// Why a drill plan cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum DrillError {
    /// The file cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(code(drill::read))]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Not JSON, or not of the plan's shape.
    #[error("{} line {line}: {problem}", path.display())]
    #[diagnostic(
        code(drill::shape),
        help("a plan has regions, evacuate, promote_survivor and checks; RUNBOOKS shows one")
    )]
    Shape {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// Readable, but it cannot be meant.
    #[error("{}: {problem}", path.display())]
    #[diagnostic(code(drill::meaning))]
    Meaning {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// What to do.
        #[help]
        help: String,
    },
}

/// A drill plan: at least two regions, of which one is evacuated and another survives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    /// Every region, each once. They are the names of targets in the runs.
    pub regions: Vec<TargetName>,
    /// The region that is left.
    pub evacuate: TargetName,
    /// The region that takes over.
    pub promote_survivor: TargetName,
    /// What is checked when.
    #[serde(default)]
    pub checks: NamedChecks,
    /// How the gold questions are asked.
    #[serde(default)]
    pub rag_probe: RagProbe,
    /// Everything else, which no probe or contract decides.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// The named checks by phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NamedChecks {
    /// Before the drill.
    pub pre: Vec<DrillCheck>,
    /// While it is under way.
    pub live: Vec<DrillCheck>,
    /// After it.
    pub post: Vec<DrillCheck>,
}

/// How the gold questions are asked, and what counts as a risk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RagProbe {
    /// Hits asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<Cutoff>,
    /// Hits that a region adds while two of them serve one user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dualhome_k: Option<Cutoff>,
    /// ΔS from which the survivor is a risk, in `[0, 2]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta_s_risk: Option<f64>,
    /// Coverage below which it is one, in `[0, 1]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_min: Option<f64>,
}

/// Keys of a plan that say what the operators do, and that telemetry and the drill log will be judged
/// by.
const KNOWN: [&str; 4] = [
    "routing",
    "freeze_writes_on_followers",
    "webhook_policy",
    "return_to_home",
];

impl Drill {
    /// Keys that this tool has no use for, which may be misspelt ones.
    pub fn unused_keys(&self) -> Vec<&str> {
        let unused = self
            .other
            .keys()
            .filter(|key| !KNOWN.contains(&key.as_str()));
        unused.map(String::as_str).collect()
    }
}

/// Reads and checks a drill plan.
///
/// # Errors
/// If it cannot be read, is not of the plan's shape, names an unknown check, or contradicts itself.
pub fn load(path: &Path) -> Result<Drill, DrillError> {
    let bytes = std::fs::read(path).map_err(|source| DrillError::Read {
        path: path.to_owned(),
        source,
    })?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let drill: Drill = serde_json::from_slice(text).map_err(|error| DrillError::Shape {
        path: path.to_owned(),
        line: error.line(),
        problem: error.to_string(),
    })?;
    match problem(&drill) {
        None => Ok(drill),
        Some((problem, help)) => Err(DrillError::Meaning {
            path: path.to_owned(),
            problem,
            help: help.to_owned(),
        }),
    }
}

/// What contradicts itself in a plan, and what to do.
fn problem(drill: &Drill) -> Option<(String, &'static str)> {
    let distinct: BTreeSet<&TargetName> = drill.regions.iter().collect();
    if distinct.len() < 2 || distinct.len() < drill.regions.len() {
        let help = "name at least two regions, each once";
        return Some((format!("{} regions are named", distinct.len()), help));
    }
    for (key, region) in [
        ("evacuate", &drill.evacuate),
        ("promote_survivor", &drill.promote_survivor),
    ] {
        if !distinct.contains(region) {
            let help = "write it as it stands under `regions`";
            return Some((format!("{key} names `{region}`, which is no region"), help));
        }
    }
    if drill.evacuate == drill.promote_survivor {
        let help = "another region must take over";
        return Some((
            format!("`{}` is evacuated and survives", drill.evacuate),
            help,
        ));
    }
    let RagProbe {
        delta_s_risk,
        coverage_min,
        ..
    } = drill.rag_probe;
    let outside =
        |value: Option<f64>, high: f64| value.filter(|value| !(0.0..=high).contains(value));
    if let Some(value) = outside(delta_s_risk, 2.0) {
        return Some((
            format!("delta_s_risk is {value}"),
            "ΔS lies between 0 and 2; 0.60 is usual",
        ));
    }
    outside(coverage_min, 1.0).map(|value| {
        (
            format!("coverage_min is {value}"),
            "coverage lies between 0 and 1; 0.70 is usual",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plan of RUNBOOKS, as it stands.
    const RUNBOOKS: &str = r#"{ "regions": ["us-east", "eu-west"], "evacuate": "us-east", "promote_survivor": "eu-west",
  "routing": { "mode": "latency", "stick_minutes": 15, "hysteresis_s": 30 },
  "freeze_writes_on_followers": true,
  "checks": { "pre": ["env_parity", "index_hash_equal", "queue_empty", "cache_warm"],
              "live": ["p95_latency", "error_rate", "queue_backlog", "ΔS_probe", "λ_state", "index_hash"],
              "post": ["answers_equal", "contracts_equal", "backlog_zero", "cache_rewarmed"] },
  "rag_probe": { "k": 10, "dualhome_k": 5, "delta_s_risk": 0.60, "coverage_min": 0.70 },
  "webhook_policy": { "emit_from": "eu-west", "dedupe_key": "sha256(event_id+rev)" },
  "return_to_home": { "rebuild_follower": true, "purge_cache": true, "gradual_weights": [10, 30, 60, 100] } }"#;

    fn read(text: &str) -> Result<Drill, DrillError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("drill.json");
        std::fs::write(&path, text).expect("written");
        load(&path)
    }

    #[test]
    fn the_plan_of_the_runbooks_is_read_as_it_stands() {
        let drill = read(RUNBOOKS).expect("sound");
        assert_eq!(drill.checks.live.len(), 6);
        assert_eq!(drill.checks.live[3].name(), "ΔS_probe");
        assert_eq!(drill.rag_probe.k, Cutoff::new(10));
        assert!(drill.unused_keys().is_empty());
        let again = serde_json::to_string(&drill).expect("JSON");
        assert_eq!(read(&again).expect("sound"), drill);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_what_is_known() {
        let refused = |from: &str, to: &str, message: &str| {
            assert!(RUNBOOKS.contains(from), "{from}");
            let error = read(&RUNBOOKS.replacen(from, to, 1)).expect_err("refused");
            assert!(error.to_string().contains(message), "{error}");
        };
        refused(
            "\"λ_state\"",
            "\"vibes\"",
            "line 5: unknown check `vibes`; known: env_parity",
        );
        refused(
            "\"evacuate\": \"us-east\"",
            "\"evacuate\": \"mars\"",
            "`mars`, which is no region",
        );
        refused(
            "\"evacuate\": \"us-east\"",
            "\"evacuate\": \"eu-west\"",
            "is evacuated and survives",
        );
        refused(
            "[\"us-east\", \"eu-west\"]",
            "[\"us-east\"]",
            "1 regions are named",
        );
        refused("\"k\": 10", "\"k\": 0", "line 7");
        refused("0.60", "6.0", "delta_s_risk is 6");
        refused("\"pre\"", "\"before\"", "unknown field `before`");
        refused("}", "", "line");
    }

    #[test]
    fn keys_without_a_use_are_named() {
        let drill = read(&RUNBOOKS.replacen("\"routing\"", "\"ruoting\"", 1)).expect("sound");
        assert_eq!(drill.unused_keys(), ["ruoting"]);
    }
}
