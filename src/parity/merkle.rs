//! `INDEX_HASH`: an order-independent, duplicate-aware Merkle root over the exact content of an
//! index.
//!
//! A row's digest covers its id, text digest and metadata digest. Rows fall into `2^DEPTH` buckets
//! by the leading bits of BLAKE3(id); a bucket is hashed over its sorted row digests, so that a
//! repeated row counts twice and the order of rows not at all; a binary tree of fixed depth joins
//! the buckets. Each level hashes under its own `derive_key` context.

use crate::ids::Digest;
use crate::parity::InventoryRow;

/// Levels of the tree above the buckets: 4,096 buckets hold about 250 rows each at a million rows.
pub const DEPTH: u32 = 12;

const ROW: &str = "ragstone 2026 index row v1";
const BUCKET: &str = "ragstone 2026 index bucket v1";
const NODE: &str = "ragstone 2026 index node v1";

/// The root over all rows. An index without rows has a root too.
///
/// Time `O(n log n)`; memory one digest a row.
pub fn index_hash(rows: &[InventoryRow]) -> Digest {
    let mut buckets: Vec<Vec<Digest>> = vec![Vec::new(); 1 << DEPTH];
    for row in rows {
        buckets[bucket_of(&row.id)].push(row_digest(row));
    }
    let mut level: Vec<Digest> = buckets.into_iter().map(bucket_digest).collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| {
                Digest::derive(
                    NODE,
                    [pair[0].as_bytes().as_slice(), pair[1].as_bytes()].concat(),
                )
            })
            .collect();
    }
    level[0]
}

fn bucket_of(id: &str) -> usize {
    let digest = Digest::of(id);
    let bytes = digest.as_bytes();
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]) >> (u16::BITS - DEPTH))
}

/// The id comes last, so that the two digests of fixed length before it leave no doubt where it
/// begins.
fn row_digest(row: &InventoryRow) -> Digest {
    Digest::derive(
        ROW,
        [
            row.text.as_bytes().as_slice(),
            row.metadata.as_bytes(),
            row.id.as_bytes(),
        ]
        .concat(),
    )
}

fn bucket_digest(mut rows: Vec<Digest>) -> Digest {
    rows.sort_unstable();
    let bytes: Vec<u8> = rows.iter().flat_map(|digest| *digest.as_bytes()).collect();
    Digest::derive(BUCKET, bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::SectionKey;

    fn row(id: &str, text: &str) -> InventoryRow {
        InventoryRow::new(id.to_owned(), SectionKey::new("d", id), text, &"meta")
            .expect("canonical")
    }

    #[test]
    fn the_root_of_a_known_index_never_changes() {
        // Our own test vector, computed a second time in Python with the `blake3` package: a change
        // here is a change of format, and belongs into the changelog.
        let root = index_hash(&[row("a", "Freeze the writes."), row("b", "Drain the queue.")]);
        assert_eq!(
            root.to_string(),
            "b3:8c466bc19c4c56b26f4df34993753da259d14a1b108d2bfbc4f9b1e2b2d4306a"
        );
    }

    #[test]
    fn every_kind_of_change_changes_the_root() {
        let base = vec![row("a", "one"), row("b", "two")];
        let changed = [
            vec![row("a", "one")],
            vec![row("a", "one"), row("b", "two"), row("b", "two")],
            vec![row("a", "one"), row("b", "twO")],
            vec![row("a", "one"), row("c", "two")],
            vec![row("a", "two"), row("b", "one")],
        ];
        for other in changed {
            assert_ne!(index_hash(&base), index_hash(&other));
        }
    }

    proptest! {
        #[test]
        fn the_order_of_rows_does_not_matter(ids in prop::collection::vec("[a-z]{1,3}", 0..20), turn in 0_usize..20) {
            let mut rows: Vec<_> = ids.iter().map(|id| row(id, id)).collect();
            let root = index_hash(&rows);
            let turn = turn.min(rows.len());
            rows.rotate_left(turn);
            prop_assert_eq!(index_hash(&rows), root);
        }
    }
}
