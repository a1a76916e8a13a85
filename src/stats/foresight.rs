//! The chance that a bound passes, for the bounds that are no count and no t-test: those of a mean by
//! bootstrap, of a mean of values between 0 and 1, and of a ratio of two quantiles. Beside them, the
//! chances of the rules that look at the point estimate alone.
//!
//! `power` has the laws that are exact; here two are asymptotic, and each says how far off.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};
use statrs::function::beta::beta_reg;

use crate::stats::Power;
use crate::stats::normal::normal_cdf;
use crate::units::Confidence;

/// The shape of a law, as far as the bound of its mean depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, at least 0.
    pub deviation: f64,
    /// The third standardised moment; 0 for a symmetric law.
    pub skewness: f64,
    /// The fourth standardised moment; 3 for the normal law.
    pub kurtosis: f64,
}

impl Moments {
    /// Of the normal law.
    pub fn normal(mean: f64, deviation: f64) -> Self {
        Self {
            mean,
            deviation,
            skewness: 0.0,
            kurtosis: 3.0,
        }
    }

    /// Of the beta law on `[0, 1]`; of coin throws where no beta law spreads as wide.
    ///
    /// ```
    /// use ragstone::stats::Moments;
    /// let flat = Moments::of_beta(0.5, (1.0_f64 / 12.0).sqrt());
    /// assert!(flat.skewness.abs() < 1e-12 && (flat.kurtosis - 1.8).abs() < 1e-12);
    /// ```
    pub fn of_beta(mean: f64, deviation: f64) -> Self {
        let coin = mean * (1.0 - mean);
        if deviation <= 0.0 || coin <= 0.0 {
            return Self::normal(mean, 0.0);
        }
        let deviation = deviation.min(coin.sqrt());
        // The sum of the two shapes; 0 for a coin.
        let sum = coin / deviation.powi(2) - 1.0;
        let skewness = 2.0 * (1.0 - 2.0 * mean) * (sum + 1.0).sqrt() / ((sum + 2.0) * coin.sqrt());
        let excess = 6.0 * ((1.0 - 2.0 * mean).powi(2) * (sum + 1.0) - coin * (sum + 2.0))
            / (coin * (sum + 2.0) * (sum + 3.0));
        Self {
            mean,
            deviation,
            skewness,
            kurtosis: 3.0 + excess,
        }
    }

    /// Of these values as if they were the whole law; `None` without a value.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let central = |power: i32| values.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n;
        let deviation = central(2).sqrt();
        if deviation <= 0.0 {
            return Some(Self::normal(mean, 0.0));
        }
        Some(Self {
            mean,
            deviation,
            skewness: central(3) / deviation.powi(3),
            kurtosis: central(4) / deviation.powi(4),
        })
    }

    /// Of one less the value.
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self {
            mean: 1.0 - self.mean,
            skewness: -self.skewness,
            ..self
        }
    }
}

/// The chance that the lower BCa bound of the mean of `n` values is at least `limit`, in `[0, 1]`.
///
/// Asymptotic: the bound is taken as a normal variable, with the acceleration, and with the
/// variance that a skewed law gives it (a sample whose mean is high by chance then has a small
/// deviation too). Within 3 points of a simulation for the laws of coverage at 50 questions or more;
/// the plain normal approximation is off by up to 10.
///
/// ```
/// use ragstone::{stats::{Moments, mean_power}, units::Confidence};
/// let chance = mean_power(100, Moments::of_beta(0.80, 0.30), 0.70, Confidence::P95);
/// assert!((chance - 0.915).abs() < 0.02); // 20,000 simulated samples give 0.915.
/// ```
///
/// Source: Efron (1987), *Better bootstrap confidence intervals*, in the closed form for means of
/// `DiCiccio` and Efron (1992); covariance of mean and deviation as in Cramér, *Mathematical methods
/// of statistics*, section 27.4.
pub fn mean_power(n: usize, law: Moments, limit: f64, confidence: Confidence) -> f64 {
    if law.deviation <= 0.0 {
        return f64::from(u8::from(law.mean >= limit));
    }
    let (reach, spread) = bound(n, law, confidence);
    let distance = (law.mean - limit) * (n as f64).sqrt() / law.deviation;
    normal_cdf((distance - reach) / spread)
}

