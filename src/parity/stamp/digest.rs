//! From rows to their digests.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use bytemuck::cast_slice;
use serde_json::{Map, Value};
use thiserror::Error;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::export::{Chunk, Metadata, Strings, Vectors};
use crate::ids::Digest;
use crate::parity::stamp::health::Health;
use crate::parity::stamp::lanes::Hashing;
use crate::parity::stamp::packed::Unpacked;
use crate::parity::stamp::row::{KeyDigest, StampRow, VectorStamp, metadata_digests};
use crate::parity::stamp::sketch::{Measured, Signs};
use crate::parity::stamp::tree::{Channel, Tree, content_row, vector_row};

/// Parts that rows are sorted into by the first byte of their id's digest; each holds sixteen buckets.
pub const PARTS: usize = 256;

/// Why a row has no digests.
#[derive(Debug, Error)]
pub enum RowProblem {
    /// Its metadata is no object.
    #[error("{place}: the metadata is no JSON object")]
    NoObject {
        /// Which row.
        place: String,
    },
    /// Its metadata is no JSON.
    #[error("{place}: the metadata is no JSON")]
    NoJson {
        /// Which row.
        place: String,
        /// The reason.
        source: serde_json::Error,
    },
    /// Its metadata has no canonical form.
    #[error("{place}: the metadata has no canonical JSON")]
    NotCanonical {
        /// Which row.
        place: String,
        /// The reason.
        source: serde_json::Error,
    },
    /// It has no id.
    #[error("{place}: the row has no id")]
    NoId {
        /// Which row.
        place: String,
    },
}

/// What becomes of a chunk.
#[derive(Debug)]
pub struct Digested {
    /// The packed rows of each part.
    pub parts: Vec<Vec<u8>>,
    /// What was counted.
    pub health: Health,
    /// The first bytes of each vector's digest.
    pub vectors: Vec<u64>,
}

/// Digests rows. Shared between threads.
#[derive(Debug)]
pub struct Digester {
    plain: Hashing,
    content: Tree,
    vectors: Tree,
    seed: u64,
    /// For the longest vector so far.
    signs: RwLock<Arc<Signs>>,
}

/// One row as its index holds it.
#[derive(Clone, Copy, Debug)]
pub struct GivenRow<'a> {
    /// Its id.
    pub id: &'a str,
    /// The section it was cut from, as `doc_id/section_id`.
    pub section: Option<&'a str>,
    /// Its text.
    pub text: &'a str,
    /// What is kept beside it.
    pub metadata: &'a Map<String, Value>,
    /// Its vector.
    pub vector: Option<&'a [f32]>,
}

/// Metadata that was met, with what it came to: many rows have the same.
#[derive(Default)]
struct Seen<'a> {
    json: Option<&'a str>,
    digests: Option<(Digest, Vec<KeyDigest>)>,
}

impl Digester {
    /// A digester whose sketches have this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            plain: Hashing::plain(),
            content: Tree::new(Channel::Content),
            vectors: Tree::new(Channel::Vectors),
            seed,
            signs: RwLock::new(Arc::new(Signs::new(seed, 0))),
        }
    }

    /// The signs for vectors of up to so many numbers, made once.
    fn signs(&self, dim: usize) -> Arc<Signs> {
        let known = Arc::clone(&self.signs.read().unwrap_or_else(PoisonError::into_inner));
        if known.reach() >= dim {
            return known;
        }
        let longer = Arc::new(Signs::new(self.seed, dim));
        *self.signs.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&longer);
        longer
    }

    /// Digests every row of a chunk.
    ///
    /// # Errors
    /// If a row has no id, or metadata without a canonical form.
    pub fn chunk(&self, chunk: &Chunk) -> Result<Digested, RowProblem> {
        let n = chunk.len();
        let mut health = Health::default();
        let ids = ids(chunk)?;
        let id_hashes = self.plain.all(&as_bytes(&ids));
        let texts = column(chunk.texts.as_ref(), n);
        for text in &texts {
            health.text(*text);
        }
        let texts: Vec<&str> = texts.into_iter().map(Option::unwrap_or_default).collect();
        let text_digests = self.plain.all(&as_bytes(&texts));
        let metadata = metadata(chunk)?;
        let content: Vec<Vec<u8>> = (0..n)
            .map(|row| content_row(&text_digests[row], &metadata[row].0, ids[row]))
            .collect();
        let content: Vec<&[u8]> = content.iter().map(Vec::as_slice).collect();
        let content = self.content.rows(&content);
        let vectors = self.vectors(chunk.vectors.as_ref(), n, &mut health);
        let vector_rows: Vec<[u8; 64]> = id_hashes
            .iter()
            .zip(&vectors)
            .map(|(id, vector)| vector_row(id, vector.as_ref().map(|vector| &vector.digest)))
            .collect();
        let vector_rows: Vec<&[u8]> = vector_rows.iter().map(<[u8; 64]>::as_slice).collect();
        let vector_rows = self.vectors.rows(&vector_rows);
        let mut parts = vec![Vec::new(); PARTS];
        let mut prefixes = Vec::with_capacity(n);
        for (row, vector) in vectors.into_iter().enumerate() {
            prefixes.extend(vector.as_ref().map(|vector| prefix(&vector.digest)));
            let (digest, keys) = &metadata[row];
            Unpacked {
                id_hash: &id_hashes[row],
                content: &content[row],
                vector_row: &vector_rows[row],
                text: &text_digests[row],
                normalised: &normalised(texts[row], &text_digests[row]),
                metadata: digest,
                keys,
                vector,
                id: ids[row],
                section: section(chunk, row),
            }
            .pack(&mut parts[usize::from(id_hashes[row].as_bytes()[0])]);
        }
        Ok(Digested {
            parts,
            health,
            vectors: prefixes,
        })
    }

    /// Digests one row; many are digested faster as a [`Chunk`].
    ///
    /// # Errors
    /// If the metadata has no canonical form.
    pub fn row(&self, given: &GivenRow) -> serde_json::Result<StampRow> {
        let (metadata, keys) = metadata_digests(given.metadata)?;
        let text = Digest::of(given.text);
        let vectors = self.stamps(&[given.vector], &mut Health::default());
        Ok(StampRow {
            id: given.id.to_owned(),
            section: given.section.map(str::to_owned),
            text,
            normalised: normalised(given.text, &text),
            metadata,
            keys,
            vector: vectors.into_iter().next().flatten(),
        })
    }

    fn vectors(
        &self,
        vectors: Option<&Vectors>,
        n: usize,
        health: &mut Health,
    ) -> Vec<Option<VectorStamp>> {
        let rows: Vec<Option<&[f32]>> = (0..n)
            .map(|row| vectors.and_then(|vectors| vectors.get(row)))
            .collect();
        self.stamps(&rows, health)
    }

    fn stamps(&self, rows: &[Option<&[f32]>], health: &mut Health) -> Vec<Option<VectorStamp>> {
        let bytes: Vec<Cow<'_, [u8]>> = rows
            .iter()
            .flatten()
            .map(|row| little_endian(row))
            .collect();
        let bytes: Vec<&[u8]> = bytes.iter().map(AsRef::as_ref).collect();
        let mut digests = self.plain.all(&bytes).into_iter();
        let longest = rows
            .iter()
            .flatten()
            .map(|row| row.len())
            .max()
            .unwrap_or(0);
        let measured = self.signs(longest).measure(rows);
        let stamp = |(row, measured): (&Option<&[f32]>, Option<Measured>)| {
            let squares = measured.map_or(0.0, |measured| measured.squares);
            let norm = health.vector(*row, squares);
            let (row, measured) = ((*row)?, measured?);
            Some(VectorStamp {
                digest: digests.next().expect("one for each vector"),
                dim: u32::try_from(row.len()).unwrap_or(u32::MAX - 1),
                norm: norm as f32,
                sketch: measured.sketch,
            })
        };
        rows.iter().zip(measured).map(stamp).collect()
    }
}

