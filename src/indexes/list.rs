//! Every id that differs, as Parquet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::files::WholeFile;
use crate::parity::{Basis, IdFinding, RowClass};
use crate::stamp::StampError;

/// Rows that are written at once.
const BATCH: usize = 8_192;

/// A Parquet file of every id that differs: `id`, `section`, `content` (the class, null if the content is
/// the same), `metadata_keys` (separated by commas), `vector` (the class, null if not compared),
/// `distance` (1 − cos), `max_delta` and `basis`.
pub struct RowList {
    path: PathBuf,
    writer: ArrowWriter<WholeFile>,
    texts: [StringBuilder; 6],
    numbers: [Float64Builder; 2],
    held: usize,
}

fn schema() -> Arc<Schema> {
    let column = |name: &str, kind: DataType| Field::new(name, kind, name != "id");
    Arc::new(Schema::new(vec![
        column("id", DataType::Utf8),
        column("section", DataType::Utf8),
        column("content", DataType::Utf8),
        column("metadata_keys", DataType::Utf8),
        column("vector", DataType::Utf8),
        column("basis", DataType::Utf8),
        column("distance", DataType::Float64),
        column("max_delta", DataType::Float64),
    ]))
}

impl RowList {
    /// Begins a file under a temporary name.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(path: &Path) -> Result<Self, StampError> {
        let file = WholeFile::create(path).map_err(StampError::io(path))?;
        let zstd = Compression::ZSTD(ZstdLevel::try_new(1).expect("a level"));
        let properties = WriterProperties::builder().set_compression(zstd).build();
        let writer = ArrowWriter::try_new(file, schema(), Some(properties));
        Ok(Self {
            path: path.to_owned(),
            writer: writer.map_err(StampError::parquet(path))?,
            texts: Default::default(),
            numbers: Default::default(),
            held: 0,
        })
    }

    pub(super) fn add(&mut self, finding: &IdFinding) -> Result<(), StampError> {
        let keys = (!finding.keys.is_empty()).then(|| finding.keys.join(","));
        let basis = |basis: Basis| match basis {
            Basis::Numbers => "numbers",
            Basis::Projection => "projection",
        };
        let texts = [
            Some(finding.id.as_str()),
            finding.section.as_deref(),
            finding.content.map(RowClass::name),
            keys.as_deref(),
            finding.vector.map(|vector| vector.class.name()),
            finding.vector.map(|vector| basis(vector.basis)),
        ];
        for (builder, text) in self.texts.iter_mut().zip(texts) {
            builder.append_option(text);
        }
        let numbers = [
            finding.vector.and_then(|vector| vector.distance),
            finding.vector.and_then(|vector| vector.max_delta),
        ];
        for (builder, number) in self.numbers.iter_mut().zip(numbers) {
            builder.append_option(number);
        }
        self.held += 1;
        if self.held == BATCH {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), StampError> {
        let texts = self
            .texts
            .iter_mut()
            .map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let numbers = self
            .numbers
            .iter_mut()
            .map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let columns: Vec<ArrayRef> = texts.chain(numbers).collect();
        let batch = RecordBatch::try_new(schema(), columns).expect("columns of one length");
        self.held = 0;
        self.writer
            .write(&batch)
            .map_err(StampError::parquet(&self.path))
    }

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<(), StampError> {
        self.flush()?;
        let file = self
            .writer
            .into_inner()
            .map_err(StampError::parquet(&self.path))?;
        file.persist().map_err(StampError::io(&self.path))
    }
}
