//! Runs of ranked results measured by judgments, and compared.
//!
//! [`evaluate()`] makes an [`Evaluation`] of each run; [`compare()`] puts them beside the first; a
//! [`RankReport`] is what outputs are drawn from. One run is printed as `trec_eval` does.

mod asked;
mod compare;
mod evaluate;
mod hits;
mod layout;
mod report;
mod text;
mod zscores;

pub use asked::Asked;
pub use compare::{
    Adjusted, CompareOptions, Comparison, Equivalent, Likeness, MeasureComparison, QueryDifference,
    Significance, Spread, compare,
};
pub use evaluate::{EvaluateOptions, Evaluation, QuerySet, QueryValues, UnjudgedAs, evaluate};
pub use hits::{RankedHits, ScoreMode, Ties};
pub use layout::{Layout, trec_eval};
pub use report::{MeasureReport, QueryReport, RankReport, RunReport};
pub use text::text;
pub use zscores::{ZScoreError, ZScores};
