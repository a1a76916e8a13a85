//! Requirements of ranking measures, on tables made for one case.

use super::tests::{HEALTHY, Shape, evidence};
use super::*;
use crate::ids::TargetName;
use crate::measure::{MetricTable, RankMeasure};
use crate::target::Stage;
use CheckVerdict::{Fail, Inconclusive, Pass};

fn named(name: &str) -> RankMeasure {
    RankMeasure::named(name).expect(name)
}

fn required(lines: &[&str]) -> Settings {
    let parse = |line: &&str| line.parse().expect("a requirement");
    Settings {
        required: lines.iter().map(parse).collect(),
        ..Settings::default()
    }
}

/// A candidate whose question `i` has `value(i)` in both of its cells; failed cells have none.
fn ranked(n: usize, measure: &str, value: impl Fn(usize) -> f64) -> Evidence {
    with_failed(n, 0, measure, value)
}

fn with_failed(n: usize, n_failed: usize, measure: &str, value: impl Fn(usize) -> f64) -> Evidence {
    let failed = Shape {
        failed: Some(("timeout", Stage::Deadline)),
        ..HEALTHY
    };
    let mut evidence = evidence(n, |i| if i < n_failed { failed } else { HEALTHY });
    for cell in &mut evidence.table.cells {
        let question: usize = cell.question.as_str()[1..].parse().expect("a number");
        if cell.status == Status::Scored {
            cell.rank.insert(named(measure), value(question));
        }
    }
    evidence
}

fn of(evidence: &Evidence, settings: &Settings) -> Check {
    let id = settings.required[0].id();
    let mut found = judge(evidence, settings)
        .into_iter()
        .filter(|check| check.id == id);
    let check = found.next().expect("it was required");
    assert!(found.next().is_none(), "once");
    check
}

#[track_caller]
fn gives(evidence: &Evidence, line: &str, verdict: CheckVerdict, reason: ReasonCode) -> Check {
    let check = of(evidence, &required(&[line]));
    assert_eq!(
        (check.verdict, check.reason_code),
        (verdict, reason),
        "{}",
        check.detail
    );
    check
}

