//! Verdicts on two sides, question by question, on tables made for one clause.

use super::*;
use crate::embed::{EmbedderId, EmbedderKind};
use crate::ids::{Seed, TargetName};
use crate::measure::{CellMetrics, Lambda, MetricTable, Status};
use crate::parity::Contract;
use crate::replay::Purpose;
use crate::target::{Locality, Role, Stage};
use crate::traffic::Observed;

use CheckVerdict::{Fail, Inconclusive, Pass};

/// What one cell looks like: ΔS, λ, and how long it took warm.
#[derive(Clone, Copy)]
struct Cell {
    delta_s: Option<f64>,
    lambda: Lambda,
    elapsed_ms: f64,
    cold: Option<bool>,
    cached: bool,
}

const USUAL: Cell = Cell {
    delta_s: Some(0.30),
    lambda: Lambda::Convergent,
    elapsed_ms: 100.0,
    cold: Some(false),
    cached: false,
};

fn at(delta_s: f64) -> Cell {
    Cell {
        delta_s: Some(delta_s),
        ..USUAL
    }
}

/// Which cell: question, form, seed.
type Place = (usize, u16, u64);

/// `n` questions in four forms under two seeds, on a control and a candidate.
fn evidence(
    n: usize,
    control: impl Fn(Place) -> Cell,
    candidate: impl Fn(Place) -> Cell,
) -> Evidence {
    let mut cells = Vec::new();
    for question in 0..n {
        for form in 0..4 {
            for seed in 1..=2 {
                let place = (question, form, seed);
                cells.push(metrics("control", place, control(place)));
                cells.push(metrics("candidate", place, candidate(place)));
            }
        }
    }
    let side = |name: &str, role| SideEvidence {
        name: TargetName::new(name),
        role,
        locality: Locality::Network,
        contract_at_start: Ok(Contract::default()),
        contract_at_end: Ok(Contract::default()),
        stamp_lies: Vec::new(),
        given_up: None,
        cache_abandoned: None,
        seeds_vary: None,
        baseline_of: None,
    };
    Evidence {
        table: MetricTable { cells },
        sides: vec![
            side("control", Role::Control),
            side("candidate", Role::Candidate),
        ],
        parity: Vec::new(),
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

/// A healthy control and a candidate like it.
pub(super) fn alike(n: usize) -> Evidence {
    evidence(n, |_| USUAL, |_| USUAL)
}

fn metrics(target: &str, (question, form, seed): Place, cell: Cell) -> CellMetrics {
    let failed = Status::Failed {
        class: "timeout".to_owned(),
        stage: Stage::Deadline,
    };
    CellMetrics {
        seed: Seed(seed),
        status: if cell.delta_s.is_some() {
            Status::Scored
        } else {
            failed
        },
        delta_s: cell.delta_s,
        coverage: cell.delta_s.map(|_| 0.9),
        evidence_coverage: cell.delta_s.map(|_| 0.9),
        lambda: Some(cell.lambda),
        elapsed_ms: cell.elapsed_ms,
        latency_ms: (!cell.cached).then_some(cell.elapsed_ms),
        cached: cell.cached,
        cold_start: cell.cold,
        ..tests::cell(target, question, form, tests::HEALTHY)
    }
}

fn found(evidence: &Evidence, id: CheckId) -> Check {
    let runbook = id.runbook().expect("a clause");
    let stage = Definition::of(id).stages[0];
    let settings = Settings {
        runbook,
        stage,
        ..Settings::default()
    };
    let checks = judge(evidence, &settings);
    checks
        .into_iter()
        .find(|check| check.id == id)
        .expect("the stage has the check")
}

#[track_caller]
fn gives(evidence: &Evidence, id: CheckId, verdict: CheckVerdict, reason: ReasonCode) {
    let check = found(evidence, id);
    assert_eq!(
        (check.verdict, check.reason_code),
        (verdict, reason),
        "{}",
        check.detail
    );
}

#[test]
fn identical_sides_do_not_drift() {
    let same = evidence(100, |_| USUAL, |_| USUAL);
    gives(&same, CheckId::MrDrift, Pass, ReasonCode::BoundInsideLimit);
    for id in [
        CheckId::CmpDrift,
        CheckId::CmpShift,
        CheckId::CmpCov,
        CheckId::CmpLam,
    ] {
        assert_eq!(found(&same, id).verdict, Pass, "{id}");
    }
}

#[test]
fn a_shift_of_every_question_is_drift() {
    let shifted = evidence(100, |_| USUAL, |_| at(0.34));
    gives(
        &shifted,
        CheckId::MrDrift,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    let better = evidence(100, |_| USUAL, |_| at(0.26));
    gives(
        &better,
        CheckId::MrDrift,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
}

#[test]
fn opposite_shifts_cancel_in_the_mean_and_not_in_the_count() {
    let half = |(question, ..): Place| at(if question % 2 == 0 { 0.15 } else { 0.45 });
    let opposite = evidence(100, |_| USUAL, half);
    let drift = found(&opposite, CheckId::MrDrift);
    assert!(drift.estimate.expect("a mean").abs() < 1e-9);
    gives(
        &opposite,
        CheckId::MrDrift,
        Fail,
        ReasonCode::ShiftedQuestions,
    );
    assert_eq!(found(&opposite, CheckId::CmpDrift).verdict, Pass);
    gives(
        &opposite,
        CheckId::CmpShift,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
}

#[test]
fn four_of_a_hundred_may_shift_and_five_leave_it_open() {
    let with = |n: usize| {
        let far = move |(question, ..): Place| at(if question < n { 0.45 } else { 0.30 });
        evidence(100, |_| USUAL, far)
    };
    gives(
        &with(4),
        CheckId::CmpShift,
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    gives(
        &with(5),
        CheckId::CmpShift,
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
    gives(
        &with(17),
        CheckId::CmpShift,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
}

#[test]
fn a_shift_within_a_sides_own_noise_does_not_count() {
    // The candidate moves by 0.3 between its seeds, and is 0.15 from the control on average.
    let noisy = |(question, _, seed): Place| {
        let restless = question < 20 && seed == 2;
        at(if restless { 0.60 } else { 0.30 })
    };
    let own = evidence(100, |_| USUAL, noisy);
    assert_eq!(found(&own, CheckId::CmpShift).verdict, Pass);
    // The same shift without the noise counts.
    let steady = |(question, ..): Place| at(if question < 20 { 0.45 } else { 0.30 });
    assert_eq!(
        found(&evidence(100, |_| USUAL, steady), CheckId::CmpShift).verdict,
        Fail
    );
}

#[test]
fn a_control_that_differs_from_itself_decides_nothing() {
    let restless = |(question, _, seed): Place| {
        at(if question % 3 == 0 && seed == 2 {
            0.60
        } else {
            0.30
        })
    };
    let noisy = evidence(100, restless, |_| USUAL);
    for id in [
        CheckId::MrDrift,
        CheckId::CmpShift,
        CheckId::CmpLam,
        CheckId::TsDrift,
    ] {
        gives(&noisy, id, Inconclusive, ReasonCode::ControlNoisy);
    }
}

#[test]
fn sides_that_were_asked_nothing_twice_are_not_compared() {
    let mut once = evidence(100, |_| USUAL, |_| USUAL);
    once.table.cells.retain(|cell| cell.seed == Seed(1));
    gives(
        &once,
        CheckId::MrDrift,
        Inconclusive,
        ReasonCode::NoiseNotMeasured,
    );
    let repeats: Vec<CellMetrics> = once
        .table
        .cells
        .iter()
        .map(|cell| CellMetrics {
            purpose: Purpose::Repeat,
            ..cell.clone()
        })
        .collect();
    once.table.cells.extend(repeats);
    gives(&once, CheckId::MrDrift, Pass, ReasonCode::BoundInsideLimit);
}

#[test]
fn few_questions_and_many_missing_cells_decide_nothing() {
    let few = evidence(49, |_| USUAL, |_| USUAL);
    gives(
        &few,
        CheckId::MrDrift,
        Inconclusive,
        ReasonCode::TooFewQuestions,
    );
    let lost = |(question, ..): Place| Cell {
        delta_s: (question >= 20).then_some(0.30),
        ..USUAL
    };
    let missing = evidence(100, |_| USUAL, lost);
    gives(
        &missing,
        CheckId::MrDrift,
        Inconclusive,
        ReasonCode::MissingCells,
    );
}

#[test]
fn questions_that_converge_on_one_side_only_are_flips() {
    let flipped = |n: usize| {
        move |(question, form, _): Place| Cell {
            lambda: if question < n && form == 2 {
                Lambda::Recursive
            } else {
                Lambda::Convergent
            },
            ..USUAL
        }
    };
    let with = |n: usize| evidence(100, |_| USUAL, flipped(n));
    assert_eq!(found(&with(4), CheckId::CmpLam).verdict, Pass);
    assert_eq!(found(&with(30), CheckId::CmpLam).verdict, Fail);
    // Both sides flip on the same questions: no difference.
    let both = evidence(100, flipped(30), flipped(30));
    assert_eq!(found(&both, CheckId::CmpLam).verdict, Pass);
    let named = found(&with(30), CheckId::CmpLam);
    assert!(
        named
            .detail
            .contains("30 questions converge on the control only, 0 here only")
    );
    assert!(
        named.detail.contains("30 flip across paraphrases"),
        "{}",
        named.detail
    );
}

#[test]
fn two_flipped_paraphrases_of_one_question_stop_stage_fifty() {
    let flips = |forms: std::ops::Range<u16>| {
        move |(question, form, _): Place| Cell {
            lambda: if question == 7 && forms.contains(&form) {
                Lambda::Recursive
            } else {
                Lambda::Convergent
            },
            ..USUAL
        }
    };
    let one = evidence(100, |_| USUAL, flips(1..2));
    gives(&one, CheckId::CaS50, Pass, ReasonCode::NoParaphraseFlips);
    let two = evidence(100, |_| USUAL, flips(1..3));
    gives(&two, CheckId::CaS50, Fail, ReasonCode::ParaphrasesFlip);
    let shared = evidence(100, flips(1..3), flips(1..3));
    let remedy = found(&shared, CheckId::CaS50).remedy.expect("it is red");
    assert!(remedy.contains("on the control as well"), "{remedy}");
    // A network fault on two paraphrases stops nothing, and is no pass.
    let lost = |(question, form, _): Place| Cell {
        delta_s: (question != 7 || form < 2).then_some(0.30),
        lambda: if question == 7 && form >= 2 {
            Lambda::Divergent
        } else {
            Lambda::Convergent
        },
        ..USUAL
    };
    gives(
        &evidence(100, |_| USUAL, lost),
        CheckId::CaS50,
        Inconclusive,
        ReasonCode::MissingCells,
    );
}

/// Milliseconds of a call: every question has its own speed, and its calls differ a little.
fn speed((question, form, seed): Place) -> f64 {
    50.0 + question as f64 + 2.0 * f64::from(form) + seed as f64
}

/// Every call takes so many times as long.
fn slower(factor: f64) -> impl Fn(Place) -> Cell {
    move |place| Cell {
        elapsed_ms: factor * speed(place),
        ..USUAL
    }
}

#[test]
fn warm_latency_is_compared_and_cold_calls_are_left_out() {
    let with = |factor: f64| evidence(100, slower(1.0), slower(factor));
    gives(
        &with(1.0),
        CheckId::CaP95,
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    gives(
        &with(1.5),
        CheckId::CaP95,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    // 1.15 holds canary's 1.25 and misses the 1.10 of traffic between regions.
    gives(
        &with(1.15),
        CheckId::CaP95,
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    gives(
        &with(1.15),
        CheckId::MrP95,
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    let cold = |place: Place| {
        let first = place.1 == 0 && place.2 == 1;
        Cell {
            elapsed_ms: if first { 5_000.0 } else { speed(place) },
            cold: Some(first),
            ..USUAL
        }
    };
    gives(
        &evidence(100, slower(1.0), cold),
        CheckId::CaP95,
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    let silent = |place: Place| Cell {
        elapsed_ms: speed(place),
        cold: None,
        ..USUAL
    };
    gives(
        &evidence(100, slower(1.0), silent),
        CheckId::CaP95,
        Inconclusive,
        ReasonCode::FieldMissing,
    );
}

#[test]
fn kept_replies_prove_nothing_about_latency() {
    // They are fast; half of them leave what was asked.
    let kept = |place: Place| Cell {
        elapsed_ms: if place.1 < 2 {
            0.01
        } else {
            1.5 * speed(place)
        },
        cold: (place.1 >= 2).then_some(false),
        cached: place.1 < 2,
        ..USUAL
    };
    let half = evidence(100, slower(1.0), kept);
    gives(&half, CheckId::CaP95, Fail, ReasonCode::BoundOutsideLimit);
    let detail = found(&half, CheckId::CaP95).detail;
    assert!(detail.contains("400 replies of both sides"), "{detail}");
    let all_kept = |place: Place| Cell {
        cached: true,
        cold: None,
        ..slower(0.1)(place)
    };
    let check = found(&evidence(100, slower(1.0), all_kept), CheckId::CaP95);
    assert_eq!(check.verdict, Inconclusive, "{}", check.detail);
}

/// A run of the switchover's audit so many minutes before noon, with this outcome of its ΔS clause.
fn past(minutes: u32, verdict: CheckVerdict) -> PastRun {
    let (hour, minute) = ((720 - minutes) / 60, (720 - minutes) % 60);
    PastRun {
        run_id: format!("run-{minutes}"),
        runbook: Runbook::BlueGreen,
        stage: RunbookStage::Audit,
        started_at: format!("2026-01-01T{hour:02}:{minute:02}:00Z")
            .parse()
            .expect("a moment"),
        checks: vec![PastCheck {
            id: CheckId::BgDs,
            target: TargetName::new("candidate"),
            verdict,
        }],
    }
}

#[test]
fn blue_may_go_after_an_hour_of_green_without_a_gap() {
    let mut now = evidence(100, |_| USUAL, |_| USUAL);
    now.started_at = Some("2026-01-01T12:00:00Z".parse().expect("a moment"));
    let keep = |history: Option<Vec<PastRun>>| {
        let settings = Settings {
            runbook: Runbook::BlueGreen,
            stage: RunbookStage::Audit,
            history,
            ..Settings::default()
        };
        let checks = judge(&now, &settings);
        let keep = checks.into_iter().find(|check| check.id == CheckId::BgKeep);
        keep.map(|check| (check.verdict, check.reason_code))
            .expect("judged")
    };
    let runs = |minutes: &[u32]| {
        Some(
            minutes
                .iter()
                .map(|minutes| past(*minutes, Pass))
                .collect::<Vec<_>>(),
        )
    };
    let open = (Inconclusive, ReasonCode::WindowNotCovered);
    assert_eq!(keep(None), open);
    assert_eq!(keep(runs(&[15, 30, 45])), open);
    assert_eq!(
        keep(runs(&[60, 15, 45, 30])),
        (Pass, ReasonCode::WindowCovered)
    );
    assert_eq!(
        keep(runs(&[15, 30, 60, 75])),
        open,
        "half an hour unwatched"
    );
    assert_eq!(keep(runs(&[15, 15, 15, 15])), open, "one run is one run");
    let mut red = runs(&[15, 30, 45, 60]).expect("runs");
    red[1].checks[0].verdict = Fail;
    assert_eq!(keep(Some(red)), (Fail, ReasonCode::WindowBroken));
    // What another stage or a later run says does not count.
    let mut elsewhere = runs(&[15, 30, 45, 60]).expect("runs");
    elsewhere[3].stage = RunbookStage::Shadow;
    assert_eq!(keep(Some(elsewhere)), open);
}
