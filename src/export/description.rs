//! What an export's channels are read from, in words that a stamp can keep.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an export's channels are read from: one part for each kind of file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Files of one format with the same columns, together; in the order of the first file of each.
    pub parts: Vec<Part>,
}

/// Files of one format with the same columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Their format.
    pub format: Format,
    /// Their names, without folders, in the order in which they were given or stand in a folder.
    pub files: Vec<String>,
    /// What the ids are read from.
    pub id: ColumnRead,
    /// What the texts are read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<ColumnRead>,
    /// What the vectors are read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<ColumnRead>,
    /// What the metadata is read from; nothing if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<ColumnRead>,
    /// What the documents are read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_id: Option<ColumnRead>,
    /// What the sections are read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_id: Option<ColumnRead>,
}

/// A column that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnRead {
    /// Its name.
    pub column: String,
    /// Its type, and how it is converted if it is, such as `fixed-size list of f32, 384` or
    /// `i64, written in decimal`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Parquet.
    Parquet,
    /// Arrow IPC with a footer.
    ArrowFile,
    /// Arrow IPC without.
    ArrowStream,
    /// One JSON object a line, plain or compressed.
    JsonLines,
    /// `id<TAB>text` lines, plain or compressed, alone.
    Tsv,
    /// The same beside a `.npy` file.
    TsvNpy,
    /// The same beside a `.fvecs` file.
    TsvFvecs,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parquet => "Parquet",
            Self::ArrowFile => "Arrow IPC file",
            Self::ArrowStream => "Arrow IPC stream",
            Self::JsonLines => "JSON lines",
            Self::Tsv => "TSV",
            Self::TsvNpy => "TSV and .npy",
            Self::TsvFvecs => "TSV and .fvecs",
        })
    }
}

impl Description {
    /// Adds a file's part, or its name to the part that reads the same columns.
    pub(super) fn add(&mut self, part: Part) {
        let same = |other: &&mut Part| {
            let mut bare = part.clone();
            bare.files.clone_from(&other.files);
            bare == **other
        };
        match self.parts.iter_mut().find(same) {
            Some(other) => other.files.extend(part.files),
            None => self.parts.push(part),
        }
    }
}
