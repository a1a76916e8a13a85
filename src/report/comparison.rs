//! Two sides of a run, side by side: what differs, where and by how much. Computed for reading; the
//! checks decide.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{Form, QuestionId, Seed, TargetName, Topic};
use crate::judge::Runbook;
use crate::measure::{CellMetrics, Lambda, Missing, axes, questions, section_ranking};
use crate::ranking::{RBO_P, jaccard, kendall_tau_b, overlap_at, rbo_ext};
use crate::replay::{HitRecord, Outcome, Purpose};
use crate::report::Report;
use crate::stats::{Difference, mean};
use crate::units::{Confidence, Cutoff};

/// Differences below this are a tie: rounding, not a change.
const TIE: f64 = 1e-9;

/// `comparison.json`: two sides of a run, side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of this format.
    pub format: u32,
    /// The first side.
    pub a: TargetName,
    /// The second side.
    pub b: TargetName,
    /// Each measure over all questions.
    pub measures: Vec<MeasureRow>,
    /// How alike the rankings are, mean over questions.
    pub overlap: Overlap,
    /// Questions that converge on one side only.
    pub flips: Flips,
    /// Questions whose λ depends on each axis, on the second side; `region` is against the first.
    pub axes: crate::measure::Axes,
    /// Each topic, the one that is worst for the second side first.
    pub topics: Vec<TopicRow>,
    /// Each question, the most different first.
    pub questions: Vec<QuestionRow>,
}

/// Which way a measure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
}

impl Better {
    /// The word used in files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
        }
    }

    /// How much better a value is that is larger by `difference`; negative where it is worse.
    fn gain(self, difference: f64) -> f64 {
        match self {
            Self::Lower => -difference,
            Self::Higher => difference,
        }
    }
}

/// One measure of both sides, paired by question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureRow {
    /// Its name.
    pub measure: String,
    /// Which way it is better.
    pub better: Better,
    /// Mean over questions of the first side.
    pub mean_a: f64,
    /// Mean over questions of the second side.
    pub mean_b: f64,
    /// Mean of the second less the first.
    pub difference: f64,
    /// Lower one-sided 95 % bound of the difference (paired t); none for fewer than two questions.
    pub ci_low: Option<f64>,
    /// Upper one-sided 95 % bound.
    pub ci_high: Option<f64>,
    /// Questions on which the second side is better.
    pub wins: usize,
    /// Questions on which they are the same.
    pub ties: usize,
    /// Questions on which the second side is worse.
    pub losses: usize,
}

/// How alike rankings of sections are. None where it is undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// Rank-biased overlap, extrapolated, p = 0.8, ties averaged.
    pub rbo: Option<f64>,
    /// Share of the first k ranks in common; of the longer ranking's, where both are shorter than k.
    pub overlap_at_k: Option<f64>,
    /// Jaccard's index of the retrieved sections.
    pub jaccard: Option<f64>,
    /// Kendall's τ-b over the sections that both retrieved.
    pub kendall_tau_b: Option<f64>,
}

/// Questions that converge on one side only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flips {
    /// On the first.
    pub only_a: Vec<QuestionId>,
    /// On the second.
    pub only_b: Vec<QuestionId>,
}

/// One topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicRow {
    /// Which topic.
    pub topic: Topic,
    /// Its questions.
    pub n_questions: usize,
    /// Those on which the sides differ at all.
    pub n_differ: usize,
    /// Mean ΔS of the second side less the first; none when no question has one on both.
    pub delta_s: Option<f64>,
    /// Mean coverage of the second side less the first.
    pub coverage: f64,
    /// Questions that converge on the first side.
    pub converging_a: usize,
    /// Questions that converge on the second side.
    pub converging_b: usize,
    /// Mean rank-biased overlap.
    pub rbo: Option<f64>,
}