/// The numbers as they are hashed.
fn little_endian(vector: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(cast_slice(vector))
    } else {
        Cow::Owned(vector.iter().flat_map(|x| x.to_le_bytes()).collect())
    }
}

fn prefix(digest: &Digest) -> u64 {
    u64::from_be_bytes(*digest.as_bytes().first_chunk().expect("32 bytes"))
}

fn as_bytes<'a>(texts: &[&'a str]) -> Vec<&'a [u8]> {
    texts.iter().map(|text| text.as_bytes()).collect()
}

fn ids(chunk: &Chunk) -> Result<Vec<&str>, RowProblem> {
    let id = |row| {
        chunk.ids.get(row).ok_or_else(|| RowProblem::NoId {
            place: chunk.place.of(row),
        })
    };
    (0..chunk.len()).map(id).collect()
}

fn column(strings: Option<&Strings>, n: usize) -> Vec<Option<&str>> {
    (0..n)
        .map(|row| strings.and_then(|strings| strings.get(row)))
        .collect()
}

fn section(chunk: &Chunk, row: usize) -> Option<(&str, &str)> {
    let sections = chunk.sections.as_ref()?;
    Some((sections.doc_ids.get(row)?, sections.section_ids.get(row)?))
}

/// The digest of the text in NFC, which for nearly every text is that of the text itself.
fn normalised(text: &str, digest: &Digest) -> Digest {
    if text.is_ascii() || is_nfc(text) {
        *digest
    } else {
        Digest::of(text.nfc().collect::<String>())
    }
}

fn metadata(chunk: &Chunk) -> Result<Vec<(Digest, Vec<KeyDigest>)>, RowProblem> {
    let digests = |row: usize, object: &Map<String, Value>| {
        metadata_digests(object).map_err(|source| RowProblem::NotCanonical {
            place: chunk.place.of(row),
            source,
        })
    };
    let none = digests(0, &Map::new())?;
    match &chunk.metadata {
        Metadata::None => Ok(vec![none; chunk.len()]),
        Metadata::Objects(objects) => {
            let rows = objects.iter().enumerate();
            rows.map(|(row, object)| digests(row, object)).collect()
        }
        Metadata::Json(column) => {
            let mut seen = Seen::default();
            let mut found = Vec::with_capacity(chunk.len());
            for row in 0..chunk.len() {
                let json = column.get(row);
                let same = json.is_some() && json == seen.json;
                let known = seen.digests.clone().filter(|_| same);
                let fresh = match (json, known) {
                    (_, Some(known)) => known,
                    (None, None) => none.clone(),
                    (Some(json), None) => digests(row, &object(json, chunk, row)?)?,
                };
                seen = Seen {
                    json,
                    digests: Some(fresh.clone()),
                };
                found.push(fresh);
            }
            Ok(found)
        }
    }
}

fn object(json: &str, chunk: &Chunk, row: usize) -> Result<Map<String, Value>, RowProblem> {
    let place = || chunk.place.of(row);
    let value = serde_json::from_str(json).map_err(|source| RowProblem::NoJson {
        place: place(),
        source,
    })?;
    match value {
        Value::Object(object) => Ok(object),
        Value::Null => Ok(Map::new()),
        _ => Err(RowProblem::NoObject { place: place() }),
    }
}
