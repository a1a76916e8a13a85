//! Error classes that only the candidate shows.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::TargetName;
use crate::judge::{Check, CheckVerdict, Evidence, ReasonCode, SideEvidence};
use crate::measure::{CellMetrics, Status};
use crate::replay::Purpose;
use crate::target::Stage;

/// Chance below which the control is not believed to have merely missed a class.
const ALPHA: f64 = 0.05;

/// No error class at headers or body read that the control does not have.
///
/// With `k` events seen only on the candidate, which carries the share θ of the probes, the chance
/// that all of them fell on it is θ^k.
pub(super) fn new_classes(check: Check, side: &SideEvidence, evidence: &Evidence) -> Check {
    let control = evidence.control();
    let known: BTreeSet<_> = classes(evidence, &control.name).into_keys().collect();
    let new: BTreeMap<_, _> = classes(evidence, &side.name)
        .into_iter()
        .filter(|(class, _)| !known.contains(class))
        .collect();
    let n_events: usize = new.values().sum();
    let (ours, theirs) = (asked(evidence, &side.name), asked(evidence, &control.name));
    let exposure = ours as f64 / (ours + theirs) as f64;
    let chance = exposure.powi(i32::try_from(n_events).unwrap_or(i32::MAX));
    let check = Check {
        estimate: Some(new.len() as f64),
        ..check
    };
    let named = || {
        new.iter()
            .map(|((class, stage), n)| format!("{class} at {stage} × {n}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if new.is_empty() {
        return check.with(
            CheckVerdict::Pass,
            ReasonCode::NoNewErrorClass,
            format!("none in {ours} probes, {theirs} on the control"),
        );
    }
    let detail = format!(
        "{}; chance that the control merely missed them: {chance:.3} at an exposure share of {exposure:.2}",
        named()
    );
    if chance <= ALPHA {
        check.with(CheckVerdict::Fail, ReasonCode::NewErrorClass, detail)
    } else {
        check.inconclusive(ReasonCode::NewErrorClassPossible, detail)
    }
}

fn classes(evidence: &Evidence, target: &TargetName) -> BTreeMap<(String, Stage), usize> {
    let mut classes = BTreeMap::new();
    for cell in cells(evidence, target) {
        if let Status::Failed {
            class,
            stage: stage @ (Stage::Headers | Stage::Body),
        } = &cell.status
        {
            *classes.entry((class.clone(), *stage)).or_default() += 1;
        }
    }
    classes
}

fn asked(evidence: &Evidence, target: &TargetName) -> usize {
    cells(evidence, target)
        .filter(|cell| cell.status != Status::Skipped)
        .count()
}

fn cells<'a>(evidence: &'a Evidence, target: &TargetName) -> impl Iterator<Item = &'a CellMetrics> {
    evidence
        .table
        .cells
        .iter()
        .filter(move |cell| cell.target == *target && cell.purpose == Purpose::Score)
}

/// Replies that were not of the agreed form.
pub(super) fn schema_violations(evidence: &Evidence, target: &TargetName) -> usize {
    let cells = evidence
        .table
        .cells
        .iter()
        .filter(|cell| cell.target == *target);
    cells
        .filter(|cell| {
            matches!(
                cell.status,
                Status::Failed {
                    stage: Stage::Schema,
                    ..
                }
            )
        })
        .count()
}
