//! FD-P95 and FD-BURST: requests during a drill.

use std::collections::BTreeMap;

use crate::judge::timeline::Log;
use crate::judge::traffic::arms::{Arms, Undecided};
use crate::judge::traffic::latency::{self, warm};
use crate::judge::{Check, CheckVerdict, ReasonCode};
use crate::stats::Pairing;
use crate::traffic::{Group, Happening, Second, Sketch, Timeline};
use crate::units::Moment;

/// The fewest windows before the drill, and after the cutover: a drill is short.
const WINDOWS: usize = 10;

/// p95 of the survivor after the cutover, beside that of all regions before the decision.
pub(super) fn latency(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let Some(timeline) = &arms.scene.observed.timeline else {
        let detail = "the drill log, which was not given, says when the drill began".to_owned();
        return Err((ReasonCode::EvidenceMissing, detail));
    };
    let (decided, cutover) = moments(timeline)?;
    let survivor = survivor(arms, timeline);
    arms.arm(survivor)?;
    let window_s = f64::from(arms.table.window_s);
    let before = |group: &Group| decided.seconds_since(group.start) >= window_s;
    let after = |group: &Group| group.start >= cutover;
    let mut baseline: BTreeMap<Moment, Sketch> = BTreeMap::new();
    for name in arms.table.arms.keys() {
        for (start, times) in warm(arms, name, before)? {
            baseline.entry(start).or_default().merge(&times);
        }
    }
    let during = warm(arms, survivor, after)?;
    if baseline.len().min(during.len()) < WINDOWS {
        let detail = format!(
            "{} windows of warm requests before the decision, {} of `{survivor}` after the cutover; {WINDOWS} are the least",
            baseline.len(),
            during.len()
        );
        return Err((ReasonCode::TooFewRequests, detail));
    }
    let baseline: Vec<Sketch> = baseline.into_values().collect();
    let during: Vec<Sketch> = during.into_values().collect();
    Ok(
        latency::judged(check, arms, &baseline, &during, Pairing::Apart)?.adding(format!(
            "{} windows before the decision, {} of `{survivor}` after the cutover",
            baseline.len(),
            during.len()
        )),
    )
}

/// When it was decided to leave, and when all traffic went to the survivor.
fn moments(timeline: &Timeline) -> Result<(Moment, Moment), Undecided> {
    let missing = |what: &str| {
        let detail = format!("the drill log tells of no {what}");
        (ReasonCode::EvidenceMissing, detail)
    };
    let log = Log::new(timeline);
    let decided = log.decided().ok_or_else(|| missing("evacuate_decided"))?;
    let cutover = log.cutover();
    let cutover = cutover.ok_or_else(|| missing("cutover_complete after the decision"))?;
    Ok((decided, cutover))
}

/// What the requests call the survivor.
fn survivor<'a>(arms: &Arms<'a>, timeline: &'a Timeline) -> &'a str {
    let called = &arms.scene.settings.observed.arms;
    let target = crate::ids::TargetName::new(timeline.survivor.as_str());
    called
        .get(&target)
        .map_or(timeline.survivor.as_str(), String::as_str)
}

/// Of a second's requests, the share of server errors from which on it belongs to a burst.
const BAD: f64 = 0.05;
/// The longest time between two bad seconds of one burst, in seconds.
const APART: f64 = 5.0;

/// Server errors without a pause.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Burst {
    /// The first of them, in milliseconds since 1970.
    first_ms: i64,
    /// The last.
    last_ms: i64,
    /// The last bad second.
    last_second: Moment,
    n_5xx: u64,
}

impl Burst {
    fn ms(&self) -> i64 {
        self.last_ms - self.first_ms
    }
}

