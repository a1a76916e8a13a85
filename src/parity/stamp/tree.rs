//! A channel: an order-independent, duplicate-aware Merkle root over digests of rows.
//!
//! Rows fall into `2^DEPTH` buckets by the leading bits of BLAKE3(id); a bucket is hashed over its
//! sorted row digests, so that a repeated row counts twice and the order of rows not at all; a binary
//! tree of fixed depth joins the buckets. Each level of each channel hashes under its own `derive_key`
//! context. Two indexes differ in the buckets whose digests differ, and nowhere else.

use crate::ids::Digest;
use crate::parity::stamp::lanes::Hashing;

/// Levels of the tree above the buckets: 4,096 buckets hold about 250 rows each at a million rows.
pub const DEPTH: u32 = 12;
/// How many buckets there are.
pub const BUCKETS: usize = 1 << DEPTH;

/// What a root is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Ids, texts and metadata: `INDEX_HASH`.
    Content,
    /// Ids and vectors: `VECTOR_HASH`.
    Vectors,
}

impl Channel {
    /// The context under which a row is hashed.
    fn row(self) -> &'static str {
        match self {
            Self::Content => "ragstone 2026 index row v1",
            Self::Vectors => "ragstone 2026 vector row v1",
        }
    }

    fn bucket(self) -> &'static str {
        match self {
            Self::Content => "ragstone 2026 index bucket v1",
            Self::Vectors => "ragstone 2026 vector bucket v1",
        }
    }

    fn node(self) -> &'static str {
        match self {
            Self::Content => "ragstone 2026 index node v1",
            Self::Vectors => "ragstone 2026 vector node v1",
        }
    }
}

/// Hashes the rows and the tree of one channel.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    row: Hashing,
    bucket: Hashing,
    node: Hashing,
}

impl Tree {
    /// The tree of a channel.
    pub fn new(channel: Channel) -> Self {
        Self {
            row: Hashing::derive(channel.row()),
            bucket: Hashing::derive(channel.bucket()),
            node: Hashing::derive(channel.node()),
        }
    }

    /// The digests of rows, each given as what the channel covers of it ([`content_row`],
    /// [`vector_row`]).
    pub fn rows(&self, rows: &[&[u8]]) -> Vec<Digest> {
        self.row.all(rows)
    }

    /// The digest of a bucket's rows, which are sorted for it.
    pub fn bucket(&self, rows: &mut [Digest]) -> Digest {
        // Nearly all digests are told apart by their first bytes, and numbers compare faster than bytes.
        rows.sort_unstable_by(|a, b| a.prefix().cmp(&b.prefix()).then_with(|| a.cmp(b)));
        let mut bytes = Vec::with_capacity(32 * rows.len());
        for digest in rows {
            bytes.extend_from_slice(digest.as_bytes());
        }
        self.bucket.one(&bytes)
    }

    /// The root over all buckets.
    ///
    /// # Panics
    /// If there are not as many as a tree has.
    pub fn root(&self, buckets: &[Digest]) -> Digest {
        assert_eq!(buckets.len(), BUCKETS, "one digest a bucket");
        let mut level = buckets.to_vec();
        while level.len() > 1 {
            let nodes: Vec<[u8; 64]> = level
                .chunks(2)
                .map(|pair| joined(&pair[0], &pair[1]))
                .collect();
            let nodes: Vec<&[u8]> = nodes.iter().map(<[u8; 64]>::as_slice).collect();
            level = self.node.all(&nodes);
        }
        level[0]
    }

    /// The root over all rows, given with the digests of their ids. An index without rows has a root
    /// too.
    ///
    /// Time `O(n log n)`; memory one digest a row.
    pub fn root_of(&self, rows: impl Iterator<Item = (Digest, Digest)>) -> Digest {
        let mut buckets: Vec<Vec<Digest>> = vec![Vec::new(); BUCKETS];
        for (id, row) in rows {
            buckets[bucket_of(id.prefix())].push(row);
        }
        let buckets: Vec<Digest> = buckets.iter_mut().map(|rows| self.bucket(rows)).collect();
        self.root(&buckets)
    }
}

/// The bucket of an id, by the first bytes of its digest as a number.
pub fn bucket_of(prefix: u64) -> usize {
    (prefix >> (u64::BITS - DEPTH)) as usize
}

/// What the content channel covers of a row. The id comes last, so that the two digests of fixed length
/// before it leave no doubt where it begins.
pub fn content_row(text: &Digest, metadata: &Digest, id: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    content_row_into(&mut bytes, text, metadata, id);
    bytes
}

/// The same behind what is there already.
pub(super) fn content_row_into(bytes: &mut Vec<u8>, text: &Digest, metadata: &Digest, id: &str) {
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(metadata.as_bytes());
    bytes.extend_from_slice(id.as_bytes());
}

/// What the vector channel covers of a row: the digests of its id and of its numbers, little-endian f32.
/// A row without a vector has zeros in place of the second.
pub fn vector_row(id: &Digest, vector: Option<&Digest>) -> [u8; 64] {
    joined(id, vector.unwrap_or(&Digest::from_bytes([0; 32])))
}

fn joined(left: &Digest, right: &Digest) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(left.as_bytes());
    bytes[32..].copy_from_slice(right.as_bytes());
    bytes
}
