//! Which metric a store's scores are made of, whatever the store says.
//!
//! A sample is a query's vector, a document's vector and the score that the store gave the pair.
//! For each [hypothesis](HYPOTHESES) the score is bent back to the value that it would stand for,
//! and set beside the value that the vectors have. A metric is named only if its value is met and
//! that of no other metric is; where vectors have equal lengths several metrics are met at once,
//! and queries that are asked again at twice their length tell them apart: the product doubles, the
//! cosine stays, a distance does neither.

mod evidence;
mod hypothesis;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use hypothesis::{HYPOTHESES, ScoreMetric, Transform, Value};

use evidence::{Evidence, Fit};

/// One pair with the score that the store gave it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreSample<'a> {
    /// What the store was asked with.
    pub query: &'a [f32],
    /// What it holds.
    pub document: &'a [f32],
    /// What it returned for the two.
    pub score: f64,
    /// Whether the query was stretched on purpose.
    pub scaled: bool,
}

/// How closely scores follow from the vectors at hand.
///
/// A deviation is counted in the value that a score stands for, and relative to what rounding of
/// that value is relative to: 1 for a cosine, `max(1, ‖q‖·‖d‖)` for a product, `max(1, ‖q‖² +
/// ‖d‖²)` for a squared distance, which many stores compute as a sum of three products. The floor
/// of 1 is there because a bend such as `1 − x` rounds small values as it rounds 1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// To 1e-5: sums in f32. A running sum of `n` products errs by about `√n · 2⁻²⁴`, which is 4e-6
    /// for 4,096 numbers.
    Single,
    /// To 2e-3: vectors that the store rounds to f16 or bfloat16 (by up to 2⁻¹¹ and 2⁻⁹ a number)
    /// and gives out unrounded.
    Half,
    /// To 1e-2: vectors of which the store scores codes of eight bits a number.
    Quantised,
}

impl Precision {
    const ALL: [Self; 3] = [Self::Single, Self::Half, Self::Quantised];

    /// The largest relative deviation that counts as none.
    pub fn tolerance(self) -> f64 {
        match self {
            Self::Single => 1e-5,
            Self::Half => 2e-3,
            Self::Quantised => 1e-2,
        }
    }

    fn note(self) -> &'static str {
        match self {
            Self::Single => "",
            Self::Half => ", as closely as half precision goes",
            Self::Quantised => ", only as closely as quantised vectors go",
        }
    }
}

/// Another metric counts as refuted only where it is off by more than this many tolerances, so that
/// none is named because another missed by a hair.
const REFUTED_BEYOND: f64 = 10.0;
/// Share of scores that may be off without refuting a metric: those of rows whose stored vector is
/// not the one that the index ranks by. Scaled queries are counted apart, so that few of them weigh
/// enough.
const MAY_BE_OFF: f64 = 0.05;
/// Fewer scores than this prove nothing.
const FEWEST_SAMPLES: usize = 8;
/// A value that spreads over less than this many median deviations, from the smallest to the
/// largest relative value, is met by anything.
const LEAST_SPREAD: f64 = 20.0;
/// Smaller median deviations are rounding of f32, by which no bend is better than another.
const ROUNDING: f64 = 1e-7;

/// What came of an inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Inferred {
    /// Scores are made of the cosine.
    Cosine,
    /// Scores are made of the inner product.
    Dot,
    /// Scores are made of the Euclidean distance.
    L2,
    /// Scores are made of its square.
    SquaredL2,
    /// More than one metric gives these scores, or there is too little to tell.
    Undetermined,
    /// No metric that is known gives these scores.
    NoneFits,
}

impl From<ScoreMetric> for Inferred {
    fn from(metric: ScoreMetric) -> Self {
        match metric {
            ScoreMetric::Cosine => Self::Cosine,
            ScoreMetric::Dot => Self::Dot,
            ScoreMetric::L2 => Self::L2,
            ScoreMetric::SquaredL2 => Self::SquaredL2,
        }
    }
}

impl Inferred {
    /// The metric, if one was named.
    pub fn metric(self) -> Option<ScoreMetric> {
        match self {
            Self::Cosine => Some(ScoreMetric::Cosine),
            Self::Dot => Some(ScoreMetric::Dot),
            Self::L2 => Some(ScoreMetric::L2),
            Self::SquaredL2 => Some(ScoreMetric::SquaredL2),
            Self::Undetermined | Self::NoneFits => None,
        }
    }
}

