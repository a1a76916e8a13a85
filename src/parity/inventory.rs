//! The rows of an index, by digest.

use crate::ids::Digest;
use crate::parity::stamp::{Channel, StampRow, Tree, content_row, vector_row};
use crate::parity::{Contract, ContractField};

/// Every row of an index, as enumerated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// In any order; ids may repeat.
    pub rows: Vec<StampRow>,
}

impl Inventory {
    /// The `INDEX_HASH` of these rows, whatever their order.
    pub fn index_hash(&self) -> Digest {
        self.root(Channel::Content, |row, _| {
            content_row(&row.text, &row.metadata, &row.id)
        })
    }

    /// The `VECTOR_HASH` of these rows, whatever their order; `None` if no row has a vector.
    pub fn vector_hash(&self) -> Option<Digest> {
        let any = self.rows.iter().any(|row| row.vector.is_some());
        any.then(|| {
            self.root(Channel::Vectors, |row, id| {
                let vector = row.vector.as_ref().map(|vector| &vector.digest);
                vector_row(id, vector).to_vec()
            })
        })
    }

    /// The contract with what was counted of these rows, which outweighs what is claimed.
    #[must_use]
    pub fn stated(&self, contract: Contract) -> Contract {
        let contract = contract
            .with(ContractField::Count, self.rows.len().to_string())
            .with(ContractField::IndexHash, self.index_hash().to_string());
        match self.vector_hash() {
            Some(hash) => contract.with(ContractField::VectorHash, hash.to_string()),
            None => contract,
        }
    }

    fn root(&self, channel: Channel, covered: impl Fn(&StampRow, &Digest) -> Vec<u8>) -> Digest {
        let tree = Tree::new(channel);
        let ids: Vec<Digest> = self.rows.iter().map(|row| Digest::of(&row.id)).collect();
        let rows = self.rows.iter().zip(&ids);
        let rows: Vec<Vec<u8>> = rows.map(|(row, id)| covered(row, id)).collect();
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        tree.root_of(ids.into_iter().zip(tree.rows(&rows)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;
    use crate::parity::stamp::{Digester, GivenRow};

    fn row(id: &str, text: &str) -> StampRow {
        let metadata = Map::from_iter([("rev".to_owned(), json!(4))]);
        let given = GivenRow {
            id,
            section: None,
            text,
            metadata: &metadata,
            vector: Some(&[1.0, 0.5]),
        };
        Digester::new(1).row(&given).expect("canonical")
    }

    fn of(rows: &[StampRow]) -> Inventory {
        Inventory {
            rows: rows.to_vec(),
        }
    }

    #[test]
    fn the_roots_of_a_known_index_never_change() {
        // Our own test vectors, computed a second time in Python with the `blake3` package: a change
        // here is a change of format, and belongs into the changelog.
        let index = of(&[row("a", "Freeze the writes."), row("b", "Drain the queue.")]);
        assert_eq!(
            index.index_hash().to_string(),
            "b3:ad0b9065b589431611e30dfe6eb02a1c520fae6d340930f4c5c9316deb82f5aa"
        );
        assert_eq!(
            index.vector_hash().expect("vectors").to_string(),
            "b3:cad6b8520c7810827437525c852c06ed22bc81c4f65a7b8622257dd89802a59d"
        );
    }

    #[test]
    fn every_kind_of_change_changes_the_root() {
        let base = of(&[row("a", "one"), row("b", "two")]);
        let changed = [
            of(&[row("a", "one")]),
            of(&[row("a", "one"), row("b", "two"), row("b", "two")]),
            of(&[row("a", "one"), row("b", "twO")]),
            of(&[row("a", "one"), row("c", "two")]),
            of(&[row("a", "two"), row("b", "one")]),
        ];
        for other in changed {
            assert_ne!(base.index_hash(), other.index_hash());
        }
        let mut turned = base.clone();
        turned.rows[0].vector.as_mut().expect("a vector").digest = Digest::of("other numbers");
        assert_eq!(base.index_hash(), turned.index_hash());
        assert_ne!(base.vector_hash(), turned.vector_hash());
    }

    proptest! {
        #[test]
        fn the_order_of_rows_does_not_matter(ids in prop::collection::vec("[a-z]{1,3}", 0..20), turn in 0_usize..20) {
            let mut rows: Vec<_> = ids.iter().map(|id| row(id, id)).collect();
            let roots = (of(&rows).index_hash(), of(&rows).vector_hash());
            let turn = turn.min(rows.len());
            rows.rotate_left(turn);
            prop_assert_eq!((of(&rows).index_hash(), of(&rows).vector_hash()), roots);
        }
    }
}
