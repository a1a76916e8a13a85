//! Two readings beside each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parity::metric_inference::{Agreement, Inference, Inferred, ScoreMetric};
use crate::parity::retrieval::{ConditionReading, RetrievalReading, overlap};
use crate::stats::mean;

/// How far the mean recall, or the share of rows that find themselves, may fall beyond the noise of
/// the two sides and still only be warned of: one neighbour in twenty, or one hit in every second
/// question of ten hits, which is what rebuilding a graph of usual parameters may cost.
pub const MAY_DROP: f64 = 0.05;
/// Below this much, shares are equal: rounding of a mean.
const ROUNDING: f64 = 1e-9;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// The metric that the scores are made of.
    Metric,
    /// The metric that the control states and the one that its scores are made of.
    ControlMetric,
    /// The same of the side.
    SideMetric,
    /// Exact neighbours: whether the data are the same.
    ExactNeighbours,
    /// What was found: whether the graphs are.
    FoundNeighbours,
    /// How many of the exact neighbours were found.
    Recall,
    /// How many rows find themselves.
    SelfRetrieval,
    /// Exact neighbours under the filter.
    FilteredExactNeighbours,
    /// What was found under the filter.
    FilteredFoundNeighbours,
    /// How many of the exact neighbours were found under the filter.
    FilteredRecall,
    /// How many rows find themselves under the filter.
    FilteredSelfRetrieval,
}

impl Aspect {
    /// Whether it is looked at under the filter.
    pub fn is_filtered(self) -> bool {
        matches!(
            self,
            Self::FilteredExactNeighbours
                | Self::FilteredFoundNeighbours
                | Self::FilteredRecall
                | Self::FilteredSelfRetrieval
        )
    }
}

/// What a comparison came to. Ordered from the best to the worst, what was not checked coming after
/// what is the same.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RetrievalOutcome {
    /// No difference beyond the sides' own noise.
    Same,
    /// There was nothing to compare. Never read as the same.
    NotChecked,
    /// A difference that a rebuilt graph explains.
    Warns,
    /// A difference that it does not explain.
    Fails,
}

/// One aspect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetrievalFinding {
    /// Which.
    pub aspect: Aspect,
    /// What it came to.
    pub outcome: RetrievalOutcome,
    /// The reason, in a sentence.
    pub why: String,
}

/// Every aspect, in the order in which a cause would show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetrievalComparison {
    /// Never empty.
    pub findings: Vec<RetrievalFinding>,
}

impl RetrievalComparison {
    /// The worst outcome.
    pub fn worst(&self) -> RetrievalOutcome {
        let outcomes = self.findings.iter().map(|finding| finding.outcome);
        outcomes.max().unwrap_or(RetrievalOutcome::NotChecked)
    }

    /// One aspect, if it was looked at.
    pub fn of(&self, aspect: Aspect) -> Option<&RetrievalFinding> {
        self.findings
            .iter()
            .find(|finding| finding.aspect == aspect)
    }
}

/// Compares a side's reading with the control's; what was not read is not checked.
///
/// - Another metric fails, and so does a metric that the side's own contract contradicts. A
///   distance and its square rank alike and warn. Where one could not be told, only a refuted
///   metric fails.
/// - Exact neighbours that differ fail: the data differ. Exact neighbours that agree while what is
///   found differs beyond the sides' own noise warn: the graphs differ.
/// - Recall and self-retrieval warn if the side's falls below the control's by more than the noise,
///   and fail if it falls by more than [`MAY_DROP`] beyond that. The noise is the larger of the two
///   sides'.
pub fn compare_retrieval(
    control: Option<&RetrievalReading>,
    side: Option<&RetrievalReading>,
) -> RetrievalComparison {
    let (Some(control), Some(side)) = (control, side) else {
        let why = "the retrieval of a side was not read".to_owned();
        let aspects = [
            Aspect::Metric,
            Aspect::ExactNeighbours,
            Aspect::Recall,
            Aspect::SelfRetrieval,
        ];
        let unread = |aspect| RetrievalFinding {
            aspect,
            outcome: RetrievalOutcome::NotChecked,
            why: why.clone(),
        };
        return RetrievalComparison {
            findings: aspects.map(unread).to_vec(),
        };
    };
    let mut findings = vec![
        metric(&control.inference, &side.inference),
        stated(Aspect::ControlMetric, control),
        stated(Aspect::SideMetric, side),
    ];
    let by_one_metric = control.exact_metric == side.exact_metric && control.k == side.k;
    findings.extend(PLAIN.compare(&control.plain, &side.plain, by_one_metric));
    match (&control.filtered, &side.filtered) {
        (None, None) => {}
        (Some(ours), Some(theirs)) if ours.filter == theirs.filter => {
            findings.extend(FILTERED.compare(ours, theirs, by_one_metric));
        }
        _ => findings.push(RetrievalFinding {
            aspect: Aspect::FilteredRecall,
            outcome: RetrievalOutcome::NotChecked,
            why: "the two sides are not asked under one filter".to_owned(),
        }),
    }
    RetrievalComparison { findings }
}

