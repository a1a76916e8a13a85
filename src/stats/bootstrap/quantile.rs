//! The bootstrap of a quantile, without drawing the resample.
//!
//! A resample of `n` sorted values matters to a quantile only through the one or two ranks it lies
//! between. Call `M` and `M'` the indices of the original values that a resample has at ranks `m`
//! and `m + 1`. As many of its `n` draws fall on the first `i` values as heads fall in `n` tosses of
//! a coin of `i / n`, so that
//!
//! - `P(M < i) = P(Bin(n, i / n) ≥ m)`, and
//! - `P(M = i, M' > j) = C(n, m) · (((i + 1)/n)^m − (i/n)^m) · ((n − 1 − j)/n)^(n − m)` for `j ≥ i`:
//!   `m` draws up to `i`, one of them on `i`, and all the others beyond `j`.
//!
//! Drawing `(M, M')` from this law takes two uniform numbers instead of `n`, and the statistic of a
//! resample has exactly the distribution it has when all `n` values are drawn; nothing is
//! approximated. The law for one rank is that of Efron (1979), *Bootstrap methods: another look at
//! the jackknife*, section 3.

use rand::{Rng, RngExt};
use rayon::prelude::*;
use statrs::distribution::{Binomial, Discrete};
use statrs::function::beta::beta_reg;

use crate::stats::bootstrap::{BootstrapMethod, Resamples, acceleration, bounds};
use crate::stats::order::{quantile_of_sorted, sorted};
use crate::stats::{Interval, stream};
use crate::units::Confidence;

/// The median with its bootstrap bounds, each one-sided at `confidence`.
///
/// As [`bootstrap_quantile`] with `q = 0.5`.
///
/// ```
/// use ragstone::{stats::{BootstrapMethod, Resamples, bootstrap_median}, units::Confidence};
/// let values: Vec<f64> = (1..=99).map(f64::from).collect();
/// let median = bootstrap_median(&values, BootstrapMethod::Bca, Resamples::default(), Confidence::P95);
/// let median = median.unwrap();
/// assert_eq!((median.low, median.estimate, median.high), (42.0, 50.0, 58.0));
/// ```
pub fn bootstrap_median(
    values: &[f64],
    method: BootstrapMethod,
    resamples: Resamples,
    confidence: Confidence,
) -> Option<Interval> {
    bootstrap_quantile(values, 0.5, method, resamples, confidence)
}

/// The `q`-quantile (type 7, as [`quantile`](crate::stats::quantile)) with its bootstrap bounds,
/// each one-sided at `confidence`.
///
/// `q` in `[0, 1]`. `None` for no values or one that is not finite.
///
/// How it draws: of a resample only the one or two ranks next to the quantile matter, and where
/// these fall among the sorted values follows a binomial law that is known in full. Each resample
/// draws them from that law, with two random numbers instead of `n`; its quantile has exactly the
/// distribution it has when all `n` values are drawn.
///
/// # Panics
/// If `q` is outside `[0, 1]`.
///
/// Time `O(n log n + resamples · log n)`, parallel. Source: Efron (1979), *Bootstrap methods:
/// another look at the jackknife*, section 3, for one rank; the two together are derived at the
/// head of this file.
pub fn bootstrap_quantile(
    values: &[f64],
    q: f64,
    method: BootstrapMethod,
    resamples: Resamples,
    confidence: Confidence,
) -> Option<Interval> {
    assert!((0.0..=1.0).contains(&q), "a quantile lies in [0, 1]");
    let sorted = sorted(values).filter(|sorted| sorted.iter().all(|value| value.is_finite()))?;
    let position = q * (sorted.len() - 1) as f64;
    let law = RankLaw::new(sorted.len(), position.floor() as usize + 1);
    let drawn = (0..u64::from(resamples.n))
        .into_par_iter()
        .map(|index| {
            let mut rng = stream(resamples.seed, index);
            let below = law.draw(&mut rng);
            if position.fract() == 0.0 {
                return sorted[below];
            }
            let above = law.draw_next(below, &mut rng);
            between(sorted[below], sorted[above], position.fract())
        })
        .collect();
    let acceleration = || acceleration(&jackknife(&sorted, q));
    let estimate = quantile_of_sorted(&sorted, q);
    Some(bounds(estimate, drawn, method, acceleration, confidence))
}

/// As [`quantile_of_sorted`], so that a resample that hits the estimate ties with it.
pub(super) fn between(below: f64, above: f64, share: f64) -> f64 {
    if below == above {
        below
    } else {
        below + (above - below) * share
    }
}

/// The quantile without each value in turn.
fn jackknife(sorted: &[f64], q: f64) -> Vec<f64> {
    if sorted.len() < 2 {
        return sorted.to_vec();
    }
    let position = q * (sorted.len() - 2) as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    (0..sorted.len())
        .map(|left_out| {
            let at = |rank: usize| sorted[rank + usize::from(rank >= left_out)];
            between(at(below), at(above), position.fract())
        })
        .collect()
}

/// The law of the original indices at ranks `rank` and `rank + 1` of a resample of `n` values.
struct RankLaw {
    n: usize,
    rank: usize,
    /// The first index whose probability is not negligible.
    first: usize,
    /// `P(M ≤ first + k)`, up to 1.
    cumulative: Vec<f64>,
    /// `P(M' = M | M = first + k)`.
    stays: Vec<f64>,
}

/// A share of resamples that none of 2³² will show.
const NEGLIGIBLE: f64 = 1e-18;

