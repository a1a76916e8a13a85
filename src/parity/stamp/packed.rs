//! Rows as bytes: what is kept in memory, spilled to a disk and sorted.
//!
//! A row is its length (u32), fixed parts at fixed places, and then its id, section and keys. It is
//! private to one run of the program, so its layout has no version.

use std::cmp::Ordering;
use std::io::{self, Write};

use crate::ids::Digest;
use crate::parity::stamp::row::{KeyDigest, StampRow, VectorStamp};
use crate::parity::stamp::sketch::FLOATS;

/// Where the fixed parts stand.
const ID_HASH: usize = 4;
const TEXT: usize = ID_HASH + 32;
const NORMALISED: usize = TEXT + 32;
const METADATA: usize = NORMALISED + 32;
const VECTOR: usize = METADATA + 32;
const SKETCH: usize = VECTOR + 32;
const NORM: usize = SKETCH + 4 * FLOATS;
const DIM: usize = NORM + 4;
const ID_LENGTH: usize = DIM + 4;
const SECTION_LENGTH: usize = ID_LENGTH + 4;
const FIXED: usize = SECTION_LENGTH + 4;
/// In place of a length or dimension: there is none.
const ABSENT: u32 = u32::MAX;

/// Parts that rows are sorted into by the first byte of their id's digest; each holds sixteen buckets.
pub const PARTS: usize = 256;

/// What the trees need of a row, apart from the row itself, so that joining them reads little memory.
#[derive(Clone, Copy, Debug)]
pub struct RowKey {
    /// The first bytes of its id's digest.
    pub prefix: u64,
    /// Its digest in the content channel.
    pub content: Digest,
    /// Its digest in the vector channel.
    pub vector: Digest,
    /// Where the row begins among the bytes.
    at: u32,
}

/// Rows of one chunk, packed and sorted into parts.
#[derive(Debug, Default)]
pub struct PackedRows {
    bytes: Vec<u8>,
    /// Part by part.
    keys: Vec<RowKey>,
    /// Where each part begins among the keys, and where the last ends.
    starts: Vec<u32>,
}

/// Collects rows in the order in which they come.
#[derive(Debug, Default)]
pub(super) struct Packing {
    bytes: Vec<u8>,
    keys: Vec<RowKey>,
}

impl Packing {
    pub(super) fn with_capacity(rows: usize) -> Self {
        /// Of a row with a short id and few keys.
        const BYTES: usize = FIXED + 64;
        Self {
            bytes: Vec::with_capacity(rows * BYTES),
            keys: Vec::with_capacity(rows),
        }
    }

    pub(super) fn add(&mut self, row: &Unpacked, content: Digest, vector: Digest) {
        self.keys.push(RowKey {
            prefix: row.id_hash.prefix(),
            content,
            vector,
            at: length(self.bytes.len()),
        });
        row.pack(&mut self.bytes);
    }

    pub(super) fn finish(mut self) -> PackedRows {
        self.keys.sort_by_key(RowKey::part);
        let start = |part: usize| self.keys.partition_point(|key| key.part() < part) as u32;
        PackedRows {
            starts: (0..=PARTS).map(start).collect(),
            bytes: self.bytes,
            keys: self.keys,
        }
    }
}

impl RowKey {
    fn part(&self) -> usize {
        usize::from(self.prefix.to_be_bytes()[0])
    }
}

impl PackedRows {
    /// Bytes that it keeps in memory.
    pub fn held(&self) -> usize {
        self.bytes.capacity() + size_of::<RowKey>() * self.keys.capacity()
    }

    /// The rows of a part, in the order in which they came.
    pub fn of_part(&self, part: usize) -> impl Iterator<Item = (RowKey, UnreadRow<'_>)> {
        let (start, end) = (self.starts[part], self.starts[part + 1]);
        let keys = &self.keys[start as usize..end as usize];
        let row = |key: &RowKey| (*key, UnreadRow(&self.bytes[key.at as usize..]));
        keys.iter().map(row)
    }

    /// Writes the rows of a part as a run: each with its digests before it.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write_part(&self, part: usize, to: &mut dyn Write) -> io::Result<usize> {
        let mut written = 0;
        for (key, row) in self.of_part(part) {
            to.write_all(key.content.as_bytes())?;
            to.write_all(key.vector.as_bytes())?;
            let row = row.read();
            to.write_all(row.0)?;
            written += 64 + row.0.len();
        }
        Ok(written)
    }
}

/// The rows of a run.
///
/// # Panics
/// If the bytes are not a run as [`PackedRows::write_part`] wrote it.
pub fn rows_of_run(mut run: &[u8]) -> impl Iterator<Item = (RowKey, UnreadRow<'_>)> {
    std::iter::from_fn(move || {
        let (digests, rest) = run.split_first_chunk::<64>()?;
        let row = PackedRow::first(rest);
        run = &rest[row.0.len()..];
        let digest = |at: usize| Digest::from_bytes(digests.as_chunks::<32>().0[at]);
        let key = RowKey {
            prefix: row.id_hash().prefix(),
            content: digest(0),
            vector: digest(1),
            at: 0,
        };
        Some((key, UnreadRow(row.0)))
    })
}

/// One row to be packed.
pub(super) struct Unpacked<'a> {
    pub(super) id_hash: &'a Digest,
    pub(super) text: &'a Digest,
    pub(super) normalised: &'a Digest,
    pub(super) metadata: &'a Digest,
    pub(super) keys: &'a [KeyDigest],
    pub(super) vector: Option<VectorStamp>,
    pub(super) id: &'a str,
    pub(super) section: Option<(&'a str, &'a str)>,
}

