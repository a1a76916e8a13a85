//! Whether the mean difference of two runs may be chance.

use serde::Serialize;

use crate::rank::compare::{CompareOptions, TIE};
use crate::stats::{
    Alternative, Difference, NullLaw, TestResult, Zeros, bca_mean, holm, sign_flip,
    sign_flip_resampled, wilcoxon_signed_rank,
};
use crate::units::Confidence;

/// Whether a mean difference may be chance, by several tests; all two-sided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Significance {
    /// How surely the interval holds the mean difference.
    pub confidence: f64,
    /// Lower end of the BCa bootstrap interval of the mean difference.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Student's paired t; none without spread.
    pub t: Option<Adjusted>,
    /// Wilcoxon's signed ranks, queries without a difference taking the lowest ranks (Pratt), by the
    /// normal law; none if no query differs.
    pub wilcoxon: Option<Adjusted>,
    /// All signs flipped, exactly or as often as was asked.
    pub sign_flip: Adjusted,
    /// Whether the difference is none, within a margin, if one was given.
    pub equivalence: Option<Equivalent>,
}

/// A p-value by itself, and among all that were computed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Adjusted {
    /// The test's own statistic.
    pub statistic: f64,
    /// The p-value.
    pub p: f64,
    /// The p-value if any of all measures and runs may decide, by Holm.
    pub p_holm: f64,
}

/// Two one-sided tests against a margin (TOST).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Equivalent {
    /// The margin's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// The larger p-value of the two tests.
    pub p: f64,
    /// Whether equivalence is shown at the level of one end of the interval's confidence, 5 % for 95 %.
    pub shown: bool,
}

impl Adjusted {
    fn of(test: TestResult) -> Self {
        Self {
            statistic: test.statistic,
            p: test.p,
            p_holm: test.p,
        }
    }
}

/// `None` of fewer than two differences.
pub(super) fn of(differences: &[f64], options: CompareOptions) -> Option<Significance> {
    let difference = Difference::of_pairs(differences)?;
    let each_end = Confidence::new(1.0 - options.confidence.alpha() / 2.0)?;
    let interval = bca_mean(differences, options.resamples, each_end)?;
    let two = Alternative::TwoSided;
    // What is rounding is no difference to rank.
    let ranked: Vec<f64> = differences
        .iter()
        .map(|difference| {
            if difference.abs() <= TIE {
                0.0
            } else {
                *difference
            }
        })
        .collect();
    let wilcoxon = wilcoxon_signed_rank(&ranked, two, Zeros::Pratt, NullLaw::Normal);
    let flipped = sign_flip(differences, two)
        .or_else(|| sign_flip_resampled(differences, two, options.resamples))?;
    let equivalence = options.margin.map(|margin| {
        let found = difference.equivalence(margin, options.confidence);
        Equivalent {
            low: margin.low(),
            high: margin.high(),
            p: found.p,
            shown: found.p <= options.confidence.alpha(),
        }
    });
    Some(Significance {
        confidence: options.confidence.get(),
        low: interval.low,
        high: interval.high,
        t: difference.test(0.0, two).map(Adjusted::of),
        wilcoxon: wilcoxon.map(Adjusted::of),
        sign_flip: Adjusted::of(flipped),
        equivalence,
    })
}

/// Adjusts the p-values of each test among all comparisons.
pub(super) fn adjust(mut all: Vec<&mut Significance>) {
    let tests: [fn(&mut Significance) -> Option<&mut Adjusted>; 3] = [
        |one| one.t.as_mut(),
        |one| one.wilcoxon.as_mut(),
        |one| Some(&mut one.sign_flip),
    ];
    for test in tests {
        let mut found: Vec<&mut Adjusted> = all.iter_mut().filter_map(|one| test(one)).collect();
        let p_values: Vec<f64> = found.iter().map(|test| test.p).collect();
        for (test, adjusted) in found.iter_mut().zip(holm(&p_values)) {
            test.p_holm = adjusted;
        }
    }
}
