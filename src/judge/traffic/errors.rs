//! Errors of live requests beside the control's.

use crate::judge::errors::ALPHA;
use crate::judge::rule::decide;
use crate::judge::sample::UNDEFINED;
use crate::judge::traffic::arms::{Arms, Both, Totals, Undecided};
use crate::judge::traffic::latency::shown;
use crate::judge::{Basis, Check, CheckId, CheckVerdict, Comparator, ReasonCode};
use crate::net::Stage;
use crate::stats::{
    ArmErrors, EProcess, Interval, TOLERATED_RATIO, Tally, clopper_pearson, newcombe,
};
use crate::traffic::{Arm, ErrorClass};
use crate::units::Confidence;

/// CA-ERR: the ratio of the error rates, in the windows that both arms have.
///
/// Given how many errors there were, the side's share of them is a proportion whose exact bounds turn
/// into those of the ratio. Harm is also shown by the e-process, which has seen every window.
pub(super) fn ratio(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let windows = arms.concurrent()?;
    let Both { side, control } = Both::of(&windows);
    let settings = arms.scene.settings;
    let interval = ratio_of_rates(side, control, settings.confidence);
    let evidence = harm(&windows, check.limit);
    let mut decision = match interval {
        Some(interval) => decide(interval, Comparator::AtMost, check.limit, settings.basis),
        // Nothing failed, which by the point is no more than the control's.
        None if settings.basis == Basis::Point => {
            (CheckVerdict::Pass, ReasonCode::PointInsideLimit)
        }
        None => (CheckVerdict::Inconclusive, ReasonCode::BoundCrossesLimit),
    };
    if settings.basis == Basis::Bound && evidence.shows_harm() {
        decision = (CheckVerdict::Fail, ReasonCode::HarmShown);
    }
    let detail = interval.map_or_else(
        || "without an error there is no ratio".to_owned(),
        |interval| shown(interval, arms),
    );
    let check = check
        .measured(interval.unwrap_or(UNDEFINED), settings.confidence.get())
        .with(decision.0, decision.1, detail);
    let check = Check {
        n_requests: Some(side.n),
        ..check
    };
    Ok(check
        .adding(format!(
            "{} of {} requests failed, {} of {} of the control, in {} windows of both",
            side.n_errors,
            side.n,
            control.n_errors,
            control.n,
            windows.len()
        ))
        .adding(format!(
            "anytime evidence of harm {:.3} ({:.0} stops)",
            evidence.evidence(),
            crate::stats::HARM_EVIDENCE
        )))
}

/// `None` without an error on either side.
fn ratio_of_rates(side: Totals, control: Totals, confidence: Confidence) -> Option<Interval> {
    let errors = side.n_errors + control.n_errors;
    let share = clopper_pearson(side.n_errors, errors, confidence)?;
    let requests = control.n as f64 / side.n as f64;
    // A share of 1 is an infinite ratio: the control has no error.
    let ratio = |share: f64| share / (1.0 - share) * requests;
    Some(Interval {
        estimate: ratio(share.estimate),
        low: ratio(share.low),
        high: ratio(share.high),
    })
}

/// What every window's errors say, at that window's exposure. The e-process tolerates a fixed ratio;
/// another limit is as if the side had seen more or fewer requests.
fn harm(windows: &[Both], limit: f64) -> EProcess {
    let mut evidence = EProcess::new();
    for Both { side, control } in windows {
        let weight = side.n as f64 * limit / TOLERATED_RATIO;
        let exposure = weight / (weight + control.n as f64);
        if exposure > 0.0 && exposure < 1.0 {
            let errors = ArmErrors {
                candidate: side.n_errors,
                control: control.n_errors,
            };
            evidence.observe(errors, exposure);
        }
    }
    evidence
}

