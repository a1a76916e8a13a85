//! A table as Parquet, and back: the columns of a row's type, and columns of numbers beside them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Builder, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Schema};
use miette::Diagnostic;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_arrow::schema::{SchemaLike, TracingOptions};
use thiserror::Error;

use crate::files::WholeFile;

/// Why a table cannot be saved or loaded.
#[derive(Debug, Error, Diagnostic)]
pub enum RecordError {
    /// The file cannot be opened or written.
    #[error("{}: cannot be read or written", path.display())]
    #[diagnostic(code(run::io))]
    Io {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Not Parquet, or damaged.
    #[error("{}: not a readable Parquet file", path.display())]
    #[diagnostic(
        code(run::parquet),
        help("a run folder is written whole; copy it again from where it was made")
    )]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: parquet::errors::ParquetError,
    },
    /// Columns are missing or of other types.
    #[error("{}: columns do not fit", path.display())]
    #[diagnostic(
        code(run::columns),
        help("the run was written by another version; render it with that version")
    )]
    Columns {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: Box<serde_arrow::Error>,
    },
    /// A value makes no sense.
    #[error("{} row {row}: {problem}", path.display())]
    #[diagnostic(code(run::value))]
    Value {
        /// Which file.
        path: PathBuf,
        /// Row, from 1.
        row: usize,
        /// What is wrong.
        problem: String,
    },
}

/// Rows held back until they are written as one row group.
const GROUP: usize = 4096;

/// Writes rows as one Parquet file that appears whole when it is finished, in memory that does not grow
/// with their number. The same rows give the same bytes, however they are handed over.
pub struct TableWriter<T> {
    path: PathBuf,
    fields: Vec<FieldRef>,
    numbers: Vec<(FieldRef, Float64Builder)>,
    writer: ArrowWriter<WholeFile>,
    rows: Vec<T>,
}

impl<T: Serialize + DeserializeOwned> TableWriter<T> {
    /// Begins a file in a folder that exists.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn create(path: &Path) -> Result<Self, RecordError> {
        Self::create_beside(path, &[])
    }

    /// The same, with columns of numbers behind those of the row's type, each of which may be null.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn create_beside(path: &Path, numbers: &[String]) -> Result<Self, RecordError> {
        let options = TracingOptions::default().enums_without_data_as_strings(true);
        let fields = Vec::<FieldRef>::from_type::<T>(options);
        let fields = fields.map_err(|source| columns(path, source))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let file = WholeFile::create(path).map_err(|source| RecordError::Io {
            path: path.to_owned(),
            source,
        })?;
        let number = |name: &String| {
            let field: FieldRef = Arc::new(Field::new(name, DataType::Float64, true));
            (field, Float64Builder::new())
        };
        let numbers: Vec<_> = numbers.iter().map(number).collect();
        let all = fields.iter().chain(numbers.iter().map(|(field, _)| field));
        let schema = Arc::new(Schema::new(all.cloned().collect::<Vec<_>>()));
        let writer = ArrowWriter::try_new(file, schema, Some(properties));
        Ok(Self {
            path: path.to_owned(),
            fields,
            numbers,
            writer: writer.map_err(|source| parquet(path, source))?,
            rows: Vec::new(),
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn push(&mut self, row: T) -> Result<(), RecordError> {
        self.push_beside(row, &[])
    }

    /// Adds a row and its numbers, in the order of their columns; those that are not given are null.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn push_beside(&mut self, row: T, numbers: &[Option<f64>]) -> Result<(), RecordError> {
        for (place, (_, column)) in self.numbers.iter_mut().enumerate() {
            column.append_option(numbers.get(place).copied().flatten());
        }
        self.rows.push(row);
        if self.rows.len() >= GROUP {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), RecordError> {
        let batch = serde_arrow::to_record_batch(&self.fields, &self.rows);
        let mut batch = batch.map_err(|source| columns(&self.path, source))?;
        self.rows.clear();
        for (field, column) in &mut self.numbers {
            batch = with_column(&batch, field, Arc::new(column.finish()));
        }
        let written = self.writer.write(&batch);
        written
            .and_then(|()| self.writer.flush())
            .map_err(|source| parquet(&self.path, source))
    }

    /// Puts the file in place.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn finish(mut self) -> Result<(), RecordError> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        let file = self.writer.into_inner();
        let file = file.map_err(|source| parquet(&self.path, source))?;
        file.persist().map_err(|source| RecordError::Io {
            path: self.path,
            source,
        })
    }
}

fn columns(path: &Path, source: serde_arrow::Error) -> RecordError {
    RecordError::Columns {
        path: path.to_owned(),
        source: Box::new(source),
    }
}

fn parquet(path: &Path, source: parquet::errors::ParquetError) -> RecordError {
    RecordError::Parquet {
        path: path.to_owned(),
        source,
    }
}

/// A batch with one more column of as many rows.
fn with_column(batch: &RecordBatch, field: &FieldRef, column: ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let fields: Vec<FieldRef> = schema.fields().iter().chain([field]).cloned().collect();
    let columns = batch.columns().iter().cloned().chain([column]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .expect("a row and its numbers are added together")
}

/// A column of numbers that a row's type does not have: its name and a value a row, where there is one.
pub type NumberColumn = (String, Vec<Option<f64>>);

/// Reads what [`TableWriter`] wrote.
///
/// # Errors
/// If the file is missing, damaged, or has other columns.
pub fn read_table<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, RecordError> {
    read_table_beside(path, &|_| false).map(|(rows, _)| rows)
}

/// The same, and the columns of numbers whose name is `wanted`, in the order of the file.
///
/// # Errors
/// As [`read_table`].
pub fn read_table_beside<T: DeserializeOwned>(
    path: &Path,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<(Vec<T>, Vec<NumberColumn>), RecordError> {
    let file = std::fs::File::open(path).map_err(|source| RecordError::Io {
        path: path.to_owned(),
        source,
    })?;
    let damaged = |source| parquet(path, source);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(damaged)?;
    let mut rows = Vec::new();
    let mut numbers: Vec<NumberColumn> = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| damaged(error.into()))?;
        let read: Vec<T> =
            serde_arrow::from_record_batch(&batch).map_err(|source| columns(path, source))?;
        rows.extend(read);
        for (name, values) in numbers_of(&batch, wanted) {
            match numbers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => known.extend(values),
                None => numbers.push((name, values)),
            }
        }
    }
    Ok((rows, numbers))
}

fn numbers_of(batch: &RecordBatch, wanted: &dyn Fn(&str) -> bool) -> Vec<NumberColumn> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    columns
        .filter(|(field, _)| wanted(field.name()))
        .filter_map(|(field, column)| {
            let values = column.as_primitive_opt::<Float64Type>()?;
            Some((field.name().clone(), values.iter().collect()))
        })
        .collect()
}
