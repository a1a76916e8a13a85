//! Counting by name, and telling many keys apart.

use std::collections::BTreeMap;
use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Names that are told apart in one place, at most. A field with more is no group: a key or an id.
pub(super) const MOST_NAMES: usize = 10_000;

/// Counts of names, for logs that repeat few of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter {
    ids: FxHashMap<Box<str>, usize>,
    counted: Vec<(Box<str>, u64)>,
    last: usize,
}

impl Counter {
    /// Counts a name.
    #[inline]
    pub(super) fn add(&mut self, name: &str, n: u64) {
        let id = self.id(name);
        self.counted[id].1 += n;
    }

    /// The place of a name, which it keeps.
    #[inline]
    pub(super) fn id(&mut self, name: &str) -> usize {
        if let Some((last, _)) = self.counted.get(self.last)
            && **last == *name
        {
            return self.last;
        }
        self.last = if let Some(id) = self.ids.get(name) {
            *id
        } else {
            self.ids.insert(name.into(), self.counted.len());
            self.counted.push((name.into(), 0));
            self.counted.len() - 1
        };
        self.last
    }

    pub(super) fn len(&self) -> usize {
        self.counted.len()
    }

    pub(super) fn name(&self, id: usize) -> &str {
        &self.counted[id].0
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (name, n) in &other.counted {
            self.add(name, *n);
        }
    }

    pub(super) fn finish(self) -> BTreeMap<String, u64> {
        let named = self.counted.into_iter();
        named.map(|(name, n)| (name.into_string(), n)).collect()
    }
}

/// Values by key, for keys that mostly come again at once.
#[derive(Clone, Debug)]
pub(super) struct Keyed<K, V> {
    places: FxHashMap<K, usize>,
    values: Vec<(K, V)>,
    last: usize,
}

impl<K: Copy + Eq + Hash, V: Default> Keyed<K, V> {
    /// The value of a key, the default where it is new.
    #[inline]
    pub(super) fn at(&mut self, key: K) -> &mut V {
        if self
            .values
            .get(self.last)
            .is_none_or(|(last, _)| *last != key)
        {
            let next = self.values.len();
            self.last = *self.places.entry(key).or_insert(next);
            if self.last == next {
                self.values.push((key, V::default()));
            }
        }
        &mut self.values[self.last].1
    }

    pub(super) fn into_values(self) -> impl Iterator<Item = (K, V)> {
        self.values.into_iter()
    }
}

impl<K, V> Default for Keyed<K, V> {
    fn default() -> Self {
        Self {
            places: FxHashMap::default(),
            values: Vec::new(),
            last: 0,
        }
    }
}

/// A number that stands for a text: two texts share one with a chance of 2⁻⁶⁴.
#[inline]
pub(super) fn fingerprint(text: &[u8]) -> u64 {
    twox_hash::XxHash3_64::oneshot(text)
}

/// How many different members a set has, exact up to a limit and the limit beyond: the smallest
/// fingerprints are kept, so that parts may be merged in any order.
#[derive(Clone, Debug, Default)]
pub(super) struct Distinct {
    kept: std::collections::BTreeSet<u64>,
}

impl Distinct {
    pub(super) fn add(&mut self, fingerprint: u64, most: usize) {
        self.kept.insert(fingerprint);
        if self.kept.len() > most {
            self.kept.pop_last();
        }
    }

    pub(super) fn merge(&mut self, other: &Self, most: usize) {
        for fingerprint in &other.kept {
            self.add(*fingerprint, most);
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.kept.len() as u64
    }
}

/// How many members of sorted lists repeat: within each list, and in more than one of them.
pub(super) struct Repeats {
    /// For each list, members beyond the first of their kind in it.
    pub(super) within: Vec<u64>,
    /// For each list, different members that another list has too.
    pub(super) shared: Vec<u64>,
}

impl Repeats {
    pub(super) fn of(lists: &[Vec<u64>]) -> Self {
        let mut repeats = Self {
            within: vec![0; lists.len()],
            shared: vec![0; lists.len()],
        };
        let mut at = vec![0; lists.len()];
        let mut holds = vec![false; lists.len()];
        loop {
            let next = lists.iter().zip(&at).filter_map(|(list, at)| list.get(*at));
            let Some(least) = next.min().copied() else {
                return repeats;
            };
            for (index, list) in lists.iter().enumerate() {
                let same = list[at[index]..].iter().take_while(|key| **key == least);
                let n = same.count();
                at[index] += n;
                holds[index] = n > 0;
                repeats.within[index] += (n as u64).saturating_sub(1);
            }
            if holds.iter().filter(|holds| **holds).count() > 1 {
                for (shared, holds) in repeats.shared.iter_mut().zip(&holds) {
                    *shared += u64::from(*holds);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn repeats_are_those_that_counting_finds(
            lists in proptest::collection::vec(proptest::collection::vec(0_u64..12, 0..15), 1..4)
        ) {
            let mut sorted = lists.clone();
            for list in &mut sorted {
                list.sort_unstable();
            }
            let found = Repeats::of(&sorted);
            for (index, list) in lists.iter().enumerate() {
                let distinct: std::collections::BTreeSet<u64> = list.iter().copied().collect();
                let elsewhere = |key: &&u64| {
                    let mut others = lists.iter().enumerate().filter(|(other, _)| *other != index);
                    others.any(|(_, other)| other.contains(key))
                };
                prop_assert_eq!(found.within[index], (list.len() - distinct.len()) as u64);
                prop_assert_eq!(found.shared[index], distinct.iter().filter(elsewhere).count() as u64);
            }
        }
    }
}
