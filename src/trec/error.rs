//! Why a file of judgments or results cannot be used.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

/// How many lines an error names before it only counts them.
const LISTED: usize = 20;

/// Why a file of judgments or results cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum TrecError {
    /// A file cannot be opened.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(code(trec::read))]
    Open {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file cannot be read to its end.
    #[error("{}: cannot be read beyond line {line}", path.display())]
    #[diagnostic(
        code(trec::read),
        help(
            "a packed file was cut off, or something else stands behind it: unpack it and look at its end; nothing of it was used"
        )
    )]
    Unpack {
        /// Which file.
        path: PathBuf,
        /// The last line that was read whole.
        line: u64,
        /// The reason.
        source: io::Error,
    },
    /// Lines that are no rows.
    #[error("{}", listed(path, problems, *n_problems))]
    #[diagnostic(
        code(trec::line),
        help(
            "a judgment is `query iteration document grade` with a whole number, a result `query Q0 document rank score tag` with a finite one; names hold no white space"
        )
    )]
    Lines {
        /// Which file.
        path: PathBuf,
        /// The first ones, by line.
        problems: Vec<(u64, LineProblem)>,
        /// How many there are.
        n_problems: usize,
    },
    /// A document twice for one query.
    #[error("{}: line {line}: document `{document}` of query `{query}` stands on line {first} already", path.display())]
    #[diagnostic(
        code(trec::duplicate),
        help("keep one of the two lines: which one counts would otherwise be left to chance")
    )]
    Duplicate {
        /// Which file.
        path: PathBuf,
        /// The later line.
        line: u64,
        /// The earlier line.
        first: u64,
        /// The query.
        query: String,
        /// The document.
        document: String,
    },
    /// A file without a row.
    #[error("{}: no rows", path.display())]
    #[diagnostic(
        code(trec::empty),
        help("an empty run is no run that found nothing: look at what should have written it")
    )]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineProblem {
    /// It is no UTF-8.
    NotText,
    /// Too few or too many fields.
    Fields {
        /// How many it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A grade that is no whole number.
    Grade(String),
    /// A score that is no number, or not finite.
    Score(String),
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => write!(f, "not UTF-8"),
            Self::Fields { found, expected } => {
                write!(f, "{found} fields where {expected} belong")
            }
            Self::Grade(text) => write!(f, "grade `{text}` is not a whole number"),
            Self::Score(text) => write!(f, "score `{text}` is not a finite number"),
        }
    }
}

fn listed(path: &Path, problems: &[(u64, LineProblem)], n_problems: usize) -> String {
    let mut lines: Vec<String> = problems
        .iter()
        .map(|(line, problem)| format!("{}: line {line}: {problem}", path.display()))
        .collect();
    let more = n_problems - problems.len();
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    lines.join("\n")
}

impl TrecError {
    /// Names the first of the problems, by line.
    pub(super) fn lines(path: &Path, mut problems: Vec<(u64, LineProblem)>) -> Self {
        problems.sort_by_key(|(line, _)| *line);
        let n_problems = problems.len();
        problems.truncate(LISTED);
        Self::Lines {
            path: path.to_owned(),
            problems,
            n_problems,
        }
    }
}
