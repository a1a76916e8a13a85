//! The bootstrap of the ratio of two quantiles, questions paired.

use rand::RngExt;
use rayon::prelude::*;

use crate::stats::bootstrap::quantile::between;
use crate::stats::bootstrap::{BootstrapMethod, Resamples, acceleration, bounds};
use crate::stats::{Interval, stream};
use crate::units::Confidence;

/// The ratio of a quantile of `candidate` to that of `control`, such as p95 over p95, with its
/// bootstrap bounds, each one-sided at `confidence`.
///
/// Shapes: `control[i]` and `candidate[i]` are the values of unit (question) `i` on either side, one
/// or more of them and not necessarily as many. Units are resampled with all their values and
/// together on both sides, so that a slow question is slow on both; the quantile (type 7) is that
/// of all values pooled. The bootstrap works on the logarithm of the ratio and its bounds are
/// turned back, so swapping the sides turns the bounds over. Result in `(0, ∞)`.
///
/// `None` for no units, a unit without values, or a value that is not positive and finite.
///
/// ```
/// use ragstone::{stats::{BootstrapMethod, Resamples, bootstrap_quantile_ratio}, units::Confidence};
/// let control: Vec<Vec<f64>> = (1..=40).map(|i| vec![f64::from(i), f64::from(i) + 0.5]).collect();
/// let candidate: Vec<Vec<f64>> = control.iter().map(|q| q.iter().map(|ms| ms * 1.25).collect()).collect();
/// let (bca, resamples) = (BootstrapMethod::Bca, Resamples { n: 1000, seed: 1 });
/// let ratio = bootstrap_quantile_ratio(&control, &candidate, 0.95, bca, resamples, Confidence::P95);
/// let ratio = ratio.unwrap();
/// // Every question is slower by a quarter, so the pairs leave no doubt.
/// assert!((ratio.low - 1.25).abs() < 1e-9 && (ratio.high - 1.25).abs() < 1e-9);
/// ```
///
/// # Panics
/// If the sides differ in their number of units, or `q` is outside `[0, 1]`.
///
/// Time: both sides are sorted once, and a resample is a count per unit and a walk down the sorted
/// values from the nearer end, which for p95 sees about a twentieth of them; parallel.
pub fn bootstrap_quantile_ratio(
    control: &[Vec<f64>],
    candidate: &[Vec<f64>],
    q: f64,
    method: BootstrapMethod,
    resamples: Resamples,
    confidence: Confidence,
) -> Option<Interval> {
    assert_eq!(control.len(), candidate.len(), "units have two sides");
    assert!((0.0..=1.0).contains(&q), "a quantile lies in [0, 1]");
    let (control, candidate) = (Side::new(control, q)?, Side::new(candidate, q)?);
    let n = control.sizes.len();
    let log_ratio = |counts: &[u32]| candidate.log_quantile(counts) - control.log_quantile(counts);
    let drawn = (0..u64::from(resamples.n))
        .into_par_iter()
        .map_init(
            || vec![0_u32; n],
            |counts, index| {
                let mut rng = stream(resamples.seed, index);
                counts.fill(0);
                for _ in 0..n {
                    counts[rng.random_range(0..n)] += 1;
                }
                log_ratio(counts)
            },
        )
        .collect();
    let mut counts = vec![1; n];
    let estimate = log_ratio(&counts);
    let acceleration = || {
        let jackknife: Vec<f64> = (0..n)
            .map(|left_out| {
                // A single unit has no others to be compared with.
                counts[left_out] = u32::from(n == 1);
                let without = log_ratio(&counts);
                counts[left_out] = 1;
                without
            })
            .collect();
        acceleration(&jackknife)
    };
    let logs = bounds(estimate, drawn, method, acceleration, confidence);
    Some(Interval {
        estimate: logs.estimate.exp(),
        low: logs.low.exp(),
        high: logs.high.exp(),
    })
}

/// One side: its values in the order in which a quantile is walked to.
struct Side {
    q: f64,
    /// The logarithm of a value and its unit; from the top down when the quantile is nearer to it.
    values: Vec<(f64, usize)>,
    /// How many values each unit has.
    sizes: Vec<usize>,
}

impl Side {
    fn new(units: &[Vec<f64>], q: f64) -> Option<Self> {
        let fits = |value: &f64| *value > 0.0 && value.is_finite();
        if units.is_empty() || units.iter().any(|u| u.is_empty() || !u.iter().all(fits)) {
            return None;
        }
        let mut values: Vec<(f64, usize)> = units
            .iter()
            .enumerate()
            .flat_map(|(unit, values)| values.iter().map(move |value| (*value, unit)))
            .collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        if q > 0.5 {
            values.reverse();
        }
        Some(Self {
            q,
            values,
            sizes: units.iter().map(Vec::len).collect(),
        })
    }

