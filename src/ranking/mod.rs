//! Ranked lists: how good one is by judgments, and how alike two are.
//!
//! Pure, and a leaf: it knows documents and grades, and no gold set, no target and no file.

mod overlap;

pub use overlap::{RBO_P, Ranking, jaccard, kendall_tau_b, overlap_at, rbo_ext};
