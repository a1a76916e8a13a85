//! Order statistics: the median, its exact bounds, and quantiles.

use statrs::distribution::{Binomial, DiscreteCDF};

use crate::stats::Interval;
use crate::units::Confidence;

/// The middle value, or the mean of the two middle values.
///
/// `None` for no values or a NaN among them. Infinite values are legal: a failed question counts as
/// the worst possible one.
///
/// ```
/// assert_eq!(ragstone::stats::median(&[3.0, 1.0, 2.0]), Some(2.0));
/// assert_eq!(ragstone::stats::median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
/// assert_eq!(ragstone::stats::median(&[]), None);
/// ```
pub fn median(values: &[f64]) -> Option<f64> {
    sorted(values).map(|sorted| middle(&sorted))
}

/// The median with its exact order-statistic bounds, each one-sided at `confidence`.
///
/// The upper bound is the smallest order statistic `x₍ᵤ₎` with `P(Bin(n, ½) ≥ u) ≤ α`, and the
/// lower bound its mirror image, so that "the upper bound is at most the limit" means the same as
/// "at least `u` of `n` values are": 32 of 50, 59 of 100, 113 of 200. No distribution is assumed
/// and nothing is drawn at random. With fewer than five values at 95 % there is no such order
/// statistic and the bound is infinite.
///
/// `None` for no values or a NaN among them.
///
/// Source: the sign test; Conover, *Practical Nonparametric Statistics*, section 3.2.
pub fn median_bounds(values: &[f64], confidence: Confidence) -> Option<Interval> {
    let sorted = sorted(values)?;
    let n = sorted.len();
    let (low, high) = match votes_needed(n, confidence) {
        Some(votes) => (sorted[n - votes], sorted[votes - 1]),
        None => (f64::NEG_INFINITY, f64::INFINITY),
    };
    Some(Interval {
        estimate: middle(&sorted),
        low,
        high,
    })
}

/// How many of `n` values must lie on one side of a limit before the median does, at `confidence`.
///
/// `None` when even all of them would not be enough.
pub(crate) fn votes_needed(n: usize, confidence: Confidence) -> Option<usize> {
    let coin = Binomial::new(0.5, n as u64).expect("one half is a probability");
    (1..=n).find(|&votes| coin.sf(votes as u64 - 1) <= confidence.alpha())
}

/// The `q`-quantile with its exact order-statistic bounds, each one-sided at `confidence`.
///
/// The upper bound is the smallest order statistic `x₍ᵤ₎` with `P(Bin(n, q) ≥ u) ≤ α`, the lower
/// bound the largest `x₍ₗ₎` with `P(Bin(n, q) < l) ≤ α`: whatever the law, a quantile of 95 % lies
/// above the upper bound at most as often as α says. Where no order statistic is far enough out the
/// bound is infinite: an upper bound of p95 at 95 % needs 59 values.
///
/// `q` in `(0, 1)`. `None` for no values or a NaN among them.
///
/// ```
/// use ragstone::{stats::quantile_bounds, units::Confidence};
/// let values: Vec<f64> = (1..=59).map(f64::from).collect();
/// assert_eq!(quantile_bounds(&values, 0.95, Confidence::P95).unwrap().high, 59.0);
/// assert_eq!(quantile_bounds(&values[..58], 0.95, Confidence::P95).unwrap().high, f64::INFINITY);
/// ```
///
/// # Panics
/// If `q` is outside `(0, 1)`.
///
/// Source: Conover, *Practical Nonparametric Statistics*, section 3.2.
pub fn quantile_bounds(values: &[f64], q: f64, confidence: Confidence) -> Option<Interval> {
    assert!(q > 0.0 && q < 1.0, "the quantile of a bound lies in (0, 1)");
    let sorted = sorted(values)?;
    let below = Binomial::new(q, sorted.len() as u64).expect("q is a probability");
    let alpha = confidence.alpha();
    // Both tails fall with distance from the quantile, so the edge is a partition point.
    let ranks: Vec<usize> = (1..=sorted.len()).collect();
    let upper = ranks.partition_point(|&rank| below.sf(rank as u64 - 1) > alpha);
    let lower = ranks.partition_point(|&rank| below.cdf(rank as u64 - 1) <= alpha);
    Some(Interval {
        estimate: quantile_of_sorted(&sorted, q),
        low: lower
            .checked_sub(1)
            .map_or(f64::NEG_INFINITY, |index| sorted[index]),
        high: sorted.get(upper).copied().unwrap_or(f64::INFINITY),
    })
}

