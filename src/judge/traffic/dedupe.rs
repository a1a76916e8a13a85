//! Side effects that happened twice, and calls that left and failed.

use std::collections::BTreeMap;

use crate::judge::definition::Method;
use crate::judge::observed::Scene;
use crate::judge::rule::{Decision, decide};
use crate::judge::traffic::arms::{Arms, Undecided, listed};
use crate::judge::traffic::latency::shown;
use crate::judge::{Check, CheckId, CheckVerdict, Comparator, Definition, ReasonCode};
use crate::stats::{Tally, newcombe};
use crate::traffic::{Happening, Timeline, Writes};

/// Percentage points by which calls of green may fail more often than blue's, as a share.
const EGRESS: f64 = 0.01;

/// Side effects with a key, and those of them that are repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Effects {
    n: u64,
    n_repeats: u64,
}

impl Effects {
    fn of(writes: Writes) -> Self {
        Self {
            n: writes.n - writes.n_suppressed.min(writes.n),
            n_repeats: writes.n_repeated + writes.n_shared,
        }
    }

    /// The share of side effects that are no repeat; all of none. One division, so that 999 of 1,000
    /// are exactly 0.999.
    fn rate(self) -> f64 {
        if self.n == 0 {
            return 1.0;
        }
        self.n.saturating_sub(self.n_repeats) as f64 / self.n as f64
    }
}

/// MR-DEDUPE and TS-DEDUPE: the share of side effects that are no repeat.
///
/// At a failover both regions write, so that the side effects of both count, one key in both being one
/// repeat.
pub(super) fn dedupe(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let side = arms.side()?;
    let mut writes = side.writes;
    if check.id == CheckId::MrDedupe {
        let control = arms.control()?.writes;
        writes.n += control.n;
        writes.n_suppressed += control.n_suppressed;
        writes.n_repeated += control.n_repeated;
        writes.n_shared = writes.n_shared.max(control.n_shared);
    }
    if writes.n == 0 {
        let detail = "no request states `egress.dedupe_key`".to_owned();
        return Err((ReasonCode::FieldMissing, detail));
    }
    let effects = Effects::of(writes);
    let detail = format!(
        "{} side effects: {} repeat a key of the same arm, {} a key of another; {} requests were recognised as repeats",
        effects.n, writes.n_repeated, writes.n_shared, writes.n_suppressed
    );
    let check = Check {
        n_requests: Some(writes.n),
        ..check
    };
    let requests = counted(check, effects, detail);
    let events = arms.scene.observed.timeline.as_ref().and_then(applied);
    Ok(match events {
        Some(events) if requests.id == CheckId::MrDedupe => with_events(requests, &events),
        _ => requests,
    })
}

fn counted(check: Check, effects: Effects, detail: String) -> Check {
    let strict = check.id == CheckId::TsDedupe;
    let enough = check.comparator.holds(effects.rate(), check.limit);
    let (verdict, reason) = if effects.n_repeats == 0 {
        (CheckVerdict::Pass, ReasonCode::NoDuplicates)
    } else if enough && !strict {
        (CheckVerdict::Pass, ReasonCode::PointInsideLimit)
    } else {
        (CheckVerdict::Fail, ReasonCode::Duplicates)
    };
    let check = Check {
        estimate: Some(effects.rate()),
        ..check
    };
    let share = format!("{:.5} are no repeat", effects.rate());
    check.with(verdict, reason, share).adding(detail)
}

/// MR-DEDUPE from the drill log alone: writes that were applied more than once.
pub(super) fn by_events(check: Check, scene: &Scene) -> Option<Check> {
    if check.id != CheckId::MrDedupe || Definition::of(check.id).method != Method::Dedupe {
        return None;
    }
    let timeline = scene.observed.timeline.as_ref()?;
    let applied = applied(timeline)?;
    if timeline.events.iter().any(|event| event.simulated)
        && !scene.settings.observed.allow_simulated
    {
        let detail =
            "the drill log says that it was simulated, which is no evidence unless it is allowed";
        return Some(check.inconclusive(ReasonCode::SimulatedEvidence, detail));
    }
    let effects = applied.effects();
    Some(counted(check, effects, applied.words()))
}

/// The worse of what requests and events say; both are told.
fn with_events(check: Check, events: &Applied) -> Check {
    let by_events = counted(check.clone(), events.effects(), events.words());
    let beside = |other: &Check| format!("{}: {}", other.verdict.name(), other.detail);
    if by_events.verdict == CheckVerdict::Fail && check.verdict != CheckVerdict::Fail {
        return by_events.adding(format!("by requests {}", beside(&check)));
    }
    check.adding(format!("by the drill log {}", beside(&by_events)))
}

/// How often each write was applied, by its key, or its id where it has none.
struct Applied(BTreeMap<String, u64>);

fn applied(timeline: &Timeline) -> Option<Applied> {
    let mut times = BTreeMap::new();
    for event in &timeline.events {
        if let Happening::WriteApplied { id, key, .. } = &event.what {
            *times.entry(key.as_ref().unwrap_or(id).clone()).or_default() += 1;
        }
    }
    (!times.is_empty()).then_some(Applied(times))
}

impl Applied {
    fn effects(&self) -> Effects {
        let n = self.0.values().sum();
        Effects {
            n,
            n_repeats: n - self.0.len() as u64,
        }
    }

    fn words(&self) -> String {
        let repeated = self.0.iter().filter(|(_, times)| **times > 1);
        let named = listed(repeated.map(|(key, times)| format!("`{key}` × {times}")));
        let n = self.effects().n;
        if named.is_empty() {
            format!("{n} writes were applied, each once")
        } else {
            format!("{n} writes were applied: {named}")
        }
    }
}

/// Calls that left and failed, beside the control's.
pub(super) fn egress(arms: &Arms) -> Result<(Decision, String), Undecided> {
    let (side, control) = (arms.side()?.egress, arms.control()?.egress);
    let tally = |n_failed, n, name: &str| {
        Tally::new(n_failed, n).ok_or_else(|| {
            let detail = format!("no request of `{name}` states `egress`");
            (ReasonCode::FieldMissing, detail)
        })
    };
    let here = tally(side.n_failed, side.n, arms.side_name())?;
    let there = tally(control.n_failed, control.n, arms.control_name())?;
    let settings = arms.scene.settings;
    let interval = newcombe(here, there, settings.confidence);
    let decision = decide(interval, Comparator::AtMost, EGRESS, settings.basis);
    let said = format!(
        "{} of {} calls failed, {} of {} of the control, difference {}",
        here.hits(),
        here.trials(),
        there.hits(),
        there.trials(),
        shown(interval, arms)
    );
    Ok((decision, said))
}

/// No side effect twice.
pub(super) fn guard(arms: &Arms) -> Result<(Decision, String), Undecided> {
    let writes = arms.side()?.writes;
    if writes.n == 0 {
        let detail = "no request states `egress.dedupe_key`".to_owned();
        return Err((ReasonCode::FieldMissing, detail));
    }
    let effects = Effects::of(writes);
    let said = format!(
        "{} of {} side effects repeat another",
        effects.n_repeats, effects.n
    );
    let decision = if effects.n_repeats == 0 {
        (CheckVerdict::Pass, ReasonCode::NoDuplicates)
    } else {
        (CheckVerdict::Fail, ReasonCode::Duplicates)
    };
    Ok((decision, said))
}
