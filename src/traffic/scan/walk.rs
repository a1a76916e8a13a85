//! What JSON allows, byte by byte.

use super::{DEEPEST, Malformed, Raw};
use crate::traffic::fields::NodeId;

/// A line on the way from its beginning to its end, by JSON's grammar.
pub(super) struct Walk<'a, 'w> {
    pub(super) line: &'a str,
    pub(super) at: usize,
    /// The wanted key before.
    pub(super) last: usize,
    pub(super) slots: &'w mut [Raw<'a>],
    pub(super) unknown: &'w mut dyn FnMut(NodeId, &str),
}

impl<'a> Walk<'a, '_> {
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.line.as_bytes()[self.at..]
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub(super) fn blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn expected(&self, expected: &'static str) -> Malformed {
        Malformed {
            at: self.at + 1,
            expected,
        }
    }

    #[inline]
    pub(super) fn value(&mut self, depth: usize) -> Result<Raw<'a>, Malformed> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Raw::True),
            Some(b'f') => self.literal("false", Raw::False),
            Some(b'n') => self.literal("null", Raw::Null),
            Some(b'{' | b'[') => {
                self.nested(depth)?;
                Ok(Raw::Nested)
            }
            _ => Err(self.expected("a value")),
        }
    }

    #[inline]
    fn literal(&mut self, word: &str, value: Raw<'a>) -> Result<Raw<'a>, Malformed> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.expected("a value"))
        }
    }

    /// Text, the opening quote being next.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Raw<'a>, Malformed> {
        let start = self.at + 1;
        let bytes = self.line.as_bytes();
        let mut at = start;
        loop {
            at += plain_bytes(&bytes[at..]);
            let Some(byte) = bytes.get(at) else {
                break;
            };
            match byte {
                b'"' => {
                    self.at = at + 1;
                    return Ok(Raw::Text(&self.line[start..at]));
                }
                b'\\' => return self.escaped(start, at),
                0..0x20 => break,
                _ => at += 1,
            }
        }
        self.at = at;
        Err(self.expected("text without control characters, and its closing quote"))
    }

    /// Text with an escape at `at`.
    #[cold]
    fn escaped(&mut self, start: usize, mut at: usize) -> Result<Raw<'a>, Malformed> {
        let bytes = self.line.as_bytes();
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(0..0x20) | None => {
                    self.at = at.min(bytes.len());
                    return Err(
                        self.expected("text without control characters, and its closing quote")
                    );
                }
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        let inner = &self.line[start..at];
        let raw = Raw::Escaped(inner);
        if raw.text().is_none() {
            self.at = start;
            return Err(self.expected("text with sound escapes"));
        }
        Ok(raw)
    }

    /// A number by JSON's grammar.
    #[inline]
    fn number(&mut self) -> Result<Raw<'a>, Malformed> {
        let start = self.at;
        self.take(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.expected("a digit")),
        }
        if self.take(b'.') {
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(Raw::Number(&self.line[start..self.at]))
    }

    #[inline]
    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'0'..=b'9') => {
                self.digits();
                Ok(())
            }
            _ => Err(self.expected("a digit")),
        }
    }

    /// An object or array of which nothing is wanted.
    fn nested(&mut self, depth: usize) -> Result<(), Malformed> {
        if depth >= DEEPEST {
            return Err(self.expected("fewer objects in each other"));
        }
        let object = self.peek() == Some(b'{');
        let end = if object { b'}' } else { b']' };
        self.at += 1;
        self.blank();
        if self.take(end) {
            return Ok(());
        }
        loop {
            if object {
                if self.peek() != Some(b'"') {
                    return Err(self.expected("a key in quotes"));
                }
                self.string()?;
                self.blank();
                if !self.take(b':') {
                    return Err(self.expected("a colon"));
                }
                self.blank();
            }
            self.value(depth + 1)?;
            self.blank();
            if self.take(end) {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.expected("a comma or the end"));
            }
            self.blank();
        }
    }
}

/// How many bytes there are, of up to eight at a time, before one that text cannot hold as it is: a
/// quote, a backslash or a control character; eight bytes are looked at as one number. Fewer may be
/// told, and none only if the first byte is one of those or fewer than eight are left.
///
/// `x - 0x01…01 & !x & 0x80…80` has its lowest bit in the lowest byte of `x` that is zero.
#[inline]
fn plain_bytes(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let mut n = 0;
    while let Some(eight) = bytes[n..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let below = |x: u64, limit: u64| x.wrapping_sub(ONES * limit) & !x & (ONES * 0x80);
        let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        let found = is(b'"') | is(b'\\') | below(word, 0x20);
        if found != 0 {
            return n + found.trailing_zeros() as usize / 8;
        }
        n += 8;
    }
    n
}
