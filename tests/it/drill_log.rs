//! Drill logs, as the program audits them.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::judged::{EVACUATION, REGIONS, gives, judged, said, shared, text};
use crate::support::{ragstone, root};

/// The log that `docs/drill-log.md` shows.
pub(crate) fn example() -> String {
    let page = std::fs::read_to_string(root().join("docs/drill-log.md")).expect("the page");
    let (_, block) = page.split_once("```jsonl\n").expect("an example");
    let (log, _) = block.split_once("```").expect("its end");
    log.to_owned()
}

/// A drill plan with everything that a log is judged by, and logs beside it.
struct Drill {
    folder: TempDir,
}

impl Drill {
    fn new() -> Self {
        let plan = std::fs::read_to_string(root().join(EVACUATION)).expect("the plan");
        let plan = plan.replacen(
            '{',
            r#"{ "type": "A", "freeze_writes_on_followers": true,
  "webhook_policy": { "emit_from": "eu-west", "dedupe_key": "sha256(event_id+rev)" },
  "return_to_home": { "rebuild_follower": true, "purge_cache": true, "gradual_weights": [10, 30, 60, 100] },"#,
            1,
        );
        let plan = plan
            .replacen(r#""pre": ["#, r#""pre": ["cache_warm", "#, 1)
            .replacen(r#""post": ["#, r#""post": ["cache_rewarmed", "#, 1);
        let drill = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        drill.write("drill.json", plan.as_bytes());
        drill
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    fn plan(&self) -> PathBuf {
        self.folder.path().join("drill.json")
    }
}

#[track_caller]
fn gives_named(verdict: &Value, name: &str, expected: &str, reason: &str) {
    let checks = verdict["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["named"] == name);
    let found = found.unwrap_or_else(|| panic!("no check {name}"));
    assert_eq!(
        (&found["verdict"], &found["reason_code"]),
        (&expected.into(), &reason.into()),
        "{found:#}"
    );
}

const LOGGED: [(&str, &str); 7] = [
    ("FD-CUT", "within_window"),
    ("FD-WRITES", "writes_complete"),
    ("FD-DRAIN", "within_window"),
    ("FD-HOOK", "no_duplicates"),
    ("FD-CACHE", "cache_warm"),
    ("FD-FLAP", "steady"),
    ("FD-HOME", "in_order"),
];

#[test]
fn the_documented_log_passes_and_its_faults_are_told() {
    let run = &shared(REGIONS, &["--runbook", "failover-drill"]).run;
    let drill = Drill::new();
    let plan = drill.plan();
    let audit = |logs: &[&str], code| {
        let runs = [
            "audit",
            text(&plan),
            "--pre",
            text(run),
            "--post",
            text(run),
        ];
        judged(&[&runs[..], logs].concat(), code)
    };
    // Two files, one of them packed, come to one log.
    let (first, second) = {
        let log = example();
        let lines: Vec<&str> = log.lines().collect();
        let (first, second) = lines.split_at(lines.len() / 2);
        (
            first.join("\n"),
            format!("{}\n{{\"event\":\"coffee_break\"}}\n", second.join("\n")),
        )
    };
    let first = drill.write(
        "first.jsonl.zst",
        &zstd::stream::encode_all(first.as_bytes(), 1).expect("packed"),
    );
    let second = drill.write("second.jsonl", second.as_bytes());
    let (sound, folder) = audit(&["--events", text(&second), "--events", text(&first)], 3);
    for (id, reason) in LOGGED {
        gives(&sound, id, "PASS", reason);
    }
    gives_named(&sound, "cache_rewarmed", "PASS", "within_window");
    let notes = sound["notes"].as_array().expect("notes");
    let told = |words: &str| {
        notes
            .iter()
            .any(|note| note.as_str().is_some_and(|note| note.contains(words)))
    };
    assert!(told("`coffee_break` (1)"), "{notes:?}");
    let out = folder.path().join("out");
    assert!(out.join("timeline.json").is_file());
    assert!(ragstone(&["verify", text(&out)]).status.success());

    let log = example();
    let faulty = log
        .replacen("06:00:11.250Z\"", "06:00:30.001Z\"", 1)
        .replacen(
            "06:00:14Z\", \"event\": \"write_applied\"",
            "06:00:31Z\", \"event\": \"write_accepted\"",
            1,
        )
        .replacen("\"weight\": 30}", "\"weight\": 40}", 1);
    assert_ne!(faulty, log);
    let faulty = drill.write("faulty.jsonl", faulty.as_bytes());
    let (found, _folder) = audit(&["--events", text(&faulty)], 1);
    gives(&found, "FD-CUT", "FAIL", "window_exceeded");
    gives(&found, "FD-WRITES", "FAIL", "writes_lost");
    gives(&found, "FD-HOME", "FAIL", "out_of_order");
    gives(&found, "FD-HOOK", "PASS", "no_duplicates");
}

#[test]
fn requests_and_simulated_logs_are_read_and_kept() {
    let run = &shared(REGIONS, &["--runbook", "failover-drill"]).run;
    let drill = Drill::new();
    let plan = drill.plan();
    let simulated = example().replacen('{', "{\"simulated\": true, ", 1);
    let events = drill.write("events.jsonl", simulated.as_bytes());
    let requests = r#"{"ts":"2026-03-14T06:00:20Z","region":"eu-west","status":200,"latency_ms":{"tfinal":900}}"#;
    let requests = drill.write("requests.jsonl", requests.as_bytes());
    let audit = |more: &[&str], code| {
        let args = [
            "audit",
            text(&plan),
            "--post",
            text(run),
            "--events",
            text(&events),
            "--telemetry",
            text(&requests),
        ];
        judged(&[&args[..], more].concat(), code)
    };
    let (refused, _a) = audit(&[], 3);
    gives(&refused, "FD-CUT", "INCONCLUSIVE", "simulated_evidence");
    let (allowed, folder) = audit(&["--allow-simulated"], 3);
    gives(&allowed, "FD-CUT", "PASS", "within_window");
    let out = folder.path().join("out");
    let table = std::fs::read_to_string(out.join("traffic.json")).expect("the table");
    let table: Value = serde_json::from_str(&table).expect("JSON");
    assert_eq!(
        (&table["arm_by"], &table["arms"]["eu-west"]["n"]),
        (&"region".into(), &1.into())
    );
    assert!(ragstone(&["verify", text(&out)]).status.success());
}

#[test]
fn a_log_that_is_none_ends_the_audit_with_its_lines() {
    let drill = Drill::new();
    let audit = |log: &str| {
        let path = drill.write("events.jsonl", log.as_bytes());
        ragstone(&[
            "audit",
            text(&drill.plan()),
            "--pre",
            "x",
            "--events",
            text(&path),
        ])
    };
    let run = &shared(REGIONS, &["--runbook", "failover-drill"]).run;
    let with_run = |log: &str| {
        let path = drill.write("events.jsonl", log.as_bytes());
        ragstone(&[
            "audit",
            text(&drill.plan()),
            "--pre",
            text(run),
            "--events",
            text(&path),
        ])
    };
    let bad =
        with_run(&example().replacen("\"region\": \"us-east\"}", "\"regoin\": \"us-east\"}", 1));
    assert_eq!(bad.status.code(), Some(4));
    let words = said(&bad);
    let n_lines = example().lines().count();
    let refused = format!("1 of {n_lines} lines are no events of a drill");
    assert!(words.contains(&refused), "{words}");
    assert!(
        words.contains("events.jsonl:10: evacuate_decided: missing field `region`"),
        "{words}"
    );
    let none = with_run("{\"event\":\"evacuate_decide\",\"ts\":\"2026-03-14T06:00:00Z\"}");
    assert_eq!(none.status.code(), Some(2));
    assert!(
        said(&none).contains("did you mean `evacuate_decided`?"),
        "{}",
        said(&none)
    );
    let no_run = audit("");
    assert_eq!(no_run.status.code(), Some(4), "a run that is not there");
    let alone = ragstone(&["audit", text(&drill.plan())]);
    assert_eq!(alone.status.code(), Some(2));
    assert!(
        said(&alone).contains("at least one run"),
        "{}",
        said(&alone)
    );
}
