//! The cutover, weights and health.

use super::*;

#[test]
fn a_cutover_of_thirty_seconds_passes_and_a_millisecond_more_fails() {
    let drill = |seconds: f64| [decided(100.0), cutover(100.0 + seconds), ended(900.0)];
    let exact = check(CheckId::FdCut, drill(30.0), Pass, ReasonCode::WithinWindow);
    assert_eq!((exact.estimate, exact.limit), (Some(30.0), 30.0));
    assert_eq!(
        exact.detail,
        "the cutover was complete 30.000 s after the decision"
    );
    let late = check(
        CheckId::FdCut,
        drill(30.001),
        Fail,
        ReasonCode::WindowExceeded,
    );
    assert_eq!(late.estimate, Some(30.001));
    check(CheckId::FdCut, drill(0.0), Pass, ReasonCode::WithinWindow);
    // To the nanosecond, which milliseconds would cut off.
    let ts = "2026-11-21T10:00:30.000000001Z".parse().expect("a moment");
    let first: Moment = "2026-11-21T10:00:00Z".parse().expect("a moment");
    let late = Event { ts, ..cutover(0.0) };
    let events = [
        Event {
            ts: first,
            ..decided(0.0)
        },
        late,
    ];
    check(CheckId::FdCut, events, Fail, ReasonCode::WindowExceeded);
}

#[test]
fn a_log_that_ends_too_soon_to_tell_leaves_the_cutover_undecided() {
    let drill = |end: f64| [decided(0.0), queue(end, 3)];
    check(
        CheckId::FdCut,
        drill(30.0),
        Inconclusive,
        ReasonCode::ObservationEnded,
    );
    check(
        CheckId::FdCut,
        drill(30.001),
        Fail,
        ReasonCode::WindowExceeded,
    );
    check(
        CheckId::FdCut,
        [decided(0.0)],
        Inconclusive,
        ReasonCode::ObservationEnded,
    );
}

