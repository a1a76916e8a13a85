//! What `stamp` and `parity` refuse, in which words and with which exit code; and that no text of an index
//! steers a terminal.

use std::process::Output;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::exports::{self, Bench, Lists, batch, columns};
use crate::support::{ragstone, stderr, stdout};

impl Bench {
    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.at(name)).expect("a file")
    }

    fn try_stamp(&self, source: &str, out: &str) -> Output {
        ragstone(&["stamp", &self.text(source), "--out", &self.text(out)])
    }

    fn parity(&self, a: &str, b: &str) -> Output {
        ragstone(&["parity", &self.text(a), &self.text(b)])
    }

    #[track_caller]
    fn refuses(&self, name: &str, bytes: impl AsRef<[u8]>, exit: i32, words: &[&str]) {
        self.write(name, bytes);
        let output = self.try_stamp(name, &format!("of-{name}"));
        refused(name, &output, exit, words);
        for end in [".stamp.json", ".stamp.parquet"] {
            assert!(
                !self.at(&format!("of-{name}{end}")).exists(),
                "{name}: nothing is written"
            );
        }
    }
}

#[track_caller]
fn refused(what: &str, output: &Output, exit: i32, words: &[&str]) {
    let said = stderr(output);
    // Messages are wrapped to the terminal.
    let said = said.replace("\n  │ ", " ").replace("\n        ", " ");
    assert_eq!(output.status.code(), Some(exit), "{what}: {said}");
    for words in words {
        assert!(said.contains(words), "{what}: {words:?} in {said}");
    }
}

