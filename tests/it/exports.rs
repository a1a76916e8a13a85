//! Exports for tests: the same rows in every format that is read.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListBuilder, Float32Builder, Int64Array, ListBuilder, RecordBatch,
    StringArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use ragstone::stats::stream;
use rand::RngExt;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Numbers in a vector.
pub(crate) const DIM: usize = 16;
/// The same as formats count them.
const LENGTH: i32 = 16;

/// A folder with exports and stamps.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.at(name).to_str().expect("UTF-8").to_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a disk");
    }
}

/// One row of an export.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) text: Option<String>,
    pub(crate) metadata: Value,
    pub(crate) section: Option<(String, String)>,
    pub(crate) vector: Option<Vec<f32>>,
}

/// Rows with everything that an export may hold: scripts, forms, duplicates and gaps.
pub(crate) fn rows(n: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..n).map(row).collect();
    rows.push(rows[3].clone());
    rows[7].text = Some("caf\u{65}\u{301} ☕ \u{1112}\u{1161}\u{11ab}".to_owned());
    rows[8].text = Some(String::new());
    rows[9].text = None;
    rows[10].vector = None;
    rows[11].metadata = json!({});
    rows[12].section = None;
    "schlüssel/日本 \"x\"\\".clone_into(&mut rows[13].id);
    rows
}

fn row(i: usize) -> Row {
    let mut rng = stream(11, i as u64);
    Row {
        id: format!("doc{}/s{}#{}", i / 9, i / 3 % 3, i % 3),
        text: Some(format!(
            "Step {i}: drain the café queue of région {}.",
            i % 7
        )),
        metadata: json!({ "rev": "4", "page": i, "weight": i as f64 * 0.1, "tags": ["é", null, i.is_multiple_of(2)] }),
        section: Some((format!("doc{}", i / 9), format!("s{}", i / 3 % 3))),
        vector: Some((0..DIM).map(|_| rng.random_range(-1.0..1.0)).collect()),
    }
}

/// How vectors are laid out in columns.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Lists {
    Variable,
    Fixed,
}

fn texts<'a>(rows: &'a [Row], of: impl Fn(&'a Row) -> Option<&'a str>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<StringArray>())
}

fn vectors(rows: &[Row], lists: Lists) -> ArrayRef {
    let zeros = [0.0; DIM];
    match lists {
        Lists::Variable => {
            let mut list = ListBuilder::new(Float32Builder::new());
            for row in rows {
                let numbers = row.vector.as_deref();
                list.values().append_slice(numbers.unwrap_or_default());
                list.append(numbers.is_some());
            }
            Arc::new(list.finish())
        }
        Lists::Fixed => {
            let mut list = FixedSizeListBuilder::new(Float32Builder::new(), LENGTH);
            for row in rows {
                let numbers = row.vector.as_deref();
                list.values().append_slice(numbers.unwrap_or(&zeros));
                list.append(numbers.is_some());
            }
            Arc::new(list.finish())
        }
    }
}

/// The rows as columns with their usual names.
pub(crate) fn columns(rows: &[Row], lists: Lists) -> Vec<(&'static str, ArrayRef)> {
    let metadata: StringArray = rows
        .iter()
        .map(|row| Some(row.metadata.to_string()))
        .collect();
    let part = |row: &Row, doc: bool| {
        let (doc_id, section_id) = row.section.clone()?;
        Some(if doc { doc_id } else { section_id })
    };
    let section = |doc: bool| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| part(row, doc))
                .collect::<StringArray>(),
        )
    };
    vec![
        ("id", texts(rows, |row| Some(&row.id))),
        ("doc_id", section(true)),
        ("section_id", section(false)),
        ("text", texts(rows, |row| row.text.as_deref())),
        ("metadata", Arc::new(metadata)),
        ("vector", vectors(rows, lists)),
    ]
}

/// Columns as one batch; each may be null.
pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let field =
        |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(schema), arrays).expect("columns of one length")
}

/// Integers as a column.
pub(crate) fn integers(numbers: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(numbers.collect::<Int64Array>())
}

/// The vectors in another type of number.
pub(crate) fn cast(vectors: &ArrayRef, number: DataType) -> ArrayRef {
    let list = DataType::List(Arc::new(Field::new("item", number, true)));
    arrow::compute::cast(vectors, &list).expect("numbers become numbers")
}

pub(crate) fn parquet(path: &Path, batch: &RecordBatch, rows_a_group: usize) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(rows_a_group));
    let file = File::create(path).expect("a file");
    let writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build()));
    let mut writer = writer.expect("a schema");
    writer.write(batch).expect("a disk");
    writer.close().expect("a disk");
}

pub(crate) fn arrow(path: &Path, batch: &RecordBatch) {
    let file = File::create(path).expect("a file");
    let mut writer = FileWriter::try_new(file, &batch.schema()).expect("a header");
    writer.write(batch).expect("a disk");
    writer.finish().expect("a disk");
}

/// One JSON object a line.
pub(crate) fn lines(rows: &[Row]) -> Vec<u8> {
    let mut lines = Vec::new();
    for row in rows {
        let (doc_id, section_id) = row.section.clone().unzip();
        let line = json!({
            "id": row.id, "doc_id": doc_id, "section_id": section_id, "text": row.text,
            "metadata": row.metadata, "vector": row.vector,
        });
        writeln!(lines, "{line}").expect("memory");
    }
    lines
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("memory");
    packed.finish().expect("memory")
}

pub(crate) fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory")
}

/// Values, one a line.
pub(crate) fn json_lines(values: &[Value]) -> String {
    let line = |value: &Value| format!("{value}\n");
    values.iter().map(line).collect()
}

/// `id<TAB>text` lines.
pub(crate) fn tsv(rows: &[Row]) -> String {
    let line = |row: &Row| format!("{}\t{}\n", row.id, row.text.as_deref().unwrap_or_default());
    rows.iter().map(line).collect()
}

/// NumPy's format, version 1.
pub(crate) fn npy(rows: &[Row]) -> Vec<u8> {
    let shape = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {DIM}), }}",
        rows.len()
    );
    let header = format!("{shape:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    for row in rows {
        bytes.extend(little_endian(row));
    }
    bytes
}

/// INRIA's format: before each row its length.
pub(crate) fn fvecs(rows: &[Row]) -> Vec<u8> {
    let row = |row: &Row| [LENGTH.to_le_bytes().to_vec(), little_endian(row)].concat();
    rows.iter().flat_map(row).collect()
}

fn little_endian(row: &Row) -> Vec<u8> {
    let vector = row.vector.as_ref().expect("a vector");
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}
