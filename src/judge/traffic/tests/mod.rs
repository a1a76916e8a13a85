//! Clauses on tables made for one case each.

mod caches;
mod drills;
mod errors;
mod latencies;
mod queues;
mod stops;
mod trials;
mod trust;

use std::collections::BTreeMap;

use crate::ids::TargetName;
use crate::judge::observed::Scene;
use crate::judge::{
    Check, CheckId, CheckVerdict, Definition, ReasonCode, RunbookStage, Settings, Trial, traffic,
};
use crate::net::Stage;
use crate::stats::Resamples;
use crate::traffic::{
    Arm, ArmField, Egress, ErrorClass, Event, Group, Happening, Intake, Latencies, Observed, Pins,
    PrefixUse, QueueWindow, Roles, Second, Sketch, Temperature, Timeline, TrafficTable, Writes,
};
use crate::units::Moment;

/// When every log begins: a multiple of a minute.
const BEGIN: i64 = 1_760_000_040_000;

/// A moment some milliseconds after the beginning.
pub(crate) fn at_ms(ms: i64) -> Moment {
    Moment::from_millisecond(BEGIN + ms).expect("within the calendar")
}

/// A moment some seconds after the beginning.
pub(crate) fn at(seconds: i64) -> Moment {
    at_ms(1000 * seconds)
}

/// A table that grows line by line.
pub(crate) struct Table(pub(crate) TrafficTable);

/// What a minute of one arm looks like.
#[derive(Clone, Copy)]
pub(crate) struct Minute {
    /// Requests.
    pub(crate) n: u64,
    /// Those that failed, with a status of 500.
    pub(crate) n_errors: u64,
    /// Those that found their answer in a cache; the others looked in vain.
    pub(crate) n_hits: u64,
    /// Whether they say what they met.
    pub(crate) temperature: Temperature,
    /// What the median takes; the slowest takes twice as long.
    pub(crate) median_ms: f64,
}

pub(crate) const USUAL: Minute = Minute {
    n: 100,
    n_errors: 0,
    n_hits: 60,
    temperature: Temperature::Warm,
    median_ms: 100.0,
};

impl Table {
    pub(crate) fn new(arm_by: ArmField) -> Self {
        Self(TrafficTable {
            format: TrafficTable::FORMAT,
            arm_by,
            window_s: 60,
            groups: Vec::new(),
            arms: BTreeMap::new(),
            intake: Intake::default(),
        })
    }

    /// Minutes of an arm, the first of them `from` minutes after the beginning.
    pub(crate) fn minutes(mut self, arm: &str, from: i64, minutes: &[Minute]) -> Self {
        for (index, minute) in (from..).zip(minutes) {
            self.minute(arm, index, *minute);
        }
        self
    }

    /// As many equal minutes from the beginning on.
    pub(crate) fn usual(self, arm: &str, n: usize, minute: Minute) -> Self {
        self.minutes(arm, 0, &vec![minute; n])
    }

    fn minute(&mut self, arm: &str, index: i64, minute: Minute) {
        let start = at(60 * index);
        let mut times = Sketch::default();
        for i in 0..minute.n {
            times.add(minute.median_ms * (0.5 + 1.5 * i as f64 / minute.n as f64));
        }
        times.seal();
        self.0.groups.push(Group {
            arm: arm.to_owned(),
            route: String::new(),
            temperature: minute.temperature,
            start,
            n: minute.n,
            n_errors: minute.n_errors,
            n_5xx: minute.n_errors,
            n_hits: minute.n_hits,
            n_misses: minute.n - minute.n_hits,
            latency: Latencies {
                tfinal: times,
                ..Latencies::default()
            },
        });
        let end = at(60 * index + 59);
        let row = self.0.arms.entry(arm.to_owned()).or_insert_with(|| Arm {
            first: start,
            ..blank()
        });
        row.n += minute.n;
        row.last = end;
    }

    /// Changes an arm, which is there already.
    pub(crate) fn with(mut self, arm: &str, change: impl FnOnce(&mut Arm)) -> Self {
        change(self.0.arms.get_mut(arm).expect("an arm of the table"));
        self
    }

    /// Errors of one class in so many sessions.
    pub(crate) fn class(self, arm: &str, stage: Stage, class: &str, n: u64) -> Self {
        let class = ErrorClass {
            stage,
            class: class.to_owned(),
            n,
            n_5xx: if class.starts_with("http_5") { n } else { 0 },
            n_sessions: n,
        };
        self.with(arm, |arm| arm.errors.push(class))
    }
}

