//! How traffic is sent: the cutover, weights that go to and fro, and the way home.

use std::collections::BTreeMap;

use crate::judge::timeline::log::{Log, listed};
use crate::judge::{Check, CheckVerdict, ReasonCode};
use crate::traffic::{Event, Happening};

/// Weights that differ by less are one: they are written with few digits.
const SAME_WEIGHT: f64 = 1e-9;

/// From the decision to the cutover, in seconds.
pub(super) fn cutover(check: Check, log: &Log) -> Check {
    let Some(decided) = log.decided() else {
        return undecided(check, log);
    };
    let limit = check.limit;
    if let Some(region) = strayed(log) {
        let survivor = &log.timeline.survivor;
        let detail =
            format!("traffic was cut over to {region}, where the plan promotes {survivor}");
        return check.with(CheckVerdict::Fail, ReasonCode::WrongRegion, detail);
    }
    if let Some(cutover) = log.cutover() {
        let seconds = cutover.seconds_since(decided);
        let check = Check {
            estimate: Some(seconds),
            ..check
        };
        let detail = format!("the cutover was complete {seconds:.3} s after the decision");
        return if seconds <= limit {
            check.with(CheckVerdict::Pass, ReasonCode::WithinWindow, detail)
        } else {
            check.with(CheckVerdict::Fail, ReasonCode::WindowExceeded, detail)
        };
    }
    let observed = log.end().map_or(0.0, |end| end.seconds_since(decided));
    if log.before_decision().iter().any(is_cutover) {
        let detail = "the log has a cutover before the decision, and none after it: look at the clocks of what wrote it";
        return check.inconclusive(ReasonCode::OutOfOrder, detail);
    }
    let detail =
        format!("no cutover in the {observed:.3} s that the log goes on after the decision");
    if observed > limit {
        check.with(CheckVerdict::Fail, ReasonCode::WindowExceeded, detail)
    } else {
        check.inconclusive(ReasonCode::ObservationEnded, detail)
    }
}

fn is_cutover(event: &Event) -> bool {
    matches!(event.what, Happening::CutoverComplete { .. })
}

/// Where the first cutover went, if not to the survivor.
fn strayed<'a>(log: &Log<'a>) -> Option<&'a str> {
    let first = log.while_left().iter().find(|event| is_cutover(event))?;
    match &first.what {
        Happening::CutoverComplete {
            region: Some(region),
        } if *region != log.timeline.survivor => Some(region),
        _ => None,
    }
}

/// Without the decision nothing that follows from it can be judged.
pub(super) fn undecided(check: Check, log: &Log) -> Check {
    let home = &log.timeline.evacuated;
    let others = log.events().iter().filter_map(|event| match &event.what {
        Happening::EvacuateDecided { region } => Some(region.clone()),
        _ => None,
    });
    let others = listed(others);
    let detail = if others.is_empty() {
        format!("the log does not say when it was decided to leave {home}")
    } else {
        format!("the log tells of leaving {others}, where the plan evacuates {home}")
    };
    check
        .inconclusive(ReasonCode::EvidenceMissing, detail)
        .advising(Some(format!(
            "log `evacuate_decided` with the region {home} when the decision is taken"
        )))
}

/// Whether the evacuated region's weight rises, or a region's health comes back and goes, between the
/// decision and the return.
pub(super) fn flapping(check: Check, log: &Log) -> Check {
    if log.decided().is_none() {
        return undecided(check, log);
    }
    let weights: Vec<f64> = weights(log, log.while_left()).collect();
    let health = health(log.while_left());
    if weights.is_empty() && health.is_empty() {
        let detail =
            "the log has neither weights of the evacuated region nor health while it was left";
        return check.not_applicable(ReasonCode::NothingHappened, detail);
    }
    let before = self::weights(log, log.before_decision()).last();
    let mut at = before;
    let mut rises = Vec::new();
    for weight in &weights {
        if let Some(earlier) = at.filter(|at| *weight > at + SAME_WEIGHT) {
            rises.push(format!("from {earlier} % to {weight} %"));
        }
        at = Some(*weight);
    }
    let state_before = self::health(log.before_decision());
    let unsteady = health.iter().filter(|(region, states)| {
        let before = state_before.get(*region).and_then(|states| states.last());
        recovers(before.into_iter().chain(*states).copied())
    });
    let unsteady: Vec<String> = unsteady.map(|(region, _)| (*region).to_owned()).collect();
    let check = Check {
        estimate: Some((rises.len() + unsteady.len()) as f64),
        ..check
    };
    if rises.is_empty() && unsteady.is_empty() {
        let detail = format!(
            "{} of {}, health of {}: nothing came back before the return",
            counted(weights.len(), "weight"),
            log.timeline.evacuated,
            counted(health.len(), "region"),
        );
        return check.with(CheckVerdict::Pass, ReasonCode::Steady, detail);
    }
    let mut parts = Vec::new();
    if !rises.is_empty() {
        let home = &log.timeline.evacuated;
        parts.push(format!("the weight of {home} rose again {}", listed(rises)));
    }
    if !unsteady.is_empty() {
        parts.push(format!(
            "health was good, then bad, then good of {}",
            listed(unsteady)
        ));
    }
    check.with(CheckVerdict::Fail, ReasonCode::Flapping, parts.join("; "))
}