impl Unpacked<'_> {
    fn pack(&self, to: &mut Vec<u8>) {
        let zeros = Digest::from_bytes([0; 32]);
        let vector = self.vector.as_ref();
        let mut fixed = [0_u8; FIXED];
        for (at, digest) in [
            (ID_HASH, self.id_hash),
            (TEXT, self.text),
            (NORMALISED, self.normalised),
            (METADATA, self.metadata),
            (VECTOR, vector.map_or(&zeros, |vector| &vector.digest)),
        ] {
            fixed[at..at + 32].copy_from_slice(digest.as_bytes());
        }
        let sketch = vector.map_or([0.0; FLOATS], |vector| vector.sketch);
        for (to, x) in fixed[SKETCH..NORM]
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .zip(sketch)
        {
            *to = x.to_le_bytes();
        }
        let section = self
            .section
            .map(|(doc, section)| doc.len() + 1 + section.len());
        let keys: usize = self
            .keys
            .iter()
            .map(|key| 4 + key.key.len() + key.value.len())
            .sum();
        for (at, word) in [
            (
                0,
                length(FIXED + self.id.len() + section.unwrap_or(0) + keys),
            ),
            (
                NORM,
                vector.map_or(f32::NAN, |vector| vector.norm).to_bits(),
            ),
            (DIM, vector.map_or(ABSENT, |vector| vector.dim)),
            (ID_LENGTH, length(self.id.len())),
            (SECTION_LENGTH, section.map_or(ABSENT, length)),
        ] {
            fixed[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        to.extend_from_slice(&fixed);
        to.extend_from_slice(self.id.as_bytes());
        if let Some((doc, section)) = self.section {
            to.extend_from_slice(doc.as_bytes());
            to.push(b'/');
            to.extend_from_slice(section.as_bytes());
        }
        for key in self.keys {
            to.extend(length(key.key.len()).to_le_bytes());
            to.extend_from_slice(key.key.as_bytes());
            to.extend_from_slice(&key.value);
        }
    }
}

fn length(n: usize) -> u32 {
    u32::try_from(n)
        .ok()
        .filter(|n| *n != ABSENT)
        .expect("ids and keys of one chunk stay below 4 GiB")
}

/// A packed row that was not looked at yet: it may lie anywhere in memory, and most need not be read.
#[derive(Clone, Copy, Debug)]
pub struct UnreadRow<'a>(&'a [u8]);

impl<'a> UnreadRow<'a> {
    /// Looks at it.
    pub fn read(&self) -> PackedRow<'a> {
        PackedRow::first(self.0)
    }
}

/// A packed row.
#[derive(Clone, Copy, Debug)]
pub struct PackedRow<'a>(&'a [u8]);

impl<'a> PackedRow<'a> {
    /// The row that the bytes begin with.
    fn first(bytes: &'a [u8]) -> Self {
        let length = u32::from_le_bytes(*bytes.first_chunk().expect("a row's length"));
        Self(&bytes[..length as usize])
    }

    fn digest(&self, at: usize) -> Digest {
        Digest::from_bytes(*self.0[at..].first_chunk().expect("a row's fixed parts"))
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(*self.0[at..].first_chunk().expect("a row's fixed parts"))
    }

    /// BLAKE3 of its id.
    pub fn id_hash(&self) -> Digest {
        self.digest(ID_HASH)
    }

    /// Its id.
    pub fn id(&self) -> &'a str {
        self.part(FIXED, self.word(ID_LENGTH) as usize)
    }

    fn part(&self, at: usize, length: usize) -> &'a str {
        str::from_utf8(&self.0[at..at + length]).expect("packed from text")
    }

    /// How many numbers its vector has, if it has one.
    pub fn dim(&self) -> Option<u32> {
        Some(self.word(DIM)).filter(|dim| *dim != ABSENT)
    }

    /// The digest of its vector, if it has one.
    pub fn vector(&self) -> Option<Digest> {
        self.dim().map(|_| self.digest(VECTOR))
    }

    /// The order of rows in a stamp: by digest of the id, then by what they hold, so that it says nothing
    /// of the order in which they came.
    pub fn order(&self, other: &Self) -> Ordering {
        self.0[ID_HASH..SKETCH]
            .cmp(&other.0[ID_HASH..SKETCH])
            .then_with(|| self.0[SKETCH..].cmp(&other.0[SKETCH..]))
    }

    /// The whole row.
    pub fn unpack(&self) -> StampRow {
        let mut at = FIXED;
        let mut next = |length: usize| {
            at += length;
            self.part(at - length, length)
        };
        let id = next(self.word(ID_LENGTH) as usize).to_owned();
        let section = Some(self.word(SECTION_LENGTH)).filter(|length| *length != ABSENT);
        let section = section.map(|length| next(length as usize).to_owned());
        let float = |at: usize| f32::from_bits(self.word(at));
        let vector = self.vector().map(|digest| VectorStamp {
            digest,
            dim: self.word(DIM),
            norm: float(NORM),
            sketch: std::array::from_fn(|j| float(SKETCH + 4 * j)),
        });
        StampRow {
            id,
            section,
            text: self.digest(TEXT),
            normalised: self.digest(NORMALISED),
            metadata: self.digest(METADATA),
            keys: self.keys(at),
            vector,
        }
    }

    fn keys(&self, mut at: usize) -> Vec<KeyDigest> {
        let mut keys = Vec::new();
        while at < self.0.len() {
            let length = self.word(at) as usize;
            let key = self.part(at + 4, length).to_owned();
            at += 4 + length;
            let value = *self.0[at..].first_chunk().expect("a key's value");
            at += value.len();
            keys.push(KeyDigest { key, value });
        }
        keys
    }
}