fn blank() -> Arm {
    Arm {
        n: 0,
        n_warm_pings: 0,
        first: at(0),
        last: at(0),
        statuses: BTreeMap::new(),
        errors: Vec::new(),
        prefixes: BTreeMap::new(),
        pins: Pins::default(),
        writes: Writes::default(),
        egress: Egress::default(),
        lambda: BTreeMap::new(),
        delta_s: Sketch::default(),
        coverage: Sketch::default(),
        queue: Vec::new(),
        seconds_5xx: Vec::new(),
    }
}

/// A drill from east to west: events by milliseconds after the beginning.
pub(crate) fn drill(events: Vec<(i64, Happening)>) -> Timeline {
    let event = |(ms, what)| Event {
        ts: at_ms(ms),
        what,
        simulated: false,
    };
    let roles = Roles {
        evacuated: "east".to_owned(),
        survivor: "west".to_owned(),
        webhooks_from: "west".to_owned(),
        freeze_writes_on_followers: true,
        ..Roles::default()
    };
    Timeline {
        events: events.into_iter().map(event).collect(),
        ..Timeline::new(roles)
    }
}

/// Settings with few resamples, so that tests are quick.
pub(crate) fn settings() -> Settings {
    Settings {
        resamples: Resamples { n: 400, seed: 1 },
        ..Settings::default()
    }
}

/// A clause of `canary` beside `control`, or of `west` beside `east` in the runbooks of regions.
pub(crate) fn trial(id: CheckId, stage: RunbookStage) -> Trial {
    use crate::judge::Runbook::{FailoverDrill, MultiRegion};
    let (side, control) = match id.runbook() {
        Some(FailoverDrill | MultiRegion) => ("west", "east"),
        _ => ("canary", "control"),
    };
    Trial {
        side: TargetName::new(side),
        control: TargetName::new(control),
        stage,
        checks: vec![id],
        named: Vec::new(),
    }
}

/// What the requests say of a clause.
pub(crate) fn judged(
    id: CheckId,
    stage: RunbookStage,
    observed: &Observed,
    settings: &Settings,
) -> Check {
    let trial = trial(id, stage);
    let scene = Scene::new(observed, &trial, settings);
    let blank = Check::new(Definition::of(id), &trial, settings);
    traffic::judged(blank, &scene).expect("requests decide it")
}

/// A table alone.
pub(crate) fn only(table: Table) -> Observed {
    Observed {
        traffic: Some(table.0),
        timeline: None,
    }
}

/// Judges a clause at a stage without a planned share, and expects a verdict with its reason.
#[track_caller]
fn check(id: CheckId, table: Table, verdict: CheckVerdict, reason: ReasonCode) -> Check {
    at_stage(id, RunbookStage::Live, table, verdict, reason)
}

#[track_caller]
fn at_stage(
    id: CheckId,
    stage: RunbookStage,
    table: Table,
    verdict: CheckVerdict,
    reason: ReasonCode,
) -> Check {
    let judged = judged(id, stage, &only(table), &settings());
    let said = (judged.verdict, judged.reason_code);
    assert_eq!(said, (verdict, reason), "{id}: {}", judged.detail);
    judged
}

/// A control and a canary, each of so many equal minutes.
fn arms(n: usize, control: Minute, canary: Minute) -> Table {
    Table::new(ArmField::Variant)
        .usual("control", n, control)
        .usual("canary", n, canary)
}

fn prefix(n_hits: u64, n_misses: u64, n_purges: u64) -> PrefixUse {
    PrefixUse {
        n_hits,
        n_misses,
        n_purges,
    }
}

fn queue_minute(index: i64, age_ms: f64) -> QueueWindow {
    QueueWindow {
        start: at(60 * index),
        n_backlog: 10,
        backlog_sum: 30,
        backlog_max: 5,
        n_age: 10,
        age_sum_us: (age_ms * 10_000.0) as u64,
        age_max_us: (age_ms * 1000.0) as u64,
    }
}

fn second(start: i64, n: u64, n_5xx: u64, first_5xx_ms: u16, last_5xx_ms: u16) -> Second {
    Second {
        start: at(start),
        n,
        n_5xx,
        first_5xx_ms,
        last_5xx_ms,
    }
}
