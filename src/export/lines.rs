//! Lines of a file in blocks, numbered, so that several threads can parse them.

use std::io::{self, Read};

use super::ExportError;
use super::format::Packing;
use super::input::{Hands, Input};

/// Bytes of a block: some thousand lines of text, some dozen of long vectors.
const BLOCK: usize = 1 << 20;
/// The longest line that is read: more is no row.
const LONGEST_LINE: usize = 256 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file's blocks, one after another.
pub(super) struct Blocks {
    input: Input,
    bytes: Box<dyn Read + Send>,
    /// The beginning of a line that the next block ends.
    rest: Vec<u8>,
    line: u64,
    done: bool,
}

/// Some whole lines.
#[derive(Debug)]
pub(super) struct Block {
    bytes: Vec<u8>,
    /// Number of the first line, from 1.
    first: u64,
}

impl Blocks {
    /// Begins a file.
    pub(super) fn open(input: &Input, packing: Packing) -> Result<Self, ExportError> {
        Ok(Self {
            input: input.clone(),
            bytes: packing.open(input)?,
            rest: Vec::new(),
            line: 1,
            done: false,
        })
    }

    fn block(&mut self) -> io::Result<Option<Block>> {
        let mut bytes = std::mem::take(&mut self.rest);
        let mut wanted = BLOCK;
        while !self.done {
            let missing = wanted.saturating_sub(bytes.len()) as u64;
            self.done = (&mut self.bytes).take(missing).read_to_end(&mut bytes)? < missing as usize;
            if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
                if !self.done {
                    self.rest = bytes.split_off(end + 1);
                }
                break;
            }
            if bytes.len() >= LONGEST_LINE {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("line {} is longer than {LONGEST_LINE} bytes", self.line),
                ));
            }
            wanted *= 2;
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let first = self.line;
        self.line += bytes.split(|byte| *byte == b'\n').skip(1).count() as u64;
        Ok(Some(Block { bytes, first }))
    }
}

impl Iterator for Blocks {
    type Item = Result<Block, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.block();
        self.done |= block.is_err();
        block
            .map_err(|source| self.input.failed(source))
            .transpose()
    }
}

impl Block {
    /// The lines with their numbers, without their ends: `\n` or `\r\n`.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mark = if self.first == 1 && self.bytes.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        let bytes = &self.bytes[mark..];
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let lines = bytes.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        (self.first..).zip(lines)
    }
}

/// A plain file of more bytes than this is parsed by all threads together.
const ALONE: u64 = 8 << 20;

/// Whether a file of lines is worth all threads.
pub(super) fn hands(input: &Input, packing: Packing) -> Hands {
    match packing {
        Packing::Plain if input.len <= ALONE => Hands::One,
        _ => Hands::All,
    }
}
