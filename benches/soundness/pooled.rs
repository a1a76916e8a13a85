//! What a test of pooled cells would have said, which is why the unit is the question.

use rayon::prelude::*;

use ragstone::judge::Definition;
use ragstone::measure::{MetricTable, Missing, pair, questions};
use ragstone::stats::{Alternative, Difference, stream};
use ragstone::units::Confidence;

use super::judging::Simulation;
use super::laws::{Laws, evidence, names};

/// How often a test of equivalence passes, and one of difference alarms, in `[0, 1]`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alarms {
    /// Two one-sided t-tests at 5 % place the mean inside the margin of the drift clauses.
    pub(crate) passes: f64,
    /// A two-sided t-test at 5 % says that the sides differ.
    pub(crate) alarms: f64,
}

/// The same two tests, by unit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pooled {
    /// The difference of each cell: same question, wording and seed.
    pub(crate) cells: Alarms,
    /// The difference of each question, the median over its cells on either side.
    pub(crate) questions: Alarms,
}

/// Both units on the same runs as [`judged`](super::judged) sees.
pub(crate) fn pooled(laws: &Laws, simulation: Simulation) -> Pooled {
    let counts = (0..simulation.runs)
        .into_par_iter()
        .map(|run| {
            let table = evidence(laws, &mut stream(simulation.seed, run)).table;
            let (cells, questions) = (tests(&of_cells(&table)), tests(&of_questions(&table)));
            [cells[0], cells[1], questions[0], questions[1]].map(u64::from)
        })
        .reduce(|| [0; 4], |a, b| std::array::from_fn(|i| a[i] + b[i]));
    let [cells_pass, cells_alarm, questions_pass, questions_alarm] =
        counts.map(|count| count as f64 / simulation.runs as f64);
    Pooled {
        cells: Alarms {
            passes: cells_pass,
            alarms: cells_alarm,
        },
        questions: Alarms {
            passes: questions_pass,
            alarms: questions_alarm,
        },
    }
}

/// Whether the test of equivalence passes, and whether that of difference alarms.
fn tests(differences: &[f64]) -> [bool; 2] {
    let margin = Definition::of(super::DRIFT).limit;
    let difference = Difference::of_pairs(differences).expect("many finite differences");
    let interval = difference.interval(Confidence::P95);
    let test = difference.test(0.0, Alternative::TwoSided);
    [
        interval.low >= -margin && interval.high <= margin,
        test.is_some_and(|test| test.p <= Confidence::P95.alpha()),
    ]
}

/// Both sides were asked the same in the same order.
fn of_cells(table: &MetricTable) -> Vec<f64> {
    let (control, candidate) = names();
    let of = |name| -> Vec<f64> {
        let mine = table.cells.iter().filter(|cell| cell.target == name);
        mine.filter_map(|cell| cell.delta_s).collect()
    };
    let (control, candidate) = (of(control), of(candidate));
    assert_eq!(control.len(), candidate.len(), "no cell failed");
    let pairs = candidate.iter().zip(&control);
    pairs.map(|(here, there)| here - there).collect()
}

fn of_questions(table: &MetricTable) -> Vec<f64> {
    let (control, candidate) = names();
    let of = |name| questions(table, &name, Missing::Worst);
    let pairs = pair(&of(candidate), &of(control), Missing::Worst);
    pairs.iter().map(|pair| pair.delta_s).collect()
}
