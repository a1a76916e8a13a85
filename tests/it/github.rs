//! A gate inside a step of GitHub Actions, which a folder and an environment stand in for.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::judged::text;
use crate::support::{SmallGold, ragstone_with, stderr, stdout, verdict};

/// A command of the runner, as it reads them from a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) properties: Vec<(String, String)>,
    pub(crate) data: String,
}

impl Command {
    fn property(&self, name: &str) -> Option<&str> {
        let found = self.properties.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

const KNOWN: [&str; 12] = [
    "error",
    "warning",
    "notice",
    "debug",
    "add-mask",
    "add-matcher",
    "set-output",
    "save-state",
    "group",
    "echo",
    "stop-commands",
    "set-env",
];

fn unescaped(text: &str) -> String {
    let text = text.replace("%0D", "\r").replace("%0A", "\n");
    let text = text.replace("%3A", ":").replace("%2C", ",");
    text.replace("%25", "%")
}

/// Every command in a log, by the runner's two rules: `::name …::` at the beginning of a line, and
/// `##[name …]` anywhere.
pub(crate) fn commands(log: &str) -> Vec<Command> {
    log.lines().filter_map(command).collect()
}

fn command(line: &str) -> Option<Command> {
    let new = line
        .trim_start()
        .strip_prefix("::")
        .and_then(|rest| rest.split_once("::"));
    let old = || {
        line.split_once("##[")
            .and_then(|(_, rest)| rest.split_once(']'))
    };
    let named = |(info, data): (&str, &str), separator: char| {
        let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
        let pair = |one: &str| {
            let (key, value) = one.split_once('=')?;
            Some((key.to_owned(), unescaped(value)))
        };
        KNOWN.contains(&name).then(|| Command {
            name: name.to_owned(),
            properties: properties.split(separator).filter_map(pair).collect(),
            data: unescaped(data),
        })
    };
    new.and_then(|found| named(found, ','))
        .or_else(|| old().and_then(|found| named(found, ';')))
}

/// The outputs in a file as the runner reads them; the last of a name counts.
pub(crate) fn outputs(file: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let heredoc = line
            .split_once("<<")
            .filter(|(name, _)| !name.contains('='));
        if let Some((name, delimiter)) = heredoc {
            let value: Vec<&str> = lines
                .by_ref()
                .take_while(|line| *line != delimiter)
                .collect();
            found.push((name.to_owned(), value.join("\n")));
        } else {
            let (name, value) = line.split_once('=').expect("an output");
            found.push((name.to_owned(), value.to_owned()));
        }
    }
    found
}

/// A step: a workspace, and the files for outputs and summary.
pub(crate) struct Step {
    pub(crate) folder: TempDir,
}

impl Step {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("summary"), "before\n").expect("written");
        Self { folder }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn output(&self, name: &str) -> Option<String> {
        let mut found = outputs(&self.file("output"));
        found.retain(|(key, _)| key == name);
        found.pop().map(|(_, value)| value)
    }

    /// The gate on a policy, with the workspace at the policy's folder.
    fn gate(&self, policy: &Path, more: &[&str]) -> Output {
        let [output, summary, run] = ["output", "summary", "run"].map(|name| self.file(name));
        let environment = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_OUTPUT", text(&output)),
            ("GITHUB_STEP_SUMMARY", text(&summary)),
            ("GITHUB_WORKSPACE", text(policy.parent().expect("a folder"))),
        ];
        let args = [&["gate", text(policy), "--out", text(&run)], more].concat();
        ragstone_with(&environment, &args)
    }
}

const IMPOSSIBLE: &str =
    "[gate]\nevidence = 'point'\n[gate.override.CA-COV]\nmin = 2.0\nreason = 'r'\n";

/// A small gold set whose coverage cannot be enough, in whose questions `from` became `to`.
pub(crate) fn red(from: &str, to: &str) -> SmallGold {
    let small = SmallGold::new(60);
    small.edit("questions.jsonl", from, to);
    let policy = std::fs::read_to_string(small.policy()).expect("a policy");
    small.write("ragstone.toml", &format!("{policy}{IMPOSSIBLE}"));
    small
}

