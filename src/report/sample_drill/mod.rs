//! A third fixed report: the audit of a drill with its telemetry and its drill log, every awkward
//! thing in it.

mod checks;

use std::collections::BTreeMap;

use crate::drill::Drill;
use crate::embed::EmbedderId;
use crate::ids::{QuestionId, TargetName};
use crate::judge::{Runbook, RunbookStage, Settings, worst};
use crate::measure::{
    AnswerComparison, Lambda, QuestionAnswers, Rung, SemanticRung, SideAnswers, Unanswered,
};
use crate::net::Stage;
use crate::report::sample::{self, HOSTILE};
use crate::report::{JudgedRecord, Report};
use crate::target::Role;
use crate::traffic::{
    Arm, ArmField, BadLine, Egress, ErrorClass, Event, Group, Happening, Intake, KeyParts,
    Latencies, Observed, Pins, PrefixUse, QueueWindow, Roles, Second, Sketch, Temperature,
    Timeline, TrafficTable, Writes,
};
use crate::units::Moment;
use checks::checks;

/// Minutes of requests.
const MINUTES: i64 = 40;
/// When it is decided to leave `us-east`, in seconds after the first request.
const DECISION: i64 = 12 * 60;
/// How long until the cutover, in milliseconds.
const CUTOVER_MS: i64 = 28_400;
/// When it is decided to return.
const RETURN: i64 = DECISION + 20 * 60;

/// Milliseconds after 06:00 of the day.
fn moment(ms: i64) -> Moment {
    let base: Moment = "2026-01-02T06:00:00Z".parse().expect("a moment");
    Moment::from_millisecond(base.as_millisecond() + ms).expect("in range")
}

fn minute(minute: i64) -> Moment {
    moment(minute * 60_000)
}

/// Requests of an arm in a minute: `us-east` has none while it is left.
fn n_requests(arm: &str, minute: i64) -> u64 {
    match (arm, minute) {
        ("us-east", 13..32) => 0,
        ("us-east", 32..) => 12,
        (_, 13..32) => 90,
        _ => 60,
    }
}

/// Latencies that look like those of a service, slower while one region serves both.
fn latencies(arm: &str, minute: i64, n: u64, cold: bool) -> Latencies {
    let mut all = Latencies::default();
    let slow = if (13..19).contains(&minute) {
        1.35
    } else {
        1.0
    };
    let region = if arm == "us-east" { 1.0 } else { 1.08 };
    for index in 0..n {
        // A multiplicative generator spreads the ranks without a library.
        let rank = (index * 37 + minute as u64 * 11) % 101;
        let tail = if rank > 94 { 2.4 } else { 1.0 };
        let ms = (380.0 + 4.0 * rank as f64) * tail * slow * region * if cold { 3.0 } else { 1.0 };
        all.tffb.add((ms * 0.2).round());
        all.tusable.add((ms * 0.4).round());
        all.tfinal.add(ms.round());
    }
    all
}

fn group(arm: &str, route: &str, at: i64, cold: bool) -> Option<Group> {
    let n = if cold {
        u64::from(at % 8 == 5) * 3
    } else {
        n_requests(arm, at)
    };
    let errors = u64::from(at == 12 && !cold) * 9;
    let hits = if (20..24).contains(&at) {
        n / 4
    } else {
        n * 3 / 4
    };
    (n > 0 && n_requests(arm, at) > 0).then(|| Group {
        arm: arm.to_owned(),
        route: route.to_owned(),
        temperature: if cold {
            Temperature::Cold
        } else {
            Temperature::Warm
        },
        start: minute(at),
        n,
        n_errors: errors + u64::from(errors > 0),
        n_5xx: errors,
        n_hits: hits,
        n_misses: n - hits,
        latency: latencies(arm, at, n, cold),
    })
}

fn error(stage: Stage, class: &str, n: u64, n_5xx: u64) -> ErrorClass {
    ErrorClass {
        stage,
        class: class.to_owned(),
        n,
        n_5xx,
        n_sessions: n.min(5),
    }
}

