//! Rows as bytes: what is kept in memory, spilled to a disk and sorted.
//!
//! A row is its length (u32), fixed parts at fixed places, and then its id, section and keys. It is
//! private to one run of the program, so its layout has no version.

use std::cmp::Ordering;

use crate::ids::Digest;
use crate::parity::stamp::row::{KeyDigest, StampRow, VectorStamp};
use crate::parity::stamp::sketch::FLOATS;

/// Where the fixed parts stand.
const ID_HASH: usize = 4;
const CONTENT: usize = ID_HASH + 32;
const VECTOR_ROW: usize = CONTENT + 32;
const TEXT: usize = VECTOR_ROW + 32;
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

/// One row to be packed.
pub(super) struct Unpacked<'a> {
    pub(super) id_hash: &'a Digest,
    pub(super) content: &'a Digest,
    pub(super) vector_row: &'a Digest,
    pub(super) text: &'a Digest,
    pub(super) normalised: &'a Digest,
    pub(super) metadata: &'a Digest,
    pub(super) keys: &'a [KeyDigest],
    pub(super) vector: Option<VectorStamp>,
    pub(super) id: &'a str,
    pub(super) section: Option<(&'a str, &'a str)>,
}

impl Unpacked<'_> {
    pub(super) fn pack(&self, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend_from_slice(&[0; 4]);
        let zeros = Digest::from_bytes([0; 32]);
        let vector = self.vector.as_ref();
        for digest in [
            self.id_hash,
            self.content,
            self.vector_row,
            self.text,
            self.normalised,
            self.metadata,
            vector.map_or(&zeros, |vector| &vector.digest),
        ] {
            to.extend_from_slice(digest.as_bytes());
        }
        let sketch = vector.map_or([0.0; FLOATS], |vector| vector.sketch);
        to.extend(sketch.iter().flat_map(|x| x.to_le_bytes()));
        to.extend(vector.map_or(f32::NAN, |vector| vector.norm).to_le_bytes());
        to.extend(vector.map_or(ABSENT, |vector| vector.dim).to_le_bytes());
        to.extend(length(self.id.len()).to_le_bytes());
        let section = self
            .section
            .map(|(doc, section)| doc.len() + 1 + section.len());
        to.extend(section.map_or(ABSENT, length).to_le_bytes());
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
        let row = length(to.len() - start);
        to[start..start + 4].copy_from_slice(&row.to_le_bytes());
    }
}

fn length(n: usize) -> u32 {
    u32::try_from(n)
        .ok()
        .filter(|n| *n != ABSENT)
        .expect("a row was refused that is longer than 4 GiB")
}

/// A packed row.
#[derive(Clone, Copy, Debug)]
pub struct PackedRow<'a>(&'a [u8]);

/// The rows of a piece, one after another.
///
/// # Panics
/// If the bytes are not rows as they were packed.
pub fn packed_rows(mut bytes: &[u8]) -> impl Iterator<Item = PackedRow<'_>> {
    std::iter::from_fn(move || {
        let length = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        let (row, rest) = bytes.split_at(length);
        bytes = rest;
        Some(PackedRow(row))
    })
}

impl<'a> PackedRow<'a> {
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

    /// Its digest in the content channel.
    pub fn content(&self) -> Digest {
        self.digest(CONTENT)
    }

    /// Its digest in the vector channel.
    pub fn vector_row(&self) -> Digest {
        self.digest(VECTOR_ROW)
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
