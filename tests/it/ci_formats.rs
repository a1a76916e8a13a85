//! The reports for CI of real runs: valid by their formats, and saying what the verdict says.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::judged::{
    EVACUATION, HANDBOOK, REGIONS, STALE, Shared, WRONG_ANALYZER, judged, said, shared, text,
};
use crate::open_metrics::{parse, sum};
use crate::support::{SmallGold, gate, ragstone, root, stdout};
use crate::{github, junit_schema};

fn runs() -> [&'static Shared; 3] {
    [HANDBOOK, WRONG_ANALYZER, STALE].map(|policy| shared(policy, &[]))
}

fn read(run: &Path, name: &str) -> String {
    std::fs::read_to_string(run.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn json(run: &Path, name: &str) -> Value {
    serde_json::from_str(&read(run, name)).expect(name)
}

fn checks(verdict: &Value) -> &Vec<Value> {
    verdict["checks"].as_array().expect("checks")
}

/// In hexadecimal digits.
fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a string takes all");
        digits
    })
}

/// How many checks came out as one of these.
fn count(verdict: &Value, wanted: &[&str]) -> usize {
    let is = |check: &&Value| wanted.contains(&check["verdict"].as_str().expect("a word"));
    checks(verdict).iter().filter(is).count()
}

#[test]
fn a_junit_file_obeys_the_schema_of_jenkins() {
    for run in runs() {
        let root = junit_schema::check(&read(&run.run, "junit.xml"));
        let root = root.unwrap_or_else(|error| panic!("{}: {error}", run.policy));
        let verdict = run.verdict();
        let n = |key: &str| root.attributes[key].parse::<usize>().expect("a count");
        assert_eq!(n("tests"), checks(&verdict).len());
        assert_eq!(n("failures"), count(&verdict, &["FAIL"]));
        assert_eq!(n("errors"), count(&verdict, &["ERROR", "INCONCLUSIVE"]));
    }
}

#[test]
fn a_metrics_file_is_open_metrics_and_has_the_numbers_of_the_verdict() {
    for run in runs() {
        let samples = parse(&read(&run.run, "metrics.prom"));
        let samples = samples.unwrap_or_else(|error| panic!("{}: {error}", run.policy));
        let verdict = run.verdict();
        let word = verdict["verdict"].as_str().expect("a word");
        let all = ["PASS", "FAIL", "INCONCLUSIVE", "ERROR", "HARD_STOP"];
        assert_eq!(
            sum(&samples, "ragstone_verdict", "verdict", &all),
            Some(1.0)
        );
        assert_eq!(
            sum(&samples, "ragstone_verdict", "verdict", &[word]),
            Some(1.0)
        );
        for (family, key) in [
            ("ragstone_check_value", "estimate"),
            ("ragstone_check_ci_low", "ci_low"),
            ("ragstone_check_ci_high", "ci_high"),
            ("ragstone_check_threshold", "limit"),
        ] {
            let of_family: Vec<f64> = samples
                .iter()
                .filter(|sample| sample.family == family)
                .map(|sample| sample.value)
                .collect();
            let expected: Vec<f64> = checks(&verdict)
                .iter()
                .filter_map(|check| check[key].as_f64())
                .collect();
            assert_eq!(of_family, expected, "{family} of {}", run.policy);
        }
    }
}

#[test]
fn a_ctrf_file_has_the_fields_of_its_specification_and_no_other() {
    const TEST: [&str; 7] = [
        "name",
        "status",
        "duration",
        "suite",
        "message",
        "rawStatus",
        "extra",
    ];
    const COUNTS: [&str; 5] = ["passed", "failed", "skipped", "pending", "other"];
    for run in runs() {
        let file = json(&run.run, "ctrf.json");
        let keys = |value: &Value| -> Vec<String> {
            value
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect()
        };
        assert_eq!(
            keys(&file),
            ["generatedBy", "reportFormat", "results", "specVersion"]
        );
        assert_eq!(file["reportFormat"], "CTRF");
        let results = &file["results"];
        assert_eq!(keys(results), ["extra", "summary", "tests", "tool"]);
        let tests = results["tests"].as_array().expect("tests");
        let verdict = run.verdict();
        assert_eq!(results["summary"]["tests"], tests.len());
        for status in COUNTS {
            let n = tests.iter().filter(|test| test["status"] == status).count();
            assert_eq!(results["summary"][status], n, "{status}");
        }
        assert!(results["summary"]["stop"].as_i64() >= results["summary"]["start"].as_i64());
        assert!(results["summary"]["start"].as_i64() > Some(1_700_000_000_000));
        for (test, check) in tests.iter().zip(checks(&verdict)) {
            assert!(
                keys(test).iter().all(|key| TEST.contains(&key.as_str())),
                "{test}"
            );
            assert!(COUNTS.contains(&test["status"].as_str().expect("a word")));
            assert_eq!(test["rawStatus"], check["verdict"]);
            assert_eq!(test["status"] == "failed", check["verdict"] == "FAIL");
        }
    }
}

