//! Targets of saved runs: a finished run is judged under another policy, without asking anyone.

use std::path::Path;

use ragstone::replay::{Outcome, read_observations};
use serde_json::Value;

use crate::support::{SmallGold, check, gate, ragstone, root, stderr, verdict};

/// Probes a policy into `run`.
fn probe(policy: &Path, run: &Path, more: &[&str]) {
    let [policy, run] = [policy, run].map(|path| path.to_str().expect("UTF-8"));
    let output = ragstone(&[&["probe", policy, "--out", run], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// The targets of a saved run, as a policy names them.
fn recorded(run: &Path, sides: &[(&str, &str, &str)]) -> String {
    let target = |(name, role, side): &(&str, &str, &str)| {
        format!(
            "[[target]]\nname = '{name}'\nrole = '{role}'\nkind = 'recorded'\nrun = '{}'\nside = '{side}'\n",
            run.display()
        )
    };
    sides.iter().map(target).collect()
}

const SAME: [(&str, &str, &str); 2] = [
    ("us-east", "control", "us-east"),
    ("eu-west", "candidate", "eu-west"),
];

/// What every check found, but for the rows that only a live index can list.
fn numbers(verdict: &Value) -> Vec<Value> {
    let checks = verdict["checks"].as_array().expect("checks");
    let kept = |check: &Value| {
        serde_json::json!([
            check["id"],
            check["verdict"],
            check["estimate"],
            check["ci_low"],
            check["ci_high"],
            check["limit"],
            check["n_questions"],
            check["worst_questions"],
        ])
    };
    checks.iter().map(kept).collect()
}

#[test]
fn a_probed_run_is_judged_under_another_policy_as_if_it_were_asked() {
    let handbook = root().join("goldsets/handbook");
    let live = std::fs::read_to_string(handbook.join("drills/wrong-analyzer.toml")).expect("text");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let gold = format!("gold = '{}'", handbook.display());
    let live = live.replacen("gold = \"..\"", &gold, 1);
    assert!(live.contains(&gold), "{live}");
    let (head, _) = live.split_once("[[target]]").expect("it has targets");
    std::fs::write(path("live.toml"), &live).expect("written");
    // As many as every check needs to decide.
    let sample = ["--sample", "60", "--sample-seed", "1"];
    probe(&path("live.toml"), &path("run"), &sample);
    assert!(!path("run").join("verdict.json").exists());

    let other = "[gate.override.CA-DS]\nmax = 0.2\nreason = 'stricter'\n";
    std::fs::write(path("live-strict.toml"), format!("{live}\n{other}")).expect("written");
    let (direct, _kept) = gate(&path("live-strict.toml"), &sample);
    let saved = recorded(&path("run"), &SAME);
    std::fs::write(path("saved.toml"), format!("{head}{saved}{other}")).expect("written");
    let (again, judged) = gate(&path("saved.toml"), &sample);
    assert_eq!(
        again.status.code(),
        direct.status.code(),
        "{}",
        stderr(&again)
    );
    let (again, direct) = (verdict(&again), verdict(&direct));
    assert_eq!(numbers(&again), numbers(&direct));
    assert_eq!(again["probes"], direct["probes"]);
    assert_eq!(check(&again, "CA-DS")["limit"], 0.2);
    assert!(check(&again, "CA-DS")["ci_high"].is_number());
    assert_eq!(check(&again, "CA-PAR")["verdict"], "FAIL");
    assert!(
        again["notes"]
            .to_string()
            .contains("us-east is us-east in run")
    );

    let read = |run: &Path| read_observations(&run.join("observations.parquet")).expect("readable");
    let (before, after) = (read(&path("run")), read(&judged.path().join("run")));
    assert_eq!(after, before, "with the times that were taken then");

    let verified = ragstone(&["verify", judged.path().join("run").to_str().expect("UTF-8")]);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
    // A judged run is a saved run as well.
    let saved = recorded(&judged.path().join("run"), &SAME);
    std::fs::write(path("third.toml"), format!("{head}{saved}{other}")).expect("written");
    assert_eq!(
        numbers(&verdict(&gate(&path("third.toml"), &sample).0)),
        numbers(&direct)
    );
}

#[test]
fn a_repeat_is_the_recorded_repeat_and_never_the_first_reply() {
    let small = SmallGold::new(8);
    let live = std::fs::read_to_string(small.policy()).expect("a policy");
    let run = small.folder.path().join("run");
    probe(&small.policy(), &run, &[]);
    let saved = recorded(&run, &SAME);
    // The run sent two seeds, so that no probe was asked twice under the first.
    let one_seed = "[replay]\nseeds = [1]\n";
    let head = "gold = '.'\n[referee]\nkind = 'lexical'\n";
    small.write("saved.toml", &format!("{head}{one_seed}{saved}"));
    let (_, judged) = gate(&small.folder.path().join("saved.toml"), &[]);
    let seen = read_observations(&judged.path().join("run/observations.parquet")).expect("kept");
    let unknown = |outcome: &Outcome| matches!(outcome, Outcome::Failed { class, .. } if class == "not_recorded");
    for one in &seen {
        let repeat = one.purpose == ragstone::replay::Purpose::Repeat;
        assert_eq!(unknown(&one.outcome), repeat, "{one:?}");
    }
    // With repeats in the record they are there.
    small.write(
        "live-one.toml",
        &live.replacen("[referee]", &format!("{one_seed}[referee]"), 1),
    );
    let run = small.folder.path().join("run-one");
    probe(&small.folder.path().join("live-one.toml"), &run, &[]);
    small.write(
        "saved-one.toml",
        &format!("{head}{one_seed}{}", recorded(&run, &SAME)),
    );
    let (_, judged) = gate(&small.folder.path().join("saved-one.toml"), &[]);
    let again = read_observations(&judged.path().join("run/observations.parquet")).expect("kept");
    let before = read_observations(&run.join("observations.parquet")).expect("kept");
    assert_eq!(again, before);
}

#[test]
fn what_was_never_asked_fails_as_not_recorded() {
    let small = SmallGold::new(8);
    let run = small.folder.path().join("run");
    probe(&small.policy(), &run, &[]);
    let head = "gold = '.'\n[referee]\nkind = 'lexical'\n[replay]\nseeds = [1, 3]\n";
    small.write("saved.toml", &format!("{head}{}", recorded(&run, &SAME)));
    let (output, judged) = gate(&small.folder.path().join("saved.toml"), &[]);
    let verdict = verdict(&output);
    let probes = &verdict["probes"];
    assert_eq!(
        (&probes["scored"], &probes["failed"]),
        (&32.into(), &32.into()),
        "{probes}"
    );
    assert_ne!(verdict["verdict"], "PASS");
    let summary = std::fs::read_to_string(judged.path().join("run/summary.md")).expect("drawn");
    assert!(
        summary.contains("not\\_recorded | query") && summary.contains("seed 3"),
        "{summary}"
    );
}

#[track_caller]
fn refused(small: &SmallGold, targets: &str, code: i32, needles: &[&str]) {
    let head = "gold = '.'\n[referee]\nkind = 'lexical'\n";
    small.write("saved.toml", &format!("{head}{targets}"));
    let (output, _) = gate(&small.folder.path().join("saved.toml"), &[]);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    // Messages are wrapped.
    let text: Vec<String> = stderr(&output)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let text = text.join(" ").replace("│ ", "");
    for needle in needles {
        assert!(text.contains(needle), "{needle}: {text}");
    }
}

#[test]
fn a_run_that_does_not_fit_is_refused() {
    let small = SmallGold::new(8);
    let run = small.folder.path().join("run");
    probe(&small.policy(), &run, &[]);
    let other = [SAME[0], ("eu-west", "candidate", "eu-wset")];
    let known = ["has no target `eu-wset`", "us-east, eu-west"];
    refused(&small, &recorded(&run, &other), 2, &known);
    let nowhere = small.folder.path().join("nowhere");
    refused(&small, &recorded(&nowhere, &SAME), 4, &["run.json"]);
    let paced = recorded(&run, &SAME) + "rate = 5.0\n";
    refused(&small, &paced, 2, &["is not asked"]);
    let nameless = "[[target]]\nname = 'a'\nrole = 'control'\nkind = 'recorded'\n";
    let nameless = nameless.to_owned() + &recorded(&run, &SAME[1..]);
    refused(&small, &nameless, 2, &["a run is missing"]);
    small.edit("corpus.jsonl", "is drained", "was drained");
    refused(&small, &recorded(&run, &SAME), 3, &["the gold sets differ"]);
}
