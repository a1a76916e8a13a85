//! Why an exchange does not happen.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::goldset::{GoldSetError, Problem, Rule, listed};
use crate::trec::TrecError;

/// Why files of another tool cannot be read, or not be written.
#[derive(Debug, Error, Diagnostic)]
pub enum ExchangeError {
    /// A file cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(
        code(exchange::read),
        help("name a file that is plain, or packed whole by gzip or Zstandard")
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Everything that is wrong, by file and line.
    #[error("the files cannot be imported: {} problem{}\n{}", problems.len(), if problems.len() == 1 { "" } else { "s" }, listed(problems))]
    #[diagnostic(
        code(exchange::content),
        help("mend the lines above; docs/formats.md says what each format holds")
    )]
    Content {
        /// At least one.
        problems: Vec<Problem>,
    },
    /// A file that the format consists of was not named.
    #[error("the format needs {needed}")]
    #[diagnostic(code(exchange::missing), help("{help}"))]
    Missing {
        /// What was not named.
        needed: &'static str,
        /// How it is named.
        help: String,
    },
    /// Nothing of what was read can be asked.
    #[error("no question can be made of {}:\n{reasons}", path.display())]
    #[diagnostic(
        code(exchange::nothing),
        help(
            "a question needs a target in the corpus: --qrels, --corpus and --map name where these stand"
        )
    )]
    Nothing {
        /// The file of the questions.
        path: PathBuf,
        /// Why, with counts.
        reasons: String,
    },
    /// A folder or file that is used already.
    #[error("{}: is not empty", path.display())]
    #[diagnostic(
        code(exchange::occupied),
        help("nothing is overwritten: name another place with --out")
    )]
    Occupied {
        /// Which.
        path: PathBuf,
    },
    /// Two sections have one id in the other format.
    #[error("the sections {first} and {second} would both be called {id}")]
    #[diagnostic(code(exchange::clash), help("rename one of the two documents"))]
    Clash {
        /// One of them.
        first: String,
        /// The other.
        second: String,
        /// Their common name.
        id: String,
    },
    /// A file that cannot be written.
    #[error("{}: cannot be written", path.display())]
    #[diagnostic(code(exchange::write))]
    Write {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Judgments.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Trec(#[from] TrecError),
    /// The gold set.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Gold(#[from] GoldSetError),
}

impl ExchangeError {
    /// A file or folder that could not be written.
    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }

    /// One thing that is wrong at one place.
    pub(super) fn at(
        path: &Path,
        line: impl Into<Option<u64>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Content {
            problems: vec![Problem::new(path, line, Rule::Schema, message, help)],
        }
    }

    /// Nothing if there is no problem.
    ///
    /// # Errors
    /// With the problems.
    pub(super) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self::Content { problems })
        }
    }
}