#[test]
fn a_cutover_belongs_to_the_decision_before_it() {
    check(
        CheckId::FdCut,
        [cutover(1.0)],
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
    check(
        CheckId::FdCut,
        [cutover(0.0), decided(1.0), ended(99.0)],
        Inconclusive,
        ReasonCode::OutOfOrder,
    );
    let elsewhere = Happening::EvacuateDecided {
        region: "mars".to_owned(),
    };
    let other = check(
        CheckId::FdCut,
        [at(0.0, elsewhere), cutover(1.0)],
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
    assert!(
        other
            .detail
            .contains("leaving mars, where the plan evacuates us-east")
    );
    let strayed = Happening::CutoverComplete {
        region: Some("mars".to_owned()),
    };
    check(
        CheckId::FdCut,
        [decided(0.0), at(5.0, strayed), cutover(9.0)],
        Fail,
        ReasonCode::WrongRegion,
    );
    let unnamed = Happening::CutoverComplete { region: None };
    check(
        CheckId::FdCut,
        [decided(0.0), at(9.0, unnamed)],
        Pass,
        ReasonCode::WithinWindow,
    );
    // A decision logged twice counts from the first; in one moment the log's order counts.
    check(
        CheckId::FdCut,
        [decided(0.0), decided(20.0), cutover(31.0)],
        Fail,
        ReasonCode::WindowExceeded,
    );
    check(
        CheckId::FdCut,
        [cutover(0.0), decided(0.0), ended(60.0)],
        Inconclusive,
        ReasonCode::OutOfOrder,
    );
    // What is cut over after the return is another matter.
    check(
        CheckId::FdCut,
        [decided(0.0), returned(40.0), cutover(50.0)],
        Fail,
        ReasonCode::WindowExceeded,
    );
}

#[test]
fn a_weight_that_rises_before_the_return_flaps() {
    let drains = [
        weight(-60.0, 50.0),
        decided(0.0),
        weight(5.0, 20.0),
        weight(10.0, 0.0),
    ];
    let steady = check(CheckId::FdFlap, drains.clone(), Pass, ReasonCode::Steady);
    assert_eq!(steady.estimate, Some(0.0));
    let home = [returned(700.0), weight(701.0, 10.0)];
    check(
        CheckId::FdFlap,
        drains.clone().into_iter().chain(home),
        Pass,
        ReasonCode::Steady,
    );
    let rises = drains.into_iter().chain([weight(20.0, 10.0)]);
    let flaps = check(CheckId::FdFlap, rises, Fail, ReasonCode::Flapping);
    assert!(
        flaps.detail.contains("us-east rose again from 0 % to 10 %"),
        "{}",
        flaps.detail
    );
    let above_before = [weight(-60.0, 50.0), decided(0.0), weight(5.0, 60.0)];
    check(CheckId::FdFlap, above_before, Fail, ReasonCode::Flapping);
    let repeated = [decided(0.0), weight(5.0, 0.0), weight(6.0, 0.0)];
    check(CheckId::FdFlap, repeated, Pass, ReasonCode::Steady);
}

#[test]
fn health_that_recovers_and_fails_flaps() {
    let states = |statuses: &[u16]| {
        let readings = statuses.iter().zip(1_u8..);
        let readings = readings.map(|(status, n)| health(f64::from(n), *status));
        std::iter::once(decided(0.0))
            .chain(readings)
            .collect::<Vec<_>>()
    };
    check(
        CheckId::FdFlap,
        states(&[200, 200]),
        Pass,
        ReasonCode::Steady,
    );
    check(
        CheckId::FdFlap,
        states(&[503, 503, 200]),
        Pass,
        ReasonCode::Steady,
    );
    check(
        CheckId::FdFlap,
        states(&[200, 503]),
        Pass,
        ReasonCode::Steady,
    );
    let flaps = check(
        CheckId::FdFlap,
        states(&[200, 503, 204]),
        Fail,
        ReasonCode::Flapping,
    );
    assert!(flaps.detail.contains("good of eu-west"), "{}", flaps.detail);
    let before = [
        health(-1.0, 200),
        decided(0.0),
        health(1.0, 500),
        health(2.0, 200),
    ];
    check(CheckId::FdFlap, before, Fail, ReasonCode::Flapping);
    let all_before = [
        health(-3.0, 200),
        health(-2.0, 500),
        health(-1.0, 200),
        decided(0.0),
        health(1.0, 200),
    ];
    check(CheckId::FdFlap, all_before, Pass, ReasonCode::Steady);
}

#[test]
fn a_log_without_weights_and_health_says_nothing_of_flapping() {
    let nothing = [decided(0.0), cutover(9.0), ended(900.0)];
    check(
        CheckId::FdFlap,
        nothing,
        NotApplicable,
        ReasonCode::NothingHappened,
    );
    check(
        CheckId::FdFlap,
        [weight(0.0, 10.0)],
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
}

fn home(weights: &[f64]) -> Vec<Event> {
    let steps = weights.iter().zip(1_u8..);
    let steps = steps.map(|(to, n)| weight(600.0 + f64::from(n), *to));
    let before = [decided(0.0), weight(1.0, 0.0), returned(600.0)];
    before
        .into_iter()
        .chain(steps)
        .chain([ended(900.0)])
        .collect()
}

#[test]
fn the_way_home_is_the_plan_step_by_step() {
    let whole = home(&[10.0, 30.0, 60.0, 100.0]);
    let passed = check(CheckId::FdHome, whole, Pass, ReasonCode::InOrder);
    assert_eq!(passed.estimate, Some(0.0));
    let repeated = home(&[0.0, 10.0, 10.0, 30.0, 60.0, 60.0, 100.0]);
    check(CheckId::FdHome, repeated, Pass, ReasonCode::InOrder);
    for wrong in [
        &[10.0, 60.0, 100.0][..],
        &[30.0, 10.0, 60.0, 100.0],
        &[10.0, 30.0, 60.0, 100.0, 60.0],
        &[10.0, 0.0, 10.0, 30.0, 60.0, 100.0],
        &[10.0, 31.0, 60.0, 100.0],
        &[100.0],
    ] {
        check(CheckId::FdHome, home(wrong), Fail, ReasonCode::OutOfOrder);
    }
    let skipped = judged(timeline(home(&[10.0, 60.0, 100.0])), CheckId::FdHome);
    assert_eq!(
        skipped.detail,
        "us-east was given 10, 60, 100 %, planned 10, 30, 60, 100 %"
    );
}

#[test]
fn a_return_that_is_not_seen_to_its_end_is_undecided_and_none_is_no_matter() {
    for part in [&[][..], &[10.0], &[10.0, 30.0, 60.0]] {
        check(
            CheckId::FdHome,
            home(part),
            Inconclusive,
            ReasonCode::ObservationEnded,
        );
    }
    let never = [decided(0.0), cutover(9.0), ended(900.0)];
    check(
        CheckId::FdHome,
        never,
        NotApplicable,
        ReasonCode::NothingHappened,
    );
    let mut unplanned = timeline(home(&[50.0]));
    unplanned.return_weights.clear();
    assert_eq!(judged(unplanned, CheckId::FdHome).verdict, NotApplicable);
}
