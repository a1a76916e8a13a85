//! How long queues take to drain, and whether they are empty.

use std::collections::BTreeMap;

use crate::judge::timeline::Requests;
use crate::judge::timeline::log::{Log, Points, in_region, listed, median};
use crate::judge::timeline::route::undecided;
use crate::judge::{Check, CheckVerdict, Comparator, Kind, ReasonCode};
use crate::traffic::{Event, Happening};
use crate::units::Moment;

/// Samples in a row that show a state rather than a chance.
const IN_A_ROW: usize = 3;

/// Every queue of a region by its name: seconds after the decision, and messages waiting.
type Queues = BTreeMap<String, Points>;

/// How long the slowest queue takes back to where it was before the drill.
pub(super) fn drain(check: Check, log: &Log, requests: &Requests) -> Check {
    let Some(decided) = log.decided() else {
        return undecided(check, log);
    };
    let queues = Phases::of(log, decided).or_else(|| Phases::of_requests(requests, decided));
    let Some(Phases { before, after }) = queues else {
        return no_samples(check);
    };
    let mut outcomes: Vec<(&String, Drained)> = Vec::new();
    let nothing = Points::new();
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    for name in names {
        let before = before.get(name).unwrap_or(&nothing);
        let after = after.get(name).unwrap_or(&nothing);
        outcomes.push((name, Drained::of(before, after, check.limit)));
    }
    concluded(check, outcomes)
}

/// The worst queue decides.
fn concluded(check: Check, outcomes: Vec<(&String, Drained)>) -> Check {
    let words = |is: &dyn Fn(&Drained) -> bool| {
        let of = outcomes.iter().filter(|(_, outcome)| is(outcome));
        listed(of.map(|(name, outcome)| format!("{name}: {}", outcome.words())))
    };
    let slowest = outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Drained::After(seconds) | Drained::TooLong { seconds, .. } => Some(*seconds),
        _ => None,
    });
    let check = Check {
        estimate: slowest.reduce(f64::max),
        ..check
    };
    let too_long = words(&|outcome| matches!(outcome, Drained::TooLong { .. }));
    let ended = words(&|outcome| matches!(outcome, Drained::Ended { .. }));
    let unmeasured = words(&|outcome| matches!(outcome, Drained::NoBaseline(_)));
    if !too_long.is_empty() {
        check.with(CheckVerdict::Fail, ReasonCode::WindowExceeded, too_long)
    } else if !ended.is_empty() {
        check.inconclusive(ReasonCode::ObservationEnded, ended)
    } else if !unmeasured.is_empty() {
        check.inconclusive(ReasonCode::EvidenceMissing, unmeasured)
    } else {
        let detail = words(&|_| true);
        check.with(CheckVerdict::Pass, ReasonCode::WithinWindow, detail)
    }
}

/// What became of one queue.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Drained {
    /// Back at its baseline so many seconds after the decision.
    After(f64),
    /// Still above when its time was up, or back only after so many seconds; of which backlog.
    TooLong { seconds: f64, baseline: f64 },
    /// Not seen to be back when the samples end, after so many seconds.
    Ended { seconds: f64, baseline: f64 },
    /// Too few samples before the decision.
    NoBaseline(usize),
}

impl Drained {
    /// Back is where a row of samples at or below the baseline begins; a row above it undoes that,
    /// single samples to either side are chance.
    fn of(before: &Points, after: &Points, limit: f64) -> Self {
        let baseline = median(before.iter().map(|(_, backlog)| *backlog));
        let Some(baseline) = baseline.filter(|_| before.len() >= IN_A_ROW) else {
            return Self::NoBaseline(before.len());
        };
        let rows: Vec<&[(f64, f64)]> = after
            .chunk_by(|one, next| (one.1 <= baseline) == (next.1 <= baseline))
            .collect();
        let is_back = |row: &[(f64, f64)]| row[0].1 <= baseline;
        let mut back = None;
        for row in &rows {
            let seconds = row[0].0;
            if seconds > limit {
                break;
            }
            match (is_back(row), row.len() >= IN_A_ROW) {
                (true, true) => back = back.or(Some(seconds)),
                (false, true) => back = None,
                (_, false) => {}
            }
        }
        if let Some(seconds) = back {
            return Self::After(seconds);
        }
        let last = after.last().map_or(0.0, |(seconds, _)| *seconds);
        let open = rows
            .last()
            .is_some_and(|row| is_back(row) && row[0].0 <= limit);
        if last < limit || open {
            return Self::Ended {
                seconds: last,
                baseline,
            };
        }
        let late = rows
            .iter()
            .find(|row| is_back(row) && row[0].0 > limit && row.len() >= IN_A_ROW);
        Self::TooLong {
            seconds: late.map_or(last, |row| row[0].0),
            baseline,
        }
    }

    fn words(self) -> String {
        match self {
            Self::After(seconds) => format!("back at its baseline after {seconds:.3} s"),
            Self::TooLong { seconds, baseline } => {
                format!("not back at its baseline of {baseline} before {seconds:.3} s")
            }
            Self::Ended { seconds, baseline } => format!(
                "not seen back at its baseline of {baseline} when its samples end after {seconds:.3} s"
            ),
            Self::NoBaseline(n) => {
                format!(
                    "{n} samples before the decision, of the {IN_A_ROW} that its baseline takes"
                )
            }
        }
    }
}

