//! The Common Test Report Format (<https://ctrf.io>), specification 0.0.0: one JSON file that many CI
//! viewers read.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::judge::{Check, CheckVerdict, Verdict};
use crate::report::{Report, labels, plain, printable};

/// One test a check: PASS and WAIVED are `passed`, FAIL is `failed`, `NOT_APPLICABLE` is `skipped`, and
/// INCONCLUSIVE and ERROR are `other`, since the format's `pending` is a test that is still to come.
/// `rawStatus` has the verdict itself.
///
/// A check has no time of its own, so that every duration is 0; a time of the run that is none is 0 too.
///
/// # Errors
/// If the writer fails.
pub fn ctrf(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &document(report))?;
    writeln!(out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    report_format: &'static str,
    spec_version: &'static str,
    generated_by: &'static str,
    results: Results,
}

#[derive(Serialize)]
struct Results {
    tool: Tool,
    summary: Summary,
    tests: Vec<Test>,
    extra: Value,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: String,
}

#[derive(Serialize)]
struct Summary {
    tests: usize,
    passed: usize,
    failed: usize,
    skipped: usize,
    pending: usize,
    other: usize,
    start: i64,
    stop: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    name: String,
    status: &'static str,
    duration: u64,
    suite: [String; 3],
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    raw_status: &'static str,
    extra: Numbers,
}

/// What the format has no field for. A number that does not exist is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    reason: String,
    control: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ci_low: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ci_high: Option<f64>,
    comparator: &'static str,
    limit: f64,
    hard_stop: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    worst_questions: Vec<String>,
}

fn document(report: &Report) -> Document {
    let verdict = &report.verdict;
    let tests: Vec<Test> = verdict
        .checks
        .iter()
        .map(|check| test(check, verdict))
        .collect();
    let count = |status| tests.iter().filter(|test| test.status == status).count();
    Document {
        report_format: "CTRF",
        spec_version: "0.0.0",
        generated_by: "ragstone",
        results: Results {
            tool: Tool {
                name: "ragstone",
                version: plain(&report.record.tool_version),
            },
            summary: Summary {
                tests: tests.len(),
                passed: count("passed"),
                failed: count("failed"),
                skipped: count("skipped"),
                pending: 0,
                other: count("other"),
                start: milliseconds(&verdict.started_at),
                stop: milliseconds(&verdict.ended_at),
            },
            tests,
            extra: serde_json::json!({
                "runId": plain(&verdict.run_id),
                "verdict": verdict.verdict,
                "exitCode": verdict.exit_code,
                "goldDigest": verdict.gold.digest,
                "policyDigest": verdict.policy_digest,
            }),
        },
    }
}

fn test(check: &Check, verdict: &Verdict) -> Test {
    let status = status(check.verdict);
    Test {
        name: format!("{} {}", labels::check(check), plain(&check.clause)),
        status,
        duration: 0,
        suite: [
            verdict.runbook.to_string(),
            verdict.stage.to_string(),
            plain(&labels::judged_on(check, &verdict.checks)),
        ],
        message: (status != "passed").then(|| printable(&check.detail)),
        raw_status: check.verdict.name(),
        extra: Numbers {
            reason: labels::reason(check),
            control: plain(check.control.as_str()),
            estimate: check.estimate,
            ci_low: check.ci_low,
            ci_high: check.ci_high,
            comparator: check.comparator.symbol(),
            limit: check.limit,
            hard_stop: check.hard_stop,
            remedy: check.remedy.as_deref().map(printable),
            worst_questions: check
                .worst_questions
                .iter()
                .map(|question| plain(question.as_str()))
                .collect(),
        },
    }
}

fn status(verdict: CheckVerdict) -> &'static str {
    match verdict {
        CheckVerdict::Pass | CheckVerdict::Waived => "passed",
        CheckVerdict::Fail => "failed",
        CheckVerdict::NotApplicable => "skipped",
        CheckVerdict::Inconclusive | CheckVerdict::Error => "other",
    }
}

/// Since 1970.
fn milliseconds(time: &str) -> i64 {
    time.parse().map_or(0, jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_milliseconds_and_what_is_no_time_is_0() {
        assert_eq!(milliseconds("1970-01-01T00:01:00Z"), 60_000);
        assert_eq!(milliseconds("yesterday"), 0);
    }
}
