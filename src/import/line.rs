//! One line of a file of observations.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::net::Stage;
use crate::parity::Contract;
use crate::target::OffsetUnit;

/// What one line holds, for messages.
pub(super) const EXPECTED: &str = "{\"target\": …, \"question\": …, \"form\": …, \"seed\": …, \"hits\": [{\"doc_id\": …, \"section_id\": …, \"id\": …, \"score\": …, \"text\": …}]} with an \"error\" in place of the hits where there was one, or {\"target\": …, \"contract\": {…}}";

/// One line of the file that `ragstone import-run` reads: a probe and what it came to, or what a target
/// says of itself.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum Line {
    /// A probe.
    Probe(Box<ProbeLine>),
    /// A contract.
    Contract(ContractLine),
}

/// A probe and what it came to: hits, or an error.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
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
    /// Hits that were asked for: the policy's `k`, if left out, or a point of its `k_sweep`.
    #[schemars(range(min = 1))]
    pub k: Option<usize>,
    /// What came back, best first.
    #[serde(default)]
    pub hits: Vec<HitLine>,
    /// The generated answer, from targets that answer.
    pub answer: Option<String>,
    /// What the answer says it rests on.
    #[serde(default)]
    pub citations: Vec<String>,
    /// Why there is no reply; without hits.
    pub error: Option<ErrorLine>,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// Network tries; 1, if left out.
    #[schemars(range(min = 1))]
    pub attempts: Option<u32>,
    /// How long the attempt that was answered took, in milliseconds.
    pub latency_ms: Option<LatencyLine>,
    /// Whether the target had to start something before it could answer. Latency is judged only where
    /// every line says so.
    pub cold_start: Option<bool>,
}

/// One retrieved text.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HitLine {
    /// The document of its section.
    #[schemars(length(min = 1))]
    pub doc_id: String,
    /// The section within it.
    #[schemars(length(min = 1))]
    pub section_id: String,
    /// Its own id in the index; it may be called `snippet_id` as well.
    pub id: Option<String>,
    /// The same as `id`: one of the two is required.
    pub snippet_id: Option<String>,
    /// The target's score: larger is better, and no score is larger than the one before it.
    pub score: f64,
    /// The text as returned.
    pub text: String,
    /// Where it begins in its section, together with `end`.
    pub start: Option<usize>,
    /// Where it ends, exclusive.
    pub end: Option<usize>,
    /// What the two count: `char`, if left out.
    pub unit: Option<OffsetUnit>,
}

/// Why a probe has no reply.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
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

/// Milliseconds from the beginning of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyLine {
    /// To the first byte of the body.
    #[schemars(range(min = 0))]
    pub tffb: Option<f64>,
    /// To the first part of the body that a reader could use.
    #[schemars(range(min = 0))]
    pub tusable: Option<f64>,
    /// To the last byte.
    #[schemars(range(min = 0))]
    pub tfinal: Option<f64>,
}

/// What a target says of itself.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractLine {
    /// A target of the policy.
    #[schemars(length(min = 1))]
    pub target: String,
    /// The fields that it states. A target without a contract states nothing.
    pub contract: Contract,
    /// When it was read. One that says `start` or `end` needs the other beside it; one that says nothing
    /// stands for both.
    pub at: Option<Reading>,
}

/// When a contract was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
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
