//! The policy as meant: defaults in, names resolved, contradictions refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::embed::EmbedderKind;
use crate::goldset::Filter;
use crate::ids::{Digest, Seed, TargetName};
use crate::judge::{
    self, CheckId, Comparator, Definition, Override, Requirement, RunbookStage, Waiver,
};
use crate::measure::RankMeasures;
use crate::plan::targets::{TargetSpec, targets};
use crate::plan::written::{self, LimitOverride, Written};
use crate::plan::{PolicyError, ranking, traffic};
use crate::replay;
use crate::stats::Resamples;
use crate::traffic::ReadOptions;
use crate::units::Cutoff;

/// A checked policy: one control, at least one other target, sensible numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The gold set's folder.
    pub gold: PathBuf,
    /// Who measures.
    pub referee: RefereeSpec,
    /// How the gold set is replayed.
    pub replay: replay::Settings,
    /// At least two, one of them the control.
    pub targets: Vec<TargetSpec>,
    /// Ranking measures that each probe gets.
    pub ranking: RankMeasures,
    /// How the run is judged.
    pub judge: judge::Settings,
    /// How logs of live requests are read.
    pub traffic: ReadOptions,
    /// Which questions are asked.
    pub filter: Filter,
    /// A run from before the change.
    pub baseline: Option<PathBuf>,
    /// Earlier runs of the same step; none at all is not the same as not given.
    pub history: Option<Vec<PathBuf>>,
    /// Where replies are kept for later runs, if they are; no part of the digest.
    pub cache: Option<replay::CacheSettings>,
    /// BLAKE3 of the policy with its defaults, as canonical JSON. It covers no secret, since a
    /// policy holds none.
    pub digest: Digest,
}

/// Who measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefereeSpec {
    /// Vectors made earlier.
    Cache {
        /// The Parquet file; the gold set's own if none is named.
        path: Option<PathBuf>,
        /// The model; the gold set's own if none is named.
        model: Option<String>,
    },
    /// A service, with the cache before it.
    Endpoint {
        /// The Parquet file; the gold set's own if none is named.
        path: Option<PathBuf>,
        /// The model; the gold set's own if none is named.
        model: Option<String>,
        /// Where it is.
        url: String,
        /// The environment variable of its key.
        key_env: Option<String>,
    },
    /// The deterministic stand-in.
    Lexical,
}

impl RefereeSpec {
    /// Which kind of embedder it is.
    pub fn kind(&self) -> EmbedderKind {
        match self {
            Self::Cache { .. } => EmbedderKind::Cache,
            Self::Endpoint { .. } => EmbedderKind::Endpoint,
            Self::Lexical => EmbedderKind::Lexical,
        }
    }
}

const DOMAIN: &str = "ragstone 2026 policy v1";

/// Checks what was written.
pub(super) fn check(
    path: &Path,
    mut written: Written,
    filter: Filter,
) -> Result<Policy, PolicyError> {
    written.target.iter_mut().for_each(written::Target::fill);
    let folder = path.parent().unwrap_or(Path::new(""));
    let digest = Digest::derive(
        DOMAIN,
        serde_json_canonicalizer::to_vec(&written).map_err(|error| not_finite(path, &error))?,
    );
    let replay = replay(path, &written.replay)?;
    let required = ranking::required(path, &written.gate.require, replay.k)?;
    Ok(Policy {
        // Without the `.` of `gold = "."`, which would stand in every message.
        gold: folder.join(&written.gold).components().collect(),
        referee: referee(path, folder, &written.referee)?,
        ranking: ranking::columns(path, &written.measure, &required, replay.k)?,
        judge: judge::Settings {
            waivers: waivers(path, &written)?,
            observed: traffic::judged(path, &written.traffic)?,
            ..gate(path, &written.gate, required)?
        },
        traffic: traffic::read(path, &written.traffic, written.gate.runbook)?,
        baseline: written.gate.baseline.as_ref().map(|run| folder.join(run)),
        history: written
            .gate
            .history
            .as_ref()
            .map(|runs| runs.iter().map(|run| folder.join(run)).collect()),
        cache: None,
        targets: targets(path, folder, written.target, &replay)?,
        replay,
        filter,
        digest,
    })
}

