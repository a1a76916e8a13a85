//! Verdicts on tables made for one clause.

use std::collections::BTreeMap;

use super::*;
use crate::embed::{EmbedderId, EmbedderKind};
use crate::ids::{Form, QuestionId, Seed, TargetName, Topic};
use crate::measure::{CellMetrics, Lambda, MetricTable, RankValues, Status};
use crate::parity::{Contract, ContractField, SideParity, compare};
use crate::replay::Purpose;
use crate::target::{Locality, Role, Stage};
use crate::traffic::Observed;

/// What one question's cells look like on the candidate.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) delta_s: f64,
    pub(super) coverage: f64,
    pub(super) lambda: Lambda,
    pub(super) failed: Option<(&'static str, Stage)>,
}

pub(super) const HEALTHY: Shape = Shape {
    delta_s: 0.30,
    coverage: 0.9,
    lambda: Lambda::Convergent,
    failed: None,
};

pub(super) fn cell(target: &str, question: usize, form: u16, shape: Shape) -> CellMetrics {
    let some = |value: f64| shape.failed.is_none().then_some(value);
    CellMetrics {
        target: TargetName::new(target),
        question: QuestionId::new(format!("q{question:03}")),
        topic: Topic::new("t"),
        answerable: true,
        form: Form(form),
        seed: Seed(1),
        k: 10,
        purpose: Purpose::Score,
        status: shape
            .failed
            .map_or(Status::Scored, |(class, stage)| Status::Failed {
                class: class.to_owned(),
                stage,
            }),
        n_hits: 10,
        delta_s: some(shape.delta_s),
        delta_s_anchor: None,
        delta_s_decoy: None,
        coverage: some(shape.coverage),
        evidence_coverage: some(shape.coverage),
        coverage_mode: None,
        target_rank: Some(1),
        agreement: Some(1.0),
        lambda: Some(if shape.failed.is_some() {
            Lambda::Divergent
        } else {
            shape.lambda
        }),
        elapsed_ms: 1.0,
        latency_ms: Some(1.0),
        cached: false,
        cold_start: None,
        rank: RankValues::new(),
    }
}

pub(super) fn contract() -> Contract {
    Contract::default()
        .with(ContractField::IndexHash, "h")
        .with(ContractField::Metric, "cosine")
        .with(ContractField::Analyzer, "en_stem")
}

/// A healthy control, and a candidate whose question `i` has the shape `shape(i)` in both of its
/// cells.
pub(super) fn evidence(n: usize, shape: impl Fn(usize) -> Shape) -> Evidence {
    let mut cells = Vec::new();
    for question in 0..n {
        for form in 0..2 {
            cells.push(cell("control", question, form, HEALTHY));
            cells.push(cell("candidate", question, form, shape(question)));
        }
    }
    let side = |name: &str, role| SideEvidence {
        name: TargetName::new(name),
        role,
        locality: Locality::Network,
        contract_at_start: Ok(contract()),
        contract_at_end: Ok(contract()),
        stamp_lies: Vec::new(),
        given_up: None,
        cache_abandoned: None,
        seeds_vary: None,
        baseline_of: None,
    };
    let fields = compare(&contract(), &contract(), &Contract::default());
    Evidence {
        table: MetricTable { cells },
        sides: vec![
            side("control", Role::Control),
            side("candidate", Role::Candidate),
        ],
        parity: vec![SideParity {
            target: TargetName::new("candidate"),
            control: TargetName::new("control"),
            fields,
            rows: None,
        }],
        answers: Vec::new(),
        observed: Observed::default(),
        referee: EmbedderId {
            kind: EmbedderKind::Cache,
            model: "m".to_owned(),
            dim: 3,
        },
        started_at: None,
    }
}

pub(super) fn check(evidence: &Evidence, id: CheckId, settings: &Settings) -> Check {
    let runbook = id.runbook().expect("a clause");
    let checks = judge(
        evidence,
        &Settings {
            runbook,
            ..settings.clone()
        },
    );
    checks
        .into_iter()
        .find(|check| check.id == id)
        .expect("the runbook has the check")
}

