//! Some rows of an export, as every reader hands them on.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, LargeStringArray, StringArray, StringViewArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use serde_json::{Map, Value};

/// Some rows of an export. Every column that is there has one value, or none, for each row.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The ids; none is absent.
    pub ids: Strings,
    /// The texts, if the export has any.
    pub texts: Option<Strings>,
    /// What is kept beside the texts.
    pub metadata: Metadata,
    /// The sections that the rows were cut from, if the export names them.
    pub sections: Option<Sections>,
    /// The vectors, if the export has any.
    pub vectors: Option<Vectors>,
    /// Where the rows stand.
    pub place: Place,
}

impl Chunk {
    /// Most rows that a reader puts into one chunk.
    pub const ROWS: usize = 8_192;

    /// Rows in it.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where a chunk's first row stands, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, or what stands for one.
    pub file: Arc<PathBuf>,
    /// What a row is called: `line` or `row`.
    pub unit: &'static str,
    /// Number of the chunk's first row, from 1.
    pub first: u64,
}

impl Place {
    /// The place of one row of the chunk.
    pub fn of(&self, row: usize) -> String {
        format!("{self} {}", self.first + row as u64)
    }
}

/// `docs.jsonl line`, to be followed by a number.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file.display(), self.unit)
    }
}

/// A column of text in whichever layout its file has it, so that nothing is copied.
#[derive(Clone, Debug)]
pub enum Strings {
    /// With offsets of 32 bits.
    Utf8(StringArray),
    /// With offsets of 64 bits.
    Large(LargeStringArray),
    /// With views.
    View(StringViewArray),
}

impl Strings {
    /// Values, absent ones included.
    pub fn len(&self) -> usize {
        match self {
            Self::Utf8(array) => array.len(),
            Self::Large(array) => array.len(),
            Self::View(array) => array.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A row's text; `None` if it has none.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

impl<'a> FromIterator<Option<&'a str>> for Strings {
    fn from_iter<I: IntoIterator<Item = Option<&'a str>>>(values: I) -> Self {
        Self::Large(values.into_iter().collect())
    }
}

/// What an export keeps beside its texts.
#[derive(Clone, Debug)]
pub enum Metadata {
    /// Nothing: each row's metadata is the empty object.
    None,
    /// A JSON object for each row, as written; absent is the empty object.
    Json(Strings),
    /// One object for each row, made of several columns.
    Objects(Vec<Map<String, Value>>),
}

/// The sections that rows were cut from.
#[derive(Clone, Debug)]
pub struct Sections {
    /// The documents.
    pub doc_ids: Strings,
    /// The sections within them.
    pub section_ids: Strings,
}

/// A column of vectors as f32: what an export holds in another type is converted to the nearest.
#[derive(Clone, Debug)]
pub struct Vectors {
    values: ScalarBuffer<f32>,
    layout: Layout,
    present: Option<NullBuffer>,
}

#[derive(Clone, Debug)]
enum Layout {
    /// So many numbers in each row.
    Uniform(usize),
    /// Where each row begins and ends.
    Ragged(OffsetBuffer<i64>),
}

impl Vectors {
    /// Vectors of one length, row after row.
    ///
    /// # Panics
    /// If the numbers are not so many full rows, or `present` has another length.
    pub fn uniform(values: ScalarBuffer<f32>, dim: usize, present: Option<NullBuffer>) -> Self {
        assert!(
            dim > 0 && values.len().is_multiple_of(dim),
            "full rows of one length"
        );
        let rows = values.len() / dim;
        assert!(present.as_ref().is_none_or(|present| present.len() == rows));
        Self {
            values,
            layout: Layout::Uniform(dim),
            present,
        }
    }

    /// Vectors of any lengths.
    ///
    /// # Panics
    /// If the offsets go beyond the values, or `present` has another length.
    pub fn ragged(
        values: ScalarBuffer<f32>,
        offsets: OffsetBuffer<i64>,
        present: Option<NullBuffer>,
    ) -> Self {
        let rows = offsets.len() - 1;
        assert!(
            offsets
                .last()
                .is_some_and(|end| *end as usize <= values.len())
        );
        assert!(present.as_ref().is_none_or(|present| present.len() == rows));
        Self {
            values,
            layout: Layout::Ragged(offsets),
            present,
        }
    }

    /// Rows, those without a vector included.
    pub fn len(&self) -> usize {
        match &self.layout {
            Layout::Uniform(dim) => self.values.len() / dim,
            Layout::Ragged(offsets) => offsets.len() - 1,
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The length of every vector, if they are laid out with one length.
    pub fn dim(&self) -> Option<usize> {
        match self.layout {
            Layout::Uniform(dim) => Some(dim),
            Layout::Ragged(_) => None,
        }
    }

    /// All numbers, row after row; those of an absent vector mean nothing.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// A row's vector; `None` if it has none.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> Option<&[f32]> {
        let range = self.range(row);
        let present = self.present.as_ref();
        present
            .is_none_or(|present| present.is_valid(row))
            .then(|| &self.values[range])
    }

    fn range(&self, row: usize) -> Range<usize> {
        match &self.layout {
            Layout::Uniform(dim) => row * dim..(row + 1) * dim,
            Layout::Ragged(offsets) => offsets[row] as usize..offsets[row + 1] as usize,
        }
    }
}
