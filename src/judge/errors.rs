//! Error classes that only the candidate shows.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::QuestionId;
use crate::judge::case::{Case, asked};
use crate::judge::{Check, CheckVerdict, Evidence, ReasonCode, SideEvidence};
use crate::measure::Status;
use crate::target::Stage;

/// Chance below which the control is not believed to have merely missed a class.
pub(super) const ALPHA: f64 = 0.05;

/// No error class at headers or body read that the control does not have.
///
/// With a class seen on `k` questions, and only on the candidate, which carries the share θ of the
/// probes, the chance that all of them fell on it is θ^k. The cells of one question may all break by
/// one incident, so that they count as one; and as any class may turn out to be the candidate's
/// alone by chance, the chance is multiplied by the number of classes seen on either side
/// (Bonferroni).
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
    let most = new.values().map(|seen| seen.questions.len()).max();
    let most = i32::try_from(most.unwrap_or(0)).unwrap_or(i32::MAX);
    let n_classes = known.len() + new.len();
    let exposure = ours as f64 / (ours + theirs) as f64;
    let chance = (exposure.powi(most) * n_classes as f64).min(1.0);
    let named: Vec<String> = new
        .iter()
        .map(|((class, stage), seen)| {
            let (n, questions) = (seen.n, seen.questions.len());
            format!("{class} at {stage} × {n}, on {questions} questions")
        })
        .collect();
    let missed = format!(
        "chance that the control merely missed the most frequent: {chance:.3} at an exposure share of {exposure:.2}, {n_classes} classes in all"
    );
    let detail = format!("{}; {missed}", named.join(", "));
    if chance <= ALPHA {
        check.with(CheckVerdict::Fail, ReasonCode::NewErrorClass, detail)
    } else {
        check.inconclusive(ReasonCode::NewErrorClassPossible, detail)
    }
}

/// Where a class was seen.
#[derive(Default)]
struct Seen<'a> {
    /// How often.
    n: usize,
    /// On which questions.
    questions: BTreeSet<&'a QuestionId>,
}

/// Each class seen at headers or body.
fn classes<'a>(evidence: &'a Evidence, side: &SideEvidence) -> BTreeMap<(String, Stage), Seen<'a>> {
    let mut classes: BTreeMap<_, Seen> = BTreeMap::new();
    for cell in asked(evidence, side) {
        if let Status::Failed {
            class,
            stage: stage @ (Stage::Headers | Stage::Body),
        } = &cell.status
        {
            let seen = classes.entry((class.clone(), *stage)).or_default();
            seen.n += 1;
            seen.questions.insert(&cell.question);
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
