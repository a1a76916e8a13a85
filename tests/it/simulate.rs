//! `ragstone simulate`: logs that never happened, the same for the same arguments.

use std::collections::BTreeMap;
use std::path::Path;

use ragstone::traffic::{ReadOptions, TrafficTable, read};
use serde_json::Value;

use crate::judged::{said, text};
use crate::support::{ragstone, stderr, stdout};

fn simulate(out: &Path, args: &[&str]) -> Value {
    let base = ["simulate", "--out", text(out), "--format", "json"];
    let output = ragstone(&[&base[..], args].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).expect("JSON")
}

/// The bytes of every file of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let file = |entry: Result<std::fs::DirEntry, _>| {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        (name, std::fs::read(&path).expect("readable"))
    };
    entries.map(file).collect()
}

#[test]
fn the_same_arguments_give_the_same_bytes_and_say_what_is_planted() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let drill = ["split-brain", "--minutes", "25", "--rate", "2"];
    let made = simulate(&at("one"), &drill);
    assert_eq!(made["n_requests"], 3000);
    assert_eq!(made["runbook"], "failover-drill");
    assert_eq!(
        made["expected_red"],
        serde_json::json!(["FD-WRITES", "FD-HOOK"])
    );
    simulate(&at("two"), &drill);
    let one = files(&at("one"));
    assert_eq!(one, files(&at("two")));
    let names: Vec<&str> = one.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["README.md", "drill.json", "events.jsonl", "telemetry.jsonl"]
    );
    simulate(&at("three"), &[&drill[..], &["--seed", "2"]].concat());
    let other = files(&at("three"));
    for name in ["events.jsonl", "telemetry.jsonl"] {
        assert_ne!(one[name], other[name]);
        for line in String::from_utf8_lossy(&one[name]).lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(line["simulated"], true);
        }
    }
    let page = String::from_utf8_lossy(&one["README.md"]).into_owned();
    assert!(
        page.contains("- FD-WRITES: zero write loss") && page.contains("| seed | 1 |"),
        "{page}"
    );
    ragstone::drill::load(&at("one").join("drill.json")).expect("a drill plan");
}

#[test]
fn a_line_has_every_field_of_the_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("logs");
    simulate(
        &out,
        &[
            "healthy",
            "--minutes",
            "2",
            "--stage",
            "five",
            "--start",
            "2026-03-01T00:00:00Z",
        ],
    );
    let log = std::fs::read_to_string(out.join("telemetry.jsonl")).expect("readable");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(
        lines[0]["ts"]
            .as_str()
            .is_some_and(|ts| ts.starts_with("2026-03-01T00:00:00."))
    );
    let on = |route: &str| {
        lines
            .iter()
            .find(|line| line["route"] == route)
            .expect("a request")
    };
    let pointers = "/ts /variant /color /release_id /revision /sticky /region /edge_pop /cold_start /warm_ping \
        /latency_ms/tffb /latency_ms/tusable /latency_ms/tfinal /status /timeout_stage /error_class \
        /queue/backlog /queue/age_p95_ms /pins/SCHEMA_REV /pins/INDEX_HASH /pins/MODEL_TAG";
    let read = "/retrieval/k /retrieval/metric /retrieval/analyzer /retrieval/INDEX_HASH /retrieval/ΔS_q_r \
        /retrieval/coverage /retrieval/λ_state /cache/prefix /cache/hit";
    let written = "/egress/webhook /egress/tries /egress/dedupe_key";
    for (route, more) in [("chat.rag.answer", read), ("ingest.write", written)] {
        for pointer in pointers.split_whitespace().chain(more.split_whitespace()) {
            assert!(on(route).pointer(pointer).is_some(), "{route} {pointer}");
        }
    }
    let canary = lines
        .iter()
        .filter(|line| line["variant"] == "canary")
        .count();
    assert!((70..170).contains(&canary), "{canary} of {}", lines.len());
}

#[test]
fn parquet_holds_what_lines_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = |form: &str| -> TrafficTable {
        let out = folder.path().join(form);
        let args = [
            "mixed-pins",
            "--minutes",
            "5",
            "--error-rate",
            "0.02",
            "--as",
            form,
        ];
        simulate(&out, &args);
        let options = ReadOptions {
            arm_by: ragstone::traffic::ArmField::Revision,
            ..ReadOptions::default()
        };
        let mut table = read(&[out.join(format!("telemetry.{form}"))], &options).expect("readable");
        // Told from neighbouring lines, and so another number where a file is read in other parts.
        table.intake.clock_skew_ms.clear();
        table
    };
    let (lines, columns) = (table("jsonl"), table("parquet"));
    assert_eq!(lines.intake.n_simulated, 6000);
    assert_eq!(lines.arms.len(), 2);
    assert!(lines == columns, "the tables differ");
}

#[test]
fn the_program_judges_a_simulated_log_only_if_that_is_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let status = |scenario: &str, allowed: bool| {
        let logs = folder.path().join(format!("{scenario}-{allowed}"));
        let short = [
            "--minutes",
            "25",
            "--rate",
            "4",
            "--runbook",
            "failover-drill",
        ];
        simulate(&logs, &[&[scenario], &short[..]].concat());
        let [telemetry, events, drill] =
            ["telemetry.jsonl", "events.jsonl", "drill.json"].map(|name| logs.join(name));
        let mut args = vec!["traffic", text(&telemetry), "--runbook", "failover-drill"];
        args.extend([
            "--stage",
            "live",
            "--drill",
            text(&drill),
            "--events",
            text(&events),
        ]);
        args.extend(allowed.then_some("--allow-simulated"));
        let output = ragstone(&args);
        output.status.code().expect("a code")
    };
    assert_eq!(status("healthy", true), 0);
    assert_eq!(status("healthy", false), 3);
    assert_eq!(status("slow-cutover", true), 1);
    assert_eq!(status("slow-cutover", false), 3);
}

#[test]
fn a_used_folder_and_what_cannot_be_played_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("logs");
    let refused = |args: &[&str], message: &str| {
        let output = ragstone(&[&["simulate", "--out", text(&out)], args].concat());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(said(&output).contains(message), "{}", stderr(&output));
    };
    refused(&["vibes"], "[possible values: healthy, tail-fault");
    refused(
        &["slow-drain", "--runbook", "canary"],
        "it can be played at failover-drill",
    );
    refused(
        &["slow-drain", "--minutes", "5"],
        "a drill takes 25 to 1440 minutes",
    );
    refused(&["healthy", "--share", "1.5"], "share is 1.5");
    assert!(!out.exists(), "nothing is left behind");
    std::fs::create_dir(&out).expect("made");
    std::fs::write(out.join("mine"), "kept").expect("written");
    refused(&["healthy"], "exists already");
    assert_eq!(files(&out).len(), 1);
}
