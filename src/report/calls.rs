//! What calls came to: faults by class, and how long a service took. Nothing here decides anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::ids::TargetName;
use crate::net::Timing;
use crate::replay::{Observation, Outcome, Purpose};
use crate::report::Report;
use crate::stats::{median, quantile};
use crate::target::{Locality, Stage};

/// The failed probes of one class, stage and target.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault<'a> {
    /// Which target.
    pub(super) target: &'a TargetName,
    /// A short stable name.
    pub(super) class: &'a str,
    /// Where it happened.
    pub(super) stage: Stage,
    /// Probes, those of the sweep and the repeats included.
    pub(super) n: usize,
    /// HTTP statuses, with how many probes came to each.
    pub(super) statuses: BTreeMap<u16, usize>,
    /// Network tries of all of them.
    pub(super) attempts: u64,
    /// Half of them took at most so many milliseconds, with their retries.
    pub(super) median_ms: Option<f64>,
    /// What the first of them said.
    pub(super) message: &'a str,
}

/// Every fault, the most frequent first.
pub(super) fn faults(report: &Report) -> Vec<Fault<'_>> {
    /// Failed probes, each with what it said.
    type Failed<'a> = Vec<(&'a Observation, &'a str)>;

    let mut found: BTreeMap<(&TargetName, &str, Stage), Failed> = BTreeMap::new();
    for seen in &report.observations {
        if let Outcome::Failed {
            class,
            stage,
            message,
        } = &seen.outcome
        {
            let key = (&seen.target, class.as_str(), *stage);
            found.entry(key).or_default().push((seen, message));
        }
    }
    let mut faults: Vec<Fault> = found
        .into_iter()
        .map(|((target, class, stage), seen)| {
            let mut statuses = BTreeMap::new();
            for status in seen.iter().filter_map(|(seen, _)| seen.status) {
                *statuses.entry(status).or_insert(0) += 1;
            }
            let times = seen.iter().map(|(seen, _)| seen.elapsed_ms);
            let times: Vec<f64> = times.filter(|ms| ms.is_finite()).collect();
            Fault {
                target,
                class,
                stage,
                n: seen.len(),
                statuses,
                attempts: seen.iter().map(|(seen, _)| u64::from(seen.attempts)).sum(),
                median_ms: median(&times),
                message: seen[0].1,
            }
        })
        .collect();
    faults.sort_by_key(|fault| std::cmp::Reverse(fault.n));
    faults
}

impl Fault<'_> {
    /// `503 × 12, 500`, or a dash.
    pub(super) fn statuses(&self) -> String {
        let one = |(status, n): (&u16, &usize)| match n {
            1 => status.to_string(),
            n => format!("{status} × {n}"),
        };
        let all: Vec<String> = self.statuses.iter().map(one).collect();
        if all.is_empty() {
            "–".to_owned()
        } else {
            all.join(", ")
        }
    }
}

/// Two percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Percentiles {
    /// Half of the calls were at most this slow.
    pub(super) p50: f64,
    /// 95 %.
    pub(super) p95: f64,
}

/// How long a target took that is reached over a network: its warm calls alone, where it says which
/// were, and never a reply of an earlier run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Speed<'a> {
    /// Which target.
    pub(super) target: &'a TargetName,
    /// Calls behind the percentiles.
    pub(super) n: usize,
    /// Calls that are left out since something had to start first.
    pub(super) n_cold: usize,
    /// Replies that are left out since an earlier run had them.
    pub(super) n_cached: usize,
    /// Whether it said of every call whether it was cold.
    pub(super) says_cold: bool,
    /// To the first byte, to the first usable part, to the last byte; none where it was not timed.
    pub(super) times: [Option<Percentiles>; 3],
}

/// Milliseconds with one decimal, or a dash.
pub(super) fn milliseconds(ms: Option<f64>) -> String {
    ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1}"))
}

impl Speed<'_> {
    /// What the times are called.
    pub(super) const NAMES: [&'static str; 3] = ["first byte", "first usable", "last byte"];

    /// What a reader must know of the calls: `24 warm calls, 2 cold left out`.
    pub(super) fn calls(&self) -> String {
        let mut text = if self.says_cold {
            format!("{} warm calls", self.n)
        } else {
            format!("{} calls, which were cold is not said", self.n)
        };
        for (n, what) in [(self.n_cold, "cold"), (self.n_cached, "of an earlier run")] {
            if n > 0 {
                let _ = write!(text, ", {n} {what} left out");
            }
        }
        text
    }
}

/// The targets that are reached over a network, in the order of the run.
pub(super) fn speeds(report: &Report) -> Vec<Speed<'_>> {
    let over_network = report.record.targets.iter();
    over_network
        .filter(|target| target.locality == Locality::Network)
        .map(|target| speed(report, &target.name))
        .collect()
}

fn speed<'a>(report: &'a Report, target: &'a TargetName) -> Speed<'a> {
    let answered: Vec<&Observation> = report
        .observations
        .iter()
        .filter(|seen| {
            seen.target == *target
                && seen.purpose == Purpose::Score
                && matches!(seen.outcome, Outcome::Scored { .. })
        })
        .collect();
    let (cached, asked): (Vec<&Observation>, Vec<&Observation>) =
        answered.into_iter().partition(|seen| seen.cached);
    let (cold, warm): (Vec<&Observation>, Vec<&Observation>) = asked
        .into_iter()
        .partition(|seen| seen.cold_start == Some(true));
    let percentiles = |part: fn(&Timing) -> Option<f64>| {
        let times: Vec<f64> = warm
            .iter()
            .filter_map(|seen| part(&seen.timing).filter(|ms| ms.is_finite()))
            .collect();
        Some(Percentiles {
            p50: quantile(&times, 0.5)?,
            p95: quantile(&times, 0.95)?,
        })
    };
    Speed {
        target,
        n: warm.len(),
        n_cold: cold.len(),
        n_cached: cached.len(),
        says_cold: warm.iter().all(|seen| seen.cold_start.is_some()),
        times: [
            percentiles(|timing| timing.tffb_ms),
            percentiles(|timing| timing.tusable_ms),
            percentiles(|timing| timing.tfinal_ms),
        ],
    }
}
