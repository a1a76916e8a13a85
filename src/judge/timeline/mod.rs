//! Clauses that the events of a drill decide.

mod cache;
mod drain;
mod keys;
mod log;
mod route;
#[cfg(test)]
mod tests;
mod webhooks;
mod writes;

pub(in crate::judge) use log::Log;
use log::listed;

use crate::ids::TargetName;
use crate::judge::observed::Scene;
use crate::judge::{Check, CheckVerdict, Definition, DrillCheck, Method, ReasonCode};
use crate::traffic::{Arm, Happening, Timeline};

/// What the drill log says of a check; `None` if none was given.
pub(super) fn judged(check: Check, scene: &Scene) -> Option<Check> {
    let Some(timeline) = &scene.observed.timeline else {
        // Requests alone lack the turning points of a drill.
        return scene.observed.traffic.is_some().then(|| without_log(check));
    };
    let method = Definition::of(check.id).method;
    let requests = Requests::of(scene, timeline);
    if !scene.settings.observed.allow_simulated {
        let n = timeline
            .events
            .iter()
            .filter(|event| event.simulated)
            .count();
        let reads_requests = matches!(method, Method::Drain | Method::Webhooks);
        let n_requests = if reads_requests {
            requests.n_simulated
        } else {
            0
        };
        if n > 0 || n_requests > 0 {
            return Some(simulated(check, n, n_requests));
        }
    }
    let log = Log::new(timeline);
    let name = check.named.map(DrillCheck::name);
    let judged = match (method, name) {
        (Method::Cutover, _) => route::cutover(check, &log),
        (Method::Writes, _) => writes::writes(check, &log),
        (Method::Drain, Some("queue_empty")) => drain::empty_before(check, &log),
        (Method::Drain, Some("backlog_zero")) => drain::empty_after(check, &log),
        (Method::Drain, _) => drain::drain(check, &log, &requests),
        (Method::Webhooks, _) => webhooks::webhooks(check, &log, &requests),
        (Method::Rewarmed, Some("cache_warm")) => cache::warm_before(check, &log),
        (Method::Rewarmed, _) => cache::rewarmed(check, &log),
        (Method::Flapping, _) => route::flapping(check, &log),
        (Method::Homecoming, _) => route::homecoming(check, &log),
        _ => return None,
    };
    Some(as_far_as_read(judged, timeline, read_by(method)))
}

/// What requests add to a drill log: those of the two regions that change places.
#[derive(Default)]
struct Requests<'a> {
    /// Each region with its requests, where there are any.
    arms: Vec<(&'a str, &'a Arm)>,
    /// Length of a window in seconds.
    window_s: f64,
    n_simulated: u64,
}

impl<'a> Requests<'a> {
    /// None at all where no requests were given.
    fn of(scene: &Scene<'a>, timeline: &'a Timeline) -> Self {
        let Some(traffic) = &scene.observed.traffic else {
            return Self::default();
        };
        let called = &scene.settings.observed.arms;
        let arm = |region: &'a String| {
            let name = called.get(&TargetName::new(region.clone()));
            let arm = traffic.arms.get(name.unwrap_or(region))?;
            Some((region.as_str(), arm))
        };
        let regions = [&timeline.evacuated, &timeline.survivor];
        Self {
            arms: regions.into_iter().filter_map(arm).collect(),
            window_s: f64::from(traffic.window_s),
            n_simulated: traffic.intake.n_simulated,
        }
    }
}

fn without_log(check: Check) -> Check {
    let detail =
        "the requests do not tell when a region was left: the drill log does, and was not given";
    let then = check.remedy.clone().unwrap_or_default();
    check
        .inconclusive(ReasonCode::EvidenceMissing, detail)
        .advising(Some(format!(
            "give the drill log with --events; if it is red then: {then}"
        )))
}

fn simulated(check: Check, n_events: usize, n_requests: u64) -> Check {
    let mut parts = Vec::new();
    if n_events > 0 {
        parts.push(route::counted(n_events, "event"));
    }
    if n_requests > 0 {
        parts.push(format!("{n_requests} requests"));
    }
    let detail = format!("a generator wrote {}", parts.join(" and "));
    check
        .inconclusive(ReasonCode::SimulatedEvidence, detail)
        .advising(Some(
            "give the log of the real drill; simulated ones are judged with --allow-simulated, for training and tests only"
                .to_owned(),
        ))
}

/// The events that decide a clause, beside the decisions to leave and to return.
fn read_by(method: Method) -> &'static [&'static str] {
    match method {
        Method::Cutover => &["cutover_complete"],
        Method::Writes => &["cutover_complete", "write_accepted", "write_applied"],
        Method::Drain => &["queue_sample"],
        Method::Webhooks => &["cutover_complete", "webhook_emitted"],
        Method::Rewarmed => &["cache_purged", "cache_sample"],
        Method::Flapping => &["weight_changed", "health"],
        Method::Homecoming => &["weight_changed"],
        _ => &[],
    }
}

/// What follows from an absence is not known while events of the kind are misspelt, and what was seen
/// is.
fn as_far_as_read(check: Check, timeline: &Timeline, read: &[&str]) -> Check {
    let decisions = ["evacuate_decided", "return_decided"];
    let meant = |name: &str| {
        let meant = Happening::nearest(name)?;
        (read.contains(&meant) || decisions.contains(&meant)).then_some(meant)
    };
    let misspelt = timeline
        .unknown_events
        .keys()
        .filter_map(|name| Some(format!("`{name}`, which may be `{}`", meant(name)?)));
    let misspelt = listed(misspelt);
    let check = if timeline.n_bad > 0 {
        let n = timeline.n_bad;
        check.adding(format!(
            "{n} of {} lines of the log could not be read",
            timeline.n_lines
        ))
    } else {
        check
    };
    let was_seen = matches!(
        check.reason_code,
        ReasonCode::Duplicates
            | ReasonCode::WrongRegion
            | ReasonCode::KeyWrong
            | ReasonCode::Flapping
            | ReasonCode::OutOfOrder
    );
    if misspelt.is_empty() || check.verdict == CheckVerdict::Fail && was_seen {
        return check;
    }
    let detail = format!("the log has events of an unknown name: {misspelt}");
    let otherwise = format!("without them: {}", check.detail);
    check
        .inconclusive(ReasonCode::EvidenceMissing, detail)
        .adding(otherwise)
        .advising(Some("mend the names, and judge again".to_owned()))
}

/// Events that nothing was read from, for the notes of a verdict.
pub(super) fn unknown_events(timeline: &Timeline) -> Option<String> {
    let names = timeline.unknown_events.iter().map(|(name, n)| {
        let meant = Happening::nearest(name);
        let meant = meant.map_or_else(String::new, |meant| format!(", did you mean `{meant}`?"));
        format!("`{name}` ({n}{meant})")
    });
    let names = listed(names);
    (!names.is_empty())
        .then(|| format!("the drill log has events that nothing is read from: {names}"))
}
