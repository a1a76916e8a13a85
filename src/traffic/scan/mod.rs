//! One line of JSON, read for the fields that are wanted and checked to its end.
//!
//! A log has a few dozen fields a line, mostly in the same order, and some of them with few values. So
//! keys are guessed from the key before, and such values from the line before; text is kept where it
//! stands, and what is not wanted is only checked. What comes out is what `serde_json` makes of the line, which a test holds it to.

mod walk;

use std::borrow::Cow;

use crate::traffic::fields::{NodeId, Tree};
use walk::Walk;

/// A value as it stands in the line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::traffic) enum Raw<'a> {
    /// The field is not there.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// `true`. With `false` a value of its own, every payload is a whole word: a byte beside the tag
    /// would be copied in pieces, which cost half the time of reading a line.
    True,
    /// `false`.
    False,
    /// A number, unparsed.
    Number(&'a str),
    /// Text without an escape.
    Text(&'a str),
    /// Text between its quotes, with escapes.
    Escaped(&'a str),
    /// An object or an array.
    Nested,
    /// A whole number of a column.
    Whole(i64),
    /// A number of a column.
    Real(f64),
    /// A time of a column, in milliseconds since 1970.
    Millis(i64),
}

impl<'a> Raw<'a> {
    /// `true` or `false`.
    pub(in crate::traffic) fn flag(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }

    /// Its text, if it is one.
    pub(in crate::traffic) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Escaped(text) => serde_json::from_str::<String>(&format!("\"{text}\""))
                .ok()
                .map(Cow::Owned),
            _ => None,
        }
    }
}

/// What is wrong with a line, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::traffic) struct Malformed {
    /// Byte of the line, from 1.
    pub(in crate::traffic) at: usize,
    /// What was expected there.
    pub(in crate::traffic) expected: &'static str,
}

/// How deep objects and arrays may lie in each other, as for `serde_json`.
const DEEPEST: usize = 127;

/// Reads one line after another.
pub(in crate::traffic) struct Scanner<'t> {
    tree: &'t Tree,
    /// Wanted keys of lines before; the first stands for the beginning of a line.
    met: Vec<Met>,
}

/// A wanted key that a line had.
#[derive(Clone, Debug, Default)]
struct Met {
    within: NodeId,
    /// From its opening quote to where its value begins.
    key: Vec<u8>,
    /// What it leads to.
    node: NodeId,
    value: Repeated,
    /// Which wanted keys came after it, the last one first; 0 is none.
    next: [usize; 2],
}

/// A value that an earlier line had, for fields whose values come again and again.
#[derive(Clone, Debug, Default)]
struct Repeated {
    /// As it stands in the line; empty where there is none.
    text: Vec<u8>,
    /// What it is, unless it is text.
    literal: Option<Raw<'static>>,
    met: u32,
    missed: u32,
    given_up: bool,
}

/// Whether a line goes on with a word; words of 4 to 16 bytes, as most are, in two comparisons.
#[inline]
fn begins(rest: &[u8], word: &[u8]) -> bool {
    let Some(rest) = rest.get(..word.len()) else {
        return false;
    };
    match word.len() {
        4..8 => {
            rest.first_chunk::<4>() == word.first_chunk()
                && rest.last_chunk::<4>() == word.last_chunk()
        }
        8..=16 => {
            rest.first_chunk::<8>() == word.first_chunk()
                && rest.last_chunk::<8>() == word.last_chunk()
        }
        _ => rest == word,
    }
}

impl Repeated {
    /// Every how many values that are others the guess is changed.
    const PATIENCE: u32 = 8;
    /// After how many values it is decided whether guessing pays.
    const TRIED: u32 = 256;

    /// The value that comes next, if it is the one that came before.
    #[inline]
    fn next<'a>(&mut self, walk: &mut Walk<'a, '_>) -> Option<Raw<'a>> {
        if self.text.is_empty() || !begins(walk.rest(), &self.text) {
            return None;
        }
        self.met += 1;
        let start = walk.at;
        walk.at += self.text.len();
        // Text ends with its quote, and the literals with a byte that the walk asks for next.
        let text = || Raw::Text(&walk.line[start + 1..walk.at - 1]);
        Some(self.literal.unwrap_or_else(text))
    }

    /// Takes note of a value that was read.
    #[inline]
    fn missed(&mut self, value: Raw, text: &[u8]) {
        if self.given_up {
            return;
        }
        self.missed += 1;
        if self.met + self.missed > Self::TRIED {
            self.given_up = self.met < self.missed;
            (self.met, self.missed) = (0, 0);
            if self.given_up {
                self.text.clear();
                return;
            }
        }
        if self.missed % Self::PATIENCE != 1 {
            return;
        }
        self.literal = match value {
            Raw::Text(_) => None,
            Raw::Null => Some(Raw::Null),
            Raw::True => Some(Raw::True),
            Raw::False => Some(Raw::False),
            _ => return,
        };
        self.text.clear();
        self.text.extend_from_slice(text);
    }
}

