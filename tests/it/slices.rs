//! Slices of a gold set, and shards put together again.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::judged::{STALE, WRONG_ANALYZER, shared, text};
use crate::support::{SmallGold, ragstone, root, stderr, verdict};

fn run(args: &[&str], code: i32) -> Value {
    let output = ragstone(args);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    verdict(&output)
}

/// A verdict without run id, times and the notes on what was asked.
fn substance(mut verdict: Value) -> Value {
    for key in ["run_id", "started_at", "ended_at"] {
        verdict[key].take();
    }
    for target in verdict["targets"].as_array_mut().expect("targets") {
        target["contract"]["BUILD_TS"].take();
    }
    for parity in verdict["parity"].as_array_mut().expect("parity") {
        parity["fields"]
            .as_array_mut()
            .expect("fields")
            .retain(|field| field["field"] != "BUILD_TS");
    }
    verdict
}

#[test]
fn shards_in_any_order_merge_into_the_run_that_would_have_been() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let policy = root().join("goldsets/handbook/drills/wrong-analyzer.toml");
    let gate = ["gate", text(&policy), "--format", "json", "--out"];
    let whole = shared(WRONG_ANALYZER, &[]);
    let parts: Vec<PathBuf> = ["2/3", "3/3", "1/3"]
        .iter()
        .map(|shard| at(&shard.replace('/', "-")))
        .collect();
    for (part, shard) in parts.iter().zip(["2/3", "3/3", "1/3"]) {
        let verdict = run(&[&gate[..], &[text(part), "--shard", shard]].concat(), 1);
        assert!(
            verdict["notes"][0].as_str().is_some_and(
                |note| note.contains(&format!("of 100 questions were asked (shard {shard})"))
            ),
            "{verdict:#}"
        );
    }
    let merge = [
        "merge",
        text(&parts[0]),
        text(&parts[1]),
        text(&parts[2]),
        "--format",
        "json",
        "--out",
    ];
    let merged = run(&[&merge[..], &[text(&at("merged"))]].concat(), 1);
    assert_eq!(substance(merged), substance(whole.verdict()));
    assert_eq!(
        ragstone(&["verify", text(&at("merged"))]).status.code(),
        Some(0)
    );
    let short = ragstone(&[
        "merge",
        text(&parts[0]),
        text(&parts[1]),
        "--out",
        text(&at("short")),
    ]);
    assert_eq!(short.status.code(), Some(2));
    assert!(
        stderr(&short).contains("do not make a whole"),
        "{}",
        stderr(&short)
    );
    let no_shard = ragstone(&["merge", text(&whole.run), "--out", text(&at("none"))]);
    assert!(
        stderr(&no_shard).contains("not made with --shard"),
        "{}",
        stderr(&no_shard)
    );
}

#[test]
fn parts_that_were_not_made_alike_are_refused() {
    let small = SmallGold::new(6);
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let gate = |out: &Path, shard: &str| {
        run(
            &[
                "gate",
                text(&small.policy()),
                "--format",
                "json",
                "--out",
                text(out),
                "--shard",
                shard,
            ],
            3,
        )
    };
    gate(&at("1"), "1/2");
    small.edit("corpus.jsonl", "The queue number 0", "A queue number 0");
    gate(&at("2"), "2/2");
    let refused = ragstone(&[
        "merge",
        text(&at("1")),
        text(&at("2")),
        "--out",
        text(&at("whole")),
    ]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("another gold set"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn what_was_red_can_be_asked_again_and_a_sample_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let policy = root().join("goldsets/handbook/drills/stale-follower.toml");
    let gate = ["gate", text(&policy), "--format", "json", "--out"];
    let first = shared(STALE, &[]);
    let again = run(
        &[
            &gate[..],
            &[text(&at("again")), "--failing-from", text(&first.run)],
        ]
        .concat(),
        1,
    );
    let asked = again["gold"]["questions"].as_u64().expect("a count");
    assert!((20..80).contains(&asked), "{asked}");
    assert_eq!(
        again["gold"]["digest"],
        first.verdict()["gold"]["digest"],
        "a slice is of the same gold set"
    );
    assert!(
        again["notes"][0]
            .as_str()
            .is_some_and(|note| note.contains("no fair sample")),
        "{again:#}"
    );
    let sampled = run(
        &[
            &gate[..],
            &[text(&at("sampled")), "--sample", "60", "--sample-seed", "4"],
        ]
        .concat(),
        1,
    );
    assert_eq!(sampled["gold"]["questions"], 60);
    assert_eq!(sampled["probes"]["planned"], 960);
}
