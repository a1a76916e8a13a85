//! Two logs of answers to the same questions, compared question by question.
//!
//! [`load()`] reads a side, or says by line everything that is wrong with it. [`compare`] is pure:
//! it pairs the replies, walks the ladder of [`crate::measure::answers_equal`] and judges the share
//! of equal questions. Vectors, where the semantic rung is wanted, are made by the caller for the
//! [`texts`] of both sides.
//!
//! No reply is lost: the questions are those of either side, a question that only one side has is
//! different, and one that stands twice is one question, equal only if all its replies are.

mod compare;
mod fields;
mod load;
mod noise;
mod pairing;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::embed::EmbedderId;
use crate::ids::{Digest, QuestionId, Seed};
use crate::judge::{ReasonCode, RunVerdict};
use crate::measure::{Rung, SemanticRung, Unanswered};

pub use compare::{Referred, compare, texts};
pub use fields::{Field, FieldName, FieldNames, NotAFieldName};
pub use load::{AnswerFile, AnswersError, RecordedReply, load};
pub use noise::SelfNoise;
pub use pairing::{Ids, KeyedBy};

/// The share of questions that must be equal, unless another is asked for.
pub const SHARE_EQUAL: f64 = 0.95;

/// Whether two sides answer equally, with its working. Numbers that do not exist are `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswersReport {
    /// Version of this format.
    pub format: u32,
    /// What follows.
    pub verdict: RunVerdict,
    /// Why, for machines.
    pub reason_code: ReasonCode,
    /// The first side.
    pub a: SourceRef,
    /// The second side.
    pub b: SourceRef,
    /// What names a question.
    pub keyed_by: KeyedBy,
    /// Questions of either side.
    pub n_questions: usize,
    /// Questions on each rung of the ladder; every rung is there.
    pub by_rung: BTreeMap<Rung, usize>,
    /// Questions that count as equal.
    pub n_equal: usize,
    /// Their share, in `[0, 1]`.
    pub share: Option<f64>,
    /// Its exact lower one-sided bound.
    pub ci_low: Option<f64>,
    /// Its exact upper one-sided bound.
    pub ci_high: Option<f64>,
    /// Confidence of each bound.
    pub confidence: f64,
    /// The least share that passes.
    pub limit: f64,
    /// What became of the semantic rung over all questions.
    pub semantic: SemanticRef,
    /// How far the first side agrees with its own repeats; none if it has none.
    pub noise_a: Option<SelfNoise>,
    /// The same of the second side.
    pub noise_b: Option<SelfNoise>,
    /// Questions that stand more than once with one seed.
    pub duplicates: Vec<Duplicate>,
    /// Questions that the second side was not asked.
    pub only_in_a: Vec<QuestionId>,
    /// Questions that the first side was not asked.
    pub only_in_b: Vec<QuestionId>,
    /// Every question, in the order of A and then of B.
    pub questions: Vec<QuestionResult>,
}

impl AnswersReport {
    /// The format this version writes.
    pub const FORMAT: u32 = 1;
}

/// Which file a side was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRef {
    /// Its path as given.
    pub path: String,
    /// Of its bytes.
    pub digest: Digest,
    /// Lines with a reply.
    pub n_replies: usize,
    /// Of them, replies with a seed that the other side does not have for that question: compared
    /// with nothing but the side's own repeats.
    pub n_unpaired: usize,
}

/// What became of the semantic rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SemanticRef {
    /// Who measured distances; none if nobody did.
    pub referee: Option<EmbedderId>,
    /// Questions on which the rung was checked.
    pub n_checked: usize,
    /// Questions that no better rung holds for and on which it could not be checked.
    pub n_unchecked: usize,
    /// The two counts in words, with the reasons.
    pub note: String,
}

/// A question that stands more than once with one seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// Which question.
    pub question: QuestionId,
    /// Which seed.
    pub seed: Seed,
    /// Its lines in the first file, from 1.
    pub lines_a: Vec<u64>,
    /// Its lines in the second file.
    pub lines_b: Vec<u64>,
}

/// Why a question is different before any answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmatched {
    /// Only the first side was asked.
    OnlyInA,
    /// Only the second side was asked.
    OnlyInB,
    /// Both were asked, with no seed in common.
    NoCommonSeed,
    /// It stands more often on one side than on the other.
    UnevenDuplicates,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionResult {
    /// Which.
    pub id: QuestionId,
    /// Its rung; the worst over its pairs of replies.
    pub rung: Rung,
    /// What became of the semantic rung, in the pair that decided.
    pub semantic: SemanticRung,
    /// 1 − cos of that pair's answers, in `[0, 2]`; none without vectors.
    pub distance: Option<f64>,
    /// Whether a reply of that pair is missing.
    pub unanswered: Option<Unanswered>,
    /// Why there was nothing to pair.
    pub unmatched: Option<Unmatched>,
    /// Line of that pair's reply in the first file, from 1; the first line where nothing was
    /// paired.
    pub line_a: Option<u64>,
    /// The same in the second file.
    pub line_b: Option<u64>,
}