    /// The logarithm of the quantile when unit `i` is there `counts[i]` times.
    fn log_quantile(&self, counts: &[u32]) -> f64 {
        let counted = self.sizes.iter().zip(counts);
        let total: usize = counted.map(|(size, count)| size * *count as usize).sum();
        let position = self.q * (total - 1) as f64;
        let (below, above) = (position.floor() as usize, position.ceil() as usize);
        let value = if self.q > 0.5 {
            let (above, below) = self.walk(counts, total - 1 - above, total - 1 - below);
            between(below, above, position.fract())
        } else {
            let (below, above) = self.walk(counts, below, above);
            between(below, above, position.fract())
        };
        value.ln()
    }

    /// The values at two indices of the walk, the first not after the second.
    fn walk(&self, counts: &[u32], first: usize, second: usize) -> (f64, f64) {
        let (mut passed, mut found) = (0, None);
        for &(value, unit) in &self.values {
            passed += counts[unit] as usize;
            if passed > first && found.is_none() {
                found = Some(value);
            }
            if passed > second {
                return (found.expect("the first is not after the second"), value);
            }
        }
        unreachable!("an index below the total is passed")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::quantile;

    proptest! {
        #[test]
        fn counting_gives_the_quantile_of_the_pooled_values(
            units in prop::collection::vec((prop::collection::vec(0.5..9.0_f64, 1..4), 0_u32..3), 1..12),
            q in 0.0..=1.0_f64,
        ) {
            let (values, counts): (Vec<Vec<f64>>, Vec<u32>) = units.into_iter().unzip();
            let pooled: Vec<f64> = values.iter().zip(&counts)
                .flat_map(|(unit, &count)| unit.repeat(count as usize))
                .collect();
            if let Some(slow) = quantile(&pooled, q) {
                let fast = Side::new(&values, q).expect("positive").log_quantile(&counts);
                prop_assert!((fast - slow.ln()).abs() < 1e-12, "{} {}", fast, slow.ln());
            }
        }
    }

    /// Forty questions of five calls each; the candidate's are a few per cent slower.
    fn sides() -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let call = |i: u32, j: u32, factor: f64| {
            let base = 20.0 + f64::from(i * 31 % 40);
            factor * base * (1.0 + f64::from((i * 7 + j * 13) % 11) / 10.0)
        };
        let side = |factor: f64, turn: u32| -> Vec<Vec<f64>> {
            let unit = |i| (0..5).map(|j| call(i, j + turn, factor)).collect();
            (0..40).map(unit).collect()
        };
        (side(1.0, 0), side(1.04, 3))
    }

    fn ratio(a: &[Vec<f64>], b: &[Vec<f64>], method: BootstrapMethod) -> Interval {
        bootstrap_quantile_ratio(a, b, 0.95, method, Resamples::default(), Confidence::P95)
            .expect("positive")
    }

    #[test]
    fn swapping_the_sides_turns_the_bounds_over() {
        let (control, candidate) = sides();
        for method in [BootstrapMethod::Percentile, BootstrapMethod::Bca] {
            let there = ratio(&control, &candidate, method);
            let back = ratio(&candidate, &control, method);
            assert!((there.estimate * back.estimate - 1.0).abs() < 1e-12);
            assert!(
                (there.low * back.high - 1.0).abs() < 1e-3,
                "{there:?} {back:?}"
            );
            assert!(there.low < there.estimate && there.estimate < there.high);
        }
    }

    #[test]
    fn values_without_a_logarithm_have_no_ratio() {
        let none = |a: Vec<Vec<f64>>, b: Vec<Vec<f64>>| {
            let method = BootstrapMethod::Bca;
            bootstrap_quantile_ratio(&a, &b, 0.95, method, Resamples::default(), Confidence::P95)
        };
        assert_eq!(none(vec![], vec![]), None);
        assert_eq!(none(vec![vec![]], vec![vec![1.0]]), None);
        assert_eq!(none(vec![vec![0.0]], vec![vec![1.0]]), None);
        assert_eq!(none(vec![vec![1.0]], vec![vec![f64::INFINITY]]), None);
        let single = none(vec![vec![1.0]], vec![vec![2.0]]).expect("positive");
        assert!((single.low - 2.0).abs() < 1e-12 && (single.high - 2.0).abs() < 1e-12);
    }
}
