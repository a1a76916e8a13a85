//! Error classes that only the candidate shows.

use std::collections::BTreeMap;

use crate::judge::case::{Case, asked};
use crate::judge::{Check, CheckVerdict, Evidence, ReasonCode, SideEvidence};
use crate::measure::Status;
use crate::target::Stage;

/// Chance below which the control is not believed to have merely missed a class.
const ALPHA: f64 = 0.05;

/// No error class at headers or body read that the control does not have.
///
/// With `k` events seen only on the candidate, which carries the share θ of the probes, the chance
/// that all of them fell on it is θ^k.
pub(super) fn new_classes(check: Check, case: &Case) -> Check {
    let known = classes(case.evidence, case.control);
    let mut new = classes(case.evidence, case.side);
    new.retain(|class, _| !known.contains_key(class));
    let (ours, theirs) = (
        n_asked(case.evidence, case.side),
        n_asked(case.evidence, case.control),
    );
    let check = Check {
        estimate: Some(new.len() as f64),
        ..check
    };
    if new.is_empty() {
        let detail = format!("none in {ours} probes, {theirs} on the control");
        return check.with(CheckVerdict::Pass, ReasonCode::NoNewErrorClass, detail);
    }
    let n_events: usize = new.values().sum();
    let exposure = ours as f64 / (ours + theirs) as f64;
    let chance = exposure.powi(i32::try_from(n_events).unwrap_or(i32::MAX));
    let named: Vec<String> = new
        .iter()
        .map(|((class, stage), n)| format!("{class} at {stage} × {n}"))
        .collect();
    let missed = format!(
        "chance that the control merely missed them: {chance:.3} at an exposure share of {exposure:.2}"
    );
    let detail = format!("{}; {missed}", named.join(", "));
    if chance <= ALPHA {
        check.with(CheckVerdict::Fail, ReasonCode::NewErrorClass, detail)
    } else {
        check.inconclusive(ReasonCode::NewErrorClassPossible, detail)
    }
}

/// How often each class was seen at headers or body.
fn classes(evidence: &Evidence, side: &SideEvidence) -> BTreeMap<(String, Stage), usize> {
    let mut classes = BTreeMap::new();
    for cell in asked(evidence, side) {
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

fn n_asked(evidence: &Evidence, side: &SideEvidence) -> usize {
    asked(evidence, side)
        .filter(|cell| cell.status != Status::Skipped)
        .count()
}

/// Replies that were not of the agreed form, those of the sweep included.
pub(super) fn schema_violations(case: &Case) -> usize {
    let violates = |status: &Status| {
        matches!(
            status,
            Status::Failed {
                stage: Stage::Schema,
                ..
            }
        )
    };
    let cells = case.evidence.table.cells.iter();
    cells
        .filter(|cell| cell.target == case.side.name && violates(&cell.status))
        .count()
}
