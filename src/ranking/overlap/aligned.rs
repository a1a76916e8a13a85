//! Two rankings beside each other, with numbers in place of items.

use std::cmp::Ordering;

use super::ranking::Ranking;

/// Where the items of each of two rankings stand in the other.
pub(super) struct Aligned<'a> {
    pub(super) sides: [Side<'a>; 2],
    /// The groups of each item in common, in the order of the items' values.
    pub(super) common: Vec<[usize; 2]>,
}

/// One of the two.
pub(super) struct Side<'a> {
    /// How many items each of its groups holds.
    pub(super) sizes: &'a [usize],
    /// For each of its items, best first, the group that holds it on the other side.
    pub(super) elsewhere: Vec<Option<usize>>,
}

impl Side<'_> {
    /// Number of items.
    pub(super) fn len(&self) -> usize {
        self.elsewhere.len()
    }
}

impl<'a> Aligned<'a> {
    /// In `O(n)`, since a ranking keeps its items sorted.
    pub(super) fn of<T: Ord>(a: &'a Ranking<T>, b: &'a Ranking<T>) -> Self {
        let mut sides = [a, b].map(|ranking| Side {
            sizes: ranking.sizes(),
            elsewhere: vec![None; ranking.len()],
        });
        let mut common = Vec::with_capacity(a.len().min(b.len()));
        let (mut ours, mut theirs) = (a.sorted().peekable(), b.sorted().peekable());
        while let (Some(one), Some(other)) = (ours.peek(), theirs.peek()) {
            match one.item.cmp(other.item) {
                Ordering::Less => _ = ours.next(),
                Ordering::Greater => _ = theirs.next(),
                Ordering::Equal => {
                    sides[0].elsewhere[one.place] = Some(other.group);
                    sides[1].elsewhere[other.place] = Some(one.group);
                    common.push([one.group, other.group]);
                    ours.next();
                    theirs.next();
                }
            }
        }
        Self { sides, common }
    }

    /// The shorter one first.
    pub(super) fn shorter_first(mut self) -> Self {
        if self.sides[0].len() > self.sides[1].len() {
            self.sides.swap(0, 1);
            for groups in &mut self.common {
                groups.swap(0, 1);
            }
        }
        self
    }
}