/// The `q`-quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan,
/// the default of NumPy and R).
///
/// `q` in `[0, 1]`. `None` for no values or a NaN among them.
///
/// ```
/// assert_eq!(ragstone::stats::quantile(&[1.0, 2.0, 3.0, 4.0], 0.95), Some(3.8499999999999996));
/// ```
///
/// # Panics
/// If `q` is outside `[0, 1]`.
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    assert!((0.0..=1.0).contains(&q), "a quantile lies in [0, 1]");
    Some(quantile_of_sorted(&sorted(values)?, q))
}

/// The quantile of ascending values; `q` is brought into `[0, 1]`.
pub(super) fn quantile_of_sorted(sorted: &[f64], q: f64) -> f64 {
    let position = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (below, above) = (
        sorted[position.floor() as usize],
        sorted[position.ceil() as usize],
    );
    // Two infinite neighbours would otherwise give NaN.
    if below == above {
        below
    } else {
        below + (above - below) * position.fract()
    }
}

pub(super) fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    if values.is_empty() || values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(sorted)
}

fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        return sorted[half];
    }
    let (below, above) = (sorted[half - 1], sorted[half]);
    if below == above {
        below
    } else {
        f64::midpoint(below, above)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::Discrete;

    use super::*;

    #[test]
    fn the_votes_needed_are_those_of_the_statistics_page() {
        for (n, votes) in [(50, 32), (100, 59), (200, 113)] {
            assert_eq!(votes_needed(n, Confidence::P95), Some(votes), "of {n}");
        }
        assert_eq!(votes_needed(4, Confidence::P95), None);
        assert_eq!(votes_needed(5, Confidence::P95), Some(5));
    }

    #[test]
    fn a_bound_at_the_limit_means_enough_values_at_or_below_it() {
        let with_good = |good: usize| {
            let values: Vec<f64> = (0..100)
                .map(|i| if i < good { 0.45 } else { 0.46 })
                .collect();
            median_bounds(&values, Confidence::P95)
                .expect("values")
                .high
        };
        assert!(with_good(59) <= 0.45);
        assert!(with_good(58) > 0.45);
    }

    #[test]
    fn a_nan_has_no_median() {
        assert_eq!(median(&[1.0, f64::NAN]), None);
        assert_eq!(median_bounds(&[f64::NAN], Confidence::P95), None);
    }

    #[test]
    fn failed_questions_count_as_infinitely_bad() {
        assert_eq!(
            median(&[0.3, f64::INFINITY, f64::INFINITY]),
            Some(f64::INFINITY)
        );
        assert_eq!(median(&[f64::INFINITY, f64::INFINITY]), Some(f64::INFINITY));
    }

    proptest! {
        #[test]
        fn the_bounds_of_the_half_quantile_are_those_of_the_median(values in prop::collection::vec(-5.0..5.0_f64, 1..60)) {
            let median = median_bounds(&values, Confidence::P95).expect("values");
            let half = quantile_bounds(&values, 0.5, Confidence::P95).expect("values");
            prop_assert_eq!((half.low, half.high), (median.low, median.high));
        }

        #[test]
        fn the_bounds_of_a_quantile_are_the_nearest_with_a_small_enough_tail(n in 1_usize..80, q in 0.01..0.99_f64) {
            let values: Vec<f64> = (1..=n).map(|i| i as f64).collect();
            let bounds = quantile_bounds(&values, q, Confidence::P95).expect("values");
            let count = Binomial::new(q, n as u64).expect("a probability");
            let upper_errs = |rank: usize| (rank..=n).map(|k| count.pmf(k as u64)).sum::<f64>();
            let lower_errs = |rank: usize| (0..rank).map(|k| count.pmf(k as u64)).sum::<f64>();
            let upper = (1..=n).find(|&rank| upper_errs(rank) <= 0.05);
            let lower = (1..=n).rev().find(|&rank| lower_errs(rank) <= 0.05);
            prop_assert_eq!(bounds.high, upper.map_or(f64::INFINITY, |rank| rank as f64));
            prop_assert_eq!(bounds.low, lower.map_or(f64::NEG_INFINITY, |rank| rank as f64));
        }

        #[test]
        fn the_bounds_hold_the_median_and_ignore_the_order(mut values in prop::collection::vec(-5.0..5.0_f64, 1..60)) {
            let there = median_bounds(&values, Confidence::P95).expect("values");
            values.reverse();
            prop_assert_eq!(median_bounds(&values, Confidence::P95), Some(there));
            prop_assert!(there.low <= there.estimate && there.estimate <= there.high);
        }
    }
}
