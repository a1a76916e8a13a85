//! What a side is assumed to look like when nothing is wrong.

use std::collections::BTreeMap;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::ids::{QuestionId, TargetName};
use crate::judge::Requirement;
use crate::judge::paired::SHIFT;
use crate::measure::{
    CellMetrics, MetricTable, Missing, PairedQuestion, QuestionMetrics, RankMeasure, Status,
    flipped_paraphrases, pair, questions,
};
use crate::replay::Purpose;
use crate::stats::{Moments, Steps, mean, median, quantile, standard_deviation};

/// How a number varies over questions.
#[derive(Clone, Debug, PartialEq)]
pub enum Law {
    /// About a mean: normal where values are distances, beta where they are shares.
    Spread {
        /// The mean, which for a distance is the median too.
        mean: f64,
        /// The standard deviation over questions.
        deviation: f64,
    },
    /// As these values of a finished run, each as likely; at least one.
    Seen(Vec<f64>),
}

impl Law {
    /// The mean.
    pub fn mean(&self) -> f64 {
        match self {
            Self::Spread { mean, .. } => *mean,
            Self::Seen(values) => mean(values).unwrap_or(f64::NAN),
        }
    }

    /// The standard deviation over questions; 0 for a single one.
    pub fn deviation(&self) -> f64 {
        match self {
            Self::Spread { deviation, .. } => *deviation,
            Self::Seen(values) => standard_deviation(values).unwrap_or(0.0),
        }
    }

    /// As a share: its moments.
    pub(super) fn moments(&self) -> Moments {
        match self {
            Self::Spread { mean, deviation } => Moments::of_beta(*mean, *deviation),
            Self::Seen(values) => Moments::of(values).unwrap_or(Moments::normal(f64::NAN, 0.0)),
        }
    }

    /// As a share: the chances of its values.
    pub(super) fn steps(&self) -> Steps {
        match self {
            Self::Spread { mean, deviation } => Steps::of_beta(*mean, *deviation),
            Self::Seen(values) => Steps::of(values),
        }
    }

    /// As a distance: the share of questions at or below a limit. A failed question, which is
    /// infinitely far, never is.
    pub fn share_within(&self, limit: f64) -> f64 {
        match self {
            Self::Spread { mean, deviation } if *deviation > 0.0 => {
                Normal::standard().cdf((limit - mean) / deviation)
            }
            Self::Spread { mean, .. } => f64::from(u8::from(*mean <= limit)),
            Self::Seen(values) => {
                let within = values.iter().filter(|value| **value <= limit).count();
                within as f64 / values.len() as f64
            }
        }
    }

    /// As a distance: how far the quantile at `level` lies above the median.
    pub(super) fn above_median(&self, level: f64) -> Option<f64> {
        let level = level.clamp(0.0, 1.0);
        let above = match self {
            Self::Spread { deviation, .. } => deviation * Normal::standard().inverse_cdf(level),
            Self::Seen(values) => quantile(values, level)? - median(values)?,
        };
        above.is_finite().then_some(above)
    }
}

/// What a side looks like beside its control when nothing is wrong: the numbers on which the chance
/// of a PASS depends.
///
/// The questions of a run are taken for a random sample of such questions.
#[derive(Clone, Debug, PartialEq)]
pub struct Healthy {
    /// ΔS of a question, the median over its cells, in `[0, 2]`.
    pub delta_s: Law,
    /// Coverage of a question's target sections, the mean over its cells, in `[0, 1]`.
    pub coverage: Law,
    /// Ranking measures of a question, the mean over its cells, in `[0, 1]`: those that a run measured.
    /// None is usual, since what they come to depends on the gold set and its judgments.
    pub rank: BTreeMap<RankMeasure, Law>,
    /// Share of questions all of whose cells are `→`.
    pub converges: f64,
    /// Share of questions with a `×` cell. Any at all fails the λ clauses.
    pub chaotic: f64,
    /// Share of a question's cells that are `<>`, in `[0, 1]`.
    pub recursive: Law,
    /// Share of questions of which two or more paraphrases flip.
    pub paraphrases_flip: f64,
    /// Standard deviation over questions of ΔS on the side less ΔS on the control.
    pub shift_deviation: f64,
    /// Share of questions whose ΔS shifts by more than 0.10 beyond the sides' own noise.
    pub shifted: f64,
    /// Standard deviation over questions of a side's ΔS less its own in a repeat.
    pub repeat_deviation: f64,
    /// Standard deviation over questions of coverage on the side less coverage on the control.
    pub coverage_deviation: f64,
    /// Share of questions that converge on one side only.
    pub flips: f64,
    /// Share of questions that both sides answer equally.
    pub equal_answers: f64,
    /// Standard deviation of the logarithm of warm latency between questions.
    pub latency_between: f64,
    /// The same between calls of one question, above 0.
    pub latency_within: f64,
    /// Whether the two deviations of latency were measured in the run.
    pub latency_measured: bool,
    /// The run that this was measured in; `None` for the usual assumptions.
    pub run: Option<String>,
}