fn arm(name: &str, groups: &[Group]) -> Arm {
    let own = || groups.iter().filter(|group| group.arm == name);
    let n = own().map(|group| group.n).sum();
    let queue = |at: i64| QueueWindow {
        start: minute(at),
        n_backlog: 5,
        backlog_sum: 20,
        backlog_max: 9,
        n_age: 5,
        age_sum_us: 21_000_000,
        age_max_us: 6_000_000,
    };
    let mut delta_s = Sketch::default();
    (0..50).for_each(|index| delta_s.add(0.3 + 0.002 * f64::from(index)));
    Arm {
        n,
        n_warm_pings: 4,
        first: minute(0),
        last: moment(MINUTES * 60_000 - 250),
        statuses: BTreeMap::from([(200, n - 9), (503, 9)]),
        errors: if name == "us-east" {
            vec![
                error(Stage::Connect, "timeout", 1, 0),
                error(Stage::Headers, "http_503", 9, 9),
                error(Stage::Tool, HOSTILE, 1, 0),
            ]
        } else {
            vec![
                error(Stage::Headers, "http_503", 9, 9),
                error(Stage::Body, "reset", 1, 0),
            ]
        },
        prefixes: BTreeMap::from([(
            format!("{name}:"),
            PrefixUse {
                n_hits: 900,
                n_misses: 300,
                n_purges: 0,
            },
        )]),
        pins: Pins::default(),
        writes: Writes {
            n: 400,
            n_suppressed: 12,
            n_repeated: u64::from(name == "us-east"),
            n_shared: 0,
        },
        egress: Egress {
            n: 80,
            n_failed: 1,
            n_retried: 3,
        },
        lambda: BTreeMap::from([(Lambda::Convergent, n - 6), (Lambda::Chaotic, 6)]),
        delta_s,
        coverage: Sketch::default(),
        queue: (0..MINUTES).map(queue).collect(),
        seconds_5xx: vec![Second {
            start: moment(DECISION * 1000 + 5_000),
            n: 3,
            n_5xx: 2,
            first_5xx_ms: 100,
            last_5xx_ms: 900,
        }],
    }
}

/// Forty minutes of two regions.
pub(crate) fn traffic() -> TrafficTable {
    let mut groups = Vec::new();
    for name in ["eu-west", "us-east"] {
        for cold in [false, true] {
            groups.extend((0..MINUTES).filter_map(|at| group(name, "chat.rag.answer", at, cold)));
        }
        groups.extend(group(name, HOSTILE, 3, false));
    }
    let arms = ["eu-west", "us-east"].map(|name| (name.to_owned(), arm(name, &groups)));
    TrafficTable {
        format: TrafficTable::FORMAT,
        arm_by: ArmField::Region,
        window_s: 60,
        groups,
        arms: BTreeMap::from(arms),
        intake: Intake {
            n_lines: 4711,
            n_bad: 2,
            bad: vec![
                BadLine {
                    place: "access.jsonl:17".to_owned(),
                    problem: "`status` is no number: expected an integer".to_owned(),
                },
                BadLine {
                    place: "access.jsonl:99".to_owned(),
                    problem: HOSTILE.to_owned(),
                },
            ],
            n_duplicates: 3,
            n_without_arm: 1,
            n_out_of_order: 12,
            furthest_back_ms: 4_200,
            n_simulated: 0,
            n_without_zone: 5,
            unknown_fields: BTreeMap::from([("trace_id".to_owned(), 4711)]),
            clock_skew_ms: BTreeMap::from([
                ("eu-west".to_owned(), 0),
                ("us-east".to_owned(), -1_250),
            ]),
        },
    }
}

fn event(ms: i64, what: Happening) -> Event {
    Event {
        ts: moment(ms),
        what,
        simulated: false,
    }
}