#[test]
fn the_bound_of_the_mean_decides_three_ways_and_names_the_worst_questions() {
    let wavering = ranked(100, "ndcg_cut_10", |i| if i % 10 == 3 { 0.1 } else { 0.9 });
    let passed = gives(
        &wavering,
        "rank.ndcg_cut_10 >= 0.6",
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    assert_eq!(
        passed.clause,
        "ndcg_cut_10 of the retrieved sections ≥ 0.6, mean over questions"
    );
    assert_eq!(
        (passed.n_questions, passed.limit.to_string()),
        (Some(100), "0.6".to_owned())
    );
    assert!(
        passed.detail.ends_with("10 of 100 questions miss it"),
        "{}",
        passed.detail
    );
    let red = gives(
        &wavering,
        "rank.ndcg_cut_10 >= 0.9",
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    let worst: Vec<&str> = red
        .worst_questions
        .iter()
        .map(crate::ids::QuestionId::as_str)
        .collect();
    assert_eq!(worst, ["q003", "q013", "q023", "q033", "q043"]);
    assert!(
        !red.hard_stop
            && red
                .remedy
                .is_some_and(|remedy| remedy.contains("named questions"))
    );
    let reason = ReasonCode::BoundCrossesLimit;
    gives(&wavering, "rank.ndcg_cut_10 >= 0.83", Inconclusive, reason);
    gives(
        &ranked(49, "map", |_| 1.0),
        "rank.map >= 0.6",
        Inconclusive,
        ReasonCode::TooFewQuestions,
    );
}

#[test]
fn less_of_what_nobody_judged_is_better() {
    let unjudged = ranked(60, "unj_5", |i| 0.1 + 0.01 * (i % 5) as f64);
    gives(
        &unjudged,
        "rank.unj_5 <= 0.2",
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    let red = gives(
        &unjudged,
        "rank.unj_5 <= 0.1",
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    assert_eq!(red.worst_questions[0].as_str(), "q004");
}

#[test]
fn failed_cells_count_as_the_worst_and_many_of_them_decide_only_what_would_fail_anyway() {
    let few = with_failed(100, 4, "map", |_| 0.7);
    let check = of(&few, &required(&["rank.map >= 0.6"]));
    assert!(
        check
            .estimate
            .is_some_and(|mean| (mean - 0.672).abs() < 1e-12)
    );
    assert_eq!(check.worst_questions[0].as_str(), "q000");
    let many = with_failed(100, 10, "map", |_| 0.7);
    gives(
        &many,
        "rank.map >= 0.6",
        Inconclusive,
        ReasonCode::MissingCells,
    );
    gives(
        &many,
        "rank.map >= 0.9",
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
}

#[test]
fn a_run_that_was_measured_without_it_decides_nothing() {
    let bare = evidence(60, |_| HEALTHY);
    let check = gives(
        &bare,
        "rank.map >= 0.6",
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
    assert!(
        check.detail.contains("60 of 60 questions have no rank.map"),
        "{}",
        check.detail
    );
}

#[test]
fn an_override_moves_the_limit_and_is_told() {
    let evidence = ranked(60, "map", |_| 0.7);
    let mut settings = required(&["rank.map >= 0.8"]);
    let over = Override {
        limit: 0.5,
        reason: "agreed".to_owned(),
    };
    settings.overrides.insert(settings.required[0].id(), over);
    let check = of(&evidence, &settings);
    assert_eq!(check.verdict, Pass);
    assert_eq!(check.override_reason.as_deref(), Some("agreed"));
    let notes = notes(&evidence, &settings);
    let told = "the limit of rank.map is 0.5 where the requirement says 0.8: agreed";
    assert!(notes.iter().any(|note| note == told), "{notes:?}");
}

#[test]
fn a_waiver_names_it_by_any_name_of_the_measure() {
    let waiver: Waiver = serde_json::from_value(serde_json::json!({
        "check": "rank.AP", "reason": "r", "approver": "a", "expires_at": "2026-12-31",
        "max_value": 0.6,
    }))
    .expect("a waiver");
    let of = |mean: f64| {
        let checks = judge(
            &ranked(60, "map", |_| mean),
            &required(&["rank.map >= 0.8"]),
        );
        let on = "2026-12-01".parse().expect("a day");
        waive(checks, std::slice::from_ref(&waiver), on).1[0].status
    };
    assert_eq!(of(0.7), WaiverStatus::Applied);
    assert_eq!(of(0.5), WaiverStatus::ValueWorse);
    assert_eq!(of(0.9), WaiverStatus::NotNeeded);
}

#[test]
fn requirements_stand_before_the_clauses_that_look_back_and_once_a_side() {
    let evidence = ranked(60, "map", |_| 0.2);
    let trial = |checks| Trial {
        side: TargetName::new("candidate"),
        control: TargetName::new("control"),
        stage: RunbookStage::One,
        checks,
        named: Vec::new(),
    };
    let settings = Settings {
        runbook: Runbook::TrafficShaping,
        stage: RunbookStage::One,
        history: Some(Vec::new()),
        trials: vec![
            trial(vec![CheckId::TsDrift, CheckId::TsTwice]),
            trial(vec![CheckId::TsDrift]),
        ],
        ..required(&["rank.map >= 0.8"])
    };
    let ids: Vec<&str> = judge(&evidence, &settings)
        .iter()
        .map(|check| check.id.name())
        .collect();
    assert_eq!(ids, ["TS-DRIFT", "rank.map", "TS-TWICE", "TS-DRIFT"]);
}

#[test]
fn a_question_that_misses_the_requirement_is_asked_again() {
    let evidence = ranked(60, "map", |i| if i == 7 { 0.2 } else { 0.9 });
    let again = failing(&evidence, &required(&["rank.map >= 0.8"]));
    assert_eq!(
        again
            .iter()
            .map(crate::ids::QuestionId::as_str)
            .collect::<Vec<_>>(),
        ["q007"]
    );
}

#[test]
fn a_plan_tells_the_chance_where_it_knows_how_the_measure_varies() {
    let outlook = prospect::tests::outlook(100);
    let foreseen = |line: &str, healthy: &Healthy, n: usize| {
        let outlook = Outlook {
            n_questions: n,
            ..outlook.clone()
        };
        let found = prospects(&required(&[line]), &outlook, healthy);
        found.into_iter().last().expect("a requirement")
    };
    let usual = Healthy::usual();
    let unknown = foreseen("rank.bpref >= 0.3", &usual, 100);
    assert_eq!(
        (unknown.id.name(), &unknown.decidable),
        ("rank.bpref", &Decidable::Yes)
    );
    assert_eq!((unknown.p_pass, unknown.n_needed), (None, None));
    assert!(unknown.why.contains("--from"));
    let reach =
        |prospect: &Prospect| [prospect.effect.passes, prospect.effect.fails].map(Option::unwrap);
    let [passes, fails] = reach(&unknown);
    assert!(
        (0.40..0.43).contains(&passes) && (0.17..0.20).contains(&fails),
        "{unknown:?}"
    );
    let [passes, fails] = reach(&foreseen("rank.unj_10 <= 0.7", &usual, 100));
    assert!(
        (0.57..0.60).contains(&passes) && (0.80..0.83).contains(&fails),
        "{passes} {fails}"
    );
    let few = foreseen("rank.bpref >= 0.3", &usual, 40);
    assert!(matches!(few.decidable, Decidable::No(_)));
    let seen = ranked(60, "bpref", |i| 0.5 + 0.01 * (i % 7) as f64);
    let control = TargetName::new("control");
    let measured = Healthy::measured(&seen.table, &control, "r".to_owned()).expect("a control");
    let known = foreseen("rank.bpref >= 0.3", &measured, 100);
    assert!(
        known.p_pass.is_some_and(|chance| chance > 0.99),
        "{known:?}"
    );
    let hard = foreseen("rank.bpref >= 0.6", &measured, 100);
    assert!(hard.p_pass.is_some_and(|chance| chance < 0.01) && hard.n_needed.is_none());
    let lines = required(&["rank.bpref >= 0.3"]).required;
    assert!(
        measured
            .assumptions(&lines)
            .iter()
            .any(|row| row.what == "bpref")
    );
    assert!(Healthy::measured(&MetricTable::default(), &control, String::new()).is_none());
}