/// One assumption, for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assumption {
    /// What is assumed.
    pub what: &'static str,
    /// How much, with its unit.
    pub value: String,
    /// Where that comes from.
    pub source: String,
}

const HANDBOOK: &str = "the handbook gold set, 100 questions, MiniLM";
const APPROXIMATE: &str = "the handbook, two copies whose search loses one hit in twenty";
const QUOTED: &str = "as in STATISTICS.md";
const ASSUMED: &str = "assumed";

impl Healthy {
    /// The usual one, where no run has been made yet.
    ///
    /// Of the questions: as measured on the handbook's healthy region (100 questions, four wordings,
    /// two seeds, k = 10, all-MiniLM-L6-v2). Of the differences: two embedded regions do not differ
    /// at all, so that those of approximate search stand in: on the handbook's rankings every hit was
    /// dropped with a chance of 5 % on either side, each wording by itself, the next one moving up
    /// (500 draws of a question: SD of ΔS 0.0098 on one side, of coverage 0.068, no shift above
    /// 0.05 and no gold section lost). Of latency: the two deviations with which the p95 rule passes
    /// an unchanged service as often as STATISTICS.md says.
    pub fn usual() -> Self {
        Self {
            delta_s: Law::Spread {
                mean: 0.377,
                deviation: 0.068,
            },
            coverage: Law::Spread {
                mean: 0.926,
                deviation: 0.102,
            },
            rank: BTreeMap::new(),
            converges: 0.92,
            chaotic: 0.0,
            recursive: Law::Spread {
                mean: 0.0225,
                deviation: 0.080,
            },
            paraphrases_flip: 0.01,
            shift_deviation: 0.014,
            shifted: 0.0,
            repeat_deviation: 0.0,
            coverage_deviation: 0.096,
            flips: 0.01,
            equal_answers: 0.995,
            latency_between: 0.3,
            latency_within: 0.4,
            latency_measured: false,
            run: None,
        }
    }

    /// As a finished run measured it on one side, which is to have been healthy: the side itself, and
    /// the side beside its own repeat (the second seed, or the repeat of the only one). What the run
    /// did not measure stays as usual. `None` if no question was asked of it.
    ///
    /// A side that repeats itself exactly says that differences are 0, which holds for a second side
    /// only if it is as exact.
    pub fn measured(table: &MetricTable, side: &TargetName, run: String) -> Option<Self> {
        let all = questions(table, side, Missing::Worst);
        if all.is_empty() {
            return None;
        }
        let usual = Self::usual();
        let of = |value: fn(&QuestionMetrics) -> f64| Law::Seen(all.iter().map(value).collect());
        let flipping = flipped_paraphrases(table, side);
        let repeat = against_repeat(table, side);
        let pairs = |value: fn(&PairedQuestion) -> f64, usual: f64| {
            let values: Vec<f64> = repeat.iter().map(value).collect();
            standard_deviation(&values).unwrap_or(usual)
        };
        let repeated = |holds: fn(&PairedQuestion) -> bool, usual: f64| {
            if repeat.is_empty() {
                usual
            } else {
                share(&repeat, holds)
            }
        };
        let latency = latency(table, side);
        let (latency_between, latency_within) =
            latency.unwrap_or((usual.latency_between, usual.latency_within));
        let shift_deviation = pairs(|pair| pair.delta_s, usual.shift_deviation);
        Some(Self {
            delta_s: of(|question| question.delta_s),
            coverage: of(|question| question.coverage),
            rank: ranking(&all),
            converges: share(&all, |question| question.converges),
            chaotic: share(&all, |question| question.n_chaotic > 0),
            recursive: of(|question| question.share_recursive),
            paraphrases_flip: if flipping.is_empty() {
                usual.paraphrases_flip
            } else {
                share(&flipping, |question| question.n_answered >= 2)
            },
            shift_deviation,
            shifted: repeated(|pair| pair.delta_s.abs() > SHIFT, usual.shifted),
            repeat_deviation: shift_deviation,
            coverage_deviation: pairs(|pair| pair.coverage, usual.coverage_deviation),
            flips: repeated(|pair| pair.converges != pair.converged, usual.flips),
            equal_answers: usual.equal_answers,
            latency_between,
            latency_within,
            latency_measured: latency.is_some(),
            run: Some(run),
        })
    }

