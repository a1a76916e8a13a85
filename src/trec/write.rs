//! Judgments and results as TREC writes them.

use std::io::{self, Write};

use miette::Diagnostic;
use thiserror::Error;

use crate::trec::{Judgment, Scored};

/// A name that these files cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[error("`{name}` has white space, or is empty")]
#[diagnostic(
    code(trec::name),
    help("fields are parted by white space: percent-encode the name, or give it another one")
)]
pub struct NameWithSpace {
    /// The name.
    pub name: String,
}

/// Writes judgments, one a line, in the order given.
///
/// # Errors
/// If a name has white space (as [`io::ErrorKind::InvalidInput`]), or `out` cannot be written.
pub fn write_qrels<'a>(
    rows: impl IntoIterator<Item = Judgment<'a>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for row in rows {
        let (query, document) = (name(row.query)?, name(row.document)?);
        writeln!(out, "{query} 0 {document} {}", row.grade)?;
    }
    Ok(())
}

/// Writes results, one a line, in the order given; ranks count from 1 in each query's stretch. Scores keep all
/// their digits.
///
/// # Errors
/// If a name has white space (as [`io::ErrorKind::InvalidInput`]), or `out` cannot be written.
pub fn write_run<'a>(
    rows: impl IntoIterator<Item = Scored<'a>>,
    tag: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let tag = name(tag)?;
    let mut last = None;
    let mut rank = 0;
    for row in rows {
        rank = if last == Some(row.query) { rank + 1 } else { 1 };
        last = Some(row.query);
        let (query, document) = (name(row.query)?, name(row.document)?);
        writeln!(out, "{query} Q0 {document} {rank} {} {tag}", row.score)?;
    }
    Ok(())
}

fn name(name: &str) -> io::Result<&str> {
    if name.is_empty() || name.contains(|c: char| c.is_ascii_whitespace() || c == '\x0b') {
        let error = NameWithSpace {
            name: name.to_owned(),
        };
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
    }
    Ok(name)
}
