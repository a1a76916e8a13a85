//! Intervals of a proportion, and of the difference of two.
//!
//! Clopper and Pearson's is exact and decides; the others are shorter, err more often at some rates
//! than they say, and serve where an average over rates is enough.

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::beta::beta_reg;

use crate::stats::Interval;
use crate::stats::solve::beta_quantile;
use crate::units::Confidence;

/// How often something happened in how many trials: at least one trial, no more hits than trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    hits: u64,
    trials: u64,
}

impl Tally {
    /// `None` without a trial, or with more hits than trials.
    pub fn new(hits: u64, trials: u64) -> Option<Self> {
        (trials > 0 && hits <= trials).then_some(Self { hits, trials })
    }

    /// How often it happened.
    pub fn hits(self) -> u64 {
        self.hits
    }

    /// How often it could have.
    pub fn trials(self) -> u64 {
        self.trials
    }

    /// The share, in `[0, 1]`.
    pub fn rate(self) -> f64 {
        self.hits as f64 / self.trials as f64
    }
}

/// The Clopper–Pearson bounds of a rate, each one-sided at `confidence`.
///
/// Exact: whatever the true rate, a bound errs at most as often as it says. `None` when there was
/// no trial.
///
/// ```
/// use ragstone::{stats::clopper_pearson, units::Confidence};
/// let rate = clopper_pearson(0, 59, Confidence::P95).unwrap();
/// assert!(rate.high < 0.05); // 59 clean trials show a rate below 5 %.
/// ```
///
/// # Panics
/// If there are more successes than trials.
///
/// Source: Clopper and Pearson (1934), as quantiles of the beta distribution.
pub fn clopper_pearson(successes: u64, trials: u64, confidence: Confidence) -> Option<Interval> {
    assert!(successes <= trials, "more successes than trials");
    if trials == 0 {
        return None;
    }
    let (hits, misses, alpha) = (
        successes as f64,
        (trials - successes) as f64,
        confidence.alpha(),
    );
    let low = if successes == 0 {
        0.0
    } else {
        beta_quantile(hits, misses + 1.0, alpha)
    };
    let high = if successes == trials {
        1.0
    } else {
        beta_quantile(hits + 1.0, misses, 1.0 - alpha)
    };
    Some(Interval {
        estimate: hits / trials as f64,
        low,
        high,
    })
}

/// The mean of values in `[0, 1]` with the Clopper–Pearson bounds of its sum in place of a count,
/// each one-sided at `confidence`.
///
/// Values between 0 and 1 spread no wider than coin throws of the same mean, so that the bounds of a
/// coin hold for them; where every value is 0 or 1 they are exactly those. `None` without a value.
///
/// ```
/// use ragstone::{stats::bounded_mean, units::Confidence};
/// let covered = bounded_mean(&[1.0; 9], Confidence::P95).unwrap();
/// assert!(covered.low > 0.70); // Eight would not do.
/// assert!(bounded_mean(&[1.0; 8], Confidence::P95).unwrap().low < 0.70);
/// ```
///
/// # Panics
/// If a value lies outside `[0, 1]`.
///
/// Source: Hoeffding (1956), *On the distribution of the number of successes in independent trials*,
/// compares the laws of the sums; that the bound holds for values that are no coins is checked by
/// simulation in `reports/soundness.md`.
pub fn bounded_mean(values: &[f64], confidence: Confidence) -> Option<Interval> {
    let (sum, n) = bounded_sum(values)?;
    let alpha = confidence.alpha();
    Some(Interval {
        estimate: sum / n,
        low: if sum <= 0.0 {
            0.0
        } else {
            beta_quantile(sum, n - sum + 1.0, alpha)
        },
        high: if sum >= n {
            1.0
        } else {
            beta_quantile(sum + 1.0, n - sum, 1.0 - alpha)
        },
    })
}