impl RankLaw {
    /// `rank` in `1..=n`.
    fn new(n: usize, rank: usize) -> Self {
        let at_most = |index: usize| {
            if index + 1 == n {
                return 1.0;
            }
            let share = (index + 1) as f64 / n as f64;
            beta_reg(rank as f64, (n - rank + 1) as f64, share)
        };
        let centre = rank - 1;
        let first = (0..centre)
            .rev()
            .find(|&index| at_most(index) < NEGLIGIBLE)
            .map_or(0, |index| index + 1);
        let mut cumulative = Vec::new();
        for index in first..n {
            let total = at_most(index);
            cumulative.push(total);
            if total >= 1.0 {
                break;
            }
        }
        let stays = (0..cumulative.len())
            .map(|k| {
                let before = if k == 0 { 0.0 } else { cumulative[k - 1] };
                stays(n, rank, first + k, cumulative[k] - before)
            })
            .collect();
        Self {
            n,
            rank,
            first,
            cumulative,
            stays,
        }
    }

    /// The index at `rank`.
    fn draw(&self, rng: &mut impl Rng) -> usize {
        let level: f64 = rng.random();
        let k = self.cumulative.partition_point(|&total| total <= level);
        self.first + k.min(self.cumulative.len() - 1)
    }

    /// The index at `rank + 1`, given the one at `rank`.
    fn draw_next(&self, index: usize, rng: &mut impl Rng) -> usize {
        let level: f64 = rng.random();
        let stays = self.stays[index - self.first];
        if level < stays {
            return index;
        }
        // What is left of the level is uniform in (0, 1] again.
        self.next_beyond(index, (1.0 - level) / (1.0 - stays))
    }

    /// The smallest `j > index` with `P(M' > j | M' > index) < level`, for a level in (0, 1].
    fn next_beyond(&self, index: usize, level: f64) -> usize {
        let beyond = (self.n - 1 - index) as f64;
        let left = beyond * level.powf(1.0 / (self.n - self.rank) as f64);
        // `left` is in (0, beyond]; all indices with fewer than that beyond them qualify.
        let above = (self.n - 1) as f64 - left;
        (above.floor() as usize + 1).clamp(index + 1, self.n - 1)
    }
}

/// `P(M' = M | M = index)`, where `P(M = index)` is `probability`.
fn stays(n: usize, rank: usize, index: usize, probability: f64) -> f64 {
    if index + 1 == n || rank == n || probability <= 0.0 {
        return 1.0;
    }
    let share = (index + 1) as f64 / n as f64;
    let draws = Binomial::new(share, n as u64).expect("a share is a probability");
    let one_on_index = 1.0 - (index as f64 / (index + 1) as f64).powf(rank as f64);
    let leaves = draws.pmf(rank as u64) * one_on_index;
    (1.0 - leaves / probability).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `P(M = i, M' = j)` from all `nⁿ` resamples.
    fn by_enumeration(n: usize, rank: usize) -> Vec<Vec<f64>> {
        let mut joint = vec![vec![0.0; n]; n];
        let all = n.pow(u32::try_from(n).expect("small"));
        for number in 0..all {
            let mut digits = number;
            let mut resample: Vec<usize> = (0..n)
                .map(|_| {
                    let digit = digits % n;
                    digits /= n;
                    digit
                })
                .collect();
            resample.sort_unstable();
            joint[resample[rank - 1]][resample[rank]] += 1.0 / all as f64;
        }
        joint
    }

    #[test]
    fn the_law_of_the_ranks_is_that_of_every_resample() {
        for n in 2..=6 {
            for rank in 1..n {
                let (law, joint) = (RankLaw::new(n, rank), by_enumeration(n, rank));
                assert_eq!((law.first, law.cumulative.len()), (0, n));
                let mut total = 0.0;
                for (i, row) in joint.iter().enumerate() {
                    let probability: f64 = row.iter().sum();
                    total += probability;
                    assert!((law.cumulative[i] - total).abs() < 1e-12);
                    assert!((law.stays[i] - row[i] / probability).abs() < 1e-9);
                    // Just below the share of resamples with M' > j, the next index lies beyond j.
                    let moved: f64 = row[i + 1..].iter().sum();
                    for j in i + 1..n - 1 {
                        let beyond = row[j + 1..].iter().sum::<f64>() / moved;
                        assert!(law.next_beyond(i, beyond * (1.0 - 1e-9)) > j);
                        assert!(law.next_beyond(i, beyond * (1.0 + 1e-9)) <= j);
                    }
                }
            }
        }
    }

    #[test]
    fn the_ends_and_single_values_have_a_law_too() {
        let of = |values: &[f64], q| {
            bootstrap_quantile(
                values,
                q,
                BootstrapMethod::Bca,
                Resamples::default(),
                Confidence::P95,
            )
        };
        let single = of(&[3.0], 0.5).expect("a value");
        assert_eq!((single.low, single.estimate, single.high), (3.0, 3.0, 3.0));
        let largest = of(&[1.0, 2.0, 3.0], 1.0).expect("values");
        assert_eq!((largest.estimate, largest.high), (3.0, 3.0));
        let smallest = of(&[1.0, 2.0, 3.0], 0.0).expect("values");
        assert_eq!((smallest.estimate, smallest.low), (1.0, 1.0));
        assert_eq!(of(&[], 0.5), None);
        assert_eq!(of(&[1.0, f64::INFINITY], 0.5), None);
    }

    #[test]
    fn one_thread_and_two_give_the_same_bytes() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i * 73 % 200)).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            pool.install(|| {
                bootstrap_quantile(
                    &values,
                    0.95,
                    BootstrapMethod::Bca,
                    Resamples::default(),
                    Confidence::P95,
                )
            })
        };
        assert_eq!(run(1), run(2));
    }
}
