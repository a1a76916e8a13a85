//! The rows of a stamp as Parquet: written in order, read bucket by bucket.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Float32Builder,
    RecordBatch, StringArray, StringBuilder, UInt32Builder,
};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, UInt32Type};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, PageIndexPolicy};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use serde_json::{Map, Value};

use crate::files::WholeFile;
use crate::ids::Digest;
use crate::parity::stamp::{BUCKETS, FLOATS, KeyDigest, PackedRow, StampRow, VectorStamp};
use crate::stamp::StampError;
use crate::stamp::build::Bucket;

/// Rows of a row group, and of a page, which is the least that is read.
const GROUP_ROWS: usize = 65_536;
const PAGE_ROWS: usize = 512;
const DIGEST: i32 = 32;
const SKETCH: i32 = 64;
const _: () = assert!(
    SKETCH as usize == 4 * FLOATS,
    "a sketch is kept as its bytes"
);
/// Keys of the file's metadata.
const CONTENT: &str = "ragstone.stamp.content";
const VECTORS: &str = "ragstone.stamp.vectors";
const ROWS: &str = "ragstone.stamp.rows";
const IDS: &str = "ragstone.stamp.ids";

fn schema() -> Arc<Schema> {
    let column = |name: &str, kind: DataType, nullable: bool| Field::new(name, kind, nullable);
    let digest = || DataType::FixedSizeBinary(DIGEST);
    Arc::new(Schema::new(vec![
        column("id", DataType::Utf8, false),
        column("section", DataType::Utf8, true),
        column("text", digest(), false),
        column("text_nfc", digest(), true),
        column("metadata", digest(), false),
        column("metadata_keys", DataType::Utf8, true),
        column("vector", digest(), true),
        column("dim", DataType::UInt32, true),
        column("norm", DataType::Float32, true),
        column("projection", DataType::FixedSizeBinary(SKETCH), true),
    ]))
}

/// Rows, ready to be written.
pub(super) struct RowBatch(RecordBatch);

impl RowBatch {
    /// Of rows in the order of a stamp.
    pub(super) fn of(rows: &[PackedRow]) -> Self {
        let n = rows.len();
        let mut ids = StringBuilder::with_capacity(n, n * 16);
        let (mut sections, mut keys) = (StringBuilder::new(), StringBuilder::new());
        let digests = || FixedSizeBinaryBuilder::with_capacity(n, DIGEST);
        let (mut texts, mut normalised, mut metadata) = (digests(), digests(), digests());
        let mut vectors = digests();
        let mut dims = UInt32Builder::with_capacity(n);
        let mut norms = Float32Builder::with_capacity(n);
        let mut sketches = FixedSizeBinaryBuilder::with_capacity(n, SKETCH);
        let put = |to: &mut FixedSizeBinaryBuilder, digest: &Digest| {
            to.append_value(digest.as_bytes()).expect("32 bytes");
        };
        for row in rows {
            let row = row.unpack();
            ids.append_value(&row.id);
            sections.append_option(row.section.as_deref());
            put(&mut texts, &row.text);
            if row.normalised == row.text {
                normalised.append_null();
            } else {
                put(&mut normalised, &row.normalised);
            }
            put(&mut metadata, &row.metadata);
            keys.append_option(written(&row.keys));
            if let Some(vector) = row.vector {
                put(&mut vectors, &vector.digest);
                dims.append_value(vector.dim);
                norms.append_value(vector.norm);
                let bytes: Vec<u8> = vector.sketch.iter().flat_map(|x| x.to_le_bytes()).collect();
                sketches.append_value(bytes).expect("16 numbers");
            } else {
                vectors.append_null();
                dims.append_null();
                norms.append_null();
                sketches.append_null();
            }
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(ids.finish()),
            Arc::new(sections.finish()),
            Arc::new(texts.finish()),
            Arc::new(normalised.finish()),
            Arc::new(metadata.finish()),
            Arc::new(keys.finish()),
            Arc::new(vectors.finish()),
            Arc::new(dims.finish()),
            Arc::new(norms.finish()),
            Arc::new(sketches.finish()),
        ];
        Self(RecordBatch::try_new(schema(), columns).expect("columns of one length"))
    }
}

/// Keys with the first eight bytes of the digests of their values, as a JSON object.
fn written(keys: &[KeyDigest]) -> Option<String> {
    if keys.is_empty() {
        return None;
    }
    let hex = |key: &KeyDigest| format!("{:016x}", u64::from_be_bytes(key.value));
    let object: Map<String, Value> = keys
        .iter()
        .map(|key| (key.key.clone(), Value::from(hex(key))))
        .collect();
    Some(Value::from(object).to_string())
}

fn read_keys(text: &str) -> Option<Vec<KeyDigest>> {
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let key = |(key, value): (String, Value)| {
        let value = u64::from_str_radix(value.as_str()?, 16).ok()?.to_be_bytes();
        Some(KeyDigest { key, value })
    };
    object.into_iter().map(key).collect()
}

