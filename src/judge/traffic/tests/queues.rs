//! Cold starts, the age of queues, and pins.

use super::*;
use CheckVerdict::{Fail, Inconclusive, Pass};

fn cold(n: u64) -> Minute {
    Minute {
        n,
        n_hits: 0,
        temperature: Temperature::Cold,
        ..USUAL
    }
}

fn minutes(n: usize) -> Table {
    Table::new(ArmField::Revision).usual("canary", n, USUAL)
}

#[test]
fn few_cold_starts_pass_and_many_fail() {
    let with = |n| minutes(10).usual("canary", 10, cold(n));
    let judged = check(CheckId::TsCold, with(2), Pass, ReasonCode::BoundInsideLimit);
    // The first minute is the warm-up.
    assert_eq!(judged.n_requests, Some(9 * 102));
    check(
        CheckId::TsCold,
        with(20),
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    check(
        CheckId::TsCold,
        with(5),
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
}

#[test]
fn cold_starts_while_warming_up_do_not_count() {
    let storm = minutes(10).minutes("canary", 0, &[cold(100)]);
    check(CheckId::TsCold, storm, Pass, ReasonCode::BoundInsideLimit);
    check(
        CheckId::TsCold,
        minutes(1),
        Inconclusive,
        ReasonCode::TooFewRequests,
    );
    let untold = Minute {
        temperature: Temperature::Untold,
        ..USUAL
    };
    let table = minutes(10).minutes("canary", 5, &[untold]);
    check(
        CheckId::TsCold,
        table,
        Inconclusive,
        ReasonCode::FieldMissing,
    );
}

fn ages(of: impl Fn(i64) -> f64, n: i64) -> Table {
    let queue: Vec<QueueWindow> = (0..n).map(|i| queue_minute(i, of(i))).collect();
    minutes(30).with("canary", |arm| arm.queue = queue)
}

#[test]
fn a_queue_at_rest_passes_and_a_growing_one_fails() {
    let wave = |i: i64| 4000.0 + 20.0 * ((i * 7 % 11) as f64 - 5.0);
    check(
        CheckId::TsQueue,
        ages(wave, 30),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    check(
        CheckId::TsQueue,
        ages(|_| 0.0, 30),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    let growing = |i: i64| wave(i) + 100.0 * i as f64;
    let red = check(
        CheckId::TsQueue,
        ages(growing, 30),
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    assert!(
        (red.estimate.expect("a slope") - 100.0).abs() < 5.0,
        "{red:?}"
    );
    let wild = |i: i64| if (i / 3) % 2 == 0 { 1000.0 } else { 7000.0 };
    check(
        CheckId::TsQueue,
        ages(wild, 30),
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
    let falling = |i: i64| wave(i) - 100.0 * i as f64;
    check(
        CheckId::TsQueue,
        ages(falling, 30),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
}

#[test]
fn a_queue_that_nobody_tells_of_is_not_known() {
    check(
        CheckId::TsQueue,
        minutes(30),
        Inconclusive,
        ReasonCode::FieldMissing,
    );
    check(
        CheckId::TsQueue,
        ages(|_| 5.0, 4),
        Inconclusive,
        ReasonCode::TooFewRequests,
    );
}

#[test]
fn every_request_states_every_pin_once() {
    let with = |pins| minutes(2).with("canary", |arm| arm.pins = pins);
    let whole = Pins::default();
    check(
        CheckId::TsPins,
        with(whole.clone()),
        Pass,
        ReasonCode::PinsComplete,
    );
    let lacking = Pins {
        n_without_model_tag: 1,
        ..whole.clone()
    };
    let red = check(
        CheckId::TsPins,
        with(lacking),
        Fail,
        ReasonCode::PinsMissing,
    );
    assert!(
        red.detail.contains("1 of 200 requests lack MODEL_TAG"),
        "{}",
        red.detail
    );
    let mixed = Pins {
        n_mixed: 3,
        ..whole
    };
    check(CheckId::TsPins, with(mixed), Fail, ReasonCode::PinsMixed);
    let none = Pins {
        n_without_schema_rev: 200,
        n_without_index_hash: 200,
        n_without_model_tag: 200,
        ..Pins::default()
    };
    check(
        CheckId::TsPins,
        with(none),
        Inconclusive,
        ReasonCode::FieldMissing,
    );
}