fn not_finite(path: &Path, error: &serde_json::Error) -> PolicyError {
    PolicyError::meaning(
        path,
        format!("a number is not finite ({error})"),
        "write an ordinary number",
    )
}

fn referee(
    path: &Path,
    folder: &Path,
    written: &written::Referee,
) -> Result<RefereeSpec, PolicyError> {
    let cache = written.path.as_ref().map(|cache| folder.join(cache));
    let model = written.model.clone();
    if written.kind != EmbedderKind::Endpoint
        && (written.url.is_some() || written.key_env.is_some())
    {
        return Err(PolicyError::meaning(
            path,
            "[referee] url and key_env belong to kind = \"endpoint\"",
            "remove them, or change the kind",
        ));
    }
    match written.kind {
        EmbedderKind::Cache => Ok(RefereeSpec::Cache { path: cache, model }),
        EmbedderKind::Lexical => Ok(RefereeSpec::Lexical),
        EmbedderKind::Endpoint => {
            let url = written.url.clone().ok_or_else(|| {
                PolicyError::meaning(
                    path,
                    "[referee] kind = \"endpoint\" needs a url",
                    "add url = \"http://…/v1\"",
                )
            })?;
            Ok(RefereeSpec::Endpoint {
                path: cache,
                model,
                url,
                key_env: written.key_env.clone(),
            })
        }
    }
}

fn replay(path: &Path, written: &written::Replay) -> Result<replay::Settings, PolicyError> {
    let wrong = |key: &str, help: &str| PolicyError::meaning(path, format!("[replay] {key}"), help);
    let cutoff = |key: &str, k: usize| {
        Cutoff::new(k).ok_or_else(|| wrong(&format!("{key} is 0"), "ask for at least one hit"))
    };
    if written.seeds.is_empty() {
        return Err(wrong(
            "seeds is empty",
            "name at least one seed, such as [1, 2]",
        ));
    }
    if written.seeds.iter().collect::<BTreeSet<_>>().len() < written.seeds.len() {
        return Err(wrong(
            "seeds repeats a seed",
            "a repeated seed is one observation counted twice",
        ));
    }
    if written.concurrency == 0 || written.timeout_ms == 0 || written.budget_s == Some(0) {
        return Err(wrong(
            "concurrency, timeout_ms and budget_s must be at least 1",
            "leave them out to get the defaults",
        ));
    }
    Ok(replay::Settings {
        seeds: written.seeds.iter().copied().map(Seed).collect(),
        paraphrases: written.paraphrases,
        k: cutoff("k", written.k)?,
        k_sweep: written
            .k_sweep
            .iter()
            .map(|&k| cutoff("k_sweep", k))
            .collect::<Result<BTreeSet<_>, _>>()?
            .into_iter()
            .collect(),
        concurrency: written.concurrency,
        timeout: Duration::from_millis(written.timeout_ms),
        retries: written.retries,
        backoff: replay::Backoff {
            first: Duration::from_millis(written.backoff_ms),
            ..replay::Backoff::default()
        },
        budget: written.budget_s.map(Duration::from_secs),
    })
}

fn gate(
    path: &Path,
    written: &written::Gate,
    required: Vec<Requirement>,
) -> Result<judge::Settings, PolicyError> {
    if written.bootstrap_resamples < 1000 {
        let message = format!(
            "[gate] bootstrap_resamples is {}",
            written.bootstrap_resamples
        );
        return Err(PolicyError::meaning(
            path,
            message,
            "a 95 % bound needs at least 1,000 resamples; 10,000 is usual",
        ));
    }
    let mut overrides = BTreeMap::new();
    for (name, limit) in &written.overrides {
        let (id, limit) = limit_override(path, name, limit)?;
        ranking::may_move(path, (name, id), limit.limit, &required)?;
        if overrides.insert(id, limit).is_some() {
            return Err(PolicyError::meaning(
                path,
                format!("[gate.override] moves the limit of {id} twice"),
                "keep one of them",
            ));
        }
    }
    Ok(judge::Settings {
        runbook: written.runbook,
        stage: stage(path, written)?,
        basis: written.evidence,
        required,
        overrides,
        resamples: Resamples {
            n: written.bootstrap_resamples,
            seed: written.bootstrap_seed,
        },
        ..judge::Settings::default()
    })
}

