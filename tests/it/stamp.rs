//! `ragstone stamp`: the same rows give the same bytes, however they are kept and read.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use arrow::datatypes::DataType;
use ragstone::parity::stamp::Stamp;
use serde_json::{Value, json};

use crate::exports::{self, Bench, Lists, Row, batch, cast, columns, integers};
use crate::support::{ragstone, stderr, stdout};

const N: usize = 300;

/// The two files of a stamp.
#[derive(PartialEq)]
struct Files {
    document: Vec<u8>,
    rows: Vec<u8>,
}

impl Bench {
    /// Runs `stamp` on sources of the folder.
    fn run(&self, sources: &[&str], out: &str, flags: &[&str]) -> Output {
        let sources: Vec<String> = sources.iter().map(|name| self.text(name)).collect();
        let out = self.text(out);
        let mut args = vec!["stamp", "--out", &out];
        args.extend(sources.iter().map(String::as_str));
        args.extend(flags);
        ragstone(&args)
    }

    #[track_caller]
    fn stamp(&self, sources: &[&str], out: &str, flags: &[&str]) -> Files {
        let output = self.run(sources, out, flags);
        assert_eq!(output.status.code(), Some(0), "{out}: {}", stderr(&output));
        let read = |end: &str| std::fs::read(self.at(&format!("{out}{end}"))).expect("written");
        Files {
            document: read(".stamp.json"),
            rows: read(".stamp.parquet"),
        }
    }

    fn document(&self, sources: &[&str], out: &str, flags: &[&str]) -> Value {
        serde_json::from_slice(&self.stamp(sources, out, flags).document).expect("JSON")
    }
}

#[track_caller]
fn same(what: &str, a: &Files, b: &Files) {
    let text = |files: &Files| String::from_utf8_lossy(&files.document).into_owned();
    assert_eq!(text(a), text(b), "{what}");
    assert!(a.rows == b.rows, "{what}: NAME.stamp.parquet");
}

fn shuffled(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| ragstone::ids::Digest::of(format!("{}!", row.id)).to_string());
    rows
}

#[test]
fn the_same_rows_give_the_same_bytes_in_every_format() {
    let bench = Bench::new();
    let rows = exports::rows(N);
    let whole = |lists| batch(columns(&rows, lists));
    exports::parquet(&bench.at("a.parquet"), &whole(Lists::Variable), 64);
    exports::parquet(&bench.at("b.parquet"), &whole(Lists::Fixed), 1_000);
    exports::arrow(&bench.at("c.arrow"), &whole(Lists::Variable));
    let lines = exports::lines(&rows);
    bench.write("d.jsonl", &lines);
    bench.write("e.jsonl.gz", exports::gzip(&lines));
    bench.write("f.jsonl.zst", exports::zstandard(&lines));
    let first = bench.stamp(&["a.parquet"], "first", &[]);
    for name in [
        "b.parquet",
        "c.arrow",
        "d.jsonl",
        "e.jsonl.gz",
        "f.jsonl.zst",
    ] {
        let other = bench.stamp(&[name], &format!("of-{name}"), &[]);
        same(name, &first, &other);
    }
    let stamp: Stamp = serde_json::from_slice(&first.document).expect("a stamp");
    let health = &stamp.health;
    assert_eq!((health.rows, health.distinct_ids), (N as u64 + 1, N as u64));
    assert_eq!((health.absent_texts, health.absent_vectors), (1, 1));
    assert_eq!((health.empty_texts, health.duplicate_ids), (1, 1));
}

#[test]
fn order_files_threads_and_memory_leave_no_trace() {
    let bench = Bench::new();
    let rows = exports::rows(N);
    bench.write("all.jsonl", exports::lines(&rows));
    bench.write("shuffled.jsonl", exports::lines(&shuffled(&rows)));
    for (i, part) in shuffled(&rows).chunks(37).enumerate() {
        if i % 2 == 0 {
            bench.write(&format!("split/{i}.jsonl"), exports::lines(part));
        } else {
            let path = bench.at(&format!("split/{i}.parquet"));
            exports::parquet(&path, &batch(columns(part, Lists::Variable)), 10);
        }
    }
    let first = bench.stamp(&["all.jsonl"], "first", &[]);
    let check = |what: &str, source: &str, flags: &[&str]| {
        let name = what.replace(' ', "-");
        same(what, &first, &bench.stamp(&[source], &name, flags));
    };
    check("shuffled", "shuffled.jsonl", &[]);
    check("split over files", "split", &[]);
    check("one thread", "split", &["--threads=1"]);
    check("two threads", "split", &["--threads=2"]);
    let files: BTreeSet<String> = std::fs::read_dir(bench.at("split"))
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .map(|name| format!("split/{name}"))
        .collect();
    let files: Vec<&str> = files.iter().rev().map(String::as_str).collect();
    same(
        "files one by one",
        &first,
        &bench.stamp(&files, "one-by-one", &[]),
    );
}

