//! Logs written by hand, at the edge of every window and with every fault.

mod fill;
mod route;
mod traded;

use crate::ids::TargetName;
use crate::judge::CheckVerdict::{Fail, Inconclusive, NotApplicable, Pass};
use crate::judge::{
    Check, CheckId, CheckVerdict, DrillCheck, ReasonCode, Runbook, RunbookStage, Settings, Trial,
    judge_observed,
};
use crate::traffic::{Event, Happening, KeyParts, Observed, Roles, Timeline};
use crate::units::Moment;

const HOME: &str = "us-east";
const AWAY: &str = "eu-west";

/// An event so many seconds after the drill's hour, to the millisecond.
fn at(seconds: f64, what: Happening) -> Event {
    let ms = 1_795_255_200_000 + (seconds * 1000.0).round() as i64;
    Event {
        ts: Moment::from_millisecond(ms).expect("this century"),
        what,
        simulated: false,
    }
}

fn decided(seconds: f64) -> Event {
    let region = HOME.to_owned();
    at(seconds, Happening::EvacuateDecided { region })
}

fn cutover(seconds: f64) -> Event {
    let region = Some(AWAY.to_owned());
    at(seconds, Happening::CutoverComplete { region })
}

fn returned(seconds: f64) -> Event {
    let region = HOME.to_owned();
    at(seconds, Happening::ReturnDecided { region })
}

fn ended(seconds: f64) -> Event {
    at(seconds, Happening::DrillEnded {})
}

fn accepted(seconds: f64, id: &str, region: &str) -> Event {
    let what = Happening::WriteAccepted {
        id: id.to_owned(),
        key: None,
        region: Some(region.to_owned()),
        parts: KeyParts::default(),
    };
    at(seconds, what)
}

fn applied(seconds: f64, id: &str, region: &str) -> Event {
    let what = Happening::WriteApplied {
        id: id.to_owned(),
        key: None,
        region: region.to_owned(),
    };
    at(seconds, what)
}

fn webhook(seconds: f64, dedupe_key: &str, region: &str) -> Event {
    let what = Happening::WebhookEmitted {
        dedupe_key: dedupe_key.to_owned(),
        region: region.to_owned(),
        event_id: None,
        rev: None,
    };
    at(seconds, what)
}

fn queue(seconds: f64, backlog: u64) -> Event {
    let what = Happening::QueueSample {
        backlog,
        age_ms: None,
        region: Some(AWAY.to_owned()),
        queue: None,
    };
    at(seconds, what)
}

fn purged(seconds: f64) -> Event {
    let what = Happening::CachePurged {
        prefix: "p:".to_owned(),
        region: None,
        variant: None,
    };
    at(seconds, what)
}

fn hits(seconds: f64, hit_ratio: f64) -> Event {
    let what = Happening::CacheSample {
        prefix: "p:".to_owned(),
        hit_ratio,
        region: None,
    };
    at(seconds, what)
}

fn weight(seconds: f64, weight: f64) -> Event {
    let region = HOME.to_owned();
    at(seconds, Happening::WeightChanged { region, weight })
}

fn health(seconds: f64, status: u16) -> Event {
    let what = Happening::Health {
        region: AWAY.to_owned(),
        contract: [("INDEX_HASH".to_owned(), "0x1".to_owned())].into(),
        status: Some(status),
    };
    at(seconds, what)
}

fn roles() -> Roles {
    Roles {
        evacuated: HOME.to_owned(),
        survivor: AWAY.to_owned(),
        webhooks_from: AWAY.to_owned(),
        other_webhook_keys: false,
        freeze_writes_on_followers: true,
        purge_cache: true,
        return_weights: vec![10.0, 30.0, 60.0, 100.0],
    }
}

fn timeline(events: impl IntoIterator<Item = Event>) -> Timeline {
    let mut timeline = Timeline::new(roles());
    timeline.events = events.into_iter().collect();
    timeline.events.sort_by_key(|event| event.ts);
    timeline.n_lines = timeline.events.len() as u64;
    timeline
}

fn settings() -> Settings {
    Settings {
        runbook: Runbook::FailoverDrill,
        ..Settings::default()
    }
}

fn judged_by(timeline: Timeline, id: CheckId, named: Option<&str>, settings: &Settings) -> Check {
    let observed = Observed {
        traffic: None,
        timeline: Some(timeline),
    };
    one(&observed, id, named, settings)
}

fn judged_of(observed: &Observed, id: CheckId) -> Check {
    one(observed, id, None, &settings())
}

fn one(observed: &Observed, id: CheckId, named: Option<&str>, settings: &Settings) -> Check {
    let named = named.map(|name| DrillCheck::find(name).expect("known"));
    let trial = Trial {
        side: TargetName::new("eu-west (post)"),
        control: TargetName::new("us-east (post)"),
        stage: RunbookStage::Post,
        checks: if named.is_some() { vec![] } else { vec![id] },
        named: named.into_iter().collect(),
    };
    let mut checks = judge_observed(observed, &[trial], settings);
    checks.remove(0)
}