impl TopicRow {
    /// What the second side loses on a question of it, for ordering: the share that converges no
    /// longer, the fall of coverage and the growth of ΔS, each of which lies in `[-2, 2]`.
    fn loss(&self) -> f64 {
        let gone = self.converging_a as f64 - self.converging_b as f64;
        gone / self.n_questions as f64 - self.coverage + self.delta_s.unwrap_or(0.0)
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionRow {
    /// Which question.
    pub question: QuestionId,
    /// What it is about.
    pub topic: Topic,
    /// ΔS of each side, median over cells; none when half of the cells or more have no number.
    pub delta_s: [Option<f64>; 2],
    /// Coverage of each side, mean over cells.
    pub coverage: [f64; 2],
    /// Reciprocal rank of the first target section, mean over cells; 0 where none was found.
    pub reciprocal_rank: [f64; 2],
    /// Share of cells that found a target section.
    pub hit_rate: [f64; 2],
    /// λ of each cell of each side, in plan order.
    pub lambda: [Vec<Lambda>; 2],
    /// Whether every cell converges.
    pub converges: [bool; 2],
    /// How alike the rankings of the cells are, mean over cells.
    pub overlap: Overlap,
    /// Whether every cell of both sides returned the same sections in the same order.
    pub same_order: bool,
    /// The cell whose rankings are least alike, the first in plan order among equals; none when
    /// neither side answered any.
    pub least_alike: Option<ComparedCell>,
}

/// One wording and seed of a question, asked of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ComparedCell {
    /// Which wording.
    pub form: Form,
    /// Which seed.
    pub seed: Seed,
}

impl QuestionRow {
    /// ΔS of the second side less the first; none when either has none.
    pub fn shift(&self) -> Option<f64> {
        let [a, b] = self.delta_s;
        Some(b? - a?)
    }

    /// Whether the sides differ at all on it, in what they returned or in any number.
    pub fn differs(&self) -> bool {
        let moved = |[a, b]: [f64; 2]| (b - a).abs() > TIE;
        let same_distance = match self.delta_s {
            [Some(a), Some(b)] => !moved([a, b]),
            [a, b] => a.is_none() && b.is_none(),
        };
        let [a, b] = &self.lambda;
        !self.same_order
            || !same_distance
            || moved(self.coverage)
            || moved(self.reciprocal_rank)
            || moved(self.hit_rate)
            || a != b
    }

    /// How different the sides are, for ordering: an absent number before any shift, then a flip, then
    /// the size of the shift, then of the change of coverage.
    fn difference(&self) -> [f64; 4] {
        let absent = f64::from(u8::from(self.shift().is_none()));
        let flip = f64::from(u8::from(self.converges[0] != self.converges[1]));
        let shift = self.shift().map_or(0.0, f64::abs);
        [
            absent,
            flip,
            shift,
            (self.coverage[1] - self.coverage[0]).abs(),
        ]
    }
}

impl Comparison {
    /// The format this version writes.
    pub const FORMAT: u32 = 1;

    /// The questions on which the sides differ at all, the most different first.
    pub fn differing(&self) -> impl Iterator<Item = &QuestionRow> {
        self.questions.iter().filter(|row| row.differs())
    }

    /// The topics in which the sides differ, the one that is worst for the second side first.
    pub fn differing_topics(&self) -> impl Iterator<Item = &TopicRow> {
        self.topics.iter().filter(|topic| topic.n_differ > 0)
    }

    /// Questions of which every cell of both sides returned the same sections in the same order.
    pub fn n_same_order(&self) -> usize {
        self.questions.iter().filter(|row| row.same_order).count()
    }