/// How surprising so low a mean of values in `[0, 1]` would be, were the true mean `mean` or more:
/// the p-value that belongs to the upper bound of [`bounded_mean`]. `None` without a value.
///
/// # Panics
/// If a value or `mean` lies outside `[0, 1]`.
pub fn bounded_mean_below(values: &[f64], mean: f64) -> Option<f64> {
    assert!((0.0..=1.0).contains(&mean), "a mean lies in [0, 1]");
    let (sum, n) = bounded_sum(values)?;
    Some(if sum >= n {
        1.0
    } else {
        1.0 - beta_reg(sum + 1.0, n - sum, mean)
    })
}

/// The sum, no more than the number of values whatever the rounding, and that number.
fn bounded_sum(values: &[f64]) -> Option<(f64, f64)> {
    let fits = values.iter().all(|value| (0.0..=1.0).contains(value));
    assert!(fits, "values lie in [0, 1]");
    let n = values.len() as f64;
    (!values.is_empty()).then(|| (values.iter().sum::<f64>().min(n), n))
}

/// Wilson's score bounds of a rate, each one-sided at `confidence`.
///
/// ```
/// use ragstone::{stats::{Tally, wilson}, units::Confidence};
/// let rate = wilson(Tally::new(12, 12).unwrap(), Confidence::new(0.975).unwrap());
/// assert!((rate.low - 0.757_506).abs() < 1e-6 && rate.high == 1.0);
/// ```
///
/// Source: Wilson (1927), *Probable inference*.
pub fn wilson(tally: Tally, confidence: Confidence) -> Interval {
    let z = normal_quantile(confidence);
    let (centre, n) = wilson_centre(tally, z);
    let rate = tally.rate();
    let trials = tally.trials as f64;
    let reach = z / n * (rate * (1.0 - rate) * trials + z * z / 4.0).sqrt();
    // At a rate of 0 or 1 the bound is that rate; rounding would leave 1e-17.
    Interval {
        estimate: rate,
        low: if tally.hits == 0 { 0.0 } else { centre - reach },
        high: if tally.hits == tally.trials {
            1.0
        } else {
            centre + reach
        },
    }
}

/// The bounds of a rate by Agresti and Coull, each one-sided at `confidence`: Wald's about Wilson's
/// centre. They are cut at 0 and 1.
///
/// Source: Agresti and Coull (1998), *Approximate is better than "exact"*.
pub fn agresti_coull(tally: Tally, confidence: Confidence) -> Interval {
    let z = normal_quantile(confidence);
    let (centre, n) = wilson_centre(tally, z);
    let reach = z * (centre * (1.0 - centre) / n).sqrt();
    Interval {
        estimate: tally.rate(),
        low: (centre - reach).max(0.0),
        high: (centre + reach).min(1.0),
    }
}

/// The credible bounds of a rate under Jeffreys' prior Beta(½, ½), each one-sided at `confidence`;
/// 0 or 1 itself where that is what was seen.
///
/// Source: Brown, Cai and `DasGupta` (2001), *Interval estimation for a binomial proportion*.
pub fn jeffreys(tally: Tally, confidence: Confidence) -> Interval {
    let (hits, misses) = (tally.hits as f64, (tally.trials - tally.hits) as f64);
    let bound = |level| beta_quantile(hits + 0.5, misses + 0.5, level);
    Interval {
        estimate: tally.rate(),
        low: if tally.hits == 0 {
            0.0
        } else {
            bound(confidence.alpha())
        },
        high: if tally.hits == tally.trials {
            1.0
        } else {
            bound(confidence.get())
        },
    }
}

/// Newcombe's bounds of the difference of two independent rates, `x − y`, each one-sided at
/// `confidence`: Wilson's bounds of the two, put together as squares.
///
/// ```
/// use ragstone::{stats::{Tally, newcombe}, units::Confidence};
/// let (x, y) = (Tally::new(56, 70).unwrap(), Tally::new(48, 80).unwrap());
/// let difference = newcombe(x, y, Confidence::new(0.975).unwrap());
/// assert!((difference.low - 0.0524).abs() < 5e-5 && (difference.high - 0.3339).abs() < 5e-5);
/// ```
///
/// Source: Newcombe (1998), *Interval estimation for the difference between independent
/// proportions*, method 10, whose table II holds the numbers above.
pub fn newcombe(x: Tally, y: Tally, confidence: Confidence) -> Interval {
    let (of_x, of_y) = (wilson(x, confidence), wilson(y, confidence));
    let estimate = of_x.estimate - of_y.estimate;
    Interval {
        estimate,
        low: estimate - (of_x.estimate - of_x.low).hypot(of_y.high - of_y.estimate),
        high: estimate + (of_x.high - of_x.estimate).hypot(of_y.estimate - of_y.low),
    }
}

