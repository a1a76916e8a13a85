//! What `parity` lists: every id that differs, and the gold questions that ask for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::exports::{self, Lists, Row, batch, columns};
use crate::support::{ragstone, root, stderr, stdout};

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

/// Rows, one of which stands twice.
const N: usize = 1_500;

/// Each id of a list with its class of content, its class of vectors, their basis and distance.
type Listed = BTreeMap<String, (Option<String>, Option<String>, Option<String>, Option<f64>)>;

fn listed(path: &Path) -> Listed {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("a file"));
    let mut listed = Listed::new();
    for batch in reader.expect("Parquet").build().expect("Parquet") {
        let batch = batch.expect("a batch");
        let column = |name: &str| batch.column_by_name(name).expect("a column").clone();
        let text = |name: &str, row: usize| {
            let column = column(name);
            let column = column.as_string::<i32>();
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        let distances = column("distance");
        let distances = distances.as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            let distance = distances.is_valid(row).then(|| distances.value(row));
            let found = (
                text("content", row),
                text("vector", row),
                text("basis", row),
                distance,
            );
            let twice = listed.insert(text("id", row).expect("an id"), found);
            assert!(twice.is_none(), "an id stands in the list once");
        }
    }
    listed
}

/// An id's class of content, and whether its vector moved.
type Change = (Option<&'static str>, bool);

/// The rows with four of five changed in one way each, and what became of each id.
fn changed(rows: &[Row]) -> (Vec<Row>, BTreeMap<String, Change>) {
    let mut changed = rows.to_vec();
    let mut expected: BTreeMap<String, Change> = BTreeMap::new();
    for (i, row) in changed.iter_mut().enumerate().take(N).skip(20) {
        match i % 5 {
            0 => row.text = Some(format!("New {i}.")),
            1 => row.metadata["rev"] = json!("5"),
            2 => row.vector.as_mut().expect("a vector")[1] += 0.75,
            3 => row.id.push_str("-moved"),
            _ => continue,
        }
        let class = [
            Some("text_changed"),
            Some("metadata_changed"),
            None,
            Some("extra"),
        ][i % 5];
        expected.insert(row.id.clone(), (class, i % 5 == 2));
        if i % 5 == 3 {
            expected.insert(rows[i].id.clone(), (Some("missing"), false));
        }
    }
    (changed, expected)
}

#[test]
fn ids_beyond_the_shown_ones_are_all_in_the_list() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let rows = exports::rows(N);
    exports::parquet(
        &at("a.parquet"),
        &batch(columns(&rows, Lists::Variable)),
        100,
    );
    let (changed, expected) = changed(&rows);
    exports::parquet(
        &at("b.parquet"),
        &batch(columns(&changed, Lists::Variable)),
        100,
    );
    let (a, b) = (text(&at("a.parquet")), text(&at("b.parquet")));
    let list = format!("--rows={}", text(&at("rows.parquet")));
    let output = ragstone(&["parity", &a, &b, "--format=json", &list]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["rows"]["text_changed"]["n"], 296);
    let shown = report["rows"]["text_changed"]["first"]
        .as_array()
        .expect("ids");
    assert_eq!(shown.len(), 200, "a report stays small");
    let listed = listed(&at("rows.parquet"));
    assert_eq!(
        listed.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (id, (content, vector, basis, distance)) in &listed {
        let (class, moved) = expected[id];
        assert_eq!(content.as_deref(), class, "{id}");
        let found = vector.as_deref() == Some("different");
        assert_eq!(found, moved, "{id}");
        if moved {
            assert_eq!(basis.as_deref(), Some("numbers"));
            assert!(distance.is_some_and(|distance| distance > 1e-3), "{id}");
        }
    }
    let again = ragstone(&["parity", &a, &b, &list]);
    assert_eq!(again.status.code(), Some(2), "nothing is overwritten");
    for name in ["a", "b"] {
        let (source, out) = (text(&at(&format!("{name}.parquet"))), text(&at(name)));
        let output = ragstone(&["stamp", &source, "--out", &out]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let list = format!("--rows={}", text(&at("estimated.parquet")));
    let output = ragstone(&["parity", &text(&at("a")), &text(&at("b")), &list]);
    assert_eq!(output.status.code(), Some(1));
    let estimated = self::listed(&at("estimated.parquet"));
    assert_eq!(
        estimated.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    let bases: BTreeSet<_> = estimated
        .values()
        .filter_map(|found| found.2.clone())
        .collect();
    assert!(bases.contains("projection"), "{bases:?}");
}

/// The handbook's sections, each as one row.
fn handbook() -> Vec<Value> {
    let corpus = std::fs::read_to_string(root().join("goldsets/handbook/corpus.jsonl"));
    let row = |line: &str| {
        let section: Value = serde_json::from_str(line).expect("a section");
        let (doc, name) = (section["doc_id"].as_str(), section["section_id"].as_str());
        let id = format!("{}-{}", doc.expect("a document"), name.expect("a section"));
        json!({
            "id": id, "doc_id": section["doc_id"], "section_id": section["section_id"],
            "text": section["text"], "metadata": { "rev": section["rev"] },
        })
    };
    corpus.expect("a corpus").lines().map(row).collect()
}

/// The questions whose target is the section, from the file itself.
fn asking(doc: &str, section: &str) -> BTreeSet<String> {
    let questions = std::fs::read_to_string(root().join("goldsets/handbook/questions.jsonl"));
    let questions = questions.expect("questions");
    let questions = questions
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a question"));
    let asks = |question: &Value| {
        let targets = question["target"].as_array();
        targets.is_some_and(|targets| {
            targets
                .iter()
                .any(|target| target["doc_id"] == doc && target["section_id"] == section)
        })
    };
    let asking = questions.filter(asks);
    asking
        .map(|question| question["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[test]
fn questions_that_ask_for_what_differs_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| text(&folder.path().join(name));
    let write = |name: &str, rows: &[Value]| {
        std::fs::write(at(name), exports::json_lines(rows)).expect("a disk");
    };
    let rows = handbook();
    write("a.jsonl", &rows);
    let gold = "--gold=goldsets/handbook";
    let check = |name: &str, rows: &[Value], touched: &[(&str, &str)]| {
        write(name, rows);
        let output = ragstone(&["parity", &at("a.jsonl"), &at(name), gold, "--format=json"]);
        let exit = i32::from(!touched.is_empty());
        assert_eq!(output.status.code(), Some(exit), "{}", stderr(&output));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (doc, section) in touched {
            let questions = asking(doc, section);
            assert!(!questions.is_empty(), "somebody asks for {doc}/{section}");
            for question in questions {
                expected
                    .entry(question)
                    .or_default()
                    .insert(format!("{doc}/{section}"));
            }
        }
        assert_eq!(report["questions"]["n_questions"], 100);
        assert_eq!(report["questions"]["questions"], json!(expected), "{name}");
    };
    check("same.jsonl", &rows, &[]);
    let mut changed = rows.clone();
    changed[3]["text"] = json!("The readiness endpoint is gone.");
    check("one.jsonl", &changed, &[("routing", "readiness")]);
    changed.remove(1);
    check(
        "two.jsonl",
        &changed,
        &[("routing", "readiness"), ("routing", "stickiness")],
    );
    let output = ragstone(&["parity", &at("a.jsonl"), &at("two.jsonl"), gold]);
    let asked = asking("routing", "readiness")
        .union(&asking("routing", "stickiness"))
        .count();
    let words = format!("{asked} of 100 ask for what differs");
    assert!(stdout(&output).contains(&words), "{}", stdout(&output));
}