    /// Everything assumed, in words; of ranking measures only what is `required`.
    pub fn assumptions(&self, required: &[Requirement]) -> Vec<Assumption> {
        let source = |usual: &str| self.run.clone().unwrap_or_else(|| usual.to_owned());
        let repeat = |usual: &str| match &self.run {
            Some(run) => format!("{run}, the control beside its own repeat"),
            None => usual.to_owned(),
        };
        let law = |law: &Law| format!("mean {:.3}, SD {:.3}", law.mean(), law.deviation());
        let percent = |share: f64| format!("{:.1} % of the questions", 100.0 * share);
        let row = |what, value, source| Assumption {
            what,
            value,
            source,
        };
        let ranking = required.iter().filter_map(|one| {
            let known = self.rank.get(&one.measure)?;
            Some(row(one.measure.name(), law(known), source(ASSUMED)))
        });
        let mut rows = vec![
            row("ΔS", law(&self.delta_s), source(HANDBOOK)),
            row("coverage", law(&self.coverage), source(HANDBOOK)),
            row("λ converges", percent(self.converges), source(HANDBOOK)),
            row("a × cell", percent(self.chaotic), source(HANDBOOK)),
            row("share of <> cells", law(&self.recursive), source(HANDBOOK)),
            row(
                "two paraphrases flip",
                percent(self.paraphrases_flip),
                source(HANDBOOK),
            ),
            row(
                "ΔS between the sides",
                format!("mean 0, SD {:.3}", self.shift_deviation),
                repeat(APPROXIMATE),
            ),
            row("ΔS shifted", percent(self.shifted), repeat(APPROXIMATE)),
            row(
                "ΔS against its own repeat",
                format!("mean 0, SD {:.3}", self.repeat_deviation),
                repeat(HANDBOOK),
            ),
            row(
                "coverage between the sides",
                format!("mean 0, SD {:.3}", self.coverage_deviation),
                repeat(APPROXIMATE),
            ),
            row("λ on one side only", percent(self.flips), repeat(ASSUMED)),
            row(
                "equal answers",
                percent(self.equal_answers),
                ASSUMED.to_owned(),
            ),
            row(
                "log of warm latency",
                format!(
                    "SD {:.2} between questions, {:.2} within",
                    self.latency_between, self.latency_within
                ),
                if self.latency_measured {
                    source(QUOTED)
                } else {
                    QUOTED.to_owned()
                },
            ),
        ];
        rows.extend(ranking);
        rows
    }
}

/// Every ranking measure that all questions of a run have.
fn ranking(all: &[QuestionMetrics]) -> BTreeMap<RankMeasure, Law> {
    let known = all.first().into_iter().flat_map(|one| one.rank.keys());
    let of = |measure: &RankMeasure| {
        let values = all.iter().map(|one| one.rank.get(measure).copied());
        Some((*measure, Law::Seen(values.collect::<Option<_>>()?)))
    };
    known.filter_map(of).collect()
}

fn share<T>(all: &[T], holds: impl Fn(&T) -> bool) -> f64 {
    all.iter().filter(|one| holds(one)).count() as f64 / all.len() as f64
}

/// A side at its first seed beside itself at the second, or in the repeat of the only one.
fn against_repeat(table: &MetricTable, side: &TargetName) -> Vec<PairedQuestion> {
    let mine = |cell: &&CellMetrics| cell.target == *side && cell.answerable;
    let scored = |cell: &&CellMetrics| mine(cell) && cell.purpose == Purpose::Score;
    let Some(first) = table.cells.iter().find(scored).map(|cell| cell.seed) else {
        return Vec::new();
    };
    let second = table
        .cells
        .iter()
        .filter(scored)
        .map(|cell| cell.seed)
        .find(|seed| *seed != first);
    let asked = |wanted: &dyn Fn(&CellMetrics) -> bool| {
        let cells = table.cells.iter().filter(mine).filter(|cell| wanted(cell));
        let as_scored = |cell: &CellMetrics| CellMetrics {
            purpose: Purpose::Score,
            ..cell.clone()
        };
        let table = MetricTable {
            cells: cells.map(as_scored).collect(),
        };
        questions(&table, side, Missing::Worst)
    };
    let once = asked(&|cell| cell.purpose == Purpose::Score && cell.seed == first);
    let again = match second {
        Some(second) => asked(&|cell| cell.purpose == Purpose::Score && cell.seed == second),
        None => asked(&|cell| cell.purpose == Purpose::Repeat),
    };
    if again.is_empty() {
        return Vec::new();
    }
    pair(&again, &once, Missing::Worst)
}

/// The deviations of log latency between and within questions, by analysis of variance over the warm
/// calls. `None` if fewer than two questions have two of them.
fn latency(table: &MetricTable, side: &TargetName) -> Option<(f64, f64)> {
    let mut calls: BTreeMap<&QuestionId, Vec<f64>> = BTreeMap::new();
    let warm = table.cells.iter().filter(|cell| {
        cell.target == *side
            && cell.purpose == Purpose::Score
            && cell.status == Status::Scored
            && cell.cold_start == Some(false)
    });
    for cell in warm {
        if let Some(latency) = cell.latency_ms.filter(|latency| *latency > 0.0) {
            calls.entry(&cell.question).or_default().push(latency.ln());
        }
    }
    calls.retain(|_, calls| calls.len() >= 2);
    let of = |value: fn(&[f64]) -> Option<f64>| -> Option<Vec<f64>> {
        calls.values().map(|calls| value(calls)).collect()
    };
    let (means, deviations) = (of(mean)?, of(standard_deviation)?);
    let within = mean(&deviations.iter().map(|sd| sd * sd).collect::<Vec<_>>())?;
    let calls_each = calls.values().map(Vec::len).sum::<usize>() as f64 / calls.len() as f64;
    let between = standard_deviation(&means)?.powi(2) - within / calls_each;
    (within > 0.0).then(|| (between.max(0.0).sqrt(), within.sqrt()))
}