/// Twelve messages at rest, many once the survivor serves both, drained after six minutes.
fn samples(events: &mut Vec<Event>) {
    for index in 0..(MINUTES * 4) {
        let ms = index * 15_000;
        let since = (ms - DECISION * 1000) / 1000;
        let wave = u64::try_from(index % 5).unwrap_or_default();
        let backlog = match since {
            0..180 => 12 + since as u64 * 3,
            180..390 => (552 - (since as u64 - 180) * 5 / 2).max(12),
            _ => 10 + wave,
        };
        events.push(event(
            ms,
            Happening::QueueSample {
                backlog,
                age_ms: Some(180.0 * backlog as f64),
                region: Some("eu-west".to_owned()),
                queue: Some("ingest".to_owned()),
            },
        ));
        let purged = 8 * 60_000 + DECISION * 1000;
        let warm = if ms < purged {
            0.82
        } else {
            (0.1 + (ms - purged) as f64 / 360_000.0 * 0.72).min(0.83)
        };
        for prefix in ["eu:answers:", HOSTILE] {
            events.push(event(
                ms + 1,
                Happening::CacheSample {
                    prefix: prefix.to_owned(),
                    hit_ratio: warm - 0.01 * wave as f64,
                    region: Some("eu-west".to_owned()),
                },
            ));
        }
    }
}

fn writes(events: &mut Vec<Event>) {
    for index in 0..40_i64 {
        let at = DECISION * 1000 - 300_000 + index * 15_000;
        let region = if at < DECISION * 1000 {
            "us-east"
        } else {
            "eu-west"
        };
        let id = format!("w-{index}");
        events.push(event(
            at + 2,
            Happening::WriteAccepted {
                id: id.clone(),
                key: None,
                region: Some(region.to_owned()),
                parts: KeyParts::default(),
            },
        ));
        let times = match index {
            7 => 0,
            9 => 2,
            _ => 1,
        };
        for time in 0..times {
            events.push(event(
                at + 40 + time,
                Happening::WriteApplied {
                    id: id.clone(),
                    key: None,
                    region: region.to_owned(),
                },
            ));
        }
    }
}

fn health(ms: i64, region: &str, hash: &str) -> Event {
    event(
        ms,
        Happening::Health {
            region: region.to_owned(),
            contract: BTreeMap::from([
                ("index_hash".to_owned(), hash.to_owned()),
                ("schema_rev".to_owned(), "sc-12".to_owned()),
                ("note".to_owned(), HOSTILE.to_owned()),
            ]),
            status: Some(200),
        },
    )
}

/// Weights of the region that is left, one after the other.
fn weights(from_ms: i64, every_ms: i64, weights: &[f64]) -> impl Iterator<Item = Event> {
    (1..).zip(weights).map(move |(index, weight)| {
        let region = "us-east".to_owned();
        let weight = *weight;
        event(
            from_ms + every_ms * index,
            Happening::WeightChanged { region, weight },
        )
    })
}

/// The log of the same drill.
pub(crate) fn timeline() -> Timeline {
    let decision = DECISION * 1000;
    let east = || "us-east".to_owned();
    let mut events = vec![
        event(decision, Happening::EvacuateDecided { region: east() }),
        event(
            decision + CUTOVER_MS,
            Happening::CutoverComplete {
                region: Some("eu-west".to_owned()),
            },
        ),
        event(RETURN * 1000, Happening::ReturnDecided { region: east() }),
        event(MINUTES * 60_000, Happening::DrillEnded {}),
    ];
    events.extend(weights(decision, 9_000, &[50.0, 0.0]));
    events.extend(weights(RETURN * 1000, 90_000, &[10.0, 30.0, 60.0, 100.0]));
    for prefix in ["eu:answers:", HOSTILE] {
        events.push(event(
            decision + 8 * 60_000,
            Happening::CachePurged {
                prefix: prefix.to_owned(),
                region: Some("eu-west".to_owned()),
                variant: None,
            },
        ));
    }
    for minute in 0..MINUTES {
        let hash = if minute > 33 {
            "b3:8899aabbccddeeff"
        } else {
            "b3:0011223344556677"
        };
        events.push(health(minute * 60_000 + 7, "us-east", hash));
        events.push(health(
            minute * 60_000 + 8,
            "eu-west",
            "b3:0011223344556677",
        ));
    }
    samples(&mut events);
    writes(&mut events);
    events.sort_by_key(|event| event.ts);
    Timeline {
        evacuated: east(),
        survivor: "eu-west".to_owned(),
        webhooks_from: "eu-west".to_owned(),
        other_webhook_keys: false,
        freeze_writes_on_followers: true,
        purge_cache: true,
        return_weights: vec![10.0, 30.0, 60.0, 100.0],
        n_lines: events.len() as u64 + 1,
        events,
        n_bad: 1,
        bad: vec![BadLine {
            place: "drill.jsonl:3".to_owned(),
            problem: "`ts` is no moment".to_owned(),
        }],
        unknown_events: BTreeMap::from([(HOSTILE.to_owned(), 2)]),
        ..Timeline::new(Roles::default())
    }
}

