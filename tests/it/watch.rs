//! `ragstone watch` on logs that grow, are rotated and are cut short while it looks.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use ragstone::simulate::{Plan, Scenario};
use ragstone::traffic::{ReadOptions, TrafficTable, read_lines};
use serde_json::Value;
use tempfile::TempDir;

use crate::judged::{gives, text};
use crate::shards::simulated;

/// Longer than any of them takes; a program that hangs is killed then.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program, which looks every ten milliseconds.
struct Watch {
    child: Child,
    remarks: Receiver<String>,
    /// Everything that it said so far.
    said: Vec<String>,
    printed: Receiver<String>,
}

impl Watch {
    fn of(log: &Path, more: &[&str]) -> Self {
        let usual = [
            "--every",
            "10",
            "--format",
            "json",
            "--allow-simulated",
            "--share",
            "0.5",
        ];
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("ragstone"))
            .args(["watch", text(log), "--runbook", "canary"])
            .args(usual)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (say, remarks) = channel();
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn(move || {
            let mut lines = stderr.lines().map_while(Result::ok);
            lines.all(|line| say.send(line).is_ok())
        });
        let (print, printed): (Sender<String>, _) = channel();
        let mut stdout = child.stdout.take().expect("piped");
        std::thread::spawn(move || {
            let mut all = String::new();
            let read = stdout.read_to_string(&mut all);
            print.send(read.map(|_| all).expect("UTF-8"))
        });
        Self {
            child,
            remarks,
            said: Vec::new(),
            printed,
        }
    }

    /// Waits until it says something.
    #[track_caller]
    fn says(&mut self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.remarks.recv_timeout(left) else {
                panic!("`{words}` is never said, only {:?}", self.said);
            };
            let found = line.contains(words);
            self.said.push(line);
            if found {
                return;
            }
        }
    }

    /// Waits until it ends, with a code; what it printed.
    #[track_caller]
    fn ends(mut self, code: i32) -> String {
        let printed = self.printed.recv_timeout(PATIENCE).expect("it ends");
        let status = self.child.wait().expect("it ends");
        self.said.extend(self.remarks.iter());
        assert_eq!(status.code(), Some(code), "{:?}\n{printed}", self.said);
        for line in &self.said {
            assert!(!line.contains(char::is_control), "{line:?}");
        }
        printed
    }

    #[track_caller]
    fn reports(self, code: i32) -> Value {
        serde_json::from_str(&self.ends(code)).expect("JSON")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It has ended already, unless a test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A log in a folder, its requests in three parts. The first has none of the canary, so that the
/// program says that it waits, and has therefore read it.
struct Grown {
    folder: TempDir,
    path: PathBuf,
    parts: [String; 3],
}

impl Grown {
    fn new(plan: &Plan) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = String::from_utf8(simulated(plan)).expect("UTF-8");
        let lines: Vec<&str> = log.split_inclusive('\n').collect();
        let (first, rest) = lines.split_at(100);
        let control = |line: &&&str| line.contains("\"variant\":\"control\"");
        let first: Vec<&str> = first.iter().filter(control).copied().collect();
        let (second, third) = rest.split_at(rest.len() / 2);
        // Its name must not steer a terminal either.
        let path = folder.path().join("access\u{1b}[31m.jsonl");
        Self {
            folder,
            path,
            parts: [first.concat(), second.concat(), third.concat()],
        }
    }

    fn append(&self, text: &str) {
        let file = File::options().append(true).create(true).open(&self.path);
        let mut file = file.expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }

    /// Writes the first part, and waits until it is read.
    fn watch(&self, more: &[&str]) -> Watch {
        self.append(&self.parts[0]);
        let mut watch = Watch::of(&self.path, more);
        watch.says("waiting: ");
        watch
    }

    fn whole(&self) -> TrafficTable {
        let all = self.parts.concat().into_bytes();
        read_lines("all", all, &ReadOptions::default()).expect("readable")
    }
}

fn plan(scenario: Scenario) -> Plan {
    Plan {
        minutes: 22.0,
        rate: 4.0,
        ..Plan::new(scenario)
    }
}

const PROMOTION: [&str; 4] = ["--stage", "promotion", "--minutes", "20"];

fn traffic(report: &Value) -> TrafficTable {
    serde_json::from_value(report["traffic"].clone()).expect("a table")
}

#[test]
fn a_crossed_hard_stop_ends_it_at_once() {
    let log = Grown::new(&plan(Scenario::NewErrorClass));
    // Two hours are planned, of which the log has 22 minutes.
    let watch = log.watch(&["--stage", "one", "--minutes", "120"]);
    log.append(&log.parts[1]);
    let report = watch.reports(5);
    gives(&report, "CA-S1", "FAIL", "hard_stop_crossed");
    assert_eq!(report["verdict"], "HARD_STOP");
    assert_eq!(report["checks"].as_array().expect("checks").len(), 1);
}

#[test]
fn harm_that_is_shown_ends_a_stage_without_a_hard_stop_of_its_own() {
    let log = Grown::new(&Plan {
        rate: 9.0,
        ..plan(Scenario::ServerErrors)
    });
    let watch = log.watch(&["--stage", "ten", "--minutes", "120"]);
    log.append(&log.parts[1]);
    log.append(&log.parts[2]);
    let report = watch.reports(5);
    gives(&report, "CA-ERR", "FAIL", "harm_shown");
}

