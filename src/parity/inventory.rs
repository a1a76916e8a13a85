//! The rows of an index, by digest.

use serde::Serialize;

use crate::ids::{Digest, SectionKey};
use crate::parity::merkle::index_hash;

/// One row of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryRow {
    /// Its id in the index, such as `failover/promote#2`.
    pub id: String,
    /// The section it was cut from.
    pub section: SectionKey,
    /// BLAKE3 of the exact text.
    pub text: Digest,
    /// BLAKE3 of the canonical metadata.
    pub metadata: Digest,
}

impl InventoryRow {
    /// A row of a text and its metadata, of which the RFC 8785 form is taken.
    ///
    /// # Errors
    /// If the metadata has no canonical JSON, as with a NaN.
    pub fn new(
        id: String,
        section: SectionKey,
        text: &str,
        metadata: &impl Serialize,
    ) -> serde_json::Result<Self> {
        let canonical = serde_json_canonicalizer::to_vec(metadata)?;
        Ok(Self {
            id,
            section,
            text: Digest::of(text),
            metadata: Digest::of(canonical),
        })
    }
}

/// Every row of an index, as enumerated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// In any order; ids may repeat.
    pub rows: Vec<InventoryRow>,
}

impl Inventory {
    /// The `INDEX_HASH` of these rows, whatever their order.
    pub fn index_hash(&self) -> Digest {
        index_hash(&self.rows)
    }
}
