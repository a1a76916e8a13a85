//! Live requests within a whole trial, beside probes and earlier runs.

use super::*;
use crate::judge::pair_tests::alike;
use crate::judge::tests::contract;
use crate::judge::{Evidence, Runbook, judge};

use CheckVerdict::{Fail, Inconclusive, Pass};

/// A clause of `candidate` beside `control`, by probes and requests.
fn tried(id: CheckId, stage: RunbookStage, mut evidence: Evidence, table: Option<Table>) -> Check {
    evidence.observed.traffic = table.map(|table| table.0);
    let settings = Settings {
        runbook: id.runbook().expect("a clause"),
        stage,
        trials: vec![Trial {
            side: TargetName::new("candidate"),
            control: TargetName::new("control"),
            stage,
            checks: vec![id],
            named: Vec::new(),
        }],
        ..settings()
    };
    judge(&evidence, &settings).remove(0)
}

fn minutes(n: usize, canary: Minute) -> Table {
    Table::new(ArmField::Variant)
        .usual("control", n, USUAL)
        .usual("candidate", n, canary)
}

#[test]
fn an_hour_of_requests_promotes_without_earlier_runs() {
    let promoted = |id, table| tried(id, RunbookStage::Promotion, alike(60), table);
    for id in [CheckId::CaP95, CheckId::CaNewErr] {
        let by_probes = promoted(id, None);
        assert_eq!(by_probes.reason_code, ReasonCode::WindowNotCovered);
        assert_eq!(promoted(id, Some(minutes(60, USUAL))).verdict, Pass);
        let early = promoted(id, Some(minutes(30, USUAL)));
        assert_eq!(early.reason_code, ReasonCode::ObservationEnded);
    }
}

#[test]
fn requests_at_shadow_say_nothing() {
    let slow = Minute {
        median_ms: 900.0,
        ..USUAL
    };
    let table = Some(minutes(30, slow));
    let judged = tried(CheckId::CaP95, RunbookStage::Shadow, alike(60), table);
    assert_eq!((judged.verdict, judged.n_requests), (Pass, None));
}

/// The candidate, and itself before the cutover.
fn after_cutover() -> Evidence {
    let mut evidence = alike(60);
    for side in &mut evidence.sides {
        side.contract_at_start = Ok(contract());
        side.contract_at_end = Ok(contract());
    }
    let candidate = TargetName::new("candidate");
    let before = TargetName::new("before");
    let side = evidence.side(&candidate).expect("a side").clone();
    evidence.sides.push(crate::judge::SideEvidence {
        name: before.clone(),
        role: crate::target::Role::Baseline,
        baseline_of: Some(candidate.clone()),
        ..side
    });
    let cells = evidence.table.cells.clone();
    let mine = cells.into_iter().filter(|cell| cell.target == candidate);
    let earlier = mine.map(|mut cell| {
        cell.target = before.clone();
        cell
    });
    evidence.table.cells.extend(earlier.collect::<Vec<_>>());
    evidence
}

#[test]
fn an_audit_needs_egress_and_the_dedupe_guard() {
    let audited = |table| {
        tried(
            CheckId::BgAudit,
            RunbookStage::Audit,
            after_cutover(),
            table,
        )
    };
    let open = audited(None);
    assert_eq!(
        open.reason_code,
        ReasonCode::EvidenceMissing,
        "{}",
        open.detail
    );
    let egress = |n_failed| Egress {
        n: 2000,
        n_failed,
        n_retried: 0,
    };
    let with = |n_failed, n_repeated| {
        let table = minutes(5, USUAL).with("control", |arm| arm.egress = egress(2));
        Some(table.with("candidate", |arm| {
            arm.egress = egress(n_failed);
            arm.writes = Writes {
                n: 2000,
                n_repeated,
                ..Writes::default()
            };
        }))
    };
    let green = audited(with(2, 0));
    assert_eq!(green.verdict, Pass, "{}", green.detail);
    let failing = audited(with(90, 0));
    assert_eq!(
        (failing.verdict, failing.reason_code),
        (Fail, ReasonCode::BoundOutsideLimit)
    );
    let twice = audited(with(2, 1));
    assert_eq!(
        (twice.verdict, twice.reason_code),
        (Fail, ReasonCode::Duplicates)
    );
    let untold = audited(Some(minutes(5, USUAL)));
    assert_eq!(
        (untold.verdict, untold.reason_code),
        (Inconclusive, ReasonCode::FieldMissing)
    );
}

#[test]
fn what_requests_alone_decide_is_judged_without_probes() {
    let settings = settings();
    let mut trial = trial(CheckId::CaP95, RunbookStage::Promotion);
    trial.checks = Runbook::Canary
        .checks_at(RunbookStage::Promotion)
        .map(|check| check.id)
        .collect();
    let observed = only(arms(60, USUAL, USUAL));
    let checks = crate::judge::judge_observed(&observed, &[trial], &settings);
    let said: Vec<(CheckId, CheckVerdict)> = checks
        .iter()
        .map(|check| (check.id, check.verdict))
        .collect();
    let expected = [CheckId::CaP95, CheckId::CaNewErr, CheckId::CaHit].map(|id| (id, Pass));
    assert_eq!(said, expected);
}
