//! The policy as written: one struct a table, defaults spelled out, unknown keys refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::embed::EmbedderKind;
use crate::judge::{Basis, Runbook, RunbookStage, Waiver};
use crate::parity::ContractField;
use crate::target::Role;
use crate::target::embedded::{Analyzer, Metric, Ranking};

/// `ragstone.toml`. Serialised with its defaults, it is what the policy digest covers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) gold: String,
    pub(super) referee: Referee,
    #[serde(default)]
    pub(super) replay: Replay,
    pub(super) target: Vec<Target>,
    #[serde(default)]
    pub(super) gate: Gate,
    #[serde(default)]
    pub(super) waiver: Vec<Waiver>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Referee {
    pub(super) kind: EmbedderKind,
    pub(super) model: Option<String>,
    /// The cache, if it is not the gold set's own.
    pub(super) path: Option<String>,
    pub(super) url: Option<String>,
    pub(super) key_env: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Replay {
    pub(super) seeds: Vec<u64>,
    pub(super) paraphrases: usize,
    pub(super) k: usize,
    pub(super) k_sweep: Vec<usize>,
    pub(super) concurrency: usize,
    pub(super) timeout_ms: u64,
    pub(super) retries: u32,
}

impl Default for Replay {
    fn default() -> Self {
        let usual = crate::replay::Settings::default();
        Self {
            seeds: usual.seeds.iter().map(|seed| seed.0).collect(),
            paraphrases: usual.paraphrases,
            k: usual.k.get(),
            k_sweep: usual.k_sweep.iter().map(|k| k.get()).collect(),
            concurrency: usual.concurrency,
            timeout_ms: u64::try_from(usual.timeout.as_millis()).expect("seconds"),
            retries: usual.retries,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) kind: TargetKind,
    #[serde(default)]
    pub(super) metric: Metric,
    #[serde(default)]
    pub(super) analyzer: Analyzer,
    #[serde(default)]
    pub(super) ranking: Ranking,
    /// Sentences in a snippet, if not as `gold.toml` says.
    pub(super) snippet_sentences: Option<usize>,
    /// What its contract is meant to say, where that is not what the control's says.
    #[serde(default)]
    pub(super) intended: BTreeMap<ContractField, String>,
    /// Contract fields that the index cannot find in itself.
    #[serde(default)]
    pub(super) stated: BTreeMap<ContractField, String>,
    #[serde(default)]
    pub(super) skew: Skew,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TargetKind {
    Embedded,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Skew {
    pub(super) missing: Vec<String>,
    pub(super) edited: Vec<String>,
    pub(super) duplicated: Vec<String>,
    pub(super) older_editions: Option<String>,
    pub(super) unnormalised: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Gate {
    pub(super) runbook: Runbook,
    /// The runbook's first, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stage: Option<RunbookStage>,
    pub(super) evidence: Basis,
    pub(super) bootstrap_resamples: u32,
    pub(super) bootstrap_seed: u64,
    /// A run from before the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) baseline: Option<String>,
    /// Earlier runs of the same step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<Vec<String>>,
    #[serde(rename = "override")]
    pub(super) overrides: BTreeMap<String, LimitOverride>,
}

impl Default for Gate {
    fn default() -> Self {
        let usual = crate::judge::Settings::default();
        Self {
            runbook: usual.runbook,
            stage: None,
            evidence: usual.basis,
            bootstrap_resamples: usual.resamples.n,
            bootstrap_seed: usual.resamples.seed,
            baseline: None,
            history: None,
            overrides: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitOverride {
    pub(super) max: Option<f64>,
    pub(super) min: Option<f64>,
    pub(super) reason: String,
}

/// What `ragstone init` writes.
pub const STARTER: &str = r#"# A Ragstone policy: which gold questions are asked of which targets, and what must hold.
# Paths are relative to this file. Unknown keys are errors.

gold = "gold"                       # a folder with gold.toml, questions.jsonl, corpus.jsonl, embeddings.parquet

[referee]                           # the one embedder that measures every target
kind = "cache"                      # cache: vectors made by `ragstone gold embed`; endpoint: a service; lexical: no model
model = "all-MiniLM-L6-v2"
# url = "http://127.0.0.1:8089/v1"  # for kind = "endpoint"
# key_env = "EMBEDDINGS_KEY"        # the environment variable that holds the service's key

[replay]
seeds = [1, 2]
paraphrases = 3
k = 10
k_sweep = [5, 10, 20]
concurrency = 16                    # probes under way at once, per target
timeout_ms = 10_000
retries = 2

[[target]]
name = "us-east"
role = "control"                    # control | candidate | follower | survivor | blue | green
kind = "embedded"                   # an index in this process, over the gold set's own corpus
metric = "cosine"                   # cosine | dot | l2
analyzer = "en_stem"                # en_stem | simple | whitespace
ranking = "hybrid"                  # hybrid | dense | bm25

[[target]]
name = "eu-west"
role = "candidate"
kind = "embedded"
metric = "cosine"
analyzer = "en_stem"
# intended = { ANALYZER = "simple" }  # declare a difference that is on purpose
# stated = { SCHEMA_REV = "sc-12" }   # what this index cannot know of itself

[gate]
runbook = "canary"                  # canary | blue-green | multi-region | failover-drill | traffic-shaping
stage = "shadow"                    # `ragstone explain` lists the checks, each with its stages
evidence = "bound"                  # bound: the whole 95 % bound must hold; point: the estimate alone

# baseline = "reports/before"       # a run from before the change, for BG-AUDIT
# history = ["reports/run-1"]       # earlier runs of this step, for promotion, BG-KEEP and TS-TWICE; [] means none so far

# [gate.override.CA-DS]
# max = 0.50
# reason = "why this corpus needs another limit"

# [[waiver]]                        # a person takes responsibility for a red check, for a while and up to a point
# check = "CA-LAM"
# target = "eu-west"                # all targets if left out
# reason = "change 4711 is being rolled back"
# approver = "who answers for it"
# expires_at = "2026-12-31"         # the last day, UTC
# max_value = 0.75                  # the worst estimate it covers
"#;
