//! BG-PRE: what must be in place before a switchover.

use crate::goldset::lint::PROBE_SET;
use crate::judge::case::{Case, asked};
use crate::judge::census::stated;
use crate::judge::{Check, CheckVerdict, ReasonCode};
use crate::parity::{ContractField, FieldStatus};

/// Paraphrases that a probe set has.
const PARAPHRASES: usize = 3;
/// Seeds with which it is asked.
const SEEDS: usize = 2;

/// One part of the clause: in place, not in place and why, or not known and why.
enum Part {
    Ready,
    Wrong(String),
    Unknown(String),
}

/// Every part of the pre-flight; one that is wrong fails, one that is unknown leaves it undecided.
pub(super) fn pre_flight(check: Check, case: &Case) -> Check {
    let parts = [
        agree(case, ContractField::SchemaRev),
        agree(case, ContractField::ModelTag),
        agree(case, ContractField::SecretsRev),
        labelled(case, ContractField::Metric),
        labelled(case, ContractField::Analyzer),
        apart(case, ContractField::CachePrefix, |a, b| {
            a.starts_with(b) || b.starts_with(a)
        }),
        apart(case, ContractField::QueueTopics, |a, b| {
            let topics = |text: &str| -> Vec<String> {
                text.split(',')
                    .map(|topic| topic.trim().to_owned())
                    .collect()
            };
            let theirs = topics(b);
            topics(a).iter().any(|topic| theirs.contains(topic))
        }),
        probe_set(case),
    ];
    let n = parts.len();
    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Ready => {}
            Part::Wrong(why) => wrong.push(why),
            Part::Unknown(why) => unknown.push(why),
        }
    }
    let check = Check {
        estimate: Some(wrong.len() as f64),
        ..check
    };
    if !wrong.is_empty() {
        let detail = [wrong, unknown].concat().join("; ");
        return check.with(CheckVerdict::Fail, ReasonCode::PreFlightWrong, detail);
    }
    if !unknown.is_empty() {
        return check.inconclusive(ReasonCode::FieldMissing, unknown.join("; "));
    }
    let detail = format!("all {n} parts are in place");
    check.with(CheckVerdict::Pass, ReasonCode::PreFlightReady, detail)
}

fn agree(case: &Case, field: ContractField) -> Part {
    let status = case
        .parity()
        .map_or(FieldStatus::NotStated, |parity| parity.status(field));
    match status {
        FieldStatus::Equal | FieldStatus::Versioned | FieldStatus::Informative => Part::Ready,
        FieldStatus::Differs => Part::Wrong(format!("{field} differs")),
        FieldStatus::NotStated => Part::Unknown(format!("{field} is not stated by both sides")),
    }
}

fn labelled(case: &Case, field: ContractField) -> Part {
    let labelled = |side| stated(side, field).is_some();
    if labelled(case.side) && labelled(case.control) {
        Part::Ready
    } else {
        Part::Unknown(format!("{field} is not recorded on both sides"))
    }
}

/// Both sides state a field, and nothing of one is also the other's.
fn apart(case: &Case, field: ContractField, shared: impl Fn(&str, &str) -> bool) -> Part {
    match (stated(case.side, field), stated(case.control, field)) {
        (Some(here), Some(there)) if shared(here, there) => Part::Wrong(format!(
            "{field} is shared: {here} here, {there} on the control"
        )),
        (Some(_), Some(_)) => Part::Ready,
        _ => Part::Unknown(format!("{field} is not stated by both sides")),
    }
}

fn probe_set(case: &Case) -> Part {
    let cells: Vec<_> = asked(case.evidence, case.side).collect();
    let distinct = |values: Vec<u64>| {
        values
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    };
    let n_forms = distinct(cells.iter().map(|cell| u64::from(cell.form.0)).collect());
    let n_seeds = distinct(cells.iter().map(|cell| cell.seed.0).collect());
    let n = case.questions.len();
    if PROBE_SET.contains(&n) && n_forms > PARAPHRASES && n_seeds >= SEEDS {
        return Part::Ready;
    }
    Part::Wrong(format!(
        "the probe set is {n} questions with {} paraphrases and {n_seeds} seeds, where {} to {} × {PARAPHRASES} × {SEEDS} are needed",
        n_forms.saturating_sub(1),
        PROBE_SET.start(),
        PROBE_SET.end()
    ))
}
