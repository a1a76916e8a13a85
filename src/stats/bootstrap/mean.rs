//! The bootstrap of a mean.

use rand::RngExt;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::stats::bootstrap::{BootstrapMethod, Resamples, bounds};
use crate::stats::moments::mean;
use crate::stats::{Interval, stream};
use crate::units::Confidence;

/// The mean with its BCa bootstrap bounds, each one-sided at `confidence`.
///
/// As [`bootstrap_mean`] with [`BootstrapMethod::Bca`].
pub fn bca_mean(values: &[f64], resamples: Resamples, confidence: Confidence) -> Option<Interval> {
    bootstrap_mean(values, BootstrapMethod::Bca, resamples, confidence)
}

/// The mean with its bootstrap bounds, each one-sided at `confidence`.
///
/// `None` for no values or one that is not finite. A sample without variance has its own value as
/// both bounds. The same bytes come out at any thread count, since resample `i` owns random stream
/// `i`.
///
/// ```
/// use ragstone::{stats::{BootstrapMethod, Resamples, bootstrap_mean}, units::Confidence};
/// let values: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
/// let mean = bootstrap_mean(&values, BootstrapMethod::Bca, Resamples::default(), Confidence::P95);
/// let mean = mean.unwrap();
/// assert_eq!(mean.estimate, 4.5);
/// assert!((mean.low - 4.03).abs() < 0.02 && (mean.high - 4.97).abs() < 0.02);
/// ```
///
/// Source: Efron (1987), *Better bootstrap confidence intervals*; acceleration by the jackknife,
/// ties counted half as in SciPy.
///
/// Time `O(n · resamples)`, parallel; memory `O(resamples)`.
pub fn bootstrap_mean(
    values: &[f64],
    method: BootstrapMethod,
    resamples: Resamples,
    confidence: Confidence,
) -> Option<Interval> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let estimate = values.iter().sum::<f64>() / values.len() as f64;
    if values.iter().all(|&value| value == values[0]) {
        return Some(Interval {
            estimate: values[0],
            low: values[0],
            high: values[0],
        });
    }
    let means = resampled_means(values, resamples);
    let acceleration = || acceleration(values, estimate);
    Some(bounds(estimate, means, method, acceleration, confidence))
}

/// The mean with Efron's ABC bounds, each one-sided at `confidence`: what BCa tends to as the
/// resamples grow, to second order, and without drawing any.
///
/// `None` for no values or one that is not finite.
///
/// ```
/// use ragstone::{stats::abc_mean, units::Confidence};
/// let mean = abc_mean(&[1.0, 2.0, 3.0, 4.0, 10.0], Confidence::P95).unwrap();
/// assert!((mean.low - 2.2795).abs() < 1e-4 && (mean.high - 7.3601).abs() < 1e-4);
/// ```
///
/// Source: `DiCiccio` and Efron (1992), *More accurate confidence intervals in exponential
/// families*. For a mean its curvature is 0 and its bias is the acceleration, which leaves the two
/// lines below.
pub fn abc_mean(values: &[f64], confidence: Confidence) -> Option<Interval> {
    let mean = mean(values)?;
    let n = values.len() as f64;
    let (squares, cubes) = values.iter().fold((0.0, 0.0), |(squares, cubes), value| {
        let shift = value - mean;
        (squares + shift.powi(2), cubes + shift.powi(3))
    });
    if squares <= 0.0 {
        return Some(Interval {
            estimate: mean,
            low: mean,
            high: mean,
        });
    }
    let error = squares.sqrt() / n;
    let acceleration = cubes / (6.0 * squares.powf(1.5));
    let bound = |level: f64| {
        let shifted = acceleration + Normal::standard().inverse_cdf(level);
        mean + error * shifted / (1.0 - acceleration * shifted).powi(2)
    };
    Some(Interval {
        estimate: mean,
        low: bound(confidence.alpha()),
        high: bound(confidence.get()),
    })
}

/// The means of all resamples.
fn resampled_means(values: &[f64], resamples: Resamples) -> Vec<f64> {
    (0..u64::from(resamples.n))
        .into_par_iter()
        .map(|index| {
            let mut rng = stream(resamples.seed, index);
            let sum: f64 = (0..values.len())
                .map(|_| values[rng.random_range(0..values.len())])
                .sum();
            sum / values.len() as f64
        })
        .collect()
}

/// The skewness of the jackknife means, divided by six.
fn acceleration(values: &[f64], mean: f64) -> f64 {
    let n = values.len() as f64;
    // Leaving one value out moves the mean by (mean − value) / (n − 1).
    let shifts = values.iter().map(|value| (value - mean) / (n - 1.0));
    let (squares, cubes) = shifts.fold((0.0, 0.0), |(squares, cubes), shift| {
        (squares + shift * shift, cubes + shift * shift * shift)
    });
    cubes / (6.0 * squares.powf(1.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skewed() -> Vec<f64> {
        vec![
            10.0, 12.0, 12.5, 12.5, 13.9, 15.0, 21.0, 22.0, 23.0, 34.0, 50.0, 81.0, 89.0, 121.0,
            134.0, 213.0,
        ]
    }

    #[test]
    fn agrees_with_scipy_and_r_on_a_skewed_sample() {
        // Source: SciPy test_resampling.py, after R's `boot` and `wBoot`: two-sided 95 % BCa
        // [32.31, 91.43] at a million resamples.
        let confidence = Confidence::new(0.975).expect("a level");
        let mean = bca_mean(
            &skewed(),
            Resamples {
                n: 200_000,
                seed: 7,
            },
            confidence,
        )
        .expect("values");
        assert!((mean.low - 32.31).abs() < 0.5, "{mean:?}");
        assert!((mean.high - 91.43).abs() < 0.9, "{mean:?}");
    }

    #[test]
    fn one_thread_and_two_give_the_same_bytes() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            pool.install(|| bca_mean(&skewed(), Resamples::default(), Confidence::P95))
        };
        assert_eq!(run(1), run(2));
    }

    #[test]
    fn no_spread_means_no_interval_and_bad_values_mean_no_answer() {
        let flat = bca_mean(&[0.8; 60], Resamples::default(), Confidence::P95).expect("values");
        assert_eq!((flat.estimate, flat.low, flat.high), (0.8, 0.8, 0.8));
        assert_eq!(bca_mean(&[], Resamples::default(), Confidence::P95), None);
        assert_eq!(
            bca_mean(&[0.5, f64::NAN], Resamples::default(), Confidence::P95),
            None
        );
    }
}
