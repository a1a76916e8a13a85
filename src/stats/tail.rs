//! Evidence of a heavier tail that may be looked at as often as one likes.

use crate::stats::Binned;
use crate::stats::e_process::HARM_EVIDENCE;

/// The share of values above a 95th percentile.
const ABOVE: f64 = 0.05;
/// Larger shares that are imagined, each with an equal part of the mixture.
const MORE: [f64; 6] = [0.06, 0.075, 0.1, 0.15, 0.25, 0.5];
/// Smaller shares that are imagined.
const FEWER: [f64; 5] = [0.04, 0.03, 0.02, 0.01, 0.002];

/// The evidence that the 95th percentile of a candidate is more than `ratio` times its control's.
///
/// Were it not, and the control's percentile `q`, then at most 5 % of the control's values would lie
/// above `q`, at least 5 % at or above it, and at most 5 % of the candidate's above `ratio · q`. Each
/// of the three is tested by a mixture of likelihood ratios of the count that would contradict it.
/// Half the control's evidence tests the first and half the second; its product with the
/// candidate's is an e-process for this `q`. Nobody knows `q`, so that the least evidence over all `q`
/// counts: by Ville's inequality it ever reaches `E` with a chance of at most `1 / E`, no matter how
/// often and when it is looked at.
///
/// Values are only known by bin, and each bin counts to the side on which it says less. They must
/// arrive independently of each other, and each arm's by one law.
///
/// ```
/// use ragstone::stats::{Binned, TailRatio};
/// let mut evidence = TailRatio::new(1.25, f64::from);
/// let all_in = |index| [Binned { index, n: 40 }, Binned { index: 2 * index, n: 10 }];
/// for _ in 0..20 {
///     evidence.observe(&all_in(100), &all_in(200));
/// }
/// assert!(evidence.shows_harm());
/// ```
///
/// Source: Ville (1939); Ramdas, Grünwald, Vovk and Shafer (2023), *Game-theoretic statistics and
/// safe anytime-valid inference*, sections 3 and 5; the least over a nuisance parameter is section 5.
#[derive(Clone, Debug)]
pub struct TailRatio {
    ratio: f64,
    /// The least value of a bin.
    low: fn(u32) -> f64,
    control: Counts,
    candidate: Counts,
    /// The bin of `q` that had the least evidence when last all were looked at.
    weakest: usize,
    /// The logarithm of the most evidence at any look, of those that were needed.
    log_largest: f64,
}

/// How many values of one arm lie in each bin.
#[derive(Clone, Debug, Default)]
struct Counts {
    bins: Vec<u64>,
    n: u64,
}

impl Counts {
    fn add(&mut self, values: &[Binned]) {
        for bin in values.iter().filter(|bin| bin.n > 0) {
            let index = bin.index as usize;
            if index >= self.bins.len() {
                self.bins.resize(index + 1, 0);
            }
            self.bins[index] += bin.n;
            self.n += bin.n;
        }
    }

    fn from(&self, bin: usize) -> u64 {
        self.bins.iter().skip(bin).sum()
    }

    /// For each bin and one beyond, how many values lie in it or above.
    fn suffixes(&self) -> Vec<u64> {
        let mut sums = vec![0; self.bins.len() + 1];
        for (at, n) in self.bins.iter().enumerate().rev() {
            sums[at] = sums[at + 1] + n;
        }
        sums
    }
}

impl TailRatio {
    /// Before the first value: evidence of 1. Bin `i` holds the values from `low(i)` up to
    /// `low(i + 1)`, and `low` rises.
    ///
    /// # Panics
    /// If the ratio is not positive and finite.
    pub fn new(ratio: f64, low: fn(u32) -> f64) -> Self {
        assert!(ratio > 0.0 && ratio.is_finite(), "a ratio is positive");
        Self {
            ratio,
            low,
            control: Counts::default(),
            candidate: Counts::default(),
            weakest: 0,
            log_largest: 0.0,
        }
    }

    /// Takes in the values since the last look, and looks.
    pub fn observe(&mut self, control: &[Binned], candidate: &[Binned]) {
        self.control.add(control);
        self.candidate.add(candidate);
        // The least is no more than any: while this one is small, the others need no look.
        if self.log_largest >= HARM_EVIDENCE.ln() || self.log_at(self.weakest) < HARM_EVIDENCE.ln()
        {
            return;
        }
        let (weakest, log) = self.least();
        self.weakest = weakest;
        self.log_largest = self.log_largest.max(log);
    }

    /// The evidence now, in `(0, f64::MAX]`; 1 says nothing either way.
    pub fn evidence(&self) -> f64 {
        self.least().1.exp().clamp(f64::MIN_POSITIVE, f64::MAX)
    }

    /// Whether the evidence has ever reached [`HARM_EVIDENCE`]. Harm once shown stays shown.
    pub fn shows_harm(&self) -> bool {
        self.log_largest >= HARM_EVIDENCE.ln()
    }

