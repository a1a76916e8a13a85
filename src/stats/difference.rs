//! A difference of two means or rates with its standard error: tests, intervals and equivalence.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::stats::moments::{mean, standard_deviation};
use crate::stats::normal::{normal_cdf, normal_tail};
use crate::stats::solve::student_quantile;
use crate::stats::test_result::Tails;
use crate::stats::{Alternative, Interval, Tally, TestResult};
use crate::units::Confidence;

/// The mean, spread and size of one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation, with `n − 1`.
    pub standard_deviation: f64,
    /// The number of values, at least 2.
    pub n: usize,
}

impl Summary {
    /// `None` for fewer than two values or one that is not finite.
    pub fn of(values: &[f64]) -> Option<Self> {
        Some(Self {
            mean: mean(values)?,
            standard_deviation: standard_deviation(values)?,
            n: values.len(),
        })
    }

    fn squared_error(self) -> f64 {
        self.standard_deviation.powi(2) / self.n as f64
    }
}

/// An estimated difference, its standard error and the law of their ratio.
///
/// A standard error of zero (every question shifted by the same amount, or not at all) is legal:
/// the interval is then one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    estimate: f64,
    standard_error: f64,
    law: Law,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Law {
    Student { degrees: f64 },
    Normal,
}

impl Difference {
    /// The mean of one value per pair, against zero: the paired t-test.
    ///
    /// ```
    /// use ragstone::stats::{Alternative, Difference};
    /// let drift = Difference::of_pairs(&[0.25, 0.5, 0.75]).unwrap();
    /// assert_eq!(drift.estimate(), 0.5);
    /// let test = drift.test(0.0, Alternative::TwoSided).unwrap();
    /// assert!((test.statistic - 12.0_f64.sqrt()).abs() < 1e-12);
    /// ```
    ///
    /// `None` for fewer than two values or one that is not finite.
    pub fn of_pairs(differences: &[f64]) -> Option<Self> {
        Some(Self::of_summary(Summary::of(differences)?))
    }

    /// The mean of `ln(x / y)` over pairs: the logarithm of the geometric mean ratio.
    ///
    /// `None` for fewer than two pairs, or a value that is not positive and finite.
    ///
    /// # Panics
    /// If the samples differ in length.
    pub fn of_log_ratios(x: &[f64], y: &[f64]) -> Option<Self> {
        assert_eq!(x.len(), y.len(), "pairs have two sides");
        let fits = |value: &f64| *value > 0.0 && value.is_finite();
        if !x.iter().chain(y).all(fits) {
            return None;
        }
        let logs: Vec<f64> = x.iter().zip(y).map(|(x, y)| x.ln() - y.ln()).collect();
        Self::of_pairs(&logs)
    }

    /// One sample's mean, from its summary alone.
    pub fn of_summary(sample: Summary) -> Self {
        Self {
            estimate: sample.mean,
            standard_error: sample.squared_error().sqrt(),
            law: Law::Student {
                degrees: sample.n as f64 - 1.0,
            },
        }
    }

    /// `mean(x) − mean(y)` of two samples with one spread: Student's test.
    pub fn pooled(x: Summary, y: Summary) -> Self {
        let (n, m) = (x.n as f64, y.n as f64);
        let degrees = n + m - 2.0;
        let squares =
            x.standard_deviation.powi(2) * (n - 1.0) + y.standard_deviation.powi(2) * (m - 1.0);
        Self {
            estimate: x.mean - y.mean,
            standard_error: (squares / degrees * (1.0 / n + 1.0 / m)).sqrt(),
            law: Law::Student { degrees },
        }
    }

    /// `mean(x) − mean(y)` of two samples with spreads of their own: Welch's test, with
    /// Satterthwaite's degrees of freedom.
    pub fn welch(x: Summary, y: Summary) -> Self {
        let (a, b) = (x.squared_error(), y.squared_error());
        let spread = a.powi(2) / (x.n as f64 - 1.0) + b.powi(2) / (y.n as f64 - 1.0);
        // Without any spread the degrees do not matter, as the interval is a point.
        let degrees = if spread > 0.0 {
            (a + b).powi(2) / spread
        } else {
            (x.n + y.n) as f64 - 2.0
        };
        Self {
            estimate: x.mean - y.mean,
            standard_error: (a + b).sqrt(),
            law: Law::Student { degrees },
        }
    }

    /// The difference of two rates by the normal approximation (Wald's).
    ///
    /// For an interval prefer [`newcombe`](crate::stats::newcombe), which holds for small counts.
    pub fn of_rates(x: Tally, y: Tally) -> Self {
        let squared_error = |tally: Tally| {
            let rate = tally.rate();
            rate * (1.0 - rate) / tally.trials() as f64
        };
        Self {
            estimate: x.rate() - y.rate(),
            standard_error: (squared_error(x) + squared_error(y)).sqrt(),
            law: Law::Normal,
        }
    }

    /// The point estimate.
    pub fn estimate(self) -> f64 {
        self.estimate
    }

    /// The standard error of the estimate.
    pub fn standard_error(self) -> f64 {
        self.standard_error
    }

    /// The degrees of freedom; `None` for the normal law, which has none.
    pub fn degrees_of_freedom(self) -> Option<f64> {
        match self.law {
            Law::Student { degrees } => Some(degrees),
            Law::Normal => None,
        }
    }