/// How far scores lie from a hypothesis: relative deviations as [`Precision`] counts them, in `[0,
/// 1]`. A score that no value has, or one farther off than the vectors are long, counts as 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// The largest.
    pub max: f64,
    /// The middle one; the upper of two.
    pub median: f64,
}

/// One way in which the scores may have come about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The metric.
    pub metric: ScoreMetric,
    /// The value that is bent.
    pub value: Value,
    /// How it is bent.
    pub transform: Transform,
    /// How far the scores lie from that.
    pub residual: Residual,
    /// Scores beyond the tolerance.
    pub n_off: u64,
}

/// Samples that could not be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The score is NaN or infinite.
    pub bad_score: u64,
    /// A vector has NaN or infinity.
    pub bad_vector: u64,
    /// A vector is all zeros, or has no numbers.
    pub zero_vector: u64,
    /// The two vectors differ in length.
    pub wrong_dimension: u64,
}

/// Which metric reproduces a store's scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inference {
    /// The metric, or that it could not be told.
    pub metric: Inferred,
    /// The way that lies nearest to the scores, whether it fits or not; none without samples.
    pub closest: Option<Candidate>,
    /// How closely that fits; none if it does not.
    pub precision: Option<Precision>,
    /// The best way of each metric that is not refuted, nearest first.
    pub standing: Vec<Candidate>,
    /// Samples that were used.
    pub n_samples: u64,
    /// How many of them had a stretched query.
    pub n_scaled: u64,
    /// Samples that were not.
    pub left_out: LeftOut,
    /// The reason, in a sentence.
    pub why: String,
}

/// How an inference stands beside the metric that a contract states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// The scores are made of the stated metric.
    Agrees,
    /// They are made of another, or the stated one is refuted.
    Contradicts,
    /// The stated metric may be the one, as may others; or there is nothing to tell by.
    Open,
    /// No metric is stated, or one of which nothing is known here.
    NotStated,
}

impl Inference {
    /// What can be said without any score, and why.
    pub fn undetermined(why: impl Into<String>) -> Self {
        Self {
            metric: Inferred::Undetermined,
            closest: None,
            precision: None,
            standing: Vec::new(),
            n_samples: 0,
            n_scaled: 0,
            left_out: LeftOut::default(),
            why: why.into(),
        }
    }

    /// Beside a contract's `METRIC`. A distance and its square rank alike, and contracts do not
    /// tell them apart.
    pub fn beside(&self, stated: Option<&str>) -> Agreement {
        let stated: &[ScoreMetric] = match stated {
            Some("cosine") => &[ScoreMetric::Cosine],
            Some("dot") => &[ScoreMetric::Dot],
            Some("l2" | "squared_l2") => &[ScoreMetric::L2, ScoreMetric::SquaredL2],
            _ => return Agreement::NotStated,
        };
        if let Some(metric) = self.metric.metric() {
            return if stated.contains(&metric) {
                Agreement::Agrees
            } else {
                Agreement::Contradicts
            };
        }
        let stands = |found: &Candidate| stated.contains(&found.metric);
        match self.metric {
            Inferred::NoneFits => Agreement::Contradicts,
            _ if self.standing.is_empty() || self.standing.iter().any(stands) => Agreement::Open,
            _ => Agreement::Contradicts,
        }
    }
}