#[test]
fn what_is_wrong_with_an_export_is_said_with_its_place() {
    let bench = Bench::new();
    let missing = bench.try_stamp("nowhere.jsonl", "x");
    refused("missing", &missing, 4, &["nowhere.jsonl: cannot be read"]);
    std::fs::create_dir(bench.at("empty")).expect("a folder");
    refused(
        "empty folder",
        &bench.try_stamp("empty", "x"),
        2,
        &["empty: holds no files"],
    );
    let line = r#"{"id":"a","text":"t"}"#;
    let after = |bad: &str| format!("{line}\n{line}\n{bad}\n");
    bench.refuses(
        "key.jsonl",
        r#"{"key":"a"}"#,
        2,
        &["no column \"id\" for the id", "\"key\""],
    );
    bench.refuses(
        "null.jsonl",
        after(r#"{"id":null}"#),
        2,
        &["line 3: a row without an id"],
    );
    bench.refuses(
        "later.jsonl",
        after(r#"{"text":"t"}"#),
        2,
        &["line 3: a row without an id"],
    );
    bench.refuses("broken.jsonl", after(r#"{"id":"a","#), 2, &["line 3: "]);
    let metadata = |value: &str| after(&format!(r#"{{"id":"a","metadata":{value}}}"#));
    bench.refuses(
        "bad.jsonl",
        metadata(r#""{oops""#),
        2,
        &["line 3: \"metadata\": text that holds no JSON"],
    );
    bench.refuses(
        "array.jsonl",
        metadata("[1]"),
        2,
        &["line 3: \"metadata\": an array, expected an object"],
    );
    bench.refuses(
        "nan.jsonl",
        metadata(r#"{"k":NaN}"#),
        2,
        &["line 3: expected value"],
    );
    bench.refuses(
        "large.jsonl",
        metadata(r#"{"k":1e999}"#),
        2,
        &["line 3: number out of range"],
    );
    bench.refuses(
        "vector.jsonl",
        after(r#"{"id":"a","vector":[1e39]}"#),
        2,
        &["line 3: ", "beyond the range of f32"],
    );
    bench.refuses(
        "notes.txt",
        "Dear diary",
        2,
        &["no format that is read here", "Dear diary"],
    );
}

#[test]
fn a_damaged_or_ill_typed_file_is_refused() {
    let bench = Bench::new();
    let rows = exports::rows(200);
    exports::parquet(
        &bench.at("whole.parquet"),
        &batch(columns(&rows, Lists::Variable)),
        50,
    );
    exports::arrow(
        &bench.at("whole.arrow"),
        &batch(columns(&rows, Lists::Variable)),
    );
    for (whole, words) in [
        ("whole.parquet", "not readable as Parquet"),
        ("whole.arrow", "not whole as Arrow IPC"),
    ] {
        let bytes = bench.read(whole);
        let name = format!("cut-{whole}");
        bench.refuses(&name, &bytes[..bytes.len() / 2], 4, &[words]);
    }
    bench.refuses(
        "cut.jsonl.gz",
        &exports::gzip(&exports::lines(&rows))[..2_000],
        4,
        &["cannot be read"],
    );
    let lines = exports::lines(&rows);
    bench.refuses("cut.jsonl", &lines[..lines.len() - 20], 2, &["line 201: "]);
    let text = |values: Vec<Option<&str>>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let refuse = |name: &str, columns: Vec<(&str, ArrayRef)>, exit, words: &[&str]| {
        let file = format!("{name}.parquet");
        exports::parquet(&bench.at(&file), &batch(columns), 10);
        refused(name, &bench.try_stamp(&file, name), exit, words);
    };
    let ids = || ("id", text(vec![Some("a"), Some("b")]));
    refuse(
        "null id",
        vec![("id", text(vec![Some("a"), None]))],
        2,
        &["row 2"],
    );
    let metadata = |value| vec![ids(), ("metadata", text(vec![Some("{}"), Some(value)]))];
    refuse(
        "no JSON",
        metadata("{oops"),
        2,
        &["row 2: the metadata is no JSON"],
    );
    refuse(
        "no object",
        metadata("[1]"),
        2,
        &["row 2: the metadata is no JSON object"],
    );
    refuse(
        "NaN",
        metadata(r#"{"k":NaN}"#),
        2,
        &["row 2: the metadata is no JSON"],
    );
    refuse(
        "words as vectors",
        vec![ids(), ("vector", text(vec![None, Some("1,2")]))],
        2,
        &["the column \"vector\" for the vector is"],
    );
}

/// Two stamps that differ in one row.
fn stamped() -> Bench {
    let bench = Bench::new();
    let mut rows = exports::rows(200);
    bench.write("a.jsonl", exports::lines(&rows));
    rows[50].text = Some("Another text.".to_owned());
    bench.write("b.jsonl", exports::lines(&rows));
    for name in ["a", "b"] {
        let output = bench.try_stamp(&format!("{name}.jsonl"), name);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    assert_eq!(bench.parity("a", "b").status.code(), Some(1));
    bench
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    let at = bytes.windows(part.len()).position(|window| window == part);
    at.expect("it is there")
}

fn without(object: &mut Value, key: &str) {
    object.as_object_mut().expect("fields").remove(key);
}

#[test]
fn a_document_that_was_changed_is_refused() {
    let bench = stamped();
    let whole: Value = serde_json::from_slice(&bench.read("a.stamp.json")).expect("JSON");
    let other: Value = serde_json::from_slice(&bench.read("b.stamp.json")).expect("JSON");
    let check = |what: &str, change: &dyn Fn(&mut Value), words: &str| {
        let mut changed = whole.clone();
        change(&mut changed);
        bench.write("a.stamp.json", changed.to_string());
        refused(what, &bench.parity("a", "b"), 4, &[words]);
        refused(what, &bench.parity("b", "a"), 4, &[words]);
    };
    let content = other["channels"]["content"].clone();
    let root = "root of the content channel";
    check(
        "content root",
        &|stamp| stamp["channels"]["content"] = content.clone(),
        root,
    );
    let vectors = |stamp: &mut Value| stamp["channels"]["vectors"] = json!(null);
    check("vector root", &vectors, "root of the vector channel");
    let states = "states something else than was computed";
    check(
        "INDEX_HASH",
        &|stamp| stamp["contract"]["INDEX_HASH"] = content.clone(),
        states,
    );
    check(
        "VECTOR_HASH",
        &|stamp| without(&mut stamp["contract"], "VECTOR_HASH"),
        states,
    );
    check(
        "COUNT",
        &|stamp| stamp["contract"]["COUNT"] = json!("7"),
        states,
    );
    check(
        "rows",
        &|stamp| stamp["health"]["rows"] = json!(7),
        "other rows or ids than the document counts",
    );
    check(
        "METRIC",
        &|stamp| stamp["contract"]["METRIC"] = json!("dot"),
        "root of the config channel",
    );
    check(
        "format",
        &|stamp| stamp["format"] = json!(2),
        "a stamp of format 2",
    );
    check(
        "a stranger",
        &|stamp| stamp["signed"] = json!(true),
        "not a stamp",
    );
    check(
        "no format",
        &|stamp| without(stamp, "format"),
        "not a stamp",
    );
    bench.write("a.stamp.json", "{");
    refused("no JSON", &bench.parity("a", "b"), 4, &["not a stamp"]);
}

#[test]
fn rows_that_were_changed_are_refused() {
    let bench = stamped();
    let whole = bench.read("a.stamp.parquet");
    // The digest of the text that differs between the two, which parity reads.
    let digest = ragstone::ids::Digest::of("Step 50: drain the café queue of région 1.");
    let mut changed = whole.clone();
    let at = find(&whole, digest.as_bytes());
    changed[at + 7] ^= 1;
    bench.write("a.stamp.parquet", &changed);
    let words = "rows of a bucket do not give the bucket's digest";
    refused("a text's digest", &bench.parity("a", "b"), 4, &[words]);
    // A bucket's digest in the footer.
    let empty = ragstone::ids::Digest::derive("ragstone 2026 index bucket v1", []);
    let entry = BASE64.encode([*empty.as_bytes(), *empty.as_bytes(), *empty.as_bytes()].concat());
    let mut changed = whole.clone();
    let at = find(&whole, entry.as_bytes());
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    bench.write("a.stamp.parquet", &changed);
    refused(
        "a bucket's digest",
        &bench.parity("a", "b"),
        4,
        &["buckets do not give the root"],
    );
    bench.write("a.stamp.parquet", bench.read("b.stamp.parquet"));
    refused(
        "mixed files",
        &bench.parity("a", "b"),
        4,
        &["buckets do not give the root"],
    );
    bench.write("a.stamp.parquet", &whole[..whole.len() - 100]);
    refused(
        "cut short",
        &bench.parity("a", "b"),
        4,
        &["not a readable Parquet file"],
    );
    exports::parquet(
        &bench.at("a.stamp.parquet"),
        &batch(columns(&exports::rows(20), Lists::Variable)),
        10,
    );
    refused(
        "another file",
        &bench.parity("a", "b"),
        4,
        &["a.stamp.parquet"],
    );
    std::fs::remove_file(bench.at("a.stamp.parquet")).expect("there");
    refused(
        "missing",
        &bench.parity("a", "b"),
        4,
        &["a.stamp.parquet: cannot be read"],
    );
    bench.write("a.stamp.parquet", &whole);
    assert_eq!(bench.parity("a", "b").status.code(), Some(1), "whole again");
}

#[test]
fn projections_of_other_seeds_are_not_compared_and_equal_rows_are() {
    let bench = stamped();
    let mut rows = exports::rows(200);
    rows[60].vector.as_mut().expect("a vector")[2] += 0.5;
    bench.write("c.jsonl", exports::lines(&rows));
    let seed = |source: &str, out: &str| {
        let (source, out) = (bench.text(source), bench.text(out));
        let output = ragstone(&["stamp", &source, "--out", &out, "--seed=2"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    seed("c.jsonl", "c");
    refused(
        "other seeds",
        &bench.parity("a", "c"),
        2,
        &["different seeds", "--seed"],
    );
    seed("a.jsonl", "same");
    assert_eq!(bench.parity("a", "same").status.code(), Some(0));
}

const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\r\n\u{202e}PASS\u{2066}\u{200f}";

/// Whatever steers a terminal, line breaks aside.
#[track_caller]
fn harmless(what: &str, text: &str) {
    let steers =
        |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2066}\u{200f}\u{2028}".contains(c);
    assert!(!text.chars().any(steers), "{what}: {text:?}");
    assert!(
        !text
            .lines()
            .any(|line| line.starts_with("\u{202e}PASS") || line == "PASS"),
        "{what}"
    );
}

#[test]
fn texts_of_an_index_never_steer_a_terminal() {
    let bench = Bench::new();
    let row = |id: &str, text: &str| {
        json!({
            "id": format!("{HOSTILE}{id}"), "text": text, "doc_id": HOSTILE, "section_id": id,
            "metadata": { HOSTILE: text }, HOSTILE: 1,
        })
    };
    let lines = exports::json_lines;
    bench.write(
        "a.jsonl",
        lines(&[row("1", "a"), row("2", "b"), row("3", "c"), row("3", "c")]),
    );
    let mut metadata = row("2", "b");
    metadata["metadata"][HOSTILE] = json!("z");
    bench.write(
        "b.jsonl",
        lines(&[row("1", HOSTILE), metadata, row("4", "c")]),
    );
    bench.write(
        "claims.json",
        json!({ "METRIC": HOSTILE, "COUNT": HOSTILE }).to_string(),
    );
    let claims = format!("--contract={}", bench.text("claims.json"));
    for name in ["a", "b"] {
        let source = bench.text(&format!("{name}.jsonl"));
        let output = ragstone(&["stamp", &source, "--out", &bench.text(name), &claims]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        harmless("stamp", &stdout(&output));
        harmless("stamp's words", &stderr(&output));
    }
    let claims = format!("--contract-b={}", bench.text("claims.json"));
    let output = ragstone(&[
        "parity",
        &bench.text("a.jsonl"),
        &bench.text("b.jsonl"),
        &claims,
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    harmless("parity", &stdout(&output));
    harmless("parity's words", &stderr(&output));
    assert!(
        stdout(&output).contains("␛[2J"),
        "they are shown: {}",
        stdout(&output)
    );
    let output = bench.parity("a", "b");
    harmless("parity of stamps", &stdout(&output));
    bench.write(
        &format!("{}.jsonl", HOSTILE.replace('/', "")),
        "{\"id\":null}",
    );
    let output = bench.try_stamp(&format!("{HOSTILE}.jsonl"), "x");
    assert_eq!(output.status.code(), Some(2));
    harmless("a file's name", &stderr(&output));
}

#[test]
fn a_column_of_a_hostile_name_is_refused_in_harmless_words() {
    let bench = Bench::new();
    bench.write(
        "a.jsonl",
        format!(
            "{}\n",
            json!({ HOSTILE: 1, "id": "a", "metadata": { "k": 1 } })
        ),
    );
    let id = format!("--id={HOSTILE}x");
    let output = ragstone(&[
        "stamp",
        &bench.text("a.jsonl"),
        "--out",
        &bench.text("x"),
        &id,
    ]);
    assert_eq!(output.status.code(), Some(2));
    harmless("columns", &stderr(&output));
}
