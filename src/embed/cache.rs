//! The vector cache: a Parquet file with the columns `model`, `text_digest` and `vector`.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, RecordBatch,
    StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::embed::{EmbedError, VectorTable};
use crate::ids::Digest;

/// Reads the vectors of one model. Strings may be plain or dictionary-encoded, digests 32 bytes or
/// `b3:…`, vectors lists or fixed-size lists of any float type.
///
/// # Errors
/// If the file is missing or damaged, a column has another type, a vector is NaN, infinite, zero or
/// of another dimension, or the file holds no row of the model.
pub fn read_cache(path: &Path, model: &str) -> Result<VectorTable, EmbedError> {
    let file = File::open(path).map_err(|source| EmbedError::Read {
        path: path.to_owned(),
        source,
    })?;
    let damaged = |source| EmbedError::Parquet {
        path: path.to_owned(),
        source,
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(damaged)?;
    let mut table = VectorTable::new(model);
    let mut found = BTreeSet::new();
    let mut rows_before = 0;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(error.into()))?;
        let columns = Columns::of(&batch, path)?;
        for row in 0..batch.num_rows() {
            let name = columns.models.value(row);
            if name != model {
                found.insert(name.to_owned());
                continue;
            }
            let at = |problem| EmbedError::Vector {
                path: path.to_owned(),
                row: rows_before + row + 1,
                problem,
            };
            let vector = columns.vectors.value(row);
            let numbers = vector.as_primitive::<Float32Type>();
            // A null number reads as NaN, which the table refuses.
            let numbers: Vec<f32> = numbers
                .iter()
                .map(|number| number.unwrap_or(f32::NAN))
                .collect();
            table
                .insert(columns.digest(row, path)?, &numbers)
                .map_err(at)?;
        }
        rows_before += batch.num_rows();
    }
    if table.is_empty() {
        let found = if found.is_empty() {
            "none".to_owned()
        } else {
            found.into_iter().collect::<Vec<_>>().join(", ")
        };
        return Err(EmbedError::Model {
            path: path.to_owned(),
            model: model.to_owned(),
            found,
        });
    }
    Ok(table)
}

/// The three columns of one batch, in the types that the loop reads.
struct Columns {
    models: StringArray,
    digests: ArrayRef,
    vectors: arrow::array::ListArray,
}

impl Columns {
    fn of(batch: &RecordBatch, path: &Path) -> Result<Self, EmbedError> {
        let column = |name: &'static str, expected: &'static str| {
            let found = batch.column_by_name(name).cloned();
            found.ok_or_else(|| EmbedError::Column {
                path: path.to_owned(),
                column: name,
                found: "missing".to_owned(),
                expected,
            })
        };
        let convert =
            |array: &ArrayRef, to: &DataType, column: &'static str, expected: &'static str| {
                let found = || EmbedError::Column {
                    path: path.to_owned(),
                    column,
                    found: format!("of type {}", array.data_type()),
                    expected,
                };
                let converted = cast(array, to).map_err(|_| found())?;
                if converted.null_count() > 0 {
                    return Err(EmbedError::Column {
                        path: path.to_owned(),
                        column,
                        found: "null in some rows".to_owned(),
                        expected,
                    });
                }
                Ok(converted)
            };
        let text = "the name of a model, as text";
        let numbers = "a list of floats, one list a row";
        let bytes = "the BLAKE3 digest of the text, as 32 bytes or `b3:…`";
        let models = convert(&column("model", text)?, &DataType::Utf8, "model", text)?;
        let list = DataType::List(Arc::new(Field::new_list_field(DataType::Float32, true)));
        let vectors = convert(&column("vector", numbers)?, &list, "vector", numbers)?;
        let digests = column("text_digest", bytes)?;
        let digests = match digests.data_type() {
            DataType::FixedSizeBinary(32) | DataType::Binary | DataType::LargeBinary => {
                convert(&digests, &DataType::Binary, "text_digest", bytes)?
            }
            _ => convert(&digests, &DataType::Utf8, "text_digest", bytes)?,
        };
        Ok(Self {
            models: models.as_string::<i32>().clone(),
            digests,
            vectors: vectors.as_list::<i32>().clone(),
        })
    }