#[track_caller]
fn gives(evidence: &Evidence, id: CheckId, verdict: CheckVerdict, reason: ReasonCode) {
    let found = check(evidence, id, &Settings::default());
    assert_eq!(
        (found.verdict, found.reason_code),
        (verdict, reason),
        "{id}: {}",
        found.detail
    );
}

use CheckVerdict::{Error, Fail, Inconclusive, NotApplicable, Pass};

#[test]
fn the_median_needs_59_of_100_on_one_side() {
    let with_bad = |bad: usize| {
        evidence(100, move |i| Shape {
            delta_s: if i < bad { 0.50 } else { 0.30 },
            ..HEALTHY
        })
    };
    gives(
        &with_bad(41),
        CheckId::CaDs,
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    gives(
        &with_bad(42),
        CheckId::CaDs,
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
    gives(
        &with_bad(58),
        CheckId::CaDs,
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
    gives(
        &with_bad(59),
        CheckId::CaDs,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    let named = check(&with_bad(59), CheckId::CaDs, &Settings::default()).worst_questions;
    assert_eq!(named.len(), 5);
}

#[test]
fn by_point_the_estimate_alone_decides() {
    let settings = Settings {
        basis: Basis::Point,
        ..Settings::default()
    };
    let with_bad = |bad: usize| {
        evidence(100, move |i| Shape {
            delta_s: if i < bad { 0.50 } else { 0.30 },
            ..HEALTHY
        })
    };
    assert_eq!(check(&with_bad(49), CheckId::CaDs, &settings).verdict, Pass);
    assert_eq!(
        check(&with_bad(51), CheckId::CaDs, &settings).reason_code,
        ReasonCode::PointOutsideLimit
    );
}

#[test]
fn convergence_needs_87_of_100_and_no_chaos() {
    let with = |bad: usize, lambda| {
        evidence(100, move |i| Shape {
            lambda: if i < bad { lambda } else { Lambda::Convergent },
            ..HEALTHY
        })
    };
    gives(
        &with(5, Lambda::Recursive),
        CheckId::CaLam,
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    gives(
        &with(30, Lambda::Divergent),
        CheckId::CaLam,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    gives(
        &with(13, Lambda::Divergent),
        CheckId::CaLam,
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    gives(
        &with(14, Lambda::Divergent),
        CheckId::CaLam,
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
    gives(
        &with(1, Lambda::Chaotic),
        CheckId::CaLam,
        Fail,
        ReasonCode::ChaoticCells,
    );
}

#[test]
fn coverage_is_a_mean_over_questions() {
    let with = |coverage: f64| {
        evidence(100, move |i| Shape {
            coverage: coverage + 0.1 * (i % 3) as f64,
            ..HEALTHY
        })
    };
    gives(
        &with(0.70),
        CheckId::CaCov,
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    gives(
        &with(0.60),
        CheckId::CaCov,
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
    gives(
        &with(0.50),
        CheckId::CaCov,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
}

#[test]
fn a_network_fault_is_not_taken_for_a_bad_index() {
    let lost = Shape {
        failed: Some(("timeout", Stage::Deadline)),
        ..HEALTHY
    };
    let some_lost = evidence(100, |i| if i < 6 { lost } else { HEALTHY });
    for id in [CheckId::CaDs, CheckId::CaCov, CheckId::CaLam] {
        gives(&some_lost, id, Inconclusive, ReasonCode::MissingCells);
    }
    let few_lost = evidence(100, |i| if i < 5 { lost } else { HEALTHY });
    gives(&few_lost, CheckId::CaDs, Pass, ReasonCode::BoundInsideLimit);
    // Even with the best luck for what was lost, the rest is too bad.
    let lost_and_bad = evidence(100, |i| {
        if i < 6 {
            lost
        } else {
            Shape {
                delta_s: 0.55,
                coverage: 0.3,
                ..HEALTHY
            }
        }
    });
    gives(
        &lost_and_bad,
        CheckId::CaDs,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    gives(
        &lost_and_bad,
        CheckId::CaCov,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
}

#[test]
fn a_control_that_lost_its_probes_makes_the_arms_uneven() {
    let mut evidence = evidence(100, |_| HEALTHY);
    for cell in evidence
        .table
        .cells
        .iter_mut()
        .filter(|cell| cell.target.as_str() == "control")
        .take(20)
    {
        cell.status = Status::Failed {
            class: "timeout".to_owned(),
            stage: Stage::Deadline,
        };
        cell.delta_s = None;
    }
    gives(
        &evidence,
        CheckId::CaDs,
        Inconclusive,
        ReasonCode::MissingUneven,
    );
}

#[test]
fn too_few_questions_and_the_lexical_referee_decide_nothing() {
    gives(
        &evidence(49, |_| HEALTHY),
        CheckId::CaDs,
        Inconclusive,
        ReasonCode::TooFewQuestions,
    );
    gives(
        &evidence(50, |_| HEALTHY),
        CheckId::CaDs,
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    let mut lexical = evidence(100, |_| HEALTHY);
    lexical.referee.kind = EmbedderKind::Lexical;
    gives(
        &lexical,
        CheckId::CaDs,
        Inconclusive,
        ReasonCode::RefereeNotComparable,
    );
    gives(
        &lexical,
        CheckId::CaS0,
        Inconclusive,
        ReasonCode::RefereeNotComparable,
    );
    gives(&lexical, CheckId::CaCov, Pass, ReasonCode::BoundInsideLimit);
}

#[test]
fn one_new_error_class_blocks_a_pass_and_five_questions_fail() {
    let reset = Shape {
        failed: Some(("reset", Stage::Body)),
        ..HEALTHY
    };
    // Each question has two cells, and both arms the same exposure.
    gives(
        &evidence(100, |i| if i < 4 { reset } else { HEALTHY }),
        CheckId::CaNewErr,
        Inconclusive,
        ReasonCode::NewErrorClassPossible,
    );
    gives(
        &evidence(100, |i| if i < 5 { reset } else { HEALTHY }),
        CheckId::CaNewErr,
        Fail,
        ReasonCode::NewErrorClass,
    );
    // Of two classes either may be the candidate's alone by chance: six questions are needed.
    let stall = Shape {
        failed: Some(("stall", Stage::Body)),
        ..HEALTHY
    };
    let two = |resets: usize| {
        evidence(100, move |i| match i {
            0 => stall,
            i if i <= resets => reset,
            _ => HEALTHY,
        })
    };
    gives(
        &two(5),
        CheckId::CaNewErr,
        Inconclusive,
        ReasonCode::NewErrorClassPossible,
    );
    gives(&two(6), CheckId::CaNewErr, Fail, ReasonCode::NewErrorClass);
    let elsewhere = Shape {
        failed: Some(("refused", Stage::Connect)),
        ..HEALTHY
    };
    gives(
        &evidence(100, |i| if i < 5 { elsewhere } else { HEALTHY }),
        CheckId::CaNewErr,
        Pass,
        ReasonCode::NoNewErrorClass,
    );
}

#[test]
fn risk_and_schema_violations_stop_the_shadow_stage() {
    let risky = evidence(100, |_| Shape {
        delta_s: 0.65,
        ..HEALTHY
    });
    gives(&risky, CheckId::CaS0, Fail, ReasonCode::BoundOutsideLimit);
    assert_eq!(
        worst(&judge(&risky, &Settings::default())),
        RunVerdict::HardStop
    );
    let broken = Shape {
        failed: Some(("hits_beyond_k", Stage::Schema)),
        ..HEALTHY
    };
    gives(
        &evidence(100, |i| if i < 1 { broken } else { HEALTHY }),
        CheckId::CaS0,
        Fail,
        ReasonCode::SchemaViolation,
    );
    let useless = evidence(100, |_| broken);
    gives(&useless, CheckId::CaS0, Fail, ReasonCode::SchemaViolation);
    gives(&useless, CheckId::CaDs, Error, ReasonCode::NoProbeScored);
    let shallow = evidence(100, |_| Shape {
        coverage: 0.5,
        ..HEALTHY
    });
    gives(
        &shallow,
        CheckId::BgShadow,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    gives(&shallow, CheckId::CaS0, Pass, ReasonCode::BoundInsideLimit);
    assert_eq!(
        worst(&judge(
            &shallow,
            &Settings {
                runbook: Runbook::BlueGreen,
                ..Settings::default()
            }
        )),
        RunVerdict::Fail
    );
}

#[test]
fn a_contract_that_moves_or_cannot_be_read_leaves_no_verdict() {
    let mut moved = evidence(100, |_| HEALTHY);
    moved.sides[1].contract_at_end = Ok(contract().with(ContractField::IndexHash, "another"));
    let mut unread = evidence(100, |_| HEALTHY);
    unread.sides[0].contract_at_start = Err("connection refused".to_owned());
    // What no probe decides does not apply at this stage, whatever became of the probes.
    let by_probes = |check: &Check| !Definition::of(check.id).method.is_observed();
    for check in judge(&moved, &Settings::default())
        .into_iter()
        .filter(by_probes)
    {
        assert_eq!(
            (check.verdict, check.reason_code),
            (Inconclusive, ReasonCode::ContractMoved),
            "{}",
            check.id
        );
    }
    for check in judge(&unread, &Settings::default())
        .into_iter()
        .filter(by_probes)
    {
        assert_eq!(
            (check.verdict, check.reason_code),
            (Error, ReasonCode::TargetUnreachable),
            "{}",
            check.id
        );
    }
}

#[test]
fn a_target_that_answered_nothing_is_an_error_and_never_a_pass() {
    let lost = Shape {
        failed: Some(("timeout", Stage::Deadline)),
        ..HEALTHY
    };
    let silent = evidence(100, |_| lost);
    assert_eq!(
        worst(&judge(&silent, &Settings::default())),
        RunVerdict::Error
    );
    let nothing_asked = evidence(0, |_| HEALTHY);
    assert_eq!(
        worst(&judge(&nothing_asked, &Settings::default())),
        RunVerdict::Error
    );
}

#[test]
fn a_field_that_is_not_stated_never_passes() {
    let mut silent = evidence(100, |_| HEALTHY);
    let unstated = Contract::default()
        .with(ContractField::IndexHash, "h")
        .with(ContractField::Metric, "cosine");
    silent.parity[0].fields = compare(&contract(), &unstated, &Contract::default());
    gives(
        &silent,
        CheckId::CaPar,
        Inconclusive,
        ReasonCode::FieldMissing,
    );
    silent.parity.clear();
    gives(
        &silent,
        CheckId::CaPar,
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
}

#[test]
fn an_override_moves_the_limit_and_is_shown() {
    let overrides = BTreeMap::from([(
        CheckId::CaDs,
        Override {
            limit: 0.25,
            reason: "stricter here".to_owned(),
        },
    )]);
    let found = check(
        &evidence(100, |_| HEALTHY),
        CheckId::CaDs,
        &Settings {
            overrides,
            ..Settings::default()
        },
    );
    assert_eq!(
        (found.verdict, found.limit, found.override_reason.as_deref()),
        (Fail, 0.25, Some("stricter here"))
    );
}

#[test]
fn the_cause_is_named_before_its_consequences() {
    let mut skewed = evidence(100, |_| Shape {
        delta_s: 0.55,
        ..HEALTHY
    });
    let other = contract().with(ContractField::Metric, "dot");
    skewed.parity[0].fields = compare(&contract(), &other, &Contract::default());
    let found = check(&skewed, CheckId::CaDs, &Settings::default());
    assert!(
        found
            .remedy
            .is_some_and(|remedy| remedy.starts_with("the contract rung of the ladder fails"))
    );
}

#[test]
fn latency_over_a_network_without_warm_figures_is_not_a_pass() {
    gives(
        &evidence(100, |_| HEALTHY),
        CheckId::CaP95,
        Inconclusive,
        ReasonCode::FieldMissing,
    );
    let mut local = evidence(100, |_| HEALTHY);
    local.sides[0].locality = Locality::InProcess;
    gives(
        &local,
        CheckId::CaP95,
        NotApplicable,
        ReasonCode::InProcessTarget,
    );
}
