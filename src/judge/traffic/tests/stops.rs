//! The hard stop of the first step.

use super::*;
use CheckVerdict::{Fail, Inconclusive, Pass};

fn one_percent(factor: f64) -> Table {
    let control = Minute { n: 2000, ..USUAL };
    let canary = Minute {
        n: 20,
        n_hits: 12,
        median_ms: 100.0 * factor,
        ..USUAL
    };
    arms(60, control, canary)
}

#[track_caller]
fn stops(table: Table, verdict: CheckVerdict, reason: ReasonCode) -> Check {
    at_stage(CheckId::CaS1, RunbookStage::One, table, verdict, reason)
}

#[test]
fn a_much_slower_tail_stops_the_rollout() {
    let green = stops(one_percent(1.0), Pass, ReasonCode::HardStopNotCrossed);
    assert!(green.detail.contains("control's: 0."), "{}", green.detail);
    assert_eq!(green.estimate, None);
    let red = stops(one_percent(1.6), Fail, ReasonCode::HardStopCrossed);
    assert!(red.hard_stop);
}

#[test]
fn a_new_class_of_server_errors_stops_it_too() {
    let with = |n, class| one_percent(1.0).class("canary", Stage::Headers, class, n);
    // At 1 % of the requests one error is no chance, unless there are other classes that might have
    // been the canary's alone.
    stops(with(1, "http_503"), Fail, ReasonCode::HardStopCrossed);
    let another = with(1, "http_503").class("control", Stage::Headers, "http_500", 1);
    stops(another, Pass, ReasonCode::HardStopNotCrossed);
    let red = stops(with(2, "http_503"), Fail, ReasonCode::HardStopCrossed);
    assert!(red.detail.contains("http_503"), "{}", red.detail);
    stops(with(50, "closed"), Pass, ReasonCode::HardStopNotCrossed);
    let known = with(2, "http_503").class("control", Stage::Headers, "http_503", 1);
    stops(known, Pass, ReasonCode::HardStopNotCrossed);
}

#[test]
fn what_is_not_stated_is_not_known_to_be_quick() {
    let untold = Minute {
        temperature: Temperature::Untold,
        ..USUAL
    };
    let table = one_percent(1.0).minutes("canary", 3, &[untold]);
    stops(table, Inconclusive, ReasonCode::FieldMissing);
}