fn metric(control: &Inference, side: &Inference) -> RetrievalFinding {
    use RetrievalOutcome::{Fails, NotChecked, Same, Warns};
    let distance =
        |metric: &ScoreMetric| matches!(metric, ScoreMetric::L2 | ScoreMetric::SquaredL2);
    let (outcome, why) = match (control.metric.metric(), side.metric.metric()) {
        (Some(ours), Some(theirs)) if ours == theirs => {
            (Same, format!("both score by {}", ours.name()))
        }
        (Some(ours), Some(theirs)) => {
            let why = format!(
                "the control scores by {}, the side by {}",
                ours.name(),
                theirs.name()
            );
            let alike = distance(&ours) && distance(&theirs);
            (if alike { Warns } else { Fails }, why)
        }
        (Some(known), None) => one_sided(known, "the side", side),
        (None, Some(known)) => one_sided(known, "the control", control),
        (None, None) => {
            let common = |one: &crate::parity::metric_inference::Candidate| {
                side.standing.iter().any(|other| other.metric == one.metric)
            };
            let apart = !control.standing.is_empty()
                && !side.standing.is_empty()
                && !control.standing.iter().any(common);
            let why = format!("the control: {}; the side: {}", control.why, side.why);
            (if apart { Fails } else { NotChecked }, why)
        }
    };
    RetrievalFinding {
        aspect: Aspect::Metric,
        outcome,
        why,
    }
}

/// One side's metric is known; the other's is not.
fn one_sided(known: ScoreMetric, who: &str, other: &Inference) -> (RetrievalOutcome, String) {
    let possible = match other.metric {
        Inferred::NoneFits => false,
        _ => other.standing.is_empty() || other.standing.iter().any(|found| found.metric == known),
    };
    let why = format!(
        "one scores by {}; of {who} it is not known: {}",
        known.name(),
        other.why
    );
    if possible {
        (RetrievalOutcome::NotChecked, why)
    } else {
        (RetrievalOutcome::Fails, why)
    }
}

fn stated(aspect: Aspect, reading: &RetrievalReading) -> RetrievalFinding {
    let said = reading.stated_metric.as_deref().unwrap_or("nothing");
    let why = format!("the contract states {said}; {}", reading.inference.why);
    let outcome = match reading.agreement {
        Agreement::Agrees => RetrievalOutcome::Same,
        Agreement::Contradicts => RetrievalOutcome::Fails,
        Agreement::Open | Agreement::NotStated => RetrievalOutcome::NotChecked,
    };
    RetrievalFinding {
        aspect,
        outcome,
        why,
    }
}

/// The aspects of one way of asking.
struct Aspects {
    exact: Aspect,
    found: Aspect,
    recall: Aspect,
    itself: Aspect,
}

const PLAIN: Aspects = Aspects {
    exact: Aspect::ExactNeighbours,
    found: Aspect::FoundNeighbours,
    recall: Aspect::Recall,
    itself: Aspect::SelfRetrieval,
};
const FILTERED: Aspects = Aspects {
    exact: Aspect::FilteredExactNeighbours,
    found: Aspect::FilteredFoundNeighbours,
    recall: Aspect::FilteredRecall,
    itself: Aspect::FilteredSelfRetrieval,
};

