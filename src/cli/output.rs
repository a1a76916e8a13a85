//! Where results and remarks go.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::Format;

/// The result's form, and the streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) format: Format,
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
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, value)?;
                writeln!(out)?;
            }
            Format::Text => text(&mut out)?,
        }
        out.flush()
    }
}

/// Writes a remark to stderr. A closed stderr is no reason to lose a verdict.
pub(super) fn remark(text: &str) {
    let _ = writeln!(anstream::AutoStream::auto(io::stderr().lock()), "{text}");
}
