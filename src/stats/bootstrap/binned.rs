//! The bootstrap of the ratio of two quantiles of counted values, windows resampled whole.

use rand::RngExt;
use rayon::prelude::*;

use crate::stats::bootstrap::{BootstrapMethod, Resamples, bounds};
use crate::stats::{Interval, stream};
use crate::units::Confidence;

/// How many values of a unit fall into one bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binned {
    /// Which bin: of two bins, the one of the larger values has the larger index.
    pub index: u32,
    /// How many values.
    pub n: u64,
}

/// Whether unit `i` of one side belongs to unit `i` of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// The same units on both sides, which are drawn together: what slows one down slows both.
    Paired,
    /// Units of different times, each side drawn by itself.
    Apart,
}

/// The ratio of a quantile of `candidate` to that of `control`, with its percentile bootstrap bounds,
/// each one-sided at `confidence`, when the values are only known by bin.
///
/// Shapes: `control[i]` and `candidate[i]` count the values of unit `i`, a window of time, in any
/// order of bins. Units are resampled with all their values, since the requests of one minute share
/// their fortunes. The quantile at `q` is the value of the bin that holds the value of rank
/// `round(q · (n − 1))` of all that were drawn; `value` names it. Result in `(0, ∞)`.
///
/// `None` for no units, a unit without values, or a bin in use whose value is not positive and finite.
///
/// ```
/// use ragstone::{stats::{Binned, Pairing, Resamples, bootstrap_binned_ratio}, units::Confidence};
/// let minute = |index| vec![Binned { index, n: 90 }, Binned { index: index + 30, n: 10 }];
/// let (control, candidate) = (vec![minute(100); 20], vec![minute(150); 20]);
/// let ratio = bootstrap_binned_ratio(
///     &control, &candidate, Pairing::Paired, 0.95, f64::from, Resamples::default(), Confidence::P95,
/// );
/// assert!((ratio.unwrap().estimate - 180.0 / 130.0).abs() < 1e-12);
/// ```
///
/// # Panics
/// If the units are paired and the sides differ in their number, or `q` is outside `[0, 1]`.
///
/// Time: for each resample a count per unit, and for each side a binary search over the bins in use,
/// of which a step is one product of that count with the unit's values from that bin on; parallel.
/// Memory: 8 bytes for each unit and bin in use.
pub fn bootstrap_binned_ratio(
    control: &[Vec<Binned>],
    candidate: &[Vec<Binned>],
    pairing: Pairing,
    q: f64,
    value: impl Fn(u32) -> f64,
    resamples: Resamples,
    confidence: Confidence,
) -> Option<Interval> {
    assert!((0.0..=1.0).contains(&q), "a quantile lies in [0, 1]");
    let (n, m) = (control.len(), candidate.len());
    assert!(
        pairing == Pairing::Apart || n == m,
        "paired units have two sides"
    );
    let control = Side::new(control, q, &value)?;
    let candidate = Side::new(candidate, q, &value)?;
    let log_ratio = |control_counts: &[u64], candidate_counts: &[u64]| {
        candidate.log_quantile(candidate_counts) - control.log_quantile(control_counts)
    };
    let drawn = (0..u64::from(resamples.n))
        .into_par_iter()
        .map_init(
            || (vec![0; n], vec![0; m]),
            |(first, second), index| {
                let mut rng = stream(resamples.seed, index);
                let mut draw = |counts: &mut Vec<u64>| {
                    counts.fill(0);
                    for _ in 0..counts.len() {
                        let at = rng.random_range(0..counts.len());
                        counts[at] += 1;
                    }
                };
                draw(first);
                if pairing == Pairing::Paired {
                    return log_ratio(first, first);
                }
                draw(second);
                log_ratio(first, second)
            },
        )
        .collect();
    let estimate = log_ratio(&vec![1; n], &vec![1; m]);
    let method = BootstrapMethod::Percentile;
    let logs = bounds(estimate, drawn, method, || 0.0, confidence);
    Some(Interval {
        estimate: logs.estimate.exp(),
        low: logs.low.exp(),
        high: logs.high.exp(),
    })
}

/// One side: for each bin in use, ascending, how many values of each unit lie in it or above.
struct Side {
    q: f64,
    n_units: usize,
    /// The logarithm of each bin's value.
    logs: Vec<f64>,
    /// Bin by bin, unit by unit.
    at_least: Vec<u64>,
}