/// How far above a limit the mean of a law of this shape must lie so that [`mean_power`] is `power`.
pub fn detectable_mean(n: usize, law: Moments, power: Power, confidence: Confidence) -> f64 {
    if law.deviation <= 0.0 {
        return 0.0;
    }
    let (reach, spread) = bound(n, law, confidence);
    let z = Normal::standard().inverse_cdf(power.get());
    (reach + z * spread) * law.deviation / (n as f64).sqrt()
}

/// How far below the mean its lower bound lies on average, and with which deviation it varies, both in
/// standard errors of the mean.
fn bound(n: usize, law: Moments, confidence: Confidence) -> (f64, f64) {
    let root = (n as f64).sqrt();
    let acceleration = law.skewness / (6.0 * root);
    let shifted = acceleration + Normal::standard().inverse_cdf(confidence.alpha());
    let reach = -shifted / (1.0 - acceleration * shifted).powi(2);
    let variance =
        1.0 - reach * law.skewness / root + reach.powi(2) * (law.kurtosis - 1.0) / (4.0 * n as f64);
    (reach, variance.max(0.0).sqrt())
}

/// A law on `[0, 1]` as chances of the values `0, 1/128, …, 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps(Vec<f64>);

impl Steps {
    /// Steps between 0 and 1.
    const N: usize = 128;

    /// The beta law of a mean and a deviation; coin throws where no beta law spreads as wide.
    pub fn of_beta(mean: f64, deviation: f64) -> Self {
        let coin = mean * (1.0 - mean);
        if deviation <= 0.0 || coin <= 0.0 {
            return Self::of(&[mean]);
        }
        let sum = coin / deviation.powi(2) - 1.0;
        if sum <= 1e-6 {
            let mut chances = vec![0.0; Self::N + 1];
            (chances[0], chances[Self::N]) = (1.0 - mean, mean);
            return Self(chances);
        }
        let below = |x: f64| match x {
            x if x <= 0.0 => 0.0,
            x if x >= 1.0 => 1.0,
            x => beta_reg(mean * sum, (1.0 - mean) * sum, x),
        };
        let edge = |step: usize| (step as f64 - 0.5) / Self::N as f64;
        Self(
            (0..=Self::N)
                .map(|step| below(edge(step + 1)) - below(edge(step)))
                .collect(),
        )
    }

    /// The law of which these are the values, each as likely. Values outside `[0, 1]` count as the
    /// nearer end.
    pub fn of(values: &[f64]) -> Self {
        let mut chances = vec![0.0; Self::N + 1];
        for value in values {
            let step = (value.clamp(0.0, 1.0) * Self::N as f64).round() as usize;
            chances[step] += 1.0 / values.len() as f64;
        }
        Self(chances)
    }

    /// The chance that `n` values sum to at least `sum`.
    ///
    /// From 200 values on by the normal law of the sum.
    fn sum_reaches(&self, n: usize, sum: f64) -> f64 {
        const MANY: usize = 200;
        if n > MANY {
            let (mean, square) =
                self.0
                    .iter()
                    .enumerate()
                    .fold((0.0, 0.0), |(mean, square), (step, chance)| {
                        let value = step as f64 / Self::N as f64;
                        (mean + chance * value, square + chance * value * value)
                    });
            let deviation = (n as f64 * (square - mean * mean).max(1e-12)).sqrt();
            return normal_cdf((n as f64 * mean - sum) / deviation);
        }
        let mut total = vec![1.0];
        for _ in 0..n {
            let mut next = vec![0.0; total.len() + Self::N];
            for (at, chance) in total
                .iter()
                .enumerate()
                .filter(|(_, chance)| **chance > 1e-15)
            {
                for (step, value) in self.0.iter().enumerate() {
                    next[at + step] += chance * value;
                }
            }
            total = next;
        }
        let from = (sum * Self::N as f64 - 1e-9).ceil().max(0.0) as usize;
        total.iter().skip(from).sum::<f64>().clamp(0.0, 1.0)
    }
}

