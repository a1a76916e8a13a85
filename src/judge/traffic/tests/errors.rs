//! Errors of live requests.

use super::*;
use CheckVerdict::{Fail, Inconclusive, Pass};

fn failing(n_errors: u64) -> Minute {
    Minute {
        n: 1000,
        n_errors,
        ..USUAL
    }
}

#[test]
fn many_errors_show_that_there_are_not_more() {
    let judged = check(
        CheckId::CaErr,
        arms(60, failing(10), failing(10)),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    assert_eq!(judged.estimate, Some(1.0));
    assert_eq!(judged.n_requests, Some(60_000));
}

#[test]
fn three_times_the_errors_are_harm() {
    check(
        CheckId::CaErr,
        arms(60, failing(10), failing(30)),
        Fail,
        ReasonCode::HarmShown,
    );
}

#[test]
fn few_errors_decide_nothing() {
    check(
        CheckId::CaErr,
        arms(20, failing(1), failing(1)),
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
    let none = check(
        CheckId::CaErr,
        arms(20, failing(0), failing(0)),
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
    assert_eq!(none.estimate, None);
}

#[test]
fn exposure_is_each_windows_own() {
    let some = Minute {
        n: 100,
        ..failing(1)
    };
    check(
        CheckId::CaErr,
        arms(600, failing(10), some),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
}

#[test]
fn by_point_no_error_is_no_increase() {
    let point = Settings {
        basis: crate::judge::Basis::Point,
        ..settings()
    };
    let observed = only(arms(20, failing(0), failing(0)));
    let judged = judged(CheckId::CaErr, RunbookStage::Live, &observed, &point);
    assert_eq!(judged.reason_code, ReasonCode::PointInsideLimit);
}

#[test]
fn server_errors_may_rise_by_a_twentieth_of_a_point() {
    let steady = |n_errors| arms(60, failing(0), failing(n_errors));
    check(
        CheckId::Ts5xx,
        steady(0),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    check(
        CheckId::Ts5xx,
        steady(1),
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    check(
        CheckId::Ts5xx,
        arms(2, failing(0), failing(0)),
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
    // One region serves after the other.
    let failover = |n_errors| {
        let table = Table::new(ArmField::Region).usual("east", 60, failing(1));
        table.minutes("west", 60, &[failing(n_errors); 60])
    };
    check(
        CheckId::Mr5xx,
        failover(0),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    check(
        CheckId::Mr5xx,
        failover(3),
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
}

#[test]
fn a_class_in_many_sessions_is_new_and_in_one_it_may_be_chance() {
    for id in [CheckId::CaNewErr, CheckId::BgNewErr] {
        let with = |n| arms(2, USUAL, USUAL).class("canary", Stage::Body, "truncated", n);
        check(id, arms(2, USUAL, USUAL), Pass, ReasonCode::NoNewErrorClass);
        check(id, with(1), Inconclusive, ReasonCode::NewErrorClassPossible);
        let red = check(id, with(5), Fail, ReasonCode::NewErrorClass);
        assert!(red.detail.contains("truncated at body"), "{}", red.detail);
        let known = with(5).class("control", Stage::Body, "truncated", 1);
        check(id, known, Pass, ReasonCode::NoNewErrorClass);
        let elsewhere = arms(2, USUAL, USUAL).class("canary", Stage::Connect, "refused", 50);
        check(id, elsewhere, Pass, ReasonCode::NoNewErrorClass);
    }
}

#[test]
fn the_requests_of_one_session_are_one() {
    let table = arms(2, USUAL, USUAL).with("canary", |arm| {
        arm.errors.push(ErrorClass {
            stage: Stage::Headers,
            class: "http_503".to_owned(),
            n: 40,
            n_5xx: 40,
            n_sessions: 1,
        });
    });
    check(
        CheckId::CaNewErr,
        table,
        Inconclusive,
        ReasonCode::NewErrorClassPossible,
    );
}