impl Side {
    fn new(units: &[Vec<Binned>], q: f64, value: impl Fn(u32) -> f64) -> Option<Self> {
        let counted = |unit: &Vec<Binned>| unit.iter().any(|bin| bin.n > 0);
        if units.is_empty() || !units.iter().all(counted) {
            return None;
        }
        let used = units.iter().flatten().filter(|bin| bin.n > 0);
        let mut bins: Vec<u32> = used.map(|bin| bin.index).collect();
        bins.sort_unstable();
        bins.dedup();
        let values: Vec<f64> = bins.iter().map(|bin| value(*bin)).collect();
        if values
            .iter()
            .any(|value| *value <= 0.0 || !value.is_finite())
        {
            return None;
        }
        let n_units = units.len();
        let mut at_least = vec![0; bins.len() * n_units];
        for (at, unit) in units.iter().enumerate() {
            for bin in unit.iter().filter(|bin| bin.n > 0) {
                let row = bins.binary_search(&bin.index).expect("a bin in use");
                at_least[row * n_units + at] += bin.n;
            }
        }
        for at in (0..at_least.len() - n_units).rev() {
            at_least[at] += at_least[at + n_units];
        }
        Some(Self {
            q,
            n_units,
            logs: values.into_iter().map(f64::ln).collect(),
            at_least,
        })
    }

    /// The logarithm of the quantile when unit `i` is there `counts[i]` times.
    fn log_quantile(&self, counts: &[u64]) -> f64 {
        let from = |row: usize| -> u64 {
            let row = &self.at_least[row * self.n_units..][..self.n_units];
            row.iter().zip(counts).map(|(n, count)| n * count).sum()
        };
        let n = from(0);
        let rank = (self.q * (n - 1) as f64).round() as u64;
        // The bin of a rank is the last one from which on there are that many values.
        let (mut reached, mut beyond) = (0, self.logs.len());
        while beyond - reached > 1 {
            let middle = usize::midpoint(reached, beyond);
            if from(middle) >= n - rank {
                reached = middle;
            } else {
                beyond = middle;
            }
        }
        self.logs[reached]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn binned(values: &[(u32, u64)]) -> Vec<Binned> {
        let of = |&(index, n)| Binned { index, n };
        values.iter().map(of).collect()
    }

    /// All values one by one, and the one of the rank.
    fn by_sorting(units: &[Vec<Binned>], counts: &[u64], q: f64) -> f64 {
        let mut values: Vec<u32> = Vec::new();
        for (unit, count) in units.iter().zip(counts) {
            for bin in unit {
                values.extend(std::iter::repeat_n(bin.index, (bin.n * count) as usize));
            }
        }
        values.sort_unstable();
        f64::from(values[(q * (values.len() - 1) as f64).round() as usize])
    }

    proptest! {
        #[test]
        fn searching_the_bins_finds_the_value_that_sorting_finds(
            units in prop::collection::vec(prop::collection::vec((1_u32..20, 1_u64..5), 1..4), 1..8),
            draws in prop::collection::vec(0_u64..3, 8),
            q in 0.0..=1.0_f64,
        ) {
            let units: Vec<Vec<Binned>> = units.iter().map(|unit| binned(unit)).collect();
            let counts = &draws[..units.len()];
            prop_assume!(counts.iter().any(|count| *count > 0));
            let side = Side::new(&units, q, f64::from).expect("values");
            prop_assert_eq!(side.log_quantile(counts), by_sorting(&units, counts, q).ln());
        }
    }

    fn ratio(control: &[Vec<Binned>], candidate: &[Vec<Binned>], pairing: Pairing) -> Interval {
        let resamples = Resamples { n: 500, seed: 1 };
        let value = |index| f64::from(index) + 0.5;
        bootstrap_binned_ratio(
            control,
            candidate,
            pairing,
            0.95,
            value,
            resamples,
            Confidence::P95,
        )
        .expect("values")
    }

    #[test]
    fn pairs_leave_no_doubt_where_minutes_differ_more_than_sides() {
        let minute = |i: u32, shift| binned(&[(50 * (1 + i % 5) + shift, 40)]);
        let control: Vec<_> = (0..30).map(|i| minute(i, 0)).collect();
        let candidate: Vec<_> = (0..30).map(|i| minute(i, 10)).collect();
        let paired = ratio(&control, &candidate, Pairing::Paired);
        let apart = ratio(&control, &candidate, Pairing::Apart);
        assert_eq!(paired.estimate, apart.estimate);
        assert!(paired.high - paired.low <= apart.high - apart.low);
        assert!(paired.low > 1.0, "{paired:?}");
    }

    #[test]
    fn what_has_no_quantile_has_no_ratio() {
        let none = |control: &[Vec<Binned>], value: fn(u32) -> f64| {
            let resamples = Resamples { n: 10, seed: 1 };
            let one = [binned(&[(1, 1)])];
            let p95 = Confidence::P95;
            bootstrap_binned_ratio(control, &one, Pairing::Apart, 0.5, value, resamples, p95)
        };
        assert_eq!(none(&[], f64::from), None);
        assert_eq!(none(&[binned(&[(1, 0)])], f64::from), None);
        assert_eq!(none(&[binned(&[(0, 1)])], f64::from), None);
        assert!(none(&[binned(&[(1, 1)])], f64::from).is_some());
    }
}
