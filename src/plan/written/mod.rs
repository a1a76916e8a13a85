//! The policy as written: one struct a table, defaults spelled out, unknown keys refused.

mod target;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::embed::EmbedderKind;
use crate::judge::{
    Basis, Comparator, Definition, ObservedSettings, Runbook, RunbookStage, Waiver,
};
use crate::measure::RankMeasure;
use crate::traffic::{ArmField, LatencyPoint, ReadOptions};

pub(super) use target::{FieldNames, FilterValue, Method, Pins, ReplyPointers, Target, TargetKind};

/// Which gold questions are asked of which targets, and what must hold.
///
/// Paths are relative to the file. Beyond what a schema can say: exactly one target is the control
/// (role `control` or `blue`), no two targets share a name, and a waiver names a target of the policy.
// Serialised with its defaults, it is what the policy digest covers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Ragstone policy")]
pub(super) struct Written {
    /// The folder of the gold set: gold.toml, questions.jsonl, corpus.jsonl, embeddings.parquet.
    pub(super) gold: String,
    /// The one embedder that measures every target.
    pub(super) referee: Referee,
    /// How the gold questions are asked.
    #[serde(default)]
    pub(super) replay: Replay,
    /// Who is asked: the control and at least one other.
    #[schemars(length(min = 2))]
    pub(super) target: Vec<Target>,
    /// What is measured of each probe beside what always is.
    #[serde(default, skip_serializing_if = "Measure::is_default")]
    pub(super) measure: Measure,
    /// How the answers are judged.
    #[serde(default)]
    pub(super) gate: Gate,
    /// Red checks that a person takes responsibility for.
    #[serde(default)]
    pub(super) waiver: Vec<Waiver>,
    /// How logs of live requests are read and judged.
    #[serde(default, skip_serializing_if = "Traffic::is_default")]
    pub(super) traffic: Traffic,
}

/// What is measured of each probe beside what always is.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Measure {
    /// Ranking measures that metrics.parquet has as columns, beside the usual ones and those that
    /// `[gate]` requires: `"ndcg_cut_5"`, or `"nDCG@5"`. None may look at more ranks than `k`.
    pub(super) rank: Vec<String>,
}

impl Measure {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How logs of live requests are read and judged.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Traffic {
    /// The field that tells arms apart, if it is not the runbook's: `variant` of a canary, `color` of
    /// blue and green, `revision` of traffic shaping, `region` else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arm: Option<ArmField>,
    /// What requests call a target, where that is not its name.
    pub(super) arms: BTreeMap<String, String>,
    /// Length of a window in seconds.
    #[schemars(range(min = 1, max = 86400))]
    pub(super) window_s: u32,
    /// Which latency the clauses mean.
    pub(super) latency: LatencyPoint,
    /// The unit of the log's latencies.
    pub(super) latency_unit: LatencyUnit,
    /// The share of the requests that the candidate is to have; that of the stage, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub(super) share: Option<f64>,
    /// How many minutes of requests decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub(super) minutes: Option<f64>,
    /// For how many seconds after its first request an arm may be warming up.
    #[schemars(range(min = 0))]
    pub(super) warm_up_s: f64,
    /// The share of lines that may be unreadable.
    #[schemars(range(min = 0, max = 1))]
    pub(super) most_bad: f64,
    /// Where fields stand that are not in their places: `"latency_ms.tfinal" = "duration.total"`.
    pub(super) fields: BTreeMap<String, String>,
    /// Values for all lines, in place of fields.
    pub(super) constants: BTreeMap<String, String>,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum LatencyUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
}

impl Default for Traffic {
    fn default() -> Self {
        let (read, judged) = (ReadOptions::default(), ObservedSettings::default());
        Self {
            arm: None,
            arms: BTreeMap::new(),
            window_s: read.window_s,
            latency: judged.latency,
            latency_unit: LatencyUnit::Ms,
            share: None,
            minutes: None,
            warm_up_s: judged.warm_up_s,
            most_bad: read.most_bad_share,
            fields: BTreeMap::new(),
            constants: BTreeMap::new(),
        }
    }
}

impl Traffic {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The one embedder that measures every target.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Referee {
    /// Where its vectors come from.
    pub(super) kind: EmbedderKind,
    /// The model, if it is not the gold set's own.
    pub(super) model: Option<String>,
    /// The cache, if it is not the gold set's own.
    pub(super) path: Option<String>,
    /// The base address of the service. Needed by `endpoint`, and of no other kind.
    pub(super) url: Option<String>,
    /// The environment variable that holds the service's key. Of `endpoint` only.
    pub(super) key_env: Option<String>,
}

/// How the gold questions are asked.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Replay {
    /// Each wording is asked once a seed.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub(super) seeds: Vec<u64>,
    /// Paraphrases asked beside the original wording, as far as a question has them.
    pub(super) paraphrases: usize,
    /// Hits asked for.
    #[schemars(range(min = 1))]
    pub(super) k: usize,
    /// Cut-offs of the ΔS(k) curve, each at least 1.
    #[schemars(inner(range(min = 1)))]
    pub(super) k_sweep: Vec<usize>,
    /// Probes under way at once, per target.
    #[schemars(range(min = 1))]
    pub(super) concurrency: usize,
    /// Longest time of one attempt, in milliseconds.
    #[schemars(range(min = 1))]
    pub(super) timeout_ms: u64,
    /// Attempts after the first, for faults that may pass.
    pub(super) retries: u32,
    /// Longest wait before the second attempt, in milliseconds; it doubles each time.
    pub(super) backoff_ms: u64,
    /// Longest time of the whole run, in seconds; no limit if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(super) budget_s: Option<u64>,
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
            backoff_ms: u64::try_from(usual.backoff.first.as_millis()).expect("milliseconds"),
            budget_s: None,
        }
    }
}

