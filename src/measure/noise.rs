//! A side against its own repeat: how much it differs from itself.

use std::collections::BTreeMap;

use crate::ids::{QuestionId, TargetName};
use crate::measure::{CellMetrics, Lambda, MetricTable};
use crate::replay::Purpose;
use crate::stats::median;

/// One question of a side beside its repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfNoise {
    /// ΔS of the repeat less ΔS of the first asking, each the median over forms; undefined when a
    /// form has no number in either.
    pub delta_s: Option<f64>,
    /// Whether any form's λ changed.
    pub lambda_changed: bool,
}

/// Every question of a side against its repeat: the second seed, or the repeat of the only one.
/// `None` if nothing was asked twice.
pub fn self_noise(
    table: &MetricTable,
    target: &TargetName,
) -> Option<BTreeMap<QuestionId, SelfNoise>> {
    let cells = |purpose| {
        let mine = move |cell: &&CellMetrics| {
            cell.target == *target && cell.answerable && cell.purpose == purpose
        };
        table.cells.iter().filter(mine)
    };
    let first = cells(Purpose::Score).next()?.seed;
    let second = cells(Purpose::Score)
        .map(|cell| cell.seed)
        .find(|seed| *seed != first);
    let repeats = match second {
        Some(second) => Asked::group(cells(Purpose::Score).filter(|cell| cell.seed == second)),
        None => Asked::group(cells(Purpose::Repeat)),
    };
    if repeats.is_empty() {
        return None;
    }
    let never = Asked::default();
    let firsts = Asked::group(cells(Purpose::Score).filter(|cell| cell.seed == first));
    let against_repeat = |(question, first): (&QuestionId, Asked)| {
        let repeat = repeats.get(question).unwrap_or(&never);
        let noise = SelfNoise {
            delta_s: first
                .delta_s()
                .zip(repeat.delta_s())
                .map(|(first, again)| again - first),
            lambda_changed: first.states != repeat.states,
        };
        (question.clone(), noise)
    };
    Some(firsts.into_iter().map(against_repeat).collect())
}

/// One question at one asking, forms in plan order.
#[derive(Default)]
struct Asked {
    distances: Vec<Option<f64>>,
    states: Vec<Option<Lambda>>,
}

impl Asked {
    fn group<'a>(cells: impl Iterator<Item = &'a CellMetrics>) -> BTreeMap<&'a QuestionId, Self> {
        let mut groups: BTreeMap<&QuestionId, Self> = BTreeMap::new();
        for cell in cells {
            let group = groups.entry(&cell.question).or_default();
            group.distances.push(cell.delta_s);
            group.states.push(cell.lambda);
        }
        groups
    }

    fn delta_s(&self) -> Option<f64> {
        let distances: Option<Vec<f64>> = self.distances.iter().copied().collect();
        median(&distances?)
    }
}