#[test]
fn a_step_gets_annotations_outputs_and_a_summary() {
    let small = red("\"q0\"", "\"q0\"");
    let step = Step::new();
    let output = step.gate(&small.policy(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = verdict(&output);
    assert!(commands(&stdout(&output)).is_empty());
    let said = commands(&stderr(&output));
    let failed: Vec<&Value> = told["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter(|check| check["verdict"] == "FAIL")
        .collect();
    let errors: Vec<&Command> = said.iter().filter(|one| one.name == "error").collect();
    assert_eq!(errors.len(), failed.len());
    let coverage = errors
        .iter()
        .find(|one| one.property("title") == Some("FAIL CA-COV on eu-west"));
    let coverage = coverage.expect("the check that cannot pass");
    assert_eq!(coverage.property("file"), Some("questions.jsonl"));
    let worst = told["checks"][1]["worst_questions"][0]
        .as_str()
        .expect("an id");
    let line: usize = worst[1..].parse().expect("q and a number");
    assert_eq!(
        coverage.property("line"),
        Some((line + 1).to_string().as_str())
    );
    assert!(coverage.data.contains("What to do: "), "{}", coverage.data);
    let last = said.last().expect("commands");
    assert_eq!(
        (last.name.as_str(), last.property("title")),
        ("notice", Some("Ragstone: FAIL"))
    );

    assert_eq!(step.output("verdict").as_deref(), Some("FAIL"));
    assert_eq!(step.output("exit_code").as_deref(), Some("1"));
    assert_eq!(step.output("run").as_deref(), Some(text(&step.file("run"))));
    let names = step.output("failed_checks").expect("names");
    assert_eq!(names.lines().count(), failed.len());
    assert!(
        names.lines().any(|name| name == "CA-COV on eu-west"),
        "{names}"
    );
    let summary = std::fs::read_to_string(step.file("summary")).expect("a summary");
    let drawn = std::fs::read_to_string(step.file("run/summary.md")).expect("drawn");
    assert_eq!(summary, format!("before\n{drawn}"));
}

#[test]
fn a_waived_check_is_a_warning_that_points_to_its_waiver() {
    let small = red("\"q0\"", "\"q0\"");
    let policy = std::fs::read_to_string(small.policy()).expect("a policy");
    let signed = "[[waiver]]\nreason = 'r'\napprover = 'a'\nexpires_at = '2999-01-01'\nmax_value = 0.0\ncheck = 'CA-COV'\n";
    small.write("ragstone.toml", &format!("{policy}{signed}"));
    let step = Step::new();
    let output = step.gate(&small.policy(), &[]);
    let said = commands(&stderr(&output));
    let waived = said
        .iter()
        .find(|one| one.property("title") == Some("WAIVED CA-COV on eu-west"));
    let waived = waived.unwrap_or_else(|| panic!("{said:?}"));
    assert_eq!(waived.name, "warning");
    assert_eq!(waived.property("file"), Some("ragstone.toml"));
    let line = format!("{policy}{signed}").lines().count();
    assert_eq!(waived.property("line"), Some(line.to_string().as_str()));
}

#[test]
fn nothing_is_told_where_no_runner_is_or_none_is_wanted() {
    let small = red("\"q0\"", "\"q0\"");
    let step = Step::new();
    let output = step.gate(&small.policy(), &["--no-github"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(commands(&stderr(&output)).is_empty() && !step.file("output").exists());
    std::fs::remove_dir_all(step.file("run")).expect("removed");
    let file = step.file("output");
    let run = step.file("run");
    let elsewhere = ragstone_with(
        &[("GITHUB_OUTPUT", text(&file))],
        &["gate", text(&small.policy()), "--out", text(&run)],
    );
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(commands(&stderr(&elsewhere)).is_empty() && !file.exists());
}

#[test]
fn a_step_that_cannot_be_told_fails_with_its_run_kept() {
    let small = red("\"q0\"", "\"q0\"");
    let step = Step::new();
    std::fs::create_dir(step.file("output")).expect("a folder in the way");
    let output = step.gate(&small.policy(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("cannot be written"),
        "{}",
        stderr(&output)
    );
    assert_eq!(verdict(&output)["verdict"], "FAIL");
    assert!(step.file("run/report.html").exists());
}

#[test]
fn no_text_from_outside_becomes_a_command() {
    const FORGED: &str = "%0A::error::x ##[add-mask]y\\n::set-output name=verdict::PASS\\r\\n##[stop-commands]z, a=b: c";
    let small = red("\"q0\"", &format!("\"{FORGED}\""));
    for (file, from) in [("corpus.jsonl", "\"s0\""), ("questions.jsonl", "\"s0\"")] {
        small.edit(file, from, &format!("\"{FORGED}\""));
    }
    let step = Step::new();
    let (policy, run) = (small.policy(), step.file("run"));
    let elsewhere = ragstone_with(&[], &["gate", text(&policy), "--out", text(&run)]);
    let forged = commands(&stdout(&elsewhere));
    assert!(!forged.is_empty(), "{}", stdout(&elsewhere));
    for form in ["text", "json"] {
        let step = Step::new();
        let output = step.gate(&small.policy(), &["--format", form]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert_eq!(commands(&stdout(&output)), [], "{form}");
        let found = commands(&stderr(&output));
        assert!(found.len() > 1);
        for one in &found {
            assert!(
                ["error", "warning", "notice"].contains(&one.name.as_str()),
                "{one:?}"
            );
            assert!(one.properties.len() <= 3, "{one:?}");
        }
        let names: Vec<String> = outputs(&step.file("output"))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["verdict", "exit_code", "run", "failed_checks"]);
    }
}

#[test]
fn an_error_message_holds_no_command_either() {
    let small = SmallGold::new(8);
    small.edit(
        "ragstone.toml",
        "role = 'candidate'",
        "\"##[add-mask]role\" = 'candidate'",
    );
    let step = Step::new();
    let output = step.gate(&small.policy(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("add-mask"), "{}", stderr(&output));
    assert_eq!(commands(&stderr(&output)), []);
    assert!(!step.file("output").exists());
}
