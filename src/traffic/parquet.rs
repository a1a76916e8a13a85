//! Requests from Parquet: columns with the names of the JSON fields, nested or with dots.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Float64Array, Int64Array, RecordBatch,
    StringArray, StringViewArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field as Column, FieldRef, Fields, Int32Type, Schema, TimeUnit,
    TimestampMillisecondType,
};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use crate::traffic::TrafficError;
use crate::traffic::fields::{Field, KNOWN, Sources};
use crate::traffic::scan::Raw;

/// What a Parquet file begins with.
pub(super) const MAGIC: &[u8] = b"PAR1";
/// Rows that are decoded at once.
const BATCH: usize = 4096;

/// A row group of a file, for one worker.
pub(super) struct RowGroup {
    path: Arc<PathBuf>,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    unknown: Arc<Vec<String>>,
    group: usize,
    /// Number of its first row in the file, from 1.
    first: u64,
}

/// Some rows, decoded.
pub(super) struct Rows {
    /// Number of the first in the file, from 1.
    pub(super) first: u64,
    /// Columns that nothing is read from.
    pub(super) unknown: Arc<Vec<String>>,
    n: usize,
    columns: Vec<(usize, Values)>,
}

/// Values of a column, with the nulls of what it stands in.
#[derive(Clone)]
enum Values {
    Text(StringViewArray),
    Named(DictionaryArray<Int32Type>, StringArray),
    Flags(BooleanArray),
    Whole(Int64Array),
    Real(Float64Array),
    Time(Int64Array),
}

/// The row groups of a file that has been opened.
pub(super) fn row_groups(
    path: &Path,
    file: &File,
    sources: &Sources,
) -> Result<impl Iterator<Item = RowGroup> + Send + use<>, TrafficError> {
    let path = Arc::new(path.to_owned());
    let unlike = |problem: String| TrafficError::Parquet {
        path: path.to_path_buf(),
        problem,
    };
    let plain = ArrowReaderMetadata::load(file, ArrowReaderOptions::new())
        .map_err(|error| unlike(error.to_string()))?;
    let mut leaves = Vec::new();
    let mut unknown = Vec::new();
    for (leaf, column) in plain.parquet_schema().columns().iter().enumerate() {
        let name = column.path().string();
        if sources.reads(&name) {
            leaves.push(leaf);
        } else if !sources.paths.contains(&name) && !KNOWN.contains(&name.as_str()) {
            unknown.push(name);
        }
    }
    let mask = ProjectionMask::leaves(plain.parquet_schema(), leaves);
    let fields = named_columns(plain.schema().fields(), "");
    let schema = Arc::new(Schema::new(fields));
    let options = ArrowReaderOptions::new().with_schema(schema);
    let metadata = ArrowReaderMetadata::load(file, options).unwrap_or(plain);
    let n_rows: Vec<u64> = metadata
        .metadata()
        .row_groups()
        .iter()
        .map(|group| group.num_rows().max(0).unsigned_abs())
        .collect();
    let unknown = Arc::new(unknown);
    let mut first = 1;
    Ok(n_rows.into_iter().enumerate().map(move |(group, n)| {
        let this = RowGroup {
            path: Arc::clone(&path),
            metadata: metadata.clone(),
            mask: mask.clone(),
            unknown: Arc::clone(&unknown),
            group,
            first,
        };
        first += n;
        this
    }))
}

