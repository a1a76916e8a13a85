//! An export that this program writes: rows that were downloaded from a store, as Arrow IPC.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Builder, LargeStringBuilder, ListBuilder, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use serde_json::{Map, Value};

/// One row to be written.
#[derive(Clone, Copy, Debug)]
pub struct WrittenRow<'a> {
    /// Its id.
    pub id: &'a str,
    /// The document and the section within it that it was cut from.
    pub section: (&'a str, &'a str),
    /// Its text.
    pub text: &'a str,
    /// What is kept beside it.
    pub metadata: &'a Map<String, Value>,
    /// Its vector.
    pub vector: Option<&'a [f32]>,
}

/// Writes an Arrow IPC file with the columns that [`Columns`](crate::export::Columns) has by default.
pub struct IpcWriter {
    writer: FileWriter<BufWriter<File>>,
}

fn schema() -> Schema {
    let text = |name: &str| Field::new(name, DataType::LargeUtf8, false);
    let item = Field::new("item", DataType::Float32, false);
    Schema::new(vec![
        text("id"),
        text("doc_id"),
        text("section_id"),
        text("text"),
        text("metadata"),
        Field::new("vector", DataType::List(Arc::new(item)), true),
    ])
}

impl IpcWriter {
    /// Begins a file.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(path: &Path) -> Result<Self, ArrowError> {
        let file = BufWriter::new(File::create(path)?);
        Ok(Self {
            writer: FileWriter::try_new(file, &schema())?,
        })
    }

    /// Writes rows as one batch.
    ///
    /// # Errors
    /// If the disk is full, or the rows hold more numbers than a list's offsets reach.
    pub fn write<'a>(
        &mut self,
        rows: impl IntoIterator<Item = WrittenRow<'a>>,
    ) -> Result<(), ArrowError> {
        let mut texts: [LargeStringBuilder; 5] = Default::default();
        let item = Field::new("item", DataType::Float32, false);
        let mut vectors = ListBuilder::new(Float32Builder::new()).with_field(item);
        for row in rows {
            let metadata = Value::Object(row.metadata.clone()).to_string();
            let values = [row.id, row.section.0, row.section.1, row.text, &metadata];
            for (builder, value) in texts.iter_mut().zip(values) {
                builder.append_value(value);
            }
            vectors
                .values()
                .append_slice(row.vector.unwrap_or_default());
            vectors.append(row.vector.is_some());
        }
        let texts = texts
            .iter_mut()
            .map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let vectors: ArrayRef = Arc::new(vectors.finish());
        let columns: Vec<ArrayRef> = texts.chain([vectors]).collect();
        let batch = RecordBatch::try_new(Arc::new(schema()), columns)?;
        self.writer.write(&batch)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<(), ArrowError> {
        self.writer.finish()
    }
}
