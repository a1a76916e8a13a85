//! The bootstrap: bounds of a statistic from resamples of what was seen.
//!
//! Resample `i` owns random stream `i`, so the same bytes come out at any thread count. Four ways
//! in: [`bootstrap`] for any statistic, and quicker ones for a mean, a quantile and the ratio of
//! two quantiles (of values, or of counts by bin), which draw from the same resampling law.

mod binned;
mod mean;
mod quantile;
mod ratio;

use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::stats::order::quantile_of_sorted;
use crate::stats::{Interval, stream};
use crate::units::Confidence;

pub use binned::{Binned, Pairing, bootstrap_binned_ratio};
pub use mean::{abc_mean, bca_mean, bootstrap_mean};
pub use quantile::{bootstrap_median, bootstrap_quantile};
pub use ratio::bootstrap_quantile_ratio;

/// How a bootstrap resamples: how often, and from which random sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resamples {
    /// Number of resamples, at least 1: a bootstrap of none panics.
    pub n: u32,
    /// Names the random sequence; resample `i` draws from its stream `i`.
    pub seed: u64,
}

impl Default for Resamples {
    /// 10,000 resamples, as STATISTICS.md asks.
    fn default() -> Self {
        Self { n: 10_000, seed: 1 }
    }
}

/// Which levels of the resampled statistics become the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootstrapMethod {
    /// The nominal ones.
    Percentile,
    /// Corrected for bias and skewness (BCa).
    Bca,
}

/// A statistic of `units` with its bootstrap bounds, each one-sided at `confidence`.
///
/// A unit is what is resampled: a question with all its values, never one of its cells. `statistic`
/// sees resampled units in random order. `None` for no units, or when the statistic has no value or
/// one that is not finite, be it on a single resample.
///
/// ```
/// use ragstone::{stats::{BootstrapMethod, Resamples, bootstrap, mean}, units::Confidence};
/// let values = [1.0, 2.0, 4.0, 8.0, 16.0];
/// let bounds = bootstrap(&values, mean, BootstrapMethod::Bca, Resamples::default(), Confidence::P95);
/// let bounds = bounds.unwrap();
/// assert!(bounds.low < bounds.estimate && bounds.estimate < bounds.high);
/// ```
///
/// Source: Efron (1987), *Better bootstrap confidence intervals*; acceleration by the jackknife,
/// ties counted half as in SciPy. Time `O(resamples)` statistics, parallel, and `O(n)` more for BCa.
pub fn bootstrap<T: Copy + Send + Sync>(
    units: &[T],
    statistic: impl Fn(&[T]) -> Option<f64> + Sync,
    method: BootstrapMethod,
    resamples: Resamples,
    confidence: Confidence,
) -> Option<Interval> {
    if units.is_empty() {
        return None;
    }
    let statistic = |units: &[T]| statistic(units).filter(|value| value.is_finite());
    let estimate = statistic(units)?;
    let drawn = (0..u64::from(resamples.n))
        .into_par_iter()
        .map_init(Vec::new, |resample, index| {
            let mut rng = stream(resamples.seed, index);
            resample.clear();
            resample.extend((0..units.len()).map(|_| units[rng.random_range(0..units.len())]));
            statistic(resample)
        })
        .collect::<Option<Vec<f64>>>()?;
    let jackknife = match method {
        BootstrapMethod::Percentile => Vec::new(),
        BootstrapMethod::Bca => (0..units.len())
            .map(|left_out| {
                let rest = [&units[..left_out], &units[left_out + 1..]].concat();
                // The statistic of a single unit has no neighbours to be compared with.
                if rest.is_empty() {
                    Some(estimate)
                } else {
                    statistic(&rest)
                }
            })
            .collect::<Option<Vec<f64>>>()?,
    };
    let acceleration = || acceleration(&jackknife);
    Some(bounds(estimate, drawn, method, acceleration, confidence))
}

