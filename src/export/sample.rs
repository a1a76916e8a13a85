//! Rows for tests, and the same rows in every format.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::array::{
    ArrayRef, FixedSizeListBuilder, Float32Builder, ListBuilder, RecordBatch, StringArray,
};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::{Map, Value, json};

use super::{Chunk, Columns, ExportError, Metadata, Source};

/// A row, as a test compares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) text: Option<String>,
    /// As JSON with sorted keys.
    pub(crate) metadata: String,
    /// By bits.
    pub(crate) vector: Option<Vec<u32>>,
    /// Document and section.
    pub(crate) section: Option<(String, String)>,
}

/// Row `n` of an export that every format can hold: some rows have no text, metadata or vector.
pub(crate) fn row(n: usize, dim: usize) -> Row {
    let vector = (0..dim).map(|at| ((n * dim + at) as f32 * 0.37).sin().to_bits());
    let metadata = json!({"page": n, "tags": ["a", n % 3], "title": format!("T{n} é")});
    Row {
        id: format!("doc-{n:05}"),
        text: (n % 7 != 3).then(|| format!("The text of {n}, with “quotes”\tand a tab.")),
        metadata: if n % 5 == 4 {
            "{}".to_owned()
        } else {
            metadata.to_string()
        },
        vector: (n % 11 != 10).then(|| vector.collect()),
        section: Some((format!("doc-{}", n / 10), format!("s{}", n % 10))),
    }
}

/// The first rows of that export.
pub(crate) fn rows(n: usize, dim: usize) -> Vec<Row> {
    (0..n).map(|n| row(n, dim)).collect()
}

/// The rows as Arrow, with a fixed-size list of vectors, or with a list.
pub(crate) fn batch(rows: &[Row], dim: usize, fixed: bool) -> RecordBatch {
    let texts = |of: &dyn Fn(&Row) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    };
    let vector: ArrayRef = if fixed {
        let mut builder =
            FixedSizeListBuilder::new(Float32Builder::new(), i32::try_from(dim).expect("small"));
        for row in rows {
            match &row.vector {
                Some(vector) => builder
                    .values()
                    .extend(vector.iter().map(|bits| Some(f32::from_bits(*bits)))),
                None => builder.values().append_nulls(dim),
            }
            builder.append(row.vector.is_some());
        }
        Arc::new(builder.finish())
    } else {
        let mut builder = ListBuilder::new(Float32Builder::new());
        for row in rows {
            for bits in row.vector.iter().flatten() {
                builder.values().append_value(f32::from_bits(*bits));
            }
            builder.append(row.vector.is_some());
        }
        Arc::new(builder.finish())
    };
    RecordBatch::try_from_iter_with_nullable([
        ("id", texts(&|row| Some(row.id.clone())), false),
        ("text", texts(&|row| row.text.clone()), true),
        ("extra", texts(&|_| Some("not looked at".to_owned())), true),
        ("vector", vector, true),
        ("metadata", texts(&|row| Some(row.metadata.clone())), true),
        (
            "doc_id",
            texts(&|row| row.section.clone().map(|of| of.0)),
            true,
        ),
        (
            "section_id",
            texts(&|row| row.section.clone().map(|of| of.1)),
            true,
        ),
    ])
    .expect("columns of one length")
}

/// Writes batches as a Parquet file with so many rows in a row group.
pub(crate) fn parquet(path: &Path, batches: &[RecordBatch], group: usize) {
    parquet_with(path, batches, group, true);
}

/// The same with or without an index of its pages.
pub(crate) fn parquet_with(path: &Path, batches: &[RecordBatch], group: usize, indexed: bool) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .set_offset_index_disabled(!indexed)
        .set_statistics_enabled(EnabledStatistics::None);
    let file = File::create(path).expect("a file");
    let schema = batches[0].schema();
    let mut writer =
        ArrowWriter::try_new(file, schema, Some(properties.build())).expect("a writer");
    for batch in batches {
        writer.write(batch).expect("written");
    }
    writer.close().expect("closed");
}

/// Writes batches as an Arrow IPC file.
pub(crate) fn arrow_file(path: &Path, batches: &[RecordBatch]) {
    let file = File::create(path).expect("a file");
    let mut writer = FileWriter::try_new(file, &batches[0].schema()).expect("a writer");
    for batch in batches {
        writer.write(batch).expect("written");
    }
    writer.finish().expect("finished");
}