/// The stage as written, or the first of the runbook.
fn stage(path: &Path, written: &written::Gate) -> Result<RunbookStage, PolicyError> {
    let stages = written.runbook.stages();
    let stage = written.stage.unwrap_or(stages[0]);
    if stages.contains(&stage) {
        return Ok(stage);
    }
    let known: Vec<&str> = stages.iter().map(|stage| stage.name()).collect();
    Err(PolicyError::meaning(
        path,
        format!("the {} runbook has no stage `{stage}`", written.runbook),
        format!("its stages: {}", known.join(", ")),
    ))
}

fn limit_override(
    path: &Path,
    name: &str,
    written: &LimitOverride,
) -> Result<(CheckId, Override), PolicyError> {
    let wrong = |message: String, help: &str| {
        PolicyError::meaning(path, format!("[gate.override.{name}] {message}"), help)
    };
    let id: CheckId = name.parse().map_err(|error| {
        wrong(
            format!("{error}"),
            "write the id as RUNBOOKS does, such as CA-DS",
        )
    })?;
    let definition = Definition::of(id);
    if !definition.overridable {
        return Err(wrong(
            "this limit cannot be overridden".to_owned(),
            "hard stops, censuses and ratios are not a policy's to move",
        ));
    }
    if written.reason.trim().is_empty() {
        return Err(wrong(
            "the reason is blank".to_owned(),
            "say why, and who agreed: it is printed in every report",
        ));
    }
    let limit = match (definition.comparator, written.max, written.min) {
        (Comparator::AtMost | Comparator::Within, Some(max), None) => max,
        (Comparator::AtLeast, None, Some(min)) => min,
        (Comparator::AtMost | Comparator::Within, ..) => {
            return Err(wrong(
                "needs `max` and no `min`".to_owned(),
                "the clause is an upper limit",
            ));
        }
        _ => {
            return Err(wrong(
                "needs `min` and no `max`".to_owned(),
                "the clause is a lower limit",
            ));
        }
    };
    if !limit.is_finite() {
        return Err(wrong(
            "the limit is not a finite number".to_owned(),
            "write an ordinary number",
        ));
    }
    Ok((
        id,
        Override {
            limit,
            reason: written.reason.clone(),
        },
    ))
}

