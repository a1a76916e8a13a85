//! Ranked lists: how good one is by judgments, and how alike two are.
//!
//! Pure, and a leaf: it knows documents and grades, and no gold set, no target and no file. The measures are
//! those of `trec_eval` 10, to the last digit, and some of other tools under their own names; [`Family`] lists
//! them, and names, help and output follow from it.

mod binary;
mod family;
mod gain;
mod judged;
mod measure;
mod neighbors;
mod overlap;
mod parse;
#[cfg(test)]
mod tests;

pub use family::{Family, Over, Takes};
pub use gain::Gains;
pub use judged::{Judged, JudgedList, RelevanceLevel};
pub use measure::Measure;
pub use neighbors::{NEIGHBOR_TIE, Nearest, ann_recall_at};
pub use overlap::{
    Correlation, RBO_P, Ranking, Rbo, Ties, jaccard, kendall_tau_b, overlap_at, rbo, rbo_at,
    rbo_ext, spearman_rho,
};
pub use parse::{UnknownMeasure, measures};