    /// The bin of `q` with the least evidence, and its logarithm. Time: the number of bins.
    fn least(&self) -> (usize, f64) {
        let (control, candidate) = (self.control.suffixes(), self.candidate.suffixes());
        let at = |sums: &[u64], bin: usize| sums.get(bin).copied().unwrap_or(0);
        let first = self.control.bins.iter().position(|n| *n > 0);
        let first = first.unwrap_or(0).saturating_sub(1);
        let last = control.len().max(candidate.len());
        let mut slower = 0;
        let mut seen = None;
        let mut weakest = (first, f64::INFINITY);
        for bin in first..=last {
            let edge = self.ratio * self.edge(bin + 1);
            while slower < candidate.len() && self.edge(slower) < edge {
                slower += 1;
            }
            let counts = (
                at(&control, bin + 1),
                at(&control, bin),
                at(&candidate, slower),
            );
            if seen == Some(counts) {
                continue;
            }
            seen = Some(counts);
            let log = self.log_evidence(counts.0, counts.1, counts.2);
            if log < weakest.1 {
                weakest = (bin, log);
            }
        }
        weakest
    }

    fn log_at(&self, bin: usize) -> f64 {
        let edge = self.ratio * self.edge(bin + 1);
        let (mut slower, mut beyond) = (0, self.candidate.bins.len());
        while slower < beyond {
            let middle = usize::midpoint(slower, beyond);
            if self.edge(middle) < edge {
                slower = middle + 1;
            } else {
                beyond = middle;
            }
        }
        self.log_evidence(
            self.control.from(bin + 1),
            self.control.from(bin),
            self.candidate.from(slower),
        )
    }

    fn edge(&self, bin: usize) -> f64 {
        (self.low)(u32::try_from(bin).unwrap_or(u32::MAX))
    }

    /// For a `q` somewhere in a bin: the control's values surely above it, those that may be at or
    /// above it, and the candidate's that are surely above `ratio · q`.
    fn log_evidence(&self, above: u64, not_below: u64, slower: u64) -> f64 {
        let more = log_mixture(above, self.control.n, &MORE);
        let fewer = log_mixture(not_below, self.control.n, &FEWER);
        let control = log_mean(&[more, fewer]);
        control + log_mixture(slower, self.candidate.n, &MORE)
    }
}

/// The logarithm of the mean likelihood ratio of `hits` in `n` under each share, against 5 %.
fn log_mixture(hits: u64, n: u64, shares: &[f64]) -> f64 {
    let (hits, misses) = (hits as f64, (n - hits) as f64);
    let mut logs = [0.0; MORE.len()];
    for (log, share) in logs.iter_mut().zip(shares) {
        *log = hits * (share / ABOVE).ln() + misses * ((1.0 - share) / (1.0 - ABOVE)).ln();
    }
    log_mean(&logs[..shares.len()])
}

/// The logarithm of the mean of numbers given by their logarithms, safe from overflow.
fn log_mean(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| (log - largest).exp()).sum();
    largest + (sum / logs.len() as f64).ln()
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::stats::stream;

    /// Bins that grow by 2 %, as those of latencies do.
    fn low(index: u32) -> f64 {
        1.02_f64.powi(i32::try_from(index).unwrap_or(i32::MAX))
    }

    fn bin(value: f64) -> Binned {
        Binned {
            index: (value.ln() / 1.02_f64.ln()).floor() as u32,
            n: 1,
        }
    }

    /// How many of `runs` runs of 30 looks find harm, when the candidate is `ratio` times as slow.
    fn found(runs: u64, ratio: f64) -> usize {
        let run = |run: &u64| {
            let mut rng = stream(3, *run);
            let mut evidence = TailRatio::new(1.25, low);
            // Pareto's law: its tail falls as a power, so that the quantiles are known.
            let mut draw = |n: usize, scale: f64| -> Vec<Binned> {
                let value = |u: f64| bin(scale * (1.0 - u).powf(-0.5));
                (0..n).map(|_| value(rng.random())).collect()
            };
            for _ in 0..30 {
                let control = draw(60, 20.0);
                evidence.observe(&control, &draw(20, 20.0 * ratio));
            }
            evidence.shows_harm()
        };
        (0..runs).filter(run).count()
    }

    #[test]
    fn looking_after_every_minute_keeps_the_false_alarms_below_one_in_a_hundred() {
        assert!(found(200, 1.25) <= 2);
        assert_eq!(found(50, 1.0), 0);
    }

    #[test]
    fn twice_the_latency_is_found_soon() {
        assert!(found(50, 2.2) >= 45, "{}", found(50, 2.2));
    }

    #[test]
    fn the_quick_look_agrees_with_the_whole_one() {
        let mut rng = stream(7, 0);
        let mut evidence = TailRatio::new(1.25, low);
        for _ in 0..5 {
            let mut draw = |n: usize| -> Vec<Binned> {
                (0..n).map(|_| bin(rng.random_range(5.0..500.0))).collect()
            };
            let (control, candidate) = (draw(50), draw(30));
            evidence.observe(&control, &candidate);
            let (weakest, log) = evidence.least();
            assert!((evidence.log_at(weakest) - log).abs() < 1e-9);
            let slow = (0..400).map(|bin| evidence.log_at(bin));
            let slow = slow.fold(f64::INFINITY, f64::min);
            assert!((slow - log).abs() < 1e-9, "{slow} {log}");
        }
    }

    #[test]
    fn no_value_is_no_evidence_and_millions_stay_finite() {
        let mut evidence = TailRatio::new(1.25, f64::from);
        assert!((evidence.evidence() - 1.0).abs() < 1e-12);
        let many = |index| {
            [Binned {
                index,
                n: 10_000_000,
            }]
        };
        evidence.observe(&many(100), &many(1000));
        assert!(evidence.shows_harm() && evidence.evidence() <= f64::MAX);
    }
}