fn waivers(path: &Path, written: &Written) -> Result<Vec<Waiver>, PolicyError> {
    for waiver in &written.waiver {
        let wrong = |message: String, help: &str| {
            PolicyError::meaning(
                path,
                format!("[[waiver]] of {}: {message}", waiver.check),
                help,
            )
        };
        let definition = Definition::of(waiver.check);
        if !Waiver::may_cover(definition.kind, definition.hard_stop) {
            let help = "hard stops and parity cannot be waived: mend the index, or declare the difference under `intended`";
            return Err(wrong("this check cannot be waived".to_owned(), help));
        }
        if waiver.reason.trim().is_empty() || waiver.approver.trim().is_empty() {
            return Err(wrong(
                "the reason or the approver is blank".to_owned(),
                "say why, and who answers for it",
            ));
        }
        if !waiver.max_value.is_finite() {
            return Err(wrong(
                "max_value is not a finite number".to_owned(),
                "write the worst estimate that is still covered",
            ));
        }
        let known = |target: &TargetName| {
            written
                .target
                .iter()
                .any(|known| known.name == target.as_str())
        };
        if let Some(unknown) = waiver.target.as_ref().filter(|target| !known(target)) {
            return Err(wrong(
                format!("there is no target `{unknown}`"),
                "name a [[target]] of this policy, or leave it out",
            ));
        }
    }
    Ok(written.waiver.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Overrides, STARTER, load};

    fn read(text: &str) -> Result<Policy, PolicyError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ragstone.toml");
        std::fs::write(&path, text).expect("written");
        load(&path, &Overrides::default())
    }

    #[track_caller]
    fn refused(from: &str, to: &str, message: &str) {
        assert!(STARTER.contains(from), "the starter has {from}");
        let error = read(&STARTER.replacen(from, to, 1)).expect_err("refused");
        let text = format!(
            "{error} {}",
            miette::Diagnostic::help(&error)
                .map(|help| help.to_string())
                .unwrap_or_default()
        );
        assert!(text.contains(message), "{text}");
    }

    #[test]
    fn the_starter_is_a_policy_and_says_what_the_defaults_are() {
        let policy = read(STARTER).expect("the starter is sound");
        assert_eq!(policy.replay, replay::Settings::default());
        assert_eq!(policy.judge, judge::Settings::default());
        assert_eq!(policy.targets.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_help() {
        refused("metric = ", "metrc = ", "line 25: unknown field `metrc`");
        refused("metric = ", "metrc = ", "did you mean `metric`?");
        refused("\"en_stem\"", "\"en_stm\"", "did you mean `en_stem`?");
        refused("seeds = [1, 2]", "seeds = []", "seeds is empty");
        refused("seeds = [1, 2]", "seeds = [1, 1]", "repeats a seed");
        refused("k = 10\n", "k = 0\n", "k is 0");
        refused(
            "role = \"control\"",
            "role = \"candidate\"",
            "0 targets are the control",
        );
        refused("\"eu-west\"", "\"us-east\"", "named twice");
        refused("kind = \"cache\"", "kind = \"endpoint\"", "needs a url");
        refused("stage = \"shadow\"", "stage = \"shadwo\"", "shadow");
    }

    #[test]
    fn overrides_need_a_reason_and_the_right_direction() {
        let with = |table: &str| read(&format!("{STARTER}\n{table}"));
        let policy = with("[gate.override.CA-DS]\nmax = 0.5\nreason = 'agreed'").expect("sound");
        assert!((policy.judge.overrides[&CheckId::CaDs].limit - 0.5).abs() < 1e-12);
        for wrong in [
            "CA-DS]\nmin = 0.5\nreason = 'x'",
            "CA-DS]\nmax = 0.5\nreason = ' '",
            "CA-S0]\nmax = 0.9\nreason = 'x'",
            "CA-XX]\nmax = 1.0\nreason = 'x'",
        ] {
            assert!(with(&format!("[gate.override.{wrong}")).is_err(), "{wrong}");
        }
        assert!(with("[gate.override.CA-DS]\nmax = nan\nreason = 'x'").is_err());
    }

    #[test]
    fn waivers_are_refused_where_they_could_do_harm() {
        const WAIVER: &str = "[[waiver]]\ncheck = 'CA-LAM'\nreason = 'r'\napprover = 'a'\nexpires_at = '2026-12-31'\nmax_value = 0.7\n";
        let with = |from: &str, to: &str| read(&format!("{STARTER}\n{}", WAIVER.replace(from, to)));
        assert_eq!(with("", "").expect("sound").judge.waivers.len(), 1);
        for (from, to) in [
            ("CA-LAM", "CA-S0"),
            ("CA-LAM", "CA-PAR"),
            ("CA-LAM", "CA-XX"),
            ("'r'", "' '"),
            ("'a'", "''"),
            ("2026-12-31", "2026-02-30"),
            ("0.7", "nan"),
            ("reason", "target = 'nowhere'\nreason"),
            ("max_value", "maximum"),
        ] {
            assert!(with(from, to).is_err(), "{to}");
        }
    }

    #[test]
    fn the_digest_follows_the_meaning_and_not_the_layout() {
        let digest = |text: &str| read(text).expect("sound").digest;
        let lines: Vec<&str> = STARTER
            .lines()
            .map(|line| line.split('#').next().unwrap_or(""))
            .collect();
        let without_comments = lines.join("\n");
        assert_eq!(digest(STARTER), digest(&without_comments));
        assert_eq!(
            digest(STARTER),
            digest(&STARTER.replace("retries = 2\n", ""))
        );
        assert_ne!(
            digest(STARTER),
            digest(&STARTER.replace("retries = 2\n", "retries = 3\n"))
        );
    }
}
