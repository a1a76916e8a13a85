//! When what the requests say is not to be believed.

use crate::judge::traffic::arms::{Arms, Undecided};
use crate::judge::{Check, CheckVerdict, Definition, Kind, Method, ReasonCode};

/// The check, unless the log ends too early, the side had another share of the requests than planned,
/// or a generator wrote it.
pub(super) fn believed(check: Check, arms: &Arms) -> Check {
    let uses_events = matches!(
        Definition::of(check.id).method,
        Method::DrillLatency | Method::Burst | Method::PurgeCollision | Method::Dedupe
    );
    let check = in_its_time(check, arms);
    let check = at_its_share(check, arms);
    match simulated(arms, uses_events) {
        Some((reason, detail)) => but_for(check, reason, detail),
        None => check,
    }
}

/// That a generator wrote the evidence, if it did and nobody allowed that.
pub(super) fn simulated(arms: &Arms, with_events: bool) -> Option<Undecided> {
    if arms.scene.settings.observed.allow_simulated {
        return None;
    }
    let timeline = arms.scene.observed.timeline.as_ref();
    let events = timeline.filter(|_| with_events).map_or(0, |timeline| {
        let simulated = timeline.events.iter().filter(|event| event.simulated);
        simulated.count()
    });
    let lines = arms.table.intake.n_simulated;
    if lines == 0 && events == 0 {
        return None;
    }
    let what = match (lines, events) {
        (0, events) => format!("{events} events say that they were"),
        (lines, 0) => format!("{lines} requests say that they were"),
        (lines, events) => format!("{lines} requests and {events} events say that they were"),
    };
    let detail = format!("{what} simulated, which is no evidence unless it is allowed");
    Some((ReasonCode::SimulatedEvidence, detail))
}

/// A PASS before the planned end is none. What is red needs no more requests.
fn in_its_time(check: Check, arms: &Arms) -> Check {
    let planned = arms.scene.planned_minutes();
    let Some((planned, seen)) = planned.zip(arms.minutes_observed()) else {
        return check;
    };
    if check.verdict != CheckVerdict::Pass || seen >= planned {
        return check;
    }
    let detail = format!(
        "the requests cover {seen:.1} of {planned:.0} planned minutes, and one decision is taken at their end"
    );
    but_for(check, ReasonCode::ObservationEnded, detail)
}

/// A sample is of the traffic that was planned. What is red by a census, as a hard stop or by evidence
/// that holds at any time is red at any share.
fn at_its_share(check: Check, arms: &Arms) -> Check {
    let planned = arms.scene.planned_share();
    let Some(((least, most), share)) = planned.zip(arms.share()) else {
        return check;
    };
    if share.high >= least && share.low <= most {
        return check;
    }
    let detail = format!(
        "{} of the requests are the side's, where {} to {} are planned at this stage",
        percent(share.estimate),
        percent(least),
        percent(most)
    );
    let anytime = check.hard_stop || check.reason_code == ReasonCode::HarmShown;
    let by_sample = check.kind == Kind::Sample && !anytime;
    match check.verdict {
        CheckVerdict::Pass => but_for(check, ReasonCode::ShareMismatch, detail),
        CheckVerdict::Fail if by_sample => but_for(check, ReasonCode::ShareMismatch, detail),
        _ => check.adding(detail),
    }
}

/// Undecided, with what would have been said.
fn but_for(check: Check, reason: ReasonCode, detail: String) -> Check {
    let said = format!("but for that {}: {}", check.verdict.name(), check.detail);
    check.inconclusive(reason, detail).adding(said)
}

/// With two digits more than a whole per cent.
fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
