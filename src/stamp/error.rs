//! Why there is no stamp.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::export::ExportError;
use crate::parity::stamp::RowProblem;

/// Why a stamp cannot be made, saved or read.
#[derive(Debug, Error, Diagnostic)]
pub enum StampError {
    /// The export.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Export(#[from] ExportError),
    /// A row of it.
    #[error("a row cannot be stamped")]
    #[diagnostic(
        code(stamp::row),
        help("a row needs an id, and metadata that is one JSON object without NaN")
    )]
    Row {
        /// Which row, and why.
        #[from]
        source: RowProblem,
    },
    /// A file or a temporary file.
    #[error("{}: cannot be read or written", path.display())]
    #[diagnostic(code(stamp::io))]
    Io {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The rows are no readable Parquet.
    #[error("{}: not a readable Parquet file", path.display())]
    #[diagnostic(
        code(stamp::parquet),
        help("copy it again from where it was made, or make the stamp again")
    )]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: parquet::errors::ParquetError,
    },
    /// The document is no stamp.
    #[error("{}: not a stamp", path.display())]
    #[diagnostic(
        code(stamp::document),
        help("`ragstone stamp SOURCE --out NAME` writes NAME.stamp.json and NAME.stamp.parquet")
    )]
    Document {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: serde_json::Error,
    },
    /// A stamp of another format.
    #[error("{}: a stamp of format {found}", path.display())]
    #[diagnostic(
        code(stamp::format),
        help("this version reads format {known}: make the stamp again")
    )]
    Format {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// What is read here.
        known: u32,
    },
    /// Projections under different signs.
    #[error("{} and {}: the projections have different seeds", a.display(), b.display())]
    #[diagnostic(
        code(stamp::seeds),
        help(
            "make one of the stamps again with the --seed of the other, or compare the exports themselves"
        )
    )]
    Seeds {
        /// One stamp.
        a: PathBuf,
        /// The other.
        b: PathBuf,
    },
    /// Document and rows do not belong together, or one was changed.
    #[error("{}: {problem}", path.display())]
    #[diagnostic(
        code(stamp::changed),
        help(
            "the two files of a stamp belong together as they were written: copy both again, or make the stamp again"
        )
    )]
    Changed {
        /// Which file.
        path: PathBuf,
        /// What does not fit.
        problem: &'static str,
    },
}

impl StampError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn parquet(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> Self {
        let path = path.to_owned();
        move |source| Self::Parquet { path, source }
    }
}