/// The bounds that the resampled statistics give.
fn bounds(
    estimate: f64,
    mut drawn: Vec<f64>,
    method: BootstrapMethod,
    acceleration: impl FnOnce() -> f64,
    confidence: Confidence,
) -> Interval {
    assert!(!drawn.is_empty(), "a bootstrap draws resamples");
    drawn.par_sort_unstable_by(f64::total_cmp);
    let (low, high) = match method {
        BootstrapMethod::Percentile => (confidence.alpha(), confidence.get()),
        BootstrapMethod::Bca => {
            let (share, acceleration) = (share_below(&drawn, estimate), acceleration());
            let level = |nominal| corrected_level(nominal, share, acceleration);
            (level(confidence.alpha()), level(confidence.get()))
        }
    };
    Interval {
        estimate,
        low: quantile_of_sorted(&drawn, low),
        high: quantile_of_sorted(&drawn, high),
    }
}

/// The share of ascending values below the estimate, a tie counting half.
fn share_below(sorted: &[f64], estimate: f64) -> f64 {
    let below = sorted.partition_point(|&value| value < estimate);
    let not_above = sorted.partition_point(|&value| value <= estimate);
    let n = sorted.len() as f64;
    // Half a resample away from 0 and 1, where the normal quantile would be infinite.
    let half = 0.5 / n;
    let tied = (not_above - below) as f64;
    ((below as f64 + tied / 2.0) / n).clamp(half, 1.0 - half)
}

/// The skewness of the statistics that leave one unit out, divided by six; 0 without spread.
fn acceleration(jackknife: &[f64]) -> f64 {
    let centre = jackknife.iter().sum::<f64>() / jackknife.len() as f64;
    let shifts = jackknife.iter().map(|value| centre - value);
    let (squares, cubes) = shifts.fold((0.0, 0.0), |(squares, cubes), shift| {
        (squares + shift * shift, cubes + shift * shift * shift)
    });
    if squares > 0.0 {
        cubes / (6.0 * squares.powf(1.5))
    } else {
        0.0
    }
}

/// Which level of the bootstrap distribution stands for the nominal `level`.
fn corrected_level(level: f64, share_below: f64, acceleration: f64) -> f64 {
    let normal = Normal::standard();
    let bias = normal.inverse_cdf(share_below);
    let shifted = bias + normal.inverse_cdf(level);
    normal.cdf(bias + shifted / (1.0 - acceleration * shifted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{mean, median};

    const SKEWED: [f64; 9] = [1.0, 1.5, 2.0, 2.5, 3.5, 5.0, 8.0, 13.0, 40.0];
    const MANY: Resamples = Resamples {
        n: 20_000,
        seed: 11,
    };

    #[track_caller]
    fn near(a: Option<Interval>, b: Option<Interval>, tolerance: f64) {
        let (a, b) = (a.expect("a value"), b.expect("a value"));
        assert_eq!(a.estimate, b.estimate);
        assert!((a.low - b.low).abs() <= tolerance, "{a:?} {b:?}");
        assert!((a.high - b.high).abs() <= tolerance, "{a:?} {b:?}");
    }

    #[test]
    fn the_quick_ways_agree_with_the_general_one() {
        for method in [BootstrapMethod::Percentile, BootstrapMethod::Bca] {
            for values in [&SKEWED[..], &SKEWED[..8]] {
                let slow = bootstrap(values, median, method, MANY, Confidence::P95);
                let fast = bootstrap_median(values, method, MANY, Confidence::P95);
                // The law has steps; both land on the same one.
                near(slow, fast, 1e-9);
            }
            let slow = bootstrap(&SKEWED, mean, method, MANY, Confidence::P95);
            let fast = bootstrap_mean(&SKEWED, method, MANY, Confidence::P95);
            near(slow, fast, 0.15);
        }
    }

    #[test]
    fn what_has_no_value_has_no_bounds() {
        let none = |units: &[f64], statistic: fn(&[f64]) -> Option<f64>| {
            let resamples = Resamples { n: 10, seed: 1 };
            bootstrap(
                units,
                statistic,
                BootstrapMethod::Bca,
                resamples,
                Confidence::P95,
            )
        };
        assert_eq!(none(&[], mean), None);
        assert_eq!(none(&[1.0, 2.0], |_| None), None);
        assert_eq!(none(&[1.0, 2.0], |_| Some(f64::NAN)), None);
        let single = none(&[3.0], mean).expect("a value");
        assert_eq!((single.low, single.high), (3.0, 3.0));
    }

    #[test]
    fn no_spread_left_out_means_no_acceleration() {
        assert_eq!(acceleration(&[2.0; 5]), 0.0);
    }
}
