//! p95 of live requests.

use super::*;
use CheckVerdict::{Fail, Inconclusive, Pass};

fn slower(factor: f64) -> Minute {
    Minute {
        median_ms: 100.0 * factor,
        ..USUAL
    }
}

#[test]
fn a_tail_within_the_limit_passes_and_one_beyond_it_fails() {
    for id in [CheckId::CaP95, CheckId::BgP95] {
        let judged = check(
            id,
            arms(20, USUAL, USUAL),
            Pass,
            ReasonCode::BoundInsideLimit,
        );
        assert_eq!(
            (judged.estimate, judged.n_requests),
            (Some(1.0), Some(2000))
        );
        assert!(judged.ci_low.is_some() && judged.ci_high.is_some());
        check(
            id,
            arms(20, USUAL, slower(1.3)),
            Fail,
            ReasonCode::BoundOutsideLimit,
        );
    }
    check(
        CheckId::TsP95,
        arms(20, USUAL, slower(1.2)),
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    let regions = |factor| {
        let table = Table::new(ArmField::Region).usual("east", 20, USUAL);
        table.usual("west", 20, slower(factor))
    };
    check(
        CheckId::MrP95,
        regions(1.05),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    check(
        CheckId::MrP95,
        regions(1.15),
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
}

#[test]
fn minutes_that_disagree_leave_it_open() {
    let canary: Vec<Minute> = (0..20)
        .map(|i| slower(if i < 1 { 1.8 } else { 1.0 }))
        .collect();
    let table = Table::new(ArmField::Variant)
        .usual("control", 20, USUAL)
        .minutes("canary", 0, &canary);
    check(
        CheckId::CaP95,
        table,
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
}

#[test]
fn nineteen_common_windows_are_too_few() {
    check(
        CheckId::CaP95,
        arms(19, USUAL, slower(2.0)),
        Inconclusive,
        ReasonCode::TooFewRequests,
    );
}

#[test]
fn arms_that_never_meet_are_not_compared() {
    let table = Table::new(ArmField::Variant)
        .usual("control", 30, USUAL)
        .minutes("canary", 30, &[USUAL; 30]);
    check(
        CheckId::CaP95,
        table,
        Inconclusive,
        ReasonCode::NotConcurrent,
    );
}

#[test]
fn cold_requests_are_left_out_and_untold_ones_decide_nothing() {
    let cold = Minute {
        temperature: Temperature::Cold,
        ..slower(20.0)
    };
    let table = arms(20, USUAL, USUAL).usual("canary", 20, cold);
    check(CheckId::CaP95, table, Pass, ReasonCode::BoundInsideLimit);
    let untold = Minute {
        temperature: Temperature::Untold,
        ..USUAL
    };
    check(
        CheckId::CaP95,
        arms(20, USUAL, untold),
        Inconclusive,
        ReasonCode::FieldMissing,
    );
}

#[test]
fn a_point_of_time_that_no_request_states_is_missing() {
    let mut settings = settings();
    settings.observed.latency = crate::traffic::LatencyPoint::Tffb;
    let observed = only(arms(20, USUAL, USUAL));
    let judged = judged(CheckId::CaP95, RunbookStage::Live, &observed, &settings);
    assert_eq!(
        judged.reason_code,
        ReasonCode::FieldMissing,
        "{}",
        judged.detail
    );
}

#[test]
fn an_override_and_the_point_are_honoured() {
    let mut settings = settings();
    let over = crate::judge::Override {
        limit: 1.5,
        reason: "a slower model".to_owned(),
    };
    settings.overrides.insert(CheckId::CaP95, over);
    let observed = only(arms(20, USUAL, slower(1.3)));
    let of = |settings: &Settings| judged(CheckId::CaP95, RunbookStage::Live, &observed, settings);
    assert_eq!((of(&settings).verdict, of(&settings).limit), (Pass, 1.5));
    settings.overrides.clear();
    settings.basis = crate::judge::Basis::Point;
    assert_eq!(of(&settings).reason_code, ReasonCode::PointOutsideLimit);
}
