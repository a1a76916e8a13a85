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
    /// Which of the runbook's drills it is.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DrillKind>,
    /// How users are sent to a region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,
    /// Whether followers take no writes; none where the plan does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze_writes_on_followers: Option<bool>,
    /// Who sends webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_policy: Option<WebhookPolicy>,
    /// How the evacuated region is served from again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_to_home: Option<ReturnToHome>,
    /// Keys that this tool has no use for.
    #[serde(flatten)]
    pub other: Others,
}

/// Keys that this tool has no use for, which may be misspelt ones.
pub type Others = BTreeMap<String, serde_json::Value>;

/// The drills of the runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrillKind {
    /// Planned evacuation: traffic drains without flapping.
    A,
    /// Hard outage.
    B,
    /// Index skew: a follower is published with a wrong metric or analyzer.
    C,
    /// Webhooks and egress go another way.
    D,
    /// Return to home by gradual weights.
    E,
}

/// How users are sent to a region, which routers act on and no check judges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Routing {
    /// By what: `latency`, `geo` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// For how many minutes a user stays with a region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stick_minutes: Option<f64>,
    /// For how many seconds a region must be better before users are sent to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hysteresis_s: Option<f64>,
    /// Keys that this tool has no use for.
    #[serde(flatten)]
    pub other: Others,
}

/// Who sends webhooks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookPolicy {
    /// The region that alone sends them after the cutover; the survivor where the plan names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emit_from: Option<TargetName>,
    /// How their dedupe keys are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedupe_key: Option<String>,
    /// Keys that this tool has no use for.
    #[serde(flatten)]
    pub other: Others,
}

impl WebhookPolicy {
    /// How the runbook has dedupe keys made.
    pub const DEDUPE_KEY: &'static str = "sha256(event_id+rev)";

    /// Whether dedupe keys are made in another way than the runbook's.
    pub fn has_other_keys(&self) -> bool {
        let same = |formula: &String| {
            let letters = formula.chars().filter(|letter| !letter.is_whitespace());
            letters.eq(Self::DEDUPE_KEY.chars())
        };
        self.dedupe_key
            .as_ref()
            .is_some_and(|formula| !same(formula))
    }
}

/// How the evacuated region is served from again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReturnToHome {
    /// Whether its index is built anew from the survivor's artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebuild_follower: Option<bool>,
    /// Whether caches are purged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purge_cache: Option<bool>,
    /// Its weights in percent, rising; empty where the plan names none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gradual_weights: Vec<f64>,
    /// Keys that this tool has no use for.
    #[serde(flatten)]
    pub other: Others,
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

impl Drill {
    /// Keys that this tool has no use for, which may be misspelt ones: `routing.mood`.
    pub fn unused_keys(&self) -> Vec<String> {
        let of = |place: &str, other: Option<&Others>| -> Vec<String> {
            let keys = other.into_iter().flat_map(BTreeMap::keys);
            keys.map(|key| format!("{place}{key}")).collect()
        };
        let routing = self.routing.as_ref().map(|routing| &routing.other);
        let webhooks = self.webhook_policy.as_ref().map(|policy| &policy.other);
        let home = self.return_to_home.as_ref().map(|home| &home.other);
        [
            of("", Some(&self.other)),
            of("routing.", routing),
            of("webhook_policy.", webhooks),
            of("return_to_home.", home),
        ]
        .concat()
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
    let webhooks = drill.webhook_policy.as_ref();
    let emit_from = webhooks.and_then(|policy| policy.emit_from.as_ref());
    let emit_from = emit_from.map(|region| ("webhook_policy.emit_from", region));
    let named = [
        ("evacuate", &drill.evacuate),
        ("promote_survivor", &drill.promote_survivor),
    ];
    for (key, region) in named.into_iter().chain(emit_from) {
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
    if let Some(value) = outside(coverage_min, 1.0) {
        return Some((
            format!("coverage_min is {value}"),
            "coverage lies between 0 and 1; 0.70 is usual",
        ));
    }
    let weights = &drill.return_to_home.as_ref()?.gradual_weights;
    let is_percent = |weight: &f64| *weight > 0.0 && *weight <= 100.0;
    let sound = weights.iter().all(is_percent) && weights.is_sorted_by(|one, next| one < next);
    (!sound).then(|| {
        (
            format!("return_to_home.gradual_weights are {weights:?}"),
            "weights are percent above 0, each above the one before it, such as [10, 30, 60, 100]",
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
        let home = drill.return_to_home.as_ref().expect("a return");
        assert_eq!(home.gradual_weights, [10.0, 30.0, 60.0, 100.0]);
        let webhooks = drill.webhook_policy.as_ref().expect("webhooks");
        assert_eq!(webhooks.emit_from.as_ref(), Some(&drill.promote_survivor));
        assert!(!webhooks.has_other_keys());
        assert_eq!(
            (drill.kind, drill.freeze_writes_on_followers),
            (None, Some(true))
        );
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
        refused(
            "\"emit_from\": \"eu-west\"",
            "\"emit_from\": \"mars\"",
            "emit_from names `mars`, which is no region",
        );
        for weights in ["[10, 60, 30]", "[0, 100]", "[50, 101]", "[10, 10]"] {
            refused("[10, 30, 60, 100]", weights, "gradual_weights are [");
        }
        refused(
            "\"evacuate\"",
            "\"type\": \"F\", \"evacuate\"",
            "unknown variant `F`",
        );
        refused("true,\n", "\"yes\",\n", "line 3: invalid type");
    }

    #[test]
    fn keys_without_a_use_are_named() {
        let unused = |from: &str, to: &str| {
            assert!(RUNBOOKS.contains(from), "{from}");
            let drill = read(&RUNBOOKS.replacen(from, to, 1)).expect("sound");
            let again = serde_json::to_string(&drill).expect("JSON");
            assert_eq!(read(&again).expect("sound"), drill, "they are kept");
            drill.unused_keys()
        };
        assert_eq!(unused("\"routing\"", "\"ruoting\""), ["ruoting"]);
        assert_eq!(unused("\"mode\"", "\"mood\""), ["routing.mood"]);
        assert_eq!(unused("purge_cache", "purge"), ["return_to_home.purge"]);
        assert_eq!(unused("emit_from", "from"), ["webhook_policy.from"]);
    }

    #[test]
    fn a_plan_may_say_which_drill_it_is_and_how_keys_are_made() {
        let typed = RUNBOOKS.replacen("{ ", "{ \"type\": \"A\", ", 1);
        assert_eq!(read(&typed).expect("sound").kind, Some(DrillKind::A));
        let spaced = RUNBOOKS.replacen("event_id+rev", " event_id + rev ", 1);
        let other = RUNBOOKS.replacen("event_id+rev", "event_id", 1);
        let others = [spaced, other].map(|plan| {
            let drill = read(&plan).expect("sound");
            drill.webhook_policy.expect("webhooks").has_other_keys()
        });
        assert_eq!(others, [false, true]);
    }
}