/// The columns as they are best read: a name that many rows share once for all of them.
fn named_columns(fields: &Fields, within: &str) -> Fields {
    let one = |field: &FieldRef| -> FieldRef {
        let path = if within.is_empty() {
            field.name().clone()
        } else {
            format!("{within}.{}", field.name())
        };
        let read_as = match field.data_type() {
            DataType::Struct(fields) => DataType::Struct(named_columns(fields, &path)),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if is_key(&path) => {
                DataType::Utf8View
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            other => other.clone(),
        };
        Arc::new(Column::new(field.name(), read_as, field.is_nullable()))
    };
    fields.iter().map(one).collect()
}

/// Whether almost every row has a value of its own.
fn is_key(path: &str) -> bool {
    const KEYS: [Field; 4] = [Field::Ts, Field::Sticky, Field::RequestId, Field::DedupeKey];
    KEYS.iter()
        .any(|key| key.path() == path || key.aliases().contains(&path))
}

impl RowGroup {
    /// Hands on all rows.
    pub(super) fn read(
        self,
        sources: &Sources,
        mut take: impl FnMut(&Rows),
    ) -> Result<(), TrafficError> {
        let unlike = |problem: String| TrafficError::Parquet {
            path: self.path.to_path_buf(),
            problem,
        };
        // A copy of the handle would share its position with other threads.
        let file = File::open(&*self.path).map_err(|error| unlike(error.to_string()))?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata)
            .with_row_groups(vec![self.group])
            .with_projection(self.mask)
            .with_batch_size(BATCH)
            .build()
            .map_err(|error| unlike(error.to_string()))?;
        let mut first = self.first;
        for batch in reader {
            let batch = batch.map_err(|error| unlike(error.to_string()))?;
            let mut columns = Vec::new();
            for (slot, path) in sources.paths.iter().enumerate() {
                if let Some(values) = column(&batch, path) {
                    let values = Values::of(&values)
                        .map_err(|problem| unlike(format!("column `{path}` {problem}")))?;
                    columns.push((slot, values));
                }
            }
            settle(&mut columns, sources);
            take(&Rows {
                first,
                unknown: Arc::clone(&self.unknown),
                n: batch.num_rows(),
                columns,
            });
            first += batch.num_rows() as u64;
        }
        Ok(())
    }
}

/// Leads the columns into the slots of their fields: those of other names where the field has no
/// column of its own, and none where all rows share a value that the mapping gives.
fn settle(columns: &mut Vec<(usize, Values)>, sources: &Sources) {
    for (field, other) in &sources.aliases {
        let of = |wanted: usize| columns.iter().find(|(slot, _)| *slot == wanted);
        if let (None, Some((_, values))) = (of(*field as usize), of(*other)) {
            columns.push((*field as usize, values.clone()));
        }
    }
    let shared = |slot: usize| {
        sources
            .constants
            .iter()
            .any(|(field, _)| *field as usize == slot)
    };
    columns.retain(|(slot, _)| *slot < Field::ALL.len() && !shared(*slot));
}

/// A column by its path, null where what it stands in is.
fn column(batch: &RecordBatch, path: &str) -> Option<ArrayRef> {
    if let Some(column) = batch.column_by_name(path) {
        return Some(Arc::clone(column));
    }
    let mut keys = path.split('.');
    let mut at = Arc::clone(batch.column_by_name(keys.next()?)?);
    for key in keys {
        let outer: &StructArray = at.as_struct_opt()?;
        let inner = outer.column_by_name(key)?;
        at = match outer.nulls() {
            None => Arc::clone(inner),
            Some(nulls) => {
                let data = inner.to_data().into_builder();
                let both = NullBuffer::union(Some(nulls), inner.nulls());
                arrow::array::make_array(data.nulls(both).build().ok()?)
            }
        };
    }
    Some(at)
}

impl Values {
    fn of(column: &ArrayRef) -> Result<Self, String> {
        let as_type = |to: &DataType| cast(column, to).map_err(|error| error.to_string());
        Ok(match column.data_type() {
            DataType::Dictionary(_, values) if **values == DataType::Utf8 => {
                let column = as_type(&DataType::Dictionary(
                    Box::new(DataType::Int32),
                    Box::new(DataType::Utf8),
                ))?;
                let column = column.as_dictionary::<Int32Type>().clone();
                let values = column.values().as_string::<i32>().clone();
                Self::Named(column, values)
            }
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Dictionary(..) => {
                Self::Text(as_type(&DataType::Utf8View)?.as_string_view().clone())
            }
            DataType::Boolean => Self::Flags(column.as_boolean().clone()),
            DataType::Timestamp(..) => {
                let ms = as_type(&DataType::Timestamp(TimeUnit::Millisecond, None))?;
                let ms = ms.as_primitive::<TimestampMillisecondType>();
                Self::Time(ms.reinterpret_cast())
            }
            whole if whole.is_integer() => {
                Self::Whole(as_type(&DataType::Int64)?.as_primitive().clone())
            }
            real if real.is_floating() => {
                Self::Real(as_type(&DataType::Float64)?.as_primitive().clone())
            }
            DataType::Struct(_) => {
                let there = (0..column.len()).map(|row| (!column.is_null(row)).then_some(true));
                Self::Flags(there.collect())
            }
            DataType::Null => Self::Flags(BooleanArray::new_null(column.len())),
            other => return Err(format!("is of type {other}, of which nothing can be read")),
        })
    }

    fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::Text(values) => values.nulls(),
            Self::Named(keys, _) => keys.nulls(),
            Self::Flags(values) => values.nulls(),
            Self::Whole(values) | Self::Time(values) => values.nulls(),
            Self::Real(values) => values.nulls(),
        }
    }

    /// The value of all rows, where it is quickly seen that they share one.
    fn only(&self) -> Option<Raw<'_>> {
        let n_nulls = self.nulls().map_or(0, NullBuffer::null_count);
        match self {
            _ if self.nulls().is_some_and(|nulls| nulls.len() == n_nulls) => Some(Raw::Null),
            Self::Named(_, values) if n_nulls == 0 && values.len() == 1 => {
                Some(Raw::Text(values.value(0)))
            }
            Self::Flags(values) if n_nulls == 0 => {
                let n_true = values.true_count();
                let same = n_true == 0 || n_true == values.len();
                same.then_some(Raw::flag(n_true > 0))
            }
            _ => None,
        }
    }

    /// Puts the values of some rows into their places, in order.
    fn fill<'a, 'p>(&'a self, rows: Range<usize>, places: impl Iterator<Item = &'p mut Raw<'a>>)
    where
        'a: 'p,
    {
        let cells = Cells {
            rows,
            nulls: self.nulls(),
        };
        match self {
            Self::Text(values) => cells.fill(places, |row| Raw::Text(values.value(row))),
            Self::Named(keys, values) => {
                let keys = keys.keys().values();
                cells.fill(places, |row| Raw::Text(values.value(keys[row] as usize)));
            }
            Self::Flags(values) => cells.fill(places, |row| Raw::flag(values.value(row))),
            Self::Whole(values) => cells.fill(places, |row| Raw::Whole(values.value(row))),
            Self::Real(values) => cells.fill(places, |row| Raw::Real(values.value(row))),
            Self::Time(values) => cells.fill(places, |row| Raw::Millis(values.value(row))),
        }
    }
}

/// Some rows of a column.
struct Cells<'a> {
    rows: Range<usize>,
    nulls: Option<&'a NullBuffer>,
}

impl Cells<'_> {
    #[inline]
    fn fill<'a: 'p, 'p>(
        self,
        places: impl Iterator<Item = &'p mut Raw<'a>>,
        value: impl Fn(usize) -> Raw<'a>,
    ) {
        match self.nulls {
            None => {
                for (row, place) in self.rows.zip(places) {
                    *place = value(row);
                }
            }
            Some(nulls) => {
                for (row, place) in self.rows.zip(places) {
                    *place = if nulls.is_valid(row) {
                        value(row)
                    } else {
                        Raw::Null
                    };
                }
            }
        }
    }
}

impl Rows {
    /// How many rows are laid out at once: so few that all their values stay close to the processor.
    const TOGETHER: usize = 16;

    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// Hands on every row, its values in their slots beside those of `shared`.
    pub(super) fn each<'a>(&'a self, shared: &[Raw<'a>], mut take: impl FnMut(usize, &[Raw<'a>])) {
        let mut shared = shared.to_vec();
        let mut changing = Vec::new();
        for (slot, values) in &self.columns {
            match values.only() {
                Some(value) => shared[*slot] = value,
                None => changing.push((*slot, values)),
            }
        }
        let n_slots = shared.len();
        let mut slots = shared.repeat(Self::TOGETHER);
        for first in (0..self.n).step_by(Self::TOGETHER) {
            let rows = first..self.n.min(first + Self::TOGETHER);
            // Column by column, so that what to do with a type is decided once for many rows.
            for (slot, values) in &changing {
                let places = slots[*slot..].iter_mut().step_by(n_slots);
                values.fill(rows.clone(), places);
            }
            for (row, slots) in rows.zip(slots.chunks_exact(n_slots)) {
                take(row, slots);
            }
        }
    }

    /// All of a row that is read, as bytes that no other row has.
    pub(super) fn bytes(&self, row: usize) -> Vec<u8> {
        let mut all = Vec::new();
        for (slot, values) in &self.columns {
            let mut value = Raw::Absent;
            values.fill(row..row + 1, std::iter::once(&mut value));
            all.push(*slot as u8);
            match value {
                Raw::Text(text) | Raw::Number(text) => {
                    all.extend((text.len() as u64).to_le_bytes());
                    all.extend(text.as_bytes());
                }
                Raw::Whole(value) | Raw::Millis(value) => all.extend(value.to_le_bytes()),
                Raw::Real(value) => all.extend(value.to_le_bytes()),
                Raw::True => all.push(1),
                Raw::False => all.push(0),
                _ => all.push(u8::MAX),
            }
        }
        all
    }
}
