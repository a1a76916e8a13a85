//! Running the program, and gold sets made for one test.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

/// The program, run from the root of the project with these arguments, and with no place to keep replies.
pub(crate) fn ragstone(args: &[&str]) -> Output {
    ragstone_with(&[], args)
}

/// The same with more in its environment, in which nothing is left of a CI that runs these tests.
pub(crate) fn ragstone_with(environment: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = assert_cmd::Command::cargo_bin("ragstone").expect("the program is built");
    command
        .current_dir(root())
        .env_remove("NO_COLOR")
        .env_remove("GITHUB_ACTIONS")
        .env("XDG_CACHE_HOME", "/dev/null")
        .envs(environment.iter().copied())
        .args(args)
        .output()
        .expect("the program runs")
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The shared inputs, which are not part of the project. Says aloud when they are not there:
/// straight to stderr, since the test harness would swallow `eprintln!`.
pub(crate) fn shared_data(name: &str) -> Option<PathBuf> {
    let path = root().parent()?.join("shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    skip(&format!(
        "../shared/data/{name} is not here; the same behaviour is covered by inputs of the project's own"
    ));
    None
}

/// Says aloud that something is not tried.
pub(crate) fn skip(why: &str) {
    let _ = std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes());
}

/// What a process printed, as text.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The verdict that `--format json` printed.
pub(crate) fn verdict(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", stdout(output), stderr(output)))
}

/// One check of a verdict.
pub(crate) fn check<'a>(verdict: &'a Value, id: &str) -> &'a Value {
    let checks = verdict["checks"].as_array().expect("checks");
    checks
        .iter()
        .find(|check| check["id"] == id)
        .unwrap_or_else(|| panic!("no check {id}"))
}

/// Runs the gate on a policy into a folder of its own, and prints JSON.
pub(crate) fn gate(policy: &Path, more: &[&str]) -> (Output, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let mut args = vec![
        "gate",
        policy.to_str().expect("UTF-8"),
        "--format",
        "json",
        "--out",
        run.to_str().expect("UTF-8"),
    ];
    args.extend(more);
    (ragstone(&args), folder)
}

/// A small gold set with the lexical referee, in a folder that can be spoilt.
pub(crate) struct SmallGold {
    pub(crate) folder: TempDir,
}

const THINGS: [&str; 6] = [
    "queue",
    "cache",
    "index",
    "certificate",
    "replica",
    "webhook",
];

impl SmallGold {
    /// `n` questions over as many sections.
    pub(crate) fn new(n: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut questions, mut corpus) = (String::new(), String::new());
        for index in 0..n {
            let thing = THINGS[index % THINGS.len()];
            writeln!(corpus, r#"{{"doc_id":"d","section_id":"s{index}","title":"{thing} {index}","text":"The {thing} number {index} is drained after {index} minutes.","rev":"1"}}"#).expect("a string");
            writeln!(
                questions,
                r#"{{"id":"q{index}","topic":"{thing}","question":"When is {thing} number {index} drained?","paraphrases":["After how many minutes is {thing} number {index} drained?"],"target":[{{"doc_id":"d","section_id":"s{index}"}}],"anchor":"drained after {index} minutes"}}"#
            )
            .expect("a string");
        }
        let small = Self { folder };
        small.write("gold.toml", "name = 'small'\nversion = '1'\nmodel = 'm'\n");
        small.write("questions.jsonl", &questions);
        small.write("corpus.jsonl", &corpus);
        small.write("ragstone.toml", &policy("lexical"));
        small
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("written");
    }

    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.folder.path().join(name);
        let text = std::fs::read_to_string(&path).expect("readable");
        assert!(text.contains(from), "{name} has {from}");
        std::fs::write(path, text.replacen(from, to, 1)).expect("written");
    }

    pub(crate) fn policy(&self) -> PathBuf {
        self.folder.path().join("ragstone.toml")
    }
}

/// A policy of two like targets.
pub(crate) fn policy(referee: &str) -> String {
    let target = |name: &str, role: &str| {
        format!("[[target]]\nname = '{name}'\nrole = '{role}'\nkind = 'embedded'\n")
    };
    format!(
        "gold = '.'\n[referee]\nkind = '{referee}'\n{}{}",
        target("us-east", "control"),
        target("eu-west", "candidate")
    )
}
