//! When requests are not believed, and how they stand beside probes.

use super::*;
use CheckVerdict::{Fail, Inconclusive, NotApplicable, Pass};

/// Twenty minutes in which the canary has `n` of 10,000 requests a minute.
fn sharing(n: u64) -> Table {
    let of = |n| Minute {
        n,
        n_hits: 0,
        ..USUAL
    };
    arms(20, of(10_000 - n), of(n))
}

#[track_caller]
fn at_share(stage: RunbookStage, n: u64, verdict: CheckVerdict, reason: ReasonCode) {
    at_stage(CheckId::CaNewErr, stage, sharing(n), verdict, reason);
}

#[test]
fn the_share_is_that_of_the_stage_give_or_take_a_quarter() {
    use RunbookStage::{Five, Hundred, One};
    at_share(Five, 500, Pass, ReasonCode::NoNewErrorClass);
    at_share(Five, 625, Pass, ReasonCode::NoNewErrorClass);
    at_share(Five, 375, Pass, ReasonCode::NoNewErrorClass);
    at_share(Five, 650, Inconclusive, ReasonCode::ShareMismatch);
    at_share(Five, 350, Inconclusive, ReasonCode::ShareMismatch);
    at_share(One, 500, Inconclusive, ReasonCode::ShareMismatch);
    at_share(Hundred, 9600, Pass, ReasonCode::NoNewErrorClass);
    at_share(Hundred, 9400, Inconclusive, ReasonCode::ShareMismatch);
    at_share(
        RunbookStage::Routing,
        3000,
        Pass,
        ReasonCode::NoNewErrorClass,
    );
}

#[test]
fn a_planned_share_stands_in_for_that_of_the_stage() {
    let mut settings = settings();
    settings.observed.share = Some(0.3);
    let of = |n| {
        let observed = only(sharing(n));
        judged(CheckId::CaNewErr, RunbookStage::Five, &observed, &settings).reason_code
    };
    assert_eq!(of(3000), ReasonCode::NoNewErrorClass);
    assert_eq!(of(500), ReasonCode::ShareMismatch);
}

#[test]
fn a_census_and_a_hard_stop_are_red_at_any_share() {
    let shared = |table: Table| {
        let put = |arm: &mut Arm| {
            arm.prefixes.insert("v1:".to_owned(), prefix(1, 1, 1));
        };
        table.with("control", put).with("canary", put)
    };
    at_stage(
        CheckId::CaCache,
        RunbookStage::One,
        shared(sharing(500)),
        Fail,
        ReasonCode::PrefixShared,
    );
    at_stage(
        CheckId::CaS25,
        RunbookStage::One,
        shared(sharing(500)),
        Fail,
        ReasonCode::PurgesCollide,
    );
    let table = sharing(500).class("canary", Stage::Body, "cut", 9);
    at_stage(
        CheckId::CaNewErr,
        RunbookStage::One,
        table,
        Inconclusive,
        ReasonCode::ShareMismatch,
    );
}

#[test]
fn before_the_planned_end_nothing_passes() {
    let of = |n: usize, minute: Minute| arms(n, USUAL, minute);
    let promoted = |table, verdict, reason| {
        at_stage(
            CheckId::CaP95,
            RunbookStage::Promotion,
            table,
            verdict,
            reason,
        )
    };
    promoted(of(60, USUAL), Pass, ReasonCode::BoundInsideLimit);
    let early = promoted(of(59, USUAL), Inconclusive, ReasonCode::ObservationEnded);
    assert!(
        early.detail.contains("but for that PASS"),
        "{}",
        early.detail
    );
    let slow = Minute {
        median_ms: 200.0,
        ..USUAL
    };
    promoted(of(30, slow), Fail, ReasonCode::BoundOutsideLimit);
    let mut settings = settings();
    settings.observed.planned_minutes = Some(25.0);
    let observed = only(of(30, USUAL));
    let judged = judged(
        CheckId::CaP95,
        RunbookStage::Promotion,
        &observed,
        &settings,
    );
    assert_eq!(judged.verdict, Pass);
}

#[test]
fn simulated_requests_are_no_evidence_unless_allowed() {
    let mut table = arms(20, USUAL, USUAL);
    table.0.intake.n_simulated = 1;
    let observed = only(table);
    let mut settings = settings();
    let of = |settings: &Settings| judged(CheckId::CaP95, RunbookStage::Live, &observed, settings);
    assert_eq!(of(&settings).reason_code, ReasonCode::SimulatedEvidence);
    settings.observed.allow_simulated = true;
    assert_eq!(of(&settings).verdict, Pass);
}

