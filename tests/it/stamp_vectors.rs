//! The stamp's format against a second implementation: `tests/data/stamp-vectors.json` was made by
//! `tests/data/stamp_vectors.py` from `docs/stamp-format.md`, in another language.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Builder, ListBuilder, RecordBatch, StringArray,
};
use arrow::datatypes::{Field, Float32Type, Schema, UInt32Type};
use arrow::ipc::writer::FileWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ragstone::ids::Digest;
use ragstone::parity::stamp::{Channel, Tree, content_row, vector_row};
use serde_json::{Map, Value, json};

use crate::support::{ragstone, root, stderr};

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().as_chunks::<2>().0;
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).expect("ASCII"), 16);
    digits
        .iter()
        .map(|pair| byte(pair).expect("hexadecimal"))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| format!("{byte:02x}");
    bytes.iter().map(digits).collect()
}

fn texts(rows: &[Value], of: impl Fn(&Value) -> &Value) -> ArrayRef {
    Arc::new(
        rows.iter()
            .map(|row| of(row).as_str())
            .collect::<StringArray>(),
    )
}

fn vectors(rows: &[Value]) -> ArrayRef {
    let mut vectors = ListBuilder::new(Float32Builder::new());
    for row in rows {
        let vector = row["vector"].as_str().map(bytes);
        for number in vector.as_deref().unwrap_or_default().as_chunks::<4>().0 {
            vectors.values().append_value(f32::from_le_bytes(*number));
        }
        vectors.append(vector.is_some());
    }
    Arc::new(vectors.finish())
}

/// Writes the columns that the index has as an Arrow file.
fn export(index: &Value, path: &Path) {
    let rows = index["rows"].as_array().expect("rows");
    let names = index["columns"].as_array().expect("columns");
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for name in names.iter().filter_map(Value::as_str) {
        match name {
            "vector" => columns.push((name, vectors(rows))),
            "section" => {
                columns.push(("doc_id", texts(rows, |row| &row[name][0])));
                columns.push(("section_id", texts(rows, |row| &row[name][1])));
            }
            _ => columns.push((name, texts(rows, |row| &row[name]))),
        }
    }
    let field =
        |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns of one length");
    let file = File::create(path).expect("a file");
    let mut writer = FileWriter::try_new(file, &schema).expect("a header");
    writer.write(&batch).expect("a disk");
    writer.finish().expect("a disk");
}

/// One row of `NAME.stamp.parquet` in the words of the test vectors.
fn written(batch: &RecordBatch, row: usize) -> Value {
    let text = |i: usize| {
        let column = batch.column(i).as_string::<i32>();
        column.is_valid(row).then(|| column.value(row))
    };
    let digest = |i: usize| {
        let column = batch.column(i).as_fixed_size_binary();
        column.is_valid(row).then(|| column.value(row))
    };
    let there = batch.column(7).is_valid(row);
    let dim = batch.column(7).as_primitive::<UInt32Type>().value(row);
    let norm = batch.column(8).as_primitive::<Float32Type>().value(row);
    let keys = text(5).map(|keys| serde_json::from_str::<Value>(keys).expect("an object"));
    let of =
        |i: usize| digest(i).map(|bytes| Digest::from_bytes(bytes.try_into().expect("32 bytes")));
    let id = text(0).expect("an id");
    let covered = content_row(&of(2).expect("a text"), &of(4).expect("metadata"), id);
    let one = |channel, covered: &[u8]| hex(Tree::new(channel).rows(&[covered])[0].as_bytes());
    json!({
        "id": id,
        "section": text(1),
        "text": digest(2).map(hex),
        "text_nfc": digest(3).map(hex),
        "metadata": digest(4).map(hex),
        "metadata_keys": keys,
        "vector": digest(6).map(hex),
        "dim": there.then_some(dim),
        "norm": there.then(|| hex(&norm.to_le_bytes())),
        "projection": digest(9).map(hex),
        "content_row": one(Channel::Content, &covered),
        "vector_row": one(Channel::Vectors, &vector_row(&Digest::of(id), of(6).as_ref())),
    })
}

/// The rows, and what the footer says of the buckets, by digest.
fn read(path: &Path) -> (Vec<Value>, Value) {
    let file = File::open(path).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    let footer = reader.metadata().file_metadata().key_value_metadata();
    let ours = footer
        .expect("entries")
        .iter()
        .filter(|entry| entry.key.starts_with("ragstone."));
    let digest = |value: &Option<String>| Digest::of(value.as_ref().expect("a value")).to_string();
    let footer: Map<String, Value> = ours
        .map(|entry| (entry.key.clone(), json!(digest(&entry.value))))
        .collect();
    let mut rows = Vec::new();
    for batch in reader.build().expect("Parquet") {
        let batch = batch.expect("a batch");
        rows.extend((0..batch.num_rows()).map(|row| written(&batch, row)));
    }
    (rows, Value::Object(footer))
}

fn check(index: &Value) {
    let name = index["name"].as_str().expect("a name");
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    export(index, Path::new(&at("rows.arrow")));
    std::fs::write(at("claims.json"), index["claims"].to_string()).expect("a file");
    let contract = format!("--contract={}", at("claims.json"));
    let seed = format!("--seed={}", index["seed"]);
    let output = ragstone(&[
        "stamp",
        &at("rows.arrow"),
        "--out",
        &at("x"),
        &contract,
        &seed,
    ]);
    assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
    let document = std::fs::read(at("x.stamp.json")).expect("a document");
    let document: Value = serde_json::from_slice(&document).expect("JSON");
    let expected = &index["expected"];
    for (key, value) in expected["document"].as_object().expect("fields") {
        assert_eq!(&document[key], value, "{name}: {key}");
    }
    let (rows, footer) = read(Path::new(&at("x.stamp.parquet")));
    let wanted = expected["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), wanted.len(), "{name}");
    for (row, wanted) in rows.iter().zip(wanted) {
        for (key, value) in wanted.as_object().expect("columns") {
            assert_eq!(&row[key], value, "{name}: {key} of {}", wanted["id"]);
        }
    }
    assert_eq!(footer, expected["footer_digests"], "{name}: the footer");
}

#[test]
fn a_second_implementation_of_the_format_note_makes_the_same_stamps() {
    let path = root().join("tests/data/stamp-vectors.json");
    let made: Value = serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
    let indexes = made["indexes"].as_array().expect("indexes");
    assert_eq!(indexes.len(), 8);
    indexes.iter().for_each(check);
}
