//! How alike two rankings are.
//!
//! A [`Ranking`] has ties; every measure says how it counts them. Two rankings are put beside each
//! other by a merge of their sorted items (`aligned`), and read depth by depth (`depths`), so that
//! all measures take `O(n)` time, and τ-b `O(n log n)`.
//!
//! What has nothing to compare is `None`, never 0 or 1.

mod aligned;
mod common;
mod depths;
mod kendall;
mod ranking;
mod rbo;
mod rbo_ties;
#[cfg(test)]
mod samples;
mod spearman;

pub use common::{jaccard, overlap_at};
pub use kendall::kendall_tau_b;
pub use ranking::Ranking;
pub use rbo::{RBO_P, Rbo, rbo, rbo_at, rbo_ext};
pub use rbo_ties::Ties;
pub use spearman::spearman_rho;

/// A rank correlation over the items that two rankings have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation {
    /// In [−1, 1]. `None` when fewer than two items are in common, or all of those are one tie on a
    /// side, which leaves no order to agree with.
    pub value: Option<f64>,
    /// Items in common.
    pub n: usize,
}
