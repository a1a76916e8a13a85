//! What cannot be read says where and why.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow::datatypes::Float64Type;

use super::super::sample::{self, arrow_file, arrow_stream, batch, json_lines, npy, parquet, rows};
use super::super::{Columns, ExportError, Source};
use super::packed;

/// Writes a file.
type Write = fn(&Path, &[RecordBatch]);

/// The message and its help, and those of what caused it.
fn message(error: &ExportError) -> String {
    let help = miette::Diagnostic::help(error).map(|help| help.to_string());
    let mut text = format!("{error} | {}", help.unwrap_or_default());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text} | {error}");
        cause = error.source();
    }
    text
}

#[track_caller]
fn refused(paths: &[PathBuf], columns: &Columns, parts: &[&str]) {
    let read = Source::open(paths, columns).and_then(|source| sample::all(&source));
    let found = message(&read.expect_err("refused"));
    for part in parts {
        assert!(found.contains(part), "no {part:?} in: {found}");
    }
}

/// A file with these bytes is refused with these parts of a message.
#[track_caller]
fn bytes_refused(name: &str, bytes: &[u8], parts: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("written");
    refused(&[path], &Columns::default(), parts);
}

fn columns_refused(columns: &[(&str, ArrayRef)], parts: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let columns = columns
        .iter()
        .cloned()
        .map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("columns");
    let path = folder.path().join("a.arrow");
    arrow_file(&path, &[batch]);
    refused(&[path], &Columns::default(), parts);
}

fn ids(n: usize) -> (&'static str, ArrayRef) {
    (
        "id",
        Arc::new(StringArray::from_iter_values((0..n).map(|n| n.to_string()))),
    )
}

#[test]
fn no_format_that_is_known() {
    bytes_refused(
        "a.bin",
        b"\x00\x01\x02",
        &["a.bin", "no format", "begins with", "Parquet"],
    );
    bytes_refused("a.json", b" [1, 2]", &["one JSON array"]);
    bytes_refused("a.parquet", b"", &["it is empty"]);
    bytes_refused("a", b"FEA1....", &["Feather of version 1"]);
    bytes_refused("a.parquet", b"PARE....", &["encrypted"]);
    bytes_refused(
        "a.gz",
        &packed("PAR1 and so on"),
        &["compressed as a whole"],
    );
}

#[test]
fn nothing_to_read() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("_SUCCESS"), "").expect("written");
    let paths = [folder.path().to_owned()];
    refused(
        &paths,
        &Columns::default(),
        &["holds no files", "passed over"],
    );
    let missing = [folder.path().join("gone.parquet")];
    refused(
        &missing,
        &Columns::default(),
        &["gone.parquet", "cannot be read"],
    );
    refused(&[], &Columns::default(), &["holds no files"]);
}

#[test]
fn a_file_that_vanishes_or_grows_after_it_was_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = rows(10, 2);
    for name in ["a.parquet", "a.arrow", "a.jsonl"] {
        let path = folder.path().join(name);
        match name {
            "a.parquet" => parquet(&path, &[batch(&rows, 2, true)], 10),
            "a.arrow" => arrow_file(&path, &[batch(&rows, 2, true)]),
            _ => fs::write(&path, json_lines(&rows)).expect("written"),
        }
        let source = Source::open(std::slice::from_ref(&path), &Columns::default());
        let source = source.expect("an export");
        fs::write(&path, "short").expect("written");
        let changed = sample::all(&source).expect_err("changed");
        assert!(
            matches!(changed, ExportError::Changed { is: 5, .. }),
            "{changed}"
        );
        fs::remove_file(&path).expect("removed");
        let gone = sample::all(&source).expect_err("gone");
        assert!(matches!(gone, ExportError::Read { .. }), "{gone}");
    }
}

#[test]
fn files_that_are_cut_short() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a");
    let rows = rows(3_000, 8);
    let formats: [(Write, &str); 3] = [
        (|path, batches| parquet(path, batches, 1_000), "Parquet"),
        (arrow_file, "its footer"),
        (arrow_stream, "beyond the end of the file"),
    ];
    for (write, part) in formats {
        write(
            &path,
            &[
                batch(&rows[..1_500], 8, true),
                batch(&rows[1_500..], 8, true),
            ],
        );
        let whole = fs::read(&path).expect("read");
        bytes_refused(
            "a",
            &whole[..whole.len() * 2 / 3],
            &["not ", part, "cut short"],
        );
    }
    let lines = packed(&json_lines(&rows));
    bytes_refused(
        "a.jsonl.gz",
        &lines[..lines.len() / 2],
        &["cannot be read", "cut short"],
    );
    let lines = zstd::encode_all(json_lines(&rows).as_bytes(), 1).expect("packed");
    bytes_refused(
        "a.jsonl.zst",
        &lines[..lines.len() / 2],
        &["cannot be read", "cut short"],
    );
}