#[test]
fn the_whole_is_judged_at_the_planned_end() {
    for (scenario, code) in [(Scenario::Healthy, 0), (Scenario::TailFault, 1)] {
        let log = Grown::new(&plan(scenario));
        let watch = log.watch(&PROMOTION);
        log.append(&log.parts[1]);
        // The last line is not ended yet.
        log.append(log.parts[2].trim_end());
        let report = watch.reports(code);
        let verdict = if code == 0 { "PASS" } else { "FAIL" };
        assert_eq!(report["verdict"], verdict);
        gives(
            &report,
            "CA-P95",
            verdict,
            &format!("bound_{}_limit", ["inside", "outside"][code as usize]),
        );
        assert_eq!(report["checks"].as_array().expect("checks").len(), 3);
        let (read, whole) = (traffic(&report), log.whole());
        assert!(read.groups == whole.groups && read.arms == whole.arms);
    }
}

#[test]
fn a_rotated_log_is_followed_into_its_next_file() {
    let log = Grown::new(&plan(Scenario::Healthy));
    let mut watch = log.watch(&PROMOTION);
    // The old file is written to for a while after it was renamed, and its last line is never ended.
    let middle = log.parts[1].len() / 2;
    let middle = middle + log.parts[1][middle..].find('\n').expect("lines");
    let (before, after) = log.parts[1].split_at(middle);
    let old = log.folder.path().join("access.1");
    std::fs::rename(&log.path, &old).expect("renamed");
    let mut file = File::options().append(true).open(old).expect("opened");
    file.write_all(before.as_bytes()).expect("written");
    log.append(&format!("no request{after}"));
    watch.says("was rotated");
    log.append(&log.parts[2]);
    let read = traffic(&watch.reports(0));
    let whole = log.whole();
    assert!(read.groups == whole.groups && read.arms == whole.arms);
    assert_eq!(bad(&read), [format!("{}:1", log.path.display())]);
}

/// Where bad lines stand.
fn bad(table: &TrafficTable) -> Vec<&str> {
    let bad = table.intake.bad.iter();
    bad.map(|line| line.place.as_str()).collect()
}

#[test]
fn a_log_that_is_cut_short_is_read_from_its_beginning() {
    let log = Grown::new(&plan(Scenario::Healthy));
    let mut watch = log.watch(&PROMOTION);
    // A line that is never ended is lost with the rest of the file.
    log.append("{\"ts\":\"2026");
    let file = File::options().write(true).open(&log.path).expect("opened");
    file.set_len(0).expect("cut");
    watch.says("was cut short");
    log.append(&format!("{}\nno request\n{}", log.parts[1], log.parts[2]));
    let read = traffic(&watch.reports(0));
    let number = log.parts[1].lines().count() + 2;
    assert_eq!(bad(&read), [format!("{}:{number}", log.path.display())]);
    // What was read before it was cut counts.
    let whole = log.whole();
    assert!(read.groups == whole.groups && read.arms == whole.arms);
}

#[test]
fn a_log_that_stands_still_ends_at_the_planned_end() {
    let log = Grown::new(&plan(Scenario::Healthy));
    let soon = ["--stage", "promotion", "--minutes", "0.005"];
    let none = Watch::of(&log.folder.path().join("gone.jsonl"), &soon);
    // All requests of one moment.
    let at = |part: &str| {
        let lines = part.lines().take(40);
        let moved = |line: &str| format!("{{\"ts\":\"2026-01-05T09:00:00Z\"{}\n", &line[32..]);
        lines.map(moved).collect::<String>()
    };
    log.append(&at(&log.parts[1]));
    let still = Watch::of(&log.path, &soon);
    let alone = log.folder.path().join("alone.jsonl");
    let hostile = r#""variant":"other\u001b[2J\nPASS 9 passed""#;
    let others = at(&log.parts[0]).replace(r#""variant":"control""#, hostile);
    std::fs::write(&alone, others).expect("written");
    let mut alone = Watch::of(&alone, &soon);
    // It stays on one line.
    alone.says("there are: other␛[2J⏎PASS 9 passed");
    let report = still.reports(3);
    gives(&report, "CA-P95", "INCONCLUSIVE", "too_few_requests");
    // Without a request there is nothing to judge, and without a canary nobody.
    assert_eq!(none.ends(4), "");
    assert_eq!(alone.ends(2), "");
}

#[test]
#[cfg(unix)]
fn what_was_seen_is_judged_when_it_is_interrupted() {
    let log = Grown::new(&plan(Scenario::Healthy));
    let mut watch = log.watch(&["--stage", "promotion", "--minutes", "120"]);
    log.append(&log.parts[1]);
    // From the second look on it heeds the signal.
    let old = log.folder.path().join("access.1");
    std::fs::rename(&log.path, old).expect("renamed");
    log.append("");
    watch.says("was rotated");
    let id = watch.child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.expect("a program of every Unix").success());
    watch.says("interrupted");
    let report = watch.reports(3);
    gives(&report, "CA-NEWERR", "INCONCLUSIVE", "observation_ended");
}
