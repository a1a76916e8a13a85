//! Bad input: the documented code, a message with file and line, no panic.

use std::process::Output;

use crate::judged::{WRONG_METRIC, shared};
use crate::support::{SmallGold, gate, policy, ragstone, stderr, stdout};

#[track_caller]
fn refused(output: &Output, code: i32, needles: &[&str]) {
    // The message is wrapped to the terminal's width, so line breaks and the frame are folded away.
    let text: String = stderr(output)
        .split(|c: char| c.is_whitespace() || c == '│')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    for needle in needles {
        let folded = needle.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(&folded), "`{needle}` in: {text}");
    }
    assert_eq!(stdout(output), "", "nothing on stdout");
}

#[track_caller]
fn spoilt(spoil: impl Fn(&SmallGold), more: &[&str], code: i32, needles: &[&str]) {
    let small = SmallGold::new(8);
    spoil(&small);
    let (output, folder) = gate(&small.policy(), more);
    refused(&output, code, needles);
    assert!(
        !folder.path().join("run").exists(),
        "no run folder is left behind"
    );
}

#[test]
fn an_empty_gold_set_is_refused() {
    spoilt(
        |small| small.write("questions.jsonl", ""),
        &[],
        2,
        &["questions.jsonl", "no lines"],
    );
    spoilt(
        |small| small.write("corpus.jsonl", "\n\n"),
        &[],
        2,
        &["corpus.jsonl", "no lines"],
    );
}

#[test]
fn a_filter_that_leaves_nothing_is_refused_and_names_what_there_is() {
    spoilt(
        |_| {},
        &["--topic", "weather"],
        2,
        &["no question is left", "cache"],
    );
    spoilt(|_| {}, &["--tag", "smoke"], 2, &["no question is left"]);
}

#[test]
fn an_unknown_key_names_the_nearest_one_and_its_line() {
    spoilt(
        |small| small.edit("ragstone.toml", "role = 'candidate'", "rolle = 'candidate'"),
        &[],
        2,
        &["ragstone.toml line 10", "rolle", "did you mean `role`?"],
    );
}

#[test]
fn a_missing_embeddings_file_says_how_to_make_it() {
    spoilt(
        |small| small.write("ragstone.toml", &policy("cache")),
        &[],
        4,
        &["embeddings.parquet", "ragstone gold embed"],
    );
}

#[test]
fn an_unreadable_parquet_file_is_said_to_be_one() {
    let spoil = |small: &SmallGold| {
        small.write("ragstone.toml", &policy("cache"));
        small.write("embeddings.parquet", "not a table");
    };
    spoilt(
        spoil,
        &[],
        4,
        &["embeddings.parquet", "not a readable vector cache"],
    );
}

#[test]
fn a_nan_in_a_vector_is_found_with_its_row() {
    let small = SmallGold::new(8);
    small.write("ragstone.toml", &policy("cache"));
    write_vectors(&small.folder.path().join("embeddings.parquet"), f32::NAN);
    refused(
        &gate(&small.policy(), &[]).0,
        4,
        &[
            "embeddings.parquet row 2",
            "coordinate 1 is not a finite number",
        ],
    );
}

#[test]
fn a_missing_vector_names_the_text_and_the_command() {
    let small = SmallGold::new(8);
    small.write("ragstone.toml", &policy("cache"));
    write_vectors(&small.folder.path().join("embeddings.parquet"), 0.5);
    refused(
        &gate(&small.policy(), &[]).0,
        4,
        &[
            "have no vector of `m`",
            "After how many minutes",
            "ragstone gold embed",
        ],
    );
}

