//! Observations that another harness made, as a run.
//!
//! [`read`] takes one JSON object a line, a [`Line`] each: what a probe of the policy's plan came to, or
//! what a target says of itself. The run has an observation for every planned probe, so that nothing is
//! lost: what the file does not hold is skipped, with that reason.

mod gather;

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use miette::Diagnostic;
use thiserror::Error;

use crate::exchange::run::{EXPECTED, Line};
use crate::goldset::{Problem, Rule, listed, without_line};
use crate::pipeline::Asked;
use crate::replay::Run;

use gather::Gathered;

/// The most that a compressed file may hold.
const LARGEST: u64 = 64 << 30;
/// The longest line that is read: more is no probe.
const LONGEST_LINE: u64 = 256 << 20;
/// Problems after which nobody reads on.
const MOST_PROBLEMS: usize = 100;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a file of observations makes no run.
#[derive(Debug, Error, Diagnostic)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(
        code(import::read),
        help("name a file of one JSON object a line, plain or compressed by gzip, or - for stdin")
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Everything that is wrong, by file and line.
    #[error("the observations make no run: {} problem{}\n{}", problems.len(), if problems.len() == 1 { "" } else { "s" }, listed(problems))]
    #[diagnostic(
        code(import::content),
        help("mend the lines above; `ragstone schema import-run` says what a line holds")
    )]
    Content {
        /// At least one.
        problems: Vec<Problem>,
    },
}

/// Reads observations of what a policy asks. `path` is for messages. Blank lines are passed over.
///
/// Memory is the distinct texts and one observation a probe; lines are read one by one.
///
/// # Errors
/// If the input cannot be read, or with everything that is wrong with it, up to a hundred problems.
pub fn read(path: &Path, input: impl Read, asked: Asked) -> Result<Run, ImportError> {
    let failed = |source| ImportError::Read {
        path: path.to_owned(),
        source,
    };
    let mut lines = opened(input).map_err(failed)?;
    let mut gathered = Gathered::new(asked);
    let mut problems = Vec::new();
    let mut buffer = Vec::new();
    for number in 1.. {
        buffer.clear();
        let n = (&mut lines)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut buffer)
            .map_err(failed)?;
        if n == 0 || problems.len() >= MOST_PROBLEMS {
            break;
        }
        if n as u64 == LONGEST_LINE {
            let message = format!("the line is longer than {LONGEST_LINE} bytes");
            let help = "write one JSON object a line";
            problems.push(Problem::new(path, number, Rule::Schema, message, help));
            break;
        }
        let mut line = buffer.as_slice();
        if number == 1 {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let taken = Line::parse(line)
            .map_err(|error| {
                let message = format!("not readable as one: {}", without_line(&error));
                (Rule::Schema, message, format!("expected {EXPECTED}"))
            })
            .and_then(|line| gathered.take(number, line));
        if let Err((rule, message, help)) = taken {
            problems.push(Problem::new(path, number, rule, message, help));
        }
    }
    if gathered.is_empty() && problems.is_empty() {
        let help = format!("expected one {EXPECTED} a line");
        problems.push(Problem::new(path, None, Rule::Empty, "no probes", help));
    }
    if problems.is_empty() {
        Ok(gathered.into_run(path))
    } else {
        Err(ImportError::Content { problems })
    }
}

/// Told by content, so that a pipe may be compressed as well.
fn opened<'a>(mut input: impl Read + 'a) -> io::Result<impl BufRead + 'a> {
    let mut head = Vec::new();
    input.by_ref().take(2).read_to_end(&mut head)?;
    let compressed = head == GZIP;
    let whole = io::Cursor::new(head).chain(input);
    let bytes: Box<dyn Read + 'a> = if compressed {
        Box::new(LimitedTo(MultiGzDecoder::new(whole), LARGEST))
    } else {
        Box::new(whole)
    };
    Ok(BufReader::new(bytes))
}

/// A reader that fails beyond so many bytes, instead of ending there as if that were all.
struct LimitedTo<R>(R, u64);

impl<R: Read> Read for LimitedTo<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buffer)?;
        self.1 = self
            .1
            .checked_sub(n as u64)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(n)
    }
}
