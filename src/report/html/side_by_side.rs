//! Two sides beside each other: measures, rankings, topics, questions.

use crate::ids::QuestionId;
use crate::measure::Lambda;
use crate::report::html::checks::{Bar, Scale, difference};
use crate::report::html::grid::{class, wording};
use crate::report::html::words::{NONE, count, ids, name, number};
use crate::report::labels::signed;
use crate::report::{Comparison, MeasureRow, QuestionRow, Report, TopicRow, plain};

/// At most so many questions are shown.
const SHOWN: usize = 50;

/// A whole comparison.
pub(super) struct SideBySideView {
    /// The first side.
    pub(super) a: String,
    /// The second side.
    pub(super) b: String,
    /// Each measure.
    pub(super) measures: Vec<MeasureView>,
    /// Whether they returned the same.
    pub(super) same: String,
    /// Overlap of rankings: name, number and meaning.
    pub(super) overlap: Vec<(String, String, &'static str)>,
    /// Flips and λ by axis, a sentence each.
    pub(super) sentences: Vec<String>,
    /// Topics that differ.
    pub(super) topics: Vec<TopicView>,
    /// Questions that differ, the most different first.
    pub(super) questions: Vec<QuestionView>,
    /// How many more there are.
    pub(super) more: usize,
}

/// One measure.
pub(super) struct MeasureView {
    /// Its name.
    pub(super) measure: String,
    /// Which way it is better.
    pub(super) better: &'static str,
    /// Mean of each side, and their difference.
    pub(super) values: [String; 3],
    /// The bounds of the difference.
    pub(super) bounds: String,
    /// The difference beside zero.
    pub(super) bar: Bar,
    /// Questions on which the second side is better, the same and worse.
    pub(super) outcomes: [usize; 3],
}

/// One topic.
pub(super) struct TopicView {
    /// Its name.
    pub(super) topic: String,
    /// Every number of its row.
    pub(super) values: Vec<String>,
}

/// One question.
pub(super) struct QuestionView {
    /// Its id.
    pub(super) question: String,
    /// Its original wording.
    pub(super) wording: String,
    /// What it is about.
    pub(super) topic: String,
    /// ΔS of both sides, then coverage of both.
    pub(super) values: [String; 4],
    /// Style and symbol of each cell of each side.
    pub(super) states: [Vec<(&'static str, &'static str)>; 2],
    /// How alike the rankings are.
    pub(super) rbo: String,
}

/// Arranges a comparison.
pub(super) fn view(comparison: &Comparison, report: &Report) -> SideBySideView {
    let differing = comparison.differing().count();
    SideBySideView {
        a: name(&comparison.a),
        b: name(&comparison.b),
        measures: comparison.measures.iter().map(measure).collect(),
        same: format!(
            "The sides returned the same sections in the same order on {} of {}.",
            comparison.n_same_order(),
            count(comparison.questions.len(), "question")
        ),
        overlap: overlap(comparison, report.record.k),
        sentences: sentences(comparison),
        topics: comparison.differing_topics().map(topic).collect(),
        questions: comparison
            .differing()
            .take(SHOWN)
            .map(|row| question(row, report))
            .collect(),
        more: differing.saturating_sub(SHOWN),
    }
}

fn measure(row: &MeasureRow) -> MeasureView {
    let reach = [Some(row.difference), row.ci_low, row.ci_high];
    let reach = reach.into_iter().flatten();
    let scale = Scale::around_zero(reach.filter(|value| value.is_finite()));
    let bound = |bound: Option<f64>| number(bound, 3);
    let better = row.better.word();
    MeasureView {
        measure: plain(&row.measure),
        better,
        values: [
            number(Some(row.mean_a), 3),
            number(Some(row.mean_b), 3),
            signed(row.difference, 3),
        ],
        bounds: format!("{} … {}", bound(row.ci_low), bound(row.ci_high)),
        bar: difference(
            format!(
                "{}: B less A is {}, one-sided 95 % bounds {} and {}; {better} is better, which is the shaded side",
                plain(&row.measure),
                signed(row.difference, 3),
                bound(row.ci_low),
                bound(row.ci_high)
            ),
            scale,
            row.difference,
            [row.ci_low, row.ci_high],
            row.better,
        ),
        outcomes: [row.wins, row.ties, row.losses],
    }
}

fn overlap(comparison: &Comparison, k: usize) -> Vec<(String, String, &'static str)> {
    let of = comparison.overlap;
    let row =
        |name: &str, value: Option<f64>, meaning| (name.to_owned(), number(value, 3), meaning);
    vec![
        row(
            "RBO",
            of.rbo,
            "rank-biased overlap, p = 0.8: the first ranks weigh most",
        ),
        row(
            &format!("overlap at {k}"),
            of.overlap_at_k,
            "share of the first ranks in common",
        ),
        row(
            "Jaccard",
            of.jaccard,
            "sections of both among the sections of either",
        ),
        row(
            "Kendall τ-b",
            of.kendall_tau_b,
            "order of the sections that both returned; −1 is reversed",
        ),
    ]
}

fn sentences(comparison: &Comparison) -> Vec<String> {
    let sentence = |questions: &[QuestionId], one: &str, many: &str| {
        let list = if questions.is_empty() {
            String::new()
        } else {
            format!(": {}", ids(questions))
        };
        let verb = if questions.len() == 1 { one } else { many };
        format!("{} {verb}{list}.", count(questions.len(), "question"))
    };
    let (flips, axes) = (&comparison.flips, &comparison.axes);
    vec![
        sentence(&flips.only_a, "converges on A only", "converge on A only"),
        sentence(&flips.only_b, "converges on B only", "converge on B only"),
        sentence(
            &axes.paraphrase,
            "flips with a paraphrase on B",
            "flip with a paraphrase on B",
        ),
        sentence(
            &axes.seed,
            "changes with the seed on B",
            "change with the seed on B",
        ),
        sentence(
            &axes.region,
            "has a cell whose λ differs between the sides",
            "have a cell whose λ differs between the sides",
        ),
    ]
}

fn topic(row: &TopicRow) -> TopicView {
    TopicView {
        topic: plain(row.topic.as_str()),
        values: vec![
            row.n_questions.to_string(),
            row.n_differ.to_string(),
            row.delta_s
                .map_or_else(|| NONE.to_owned(), |value| signed(value, 3)),
            signed(row.coverage, 3),
            row.converging_a.to_string(),
            row.converging_b.to_string(),
            number(row.rbo, 3),
        ],
    }
}

fn question(row: &QuestionRow, report: &Report) -> QuestionView {
    let [delta_a, delta_b] = row.delta_s.map(|value| number(value, 3));
    let [coverage_a, coverage_b] = row.coverage.map(|value| number(Some(value), 2));
    let states = |states: &Vec<Lambda>| {
        let states = states.iter();
        states
            .map(|state| (class(*state), state.symbol()))
            .collect()
    };
    QuestionView {
        question: plain(row.question.as_str()),
        wording: wording(report, &row.question),
        topic: plain(row.topic.as_str()),
        values: [delta_a, delta_b, coverage_a, coverage_b],
        states: [states(&row.lambda[0]), states(&row.lambda[1])],
        rbo: number(row.overlap.rbo, 3),
    }
}
