//! What a reader should know that no check says.

use crate::judge::definition::IDENTITY;
use crate::judge::rule::decide;
use crate::judge::{
    Basis, CheckVerdict, Comparator, Definition, Evidence, Method, Settings, SideEvidence, timeline,
};
use crate::measure::{CellMetrics, Missing, Status, questions};
use crate::parity::{ContractField, FieldStatus};
use crate::stats::median_bounds;

/// Remarks on the evidence, in the order of the sides.
pub fn notes(evidence: &Evidence, settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    if settings.basis == Basis::Point {
        notes.push(
            "judged by point estimates alone: a pass says nothing about how sure it is".to_owned(),
        );
    }
    for (id, over) in &settings.overrides {
        let usual = settings.usual_limit(Definition::of(*id));
        let whose = settings
            .requirement(*id)
            .map_or("runbook", |_| "requirement");
        notes.push(format!(
            "the limit of {id} is {} where the {whose} says {usual}: {}",
            over.limit, over.reason
        ));
    }
    for side in &evidence.sides {
        if side.seeds_vary == Some(false) {
            notes.push(format!(
                "{} gives the same reply for every seed: the seeds repeat one observation, and are not counted as more evidence",
                side.name
            ));
        }
    }
    notes.extend(kept(evidence));
    notes.extend(unanswerable(evidence));
    notes.extend(control(evidence, settings));
    notes.extend(other_fields(evidence, settings));
    let timeline = evidence.observed.timeline.as_ref();
    notes.extend(timeline.and_then(timeline::unknown_events));
    notes
}

/// Replies that were not asked for in this run.
fn kept(evidence: &Evidence) -> Vec<String> {
    let note = |side: &SideEvidence| {
        let answered: Vec<&CellMetrics> = evidence
            .table
            .cells
            .iter()
            .filter(|cell| cell.target == side.name && cell.status == Status::Scored)
            .collect();
        let n_kept = answered.iter().filter(|cell| cell.cached).count();
        (n_kept > 0).then(|| {
            format!(
                "{n_kept} of {} replies of {} were kept from earlier runs under the same contract: they tell nothing about latency, and what the side differs from its own repeats by was seen then",
                answered.len(),
                side.name
            )
        })
    };
    evidence.sides.iter().filter_map(note).collect()
}

fn unanswerable(evidence: &Evidence) -> Option<String> {
    let cells = evidence.table.cells.iter().filter(|cell| !cell.answerable);
    let questions: std::collections::BTreeSet<_> = cells.map(|cell| &cell.question).collect();
    (!questions.is_empty()).then(|| {
        format!(
            "{} questions have no answer in the corpus: they were asked, and decide no check",
            questions.len()
        )
    })
}

/// A sick control makes every comparison with it worth less.
fn control(evidence: &Evidence, settings: &Settings) -> Option<String> {
    let control = evidence.control()?;
    let definition = settings.runbook.check_by(Method::DeltaS)?;
    let limit = settings.limit(definition).value;
    let values: Vec<f64> = questions(&evidence.table, &control.name, Missing::Worst)
        .iter()
        .map(|question| question.delta_s)
        .collect();
    let interval = median_bounds(&values, settings.confidence)?;
    let failed =
        decide(interval, Comparator::AtMost, limit, settings.basis).0 == CheckVerdict::Fail;
    failed.then(|| {
        format!(
            "the control {} does not hold {} itself (ΔS median {:.3})",
            control.name, definition.id, interval.estimate
        )
    })
}

/// Fields that differ but that no parity clause names.
fn other_fields(evidence: &Evidence, settings: &Settings) -> Vec<String> {
    let note = |parity: &crate::parity::SideParity| {
        let named = |field: &&crate::parity::FieldParity| {
            field.status == FieldStatus::Differs
                && !named_by_a_clause(settings).contains(&field.field)
        };
        let fields: Vec<&str> = parity
            .fields
            .iter()
            .filter(named)
            .map(|field| field.field.name())
            .collect();
        (!fields.is_empty()).then(|| {
            format!(
                "{} also differs from {} in {}, which no parity clause here names",
                parity.target,
                parity.control,
                fields.join(", ")
            )
        })
    };
    evidence.parity.iter().filter_map(note).collect()
}

fn named_by_a_clause(settings: &Settings) -> Vec<ContractField> {
    let fields = |method| match method {
        Method::Parity(fields) => fields,
        _ => &[][..],
    };
    let of_runbook = settings.runbook.checks().iter();
    of_runbook
        .flat_map(|check| fields(check.method))
        .chain(&IDENTITY)
        .copied()
        .collect()
}
