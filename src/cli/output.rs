//! Where results and remarks go.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::{Format, github};

/// The result's form, and the streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) format: Format,
    /// Whether a step of GitHub Actions is told of a verdict.
    pub(super) github: bool,
}

impl Output {
    /// Writes the result to stdout: JSON of `value`, or what `text` writes. Colours are stripped
    /// where they do not belong.
    pub(super) fn result(
        self,
        value: &impl Serialize,
        text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = io::BufWriter::new(anstream::AutoStream::auto(io::stdout().lock()));
        match self.format {
            Format::Json if github::is_runner() => {
                let json = serde_json::to_string_pretty(value)?;
                writeln!(out, "{}", github::json_without_commands(&json))?;
            }
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, value)?;
                writeln!(out)?;
            }
            Format::Text if github::is_runner() => {
                let mut bytes = Vec::new();
                text(&mut bytes)?;
                let text = String::from_utf8_lossy(&bytes);
                out.write_all(github::without_commands(&text).as_bytes())?;
            }
            Format::Text => text(&mut out)?,
        }
        out.flush()
    }
}

/// Writes a file's content to stdout as it is.
pub(super) fn content(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes a remark to stderr. A closed stderr is no reason to lose a verdict.
pub(super) fn remark(text: &str) {
    let mut err = anstream::AutoStream::auto(io::stderr().lock());
    let _ = if github::is_runner() {
        writeln!(err, "{}", github::without_commands(text))
    } else {
        writeln!(err, "{text}")
    };
}