/// Damage anywhere in a binary file is an error or a change of values, never a panic.
#[test]
fn damage_never_panics() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a");
    let rows = rows(40, 3);
    for stream in [true, false] {
        let write = if stream { arrow_stream } else { arrow_file };
        write(&path, &[batch(&rows, 3, true)]);
        let whole = fs::read(&path).expect("read");
        for at in (0..whole.len()).step_by(3) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            fs::write(&path, &bytes).expect("written");
            let source = Source::open(std::slice::from_ref(&path), &Columns::default());
            let take = |_| Ok::<_, ExportError>(());
            drop(source.and_then(|source| source.read(&take)));
        }
    }
}

#[test]
fn columns_that_are_missing_or_of_a_wrong_type() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.parquet");
    parquet(&path, &[batch(&rows(5, 2), 2, true)], 5);
    let named = |change: &dyn Fn(&mut Columns)| {
        let mut columns = Columns::default();
        change(&mut columns);
        columns
    };
    let refuse =
        |columns: Columns, parts: &[&str]| refused(std::slice::from_ref(&path), &columns, parts);
    refuse(
        named(&|c| c.id = "docid".into()),
        &["no column \"docid\" for the id", "\"extra\""],
    );
    refuse(
        named(&|c| c.text = Some("body".into())),
        &["no column \"body\" for the text"],
    );
    refuse(
        named(&|c| c.metadata = vec!["year".into()]),
        &["\"year\" for the metadata"],
    );
    refuse(
        named(&|c| c.vector = Some("text".into())),
        &["for the vector and for the text"],
    );
    refuse(
        named(&|c| c.vector = Some("extra".into())),
        &["for the vector is Utf8", "f16, f32"],
    );
    refuse(named(&|c| c.id = "extra2".into()), &["extra2"]);
    let lines = folder.path().join("a.jsonl");
    fs::write(&lines, json_lines(&rows(5, 2))).expect("written");
    let columns = named(&|c| c.section_id = Some("part".into()));
    refused(&[lines], &columns, &["no column \"part\" for the section"]);
    columns_refused(
        &[("id", Arc::new(Float64Array::from(vec![1.0])) as ArrayRef)],
        &["for the id is Float64", "integers"],
    );
    columns_refused(
        &[
            ids(1),
            (
                "metadata",
                Arc::new(BinaryArray::from(vec![&b"x"[..]])) as ArrayRef,
            ),
        ],
        &["for the metadata is Binary"],
    );
}

#[test]
fn values_that_are_none() {
    let none = StringArray::from(vec![Some("a"), None]);
    columns_refused(
        &[("id", Arc::new(none))],
        &["a.arrow row 2", "without an id", "\"id\""],
    );
    let null = ListArray::from_iter_primitive::<Float64Type, _, _>([
        None,
        Some(vec![Some(1.0)]),
        Some(vec![Some(1.0), None]),
    ]);
    let null: ArrayRef = Arc::new(null);
    columns_refused(&[ids(3), ("vector", null)], &["row 3", "a null in it"]);
    let large = ListArray::from_iter_primitive::<Float64Type, _, _>([
        Some(vec![Some(f64::INFINITY)]),
        Some(vec![Some(-1e39)]),
    ]);
    let large: ArrayRef = Arc::new(large);
    columns_refused(
        &[ids(2), ("vector", large)],
        &["row 2", "-1e39", "range of f32"],
    );
    let odd: ArrayRef = Arc::new(BinaryArray::from(vec![&[0u8; 4][..], &[0u8; 6][..]]));
    columns_refused(
        &[ids(2), ("vector", odd)],
        &["row 2", "a vector of 6 bytes"],
    );
    let score: ArrayRef = Arc::new(Float64Array::from(vec![0.5, f64::NAN]));
    let fields = StructArray::try_from(vec![("score", score)]).expect("a struct");
    columns_refused(
        &[ids(2), ("metadata", Arc::new(fields))],
        &["row 2", "NaN", "JSON form"],
    );
    let year: ArrayRef = Arc::new(Int64Array::from(vec![2026]));
    columns_refused(
        &[("id_", year)],
        &["no column \"id\" for the id; there are \"id_\""],
    );
}

