//! Columns of vectors, as Arrow has them, as f32.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};

use super::chunk::Vectors;

/// What a vector may be.
pub(super) const VECTOR: &str =
    "a list, large list or fixed-size list of f16, f32 or f64, or binary of little-endian f32";

/// What is wrong with a row of a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) row: usize,
    pub(super) expected: &'static str,
    pub(super) found: String,
}

/// How a column of vectors is called; `None` if it is none.
pub(super) fn vector_kind(kind: &DataType) -> Option<String> {
    let float = |kind: &DataType| match kind {
        DataType::Float16 => Some("f16, converted to f32"),
        DataType::Float32 => Some("f32"),
        DataType::Float64 => Some("f64, rounded to f32"),
        _ => None,
    };
    Some(match kind {
        DataType::List(field) => format!("list of {}", float(field.data_type())?),
        DataType::LargeList(field) => format!("large list of {}", float(field.data_type())?),
        DataType::FixedSizeList(field, dim) => {
            format!("fixed-size list of {dim} {}", float(field.data_type())?)
        }
        DataType::Binary => "binary of little-endian f32".to_owned(),
        DataType::LargeBinary => "large binary of little-endian f32".to_owned(),
        DataType::BinaryView => "binary view of little-endian f32".to_owned(),
        DataType::FixedSizeBinary(width) if width % 4 == 0 => {
            format!("fixed-size binary of {} little-endian f32", width / 4)
        }
        _ => return None,
    })
}

/// A column of vectors. What is a list of f32 already is not copied.
///
/// # Panics
/// If the type is none that [`vector_kind`] names.
pub(super) fn vectors(array: &dyn Array) -> Result<Vectors, Fault> {
    let present = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    match array.data_type() {
        DataType::List(_) => of_list(array.as_list::<i32>(), present),
        DataType::LargeList(_) => of_list(array.as_list::<i64>(), present),
        DataType::FixedSizeList(_, dim) => {
            let list = array.as_fixed_size_list();
            let rows = Rows::Uniform(*dim as usize, list.len());
            of_values(list.values(), rows, present)
        }
        DataType::Binary => of_bytes(array.as_binary::<i32>().iter(), present),
        DataType::LargeBinary => of_bytes(array.as_binary::<i64>().iter(), present),
        DataType::BinaryView => of_bytes(array.as_binary_view().iter(), present),
        DataType::FixedSizeBinary(_) => of_bytes(array.as_fixed_size_binary().iter(), present),
        other => unreachable!("{other} was refused when the file was opened"),
    }
}

/// Which of a column's numbers are each row's.
enum Rows {
    /// So many each, for so many rows.
    Uniform(usize, usize),
    Ragged(OffsetBuffer<i64>),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Self::Uniform(_, rows) => *rows,
            Self::Ragged(offsets) => offsets.len() - 1,
        }
    }

    fn range(&self, row: usize) -> Range<usize> {
        match self {
            Self::Uniform(dim, _) => row * dim..(row + 1) * dim,
            Self::Ragged(offsets) => offsets[row] as usize..offsets[row + 1] as usize,
        }
    }
}

fn of_list<O: OffsetSizeTrait>(
    list: &GenericListArray<O>,
    present: Option<NullBuffer>,
) -> Result<Vectors, Fault> {
    let offsets = list.value_offsets();
    let first = offsets[0].as_usize();
    let values = list
        .values()
        .slice(first, offsets[list.len()].as_usize() - first);
    let dim = offsets.get(1).map_or(0, |second| second.as_usize() - first);
    let even = |pair: &[O]| pair[1].as_usize() - pair[0].as_usize() == dim;
    let rows = if dim > 0 && offsets.windows(2).all(even) {
        Rows::Uniform(dim, list.len())
    } else {
        let lengths = offsets
            .windows(2)
            .map(|pair| pair[1].as_usize() - pair[0].as_usize());
        Rows::Ragged(widened(lengths))
    };
    of_values(&values, rows, present)
}