/// `1 weight`, `3 weights`.
pub(super) fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The weights that the evacuated region is given.
fn weights<'a>(log: &Log<'a>, events: &'a [Event]) -> impl Iterator<Item = f64> + 'a {
    let home = &log.timeline.evacuated;
    events.iter().filter_map(move |event| match &event.what {
        Happening::WeightChanged { region, weight } if region == home => Some(*weight),
        _ => None,
    })
}

/// Of each region whether its health endpoint answered well, reading by reading.
fn health(events: &[Event]) -> BTreeMap<&str, Vec<bool>> {
    let mut health: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for event in events {
        if let Happening::Health {
            region,
            status: Some(status),
            ..
        } = &event.what
        {
            let good = (200..300).contains(status);
            health.entry(region).or_default().push(good);
        }
    }
    health
}

/// Whether states go good, bad, good.
fn recovers(states: impl Iterator<Item = bool>) -> bool {
    let mut wanted = [true, false, true].into_iter().peekable();
    for state in states {
        wanted.next_if_eq(&state);
    }
    wanted.peek().is_none()
}

/// The evacuated region's weights on its return, beside the plan's.
pub(super) fn homecoming(check: Check, log: &Log) -> Check {
    let planned = &log.timeline.return_weights;
    let home = &log.timeline.evacuated;
    let Some(after) = log.after_return() else {
        let detail = format!("the log has no decision to return to {home}");
        return check.not_applicable(ReasonCode::NothingHappened, detail);
    };
    if planned.is_empty() {
        let detail =
            "the drill plan names no weights for the return (return_to_home.gradual_weights)";
        return check.not_applicable(ReasonCode::NothingHappened, detail);
    }
    let found = steps(weights(log, after));
    let alike = |(found, planned): &(&f64, &f64)| (*found - *planned).abs() <= SAME_WEIGHT;
    let n_alike = found.iter().zip(planned).take_while(alike).count();
    let check = Check {
        estimate: Some((found.len().max(planned.len()) - n_alike) as f64),
        ..check
    };
    let detail = format!(
        "{home} was given {}, planned {}",
        if found.is_empty() {
            "no weight".to_owned()
        } else {
            percents(&found)
        },
        percents(planned)
    );
    if n_alike == found.len() && n_alike == planned.len() {
        check.with(CheckVerdict::Pass, ReasonCode::InOrder, detail)
    } else if n_alike == found.len() {
        check.inconclusive(
            ReasonCode::ObservationEnded,
            format!("the log ends before the last weight: {detail}"),
        )
    } else {
        check.with(CheckVerdict::Fail, ReasonCode::OutOfOrder, detail)
    }
}

/// Weights without those that repeat the one before them, and without zeros before the first step.
fn steps(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut steps: Vec<f64> = Vec::new();
    for weight in weights {
        let before = steps.last().copied().unwrap_or(0.0);
        if (weight - before).abs() > SAME_WEIGHT {
            steps.push(weight);
        }
    }
    steps
}

fn percents(weights: &[f64]) -> String {
    const SHOWN: usize = 12;
    let mut words: Vec<String> = weights.iter().take(SHOWN).map(f64::to_string).collect();
    if weights.len() > SHOWN {
        words.push("…".to_owned());
    }
    format!("{} %", words.join(", "))
}
