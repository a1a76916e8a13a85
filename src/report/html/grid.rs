//! λ of every cell, and in words along which axis it diverged.

use crate::ids::{Form, QuestionId, Seed, TargetName};
use crate::measure::{CellMetrics, Lambda, Status, axes};
use crate::report::figures::{self, GridRow};
use crate::report::html::Side;
use crate::report::html::words::{NONE, count, ids, name};
use crate::report::{Report, TargetRecord, plain};

/// The grid of every target side by side, so that a row can be compared.
pub(super) struct LambdaView {
    /// Heads of one target's cells, repeated for each: `0·1`.
    pub(super) cells: Vec<String>,
    /// How wide the whole table is, for the rows that name a topic.
    pub(super) n_columns: usize,
    /// Topics with their questions.
    pub(super) topics: Vec<TopicView>,
    /// Each state with its count by target.
    pub(super) legend: Vec<LegendRow>,
    /// Which axis diverged, one sentence or two for each target.
    pub(super) axes: Vec<AxisView>,
}

/// One topic.
pub(super) struct TopicView {
    /// What its questions are about.
    pub(super) topic: String,
    /// Its questions.
    pub(super) rows: Vec<RowView>,
}

/// One question.
pub(super) struct RowView {
    /// Its id.
    pub(super) question: String,
    /// Its original wording.
    pub(super) wording: String,
    /// All cells of all targets.
    pub(super) cells: Vec<CellView>,
}

/// One cell.
pub(super) struct CellView {
    /// Its style.
    pub(super) class: &'static str,
    /// Its symbol.
    pub(super) symbol: &'static str,
    /// What went wrong; none where nothing did.
    pub(super) title: Option<String>,
    /// Whether another target begins here.
    pub(super) first: bool,
}

/// One state.
pub(super) struct LegendRow {
    /// Its style.
    pub(super) class: &'static str,
    /// Its symbol.
    pub(super) symbol: &'static str,
    /// Its name in files.
    pub(super) word: &'static str,
    /// What it means.
    pub(super) meaning: &'static str,
    /// Cells in it, by target.
    pub(super) counts: Vec<usize>,
}

/// What diverged on one target.
pub(super) struct AxisView {
    /// Its name.
    pub(super) target: String,
    /// One sentence an axis.
    pub(super) sentences: Vec<String>,
}

/// Arranges λ of a report.
pub(super) fn view(report: &Report, sides: &[Side]) -> LambdaView {
    let targets: Vec<TargetName> = sides.iter().map(|side| side.target.clone()).collect();
    let grid = figures::grid(&report.table, &targets);
    let head = |(form, seed): &(Form, Seed)| format!("{}·{}", form.0, seed.0);
    let rows = |rows: &[GridRow]| rows.iter().map(|one| row(report, one)).collect();
    LambdaView {
        cells: grid.cells.iter().map(head).collect(),
        n_columns: 2 + grid.cells.len() * sides.len(),
        topics: grid
            .topics
            .iter()
            .map(|topic| TopicView {
                topic: plain(topic.topic.as_str()),
                rows: rows(&topic.rows),
            })
            .collect(),
        legend: legend(report, &targets),
        axes: report
            .record
            .targets
            .iter()
            .map(|target| axis(report, sides, target))
            .collect(),
    }
}

fn row(report: &Report, row: &GridRow) -> RowView {
    let target = |cells: &Vec<Option<&CellMetrics>>| -> Vec<CellView> {
        let cells = cells.iter().enumerate();
        cells.map(|(index, one)| cell(*one, index == 0)).collect()
    };
    RowView {
        question: plain(row.question.as_str()),
        wording: wording(report, row.question),
        cells: row.targets.iter().flat_map(target).collect(),
    }
}

/// The original wording of a question.
pub(super) fn wording(report: &Report, id: &QuestionId) -> String {
    let question = report.record.questions.iter().find(|one| one.id == *id);
    let original = question.and_then(|question| question.forms.first());
    original.map_or_else(|| NONE.to_owned(), |wording| plain(wording))
}

fn cell(cell: Option<&CellMetrics>, first: bool) -> CellView {
    let state = cell.and_then(|cell| cell.lambda);
    let (class, symbol) = state.map_or(("n", NONE), |state| (class(state), state.symbol()));
    let title = cell
        .filter(|_| state.is_some_and(|state| state != Lambda::Convergent))
        .map(|cell| title(cell, state.map_or("", Lambda::word)));
    CellView {
        class,
        symbol,
        title,
        first,
    }
}

fn title(cell: &CellMetrics, word: &str) -> String {
    let why = match &cell.status {
        Status::Scored => String::new(),
        Status::Failed { class, stage } => format!(": {} at {stage}", plain(class)),
        Status::Skipped => ": never asked".to_owned(),
    };
    let place = format!("wording {}, seed {}", cell.form.0, cell.seed.0);
    format!(
        "{} {}, {place}: {word}{why}",
        name(&cell.target),
        plain(cell.question.as_str())
    )
}

/// The style of a state.
pub(super) fn class(state: Lambda) -> &'static str {
    match state {
        Lambda::Convergent => "c",
        Lambda::Recursive => "r",
        Lambda::Divergent => "d",
        Lambda::Chaotic => "x",
    }
}

fn legend(report: &Report, targets: &[TargetName]) -> Vec<LegendRow> {
    let counts: Vec<_> = targets
        .iter()
        .map(|target| figures::states(&report.table, target))
        .collect();
    let row = |(index, state): (usize, Lambda)| LegendRow {
        class: class(state),
        symbol: state.symbol(),
        word: state.word(),
        meaning: meaning(state),
        counts: counts.iter().map(|counts| counts[index]).collect(),
    };
    Lambda::ALL.into_iter().enumerate().map(row).collect()
}

fn meaning(state: Lambda) -> &'static str {
    match state {
        Lambda::Convergent => "target section found, ranking agrees with the reference",
        Lambda::Recursive => "exactly one of the two",
        Lambda::Divergent => "failed, was refused, or returned nothing",
        Lambda::Chaotic => "neither found nor in agreement",
    }
}

fn axis(report: &Report, sides: &[Side], target: &TargetRecord) -> AxisView {
    let own = sides.iter().find(|side| *side.target == target.name);
    let control = sides.iter().find(|side| side.control);
    let control = control.map_or(&target.name, |side| side.target);
    let found = axes(&report.table, &target.name, control);
    let mut sentences = vec![
        sentence(
            "Wording",
            &found.paraphrase,
            "flips with a paraphrase",
            "flip with a paraphrase",
        ),
        sentence(
            "Seed",
            &found.seed,
            "changes with the seed",
            "change with the seed",
        ),
    ];
    if *control != target.name {
        let from = format!("differs from {}", name(control));
        let many = format!("differ from {}", name(control));
        sentences.push(sentence("Region", &found.region, &from, &many));
    }
    if target.seeds_vary == Some(false) {
        sentences.push("Every seed gave the same reply, so seeds add no evidence.".to_owned());
    }
    AxisView {
        target: own.map_or_else(|| name(&target.name), |side| side.name.clone()),
        sentences,
    }
}

fn sentence(axis: &str, questions: &[QuestionId], one: &str, many: &str) -> String {
    if questions.is_empty() {
        return format!("{axis}: no question {one}.");
    }
    let verb = if questions.len() == 1 { one } else { many };
    format!(
        "{axis}: {} {verb}: {}.",
        count(questions.len(), "question"),
        ids(questions)
    )
}
