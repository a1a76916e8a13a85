//! Statistics: a leaf that knows no questions and no targets.
//!
//! Every function is pure. A random stream is addressed by `(seed, index)`, so the number of
//! threads cannot change a result, and sums run in the order of the input.

mod bootstrap;
mod order;
mod proportion;
mod random;

pub use bootstrap::{Resamples, bca_mean};
pub use order::{median, median_bounds, quantile};
pub use proportion::clopper_pearson;
pub use random::stream;

/// An estimate between two one-sided bounds that each hold with the stated confidence.
///
/// With bounds of 95 % each, `[low, high]` is a two-sided interval of 90 %: the pair that a
/// three-way verdict needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The point estimate.
    pub estimate: f64,
    /// The lower one-sided bound; minus infinity when the sample is too small to have one.
    pub low: f64,
    /// The upper one-sided bound; plus infinity when the sample is too small to have one.
    pub high: f64,
}
