//! Exact intervals of a proportion.

use statrs::function::beta::inv_beta_reg;

use crate::stats::Interval;
use crate::units::Confidence;

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
        inv_beta_reg(hits, misses + 1.0, alpha)
    };
    let high = if successes == trials {
        1.0
    } else {
        inv_beta_reg(hits + 1.0, misses, 1.0 - alpha)
    };
    Some(Interval {
        estimate: hits / trials as f64,
        low,
        high,
    })
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

    proptest! {
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
