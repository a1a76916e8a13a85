//! One row of an index, by digest.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::ids::Digest;
use crate::parity::stamp::sketch::Sketch;

/// One row of an index, by digest: all that a stamp keeps of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StampRow {
    /// Its id in the index.
    pub id: String,
    /// The section it was cut from, as `doc_id/section_id`, where the side says so.
    pub section: Option<String>,
    /// BLAKE3 of the exact text; of no bytes, if it has none.
    pub text: Digest,
    /// BLAKE3 of the text in the normal form NFC.
    pub normalised: Digest,
    /// BLAKE3 of the canonical metadata.
    pub metadata: Digest,
    /// Each key of the metadata, sorted.
    pub keys: Vec<KeyDigest>,
    /// Its vector, if it has one.
    pub vector: Option<VectorStamp>,
}

/// One key of a row's metadata and what its value is recognised by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyDigest {
    /// The key.
    pub key: String,
    /// The first bytes of BLAKE3 of its canonical value.
    pub value: [u8; 8],
}

/// What a stamp keeps of a vector.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorStamp {
    /// BLAKE3 of its numbers as little-endian f32.
    pub digest: Digest,
    /// How many numbers it has.
    pub dim: u32,
    /// Its Euclidean length; NaN or infinite if a number is.
    pub norm: f32,
    /// Its projection.
    pub sketch: Sketch,
}

/// The digests of some metadata: its canonical form, and each key.
///
/// # Errors
/// If it has no canonical JSON.
pub(super) fn metadata_digests(
    metadata: &Map<String, Value>,
) -> serde_json::Result<(Digest, Vec<KeyDigest>)> {
    let value = |(key, value): (&String, &Value)| {
        let digest = canonical(value)?;
        let value = *digest.as_bytes().first_chunk().expect("32 bytes");
        Ok(KeyDigest {
            key: key.clone(),
            value,
        })
    };
    let mut keys: Vec<KeyDigest> = metadata
        .iter()
        .map(value)
        .collect::<serde_json::Result<_>>()?;
    keys.sort_unstable();
    Ok((canonical(metadata)?, keys))
}

fn canonical(value: &impl Serialize) -> serde_json::Result<Digest> {
    Ok(Digest::of(serde_json_canonicalizer::to_vec(value)?))
}

/// The keys whose values differ between two rows, or that only one of them has.
pub fn differing_keys<'a>(a: &'a [KeyDigest], b: &'a [KeyDigest]) -> Vec<&'a str> {
    let only = |of: &'a [KeyDigest], other: &'a [KeyDigest]| {
        of.iter()
            .filter(move |key| !other.contains(key))
            .map(|key| key.key.as_str())
    };
    let mut keys: Vec<&str> = only(a, b).chain(only(b, a)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
