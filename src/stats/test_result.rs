//! What a test of a hypothesis is asked and what it answers.

use crate::stats::normal::{normal_cdf, normal_tail};

/// Which departure from the null hypothesis a test looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alternative {
    /// The first sample (or the difference) is lower or higher.
    TwoSided,
    /// The first sample (or the difference) is lower.
    Less,
    /// The first sample (or the difference) is higher.
    Greater,
}

/// Which law of the statistic a rank test takes its p-value from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullLaw {
    /// Every arrangement of the ranks that were seen, ties included.
    Exact,
    /// The normal law with the same mean and variance, ties included.
    Normal,
    /// The same, with the statistic half a step nearer to its mean.
    NormalWithContinuity,
}

/// A statistic and how often the null hypothesis gives one at least as extreme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestResult {
    /// The statistic; each test says which.
    pub statistic: f64,
    /// The p-value, in `[0, 1]`.
    pub p: f64,
}

/// The probabilities of a statistic at most, and at least, the one observed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tails {
    pub(super) lower: f64,
    pub(super) upper: f64,
}

impl Tails {
    /// Of a discrete law that gives value `i` the probability `law[i]`, at `observed`.
    pub(super) fn of_law(law: &[f64], observed: usize) -> Self {
        Self {
            lower: law[..=observed].iter().sum(),
            upper: law[observed..].iter().sum(),
        }
    }

    /// Of the normal law. `None` without variance.
    pub(super) fn normal(observed: f64, mean: f64, variance: f64, continuity: f64) -> Option<Self> {
        if variance <= 0.0 {
            return None;
        }
        let deviation = variance.sqrt();
        Some(Self {
            lower: normal_cdf((observed - mean + continuity) / deviation),
            upper: normal_tail((observed - mean - continuity) / deviation),
        })
    }

    /// The p-value; two-sided, twice the smaller tail and at most 1.
    pub(super) fn p(self, alternative: Alternative) -> f64 {
        let p = match alternative {
            Alternative::Less => self.lower,
            Alternative::Greater => self.upper,
            Alternative::TwoSided => 2.0 * self.lower.min(self.upper),
        };
        // Sums of a discrete law can pass 1 by rounding.
        p.clamp(0.0, 1.0)
    }
}

impl NullLaw {
    /// Half a step, or nothing.
    pub(super) fn continuity(self) -> f64 {
        if self == Self::NormalWithContinuity {
            0.5
        } else {
            0.0
        }
    }
}