#[test]
fn an_arm_that_is_not_there_is_named_with_those_that_are() {
    let table = Table::new(ArmField::Variant).usual("canary-v2", 20, USUAL);
    let judged = check(CheckId::CaP95, table, Inconclusive, ReasonCode::ArmMissing);
    assert!(
        judged
            .detail
            .contains("`canary` as its variant; there are `canary-v2`"),
        "{}",
        judged.detail
    );
    let mut settings = settings();
    let table = Table::new(ArmField::Variant)
        .usual("canary-v2", 20, USUAL)
        .usual("control", 20, USUAL);
    settings
        .observed
        .arms
        .insert(TargetName::new("canary"), "canary-v2".to_owned());
    let judged = super::judged(CheckId::CaP95, RunbookStage::Live, &only(table), &settings);
    assert_eq!(judged.verdict, Pass);
}

#[test]
fn nothing_is_said_without_requests_or_of_other_clauses() {
    let settings = settings();
    let none = |id, stage, observed: &Observed| {
        let trial = trial(id, stage);
        let scene = Scene::new(observed, &trial, &settings);
        let blank = Check::new(Definition::of(id), &trial, &settings);
        traffic::judged(blank, &scene).is_none()
    };
    let table = only(arms(20, USUAL, USUAL));
    assert!(none(
        CheckId::CaP95,
        RunbookStage::One,
        &Observed::default()
    ));
    assert!(none(CheckId::CaP95, RunbookStage::Shadow, &table));
    assert!(none(CheckId::CaDs, RunbookStage::One, &table));
}

/// CA-P95 as probes and requests have it, together.
fn together(probes: (CheckVerdict, ReasonCode), table: Option<Table>) -> Check {
    let settings = settings();
    let observed = Observed {
        traffic: table.map(|table| table.0),
        timeline: None,
    };
    let trial = trial(CheckId::CaP95, RunbookStage::Live);
    let scene = Scene::new(&observed, &trial, &settings);
    let blank = Check::new(Definition::of(CheckId::CaP95), &trial, &settings);
    let by_probes = Check {
        estimate: Some(1.07),
        n_questions: Some(100),
        ..blank.with(probes.0, probes.1, "the probes' words")
    };
    traffic::beside(by_probes, &scene)
}

#[test]
fn probes_and_requests_are_red_together_and_else_the_requests_speak() {
    let slow = Minute {
        median_ms: 200.0,
        ..USUAL
    };
    let quick = || Some(arms(20, USUAL, USUAL));
    let slow = || Some(arms(20, USUAL, slow));
    let few = || Some(arms(5, USUAL, USUAL));
    let passed = (Pass, ReasonCode::BoundInsideLimit);
    let failed = (Fail, ReasonCode::BoundOutsideLimit);
    let open = (Inconclusive, ReasonCode::BoundCrossesLimit);
    let in_process = (NotApplicable, ReasonCode::InProcessTarget);
    let verdict = |probes, table| together(probes, table).verdict;
    assert_eq!(verdict(passed, slow()), Fail);
    assert_eq!(verdict(failed, quick()), Fail);
    assert_eq!(verdict(open, quick()), Pass);
    assert_eq!(verdict(in_process, quick()), Pass);
    assert_eq!(verdict(in_process, few()), Inconclusive);
    assert_eq!(verdict(passed, few()), Pass);
    assert_eq!(verdict(passed, None), Pass);
    let judged = together(passed, quick());
    assert_eq!((judged.estimate, judged.n_questions), (Some(1.0), None));
    assert!(
        judged.detail.contains("by probes PASS: the probes' words"),
        "{}",
        judged.detail
    );
}

#[test]
fn after_a_cutover_egress_and_dedupe_decide() {
    let of = |n_failed, n_repeated, n: u64| {
        let settings = settings();
        let egress = |n_failed| Egress {
            n,
            n_failed,
            n_retried: 0,
        };
        let writes = Writes {
            n,
            n_repeated,
            ..Writes::default()
        };
        let table = arms(2, USUAL, USUAL)
            .with("control", |arm| arm.egress = egress(0))
            .with("canary", |arm| {
                arm.egress = egress(n_failed);
                arm.writes = writes;
            });
        let observed = only(table);
        let trial = trial(CheckId::CaP95, RunbookStage::Audit);
        let scene = Scene::new(&observed, &trial, &settings);
        let (decision, _) = traffic::after_cutover(&scene).expect("requests");
        decision
    };
    assert_eq!(of(0, 0, 2000).0, Pass);
    assert_eq!(of(100, 0, 2000), (Fail, ReasonCode::BoundOutsideLimit));
    assert_eq!(of(0, 1, 2000), (Fail, ReasonCode::Duplicates));
    assert_eq!(of(0, 0, 50).0, Inconclusive);
    assert_eq!(of(0, 0, 0), (Inconclusive, ReasonCode::FieldMissing));
}