fn plan() -> Drill {
    serde_json::from_value(serde_json::json!({
        "regions": ["us-east", "eu-west"],
        "evacuate": "us-east",
        "promote_survivor": "eu-west",
    }))
    .expect("a plan")
}

fn answers() -> SideAnswers {
    let one = |index: usize, rung, unanswered| QuestionAnswers {
        question: QuestionId::new(if index == 2 {
            HOSTILE.to_owned()
        } else {
            format!("q-{index:03}")
        }),
        comparison: AnswerComparison {
            rung,
            semantic: SemanticRung::DistanceUnknown,
            distance: None,
            unanswered,
        },
    };
    SideAnswers {
        target: TargetName::new("us-east (post)"),
        control: TargetName::new("eu-west (post)"),
        noise: [None, None],
        own: [None, None],
        questions: vec![
            one(0, Rung::Identical, None),
            one(1, Rung::SameCitationsAndNumbers, None),
            one(2, Rung::Different, Some(Unanswered::ByB)),
        ],
    }
}

/// The regions of [`sample::report`], in three phases.
fn phased(report: &mut Report) {
    let all = [
        ("us-east", "us-east (pre)"),
        ("eu-west", "eu-west (pre)"),
        ("us-east", "eu-west (live)"),
        ("eu-west", "us-east (post)"),
        ("us-east", "eu-west (post)"),
    ];
    let before = std::mem::take(&mut report.table.cells);
    let records = std::mem::take(&mut report.record.targets);
    for (of, name) in all {
        let name = TargetName::new(name);
        let cells = before.iter().filter(|cell| cell.target.as_str() == of);
        report
            .table
            .cells
            .extend(cells.map(|cell| crate::measure::CellMetrics {
                target: name.clone(),
                ..cell.clone()
            }));
        let record = records.iter().find(|target| target.name.as_str() == of);
        let mut record = record.expect("a target of the sample").clone();
        record.role = if name.as_str() == "eu-west (post)" {
            Role::Survivor
        } else {
            Role::Follower
        };
        record.name = name;
        report.record.targets.push(record);
    }
    report.observations.clear();
}

/// The audit.
pub(crate) fn report() -> Report {
    let mut report = sample::report();
    phased(&mut report);
    let verdict = &mut report.verdict;
    verdict.runbook = Runbook::FailoverDrill;
    verdict.stage = RunbookStage::Audit;
    verdict.checks = checks();
    verdict.verdict = worst(&verdict.checks);
    verdict.exit_code = verdict.verdict.exit_code();
    verdict.ladders.clear();
    verdict.parity.clear();
    report.record.judged = Some(JudgedRecord {
        settings: Settings {
            runbook: Runbook::FailoverDrill,
            stage: RunbookStage::Audit,
            ..Settings::default()
        },
        on: "2026-01-02".parse().expect("a day"),
        referee: EmbedderId::clone(&report.verdict.referee),
        parity: Vec::new(),
        answers: vec![answers()],
        drill: Some(plan()),
    });
    report.observed = Observed {
        traffic: Some(traffic()),
        timeline: Some(timeline()),
    };
    report
}

/// A gate with telemetry and without a drill: two variants of which one is slower, simulated.
pub(crate) fn canary() -> Report {
    let mut report = sample::report();
    let mut table = traffic();
    table.intake.n_simulated = table.intake.n_lines;
    report.observed.traffic = Some(table);
    report
}
