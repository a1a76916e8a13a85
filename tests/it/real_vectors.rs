//! Vectors that models made: the classes of the parity of vectors on real inputs.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use serde_json::Value;

use crate::exports::{self, Row, batch, cast};
use crate::support::{ragstone, shared_data, stderr};

fn data(name: &str) -> Option<PathBuf> {
    shared_data(&format!("vectors/{name}"))
}

/// Runs `parity`; what it reports, and its exit code.
fn parity(a: &Path, b: &Path, flags: &[&str]) -> (Value, i32) {
    let (a, b) = (a.to_str().expect("UTF-8"), b.to_str().expect("UTF-8"));
    let mut args = vec!["parity", a, b, "--format=json"];
    args.extend(flags);
    let output = ragstone(&args);
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    (report, output.status.code().expect("a code"))
}

/// Ids by class of vectors.
fn classes(report: &Value) -> BTreeMap<&str, u64> {
    let vectors = &report["rows"]["vectors"];
    let mut classes = BTreeMap::from([("identical", vectors["n_identical"].as_u64().expect("n"))]);
    for class in ["equivalent", "perturbed", "different", "rescaled"] {
        classes.insert(class, vectors[class]["n"].as_u64().expect("a count"));
    }
    classes.retain(|_, n| *n > 0);
    classes
}

#[test]
fn the_same_vectors_as_f32_and_as_f64_are_the_same() {
    let (Some(float), Some(double)) = (data("float.parquet"), data("double.parquet")) else {
        return;
    };
    let (report, exit) = parity(&float, &double, &["--id=docid"]);
    assert_eq!(
        classes(&report),
        BTreeMap::from([("identical", 10)]),
        "{report}"
    );
    assert_eq!(exit, 0, "{}", report["sentence"]);
    assert_eq!(report["channels"]["vectors"], "equal");
}

#[test]
fn two_encoders_make_different_vectors_of_the_same_questions() {
    let bge = data("topics.dl19-passage.bge-base-en-v1.5.jsonl.gz");
    let (Some(bge), Some(ada)) = (bge, data("topics.dl19-passage.openai-ada2.jsonl.gz")) else {
        return;
    };
    let (report, exit) = parity(&bge, &ada, &["--id=qid"]);
    assert_eq!(classes(&report), BTreeMap::from([("different", 43)]));
    assert_eq!(
        (exit, report["ladder"]["cause"].as_str()),
        (1, Some("contract")),
        "{}",
        report["sentence"]
    );
    let (report, exit) = parity(&ada, &ada, &["--id=qid"]);
    assert_eq!(
        (classes(&report), exit),
        (BTreeMap::from([("identical", 43)]), 0)
    );
}

/// Documents with their vectors.
fn documents(path: &Path) -> Vec<Row> {
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("a file");
    flate2::read::MultiGzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("gzip");
    let row = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("JSON");
        let numbers = value["vector"].as_array().expect("a vector").iter();
        Row {
            id: value["docid"].as_str().expect("an id").to_owned(),
            text: value["contents"].as_str().map(str::to_owned),
            metadata: Value::Null,
            section: None,
            vector: Some(
                numbers
                    .map(|x| x.as_f64().expect("a number") as f32)
                    .collect(),
            ),
        }
    };
    text.lines().map(row).collect()
}

#[test]
fn what_f16_costs_real_vectors_is_measured() {
    let Some(path) = data("ada2-docs100.jsonl.gz") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let rows = documents(&path);
    let mut whole = exports::columns(&rows, exports::Lists::Variable);
    whole.retain(|(name, _)| ["id", "text", "vector"].contains(name));
    let half = folder.path().join("f16.parquet");
    let mut narrow = whole.clone();
    narrow[2].1 = cast(&whole[2].1, DataType::Float16);
    exports::parquet(&half, &batch(narrow), 30);
    let original = folder.path().join("f32.arrow");
    exports::arrow(&original, &batch(whole));
    let figures = |report: &Value| {
        let vectors = &report["rows"]["vectors"];
        (
            vectors["max_distance"].as_f64(),
            vectors["max_delta"].as_f64(),
            vectors["n_estimated"].as_u64(),
        )
    };
    let (report, exit) = parity(&original, &half, &[]);
    assert_eq!(
        classes(&report),
        BTreeMap::from([("equivalent", rows.len() as u64)])
    );
    assert_eq!(exit, 0, "{}", report["sentence"]);
    let (distance, delta, estimated) = figures(&report);
    let (distance, delta) = (distance.expect("measured"), delta.expect("measured"));
    // f16 has eleven bits: half a unit in the last place of a number below 1 is 2^-12 at most.
    assert!(distance > 0.0 && distance < 1e-7, "{distance}");
    assert!(delta > 0.0 && delta <= 2.0_f64.powi(-12), "{delta}");
    assert_eq!(estimated, Some(0));
    let stamp = |source: &Path, name: &str| {
        let out = folder.path().join(name);
        let (source, to) = (
            source.to_str().expect("UTF-8"),
            out.to_str().expect("UTF-8"),
        );
        let output = ragstone(&["stamp", source, "--out", to]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        out
    };
    let (a, b) = (stamp(&original, "a"), stamp(&half, "b"));
    let (report, exit) = parity(&a, &b, &[]);
    assert_eq!(
        classes(&report),
        BTreeMap::from([("equivalent", rows.len() as u64)])
    );
    assert_eq!(exit, 0, "{}", report["sentence"]);
    let (by_projection, none, estimated) = figures(&report);
    assert_eq!((none, estimated), (None, Some(rows.len() as u64)));
    let ratio = by_projection.expect("estimated") / distance;
    assert!(
        ratio > 0.4 && ratio < 4.0,
        "{ratio} of the largest distance"
    );
}

#[test]
fn the_named_columns_of_the_real_export_are_read_as_they_are() {
    let Some(path) = data("ada2-docs100.jsonl.gz") else {
        return;
    };
    let flags = ["--id=docid", "--text=contents"];
    let (report, exit) = parity(&path, &path, &flags);
    assert_eq!(
        (classes(&report), exit),
        (BTreeMap::from([("identical", 100)]), 0)
    );
    assert_eq!(report["a"]["contract"]["DIM"], "1536");
    let health = &report["a"]["health"];
    assert_eq!(
        (&health["rows"], &health["unnormalised"]),
        (&100.into(), &0.into())
    );
}