    /// Whether the true difference is `null`; the statistic is t (or z).
    ///
    /// `None` without a standard error, where t has no value.
    pub fn test(self, null: f64, alternative: Alternative) -> Option<TestResult> {
        if self.standard_error <= 0.0 {
            return None;
        }
        let statistic = (self.estimate - null) / self.standard_error;
        let tails = match self.law {
            Law::Student { degrees } => {
                let law =
                    StudentsT::new(0.0, 1.0, degrees).expect("degrees of freedom are positive");
                Tails {
                    lower: law.cdf(statistic),
                    upper: law.cdf(-statistic),
                }
            }
            Law::Normal => Tails {
                lower: normal_cdf(statistic),
                upper: normal_tail(statistic),
            },
        };
        Some(TestResult {
            statistic,
            p: tails.p(alternative),
        })
    }

    /// The estimate with bounds, each one-sided at `confidence`.
    pub fn interval(self, confidence: Confidence) -> Interval {
        let quantile = match self.law {
            Law::Student { degrees } => student_quantile(degrees, confidence.get()),
            Law::Normal => Normal::standard().inverse_cdf(confidence.get()),
        };
        let reach = quantile * self.standard_error;
        Interval {
            estimate: self.estimate,
            low: self.estimate - reach,
            high: self.estimate + reach,
        }
    }

    /// Two one-sided tests (TOST): whether the true difference lies inside `margin`.
    ///
    /// ```
    /// use ragstone::{stats::{Difference, Margin}, units::Confidence};
    /// let drift = Difference::of_pairs(&[0.01, -0.01, 0.0, 0.005, -0.005]).unwrap();
    /// let within = drift.equivalence(Margin::symmetric(0.03).unwrap(), Confidence::P95);
    /// assert!(within.p < 0.05 && within.interval.high < 0.03);
    /// ```
    ///
    /// Source: Schuirmann (1987), *A comparison of the two one-sided tests procedure*.
    pub fn equivalence(self, margin: Margin, confidence: Confidence) -> Equivalence {
        let one_sided = |null, alternative, beyond: bool| {
            // Without spread the estimate is the truth: past its limit, or not.
            let certain = if beyond { 0.0 } else { 1.0 };
            self.test(null, alternative).map_or(certain, |test| test.p)
        };
        let p_low = one_sided(margin.low, Alternative::Greater, self.estimate > margin.low);
        let p_high = one_sided(margin.high, Alternative::Less, self.estimate < margin.high);
        Equivalence {
            interval: self.interval(confidence),
            p_low,
            p_high,
            p: p_low.max(p_high),
        }
    }
}

/// How large a difference still counts as none: `low < high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margin {
    low: f64,
    high: f64,
}

impl Margin {
    /// `None` unless `low < high` and both are finite.
    pub fn new(low: f64, high: f64) -> Option<Self> {
        (low < high && low.is_finite() && high.is_finite()).then_some(Self { low, high })
    }

    /// The lower end.
    pub fn low(self) -> f64 {
        self.low
    }

    /// The upper end.
    pub fn high(self) -> f64 {
        self.high
    }

    /// From `−half` to `half`; `None` unless `half` is positive and finite.
    pub fn symmetric(half: f64) -> Option<Self> {
        Self::new(-half, half)
    }

    /// From `1 / ratio` to `ratio` on the scale of [`Difference::of_log_ratios`]; `None` unless
    /// `ratio` is above 1 and finite.
    pub fn ratio(ratio: f64) -> Option<Self> {
        Self::symmetric(ratio.ln())
    }
}

/// The answer of two one-sided tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equivalence {
    /// The difference with one-sided bounds: at 95 % each, the 90 % interval that must lie inside
    /// the margin.
    pub interval: Interval,
    /// Of the test against the lower end of the margin.
    pub p_low: f64,
    /// Of the test against the upper end of the margin.
    pub p_high: f64,
    /// The larger of the two: at most α means equivalent.
    pub p: f64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn identical_sides_are_equivalent_with_certainty() {
        let none = Difference::of_pairs(&[0.0; 50]).expect("values");
        let margin = Margin::symmetric(0.03).expect("a margin");
        let within = none.equivalence(margin, Confidence::P95);
        assert_eq!(
            (within.p, within.interval.low, within.interval.high),
            (0.0, 0.0, 0.0)
        );
        assert_eq!(none.test(0.0, Alternative::TwoSided), None);
        let shifted = Difference::of_pairs(&[0.5; 50]).expect("values");
        assert_eq!(shifted.equivalence(margin, Confidence::P95).p, 1.0);
    }

    #[test]
    fn a_ratio_is_judged_on_its_logarithm() {
        let (x, y) = ([1.1, 2.1, 3.3, 4.5], [1.0, 2.0, 3.0, 4.0]);
        let ratio = Difference::of_log_ratios(&x, &y).expect("positive");
        let geometric = x
            .iter()
            .zip(y)
            .map(|(x, y)| x / y)
            .product::<f64>()
            .powf(0.25);
        assert!((ratio.estimate().exp() - geometric).abs() < 1e-12);
        let margin = Margin::ratio(1.25).expect("a margin");
        assert!(ratio.equivalence(margin, Confidence::P95).p < 0.05);
        assert_eq!(Difference::of_log_ratios(&[0.0, 1.0], &[1.0, 1.0]), None);
        assert_eq!(Margin::ratio(1.0), None);
    }

    proptest! {
        #[test]
        fn equivalent_means_that_the_interval_is_inside(
            values in prop::collection::vec(-0.1..0.1_f64, 2..40), half in 0.001..0.1_f64,
        ) {
            let difference = Difference::of_pairs(&values).expect("finite");
            let within = difference.equivalence(Margin::symmetric(half).expect("positive"), Confidence::P95);
            let inside = within.interval.low > -half && within.interval.high < half;
            // At the very edge the quantile's last digit decides.
            if (within.p - 0.05).abs() > 1e-9 {
                prop_assert_eq!(inside, within.p < 0.05);
            }
        }
    }
}
