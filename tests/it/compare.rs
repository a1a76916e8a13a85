//! Two sides, as the program compares them.

use serde_json::Value;
use tempfile::TempDir;

use crate::judged::{HANDBOOK, STALE, WRONG_ANALYZER, gives, judged, run_of, said, shared, text};
use crate::support::{SmallGold, check, ragstone, stderr};

#[test]
fn two_identical_targets_compare_as_equal() {
    let (found, folder) = judged(&["compare", "us-east", "eu-west", "--policy", HANDBOOK], 0);
    assert_eq!(found["verdict"], "PASS");
    for id in ["CMP-PAR", "CMP-DRIFT", "CMP-SHIFT", "CMP-COV", "CMP-LAM"] {
        assert_eq!(check(&found, id)["verdict"], "PASS", "{id}");
    }
    let comparison = comparison(&folder);
    // Fused scores tie, and a tie agrees with itself only as far as its orders do.
    assert!(
        comparison["overlap"]["rbo"]
            .as_f64()
            .is_some_and(|rbo| rbo > 0.99)
    );
    assert_eq!(comparison["overlap"]["jaccard"], 1.0);
    let moved = comparison["measures"]
        .as_array()
        .expect("rows")
        .iter()
        .filter(|row| row["ties"] != 100);
    assert_eq!(moved.count(), 0);
}

fn comparison(folder: &TempDir) -> Value {
    let bytes = std::fs::read(folder.path().join("out/comparison.json")).expect("written");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn one_analyzer_change_does_not_and_the_report_names_questions_and_axis() {
    let (found, folder) = judged(
        &["compare", "us-east", "eu-west", "--policy", WRONG_ANALYZER],
        1,
    );
    gives(&found, "CMP-PAR", "FAIL", "field_differs");
    gives(&found, "CMP-LAM", "FAIL", "bound_outside_limit");
    let flips = check(&found, "CMP-LAM");
    assert!(
        !flips["worst_questions"]
            .as_array()
            .expect("questions")
            .is_empty()
    );
    assert!(
        flips["detail"]
            .as_str()
            .expect("words")
            .contains("by axis:"),
        "{flips:#}"
    );
    let comparison = comparison(&folder);
    assert!(
        comparison["axes"]["paraphrase"]
            .as_array()
            .expect("questions")
            .len()
            > 20
    );
    assert!(
        comparison["flips"]["only_a"]
            .as_array()
            .expect("questions")
            .len()
            > 20
    );
    // Declared as on purpose, the contract holds, and the behaviour is still not the same.
    let run = text(&shared(WRONG_ANALYZER, &[]).run);
    let [control, follower] = ["us-east", "eu-west"].map(|side| format!("{run}:{side}"));
    let declared = ["compare", &control, &follower, "--versioned", "ANALYZER"];
    let (declared, _folder) = judged(&declared, 1);
    gives(&declared, "CMP-PAR", "PASS", "intentionally_versioned");
}

#[test]
fn saved_runs_are_compared_offline_and_verified() {
    let healthy = &shared(HANDBOOK, &[]).run;
    let stale = &shared(STALE, &[]).run;
    let (found, folder) = judged(&["compare", text(healthy), text(stale)], 1);
    gives(&found, "CMP-PAR", "FAIL", "field_differs");
    gives(&found, "CMP-COV", "FAIL", "bound_outside_limit");
    assert!(
        found["notes"]
            .to_string()
            .contains("eu-west (A) is eu-west in run")
    );
    assert!(
        ragstone(&["verify", text(&folder.path().join("out"))])
            .status
            .success()
    );
    // Two targets of one run, by name.
    let (control, follower) = (
        format!("{}:us-east", text(stale)),
        format!("{}:eu-west", text(stale)),
    );
    let (inside, _folder) = judged(&["compare", &control, &follower], 1);
    assert!(
        inside["parity"][0]["rows"]["n_changed"]
            .as_u64()
            .is_some_and(|n| n > 0)
    );
    let output = ragstone(&["compare", &format!("{}:mars", text(stale)), &follower]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("no target `mars`"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_cannot_be_compared_is_refused_with_every_reason() {
    let handbook = &shared(HANDBOOK, &[]).run;
    let small = SmallGold::new(60);
    small.edit(
        "ragstone.toml",
        "[referee]",
        "replay = { k = 5 }\n[referee]",
    );
    let (other, _b) = run_of(text(&small.policy()), &[]);
    let output = ragstone(&["compare", text(handbook), text(&other)]);
    assert_eq!(output.status.code(), Some(3));
    let error = said(&output);
    for reason in [
        "gold sets differ",
        "referees differ",
        "k differs (10 and 5)",
    ] {
        assert!(error.contains(reason), "{error}");
    }
    let (slice, _c) = run_of(HANDBOOK, &["--topic", "routing"]);
    let output = ragstone(&["compare", text(handbook), text(&slice)]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        said(&output).contains("other questions"),
        "{}",
        stderr(&output)
    );
    let output = ragstone(&["compare", "us-east", "mars", "--policy", HANDBOOK]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("eu-west"), "{}", stderr(&output));
}
