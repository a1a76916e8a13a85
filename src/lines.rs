//! Lines of a file in blocks, numbered, so that several threads can parse them; plain or compressed.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

/// Bytes of a block: some thousand lines of text, some dozen of long vectors.
const BLOCK: usize = 1 << 20;
/// The longest line that is read: more is no row.
const LONGEST_LINE: usize = 256 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes that tell how a file is packed.
const HEAD: u64 = 4;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// By gzip.
    Gzip,
    /// By Zstandard.
    Zstd,
}

impl Packing {
    /// Tells it by what the file begins with.
    pub fn of(head: &[u8]) -> Self {
        match head {
            head if head.starts_with(GZIP) => Self::Gzip,
            head if head.starts_with(ZSTD) => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// Bytes, unpacked; several packed parts after one another are one file.
    ///
    /// # Errors
    /// If there is no memory for what unpacking needs.
    pub fn unpack(self, bytes: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Plain => Box::new(bytes),
            Self::Gzip => Box::new(MultiGzDecoder::new(io::BufReader::new(bytes))),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::new(bytes)?),
        })
    }
}

/// Blocks of lines, one after another.
pub struct Blocks {
    bytes: Box<dyn Read + Send>,
    /// The beginning of a line that the next block ends.
    rest: Vec<u8>,
    line: u64,
    done: bool,
    /// What ended the file too soon, told after the lines before it.
    failed: Option<io::Error>,
}

/// Some whole lines.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    /// Number of the first line, from 1.
    first: u64,
}

impl Blocks {
    /// Begins with line 1.
    pub fn new(bytes: Box<dyn Read + Send>) -> Self {
        Self {
            bytes,
            rest: Vec::new(),
            line: 1,
            done: false,
            failed: None,
        }
    }

    /// Of bytes that are plain or packed, which their beginning tells.
    ///
    /// # Errors
    /// If the beginning cannot be read.
    pub fn unpacked(mut bytes: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut head = Vec::new();
        bytes.by_ref().take(HEAD).read_to_end(&mut head)?;
        let packing = Packing::of(&head);
        let bytes = packing.unpack(io::Cursor::new(head).chain(bytes))?;
        Ok(Self::new(bytes))
    }

    /// Begins with another line, where what stands before was read already.
    #[must_use]
    pub fn starting_at(self, line: u64) -> Self {
        Self { line, ..self }
    }

    /// Number of the line that the next block begins with.
    pub fn next_line(&self) -> u64 {
        self.line
    }

    fn block(&mut self) -> io::Result<Option<Block>> {
        let mut bytes = std::mem::take(&mut self.rest);
        let mut wanted = BLOCK;
        while !self.done {
            let missing = wanted.saturating_sub(bytes.len()) as u64;
            // Room for all at once, and for the reader to find the end without asking for more.
            bytes.reserve(missing as usize + 64);
            match (&mut self.bytes).take(missing).read_to_end(&mut bytes) {
                Ok(read) => self.done = read < missing as usize,
                Err(error) => {
                    self.failed = Some(error);
                    self.done = true;
                    let end = bytes.iter().rposition(|byte| *byte == b'\n');
                    bytes.truncate(end.map_or(0, |end| end + 1));
                }
            }
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
            return self.failed.take().map_or(Ok(None), Err);
        }
        let first = self.line;
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(Some(Block { bytes, first }))
    }
}

impl Iterator for Blocks {
    type Item = io::Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.block();
        self.done |= block.is_err();
        block.transpose()
    }
}

impl Block {
    /// The lines with their numbers, without their ends: `\n` or `\r\n`.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let bytes = self.bytes();
        let mut at = 0;
        let ends = memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]);
        let lines = ends.map(move |end| {
            let line = &bytes[at..end];
            at = end + 1;
            line.strip_suffix(b"\r").unwrap_or(line)
        });
        (self.first..).zip(lines)
    }

    /// The same as text; `None` if some line is no UTF-8, since one check of all is quicker than one
    /// of each.
    pub fn texts(&self) -> Option<impl Iterator<Item = (u64, &str)>> {
        let text = str::from_utf8(self.bytes()).ok()?;
        let mut at = 0;
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
        let lines = ends.map(move |end| {
            let line = &text[at..end];
            at = end + 1;
            line.strip_suffix('\r').unwrap_or(line)
        });
        Some((self.first..).zip(lines))
    }

    /// The whole block as text, without a byte order mark.
    ///
    /// # Errors
    /// The block itself, if it is no UTF-8.
    pub fn into_text(self) -> Result<String, Self> {
        let first = self.first;
        let mut text = String::from_utf8(self.bytes).map_err(|error| Self {
            bytes: error.into_bytes(),
            first,
        })?;
        if first == 1 && text.as_bytes().starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(text)
    }

    /// Number of the first line, from 1.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Without a byte order mark, and without the end of the last line.
    fn bytes(&self) -> &[u8] {
        let mark = if self.first == 1 && self.bytes.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        let bytes = &self.bytes[mark..];
        bytes.strip_suffix(b"\n").unwrap_or(bytes)
    }
}