#[test]
fn json_lines_that_are_none() {
    let check = |line: &str, parts: &[&str]| {
        let lines = format!("{{\"id\": \"a\", \"vector\": [1]}}\n\n{line}\n");
        let mut all = vec!["a.jsonl line 3", "one JSON object a line"];
        all.extend(parts);
        bytes_refused("a.jsonl", lines.as_bytes(), &all);
    };
    check("{\"id\": \"b\"", &["EOF", "at byte 10"]);
    check("[1]", &["invalid type: sequence, expected an object"]);
    check("{\"id\": \"b\"} x", &["trailing characters"]);
    check("{\"text\": \"b\"}", &["without an id: no key \"id\""]);
    check("{\"id\": null}", &["without an id"]);
    check(
        "{\"id\": 1.5}",
        &["\"id\": invalid type: floating point", "text or an integer"],
    );
    check("{\"id\": \"b\", \"id\": \"c\"}", &["the key \"id\" twice"]);
    check(
        "{\"id\": \"b\", \"text\": 7}",
        &["\"text\": the number 7, expected text"],
    );
    check(
        "{\"id\": \"b\", \"vector\": \"1 2\"}",
        &["\"vector\": invalid type: string"],
    );
    check(
        "{\"id\": \"b\", \"vector\": [1, null]}",
        &["\"vector\": invalid type: null"],
    );
    check(
        "{\"id\": \"b\", \"vector\": [NaN]}",
        &["expected value at byte 24"],
    );
    check(
        "{\"id\": \"b\", \"vector\": [1e39]}",
        &["1e39, beyond the range of f32"],
    );
    check(
        "{\"id\": \"b\", \"metadata\": [1]}",
        &["\"metadata\": an array, expected an object"],
    );
    bytes_refused(
        "a.jsonl",
        b"{\"id\": \"\xff\"}",
        &["line 1: no UTF-8 at byte 9"],
    );
}

#[test]
fn lines_and_vectors_that_do_not_belong_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| {
        fs::write(path(name), bytes).expect("written");
        path(name)
    };
    let refuse = |paths: &[PathBuf], parts: &[&str]| refused(paths, &Columns::default(), parts);
    let lines = write("a.tsv", b"a\tone\nb\ttwo\n");
    let numbers = [0u8; 24];
    let vectors = |name: &str, descr: &str, shape: &str, n: usize| {
        write(name, &npy(descr, shape, &numbers[..n]))
    };
    let three = vectors("3.npy", "<f4", "3, 2", 24);
    refuse(
        &[lines.clone(), three.clone()],
        &["3.npy has 3 rows and ", "a.tsv has 2 lines"],
    );
    let one = vectors("1.npy", "<f4", "1, 2", 8);
    refuse(
        &[one, lines.clone()],
        &["1.npy has 1 rows and ", "a.tsv has 2 lines"],
    );
    refuse(
        std::slice::from_ref(&three),
        &["3.npy: 1 files of vectors beside 0 files of lines"],
    );
    let flat = vectors("flat.npy", "<f4", "2,", 8);
    refuse(
        &[lines.clone(), flat],
        &["flat.npy: the shape (2,)", "two dimensions"],
    );
    let large = vectors("big.npy", ">f4", "2, 1", 8);
    refuse(&[lines.clone(), large], &["type \"'>f4'\""]);
    let cut = vectors("cut.npy", "<f4", "2, 2", 12);
    refuse(
        &[lines.clone(), cut],
        &["2 rows of 2 numbers are 16 bytes and the file has 12"],
    );
    let header = npy("<f4", "2, 2", &numbers[..16]);
    let fortran = String::from_utf8_lossy(&header[10..]).replace("False", "True ");
    let fortran = [&header[..10], fortran.as_bytes()].concat();
    refuse(
        &[lines.clone(), write("f.npy", &fortran)],
        &["f.npy: Fortran order"],
    );
    refuse(
        &[lines.clone(), write("s.npy", &header[..20])],
        &["ends in its header"],
    );
    refuse(
        &[lines, write("a.fvecs", &[1, 0, 0])],
        &["a first row of 1 numbers"],
    );
}

#[test]
fn rows_of_vectors_and_lines_that_are_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = folder.path().join("a.tsv");
    let vectors = folder.path().join("b.fvecs");
    fs::write(&lines, b"a\tone\nb\ttwo\n").expect("written");
    let uneven = [[2u8, 0, 0, 0], [0; 4], [0; 4], [9, 0, 0, 0], [0; 4], [0; 4]].concat();
    fs::write(&vectors, uneven).expect("written");
    let found = ["row 2 has 9 numbers, row 1 2"];
    refused(&[lines, vectors], &Columns::default(), &found);
    bytes_refused(
        "a.tsv",
        b"a\tone\nbtwo\n",
        &["a.tsv line 2", "without a tab: \"btwo\""],
    );
    bytes_refused(
        "a.tsv",
        b"a\tone\n\ttwo\n",
        &["a.tsv line 2", "without an id"],
    );
    bytes_refused(
        "a.tsv",
        b"a\tone\nb\t\xff\n",
        &["a.tsv line 2", "no UTF-8 at byte 3"],
    );
}