/// Writes rows under a temporary name.
pub struct RowsWriter {
    path: PathBuf,
    writer: ArrowWriter<WholeFile>,
}

impl RowsWriter {
    /// Begins a file.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(path: &Path) -> Result<Self, StampError> {
        let file = WholeFile::create(path).map_err(StampError::io(path))?;
        let zstd = Compression::ZSTD(ZstdLevel::try_new(1).expect("a level"));
        let mut properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by("ragstone stamp 1".to_owned())
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_write_batch_size(PAGE_ROWS)
            .set_compression(Compression::UNCOMPRESSED);
        for name in ["id", "section", "metadata_keys"] {
            properties = properties.set_column_compression(ColumnPath::from(name), zstd);
        }
        let writer = ArrowWriter::try_new(file, schema(), Some(properties.build()));
        Ok(Self {
            path: path.to_owned(),
            writer: writer.map_err(StampError::parquet(path))?,
        })
    }

    pub(super) fn write(&mut self, rows: RowBatch) -> Result<(), StampError> {
        let written = self.writer.write(&rows.0);
        written.map_err(StampError::parquet(&self.path))
    }

    /// Ends the file with the digests of its buckets, and gives it its name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self, buckets: &[Bucket]) -> Result<(), StampError> {
        let digests = |digest: fn(&Bucket) -> Digest| -> Vec<u8> {
            buckets
                .iter()
                .flat_map(|bucket| *digest(bucket).as_bytes())
                .collect()
        };
        let counts = |count: fn(&Bucket) -> u32| -> Vec<u8> {
            buckets
                .iter()
                .flat_map(|bucket| count(bucket).to_le_bytes())
                .collect()
        };
        for (key, bytes) in [
            (CONTENT, digests(|bucket| bucket.content)),
            (VECTORS, digests(|bucket| bucket.vectors)),
            (ROWS, counts(|bucket| bucket.rows)),
            (IDS, counts(|bucket| bucket.ids)),
        ] {
            let value = BASE64.encode(bytes);
            self.writer
                .append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        let file = self.writer.into_inner();
        let file = file.map_err(StampError::parquet(&self.path))?;
        file.persist().map_err(StampError::io(&self.path))
    }
}

/// The rows of a stamp, of which only those of asked buckets are read.
#[derive(Debug)]
pub struct Rows {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    buckets: Vec<Bucket>,
    /// Rows before each bucket, and in all.
    starts: Vec<usize>,
}

impl Rows {
    /// Opens the file and reads its footer.
    ///
    /// # Errors
    /// If it is no stamp's, or is damaged.
    pub fn open(path: &Path) -> Result<Self, StampError> {
        let file = File::open(path).map_err(StampError::io(path))?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = ArrowReaderMetadata::load(&file, options);
        let metadata = metadata.map_err(StampError::parquet(path))?;
        let changed = |problem| StampError::Changed {
            path: path.to_owned(),
            problem,
        };
        if metadata.schema().fields() != schema().fields() {
            return Err(changed("its columns are not those of a stamp"));
        }
        let footer = metadata.metadata().file_metadata();
        let entries = footer.key_value_metadata().map_or(&[][..], Vec::as_slice);
        let bytes = |key: &str, width: usize| {
            let entry = entries.iter().find(|entry| entry.key == key);
            let bytes = entry.and_then(|entry| BASE64.decode(entry.value.as_ref()?).ok());
            bytes
                .filter(|bytes| bytes.len() == BUCKETS * width)
                .ok_or_else(|| changed("its footer has no digests of buckets"))
        };
        let (content, vectors) = (bytes(CONTENT, 32)?, bytes(VECTORS, 32)?);
        let (rows, ids) = (bytes(ROWS, 4)?, bytes(IDS, 4)?);
        let digest = |bytes: &[u8], i: usize| Digest::from_bytes(bytes.as_chunks::<32>().0[i]);
        let count = |bytes: &[u8], i: usize| u32::from_le_bytes(bytes.as_chunks::<4>().0[i]);
        let bucket = |i| Bucket {
            content: digest(&content, i),
            vectors: digest(&vectors, i),
            rows: count(&rows, i),
            ids: count(&ids, i),
        };
        let buckets: Vec<Bucket> = (0..BUCKETS).map(bucket).collect();
        let mut starts = vec![0];
        for bucket in &buckets {
            starts.push(starts[starts.len() - 1] + bucket.rows as usize);
        }
        if usize::try_from(footer.num_rows()) != Ok(starts[BUCKETS]) {
            return Err(changed("its buckets have other rows than the file"));
        }
        Ok(Self {
            path: path.to_owned(),
            metadata,
            buckets,
            starts,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Digests and counts of the buckets.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    fn selection(&self, buckets: &[usize]) -> RowSelection {
        let ranges = buckets.iter().map(|&i| self.starts[i]..self.starts[i + 1]);
        RowSelection::from_consecutive_ranges(ranges, self.starts[BUCKETS])
    }

    /// How many ids of some buckets, which are given in ascending order, have a vector on any row.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn ids_with_vector(&self, buckets: &[usize]) -> Result<usize, StampError> {
        let columns = ProjectionMask::columns(self.metadata.parquet_schema(), ["id", "dim"]);
        let (mut n, mut last) = (0, None);
        self.read(
            columns,
            self.selection(buckets),
            |batch, _: &mut Vec<()>| {
                let (ids, dims) = (batch.column(0).as_string_opt::<i32>()?, batch.column(1));
                // Rows of one id follow each other.
                for row in (0..batch.num_rows()).filter(|&row| dims.is_valid(row)) {
                    if last.as_deref() != Some(ids.value(row)) {
                        n += 1;
                        last = Some(ids.value(row).to_owned());
                    }
                }
                Some(())
            },
        )?;
        Ok(n)
    }

    /// The rows of some buckets, which are given in ascending order, bucket by bucket.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of(&self, buckets: &[usize]) -> Result<Vec<Vec<StampRow>>, StampError> {
        let mut rows = self
            .read(ProjectionMask::all(), self.selection(buckets), unpacked)?
            .into_iter();
        let of = |&i: &usize| rows.by_ref().take(self.buckets[i].rows as usize).collect();
        let found: Vec<Vec<StampRow>> = buckets.iter().map(of).collect();
        Ok(found)
    }

    /// The section of every row that names one.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn each_section(&self, take: &mut dyn FnMut(&str)) -> Result<(), StampError> {
        let section = ProjectionMask::columns(self.metadata.parquet_schema(), ["section"]);
        let all = RowSelection::from(vec![RowSelector::select(self.starts[BUCKETS])]);
        self.read(section, all, |batch, _: &mut Vec<()>| {
            for section in batch.column(0).as_string_opt::<i32>()?.iter().flatten() {
                take(section);
            }
            Some(())
        })?;
        Ok(())
    }

