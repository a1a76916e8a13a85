//! Requests during a drill.

use super::*;
use CheckVerdict::{Fail, Inconclusive, Pass};

const MINUTE: i64 = 60_000;

fn evacuation(decided: i64, cutover: i64) -> Timeline {
    let region = "east".to_owned();
    drill(vec![
        (decided, Happening::EvacuateDecided { region }),
        (cutover, Happening::CutoverComplete { region: None }),
    ])
}

/// Half an hour before the drill, and half an hour after it.
fn regions(factor: f64) -> Table {
    let after = Minute {
        median_ms: 100.0 * factor,
        ..USUAL
    };
    Table::new(ArmField::Region)
        .usual("east", 30, USUAL)
        .usual("west", 30, USUAL)
        .minutes("west", 31, &[after; 29])
}

#[track_caller]
fn p95(table: Table, timeline: Option<Timeline>, verdict: CheckVerdict, reason: ReasonCode) {
    let observed = Observed {
        timeline,
        ..only(table)
    };
    let judged = judged(CheckId::FdP95, RunbookStage::Live, &observed, &settings());
    let said = (judged.verdict, judged.reason_code);
    assert_eq!(said, (verdict, reason), "{}", judged.detail);
}

#[test]
fn the_survivor_is_compared_with_the_time_before() {
    let timeline = || Some(evacuation(30 * MINUTE, 30 * MINUTE + 20_000));
    p95(regions(1.1), timeline(), Pass, ReasonCode::BoundInsideLimit);
    p95(
        regions(1.4),
        timeline(),
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    p95(
        regions(1.1),
        None,
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
    let soon = Some(evacuation(5 * MINUTE, 6 * MINUTE));
    p95(regions(1.1), soon, Inconclusive, ReasonCode::TooFewRequests);
    let mut no_cutover = evacuation(30 * MINUTE, 31 * MINUTE);
    no_cutover.events.truncate(1);
    p95(
        regions(1.1),
        Some(no_cutover),
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
}

/// Ten minutes with bad seconds one after the other, the last 5xx at `last_ms` after the first.
fn outage(from: i64, last_ms: i64) -> Table {
    let whole = last_ms / 1000;
    let mut seconds: Vec<Second> = (0..whole)
        .map(|i| second(from + i, 20, 5, 0, 999))
        .collect();
    let rest = u16::try_from(last_ms % 1000).expect("below a second");
    seconds.push(second(from + whole, 20, 5, 0, rest));
    Table::new(ArmField::Region)
        .usual("west", 10, USUAL)
        .with("west", |arm| arm.seconds_5xx = seconds)
}

#[test]
fn a_burst_of_exactly_a_minute_passes_and_a_millisecond_more_fails() {
    let green = check(
        CheckId::FdBurst,
        outage(100, 60_000),
        Pass,
        ReasonCode::WithinWindow,
    );
    assert_eq!(green.estimate, Some(60.0));
    let red = check(
        CheckId::FdBurst,
        outage(100, 60_001),
        Fail,
        ReasonCode::WindowExceeded,
    );
    assert!(red.detail.contains("60.001 s"), "{}", red.detail);
    let none = Table::new(ArmField::Region).usual("west", 10, USUAL);
    check(CheckId::FdBurst, none, Pass, ReasonCode::WithinWindow);
}

#[test]
fn a_burst_at_the_end_of_the_log_may_go_on() {
    // The last request is in second 599.
    check(
        CheckId::FdBurst,
        outage(580, 19_500),
        Inconclusive,
        ReasonCode::ObservationEnded,
    );
    check(
        CheckId::FdBurst,
        outage(500, 99_500),
        Fail,
        ReasonCode::WindowExceeded,
    );
    check(
        CheckId::FdBurst,
        outage(570, 19_500),
        Pass,
        ReasonCode::WithinWindow,
    );
}

#[test]
fn pauses_and_single_errors_among_many_requests_end_a_burst() {
    let with = |seconds: Vec<Second>| {
        let table = Table::new(ArmField::Region).usual("west", 10, USUAL);
        table.with("west", |arm| arm.seconds_5xx = seconds)
    };
    let every = |step: usize| -> Vec<Second> {
        let starts = (100..170).step_by(step);
        starts.map(|start| second(start, 20, 5, 0, 999)).collect()
    };
    check(
        CheckId::FdBurst,
        with(every(5)),
        Fail,
        ReasonCode::WindowExceeded,
    );
    check(
        CheckId::FdBurst,
        with(every(6)),
        Pass,
        ReasonCode::WithinWindow,
    );
    let share = |n_5xx| {
        (100..170)
            .map(|start| second(start, 100, n_5xx, 0, 999))
            .collect()
    };
    check(
        CheckId::FdBurst,
        with(share(5)),
        Fail,
        ReasonCode::WindowExceeded,
    );
    check(
        CheckId::FdBurst,
        with(share(4)),
        Pass,
        ReasonCode::WithinWindow,
    );
}

#[test]
fn a_burst_goes_on_from_region_to_region() {
    let seconds = |range: std::ops::Range<i64>| -> Vec<Second> {
        range.map(|start| second(start, 20, 20, 0, 999)).collect()
    };
    let table = Table::new(ArmField::Region)
        .usual("east", 10, USUAL)
        .usual("west", 10, USUAL)
        .with("east", |arm| arm.seconds_5xx = seconds(100..140))
        .with("west", |arm| arm.seconds_5xx = seconds(142..170));
    check(CheckId::FdBurst, table, Fail, ReasonCode::WindowExceeded);
}

#[test]
fn bursts_before_the_decision_are_not_the_drills() {
    let of = |decided: i64, ended: i64| {
        let mut timeline = evacuation(decided, decided + 1000);
        timeline.events.push(Event {
            ts: at_ms(ended),
            what: Happening::DrillEnded {},
            simulated: false,
        });
        let observed = Observed {
            timeline: Some(timeline),
            ..only(outage(100, 80_000))
        };
        judged(CheckId::FdBurst, RunbookStage::Live, &observed, &settings()).reason_code
    };
    assert_eq!(of(200_000, 590_000), ReasonCode::WithinWindow);
    assert_eq!(of(170_000, 590_000), ReasonCode::WindowExceeded);
    assert_eq!(of(50_000, 90_000), ReasonCode::WithinWindow);
    assert_eq!(of(200_000, 900_000), ReasonCode::ObservationEnded);
}
