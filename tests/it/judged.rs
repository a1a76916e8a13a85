//! Verdicts of the program, and what the tests ask of them.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{check, gate, ragstone, stderr, stdout, verdict};

pub(crate) const HANDBOOK: &str = "goldsets/handbook/ragstone.toml";
pub(crate) const REGIONS: &str = "goldsets/handbook/regions.toml";
pub(crate) const WRONG_ANALYZER: &str = "goldsets/handbook/drills/wrong-analyzer.toml";
pub(crate) const STALE: &str = "goldsets/handbook/drills/stale-follower.toml";
pub(crate) const EVACUATION: &str = "goldsets/handbook/drills/evacuation.json";

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A run of the gate in a folder that lives as long as what is returned.
pub(crate) fn run_of(policy: &str, more: &[&str]) -> (PathBuf, TempDir) {
    let (output, folder) = gate(Path::new(policy), more);
    assert!(
        output
            .status
            .code()
            .is_some_and(|code| code != 2 && code != 4),
        "{}",
        stderr(&output)
    );
    (folder.path().join("run"), folder)
}

/// What was said, without the line breaks of the renderer.
pub(crate) fn said(output: &std::process::Output) -> String {
    let text = stderr(output).replace('│', " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs a command that writes a run folder, prints its verdict as JSON, and must exit with a code.
pub(crate) fn judged(args: &[&str], code: i32) -> (Value, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let output = ragstone(&[args, &["--format", "json", "--out", text(&out)]].concat());
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    (verdict(&output), folder)
}

pub(crate) fn outcome(verdict: &Value, id: &str) -> (String, String) {
    let found = check(verdict, id);
    let word = |key: &str| found[key].as_str().expect("a word").to_owned();
    (word("verdict"), word("reason_code"))
}

#[track_caller]
pub(crate) fn gives(verdict: &Value, id: &str, expected: &str, reason: &str) {
    assert_eq!(
        outcome(verdict, id),
        (expected.to_owned(), reason.to_owned()),
        "{:#}",
        check(verdict, id)
    );
}

/// Every check that telemetry, a drill log or a history would decide is undecided, and says so.
pub(crate) fn undecided(verdict: &Value, ids: &[&str]) {
    for id in ids {
        gives(verdict, id, "INCONCLUSIVE", "evidence_missing");
    }
}
