//! Runs of ranked results measured by judgments, and compared.

mod evaluate;
mod hits;

pub use evaluate::{EvaluateOptions, Evaluation, QuerySet, QueryValues, UnjudgedAs, evaluate};
pub use hits::{RankedHits, ScoreMode, Ties};