#[test]
fn a_statement_names_the_file_that_lies_beside_it() {
    for run in runs() {
        let file = json(&run.run, "test-result.intoto.json");
        let digest = sha256(&read(&run.run, "verdict.json"));
        assert_eq!(file["subject"][0]["digest"]["sha256"], digest);
        assert_eq!(file["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(
            file["predicateType"],
            "https://in-toto.io/attestation/test-result/v0.1"
        );
        let verdict = run.verdict();
        let passed = verdict["verdict"] == "PASS";
        let predicate = &file["predicate"];
        assert_eq!(
            predicate["result"],
            if passed { "PASSED" } else { "FAILED" }
        );
        let n = |key: &str| predicate[key].as_array().expect("names").len();
        assert_eq!(n("passedTests"), count(&verdict, &["PASS"]));
        assert_eq!(n("failedTests"), count(&verdict, &["FAIL"]));
        let stated = file["subject"].as_array().expect("subjects").len() - 1;
        assert_eq!(stated, 1, "the candidate's index");
        for (at, algorithm, digest) in [
            (0, "ragstonePolicy", &verdict["policy_digest"]),
            (1, "ragstoneGoldSet", &verdict["gold"]["digest"]),
        ] {
            let hex = predicate["configuration"][at]["digest"][algorithm].as_str();
            let known = digest
                .as_str()
                .and_then(|digest| digest.strip_prefix("b3:"));
            assert_eq!(hex, known);
        }
    }
}

#[test]
fn what_was_not_decided_is_not_attested() {
    let small = SmallGold::new(12);
    let (output, folder) = gate(&small.policy(), &[]);
    assert_eq!(output.status.code(), Some(3));
    let run = folder.path().join("run");
    assert!(run.join("metrics.prom").exists() && !run.join("test-result.intoto.json").exists());
    junit_schema::check(&read(&run, "junit.xml")).expect("valid");
    let refused = ragstone(&["report", text(&run), "--as", "in-toto"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        said(&refused).contains("no word for what is not known"),
        "{}",
        said(&refused)
    );
    assert_eq!(stdout(&refused), "");
}

#[test]
fn a_drill_of_several_regions_and_phases_is_valid_too() {
    let pre = &shared(REGIONS, &["--runbook", "failover-drill"]).run;
    let args = ["audit", EVACUATION, "--pre", text(pre), "--post", text(pre)];
    let (verdict, folder) = judged(&args, 3);
    let run = folder.path().join("out");
    let root = junit_schema::check(&read(&run, "junit.xml")).expect("valid");
    assert_eq!(root.attributes["tests"], checks(&verdict).len().to_string());
    let samples = parse(&read(&run, "metrics.prom")).expect("sound");
    let limits = samples
        .iter()
        .filter(|sample| sample.family == "ragstone_check_threshold");
    assert_eq!(limits.count(), checks(&verdict).len());
}

#[test]
fn a_report_on_stdout_is_the_file_to_the_byte() {
    let run = &shared(WRONG_ANALYZER, &[]).run;
    for (form, file) in [
        ("junit", "junit.xml"),
        ("ctrf", "ctrf.json"),
        ("openmetrics", "metrics.prom"),
        ("in-toto", "test-result.intoto.json"),
        ("markdown", "summary.md"),
        ("html", "report.html"),
    ] {
        let output = ragstone(&["report", text(run), "--as", form]);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output) == read(run, file), "{form}");
    }
    let output = ragstone(&["report", text(run), "--as", "github"]);
    let commands = github::commands(&stdout(&output));
    assert_eq!(commands.len(), stdout(&output).lines().count());
    for more in [
        &["one-page"][..],
        &["junit", "--format", "json"],
        &["junit", "--out", "x"],
        &["xml"],
    ] {
        let refused = ragstone(&[&["report", text(run), "--as"], more].concat());
        assert_eq!(refused.status.code(), Some(2), "{more:?}");
    }
}

#[test]
fn a_statement_of_an_older_run_is_of_its_file_as_it_lies_there() {
    let run = root().join("tests/data/runs/before-ladders");
    let output = ragstone(&["report", text(&run), "--as", "in-toto"]);
    let statement: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let digest = sha256(&read(&run, "verdict.json"));
    assert_eq!(statement["subject"][0]["digest"]["sha256"], digest);
}