    fn read<T>(
        &self,
        mask: ProjectionMask,
        selection: RowSelection,
        mut take: impl FnMut(&RecordBatch, &mut Vec<T>) -> Option<()>,
    ) -> Result<Vec<T>, StampError> {
        let mut found = Vec::new();
        if !selection.selects_any() {
            return Ok(found);
        }
        let file = File::open(&self.path).map_err(StampError::io(&self.path))?;
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_projection(mask)
                .with_row_selection(selection)
                .with_batch_size(8_192)
                .build()
                .map_err(StampError::parquet(&self.path))?;
        for batch in reader {
            let batch = batch.map_err(|error| {
                StampError::parquet(&self.path)(parquet::errors::ParquetError::from(error))
            })?;
            take(&batch, &mut found).ok_or_else(|| StampError::Changed {
                path: self.path.clone(),
                problem: "its rows are not those of a stamp",
            })?;
        }
        Ok(found)
    }
}

/// The rows of a batch; `None` if they make no sense.
fn unpacked(batch: &RecordBatch, to: &mut Vec<StampRow>) -> Option<()> {
    let strings = |i: usize| batch.column(i).as_string_opt::<i32>();
    let bytes = |i: usize| batch.column(i).as_fixed_size_binary_opt();
    let (ids, sections, keys) = (strings(0)?, strings(1)?, strings(5)?);
    let (texts, normalised, metadata) = (bytes(2)?, bytes(3)?, bytes(4)?);
    let (vectors, sketches) = (bytes(6)?, bytes(9)?);
    let dims = batch.column(7).as_primitive_opt::<UInt32Type>()?;
    let norms = batch.column(8).as_primitive_opt::<Float32Type>()?;
    for row in 0..batch.num_rows() {
        let text = digest(texts, row)?;
        let vector = |digest| {
            let (numbers, _) = sketches.value(row).as_chunks::<4>();
            Some(VectorStamp {
                digest,
                dim: dims.value(row),
                norm: norms.value(row),
                sketch: std::array::from_fn(|j| f32::from_le_bytes(numbers[j])),
            })
        };
        let some = |strings: &StringArray| {
            let there = strings.is_valid(row);
            there.then(|| strings.value(row).to_owned())
        };
        to.push(StampRow {
            id: some(ids)?,
            section: some(sections),
            text,
            normalised: digest(normalised, row).unwrap_or(text),
            metadata: digest(metadata, row)?,
            keys: some(keys).map_or_else(|| Some(Vec::new()), |keys| read_keys(&keys))?,
            vector: digest(vectors, row).and_then(vector),
        });
    }
    Some(())
}

fn digest(array: &FixedSizeBinaryArray, row: usize) -> Option<Digest> {
    let there = array.is_valid(row);
    there.then(|| Digest::from_bytes(*array.value(row).first_chunk().expect("32 bytes")))
}
