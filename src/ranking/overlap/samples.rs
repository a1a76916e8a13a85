//! Rankings for the tests of this folder, and what is obvious about them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Correlation, Ranking, Ties};

impl Ranking<u8> {
    /// The items of each group.
    pub(super) fn groups(&self) -> Vec<Vec<u8>> {
        let mut groups = vec![Vec::new(); self.n_groups()];
        for member in self.sorted() {
            groups[member.group].push(*member.item);
        }
        groups
    }
}

/// Rankings of `n` items out of nine, cut into groups.
pub(super) fn ranking(n: usize) -> impl Strategy<Value = Ranking<u8>> {
    let items = Just((0..9).collect::<Vec<u8>>()).prop_shuffle();
    (items, prop::collection::vec(any::<bool>(), 9)).prop_map(move |(items, tied)| {
        let mut score = 0.0;
        let scored = items
            .into_iter()
            .take(n)
            .zip(tied)
            .map(move |(item, tied)| {
                score -= if tied { 0.0 } else { 1.0 };
                (item, score)
            });
        Ranking::from_scores(scored)
    })
}

/// One item a group.
pub(super) fn untied(items: &[u8]) -> Ranking<u8> {
    let scored = items.iter().enumerate();
    Ranking::from_scores(scored.map(|(rank, &item)| (item, -(rank as f64))))
}

/// Item `i` has the rank `ranks[i]`, the least being first.
pub(super) fn by_ranks(ranks: &[f64]) -> Ranking<usize> {
    let mut scored: Vec<(usize, f64)> = ranks.iter().map(|rank| -rank).enumerate().collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ranking::from_scores(scored)
}

/// For each item, the ranks before its group and the size of its group.
pub(super) fn places(ranking: &Ranking<u8>) -> BTreeMap<u8, (usize, usize)> {
    let mut before = 0;
    let mut places = BTreeMap::new();
    for group in ranking.groups() {
        places.extend(group.iter().map(|&item| (item, (before, group.len()))));
        before += group.len();
    }
    places
}

/// Every order of the ties of a ranking.
pub(super) fn orders(groups: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let Some((first, rest)) = groups.split_first() else {
        return vec![Vec::new()];
    };
    let tails = orders(rest);
    let with_tail = |head: Vec<u8>| {
        let tails = tails.iter();
        tails
            .map(|tail| [head.as_slice(), tail].concat())
            .collect::<Vec<_>>()
    };
    permutations(first)
        .into_iter()
        .flat_map(with_tail)
        .collect()
}

fn permutations(items: &[u8]) -> Vec<Vec<u8>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let pick = |index: usize| {
        let mut rest = items.to_vec();
        let item = rest.remove(index);
        permutations(&rest)
            .into_iter()
            .map(move |tail| [vec![item], tail].concat())
    };
    (0..items.len()).flat_map(pick).collect()
}

/// The groups of a ranking, and some behind them.
pub(super) fn extended(groups: &[Vec<u8>], more: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let known = groups
        .iter()
        .map(|group| group.iter().copied().map(u32::from).collect());
    known.chain(more.iter().cloned()).collect()
}

/// What each item that has begun contributes at a depth.
pub(super) fn contributions(groups: &[Vec<u32>], depth: usize, ties: Ties) -> BTreeMap<u32, f64> {
    let mut before = 0;
    let mut found = BTreeMap::new();
    for group in groups {
        if depth > before {
            let share = match ties {
                Ties::W => 1.0,
                Ties::A | Ties::B => (((depth - before) as f64) / group.len() as f64).min(1.0),
            };
            found.extend(group.iter().map(|&item| (item, share)));
        }
        before += group.len();
    }
    found
}

/// Two lists of ranks, item by item, and what a measure makes of them.
#[track_caller]
pub(super) fn correlates(
    measure: fn(&Ranking<usize>, &Ranking<usize>) -> Correlation,
    a: &[f64],
    b: &[f64],
    expected: Option<f64>,
) {
    let found = measure(&by_ranks(a), &by_ranks(b));
    assert_eq!(found.n, a.len().min(b.len()));
    match (found.value, expected) {
        (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{found}"),
        (found, expected) => assert_eq!(found, expected),
    }
}

/// All of a side tied, or too few items in common.
#[track_caller]
pub(super) fn has_no_order(measure: fn(&Ranking<usize>, &Ranking<usize>) -> Correlation) {
    correlates(measure, &[1.0, 2.0, 3.0], &[1.0; 3], None);
    correlates(measure, &[1.0], &[1.0], None);
    correlates(measure, &[], &[1.0], None);
}