/// How the answers are judged.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Gate {
    /// Which runbook's clauses must hold.
    pub(super) runbook: Runbook,
    /// One of the runbook's stages; its first, if left out. `ragstone explain ID` names those of a
    /// check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stage: Option<RunbookStage>,
    /// What a sample check is judged by.
    pub(super) evidence: Basis,
    /// Resamples of each bootstrap bound.
    #[schemars(range(min = 1000))]
    pub(super) bootstrap_resamples: u32,
    /// The seed of the bootstrap.
    pub(super) bootstrap_seed: u64,
    /// A run from before the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) baseline: Option<String>,
    /// Earlier runs of the same step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<Vec<String>>,
    /// What must hold of ranking measures beside the clauses of the runbook:
    /// `"rank.ndcg_cut_10 >= 0.6"`. Of `unj` and `rbp_resid`, where less is better, `<=`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = r"^\s*rank\.\S+\s*(>=|<=)\s*\S+\s*$")))]
    pub(super) require: Vec<String>,
    /// Limits that differ from the runbook's or from what is required, by check.
    #[serde(rename = "override")]
    #[schemars(schema_with = "overrides")]
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
            require: Vec::new(),
            overrides: BTreeMap::new(),
        }
    }
}

/// A limit in place of the runbook's.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitOverride {
    /// Of a clause with an upper limit.
    pub(super) max: Option<f64>,
    /// Of a clause with a lower limit.
    pub(super) min: Option<f64>,
    /// Why, and who agreed: it is printed in every report.
    #[schemars(length(min = 1))]
    pub(super) reason: String,
}

/// One property for each check whose limit a policy may move, with its clause, and with `max` or
/// `min` as the clause has it; and whatever it requires of ranking measures.
fn overrides(generator: &mut SchemaGenerator) -> Schema {
    let checks = Definition::all().filter(|check| check.overridable);
    let mut table = crate::schema::table(checks.map(|check| {
        let (needed, pointless) = match check.comparator {
            Comparator::AtMost | Comparator::Within => ("max", "min"),
            Comparator::AtLeast | Comparator::Below | Comparator::Equal => ("min", "max"),
        };
        let mut limit = generator.subschema_for::<LimitOverride>();
        limit.insert("description".to_owned(), check.clause.into());
        limit.insert("required".to_owned(), json!([needed]));
        limit.insert("properties".to_owned(), json!({ pointless: false }));
        (check.id.name(), limit)
    }));
    let limit = generator.subschema_for::<LimitOverride>();
    table.insert(
        "patternProperties".to_owned(),
        json!({ RankMeasure::PATTERN: limit }),
    );
    table
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

# [[target]]                        # any service that answers over HTTP
# name = "ap-south"
# role = "candidate"
# kind = "http"
# url = "https://search.example/v1/query"
# auth_env = "SEARCH_TOKEN"         # the environment variable that holds the token, sent as Bearer
# body = '{"query": "{question}", "top_k": {k}}'
# [target.pins]
# region = "ap-south"               # X-Region-Pin
# [target.reply]                    # JSON pointers; those of a hit are counted from the hit
# hits = "/results"
# section = "/metadata/source"      # document/section, or doc_id and section_id
# [target.health]
# url = "https://search.example/v1/health"
# fields = { INDEX_HASH = "/index/hash", ANALYZER = "/index/analyzer" }

[gate]
runbook = "canary"                  # canary | blue-green | multi-region | failover-drill | traffic-shaping
stage = "shadow"                    # `ragstone explain` lists the checks, each with its stages
evidence = "bound"                  # bound: the whole 95 % bound must hold; point: the estimate alone

# require = ["rank.ndcg_cut_10 >= 0.6"]  # ranking measures that must hold besides: docs/rank.md

# baseline = "reports/before"       # a run from before the change, for BG-AUDIT
# history = ["reports/run-1"]       # earlier runs of this step, for promotion, BG-KEEP and TS-TWICE; [] means none so far

# [gate.override.CA-DS]
# max = 0.50
# reason = "why this corpus needs another limit"

# [traffic]                         # how live requests are read and judged: docs/telemetry.md
# arms = { us-east = "control", eu-west = "canary-v2" }  # what requests call a target, where that is not its name
# minutes = 60                      # how many minutes of requests decide
# latency_unit = "ms"               # s | ms | us
# [traffic.fields]                  # fields that stand elsewhere in the log
# "latency_ms.tfinal" = "duration.total"

# [[waiver]]                        # a person takes responsibility for a red check, for a while and up to a point
# check = "CA-LAM"
# target = "eu-west"                # all targets if left out
# reason = "change 4711 is being rolled back"
# approver = "who answers for it"
# expires_at = "2026-12-31"         # the last day, UTC
# max_value = 0.75                  # the worst estimate it covers
"#;
