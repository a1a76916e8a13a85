//! One line of a file of observations: what `export --as jsonl` writes and `import-run` reads.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::measure::{CoverageMode, Lambda};
use crate::net::Stage;
use crate::parity::Contract;
use crate::replay::Purpose;
use crate::target::OffsetUnit;

/// What one line holds, for messages.
pub const EXPECTED: &str = "{\"target\": …, \"question\": …, \"form\": …, \"seed\": …, \"hits\": [{\"doc_id\": …, \"section_id\": …, \"id\": …, \"score\": …, \"text\": …}]} with an \"error\" in place of the hits where there was one, or {\"target\": …, \"contract\": {…}}";

/// One line of the file that `ragstone import-run` reads and `ragstone export --as jsonl` writes: a probe
/// and what it came to, or what a target says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Line {
    /// A probe.
    Probe(Box<ProbeLine>),
    /// A contract.
    Contract(ContractLine),
}

/// A probe and what it came to: hits, or an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeLine {
    /// A target of the policy.
    #[schemars(length(min = 1))]
    pub target: String,
    /// The id of a gold question.
    #[schemars(length(min = 1))]
    pub question: String,
    /// Which wording was asked: 0 is the original, 1 the first paraphrase, and so on.
    pub form: u16,
    /// One of the policy's seeds. With a single seed a probe may stand twice: the second time it is the
    /// repeat.
    pub seed: u64,
    /// What it was made for; needed only where a line of another purpose has the same question, form, seed and
    /// `k`. Left out, it is what the plan has there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// Hits that were asked for: the policy's `k`, if left out, or a point of its `k_sweep`.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<usize>,
    /// What came back, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<HitLine>,
    /// The generated answer, from targets that answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What the answer says it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<String>,
    /// Why there is no reply; without hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorLine>,
    /// Why the probe was never made; without hits and without an error.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// The HTTP status, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Network tries; 1, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// From the first attempt's start to the last one's end, waits between them included; the time to the last
    /// byte, if left out.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<f64>,
    /// How long the attempt that was answered took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<LatencyLine>,
    /// Whether the reply was kept from an earlier run, so that it says nothing about latency; false, if left
    /// out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached: Option<bool>,
    /// Whether the target had to start something before it could answer. Latency is judged only where
    /// every line says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold_start: Option<bool>,
    /// The numbers of the run that was exported. Reading passes over them: what is judged is measured anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsLine>,
}

/// One retrieved text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HitLine {
    /// The document of its section.
    #[schemars(length(min = 1))]
    pub doc_id: String,
    /// The section within it.
    #[schemars(length(min = 1))]
    pub section_id: String,
    /// Its own id in the index; it may be called `snippet_id` as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The same as `id`: one of the two is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet_id: Option<String>,
    /// The target's score: larger is better, and no score is larger than the one before it.
    pub score: f64,
    /// The text as returned.
    pub text: String,
    /// Where it begins in its section, together with `end`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// Where it ends, exclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<usize>,
    /// What the two count: `char`, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<OffsetUnit>,
}

/// Why a probe has no reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorLine {
    /// A short stable name: `timeout`, `http_503`.
    #[schemars(length(min = 1))]
    pub class: String,
    /// Where it happened.
    pub stage: Stage,
    /// For people.
    pub message: String,
}

/// What a run measured of a probe. What is left out is undefined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricsLine {
    /// What the question is about.
    pub topic: String,
    /// Whether the corpus answers it.
    pub answerable: bool,
    /// ΔS(question, retrieved), in [0, 2].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta_s: Option<f64>,
    /// ΔS(retrieved, anchor).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta_s_anchor: Option<f64>,
    /// ΔS(retrieved, decoy).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta_s_decoy: Option<f64>,
    /// Tokens of the target sections retrieved, in [0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// Tokens of the evidence spans retrieved, in [0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence_coverage: Option<f64>,
    /// How coverage was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_mode: Option<CoverageMode>,
    /// Rank of the first hit in a target section, from 1.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_rank: Option<usize>,
    /// Rank-biased overlap with the reference ranking, in [0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// The state of the cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda: Option<Lambda>,
    /// Ranking measures by name, such as `ndcg_cut_10`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rank: BTreeMap<String, f64>,
}

/// Milliseconds; what did not happen, or cannot be told, is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyLine {
    /// Finding the address took.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolve: Option<f64>,
    /// Opening the connection took, encryption included.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<f64>,
    /// From the beginning of the attempt to the status and headers.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<f64>,
    /// To the first byte of the body.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tffb: Option<f64>,
    /// To the first part of the body that a reader could use.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tusable: Option<f64>,
    /// To the last byte.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tfinal: Option<f64>,
    /// Making sense of the bytes took.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<f64>,
}

/// What a target says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractLine {
    /// A target of the policy.
    #[schemars(length(min = 1))]
    pub target: String,
    /// The fields that it states. A target without a contract states nothing.
    pub contract: Contract,
    /// When it was read. One that says `start` or `end` needs the other beside it; one that says nothing
    /// stands for both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Reading>,
}

/// When a contract was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// Before the first probe.
    Start,
    /// After the last probe.
    End,
}

/// Tells the two kinds of line apart, so that what is wrong with one is not told of the other.
#[derive(Deserialize)]
struct Peek {
    #[serde(default)]
    contract: Option<IgnoredAny>,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// With the column, if it is neither a probe nor a contract.
    pub fn parse(line: &[u8]) -> serde_json::Result<Self> {
        let Peek { contract } = serde_json::from_slice(line)?;
        if contract.is_some() {
            serde_json::from_slice(line).map(Self::Contract)
        } else {
            serde_json::from_slice(line).map(|probe| Self::Probe(Box::new(probe)))
        }
    }
}