/// The chance that the lower bound of [`bounded_mean`](crate::stats::bounded_mean) of `n` values is at
/// least `limit`; without a `confidence`, that the mean itself is.
///
/// Exact but for the steps of the law, and for the normal law of the sum beyond 200 values. Time
/// `O(n² · 128²)` up to there.
///
/// ```
/// use ragstone::{stats::{Steps, bounded_mean_power}, units::Confidence};
/// let covered = Steps::of(&[1.0]);
/// let chance = |n| bounded_mean_power(n, &covered, 0.70, Some(Confidence::P95));
/// assert_eq!((chance(8), chance(9)), (0.0, 1.0));
/// ```
pub fn bounded_mean_power(
    n: usize,
    law: &Steps,
    limit: f64,
    confidence: Option<Confidence>,
) -> f64 {
    let size = n as f64;
    let Some(confidence) = confidence else {
        return law.sum_reaches(n, limit * size);
    };
    // The bound is at least the limit when the tail there is at most α.
    let tail = |sum: f64| beta_reg(sum, size - sum + 1.0, limit);
    if n == 0 || tail(size) > confidence.alpha() {
        return 0.0;
    }
    let enough =
        crate::stats::solve::where_it_reaches(1.0 - confidence.alpha(), 0.0, size, |sum| {
            if sum <= 0.0 { 0.0 } else { 1.0 - tail(sum) }
        });
    law.sum_reaches(n, enough - 1e-9)
}

/// A paired comparison of a high quantile of latencies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantileRatioDesign {
    /// The number of pairs (questions).
    pub n: usize,
    /// Calls of each question on either side, at least 1.
    pub calls: usize,
    /// Standard deviation of the logarithm between questions, at least 0.
    pub between: f64,
    /// Standard deviation of the logarithm between calls of a question, above 0.
    pub within: f64,
    /// Which quantile, in (0, 1).
    pub quantile: f64,
}

impl QuantileRatioDesign {
    /// The standard error of the logarithm of the ratio of the two quantiles.
    ///
    /// Asymptotic: the variance of the share of calls beyond the quantile, which questions in common
    /// make smaller, over the square of the density there.
    pub fn standard_error(self) -> f64 {
        let total = self.between.hypot(self.within);
        let z = Normal::standard().inverse_cdf(self.quantile);
        let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() / total;
        // The mean of p (1 − p) over questions, p being a question's own chance of a call beyond.
        let (mut weights, mut spread) = (0.0, 0.0);
        for step in -200_i32..=200 {
            let question = f64::from(step) * 0.03;
            let weight = (-question * question / 2.0).exp();
            let below = normal_cdf((z * total - self.between * question) / self.within);
            weights += weight;
            spread += weight * below * (1.0 - below);
        }
        (2.0 * spread / weights / (self.n * self.calls) as f64).sqrt() / density
    }
}

/// The chance that the upper bootstrap bound of the ratio of two quantiles is at most `limit`, when
/// the latencies are lognormal and the true ratio is `ratio`.
///
/// Asymptotic, and within 3 points of a simulation of the percentile bootstrap from 50 questions.
///
/// ```
/// use ragstone::{stats::{QuantileRatioDesign, quantile_ratio_power}, units::Confidence};
/// let chance = |n| {
///     let design = QuantileRatioDesign { n, calls: 6, between: 0.3, within: 0.4, quantile: 0.95 };
///     quantile_ratio_power(design, 1.0, 1.25, Confidence::P95)
/// };
/// // STATISTICS.md: 99 % with 100 questions of six warm calls, 86 % with 50.
/// assert!((chance(100) - 0.99).abs() < 0.03 && (chance(50) - 0.86).abs() < 0.03);
/// ```
pub fn quantile_ratio_power(
    design: QuantileRatioDesign,
    ratio: f64,
    limit: f64,
    confidence: Confidence,
) -> f64 {
    let z = Normal::standard().inverse_cdf(confidence.get());
    normal_cdf((limit / ratio).ln() / design.standard_error() - z)
}