fn judged(timeline: Timeline, id: CheckId) -> Check {
    judged_by(timeline, id, None, &settings())
}

/// Judges a log by one clause.
#[track_caller]
fn check(
    id: CheckId,
    events: impl IntoIterator<Item = Event>,
    verdict: CheckVerdict,
    reason: ReasonCode,
) -> Check {
    let check = judged(timeline(events), id);
    assert_eq!(
        (check.verdict, check.reason_code),
        (verdict, reason),
        "{}",
        check.detail
    );
    check
}

/// Judges a log by what a drill plan names.
#[track_caller]
fn named(name: &str, events: impl IntoIterator<Item = Event>, reason: ReasonCode) -> Check {
    let id = DrillCheck::find(name).expect("known").id();
    let check = judged_by(timeline(events), id, Some(name), &settings());
    assert_eq!(check.reason_code, reason, "{}", check.detail);
    check
}

#[test]
fn without_a_log_every_clause_is_undecided() {
    let observed = Observed::default();
    let checks: Vec<CheckId> = Runbook::FailoverDrill
        .checks()
        .iter()
        .map(|check| check.id)
        .collect();
    let trial = Trial {
        side: TargetName::new(AWAY),
        control: TargetName::new(HOME),
        stage: RunbookStage::Post,
        checks,
        named: Vec::new(),
    };
    let checks = judge_observed(&observed, &[trial], &settings());
    assert!(checks.len() >= 7);
    for check in checks {
        assert_eq!(
            check.reason_code,
            ReasonCode::EvidenceMissing,
            "{}",
            check.id
        );
    }
}

#[test]
fn a_simulated_event_decides_nothing_unless_that_is_allowed() {
    let mut simulated = timeline([decided(0.0), cutover(1.0)]);
    simulated.events[0].simulated = true;
    let mut settings = settings();
    let judged = |settings: &Settings| {
        judged_by(simulated.clone(), CheckId::FdCut, None, settings).reason_code
    };
    assert_eq!(judged(&settings), ReasonCode::SimulatedEvidence);
    settings.observed.allow_simulated = true;
    assert_eq!(judged(&settings), ReasonCode::WithinWindow);
}

#[test]
fn an_absence_is_not_judged_while_events_of_the_kind_are_misspelt() {
    let with = |events: &[Event], unknown: &str| {
        let mut timeline = timeline(events.iter().cloned());
        timeline.unknown_events.insert(unknown.to_owned(), 1);
        timeline
    };
    let never = [decided(0.0), ended(600.0)];
    let check = judged(with(&never, "cutover_completed"), CheckId::FdCut);
    assert_eq!(check.verdict, Inconclusive);
    assert!(
        check
            .detail
            .contains("`cutover_completed`, which may be `cutover_complete`"),
        "{}",
        check.detail
    );
    for harmless in ["coffee_break", "write_aplied"] {
        let check = judged(with(&never, harmless), CheckId::FdCut);
        assert_eq!(check.verdict, Fail, "{harmless}");
    }
    let sound = [decided(0.0), cutover(1.0), webhook(2.0, "k", AWAY)];
    let check = judged(with(&sound, "webhook_emited"), CheckId::FdHook);
    assert_eq!(
        check.verdict, Inconclusive,
        "one of those not read may be a second one"
    );
    let twice = [
        decided(0.0),
        cutover(1.0),
        webhook(2.0, "k", AWAY),
        webhook(3.0, "k", AWAY),
    ];
    let check = judged(with(&twice, "webhook_emited"), CheckId::FdHook);
    assert_eq!(check.verdict, Fail, "what was seen was seen");
}

#[test]
fn lines_that_could_not_be_read_are_told() {
    let mut log = timeline([decided(0.0), cutover(1.0)]);
    (log.n_lines, log.n_bad) = (2000, 2);
    let check = judged(log, CheckId::FdCut);
    assert_eq!(check.verdict, Pass);
    assert!(
        check
            .detail
            .ends_with("2 of 2000 lines of the log could not be read")
    );
}

#[test]
fn a_green_check_has_no_remedy_and_a_red_one_has() {
    let green = judged(timeline([decided(0.0), cutover(1.0)]), CheckId::FdCut);
    let red = judged(timeline([decided(0.0), cutover(31.0)]), CheckId::FdCut);
    let blank = judged(timeline([ended(0.0)]), CheckId::FdHome);
    assert_eq!(blank.verdict, NotApplicable);
    assert_eq!(
        [green, red, blank].map(|check| check.remedy.is_some()),
        [false, true, false]
    );
}