#[test]
fn spilled_rows_are_the_same_rows() {
    let bench = Bench::new();
    // Some 3 MB of packed rows, of which 1 MiB is kept.
    let rows: Vec<Row> = exports::rows(9_000);
    let whole = batch(columns(&rows, Lists::Fixed));
    exports::parquet(&bench.at("a.parquet"), &whole, 1_024);
    let first = bench.stamp(&["a.parquet"], "held", &[]);
    std::fs::create_dir(bench.at("spill")).expect("a folder");
    let spill_to = format!("--spill-to={}", bench.text("spill"));
    for threads in ["--threads=1", "--threads=2"] {
        let flags = ["--memory=1", threads, &spill_to];
        let spilled = bench.stamp(&["a.parquet"], &format!("spilled{threads}"), &flags);
        same("spilled", &first, &spilled);
    }
    let left = std::fs::read_dir(bench.at("spill"))
        .expect("a folder")
        .count();
    assert_eq!(left, 0, "nothing is left of what was spilled");
}

#[test]
fn texts_and_vectors_in_files_of_their_own_are_one_index() {
    let bench = Bench::new();
    let mut rows = exports::rows(N);
    for row in &mut rows {
        row.text.get_or_insert_default();
        row.vector.get_or_insert_with(|| vec![0.5; exports::DIM]);
        row.metadata = Value::Null;
        row.section = None;
    }
    bench.write("a.tsv", exports::tsv(&rows));
    bench.write("a.tsv.gz", exports::gzip(exports::tsv(&rows).as_bytes()));
    bench.write("a.npy", exports::npy(&rows));
    bench.write("a.fvecs", exports::fvecs(&rows));
    let mut bare = columns(&rows, Lists::Fixed);
    bare.retain(|(name, _)| ["id", "text", "vector"].contains(name));
    exports::parquet(&bench.at("a.parquet"), &batch(bare), 50);
    let first = bench.stamp(&["a.tsv", "a.npy"], "npy", &[]);
    same(
        "fvecs",
        &first,
        &bench.stamp(&["a.tsv", "a.fvecs"], "fvecs", &[]),
    );
    same(
        "packed",
        &first,
        &bench.stamp(&["a.tsv.gz", "a.npy"], "packed", &[]),
    );
    same(
        "columns",
        &first,
        &bench.stamp(&["a.parquet"], "columns", &[]),
    );
    let alone = bench.document(&["a.tsv"], "alone", &[]);
    let all: Value = serde_json::from_slice(&first.document).expect("JSON");
    assert_eq!(alone["channels"]["content"], all["channels"]["content"]);
    assert_eq!(alone["channels"]["vectors"], Value::Null);
}

#[test]
fn vectors_are_stamped_as_f32_whatever_they_are_kept_in() {
    let bench = Bench::new();
    let mut rows = exports::rows(N);
    // Numbers that f16 keeps exactly.
    for x in rows
        .iter_mut()
        .filter_map(|row| row.vector.as_mut())
        .flatten()
    {
        *x = half::f16::from_f32(*x).to_f32();
    }
    let mut whole = columns(&rows, Lists::Variable);
    exports::parquet(&bench.at("f32.parquet"), &batch(whole.clone()), 100);
    let at = whole
        .iter()
        .position(|(name, _)| *name == "vector")
        .expect("vectors");
    let vectors = whole[at].1.clone();
    let first = bench.stamp(&["f32.parquet"], "f32", &[]);
    for (name, number) in [("f64", DataType::Float64), ("f16", DataType::Float16)] {
        whole[at].1 = cast(&vectors, number);
        let file = format!("{name}.parquet");
        exports::parquet(&bench.at(&file), &batch(whole.clone()), 100);
        same(name, &first, &bench.stamp(&[&file], name, &[]));
    }
}

