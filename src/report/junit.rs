//! JUnit XML, as CI systems read it.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use crate::ids::TargetName;
use crate::judge::{Check, CheckVerdict, Verdict};
use crate::report::{Report, labels, ladders, plain, printable};

/// One suite a target, one case a check: FAIL is a `failure`, ERROR and INCONCLUSIVE an `error`,
/// `NOT_APPLICABLE` is `skipped`. Where a rung of the target's ladder fails, a property says so.
///
/// # Errors
/// If the writer fails.
pub fn junit(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &report.verdict;
    let mut document =
        quick_junit::Report::new(format!("ragstone {} {}", verdict.runbook, verdict.stage));
    for target in targets(verdict) {
        let checks: Vec<&Check> = verdict
            .checks
            .iter()
            .filter(|check| check.target == *target)
            .collect();
        if checks.is_empty() {
            continue;
        }
        let mut suite = TestSuite::new(printable(target.as_str()));
        suite.add_property(Property::new("verdict", verdict.verdict.name()));
        suite.add_property(Property::new("run_id", printable(&verdict.run_id)));
        suite.add_property(Property::new(
            "gold_digest",
            verdict.gold.digest.to_string(),
        ));
        suite.add_property(Property::new(
            "policy_digest",
            verdict.policy_digest.to_string(),
        ));
        for side in ladders::failing(verdict).filter(|side| side.target == *target) {
            let word = ladders::word(side, verdict).to_lowercase();
            let name = ladders::name(side, verdict);
            let sentence = format!("{name}: {}", side.ladder.sentence());
            suite.add_property(Property::new(word, plain(&sentence)));
        }
        suite.add_test_cases(checks.into_iter().map(case));
        document.add_test_suite(suite);
    }
    document.serialize(out).map_err(io::Error::other)
}

/// Every target in the order of the run, then those that were judged without being asked: a drill log
/// judges the live phase without a run of it.
fn targets(verdict: &Verdict) -> Vec<&TargetName> {
    let mut targets: Vec<&TargetName> = verdict.targets.iter().map(|one| &one.name).collect();
    for check in &verdict.checks {
        if !targets.contains(&&check.target) {
            targets.push(&check.target);
        }
    }
    targets
}

fn case(check: &Check) -> TestCase {
    let name = format!("{} {}", labels::check(check), printable(&check.clause));
    let mut case = TestCase::new(name, status(check));
    case.set_classname(format!("ragstone.{}", printable(check.target.as_str())));
    case.set_time(std::time::Duration::ZERO);
    case.set_system_out(printable(&check.detail));
    case
}

fn status(check: &Check) -> TestCaseStatus {
    let non_success = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status
            .set_type(reason(check))
            .set_message(printable(&check.detail));
        status.set_description(printable(&description(check)));
        status
    };
    match check.verdict {
        CheckVerdict::Pass | CheckVerdict::Waived => TestCaseStatus::success(),
        CheckVerdict::Fail => non_success(NonSuccessKind::Failure),
        CheckVerdict::Error | CheckVerdict::Inconclusive => non_success(NonSuccessKind::Error),
        CheckVerdict::NotApplicable => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(printable(&check.detail));
            status
        }
    }
}

fn reason(check: &Check) -> String {
    let reason = serde_json::to_value(check.reason_code)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned));
    format!("{}:{}", check.verdict.name(), reason.unwrap_or_default())
}

fn description(check: &Check) -> String {
    let remedy = check
        .remedy
        .as_deref()
        .map_or(String::new(), |remedy| format!("\nremedy: {remedy}"));
    let worst: Vec<&str> = check
        .worst_questions
        .iter()
        .map(crate::ids::QuestionId::as_str)
        .collect();
    let worst = if worst.is_empty() {
        String::new()
    } else {
        format!("\nworst questions: {}", worst.join(", "))
    };
    format!("{}{remedy}{worst}", check.detail)
}
