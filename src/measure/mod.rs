//! Measuring: from what came back to one row of numbers a probe.
//!
//! Pure: no clock, no network, no random seed. [`Matched::new`] checks once that gold set, run and
//! vectors belong together; after it measuring cannot fail. Rows are computed in parallel and kept
//! in plan order, so one thread and sixteen give the same bytes.

mod answers;
mod axis;
mod citations;
mod coverage;
mod curve;
mod delta_s;
mod lambda;
mod matched;
mod noise;
mod numbers;
mod pairs;
mod question;
mod rank;
mod replies;
mod table;
mod wording;

pub use answers::{
    AnswerComparison, AnswerContext, AnswerSummary, LEAST_REPEATED, Reply, Rung, SemanticRung,
    Unanswered, answers_equal, noise_of,
};
pub use axis::{Axes, FlippedParaphrases, axes, flipped_paraphrases, seeds_vary};
pub use citations::citations;
pub use coverage::{CoverageMode, CoverageOf, TargetTokens};
pub use curve::{CurvePoint, curve};
pub use delta_s::{Centroid, delta_s};
pub use lambda::{AGREEMENT, Lambda, state};
pub use matched::{MatchError, Matched, Prepared};
pub use noise::{SelfNoise, self_noise};
pub use numbers::numbers;
pub use pairs::{PairedQuestion, pair};
pub use question::{Missing, QuestionMetrics, questions};
pub use rank::{NoRankMeasure, RankMeasure, RankMeasures, RankValues};
pub use replies::{Asking, OwnShare, QuestionAnswers, Replies, SideAnswers};
pub use table::{CellMetrics, Latency, MetricTable, Status, latency, measure, section_ranking};
pub use wording::normalised;
