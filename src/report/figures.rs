//! Numbers for drawing, computed from a report. Nothing here decides anything.

use std::collections::{BTreeSet, HashMap};

use crate::ids::{Form, QuestionId, Seed, TargetName, Topic};
use crate::measure::{CellMetrics, Lambda, MetricTable};
use crate::replay::Purpose;

/// How many values fall into each of equally wide bins. Every value is counted exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Histogram {
    /// One count a bin, the lowest bin first.
    pub(super) counts: Vec<usize>,
    /// Finite values outside the drawn range.
    pub(super) beyond: usize,
    /// Values that are infinite or not a number.
    pub(super) undefined: usize,
}

impl Histogram {
    /// All values, drawn or not.
    pub(super) fn total(&self) -> usize {
        self.counts.iter().sum::<usize>() + self.beyond + self.undefined
    }
}

/// Bins of equal width over a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bins {
    /// Where the first bin begins.
    pub(super) low: f64,
    /// Where the last bin ends.
    pub(super) high: f64,
    /// How many there are, at least 1.
    pub(super) n: usize,
}

impl Bins {
    /// Where bin `index` begins; `n` gives the end of the last bin.
    pub(super) fn edge(self, index: usize) -> f64 {
        self.low + (self.high - self.low) * index as f64 / self.n as f64
    }

    /// The bin of a value: bins hold their lower edge, and the last bin its upper edge too.
    fn of(self, value: f64) -> Option<usize> {
        // An edge such as 0.3 must not fall into the bin below because 0.3 / 0.05 is 5.999….
        const ROUNDING: f64 = 1e-9;
        let place = (value - self.low) / (self.high - self.low) * self.n as f64 + ROUNDING;
        let last = (self.n - 1) as f64;
        if place < 0.0 || value > self.high + ROUNDING {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of bins"
        )]
        Some(place.floor().min(last) as usize)
    }
}

/// Counts values into bins.
pub(super) fn histogram(values: impl IntoIterator<Item = f64>, bins: Bins) -> Histogram {
    let mut histogram = Histogram {
        counts: vec![0; bins.n],
        beyond: 0,
        undefined: 0,
    };
    for value in values {
        match bins.of(value) {
            _ if !value.is_finite() => histogram.undefined += 1,
            Some(bin) => histogram.counts[bin] += 1,
            None => histogram.beyond += 1,
        }
    }
    histogram
}

/// λ of every scored cell of every target: rows are questions grouped by topic, columns are cells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid<'a> {
    /// The cells of one target, the same for each: wording, then seed.
    pub(super) cells: Vec<(Form, Seed)>,
    /// Topics in order of first appearance.
    pub(super) topics: Vec<GridTopic<'a>>,
}

/// The questions of one topic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GridTopic<'a> {
    /// What they are about.
    pub(super) topic: &'a Topic,
    /// In order of first appearance.
    pub(super) rows: Vec<GridRow<'a>>,
}

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GridRow<'a> {
    /// Which question.
    pub(super) question: &'a QuestionId,
    /// For each target, for each cell of [`Grid::cells`]; none where nothing was planned.
    pub(super) targets: Vec<Vec<Option<&'a CellMetrics>>>,
}

/// Arranges the scored cells of `targets`.
pub(super) fn grid<'a>(table: &'a MetricTable, targets: &[TargetName]) -> Grid<'a> {
    let scored = || {
        let score = |cell: &&CellMetrics| cell.purpose == Purpose::Score;
        table.cells.iter().filter(score)
    };
    let cells: BTreeSet<(Form, Seed)> = scored().map(|cell| (cell.form, cell.seed)).collect();
    let cells: Vec<(Form, Seed)> = cells.into_iter().collect();
    let found: HashMap<_, _> = scored()
        .map(|cell| ((&cell.target, &cell.question, cell.form, cell.seed), cell))
        .collect();
    let row = |question| GridRow {
        question,
        targets: targets
            .iter()
            .map(|target| {
                let at = |&(form, seed): &_| found.get(&(target, question, form, seed)).copied();
                cells.iter().map(at).collect()
            })
            .collect(),
    };
    let topics = by_topic(scored())
        .into_iter()
        .map(|(topic, questions)| GridTopic {
            topic,
            rows: questions.into_iter().map(row).collect(),
        })
        .collect();
    Grid { cells, topics }
}

/// Questions grouped by topic, both in order of first appearance.
fn by_topic<'a>(
    cells: impl Iterator<Item = &'a CellMetrics>,
) -> Vec<(&'a Topic, Vec<&'a QuestionId>)> {
    let mut topics: Vec<(&Topic, Vec<&QuestionId>)> = Vec::new();
    let mut places = HashMap::new();
    let mut seen = BTreeSet::new();
    for cell in cells.filter(|cell| seen.insert(&cell.question)) {
        let place = *places.entry(&cell.topic).or_insert_with(|| {
            topics.push((&cell.topic, Vec::new()));
            topics.len() - 1
        });
        topics[place].1.push(&cell.question);
    }
    topics
}

/// How many scored cells of a target are in each state of [`Lambda::ALL`].
pub(super) fn states(table: &MetricTable, target: &TargetName) -> [usize; Lambda::ALL.len()] {
    Lambda::ALL.map(|state| {
        let counted = |cell: &&CellMetrics| {
            cell.target == *target && cell.counts() && cell.lambda == Some(state)
        };
        table.cells.iter().filter(counted).count()
    })
}

/// A round step that divides `[0, max]` into at most five parts, at least 1.
pub(super) fn step(max: usize) -> usize {
    let mut scale = 1;
    loop {
        for factor in [1, 2, 5] {
            if max <= 5 * factor * scale {
                return factor * scale;
            }
        }
        scale *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_value_is_counted_once_in_the_bin_whose_lower_edge_it_reaches() {
        let bins = Bins {
            low: 0.0,
            high: 1.2,
            n: 24,
        };
        let values = [
            0.0,
            0.3,
            0.449,
            0.45,
            1.2,
            1.3,
            -0.1,
            f64::INFINITY,
            f64::NAN,
        ];
        let found = histogram(values, bins);
        let filled: Vec<_> = (0..24).filter(|&bin| found.counts[bin] > 0).collect();
        assert_eq!(filled, [0, 6, 8, 9, 23]);
        assert_eq!((found.beyond, found.undefined), (2, 2));
        assert_eq!(found.total(), values.len());
        assert!((bins.edge(9) - 0.45).abs() < 1e-12);
    }

    #[test]
    fn the_grid_holds_every_scored_cell_of_the_sample_once() {
        let report = sample::report();
        let targets = report.table.targets();
        let grid = grid(&report.table, &targets);
        assert_eq!(grid.cells.len(), 4);
        let topics: Vec<_> = grid
            .topics
            .iter()
            .map(|topic| topic.topic.as_str())
            .collect();
        assert_eq!(topics, ["routing", "failover"]);
        let rows = grid.topics.iter().flat_map(|topic| &topic.rows);
        let cells = rows.flat_map(|row| row.targets.iter().flatten());
        assert_eq!(cells.filter(|cell| cell.is_some()).count(), 24);
        assert_eq!(states(&report.table, &targets[0]), [12, 0, 0, 0]);
        assert_eq!(states(&report.table, &targets[1]), [6, 2, 4, 0]);
    }

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!(
            [0, 1, 5, 6, 11, 40, 100, 260].map(step),
            [1, 1, 1, 2, 5, 10, 20, 100]
        );
    }
}