#[test]
fn columns_are_named_and_what_is_left_out_is_shown() {
    let bench = Bench::new();
    let rows = exports::rows(N);
    let mut whole = columns(&rows, Lists::Variable);
    exports::parquet(&bench.at("usual.parquet"), &batch(whole.clone()), 100);
    let usual = bench.stamp(&["usual.parquet"], "usual", &[]);
    let names = ["pk", "source", "part", "body", "meta", "embedding"];
    for ((name, _), new) in whole.iter_mut().zip(names) {
        *name = new;
    }
    let shown = batch(whole.clone());
    exports::parquet(&bench.at("named.parquet"), &shown, 100);
    let flags = [
        "--id=pk",
        "--doc-id=source",
        "--section-id=part",
        "--text=body",
        "--metadata=meta",
        "--vector=embedding",
    ];
    same(
        "named",
        &usual,
        &bench.stamp(&["named.parquet"], "named", &flags),
    );
    let fewer = bench.run(&["named.parquet"], "fewer", &["--id=pk", "--text=body"]);
    assert_eq!(fewer.status.code(), Some(0), "{}", stderr(&fewer));
    let text = stdout(&fewer);
    assert!(
        text.contains("left out       embedding, meta, part, source"),
        "{text}"
    );
    assert!(
        text.contains("has none of    metadata, vectors, sections"),
        "{text}"
    );
    let document = bench.document(&["named.parquet"], "again", &["--id=pk", "--text=body"]);
    assert_eq!(
        document["left_out"],
        json!(["embedding", "meta", "part", "source"])
    );
    let missing = bench.run(&["named.parquet"], "missing", &["--id=pk", "--text=words"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("no column \"words\" for the text"));
}

#[test]
fn integers_are_ids_in_decimal() {
    let bench = Bench::new();
    let numbers = || [0, -1, 42, i64::MAX, i64::MIN].into_iter();
    let column = ("id", integers(numbers()));
    exports::parquet(&bench.at("a.parquet"), &batch(vec![column]), 2);
    let lines: Vec<Value> = numbers().map(|id| json!({ "id": id })).collect();
    bench.write("b.jsonl", exports::json_lines(&lines));
    let texts = numbers().map(|id| json!({ "id": id.to_string() }));
    bench.write("c.jsonl", exports::json_lines(&texts.collect::<Vec<_>>()));
    let first = bench.stamp(&["a.parquet"], "a", &[]);
    same(
        "integers in JSON",
        &first,
        &bench.stamp(&["b.jsonl"], "b", &[]),
    );
    same("texts", &first, &bench.stamp(&["c.jsonl"], "c", &[]));
}

#[test]
fn strict_fails_on_a_vector_that_no_index_should_hold_and_on_a_claim_that_is_not_so() {
    let bench = Bench::new();
    let mut rows = exports::rows(N);
    exports::arrow(
        &bench.at("sound.arrow"),
        &batch(columns(&rows, Lists::Variable)),
    );
    assert_eq!(
        bench
            .run(&["sound.arrow"], "sound", &["--strict"])
            .status
            .code(),
        Some(0)
    );
    bench.write("claims.json", r#"{"COUNT": "7", "METRIC": "cosine"}"#);
    let claims = format!("--contract={}", bench.text("claims.json"));
    let lying = bench.run(&["sound.arrow"], "lying", &["--strict", &claims]);
    assert_eq!(lying.status.code(), Some(1), "{}", stderr(&lying));
    let words = format!("STAMP LIES     COUNT: claimed 7, computed {}", N + 1);
    assert!(stdout(&lying).contains(&words), "{}", stdout(&lying));
    rows[5].vector.as_mut().expect("a vector")[3] = f32::NAN;
    exports::arrow(
        &bench.at("nan.arrow"),
        &batch(columns(&rows, Lists::Variable)),
    );
    let strict = bench.run(&["nan.arrow"], "strict", &["--strict"]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(stdout(&strict).contains("FAULT          1 vectors with NaN"));
    assert_eq!(
        bench.run(&["nan.arrow"], "lenient", &[]).status.code(),
        Some(0)
    );
}

#[test]
fn nothing_is_overwritten() {
    let bench = Bench::new();
    bench.write("a.jsonl", "{\"id\":\"a\"}\n");
    for there in ["x.stamp.json", "x.stamp.parquet"] {
        bench.write(there, "mine");
        for out in ["x", "x.stamp.json"] {
            let output = bench.run(&["a.jsonl"], out, &[]);
            assert_eq!(output.status.code(), Some(2));
            assert!(
                stderr(&output).contains("exists already"),
                "{}",
                stderr(&output)
            );
        }
        assert_eq!(std::fs::read(bench.at(there)).expect("there"), b"mine");
        std::fs::remove_file(bench.at(there)).expect("there");
    }
}

/// Names in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_run_that_is_killed_leaves_no_stamp_and_can_be_repeated() {
    let bench = Bench::new();
    let line = |i: usize| format!("{{\"id\":\"{i}\",\"text\":\"{}\"}}\n", "words ".repeat(40));
    bench.write("a.jsonl", (0..60_000).map(line).collect::<String>());
    std::fs::create_dir(bench.at("out")).expect("a folder");
    let out = bench.at("out");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ragstone"))
        .args(["stamp", &bench.text("a.jsonl"), "--threads=1", "--out"])
        .arg(out.join("x"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let began = Instant::now();
    while names(&out).is_empty() {
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "it begins to write"
        );
        std::thread::yield_now();
    }
    child.kill().expect("it runs");
    assert!(
        !child.wait().expect("a status").success(),
        "killed before its end"
    );
    let left = names(&out);
    assert!(
        left.iter().all(|name| name.starts_with(".ragstone-")),
        "{left:?}"
    );
    let output = bench.run(&["a.jsonl"], "out/x", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let stamped: BTreeSet<String> = names(&out).difference(&left).cloned().collect();
    assert_eq!(
        stamped,
        ["x.stamp.json", "x.stamp.parquet"]
            .map(str::to_owned)
            .into()
    );
}