impl Aspects {
    fn compare(
        &self,
        control: &ConditionReading,
        side: &ConditionReading,
        by_one_metric: bool,
    ) -> [RetrievalFinding; 4] {
        let noise = control.noise().max(side.noise());
        let exact = exact(control, side, by_one_metric);
        let found = found(control, side, noise, exact.0);
        let fallen = |ours, theirs, what| fallen(ours, theirs, noise, what);
        let recall = fallen(
            mean_recall(control),
            mean_recall(side),
            "of the exact neighbours are found",
        );
        let itself = fallen(rate(control), rate(side), "of the rows find themselves");
        let finding = |aspect, (outcome, why)| RetrievalFinding {
            aspect,
            outcome,
            why,
        };
        [
            finding(self.exact, exact),
            finding(self.found, found),
            finding(self.recall, recall),
            finding(self.itself, itself),
        ]
    }
}

fn exact(
    control: &ConditionReading,
    side: &ConditionReading,
    by_one_metric: bool,
) -> (RetrievalOutcome, String) {
    if !by_one_metric {
        let why = "exact neighbours were sought by two metrics, or to two depths";
        return (RetrievalOutcome::NotChecked, why.to_owned());
    }
    let common = control.queries.iter().filter_map(|ours| {
        let theirs = side.queries.iter().find(|theirs| theirs.id == ours.id)?;
        let sought = !ours.exact.is_empty() && !theirs.exact.is_empty();
        sought.then(|| overlap(&ours.exact, &theirs.exact))
    });
    let overlaps: Vec<f64> = common.collect();
    if overlaps.is_empty() {
        let why = "no row was looked for exactly on both sides".to_owned();
        return (RetrievalOutcome::NotChecked, why);
    }
    let differing = overlaps
        .iter()
        .filter(|share| **share < 1.0 - ROUNDING)
        .count();
    let n = overlaps.len();
    if differing == 0 {
        (
            RetrievalOutcome::Same,
            format!("{n} rows have the same exact neighbours"),
        )
    } else {
        let why = format!("{differing} of {n} rows have other exact neighbours: the data differ");
        (RetrievalOutcome::Fails, why)
    }
}

fn found(
    control: &ConditionReading,
    side: &ConditionReading,
    noise: f64,
    exact: RetrievalOutcome,
) -> (RetrievalOutcome, String) {
    let common = control.queries.iter().filter_map(|ours| {
        let theirs = side.queries.iter().find(|theirs| theirs.id == ours.id)?;
        let answered = ours.failure.is_none() && theirs.failure.is_none();
        answered.then(|| overlap(&ours.found, &theirs.found))
    });
    let overlaps: Vec<f64> = common.collect();
    let Some(shared) = mean(&overlaps) else {
        let why = "no row was looked for on both sides".to_owned();
        return (RetrievalOutcome::NotChecked, why);
    };
    let why = format!(
        "{} of what is found is the same, and each side finds at least {} of its own again",
        percent(shared),
        percent(1.0 - noise)
    );
    if shared >= 1.0 - noise - ROUNDING {
        (RetrievalOutcome::Same, why)
    } else if exact == RetrievalOutcome::Same {
        (RetrievalOutcome::Warns, format!("{why}: the graphs differ"))
    } else {
        let why = format!("{why}; whether the graphs differ is not known while the data may");
        (RetrievalOutcome::NotChecked, why)
    }
}

fn mean_recall(reading: &ConditionReading) -> Option<f64> {
    reading.quality.recall.map(|recall| recall.mean)
}

fn rate(reading: &ConditionReading) -> Option<f64> {
    reading.quality.self_retrieval.map(|itself| itself.rate())
}

/// A share of the side below the control's.
fn fallen(
    control: Option<f64>,
    side: Option<f64>,
    noise: f64,
    what: &str,
) -> (RetrievalOutcome, String) {
    let (Some(ours), Some(theirs)) = (control, side) else {
        return (
            RetrievalOutcome::NotChecked,
            format!("not known how many {what}"),
        );
    };
    let why = format!(
        "{} {what} on the side, {} on the control",
        percent(theirs),
        percent(ours)
    );
    let beyond = ours - theirs - noise;
    let outcome = if beyond <= ROUNDING {
        RetrievalOutcome::Same
    } else if beyond <= MAY_DROP + ROUNDING {
        RetrievalOutcome::Warns
    } else {
        RetrievalOutcome::Fails
    };
    (outcome, why)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