/// The longest burst of server errors, in any arm or from one arm to the next.
pub(super) fn burst(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let last = arms.table.arms.values().map(|arm| arm.last).max();
    let n: u64 = arms.table.arms.values().map(|arm| arm.n).sum();
    let Some(last) = last.filter(|_| n > 0) else {
        let detail = "the log has no request".to_owned();
        return Err((ReasonCode::ArmMissing, detail));
    };
    let timeline = arms.scene.observed.timeline.as_ref();
    let since = timeline.and_then(|timeline| Log::new(timeline).decided());
    let ended = timeline.and_then(ended);
    let mut bursts = bursts(arms);
    bursts.retain(|burst| {
        let after = |moment: Moment| burst.last_ms >= moment.as_millisecond();
        let before = |moment: Moment| burst.first_ms <= moment.as_millisecond();
        since.is_none_or(after) && ended.is_none_or(before)
    });
    let longest = bursts.iter().max_by_key(|burst| burst.ms());
    let seconds = longest.map_or(0.0, |burst| burst.ms() as f64 / 1000.0);
    let check = Check {
        estimate: Some(seconds),
        n_requests: Some(n),
        ..check
    };
    let detail = format!("{n} requests; {}", words(&bursts, longest));
    if !check.comparator.holds(seconds, check.limit) {
        return Ok(check.with(CheckVerdict::Fail, ReasonCode::WindowExceeded, detail));
    }
    let last_second = last.as_millisecond().div_euclid(1000) * 1000;
    let open = bursts
        .iter()
        .any(|burst| burst.last_second.as_millisecond() >= last_second);
    let unseen = ended.map_or(0.0, |ended| ended.seconds_since(last));
    if open && ended.is_none_or(|ended| ended > last) {
        let detail = format!("the last second of the log is one of a burst; {detail}");
        return Ok(check.inconclusive(ReasonCode::ObservationEnded, detail));
    }
    if unseen > f64::from(arms.table.window_s) {
        let detail = format!("the requests end {unseen:.0} s before the drill does; {detail}");
        return Ok(check.inconclusive(ReasonCode::ObservationEnded, detail));
    }
    Ok(check.with(CheckVerdict::Pass, ReasonCode::WithinWindow, detail))
}

/// When the drill was over.
fn ended(timeline: &Timeline) -> Option<Moment> {
    let mut events = timeline.events.iter();
    let ended = events.find(|event| matches!(event.what, Happening::DrillEnded {}));
    ended.map(|event| event.ts)
}

fn bursts(arms: &Arms) -> Vec<Burst> {
    let bad = |second: &&Second| second.n_5xx > 0 && second.n_5xx as f64 >= BAD * second.n as f64;
    let seconds = arms.table.arms.values().flat_map(|arm| &arm.seconds_5xx);
    let mut bad: Vec<&Second> = seconds.filter(bad).collect();
    bad.sort_by_key(|second| second.start);
    let mut bursts: Vec<Burst> = Vec::new();
    for second in bad {
        let start = second.start.as_millisecond();
        let (first_ms, last_ms) = (
            start + i64::from(second.first_5xx_ms),
            start + i64::from(second.last_5xx_ms),
        );
        match bursts.last_mut() {
            Some(burst) if second.start.seconds_since(burst.last_second) <= APART => {
                burst.first_ms = burst.first_ms.min(first_ms);
                burst.last_ms = burst.last_ms.max(last_ms);
                burst.last_second = second.start;
                burst.n_5xx += second.n_5xx;
            }
            _ => bursts.push(Burst {
                first_ms,
                last_ms,
                last_second: second.start,
                n_5xx: second.n_5xx,
            }),
        }
    }
    bursts
}

fn words(bursts: &[Burst], longest: Option<&Burst>) -> String {
    let Some(burst) = longest else {
        return "no burst of server errors".to_owned();
    };
    let from = Moment::from_millisecond(burst.first_ms);
    format!(
        "{} bursts of server errors, the longest {:.3} s with {} of them{}",
        bursts.len(),
        burst.ms() as f64 / 1000.0,
        burst.n_5xx,
        from.map_or_else(String::new, |from| format!(", from {from}"))
    )
}