/// Wilson's centre, as if `z²` more trials had been half hits, and the trials with them.
fn wilson_centre(tally: Tally, z: f64) -> (f64, f64) {
    let n = tally.trials as f64 + z * z;
    ((tally.hits as f64 + z * z / 2.0) / n, n)
}

fn normal_quantile(confidence: Confidence) -> f64 {
    Normal::standard().inverse_cdf(confidence.get())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{Binomial, DiscreteCDF};

    use super::*;

    #[test]
    fn agrees_with_hypothesis_tests_jl() {
        // Source: HypothesisTests.jl, test/binomial.jl: 26 of 78, two-sided 95 %, hence one-sided
        // 97.5 %.
        let rate =
            clopper_pearson(26, 78, Confidence::new(0.975).expect("a level")).expect("trials");
        assert!(
            (rate.low - 0.230_585_239_629_303_83).abs() < 1e-10,
            "{rate:?}"
        );
        assert!(
            (rate.high - 0.449_166_688_795_978_2).abs() < 1e-10,
            "{rate:?}"
        );
    }

    #[test]
    fn zero_mismatches_bound_the_rate_as_the_statistics_page_says() {
        for (trials, bound) in [(40, 0.072), (100, 0.030), (300, 0.010)] {
            let high = clopper_pearson(0, trials, Confidence::P95)
                .expect("trials")
                .high;
            assert!((high - bound).abs() < 0.000_6, "{trials}: {high}");
        }
    }

    #[test]
    fn a_tally_has_a_trial_and_no_more_hits() {
        assert_eq!(Tally::new(0, 0), None);
        assert_eq!(Tally::new(3, 2), None);
    }

    proptest! {
        #[test]
        fn every_interval_holds_the_rate_and_stays_within_0_and_1(trials in 1_u64..300, share in 0.0..=1.0_f64) {
            let tally = Tally::new((share * trials as f64).round() as u64, trials).expect("a share");
            for kind in [wilson, agresti_coull, jeffreys] {
                let rate = kind(tally, Confidence::P95);
                prop_assert!(0.0 <= rate.low && rate.low <= rate.high && rate.high <= 1.0, "{:?}", rate);
                // Only Agresti and Coull's may leave out a rate of 0 or 1.
                let holds = rate.low <= rate.estimate && rate.estimate <= rate.high;
                prop_assert!(holds || tally.hits() == 0 || tally.hits() == trials, "{:?}", rate);
            }
            // Wilson's bounds are where the score test is just at the level.
            let rate = wilson(tally, Confidence::P95);
            for bound in [rate.low, rate.high].into_iter().filter(|bound| (1e-9..1.0 - 1e-9).contains(bound)) {
                let score = (tally.rate() - bound).abs() / (bound * (1.0 - bound) / trials as f64).sqrt();
                prop_assert!((score - 1.644_853_626_951_472_7).abs() < 1e-6, "{}", score);
            }
        }

        #[test]
        fn the_bounds_solve_the_binomial_tail(trials in 1_u64..300, share in 0.0..=1.0_f64) {
            let successes = (share * trials as f64).round() as u64;
            let rate = clopper_pearson(successes, trials, Confidence::P95).expect("trials");
            prop_assert!(rate.low <= rate.estimate && rate.estimate <= rate.high);
            if successes < trials {
                let tail = Binomial::new(rate.high, trials).expect("a rate").cdf(successes);
                prop_assert!((tail - 0.05).abs() < 1e-6, "upper tail {tail}");
            }
            if successes > 0 {
                let tail = Binomial::new(rate.low, trials).expect("a rate").sf(successes - 1);
                prop_assert!((tail - 0.05).abs() < 1e-6, "lower tail {tail}");
            }
        }
    }
}
