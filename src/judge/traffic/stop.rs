//! CA-S1: what ends the first step at once, whenever it is looked at.

use crate::judge::traffic::arms::{Arms, Undecided};
use crate::judge::traffic::errors::{New, exposure};
use crate::judge::traffic::latency::{binned, common};
use crate::judge::{Check, CheckVerdict, ReasonCode};
use crate::stats::{HARM_EVIDENCE, TailRatio};
use crate::traffic::{Arm, Bucket, ErrorClass};

/// A tail that is too slow by the evidence of all windows so far, or a class of server errors that
/// the control does not have and did not merely miss.
pub(super) fn stop(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let (side, control) = (arms.side()?, arms.control()?);
    let new = New::of(
        &server_errors(side),
        &server_errors(control),
        exposure(side, control),
    );
    let check = Check {
        n_requests: Some(side.n),
        ..check
    };
    let by_class = new.chance <= 1.0 / HARM_EVIDENCE && !new.classes.is_empty();
    let classes = if new.classes.is_empty() {
        "no new class of server errors".to_owned()
    } else {
        format!("new classes of server errors: {}", new.words())
    };
    if by_class {
        return Ok(check.with(CheckVerdict::Fail, ReasonCode::HardStopCrossed, classes));
    }
    let tail = tail(arms, check.limit)?;
    // Evidence is no ratio, and so no estimate to hold beside the limit.
    let detail = format!(
        "anytime evidence that p95 of warm requests is above {:.2} × the control's: {:.3} ({HARM_EVIDENCE:.0} stops)",
        check.limit,
        tail.evidence()
    );
    let (verdict, reason) = if tail.shows_harm() {
        (CheckVerdict::Fail, ReasonCode::HardStopCrossed)
    } else {
        (CheckVerdict::Pass, ReasonCode::HardStopNotCrossed)
    };
    Ok(check.with(verdict, reason, detail).adding(classes))
}

/// Classes as server errors alone have them.
fn server_errors(arm: &Arm) -> Vec<ErrorClass> {
    let with_5xx = arm.errors.iter().filter(|class| class.n_5xx > 0);
    with_5xx
        .map(|class| ErrorClass {
            n: class.n_5xx,
            n_sessions: class.n_sessions.min(class.n_5xx),
            ..class.clone()
        })
        .collect()
}

/// The evidence of all windows that both arms have, looked at after each.
fn tail(arms: &Arms, limit: f64) -> Result<TailRatio, Undecided> {
    let (control, side) = common(arms)?;
    let mut tail = TailRatio::new(limit, Bucket::low);
    for (control, side) in control.iter().zip(&side) {
        tail.observe(&binned(control), &binned(side));
    }
    Ok(tail)
}