/// The chance that the median of `n` values is within a limit that a share `within` of all is. With an
/// even `n` and its middle values to either side, one time in two.
pub fn median_power_by_point(n: usize, within: f64) -> f64 {
    let count = Binomial::new(within.clamp(0.0, 1.0), n as u64).expect("a share");
    let more_than = |votes: usize| count.sf(votes as u64);
    match n {
        0 => 0.0,
        odd if odd % 2 == 1 => more_than(n / 2),
        _ => f64::midpoint(more_than(n / 2), more_than(n / 2 - 1)),
    }
}

/// The chance that the share of events in `trials` is at most `limit`, when the rate is `rate`.
///
/// # Panics
/// If `rate` is outside `[0, 1]`.
pub fn rate_power_by_point(trials: u64, rate: f64, limit: f64) -> f64 {
    let events = Binomial::new(rate, trials).expect("a rate lies in [0, 1]");
    // A share that only rounding takes over the limit is at it.
    events.cdf((limit * trials as f64 + 1e-9).floor().max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use statrs::distribution::Beta;

    use super::*;
    use crate::stats::{
        BootstrapMethod, Resamples, abc_mean, bca_mean, bootstrap_quantile_ratio, bounded_mean,
        stream,
    };

    /// Values of a beta law by its inverse, tabulated.
    fn sampler(mean: f64, deviation: f64) -> impl Fn(&mut rand_chacha::ChaCha8Rng) -> f64 {
        let sum = mean * (1.0 - mean) / deviation.powi(2) - 1.0;
        let law = Beta::new(mean * sum, (1.0 - mean) * sum).expect("shapes");
        let table: Vec<f64> = (0..4000)
            .map(|i| law.inverse_cdf((f64::from(i) + 0.5) / 4000.0))
            .collect();
        move |rng| table[rng.random_range(0..table.len())]
    }

    #[track_caller]
    fn check_mean(mean: f64, deviation: f64, n: usize, limit: f64) {
        let draw = sampler(mean, deviation);
        let runs = 3000;
        let passed = (0..runs)
            .filter(|&run| {
                let mut rng = stream(11, run);
                let values: Vec<f64> = (0..n).map(|_| draw(&mut rng)).collect();
                abc_mean(&values, Confidence::P95).expect("values").low >= limit
            })
            .count();
        let found = passed as f64 / runs as f64;
        let law = Moments::of_beta(mean, deviation);
        let expected = mean_power(n, law, limit, Confidence::P95);
        assert!(
            (found - expected).abs() < 0.03,
            "{mean} {deviation} {n}: {found} {expected}"
        );
    }

    #[test]
    fn the_chance_of_a_mean_is_that_of_a_simulation() {
        for (mean, deviation, n) in [
            (0.75, 0.2, 50),
            (0.75, 0.2, 100),
            (0.75, 0.3, 200),
            (0.80, 0.3, 100),
            (0.73, 0.1, 50),
            (0.78, 0.35, 100),
            (0.926, 0.102, 50),
        ] {
            check_mean(mean, deviation, n, 0.70);
        }
    }

    #[test]
    fn the_closed_form_stands_for_the_bootstrap_that_decides() {
        let draw = sampler(0.76, 0.2);
        let resamples = Resamples { n: 500, seed: 1 };
        let runs = 300;
        let passed = (0..runs)
            .filter(|&run| {
                let mut rng = stream(12, run);
                let values: Vec<f64> = (0..100).map(|_| draw(&mut rng)).collect();
                bca_mean(&values, resamples, Confidence::P95)
                    .expect("values")
                    .low
                    >= 0.70
            })
            .count();
        let found = passed as f64 / runs as f64;
        let expected = mean_power(100, Moments::of_beta(0.76, 0.2), 0.70, Confidence::P95);
        // Two standard errors of 300 runs.
        assert!((found - expected).abs() < 0.055, "{found} {expected}");
    }

    #[test]
    fn a_detectable_mean_has_the_power_asked_for() {
        let law = Moments::of_beta(0.9, 0.1);
        let above = detectable_mean(80, law, Power::P80, Confidence::P95);
        let moved = Moments {
            mean: 0.70 + above,
            ..law
        };
        assert!((mean_power(80, moved, 0.70, Confidence::P95) - 0.8).abs() < 1e-9);
    }

    #[test]
    fn the_chance_of_a_topic_is_that_of_a_simulation() {
        let draw = sampler(0.926, 0.102);
        let law = Steps::of_beta(0.926, 0.102);
        for n in [9, 10, 14, 25, 210] {
            let runs = 3000;
            let passed = (0..runs)
                .filter(|&run| {
                    let mut rng = stream(13, run);
                    let values: Vec<f64> = (0..n).map(|_| draw(&mut rng)).collect();
                    bounded_mean(&values, Confidence::P95).expect("values").low >= 0.70
                })
                .count();
            let found = passed as f64 / runs as f64;
            let expected = bounded_mean_power(n, &law, 0.70, Some(Confidence::P95));
            assert!((found - expected).abs() < 0.03, "{n}: {found} {expected}");
        }
    }

    #[test]
    fn the_chance_of_a_ratio_is_that_of_a_simulation() {
        let (between, within, calls, quantile) = (0.3, 0.4, 6, 0.95);
        let normal = Normal::standard();
        let table: Vec<f64> = (0..4000)
            .map(|i| normal.inverse_cdf((f64::from(i) + 0.5) / 4000.0))
            .collect();
        for (n, quoted) in [(50, 0.86), (100, 0.99)] {
            let runs = 200;
            let passed = (0..runs)
                .filter(|&run| {
                    let mut rng = stream(14, run);
                    let mut z = || table[rng.random_range(0..table.len())];
                    let mut sides = [Vec::new(), Vec::new()];
                    for _ in 0..n {
                        let question = between * z();
                        for side in &mut sides {
                            side.push(
                                (0..calls)
                                    .map(|_| (question + within * z()).exp())
                                    .collect(),
                            );
                        }
                    }
                    bootstrap_quantile_ratio(
                        &sides[0],
                        &sides[1],
                        quantile,
                        BootstrapMethod::Percentile,
                        Resamples { n: 200, seed: 1 },
                        Confidence::P95,
                    )
                    .expect("positive")
                    .high
                        <= 1.25
                })
                .count();
            let design = QuantileRatioDesign {
                n,
                calls,
                between,
                within,
                quantile,
            };
            let expected = quantile_ratio_power(design, 1.0, 1.25, Confidence::P95);
            let found = passed as f64 / runs as f64;
            assert!((expected - quoted).abs() < 0.03, "{n}: {expected}");
            // Two standard errors of 200 runs.
            assert!((found - expected).abs() < 0.05, "{n}: {found} {expected}");
        }
    }

    #[test]
    fn the_rules_by_point_count_as_they_decide() {
        assert!((median_power_by_point(3, 0.5) - 0.5).abs() < 1e-12);
        // Both of two, or one of them and the coin.
        assert!((median_power_by_point(2, 0.5) - 0.5).abs() < 1e-12);
        assert!(
            (rate_power_by_point(10, 0.1, 0.1) - (0.9_f64.powi(10) + 0.9_f64.powi(9))).abs() < 1e-9
        );
    }
}
