//! Statistics: a leaf that knows no questions and no targets.
//!
//! Every function is pure. A random stream is addressed by `(seed, index)`, so the number of
//! threads cannot change a result, and sums run in the order of the input. What has no value is
//! `None`, never NaN.
//!
//! Where to look: bounds of one sample in `order` (quantiles), `bootstrap` (anything) and
//! `proportion` (rates); two samples in `difference` (means and rates, with equivalence),
//! `wilcoxon`, `mann_whitney`, `sign`, `permutation` and `kolmogorov`; many checks in `multiple`;
//! looking while the data arrive in `e_process` and `tail`; change over time in `slope`; how much data is needed in `power` and `foresight`.

mod bootstrap;
mod difference;
mod e_process;
mod foresight;
mod kolmogorov;
mod mann_whitney;
mod moments;
mod multiple;
mod normal;
mod order;
mod permutation;
mod power;
mod proportion;
mod random;
mod ranks;
mod sign;
mod slope;
mod solve;
mod tail;
mod test_result;
mod wilcoxon;

pub use bootstrap::{
    Binned, BootstrapMethod, Pairing, Resamples, abc_mean, bca_mean, bootstrap,
    bootstrap_binned_ratio, bootstrap_mean, bootstrap_median, bootstrap_quantile,
    bootstrap_quantile_ratio,
};
pub use difference::{Difference, Equivalence, Margin, Summary};
pub use e_process::{ArmErrors, EProcess, HARM_EVIDENCE, HARM_RATIOS, TOLERATED_RATIO};
pub use foresight::{
    Moments, QuantileRatioDesign, Steps, bounded_mean_power, detectable_mean, mean_power,
    median_power_by_point, quantile_ratio_power, rate_power_by_point,
};
pub use kolmogorov::kolmogorov_smirnov;
pub use mann_whitney::{cliffs_delta, hodges_lehmann, mann_whitney, mann_whitney_cdf};
pub use moments::{lag_one_autocorrelation, mean, standard_deviation};
pub use multiple::{benjamini_hochberg, holm};
pub(crate) use order::votes_needed;
pub use order::{median, median_bounds, quantile, quantile_bounds};
pub use permutation::{EXACT_SIGN_FLIPS, permutation_of_means, sign_flip, sign_flip_resampled};
pub(crate) use power::events_allowed;
pub use power::{
    PairedDesign, Power, detectable_median_share, detectable_rate, detectable_standard_deviation,
    errors_needed_per_arm, median_power, rate_power, requests_needed_per_arm, tost_power,
    trials_needed_without_event,
};
pub use proportion::{
    Tally, agresti_coull, bounded_mean, bounded_mean_below, clopper_pearson, jeffreys, newcombe,
    wilson,
};
pub use random::stream;
pub use sign::sign_test;
pub use slope::{Point, blocks, slope};
pub(crate) use solve::where_it_reaches;
pub use tail::TailRatio;
pub use test_result::{Alternative, NullLaw, TestResult};
pub use wilcoxon::{Zeros, pseudomedian_bounds, wilcoxon_signed_rank};

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

impl Interval {
    /// The wider of two intervals at either end: what holds where either method does. The estimate is
    /// the first one's.
    ///
    /// ```
    /// use ragstone::stats::Interval;
    /// let one = Interval { estimate: 0.5, low: 0.4, high: 0.6 };
    /// let other = Interval { estimate: 0.5, low: 0.3, high: 0.55 };
    /// assert_eq!(one.widened(other), Interval { estimate: 0.5, low: 0.3, high: 0.6 });
    /// ```
    #[must_use]
    pub fn widened(self, other: Self) -> Self {
        Self {
            estimate: self.estimate,
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }
}