/// Every queue before and after the decision.
struct Phases {
    before: Queues,
    after: Queues,
}

impl Phases {
    /// As the drill log samples them; `None` if it does not.
    fn of(log: &Log, decided: Moment) -> Option<Self> {
        let before = sampled(log.before_decision(), decided);
        let after = sampled(log.after_decision(), decided);
        (!before.is_empty() || !after.is_empty()).then_some(Self { before, after })
    }

    /// As the requests of each region met them: the mean of each window, at its end.
    fn of_requests(requests: &Requests, decided: Moment) -> Option<Self> {
        let length = requests.window_s;
        let (mut before, mut after) = (Queues::new(), Queues::new());
        for (region, arm) in &requests.arms {
            for window in arm.queue.iter().filter(|window| window.n_backlog > 0) {
                let begin = window.start.seconds_since(decided);
                let mean = window.backlog_sum as f64 / window.n_backlog as f64;
                let phase = if begin + length <= 0.0 {
                    &mut before
                } else if begin >= 0.0 {
                    &mut after
                } else {
                    continue;
                };
                let name = in_region("", Some(region));
                phase.entry(name).or_default().push((begin + length, mean));
            }
        }
        (!before.is_empty() || !after.is_empty()).then_some(Self { before, after })
    }
}

fn sampled(events: &[Event], since: Moment) -> Queues {
    let mut queues = Queues::new();
    for event in events {
        if let Happening::QueueSample {
            backlog,
            region,
            queue,
            ..
        } = &event.what
        {
            let name = in_region(queue.as_deref().unwrap_or_default(), region.as_deref());
            let point = (event.ts.seconds_since(since), *backlog as f64);
            queues.entry(name).or_default().push(point);
        }
    }
    queues
}

fn no_samples(check: Check) -> Check {
    let detail = "neither the drill log nor the requests tell how long a queue is";
    check
        .inconclusive(ReasonCode::EvidenceMissing, detail)
        .advising(Some(
            "log `queue_sample` with the backlog at least every half minute, from well before the decision"
                .to_owned(),
        ))
}

/// The last samples before the decision are empty.
pub(super) fn empty_before(check: Check, log: &Log) -> Check {
    let check = Check {
        clause: "queues are empty before the drill begins".to_owned(),
        ..check
    };
    let Some(decided) = log.decided() else {
        return undecided(check, log);
    };
    empty(
        check,
        sampled(log.before_decision(), decided),
        "before the decision",
    )
}

/// The last samples of the log are empty.
pub(super) fn empty_after(check: Check, log: &Log) -> Check {
    let check = Check {
        clause: "queues are empty after the drill".to_owned(),
        ..check
    };
    let Some(end) = log.end() else {
        return no_samples(check);
    };
    if log.decided().is_none() {
        return empty(check, sampled(log.events(), end), "of the log");
    }
    let mut queues = sampled(log.after_decision(), end);
    for name in sampled(log.before_decision(), end).into_keys() {
        queues.entry(name).or_default();
    }
    empty(check, queues, "of the log")
}

fn empty(check: Check, queues: Queues, when: &str) -> Check {
    let last = |points: &Points| -> Option<f64> {
        let last = points
            .len()
            .checked_sub(IN_A_ROW)
            .map(|from| &points[from..])?;
        last.iter().map(|(_, backlog)| *backlog).reduce(f64::max)
    };
    let found: Vec<(&String, Option<f64>)> = queues
        .iter()
        .map(|(name, points)| (name, last(points)))
        .collect();
    let check = Check {
        kind: Kind::Census,
        statistic: format!("longest of the last {IN_A_ROW} samples {when}"),
        estimate: found
            .iter()
            .filter_map(|(_, longest)| *longest)
            .reduce(f64::max),
        comparator: Comparator::Equal,
        limit: 0.0,
        override_reason: None,
        ..check
    };
    let full = found.iter().filter_map(|(name, longest)| {
        let longest = longest.filter(|longest| *longest > 0.0)?;
        Some(format!("{name}: {longest} waiting"))
    });
    let full = listed(full);
    if !full.is_empty() {
        let detail = format!("in the last {IN_A_ROW} samples {when}: {full}");
        return check.with(CheckVerdict::Fail, ReasonCode::QueueNotEmpty, detail);
    }
    let short = found.iter().filter(|(_, longest)| longest.is_none());
    let short = listed(short.map(|(name, _)| (*name).clone()));
    if found.is_empty() {
        no_samples(check)
    } else if short.is_empty() {
        let detail = format!("the last {IN_A_ROW} samples {when} are 0");
        check.with(CheckVerdict::Pass, ReasonCode::QueueEmpty, detail)
    } else {
        let detail = format!("fewer than {IN_A_ROW} samples {when}: {short}");
        check.inconclusive(ReasonCode::EvidenceMissing, detail)
    }
}