/// A cache of two vectors, the second with this number in it.
fn write_vectors(path: &std::path::Path, number: f32) {
    use std::sync::Arc;

    use arrow::array::{Array, FixedSizeListArray, Float32Array, RecordBatch, StringArray};
    use arrow::datatypes::{DataType, Field};

    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let vectors = FixedSizeListArray::new(
        item,
        2,
        Arc::new(Float32Array::from(vec![1.0, 0.0, 1.0, number])),
        None,
    );
    let digests: Vec<String> = ["a", "b"]
        .iter()
        .map(|text| ragstone::ids::Digest::of(text).to_string())
        .collect();
    let columns: Vec<(&str, Arc<dyn Array>)> = vec![
        ("model", Arc::new(StringArray::from(vec!["m", "m"]))),
        ("text_digest", Arc::new(StringArray::from(digests))),
        ("vector", Arc::new(vectors)),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let file = std::fs::File::create(path).expect("a file");
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
}

#[test]
fn duplicate_ids_are_named_with_both_lines() {
    spoilt(
        |small| small.edit("questions.jsonl", "\"id\":\"q3\"", "\"id\":\"q1\""),
        &[],
        2,
        &["questions.jsonl:4", "question q1 stands on line 2 already"],
    );
}

#[test]
fn a_broken_line_is_named_with_its_number_and_column() {
    spoilt(
        |small| small.edit("questions.jsonl", "\"id\":\"q2\",", "\"id\":\"q2\""),
        &[],
        2,
        &["questions.jsonl:3", "column", "expected {\"id\""],
    );
}

#[test]
fn a_skew_that_names_nothing_is_refused() {
    let spoil = |small: &SmallGold| {
        small.write(
            "ragstone.toml",
            &format!("{}[target.skew]\nmissing = ['d/s99']\n", policy("lexical")),
        );
    };
    spoilt(spoil, &[], 2, &["there is no section `d/s99`"]);
}

#[test]
fn a_policy_that_is_not_there_is_wrong_usage() {
    refused(
        &ragstone(&["gate", "no/such/policy.toml"]),
        2,
        &["no/such/policy.toml", "ragstone init"],
    );
    refused(&ragstone(&["gate"]), 2, &["POLICY"]);
    refused(
        &ragstone(&["explain", "CA-XX"]),
        2,
        &["unknown check", "CA-DS"],
    );
}

#[test]
fn nothing_is_overwritten() {
    let small = SmallGold::new(8);
    let used = small.folder.path().to_str().expect("UTF-8");
    refused(
        &ragstone(&[
            "gate",
            small.policy().to_str().expect("UTF-8"),
            "--out",
            used,
        ]),
        2,
        &["exists already"],
    );
    refused(
        &ragstone(&["init", small.policy().to_str().expect("UTF-8")]),
        2,
        &["exists already"],
    );
}

#[test]
fn a_run_folder_that_was_damaged_is_said_to_be() {
    let folder = shared(WRONG_METRIC, &[]).copy();
    let run = folder.path().join("run");
    std::fs::write(run.join("metrics.parquet"), "cut short").expect("written");
    refused(
        &ragstone(&["verify", run.to_str().expect("UTF-8")]),
        4,
        &["metrics.parquet", "not a readable Parquet file"],
    );
    std::fs::write(run.join("verdict.json"), "{\"format\": 1").expect("written");
    refused(
        &ragstone(&["report", run.to_str().expect("UTF-8")]),
        4,
        &["verdict.json", "not readable"],
    );
}

#[test]
fn lint_counts_errors_as_findings() {
    let small = SmallGold::new(8);
    let folder = small.folder.path().to_str().expect("UTF-8").to_owned();
    let warned = ragstone(&["gold", "lint", &folder]);
    assert_eq!(warned.status.code(), Some(0), "{}", stdout(&warned));
    assert!(
        stdout(&warned).contains("[probe-set-size]") && stdout(&warned).contains("[paraphrases]"),
        "{}",
        stdout(&warned)
    );
    assert_eq!(
        ragstone(&["gold", "lint", "--strict", &folder])
            .status
            .code(),
        Some(1)
    );
    small.edit(
        "questions.jsonl",
        "drained after 2 minutes",
        "drained after 9 minutes",
    );
    let failed = ragstone(&["gold", "lint", &folder]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        stdout(&failed).contains("questions.jsonl:3: the anchor of q2"),
        "{}",
        stdout(&failed)
    );
}

#[test]
fn the_handbook_is_clean() {
    let linted = ragstone(&["gold", "lint", "--strict", "goldsets/handbook"]);
    assert_eq!(linted.status.code(), Some(0), "{}", stdout(&linted));
}
