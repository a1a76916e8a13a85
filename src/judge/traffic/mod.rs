//! Clauses that live requests decide.
//!
//! Each file judges one kind of clause from a [`TrafficTable`](crate::traffic::TrafficTable) and knows
//! nothing of the others; `arms` finds the two arms of a trial, `caution` says when what was judged is
//! not to be believed.

mod arms;
mod cache;
mod caution;
mod dedupe;
mod drill;
mod errors;
mod latency;
mod pins;
mod queue;
mod stop;

#[cfg(test)]
pub(crate) mod tests;

use crate::judge::definition::Method;
use crate::judge::observed::Scene;
use crate::judge::rule::Decision;
use crate::judge::{Check, CheckVerdict, Definition, ReasonCode, RunbookStage};

use arms::{Arms, Undecided};

/// Judges one kind of clause.
type Judge = fn(Check, &Arms) -> Result<Check, Undecided>;

/// What the requests say of a check; `None` if no telemetry was given, or none of its kind decides
/// the check.
pub(super) fn judged(check: Check, scene: &Scene) -> Option<Check> {
    if matches!(scene.stage, RunbookStage::Shadow | RunbookStage::PreFlight) {
        return None;
    }
    let method = Definition::of(check.id).method;
    let Some(table) = &scene.observed.traffic else {
        return dedupe::by_events(check, scene);
    };
    let arms = Arms::new(table, scene);
    let blank = check.clone();
    let judged = judge(method)?(check, &arms);
    let judged = judged.unwrap_or_else(|(reason, detail)| blank.inconclusive(reason, detail));
    Some(caution::believed(judged, &arms))
}

fn judge(method: Method) -> Option<Judge> {
    Some(match method {
        Method::LatencyRatio => latency::ratio,
        Method::NewErrorClass => errors::new_classes,
        Method::ErrorRatio => errors::ratio,
        Method::ServerErrors => errors::server_errors,
        Method::CacheOverlap => cache::overlap,
        Method::PurgeCollision => cache::collision,
        Method::HitRatio => cache::not_below,
        Method::HitRatioWithin => cache::within,
        Method::TrafficStop => stop::stop,
        Method::Dedupe => dedupe::dedupe,
        Method::ColdShare => queue::cold_share,
        Method::QueueSlope => queue::age_slope,
        Method::Pins => pins::pins,
        Method::DrillLatency => drill::latency,
        Method::Burst => drill::burst,
        _ => return None,
    })
}

/// A check that probes judged, beside what the requests say of it: red if either is, and else as
/// the requests say.
pub(super) fn beside(by_probes: Check, scene: &Scene) -> Check {
    use CheckVerdict::{Error, Fail, NotApplicable};
    let method = Definition::of(by_probes.id).method;
    if !matches!(method, Method::LatencyRatio | Method::NewErrorClass) {
        return by_probes;
    }
    let Some(by_requests) = judged(blank_of(&by_probes), scene) else {
        return by_probes;
    };
    let silent = by_requests.verdict == CheckVerdict::Inconclusive
        && matches!(
            by_requests.reason_code,
            ReasonCode::ArmMissing
                | ReasonCode::FieldMissing
                | ReasonCode::TooFewRequests
                | ReasonCode::NotConcurrent
                | ReasonCode::SimulatedEvidence
        );
    let probes_decide = match (by_probes.verdict, by_requests.verdict) {
        (NotApplicable, _) | (_, Fail) => false,
        (Fail | Error, _) => true,
        _ => silent,
    };
    let (first, second, other) = if probes_decide {
        (by_probes, by_requests, "live requests")
    } else {
        (by_requests, by_probes, "probes")
    };
    let beside = format!("by {other} {}: {}", second.verdict.name(), second.detail);
    first.adding(beside)
}

/// The check as it was before the probes said anything.
fn blank_of(judged: &Check) -> Check {
    Check {
        estimate: None,
        ci_low: None,
        ci_high: None,
        confidence: None,
        n_questions: None,
        n_missing: None,
        verdict: CheckVerdict::Inconclusive,
        reason_code: ReasonCode::EvidenceMissing,
        detail: String::new(),
        remedy: Some(Definition::of(judged.id).remedy.to_owned()),
        worst_questions: Vec::new(),
        ..judged.clone()
    }
}

/// What the requests say of egress and dedupe after a cutover; `None` if no telemetry was given.
pub(super) fn after_cutover(scene: &Scene) -> Option<(Decision, String)> {
    let table = scene.observed.traffic.as_ref()?;
    let arms = Arms::new(table, scene);
    let of = |said: Result<(Decision, String), Undecided>| {
        said.unwrap_or_else(|(reason, detail)| ((CheckVerdict::Inconclusive, reason), detail))
    };
    let (egress, by_egress) = of(dedupe::egress(&arms));
    let (guard, by_guard) = of(dedupe::guard(&arms));
    let said = format!("egress: {by_egress}; dedupe: {by_guard}");
    let decision = crate::judge::rule::worse(egress, guard);
    match caution::simulated(&arms, false) {
        Some((reason, detail)) => Some((
            (CheckVerdict::Inconclusive, reason),
            format!("{detail}; {said}"),
        )),
        None => Some((decision, said)),
    }
}
