//! What a test of pooled cells would have said, which is why the unit is the question.

use rayon::prelude::*;

use ragstone::judge::{CheckId, Definition};
use ragstone::measure::CellMetrics;
use ragstone::stats::{Alternative, Difference, stream};
use ragstone::units::Confidence;

use super::laws::{Laws, evidence, names};

/// How often the drift check would have come out in each way, had every cell been a unit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pooled {
    /// Two one-sided tests place the mean inside the margin.
    pub(crate) pass: f64,
    /// A two-sided t-test at 5 % says that the sides differ.
    pub(crate) alarm: f64,
}

/// The same runs as [`judged`](super::judged) sees, each cell of the candidate less the control's
/// cell of the same question, wording and seed, as if all were independent.
pub(crate) fn pooled(laws: &Laws, runs: u64, seed: u64) -> Pooled {
    let margin = Definition::of(CheckId::MrDrift).limit;
    let (passed, alarmed) = (0..runs)
        .into_par_iter()
        .map(|run| {
            let cells = evidence(laws, &mut stream(seed, run)).table.cells;
            let difference = Difference::of_pairs(&differences(&cells)).expect("hundreds of cells");
            let interval = difference.interval(Confidence::P95);
            let passes = interval.low >= -margin && interval.high <= margin;
            let test = difference.test(0.0, Alternative::TwoSided);
            let alarms = test.is_some_and(|test| test.p <= Confidence::P95.alpha());
            (u64::from(passes), u64::from(alarms))
        })
        .reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    Pooled {
        pass: passed as f64 / runs as f64,
        alarm: alarmed as f64 / runs as f64,
    }
}

/// Both sides were asked the same in the same order.
fn differences(cells: &[CellMetrics]) -> Vec<f64> {
    let (control, candidate) = names();
    let of = |name| -> Vec<f64> {
        let mine = cells.iter().filter(|cell| cell.target == name);
        mine.filter_map(|cell| cell.delta_s).collect()
    };
    let (control, candidate) = (of(control), of(candidate));
    assert_eq!(control.len(), candidate.len(), "no cell failed");
    let pairs = candidate.iter().zip(&control);
    pairs.map(|(here, there)| here - there).collect()
}