    /// What a comparison shows beside its checks; none for any other runbook.
    pub fn of(report: &Report) -> Option<Self> {
        if report.verdict.runbook != Runbook::Comparison {
            return None;
        }
        let check = report.verdict.checks.first()?;
        let (a, b) = (check.control.clone(), check.target.clone());
        let mut rows = rows(report, &a, &b);
        let axes = axes(&report.table, &b, &a);
        let topics = topics(&rows);
        let measures = measures(&rows);
        let overlap = mean_overlap(rows.iter().map(|row| row.overlap));
        let only = |side: usize| {
            let flipped = rows
                .iter()
                .filter(|row| row.converges[side] && !row.converges[1 - side]);
            flipped.map(|row| row.question.clone()).collect()
        };
        let flips = Flips {
            only_a: only(0),
            only_b: only(1),
        };
        rows.sort_by(|a, b| {
            let pairs = b.difference().into_iter().zip(a.difference());
            pairs
                .map(|(b, a)| b.total_cmp(&a))
                .find(|order| order.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        Some(Self {
            format: Self::FORMAT,
            a,
            b,
            measures,
            overlap,
            flips,
            axes,
            topics,
            questions: rows,
        })
    }
}

fn rows(report: &Report, a: &TargetName, b: &TargetName) -> Vec<QuestionRow> {
    let of = |target: &TargetName| {
        let questions = questions(&report.table, target, Missing::Worst);
        let by_id: BTreeMap<QuestionId, _> = questions
            .into_iter()
            .map(|question| (question.question.clone(), question))
            .collect();
        by_id
    };
    let cells = |target: &TargetName| {
        let mut cells: BTreeMap<&QuestionId, Vec<&CellMetrics>> = BTreeMap::new();
        let mine = |cell: &&CellMetrics| cell.target == *target && cell.counts();
        for cell in report.table.cells.iter().filter(mine) {
            cells.entry(&cell.question).or_default().push(cell);
        }
        cells
    };
    let sides = [of(a), of(b)];
    let cells = [cells(a), cells(b)];
    let overlaps = overlaps(report, a, b);
    let row = |question: &QuestionId| {
        let [ours, theirs] = [sides[0].get(question)?, sides[1].get(question)?];
        let both = [ours, theirs];
        let alike = overlaps.get(question).copied().unwrap_or_default();
        let finite = |value: f64| value.is_finite().then_some(value);
        let mean_of = |value: &dyn Fn(&CellMetrics) -> f64| {
            [0, 1].map(|side: usize| {
                let values: Vec<f64> = cells[side][question]
                    .iter()
                    .map(|cell| value(cell))
                    .collect();
                mean(&values).unwrap_or(0.0)
            })
        };
        Some(QuestionRow {
            question: question.clone(),
            topic: ours.topic.clone(),
            delta_s: both.map(|side| finite(side.delta_s)),
            coverage: both.map(|side| side.coverage),
            reciprocal_rank: mean_of(&|cell| {
                cell.target_rank.map_or(0.0, |rank| 1.0 / rank as f64)
            }),
            hit_rate: mean_of(&|cell| f64::from(u8::from(cell.target_rank.is_some()))),
            lambda: [0, 1].map(|side: usize| {
                let states = cells[side][question].iter();
                states
                    .map(|cell| cell.lambda.unwrap_or(Lambda::Divergent))
                    .collect()
            }),
            converges: both.map(|side| side.converges),
            overlap: alike.overlap,
            same_order: alike.same_order,
            least_alike: alike.least_alike,
        })
    };
    let mut seen = BTreeSet::new();
    let in_order = report.record.questions.iter().map(|question| &question.id);
    in_order
        .filter(|question| seen.insert(*question))
        .filter_map(row)
        .collect()
}

/// How alike what both sides returned for one question is.
#[derive(Clone, Copy, Default)]
struct Likeness {
    overlap: Overlap,
    same_order: bool,
    least_alike: Option<ComparedCell>,
}

/// What both sides returned for one cell; none where one failed.
type Pair<'a> = [Option<&'a [HitRecord]>; 2];

/// How alike each question's replies are.
fn overlaps(report: &Report, a: &TargetName, b: &TargetName) -> BTreeMap<QuestionId, Likeness> {
    let k = Cutoff::new(report.record.k).unwrap_or(Cutoff::new(1).expect("a rank"));
    let mut cells: BTreeMap<&QuestionId, BTreeMap<ComparedCell, Pair>> = BTreeMap::new();
    for seen in &report.observations {
        let side = match &seen.target {
            target if target == a => 0,
            target if target == b => 1,
            _ => continue,
        };
        if seen.purpose == Purpose::Score {
            let cell = ComparedCell {
                form: seen.form,
                seed: seen.seed,
            };
            let pair = cells.entry(&seen.question).or_default();
            pair.entry(cell).or_default()[side] = match &seen.outcome {
                Outcome::Scored { hits, .. } => Some(hits),
                _ => None,
            };
        }
    }
    cells
        .into_iter()
        .map(|(question, pairs)| (question.clone(), alike(&pairs, k)))
        .collect()
}

fn alike(pairs: &BTreeMap<ComparedCell, Pair>, k: Cutoff) -> Likeness {
    let overlaps: Vec<(ComparedCell, Overlap)> = pairs
        .iter()
        .filter_map(|(cell, pair)| Some((*cell, overlap(*pair, k)?)))
        .collect();
    let rbo = |overlap: &Overlap| overlap.rbo.unwrap_or(0.0);
    let least = overlaps
        .iter()
        .min_by(|(_, a), (_, b)| rbo(a).total_cmp(&rbo(b)));
    Likeness {
        overlap: mean_overlap(overlaps.iter().map(|(_, overlap)| *overlap)),
        same_order: pairs.values().all(same_order),
        least_alike: least.map(|(cell, _)| *cell),
    }
}

/// None when neither side answered.
fn overlap(pair: Pair, k: Cutoff) -> Option<Overlap> {
    match pair.map(|hits| hits.map(section_ranking)) {
        [Some(a), Some(b)] => Some(Overlap {
            rbo: Some(rbo_ext(&a, &b, RBO_P)),
            overlap_at_k: Cutoff::new(k.get().min(a.len().max(b.len())))
                .and_then(|depth| overlap_at(&a, &b, depth)),
            jaccard: jaccard(&a, &b),
            kendall_tau_b: kendall_tau_b(&a, &b).value,
        }),
        [None, None] => None,
        // A cell that one side failed to answer has nothing in common with the other's.
        _ => Some(Overlap {
            rbo: Some(0.0),
            overlap_at_k: Some(0.0),
            jaccard: Some(0.0),
            kendall_tau_b: None,
        }),
    }
}

fn same_order(pair: &Pair) -> bool {
    let [Some(a), Some(b)] = pair else {
        return false;
    };
    a.iter()
        .map(|hit| &hit.section)
        .eq(b.iter().map(|hit| &hit.section))
}

/// The means of what is defined.
fn mean_overlap(overlaps: impl Iterator<Item = Overlap>) -> Overlap {
    let overlaps: Vec<Overlap> = overlaps.collect();
    let of = |value: fn(&Overlap) -> Option<f64>| {
        mean(&overlaps.iter().filter_map(value).collect::<Vec<_>>())
    };
    Overlap {
        rbo: of(|overlap| overlap.rbo),
        overlap_at_k: of(|overlap| overlap.overlap_at_k),
        jaccard: of(|overlap| overlap.jaccard),
        kendall_tau_b: of(|overlap| overlap.kendall_tau_b),
    }
}

fn measures(rows: &[QuestionRow]) -> Vec<MeasureRow> {
    let row = |measure: &str, better: Better, pairs: Vec<[f64; 2]>| {
        let differences: Vec<f64> = pairs.iter().map(|[a, b]| b - a).collect();
        let side = |side: usize| mean(&pairs.iter().map(|pair| pair[side]).collect::<Vec<_>>());
        let interval = Difference::of_pairs(&differences)
            .map(|difference| difference.interval(Confidence::P95));
        let count = |counts: &dyn Fn(f64) -> bool| {
            differences
                .iter()
                .filter(|difference| counts(better.gain(**difference)))
                .count()
        };
        Some(MeasureRow {
            measure: measure.to_owned(),
            better,
            mean_a: side(0)?,
            mean_b: side(1)?,
            difference: mean(&differences)?,
            ci_low: interval.map(|interval| interval.low),
            ci_high: interval.map(|interval| interval.high),
            wins: count(&|gain| gain > TIE),
            ties: count(&|gain| gain.abs() <= TIE),
            losses: count(&|gain| gain < -TIE),
        })
    };
    let all = |value: fn(&QuestionRow) -> [f64; 2]| rows.iter().map(value).collect::<Vec<_>>();
    let distances = rows.iter().filter_map(|row| {
        let [a, b] = row.delta_s;
        Some([a?, b?])
    });
    let converges = |row: &QuestionRow| {
        row.converges
            .map(|converges| f64::from(u8::from(converges)))
    };
    [
        row("ΔS", Better::Lower, distances.collect()),
        row("coverage", Better::Higher, all(|row| row.coverage)),
        row(
            "reciprocal rank",
            Better::Higher,
            all(|row| row.reciprocal_rank),
        ),
        row("hit rate", Better::Higher, all(|row| row.hit_rate)),
        row(
            "λ convergent",
            Better::Higher,
            rows.iter().map(converges).collect(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn topics(rows: &[QuestionRow]) -> Vec<TopicRow> {
    let mut topics: BTreeMap<&Topic, Vec<&QuestionRow>> = BTreeMap::new();
    for row in rows {
        topics.entry(&row.topic).or_default().push(row);
    }
    let row = |(topic, rows): (&Topic, Vec<&QuestionRow>)| {
        let mean_of = |value: &dyn Fn(&QuestionRow) -> Option<f64>| {
            mean(&rows.iter().filter_map(|row| value(row)).collect::<Vec<_>>())
        };
        let converging = |side: usize| rows.iter().filter(|row| row.converges[side]).count();
        TopicRow {
            topic: topic.clone(),
            n_questions: rows.len(),
            n_differ: rows.iter().filter(|row| row.differs()).count(),
            delta_s: mean_of(&QuestionRow::shift),
            coverage: mean_of(&|row| Some(row.coverage[1] - row.coverage[0])).unwrap_or(0.0),
            converging_a: converging(0),
            converging_b: converging(1),
            rbo: mean_of(&|row| row.overlap.rbo),
        }
    };
    let mut topics: Vec<TopicRow> = topics.into_iter().map(row).collect();
    topics.sort_by(|a, b| a.loss().total_cmp(&b.loss()).reverse());
    topics
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{sample, sample_pair};

    #[test]
    fn other_runbooks_have_no_comparison() {
        assert_eq!(Comparison::of(&sample::report()), None);
    }

    #[test]
    fn the_most_different_question_comes_first_and_an_equal_one_does_not_differ() {
        let found = Comparison::of(&sample_pair::report()).expect("a comparison");
        let ids: Vec<&str> = found.differing().map(|row| row.question.as_str()).collect();
        // One has no number on a side, one flips, one only shifts.
        assert_eq!(ids, ["q-002", "q-001", "q-000"]);
        assert_eq!(found.n_same_order(), 1);
        assert_eq!(found.flips.only_a.len(), 2);
        let shared = found.questions.last().expect("four questions");
        assert_eq!(
            (shared.question.as_str(), shared.same_order),
            ("q-003", true)
        );
    }

    #[test]
    fn the_cell_shown_is_the_one_whose_rankings_are_least_alike() {
        let found = Comparison::of(&sample_pair::report()).expect("a comparison");
        let shown = |id: &str| {
            let row = found
                .questions
                .iter()
                .find(|row| row.question.as_str() == id);
            let cell = row.expect("asked").least_alike.expect("answered");
            (cell.form.0, cell.seed.0)
        };
        assert_eq!(shown("q-000"), (1, 1), "only the paraphrase differs");
        assert_eq!(shown("q-001"), (0, 1), "all differ alike");
    }

    #[test]
    fn topics_run_from_the_worst_for_the_second_side_and_equal_ones_are_left_out() {
        let found = Comparison::of(&sample_pair::report()).expect("a comparison");
        let differing: Vec<&str> = found
            .differing_topics()
            .map(|topic| topic.topic.as_str())
            .collect();
        assert_eq!(differing[0], "failover");
        assert_eq!(differing.len(), 3);
        assert!(!differing.contains(&"caching"));
    }

    #[test]
    fn identical_sides_differ_nowhere() {
        let found = Comparison::of(&sample_pair::identical()).expect("a comparison");
        assert_eq!(found.differing().count(), 0);
        assert_eq!(found.differing_topics().count(), 0);
        assert_eq!(found.n_same_order(), found.questions.len());
    }
}