impl<'t> Scanner<'t> {
    pub(in crate::traffic) fn new(tree: &'t Tree) -> Self {
        Self {
            tree,
            met: vec![Met::default()],
        }
    }

    /// Reads a line that is one object: the wanted fields into their slots, which are cleared first;
    /// each field that nothing wants is told to `unknown`, with the object it stands in.
    ///
    /// A key that occurs twice counts with its last value.
    pub(in crate::traffic) fn scan<'a>(
        &mut self,
        line: &'a str,
        slots: &mut [Raw<'a>],
        unknown: &mut dyn FnMut(NodeId, &str),
    ) -> Result<(), Malformed> {
        slots.fill(Raw::Absent);
        let mut walk = Walk {
            line,
            at: 0,
            last: 0,
            slots,
            unknown,
        };
        walk.blank();
        if walk.peek() != Some(b'{') {
            return Err(walk.expected("one JSON object a line"));
        }
        self.object(&mut walk, Tree::ROOT, 1)?;
        walk.blank();
        if walk.at < line.len() {
            return Err(walk.expected("the end of the line"));
        }
        Ok(())
    }

    fn object(
        &mut self,
        walk: &mut Walk<'_, '_>,
        within: NodeId,
        depth: usize,
    ) -> Result<(), Malformed> {
        walk.at += 1;
        walk.blank();
        if walk.take(b'}') {
            return Ok(());
        }
        loop {
            match self.key(walk, within)? {
                Some(met) => self.wanted(walk, met, depth)?,
                None => {
                    walk.value(depth)?;
                }
            }
            walk.blank();
            if walk.take(b'}') {
                return Ok(());
            }
            if !walk.take(b',') {
                return Err(walk.expected("a comma or the end of the object"));
            }
            walk.blank();
        }
    }

    /// Reads the value of a key that leads to something wanted. Of a key that occurs twice the last
    /// value counts, so what an earlier one brought is taken back.
    #[inline]
    fn wanted(
        &mut self,
        walk: &mut Walk<'_, '_>,
        met: usize,
        depth: usize,
    ) -> Result<(), Malformed> {
        let id = self.met[met].node;
        let node = self.tree.node(id);
        for slot in &node.below {
            walk.slots[*slot] = Raw::Absent;
        }
        if node.has_children() && walk.peek() == Some(b'{') {
            if depth >= DEEPEST {
                return Err(walk.expected("fewer objects in each other"));
            }
            if let Some(slot) = node.slot {
                walk.slots[slot] = Raw::Nested;
            }
            return self.object(walk, id, depth + 1);
        }
        let repeated = &mut self.met[met].value;
        let value = if let Some(value) = repeated.next(walk) {
            value
        } else {
            let start = walk.at;
            let value = walk.value(depth)?;
            repeated.missed(value, &walk.line.as_bytes()[start..walk.at]);
            value
        };
        match node.slot {
            Some(slot) => walk.slots[slot] = value,
            // An object is wanted, and its fields are not there.
            None if value == Raw::Null => {}
            None => (walk.unknown)(id, ""),
        }
        Ok(())
    }

    /// Reads a key with its colon and finds where it was met before, if it is wanted.
    #[inline]
    fn key(&mut self, walk: &mut Walk<'_, '_>, within: NodeId) -> Result<Option<usize>, Malformed> {
        for guess in self.met[walk.last].next {
            let met = &self.met[guess];
            if guess != 0 && met.within == within && begins(walk.rest(), &met.key) {
                walk.at += met.key.len();
                walk.last = guess;
                return Ok(Some(guess));
            }
        }
        self.other_key(walk, within)
    }

    /// Reads a key that was not expected.
    #[cold]
    fn other_key(
        &mut self,
        walk: &mut Walk<'_, '_>,
        within: NodeId,
    ) -> Result<Option<usize>, Malformed> {
        /// More than there are wanted keys, unless lines write them in many ways.
        const MOST: usize = 256;
        let start = walk.at;
        let raw = match walk.peek() {
            Some(b'"') => walk.string()?,
            _ => return Err(walk.expected("a key in quotes")),
        };
        let Some(key) = raw.text() else {
            return Err(walk.expected("a key"));
        };
        walk.blank();
        if !walk.take(b':') {
            return Err(walk.expected("a colon"));
        }
        walk.blank();
        let Some(node) = self.tree.child(within, &key) else {
            (walk.unknown)(within, &key);
            return Ok(None);
        };
        let written = &walk.line.as_bytes()[start..walk.at];
        let same = |met: &Met| met.within == within && met.key == written;
        let known = self.met.iter().position(same);
        let found = known.unwrap_or_else(|| {
            if self.met.len() >= MOST {
                self.met.truncate(1);
                self.met[0].next = [0; 2];
                walk.last = 0;
            }
            self.met.push(Met {
                within,
                key: written.to_vec(),
                node,
                ..Met::default()
            });
            self.met.len() - 1
        });
        let next = &mut self.met[walk.last].next;
        *next = [found, next[0]];
        walk.last = found;
        Ok(Some(found))
    }
}

#[cfg(test)]
mod tests;
