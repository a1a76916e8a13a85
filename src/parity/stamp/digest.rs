//! From rows to their digests.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use bytemuck::cast_slice;
use serde_json::{Map, Value};
use thiserror::Error;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::export::{Chunk, Metadata};
use crate::ids::Digest;
use crate::parity::stamp::health::Health;
use crate::parity::stamp::lanes::Hashing;
use crate::parity::stamp::packed::{PackedRows, Packing, Unpacked};
use crate::parity::stamp::row::{KeyDigest, StampRow, VectorStamp, metadata_digests};
use crate::parity::stamp::sketch::{Measured, Signs};
use crate::parity::stamp::tree::{Channel, Tree, content_row_into, vector_row};

/// Rows that are digested together: what is kept of them meanwhile stays in a cache.
const TOGETHER: usize = 512;

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
    /// The rows.
    pub rows: PackedRows,
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

/// The digests of some metadata: its canonical form, and each key.
type Metadatum = (Digest, Vec<KeyDigest>);

/// Metadata that was met last, with what it came to: rows that follow each other often have the same.
struct Seen<'a> {
    json: Option<&'a str>,
    digests: Metadatum,
}

impl Seen<'_> {
    fn of_nothing() -> Self {
        let digests = metadata_digests(&Map::new());
        Self {
            json: None,
            digests: digests.expect("an object without keys has a canonical form"),
        }
    }
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
        let mut digested = Digested {
            rows: PackedRows::default(),
            health: Health::default(),
            vectors: Vec::with_capacity(chunk.len()),
        };
        let mut packing = Packing::with_capacity(chunk.len());
        let mut seen = Seen::of_nothing();
        for start in (0..chunk.len()).step_by(TOGETHER) {
            let rows = start..chunk.len().min(start + TOGETHER);
            self.some(chunk, rows, &mut seen, &mut packing, &mut digested)?;
        }
        digested.rows = packing.finish();
        Ok(digested)
    }

    fn some<'a>(
        &self,
        chunk: &'a Chunk,
        rows: Range<usize>,
        seen: &mut Seen<'a>,
        packing: &mut Packing,
        digested: &mut Digested,
    ) -> Result<(), RowProblem> {
        let ids = ids(chunk, rows.clone())?;
        let id_hashes = self.plain.all(&as_bytes(&ids));
        let texts = rows.clone().map(|row| chunk.texts.as_ref()?.get(row));
        let texts: Vec<&str> = texts
            .inspect(|text| digested.health.text(*text))
            .map(Option::unwrap_or_default)
            .collect();
        let text_digests = self.plain.all(&as_bytes(&texts));
        let metadata: Vec<Metadatum> = rows
            .clone()
            .map(|row| metadata(chunk, row, seen))
            .collect::<Result<_, _>>()?;
        let content = self.contents(&ids, &text_digests, &metadata);
        let given: Vec<Option<&[f32]>> = rows
            .clone()
            .map(|row| chunk.vectors.as_ref()?.get(row))
            .collect();
        let vectors = self.stamps(&given, &mut digested.health);
        let covered = id_hashes.iter().zip(&vectors);
        let covered: Vec<[u8; 64]> = covered
            .map(|(id, vector)| vector_row(id, vector.as_ref().map(|vector| &vector.digest)))
            .collect();
        let covered: Vec<&[u8]> = covered.iter().map(<[u8; 64]>::as_slice).collect();
        let vector_rows = self.vectors.rows(&covered);
        for (i, vector) in vectors.into_iter().enumerate() {
            let known = vector.as_ref().map(|vector| vector.digest.prefix());
            digested.vectors.extend(known);
            let row = Unpacked {
                id_hash: &id_hashes[i],
                text: &text_digests[i],
                normalised: &normalised(texts[i], &text_digests[i]),
                metadata: &metadata[i].0,
                keys: &metadata[i].1,
                vector,
                id: ids[i],
                section: section(chunk, rows.start + i),
            };
            packing.add(&row, content[i], vector_rows[i]);
        }
        Ok(())
    }

    /// The digests of rows in the content channel. What is hashed lies in one piece.
    fn contents(&self, ids: &[&str], texts: &[Digest], metadata: &[Metadatum]) -> Vec<Digest> {
        let mut covered = Vec::new();
        let mut ends = vec![0];
        for ((id, text), (metadata, _)) in ids.iter().zip(texts).zip(metadata) {
            content_row_into(&mut covered, text, metadata, id);
            ends.push(covered.len());
        }
        let rows: Vec<&[u8]> = ends
            .windows(2)
            .map(|ends| &covered[ends[0]..ends[1]])
            .collect();
        self.content.rows(&rows)
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
        let stamp = |(row, measured): (Option<&[f32]>, Option<Measured>)| {
            let squares = measured.map_or(0.0, |measured| measured.squares);
            let norm = health.vector(row, squares);
            let (row, measured) = (row?, measured?);
            Some(VectorStamp {
                digest: digests.next().expect("one for each vector"),
                dim: u32::try_from(row.len()).unwrap_or(u32::MAX - 1),
                norm: norm as f32,
                sketch: measured.sketch,
            })
        };
        rows.iter().copied().zip(measured).map(stamp).collect()
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

fn as_bytes<'a>(texts: &[&'a str]) -> Vec<&'a [u8]> {
    texts.iter().map(|text| text.as_bytes()).collect()
}

fn ids(chunk: &Chunk, rows: Range<usize>) -> Result<Vec<&str>, RowProblem> {
    let id = |row| {
        chunk.ids.get(row).ok_or_else(|| RowProblem::NoId {
            place: chunk.place.of(row),
        })
    };
    rows.map(id).collect()
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

fn metadata<'a>(
    chunk: &'a Chunk,
    row: usize,
    seen: &mut Seen<'a>,
) -> Result<Metadatum, RowProblem> {
    let digests = |object: &Map<String, Value>| {
        metadata_digests(object).map_err(|source| RowProblem::NotCanonical {
            place: chunk.place.of(row),
            source,
        })
    };
    let json = match &chunk.metadata {
        Metadata::None => None,
        Metadata::Objects(objects) => return digests(&objects[row]),
        Metadata::Json(column) => column.get(row),
    };
    if json != seen.json {
        seen.digests = match json {
            None => digests(&Map::new())?,
            Some(json) => digests(&object(json, chunk, row)?)?,
        };
        seen.json = json;
    }
    Ok(seen.digests.clone())
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
