//! Latency of warm calls, questions paired.

use std::collections::BTreeMap;

use crate::ids::QuestionId;
use crate::judge::case::{Case, asked};
use crate::judge::rule::{Ruling, decide};
use crate::judge::sample::{Counted, UNDEFINED, judged};
use crate::judge::{Check, Comparator, ReasonCode, SideEvidence};
use crate::measure::{CellMetrics, Status};
use crate::stats::{BootstrapMethod, bootstrap_quantile_ratio};
use crate::target::Locality;

/// The percentile of the clauses.
const TAIL: f64 = 0.95;

/// The ratio of the 95th percentiles of warm latency, to be at most the limit.
///
/// Not a property of an index that runs inside this process; undecided where a target does not say
/// which calls were cold, since cold and warm are never mixed.
pub(super) fn ratio(check: Check, case: &Case) -> Check {
    let sides = [case.side, case.control];
    if let Some(side) = sides
        .into_iter()
        .find(|side| side.locality == Locality::InProcess)
    {
        let detail = format!(
            "{} runs inside this process: its latency is not a service's",
            side.name
        );
        return check.not_applicable(ReasonCode::InProcessTarget, detail);
    }
    if let Some(side) = sides
        .into_iter()
        .find(|side| !says_what_was_cold(case, side))
    {
        let detail = format!("{} does not say which calls were cold", side.name);
        return check.inconclusive(ReasonCode::FieldMissing, detail);
    }
    let (here, control) = (warm(case, case.side), warm(case, case.control));
    let both: Vec<&QuestionId> = here
        .keys()
        .filter(|question| control.contains_key(*question))
        .copied()
        .collect();
    let of = |times: &BTreeMap<&QuestionId, Vec<f64>>| -> Vec<Vec<f64>> {
        both.iter()
            .map(|question| times[*question].clone())
            .collect()
    };
    let n_warm: usize = of(&here).iter().map(Vec::len).sum();
    let untold: usize = sides.map(|side| untold(case, side)).iter().sum();
    let interval = bootstrap_quantile_ratio(
        &of(&control),
        &of(&here),
        TAIL,
        BootstrapMethod::Percentile,
        case.settings.resamples,
        case.settings.confidence,
    )
    .unwrap_or(UNDEFINED);
    let decision = decide(
        interval,
        Comparator::AtMost,
        check.limit,
        case.settings.basis,
    );
    let ruling = Ruling { interval, decision };
    let counted = Counted::of(&case.questions).with_questions(both.len());
    // A call that failed has no latency, so the best it could have been changes nothing.
    let check = judged(check, case, counted, ruling, &|| ruling)
        .adding(format!("{n_warm} warm calls of {} questions", both.len()));
    if untold == 0 {
        return check;
    }
    check.adding(format!(
        "{untold} replies of both sides without a latency left out: kept from an earlier run, or not timed"
    ))
}

fn answered<'a>(case: &'a Case, side: &SideEvidence) -> impl Iterator<Item = &'a CellMetrics> {
    asked(case.evidence, side).filter(|cell| cell.status == Status::Scored)
}

/// A reply that was kept from an earlier run says nothing about latency, nor about what was cold.
fn says_what_was_cold(case: &Case, side: &SideEvidence) -> bool {
    let mut asked = answered(case, side).filter(|cell| !cell.cached);
    asked.all(|cell| cell.cold_start.is_some())
}

/// Replies of which no latency is known.
fn untold(case: &Case, side: &SideEvidence) -> usize {
    let untold = |cell: &&CellMetrics| cell.cached || cell.latency_ms.is_none();
    answered(case, side).filter(untold).count()
}

/// Milliseconds of the warm calls of each question.
fn warm<'a>(case: &'a Case, side: &SideEvidence) -> BTreeMap<&'a QuestionId, Vec<f64>> {
    let mut times: BTreeMap<&QuestionId, Vec<f64>> = BTreeMap::new();
    let warm = answered(case, side).filter(|cell| cell.cold_start == Some(false) && !cell.cached);
    for cell in warm {
        if let Some(latency) = cell.latency_ms {
            times.entry(&cell.question).or_default().push(latency);
        }
    }
    times
}
