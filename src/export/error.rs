//! Why an export cannot be read.

use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use miette::Diagnostic;
use parquet::errors::ParquetError;
use thiserror::Error;

/// Why an export cannot be read. Rows and lines count from 1.
#[derive(Debug, Error, Diagnostic)]
pub enum ExportError {
    /// A file or folder cannot be read, or its compression breaks off.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(
        code(export::read),
        help("check that it is there, readable and whole: was its copy cut short?")
    )]
    Read {
        /// Which one.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file has changed since it was opened.
    #[error("{}: was {was} bytes when it was opened and now is {is}", path.display())]
    #[diagnostic(
        code(export::changed),
        help("export again when nothing writes the file any more")
    )]
    Changed {
        /// Which one.
        path: PathBuf,
        /// Its bytes when it was opened.
        was: u64,
        /// Its bytes now.
        is: u64,
    },
    /// There is nothing to read.
    #[error("{}: holds no files", path.display())]
    #[diagnostic(
        code(export::no_files),
        help(
            "name an export's files or a folder of them; names that begin with . or _ are passed over"
        )
    )]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// A file is in none of the formats that are read.
    #[error("{}: no format that is read here: {found}", path.display())]
    #[diagnostic(
        code(export::format),
        help(
            "expected Parquet, Arrow IPC (file or stream), JSON lines or `id<TAB>text` lines (plain, .gz or .zst), or .npy or .fvecs beside such lines"
        )
    )]
    Format {
        /// Which one.
        path: PathBuf,
        /// What it looks like.
        found: String,
    },
    /// An Arrow IPC file is cut short or damaged.
    #[error("{}: not whole as Arrow IPC: {place}", path.display())]
    #[diagnostic(
        code(export::arrow),
        help("write or copy the file again: it is cut short or damaged")
    )]
    Arrow {
        /// Which one.
        path: PathBuf,
        /// Where in it.
        place: String,
        /// The reason.
        source: ArrowError,
    },
    /// A Parquet file is cut short, damaged or uses a codec that is not read.
    #[error("{}: not readable as Parquet: {place}", path.display())]
    #[diagnostic(
        code(export::parquet),
        help(
            "write or copy the file again if it is cut short; pages may be plain or compressed by snappy or zstd, and not encrypted"
        )
    )]
    Parquet {
        /// Which one.
        path: PathBuf,
        /// Where in it.
        place: String,
        /// The reason.
        source: ParquetError,
    },
    /// A column that is needed is not there.
    #[error("{}: no column {column:?} for the {channel}; there are {}", path.display(), listed(found))]
    #[diagnostic(
        code(export::column),
        help(
            "say which column is what; by default they are id, text, vector, metadata, doc_id and section_id"
        )
    )]
    Column {
        /// Which file.
        path: PathBuf,
        /// What it was wanted for.
        channel: &'static str,
        /// Its name.
        column: String,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// One column is named for two things that cannot be the same.
    #[error("the column {column:?} is named for the vector and for the {channel}")]
    #[diagnostic(code(export::twice), help("name another column for one of them"))]
    Twice {
        /// Its name.
        column: String,
        /// What else it is named for.
        channel: &'static str,
    },
    /// A column has a type that cannot be what it is named for.
    #[error("{}: the column {column:?} for the {channel} is {found}", path.display())]
    #[diagnostic(code(export::type_), help("expected {expected}"))]
    Type {
        /// Which file.
        path: PathBuf,
        /// What it was wanted for.
        channel: &'static str,
        /// Its name.
        column: String,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A row or line does not hold what it should.
    #[error("{place}: {found}")]
    #[diagnostic(code(export::row), help("expected {expected}"))]
    Row {
        /// File and row, or line.
        place: String,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// Files of vectors are not as many as the files of lines beside them.
    #[error("{}: {n_vectors} files of vectors beside {n_lines} files of lines", path.display())]
    #[diagnostic(
        code(export::pairing),
        help(
            "name one file of `id<TAB>text` lines for each .npy or .fvecs file, in the same order; row by row they are the same rows"
        )
    )]
    Pairing {
        /// The first file of vectors.
        path: PathBuf,
        /// Files of lines.
        n_lines: usize,
        /// Files of vectors.
        n_vectors: usize,
    },
    /// A file of vectors has another number of rows than the file of texts beside it.
    #[error("{} has {n_vectors} rows and {} has {n_lines} lines", vectors.display(), lines.display())]
    #[diagnostic(
        code(export::counts),
        help("row by row they must be the same rows: export both again")
    )]
    Counts {
        /// The file of lines.
        lines: PathBuf,
        /// Its lines.
        n_lines: u64,
        /// The file of vectors.
        vectors: PathBuf,
        /// Its rows.
        n_vectors: u64,
    },
    /// A `.npy` or `.fvecs` file does not hold rows of numbers as it should.
    #[error("{}: {found}", path.display())]
    #[diagnostic(code(export::vectors), help("expected {expected}"))]
    VectorFile {
        /// Which one.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
}

/// The first names of a list, quoted.
fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| shown(name)).collect();
    let more = names.len().saturating_sub(MOST);
    match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A value from a file, quoted, escaped and cut, for a message.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?} …", &text[..end]),
        None => format!("{text:?}"),
    }
}
