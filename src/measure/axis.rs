//! Which axis diverged: wording, seed or region.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{Form, QuestionId, Seed, TargetName};
use crate::measure::{CellMetrics, Lambda, MetricTable};
use crate::replay::{Observation, Outcome, Purpose, Run};

/// Questions of one target whose λ depends on each axis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axes {
    /// A paraphrase flips: at some seed its state differs from form 0's at that seed.
    pub paraphrase: Vec<QuestionId>,
    /// Some form's state differs between seeds.
    pub seed: Vec<QuestionId>,
    /// Some cell's state differs from the control's.
    pub region: Vec<QuestionId>,
}

/// λ of one target by axis, questions in the order of the table.
pub fn axes(table: &MetricTable, target: &TargetName, control: &TargetName) -> Axes {
    let states = states_of(table, target);
    let control = states_of(table, control);
    let questions = |diverges: &dyn Fn(&QuestionId, &States) -> bool| -> Vec<QuestionId> {
        let mut seen = BTreeSet::new();
        let in_order = table
            .cells
            .iter()
            .map(|cell| &cell.question)
            .filter(|question| seen.insert(*question));
        in_order
            .filter(|question| {
                states
                    .get(question)
                    .is_some_and(|states| diverges(question, states))
            })
            .cloned()
            .collect()
    };
    Axes {
        paraphrase: questions(&|_, states| {
            states.iter().any(|((_, seed), state)| {
                states
                    .get(&(Form::ORIGINAL, *seed))
                    .is_some_and(|original| original != state)
            })
        }),
        seed: questions(&|_, states| {
            states.iter().any(|((form, _), state)| {
                states
                    .iter()
                    .any(|((other, _), also)| other == form && also != state)
            })
        }),
        region: questions(&|question, states| {
            states.iter().any(|(cell, state)| {
                control
                    .get(question)
                    .and_then(|states| states.get(cell))
                    .is_some_and(|there| there != state)
            })
        }),
    }
}

/// How many of a question's paraphrases flip: at some seed their state differs from form 0's at that
/// seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlippedParaphrases {
    /// Which question.
    pub question: QuestionId,
    /// Flips between cells that were answered.
    pub n_answered: usize,
    /// All flips, those to or from a cell that failed included.
    pub n: usize,
}

/// The flipped paraphrases of every question of a target, in the order of the table.
pub fn flipped_paraphrases(table: &MetricTable, target: &TargetName) -> Vec<FlippedParaphrases> {
    let states = states_of(table, target);
    let mut seen = BTreeSet::new();
    let in_order = table.cells.iter().map(|cell| &cell.question);
    let in_order = in_order.filter(|question| seen.insert(*question));
    let count = |states: &States, ignored: Option<Lambda>| {
        let flips = states.iter().filter(|((form, seed), state)| {
            let original = states.get(&(Form::ORIGINAL, *seed));
            *form != Form::ORIGINAL
                && original.is_some_and(|original| original != *state && Some(*original) != ignored)
                && Some(**state) != ignored
        });
        flips
            .map(|((form, _), _)| form)
            .collect::<BTreeSet<_>>()
            .len()
    };
    let of = |question: &QuestionId| {
        states.get(question).map(|states| FlippedParaphrases {
            question: question.clone(),
            n_answered: count(states, Some(Lambda::Divergent)),
            n: count(states, None),
        })
    };
    in_order.filter_map(of).collect()
}

type States = BTreeMap<(Form, Seed), Lambda>;

fn states_of<'a>(table: &'a MetricTable, target: &TargetName) -> BTreeMap<&'a QuestionId, States> {
    let mut states: BTreeMap<&QuestionId, States> = BTreeMap::new();
    let counted = |cell: &&CellMetrics| cell.target == *target && cell.counts();
    for cell in table.cells.iter().filter(counted) {
        if let Some(state) = cell.lambda {
            states
                .entry(&cell.question)
                .or_default()
                .insert((cell.form, cell.seed), state);
        }
    }
    states
}

/// Whether any cell of a target came out differently under another seed. `None` if no cell was
/// answered under two seeds.
///
/// A seed sent to a deterministic retriever repeats one observation: it must be said, and never
/// counts as more evidence.
pub fn seeds_vary(run: &Run, target: &TargetName) -> Option<bool> {
    let mut by_cell: BTreeMap<(&QuestionId, Form), Vec<&Outcome>> = BTreeMap::new();
    let scored = |seen: &&Observation| {
        seen.target == *target
            && seen.purpose == Purpose::Score
            && matches!(seen.outcome, Outcome::Scored { .. })
    };
    for seen in run.observations.iter().filter(scored) {
        by_cell
            .entry((&seen.question, seen.form))
            .or_default()
            .push(&seen.outcome);
    }
    let repeated: Vec<_> = by_cell
        .into_values()
        .filter(|outcomes| outcomes.len() > 1)
        .collect();
    (!repeated.is_empty()).then(|| {
        repeated
            .iter()
            .any(|outcomes| outcomes.iter().any(|outcome| *outcome != outcomes[0]))
    })
}