/// Offsets of rows with these lengths.
fn widened(lengths: impl Iterator<Item = usize>) -> OffsetBuffer<i64> {
    let mut offsets = vec![0];
    let mut end = 0;
    for length in lengths {
        end += length.cast_signed() as i64;
        offsets.push(end);
    }
    OffsetBuffer::new(offsets.into())
}

fn of_values(values: &ArrayRef, rows: Rows, present: Option<NullBuffer>) -> Result<Vectors, Fault> {
    let counts = |row| present.as_ref().is_none_or(|present| present.is_valid(row));
    if let Some(nulls) = values.nulls().filter(|nulls| nulls.null_count() > 0) {
        let whole = |row| {
            nulls
                .slice(rows.range(row).start, rows.range(row).len())
                .null_count()
                == 0
        };
        if let Some(row) = (0..rows.len()).find(|row| counts(*row) && !whole(*row)) {
            return Err(Fault {
                row,
                expected: "a vector of numbers",
                found: "a vector with a null in it".to_owned(),
            });
        }
    }
    let numbers: ScalarBuffer<f32> = match values.data_type() {
        DataType::Float32 => values.as_primitive::<Float32Type>().values().clone(),
        DataType::Float16 => {
            let halves = values.as_primitive::<Float16Type>().values();
            halves.iter().map(|half| half.to_f32()).collect()
        }
        _ => {
            let doubles = values.as_primitive::<Float64Type>().values();
            let singles: ScalarBuffer<f32> = doubles.iter().map(|double| *double as f32).collect();
            let beyond = |at: &usize| doubles[*at].is_finite() && singles[*at].is_infinite();
            let any = doubles
                .iter()
                .zip(&*singles)
                .any(|(double, single)| single.is_infinite() && double.is_finite());
            let fault = any.then(|| {
                (0..rows.len()).find_map(|row| {
                    let at = rows.range(row).find(beyond).filter(|_| counts(row))?;
                    Some(beyond_f32(row, doubles[at]))
                })
            });
            match fault.flatten() {
                Some(fault) => return Err(fault),
                None => singles,
            }
        }
    };
    Ok(match rows {
        Rows::Uniform(0, rows) => {
            Vectors::ragged(numbers, widened(std::iter::repeat_n(0, rows)), present)
        }
        Rows::Uniform(dim, _) => Vectors::uniform(numbers, dim, present),
        Rows::Ragged(offsets) => Vectors::ragged(numbers, offsets, present),
    })
}

/// A number that no f32 is near.
pub(super) fn beyond_f32(row: usize, number: f64) -> Fault {
    Fault {
        row,
        expected: "numbers within the range of f32, ±3.4e38",
        found: format!("a vector with the number {number:e}"),
    }
}

fn of_bytes<'a>(
    rows: impl Iterator<Item = Option<&'a [u8]>>,
    present: Option<NullBuffer>,
) -> Result<Vectors, Fault> {
    let mut numbers: Vec<f32> = Vec::new();
    let mut offsets = vec![0i64];
    let mut dim = None;
    let mut even = true;
    for (row, bytes) in rows.enumerate() {
        let bytes = bytes.unwrap_or_default();
        let (words, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(Fault {
                row,
                expected: "little-endian f32, four bytes each",
                found: format!("a vector of {} bytes", bytes.len()),
            });
        }
        numbers.extend(words.iter().map(|word| f32::from_le_bytes(*word)));
        offsets.push(numbers.len().cast_signed() as i64);
        even &= *dim.get_or_insert(words.len()) == words.len();
    }
    let numbers = ScalarBuffer::from(numbers);
    Ok(match dim.filter(|dim| even && *dim > 0) {
        Some(dim) => Vectors::uniform(numbers, dim, present),
        None => Vectors::ragged(numbers, OffsetBuffer::new(offsets.into()), present),
    })
}