/// TS-5XX and MR-5XX: the difference of the rates of server errors.
///
/// At a step both arms serve at once; at a failover one serves after the other, so that there every
/// window counts.
pub(super) fn server_errors(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let Both { side, control } = if check.id == CheckId::Mr5xx {
        arms.whole()?
    } else {
        Both::of(&arms.concurrent()?)
    };
    let settings = arms.scene.settings;
    let rate = |totals: Totals| Tally::new(totals.n_5xx, totals.n);
    let interval = rate(side)
        .zip(rate(control))
        .map_or(UNDEFINED, |(side, control)| {
            newcombe(side, control, settings.confidence)
        });
    let (verdict, reason) = decide(interval, Comparator::AtMost, check.limit, settings.basis);
    let points = |value: f64| 100.0 * value;
    let detail = format!(
        "{:.4} percentage points more server errors, one-sided {:.0} % bounds {:.4} and {:.4}",
        points(interval.estimate),
        points(settings.confidence.get()),
        points(interval.low),
        points(interval.high)
    );
    let check = check.measured(interval, settings.confidence.get());
    let check = Check {
        n_requests: Some(side.n),
        ..check
    };
    Ok(check.with(verdict, reason, detail).adding(format!(
        "{} of {} requests ended with 500 or above, {} of {} of the control",
        side.n_5xx, side.n, control.n_5xx, control.n
    )))
}

/// CA-NEWERR and BG-NEWERR: no error class at headers or body that the control does not have.
pub(super) fn new_classes(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let (side, control) = (arms.side()?, arms.control()?);
    let at_reading = |class: &&ErrorClass| matches!(class.stage, Stage::Headers | Stage::Body);
    let classes = |arm: &'_ Arm| -> Vec<ErrorClass> {
        arm.errors.iter().filter(at_reading).cloned().collect()
    };
    let new = New::of(&classes(side), &classes(control), exposure(side, control));
    let check = Check {
        statistic: "new error classes of live requests, exposure share".to_owned(),
        estimate: Some(new.classes.len() as f64),
        n_requests: Some(side.n),
        ..check
    };
    if new.classes.is_empty() {
        let detail = format!("none in {} requests, {} on the control", side.n, control.n);
        return Ok(check.with(CheckVerdict::Pass, ReasonCode::NoNewErrorClass, detail));
    }
    let detail = new.words();
    Ok(if new.chance <= ALPHA {
        check.with(CheckVerdict::Fail, ReasonCode::NewErrorClass, detail)
    } else {
        check.inconclusive(ReasonCode::NewErrorClassPossible, detail)
    })
}

/// The side's share of the requests of both.
pub(super) fn exposure(side: &Arm, control: &Arm) -> f64 {
    side.n as f64 / (side.n + control.n) as f64
}

/// Error classes that only the side has.
pub(super) struct New {
    pub(super) classes: Vec<ErrorClass>,
    /// The chance that the control merely missed the most frequent, times the number of classes seen.
    pub(super) chance: f64,
    exposure: f64,
    n_classes: usize,
}

impl New {
    /// With a class in `k` sessions, and only on the side, which carries the share θ of the requests,
    /// the chance that all of them fell on it is θ^k. The requests of one session may all break by one
    /// incident, so that they count as one; as any class may turn out so, the chance is multiplied by
    /// the number of classes on either side (Bonferroni).
    pub(super) fn of(side: &[ErrorClass], control: &[ErrorClass], exposure: f64) -> Self {
        let same = |a: &ErrorClass, b: &ErrorClass| a.stage == b.stage && a.class == b.class;
        let known = |class: &ErrorClass| control.iter().any(|other| same(class, other));
        let classes: Vec<ErrorClass> = side.iter().filter(|class| !known(class)).cloned().collect();
        let n_classes = control.len() + classes.len();
        let most = classes.iter().map(|class| class.n_sessions).max();
        let most = i32::try_from(most.unwrap_or(0)).unwrap_or(i32::MAX);
        Self {
            classes,
            chance: (exposure.powi(most) * n_classes as f64).min(1.0),
            exposure,
            n_classes,
        }
    }

    pub(super) fn words(&self) -> String {
        let mut named: Vec<&ErrorClass> = self.classes.iter().collect();
        named.sort_by_key(|class| std::cmp::Reverse(class.n_sessions));
        let named = named.into_iter().map(|class| {
            let ErrorClass {
                stage,
                class,
                n,
                n_sessions,
                ..
            } = class;
            format!("{class} at {stage} × {n}, in {n_sessions} sessions")
        });
        format!(
            "{}; chance that the control merely missed the most frequent: {:.4} at an exposure share of {:.3}, {} classes in all",
            super::arms::listed(named),
            self.chance,
            self.exposure,
            self.n_classes
        )
    }
}