/// Finds the metric that reproduces the scores.
///
/// Samples with NaN, infinity, zeros or two lengths are left out and counted. The order of the
/// samples does not matter. Of two ways that lie equally near, the one that is listed first is
/// given.
///
/// ```
/// use ragstone::parity::metric_inference::{Inferred, ScoreSample, infer};
/// let document = [0.6_f32, 0.8];
/// let queries: Vec<[f32; 2]> = (1..=8).map(|x| [x as f32, 1.0]).collect();
/// let samples = queries.iter().map(|query| ScoreSample {
///     query,
///     document: &document,
///     // A store that says it ranks by cosine, and ranks by product.
///     score: f64::from(query[0]) * 0.6 + 0.8,
///     scaled: false,
/// });
/// assert_eq!(infer(samples).metric, Inferred::Dot);
/// ```
///
/// Time `O(n_samples · dim)`, memory `O(n_samples)`.
pub fn infer<'a>(samples: impl IntoIterator<Item = ScoreSample<'a>>) -> Inference {
    let evidence = Evidence::of(samples);
    let blank = Inference {
        n_samples: evidence.n_samples() as u64,
        n_scaled: evidence.n_scaled() as u64,
        left_out: evidence.left_out,
        ..Inference::undetermined("")
    };
    let fits = evidence.fits();
    if evidence.n_samples() < FEWEST_SAMPLES {
        let why = format!(
            "there are {} usable scores, and fewer than {FEWEST_SAMPLES} prove nothing",
            evidence.n_samples()
        );
        return Inference { why, ..blank };
    }
    let precise = Precision::ALL
        .into_iter()
        .find(|precision| fits.iter().any(|fit| fit.holds(precision.tolerance())));
    match precise {
        None => none_fits(blank, &fits),
        Some(precision) => decided(blank, &evidence, &fits, precision),
    }
}

fn none_fits(blank: Inference, fits: &[Fit]) -> Inference {
    let closest = nearest(fits).map(|fit| fit.candidate(Precision::Quantised.tolerance()));
    let why = match &closest {
        Some(closest) => format!(
            "no metric gives these scores; nearest is {}, off by {:.1e} at the median",
            words(closest),
            closest.residual.median
        ),
        None => "no metric gives these scores".to_owned(),
    };
    Inference {
        metric: Inferred::NoneFits,
        closest,
        why,
        ..blank
    }
}

fn decided(blank: Inference, evidence: &Evidence, fits: &[Fit], precision: Precision) -> Inference {
    let tolerance = precision.tolerance();
    let standing: Vec<Candidate> = [
        ScoreMetric::Cosine,
        ScoreMetric::Dot,
        ScoreMetric::L2,
        ScoreMetric::SquaredL2,
    ]
    .iter()
    .filter_map(|metric| {
        let mine = fits.iter().filter(|fit| fit.value.metric() == *metric);
        let held = mine.filter(|fit| fit.holds(REFUTED_BEYOND * tolerance));
        nearest(held).map(|fit| fit.candidate(tolerance))
    })
    .collect();
    let holding = fits.iter().filter(|fit| fit.holds(tolerance));
    let best = nearest(holding).expect("one holds at this precision");
    let closest = best.candidate(tolerance);
    let spread = evidence.spread(best.value);
    let (metric, why) = if standing.len() > 1 {
        let names: Vec<&str> = standing.iter().map(|found| found.metric.name()).collect();
        let advice = if blank.n_scaled == 0 {
            "; queries at twice their length would tell them apart"
        } else {
            ""
        };
        let why = format!("{} give these scores alike{advice}", names.join(" and "));
        (Inferred::Undetermined, why)
    } else if spread < LEAST_SPREAD * closest.residual.median.max(ROUNDING) {
        let why = format!(
            "{} takes nearly one value in all samples (spread {spread:.1e}), which anything would meet",
            best.value.name()
        );
        (Inferred::Undetermined, why)
    } else {
        let off = match closest.n_off {
            0 => String::new(),
            n => format!("; {n} scores are off by more"),
        };
        let why = format!(
            "{} gives the scores to {:.1e}{}{off}",
            words(&closest),
            closest.residual.median,
            precision.note()
        );
        (Inferred::from(closest.metric), why)
    };
    let mut standing = standing;
    standing.sort_by(|a, b| a.residual.median.total_cmp(&b.residual.median));
    Inference {
        metric,
        closest: Some(closest),
        precision: Some(precision),
        standing,
        why,
        ..blank
    }
}

/// The fit of the smallest median deviation, and of those that are as good the one that is listed
/// first.
fn nearest<'a>(fits: impl IntoIterator<Item = &'a Fit>) -> Option<&'a Fit> {
    fits.into_iter().min_by(|a, b| {
        let [a, b] = [a, b].map(|fit| fit.residual.median.max(ROUNDING));
        a.total_cmp(&b)
    })
}

/// `1 - x of the cosine`.
fn words(candidate: &Candidate) -> String {
    match candidate.transform {
        Transform::Identity => candidate.value.name().to_owned(),
        transform => format!(
            "{} with x = {}",
            transform.formula(),
            candidate.value.name()
        ),
    }
}

#[cfg(test)]
mod tests;