    fn digest(&self, row: usize, path: &Path) -> Result<Digest, EmbedError> {
        let wrong = |found: String| EmbedError::Column {
            path: path.to_owned(),
            column: "text_digest",
            found,
            expected: "the BLAKE3 digest of the text, as 32 bytes or `b3:…`",
        };
        if let Some(texts) = self.digests.as_string_opt::<i32>() {
            return texts
                .value(row)
                .parse()
                .map_err(|error| wrong(format!("{error}")));
        }
        let bytes = self.digests.as_binary::<i32>().value(row);
        let exact = <[u8; 32]>::try_from(bytes);
        exact
            .map(Digest::from_bytes)
            .map_err(|_| wrong(format!("{} bytes long in row {row}", bytes.len())))
    }
}

/// Writes the whole table, rows in the order of their digests: the same vectors give the same
/// bytes. The file appears whole or not at all.
///
/// # Errors
/// If the folder cannot be written.
pub fn write_cache(path: &Path, table: &VectorTable) -> Result<(), EmbedError> {
    let failed = |source| EmbedError::Write {
        path: path.to_owned(),
        source,
    };
    let batch = batch(table);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut bytes = Vec::new();
    let write = |bytes: &mut Vec<u8>| -> Result<(), ParquetError> {
        let mut writer = ArrowWriter::try_new(bytes, batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        writer.close().map(drop)
    };
    write(&mut bytes).map_err(|error| failed(std::io::Error::other(error)))?;
    crate::files::write_whole(path, &bytes).map_err(failed)
}

fn batch(table: &VectorTable) -> RecordBatch {
    let rows = table.by_digest();
    let models = StringArray::from_iter_values(rows.iter().map(|_| table.model()));
    let digests =
        FixedSizeBinaryArray::try_from_iter(rows.iter().map(|(digest, _)| digest.as_bytes()))
            .unwrap_or_else(|_| FixedSizeBinaryArray::new_null(32, 0));
    let numbers =
        Float32Array::from_iter_values(rows.iter().flat_map(|(_, vector)| vector.iter().copied()));
    let dim = i32::try_from(table.dim()).expect("a vector has fewer than 2^31 numbers");
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let schema = Schema::new(vec![
        Field::new("model", DataType::Utf8, false),
        Field::new("text_digest", DataType::FixedSizeBinary(32), false),
        Field::new(
            "vector",
            DataType::FixedSizeList(Arc::clone(&item), dim),
            false,
        ),
    ]);
    let vectors = FixedSizeListArray::new(item, dim, Arc::new(numbers), None);
    RecordBatch::try_new(
        Arc::new(schema),
        vec![Arc::new(models), Arc::new(digests), Arc::new(vectors)],
    )
    .expect("columns of one length and the schema's types")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::BadVector;

    fn filled() -> VectorTable {
        let mut table = VectorTable::new("m");
        for (index, text) in ["one", "two", "three"].iter().enumerate() {
            table
                .insert_text(text, &[index as f32 + 1.0, 2.0, -0.5])
                .expect("a direction");
        }
        table
    }

    #[test]
    fn a_cache_reads_back_as_written_and_has_the_same_bytes_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("embeddings.parquet");
        write_cache(&path, &filled()).expect("written");
        let first = std::fs::read(&path).expect("there");
        let table = read_cache(&path, "m").expect("readable");
        assert_eq!(table.by_digest(), filled().by_digest());
        write_cache(&path, &table).expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), first);
    }

    #[test]
    fn what_is_wrong_with_a_cache_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("embeddings.parquet");
        assert!(matches!(
            read_cache(&path, "m"),
            Err(EmbedError::Read { .. })
        ));
        std::fs::write(&path, "PAR1 but not really PAR1").expect("written");
        assert!(matches!(
            read_cache(&path, "m"),
            Err(EmbedError::Parquet { .. })
        ));
        write_cache(&path, &filled()).expect("written");
        let Err(EmbedError::Model { found, .. }) = read_cache(&path, "other") else {
            panic!("another model")
        };
        assert_eq!(found, "m");
    }

    #[test]
    fn a_table_refuses_vectors_without_a_direction() {
        let mut table = filled();
        assert_eq!(
            table.insert_text("nan", &[1.0, f32::NAN, 0.0]),
            Err(BadVector::NotFinite(1))
        );
        assert_eq!(table.insert_text("zero", &[0.0; 3]), Err(BadVector::Zero));
        assert_eq!(
            table.insert_text("short", &[1.0]),
            Err(BadVector::Dimension {
                found: 1,
                expected: 3
            })
        );
        assert_eq!(
            table.insert_text("one", &[0.0, 0.0, 1.0]),
            Err(BadVector::Conflict)
        );
        assert_eq!(table.len(), 3);
    }
}