/// Writes batches as an Arrow IPC file with compressed columns.
pub(crate) fn packed_arrow_file(path: &Path, batches: &[RecordBatch], how: CompressionType) {
    let options = IpcWriteOptions::default().try_with_compression(Some(how));
    let file = File::create(path).expect("a file");
    let schema = batches[0].schema();
    let mut writer = FileWriter::try_new_with_options(file, &schema, options.expect("options"))
        .expect("a writer");
    for batch in batches {
        writer.write(batch).expect("written");
    }
    writer.finish().expect("finished");
}

/// Writes batches as an Arrow IPC stream.
pub(crate) fn arrow_stream(path: &Path, batches: &[RecordBatch]) {
    let file = File::create(path).expect("a file");
    let mut writer = StreamWriter::try_new(file, &batches[0].schema()).expect("a writer");
    for batch in batches {
        writer.write(batch).expect("written");
    }
    writer.finish().expect("finished");
}

/// The rows as JSON lines.
pub(crate) fn json_lines(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let numbers = |vector: &Vec<u32>| -> Vec<f32> {
            vector.iter().map(|bits| f32::from_bits(*bits)).collect()
        };
        let mut line = Map::new();
        line.insert("id".to_owned(), json!(row.id));
        line.insert("text".to_owned(), json!(row.text));
        line.insert("extra".to_owned(), json!({"not": "looked at"}));
        line.insert("vector".to_owned(), json!(row.vector.as_ref().map(numbers)));
        let metadata: Value = serde_json::from_str(&row.metadata).expect("an object");
        line.insert("metadata".to_owned(), metadata);
        if let Some((doc_id, section_id)) = &row.section {
            line.insert("doc_id".to_owned(), json!(doc_id));
            line.insert("section_id".to_owned(), json!(section_id));
        }
        Value::Object(line).to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Ids and texts as lines; what has no text gets an empty one, and tabs stay.
pub(crate) fn tsv(rows: &[Row]) -> String {
    let line = |row: &Row| format!("{}\t{}\n", row.id, row.text.as_deref().unwrap_or_default());
    rows.iter().map(line).collect()
}

/// Vectors as a `.npy` file of version 1.
pub(crate) fn npy(descr: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let len = u16::try_from(header.len()).expect("short");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(len.to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(numbers);
    bytes
}

/// A chunk's rows.
pub(crate) fn of_chunk(chunk: &Chunk) -> Vec<Row> {
    let row = |row: usize| Row {
        id: chunk.ids.get(row).expect("an id").to_owned(),
        text: chunk
            .texts
            .as_ref()
            .and_then(|texts| texts.get(row))
            .map(str::to_owned),
        metadata: match &chunk.metadata {
            Metadata::None => "{}".to_owned(),
            Metadata::Json(texts) => {
                let text = texts.get(row).unwrap_or("{}");
                let value: Value = serde_json::from_str(text).expect("an object");
                value.to_string()
            }
            Metadata::Objects(objects) => Value::Object(objects[row].clone()).to_string(),
        },
        vector: chunk
            .vectors
            .as_ref()
            .and_then(|vectors| vectors.get(row))
            .map(|vector| vector.iter().map(|number| number.to_bits()).collect()),
        section: chunk.sections.as_ref().and_then(|sections| {
            let doc_id = sections.doc_ids.get(row)?.to_owned();
            Some((doc_id, sections.section_ids.get(row)?.to_owned()))
        }),
    };
    (0..chunk.len()).map(row).collect()
}

/// All rows of an export, sorted.
pub(crate) fn all(source: &Source) -> Result<Vec<Row>, ExportError> {
    let rows = Mutex::new(Vec::new());
    source.read::<ExportError>(&|chunk| {
        assert!(chunk.len() <= Chunk::ROWS && !chunk.is_empty());
        rows.lock().expect("no panic").extend(of_chunk(&chunk));
        Ok(())
    })?;
    let mut rows = rows.into_inner().expect("no panic");
    rows.sort();
    Ok(rows)
}

/// All rows of some files with the default columns, sorted.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Row>, ExportError> {
    all(&Source::open(paths, &Columns::default())?)
}
