//! Verdicts of the program, and what the tests ask of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{check, gate, ragstone, root, stderr, stdout, verdict};

pub(crate) const HANDBOOK: &str = "goldsets/handbook/ragstone.toml";
pub(crate) const REGIONS: &str = "goldsets/handbook/regions.toml";
pub(crate) const WRONG_ANALYZER: &str = "goldsets/handbook/drills/wrong-analyzer.toml";
pub(crate) const WRONG_METRIC: &str = "goldsets/handbook/drills/wrong-metric.toml";
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

/// A run that several tests read: asking takes most of a gate's time, and what they claim is about what comes after.
/// Whoever writes into it takes a copy.
pub(crate) struct Shared {
    pub(crate) policy: &'static str,
    pub(crate) run: PathBuf,
    pub(crate) output: Output,
}

/// The run of a policy of the handbook by the whole gate, made by the first test that wants it.
pub(crate) fn shared(policy: &'static str, more: &'static [&'static str]) -> &'static Shared {
    type Cell = &'static OnceLock<Shared>;
    type Asked = (&'static str, &'static [&'static str]);
    static RUNS: Mutex<BTreeMap<Asked, Cell>> = Mutex::new(BTreeMap::new());
    let cell = {
        let mut runs = RUNS.lock().expect("calm");
        *runs
            .entry((policy, more))
            .or_insert_with(|| Box::leak(Box::default()))
    };
    cell.get_or_init(|| {
        let run = folder_of_this_process().join("run");
        let args = [
            &["gate", policy, "--format", "json", "--out", text(&run)],
            more,
        ]
        .concat();
        let output = ragstone(&args);
        assert!(run.join("verdict.json").exists(), "{}", stderr(&output));
        Shared {
            policy,
            run,
            output,
        }
    })
}

/// A folder below `target` that outlives the tests, since nothing runs after the last one. What processes of an
/// hour ago left is removed.
fn folder_of_this_process() -> PathBuf {
    const PREFIX: &str = "shared-run-";
    const LONG_AGO: Duration = Duration::from_hours(1);
    let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in std::fs::read_dir(all).expect("a folder").flatten() {
        let age = entry
            .metadata()
            .ok()
            .and_then(|of| of.modified().ok()?.elapsed().ok());
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && age.is_some_and(|age| age > LONG_AGO) {
            // Another process may have been quicker.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(all);
    made.expect("a folder").keep()
}

impl Shared {
    /// What the gate concluded.
    pub(crate) fn verdict(&self) -> Value {
        verdict(&self.output)
    }

    /// A copy that may be written into, in `run` of a folder of its own.
    pub(crate) fn copy(&self) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let into = folder.path().join("run");
        std::fs::create_dir(&into).expect("made");
        for file in std::fs::read_dir(&self.run).expect("a run") {
            let file = file.expect("a file");
            std::fs::copy(file.path(), into.join(file.file_name())).expect("copied");
        }
        folder
    }

    /// The gate on the same policy with the replies that this run kept: what is judged is all that may differ.
    pub(crate) fn judged_again(&self, more: &[&str]) -> (Output, TempDir) {
        gate(self.recorded().path(), more)
    }

    /// The same policy, with targets that answer as this run recorded.
    pub(crate) fn recorded(&self) -> tempfile::NamedTempFile {
        let policy = root().join(self.policy);
        let written = std::fs::read_to_string(&policy).expect("a policy");
        let mut written: toml::Table = written.parse().expect("TOML");
        let gold = policy.with_file_name(written["gold"].as_str().expect("a path"));
        written["gold"] = text(&gold).into();
        for target in written["target"].as_array_mut().expect("targets") {
            let mut saved = toml::Table::new();
            for (key, value) in [
                ("name", target["name"].clone()),
                ("role", target["role"].clone()),
                ("side", target["name"].clone()),
                ("kind", "recorded".into()),
                ("run", text(&self.run).into()),
            ] {
                saved.insert(key.to_owned(), value);
            }
            *target = saved.into();
        }
        let saved = tempfile::NamedTempFile::with_suffix(".toml").expect("a file");
        std::fs::write(saved.path(), written.to_string()).expect("written");
        saved
    }
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
