//! How alike two rankings are.

use std::collections::BTreeMap;

use crate::units::Cutoff;

/// Persistence of the imagined reader: DESIGN.md pins 0.8, which puts two thirds of the weight on
/// the first three ranks.
pub const RBO_P: f64 = 0.8;

/// Scores closer than this are one tie.
const TIE: f64 = 1e-9;

/// A ranking with ties: groups of items, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking<T> {
    groups: Vec<Vec<T>>,
}

impl<T: Ord + Clone> Ranking<T> {
    /// Groups items by equal score; an item that comes again counts where it came first. Scores
    /// must not rise.
    pub fn from_scores(scored: impl IntoIterator<Item = (T, f64)>) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        let mut groups: Vec<Vec<T>> = Vec::new();
        let mut group_score = f64::NAN;
        for (item, score) in scored {
            if !seen.insert(item.clone()) {
                continue;
            }
            match groups.last_mut() {
                Some(group) if (group_score - score).abs() <= TIE => group.push(item),
                _ => {
                    groups.push(vec![item]);
                    group_score = score;
                }
            }
        }
        Self { groups }
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// For each item, the ranks before its group and the size of its group.
    fn places(&self) -> BTreeMap<&T, Place> {
        let mut before = 0;
        let mut places = BTreeMap::new();
        for group in &self.groups {
            places.extend(group.iter().map(|item| (item, (before, group.len()))));
            before += group.len();
        }
        places
    }
}

/// The ranks before an item's tie, and the tie's size.
type Place = (usize, usize);

/// How much of an item lies within the first `depth` ranks: all, nothing, or its group's share, as
/// if each order of the tie were as likely.
fn share_within((before, size): Place, depth: usize) -> f64 {
    (depth.saturating_sub(before) as f64 / size as f64).min(1.0)
}

/// Rank-biased overlap, extrapolated beyond the seen ranks, of two rankings that may have ties and
/// uneven lengths; in `[0, 1]`.
///
/// Within the ranks that both hold, a tie counts as the average over all its orders. Beyond the
/// shorter ranking's end its unseen items are assumed to agree as its seen ones did, each as far as
/// the longer ranking's own items have come in their ties. 1 for two empty rankings, 0 if one is
/// empty.
///
/// ```
/// use ragstone::ranking::{Ranking, rbo_ext};
/// let ranking = |items: &[&'static str]| {
///     Ranking::from_scores(items.iter().enumerate().map(|(i, &item)| (item, -(i as f64))))
/// };
/// assert!((rbo_ext(&ranking(&["a", "b"]), &ranking(&["a", "b"]), 0.8) - 1.0).abs() < 1e-12);
/// assert_eq!(rbo_ext(&ranking(&["a"]), &ranking(&["b"]), 0.8), 0.0);
/// ```
///
/// Source: Webber, Moffat and Zobel (2010), equation 32; ties by variant *a* of Corsi and Urbano
/// (2024), whose 2,000 published values it reproduces.
///
/// # Panics
/// If `p` is outside (0, 1).
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
pub fn rbo_ext<T: Ord + Clone>(a: &Ranking<T>, b: &Ranking<T>, p: f64) -> f64 {
    assert!(p > 0.0 && p < 1.0, "persistence lies in (0, 1)");
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let (s, l) = (short.len(), long.len());
    if s == 0 {
        return if l == 0 { 1.0 } else { 0.0 };
    }
    let (short, long) = (short.places(), long.places());
    let common: Vec<(Place, Place)> = short
        .iter()
        .filter_map(|(item, &place)| Some((place, *long.get(item)?)))
        .collect();
    let only_long: Vec<Place> = long
        .iter()
        .filter(|(item, _)| !short.contains_key(*item))
        .map(|(_, &place)| place)
        .collect();
    let overlap = |depth: usize| -> f64 {
        common
            .iter()
            .map(|&(a, b)| share_within(a, depth) * share_within(b, depth))
            .sum()
    };
    let agreement_at_end = overlap(s) / s as f64;
    let mut sum = 0.0;
    let mut weight = 1.0;
    for depth in 1..=l {
        weight *= p;
        let unseen = depth.saturating_sub(s) as f64 * agreement_at_end;
        let assumed = if depth > s {
            unseen * mean_share(&only_long, depth)
        } else {
            0.0
        };
        sum += (overlap(depth) + assumed) / depth as f64 * weight;
    }
    let beyond = (overlap(l) + (l - s) as f64 * agreement_at_end) / l as f64;
    ((1.0 - p) / p * sum + beyond * weight).clamp(0.0, 1.0)
}

/// The share of the first `k` ranks that two rankings have in common; in `[0, 1]`.
///
/// A tie across rank `k` counts as the average over its orders. Where both rankings are shorter than
/// `k`, the longer one's length takes its place. 1 for two empty rankings.
///
/// ```
/// use ragstone::{ranking::{Ranking, overlap_at}, units::Cutoff};
/// let ranking = |items: &[&'static str]| {
///     Ranking::from_scores(items.iter().enumerate().map(|(i, &item)| (item, -(i as f64))))
/// };
/// let (a, b) = (ranking(&["a", "b", "c"]), ranking(&["b", "a", "d"]));
/// assert_eq!(overlap_at(&a, &b, Cutoff::new(2).unwrap()), 1.0);
/// assert_eq!(overlap_at(&a, &b, Cutoff::new(1).unwrap()), 0.0);
/// ```
pub fn overlap_at<T: Ord + Clone>(a: &Ranking<T>, b: &Ranking<T>, k: Cutoff) -> f64 {
    let depth = k.get().min(a.len().max(b.len()));
    if depth == 0 {
        return 1.0;
    }
    let (ours, theirs) = (a.places(), b.places());
    let common: f64 = ours
        .iter()
        .filter_map(|(item, &place)| Some((place, *theirs.get(item)?)))
        .map(|(a, b)| share_within(a, depth) * share_within(b, depth))
        .sum();
    common / depth as f64
}

/// Jaccard's index of the items of two rankings, whatever their order: those in common over those in
/// either; in `[0, 1]`. 1 for two empty rankings.
pub fn jaccard<T: Ord + Clone>(a: &Ranking<T>, b: &Ranking<T>) -> f64 {
    let (ours, theirs) = (a.places(), b.places());
    let common = ours
        .keys()
        .filter(|item| theirs.contains_key(*item))
        .count();
    let either = ours.len() + theirs.len() - common;
    if either == 0 {
        1.0
    } else {
        common as f64 / either as f64
    }
}

/// Kendall's τ-b over the items that both rankings hold; in `[−1, 1]`.
///
/// Ties are allowed on both sides. `None` when fewer than two items are in common, or all of those are
/// one tie on a side, which leaves no order to agree with.
///
/// ```
/// use ragstone::measure::{Ranking, kendall_tau_b};
/// let a = Ranking::from_scores([("a", 4.0), ("b", 3.0), ("c", 2.0), ("d", 1.0)]);
/// let b = Ranking::from_scores([("b", 4.0), ("a", 3.0), ("c", 2.0), ("d", 1.0)]);
/// assert!((kendall_tau_b(&a, &b).unwrap() - 4.0 / 6.0).abs() < 1e-12);
/// ```
///
/// Time `O(n²)` for `n` items in common. Source: Kendall (1945), *The treatment of ties in ranking
/// problems*.
pub fn kendall_tau_b<T: Ord + Clone>(a: &Ranking<T>, b: &Ranking<T>) -> Option<f64> {
    let (ours, theirs) = (a.places(), b.places());
    let common: Vec<(usize, usize)> = ours
        .iter()
        .filter_map(|(item, (ours, _))| Some((*ours, theirs.get(item)?.0)))
        .collect();
    let (mut score, mut untied_a, mut untied_b) = (0_i64, 0_i64, 0_i64);
    for (index, &(a, b)) in common.iter().enumerate() {
        for &(other_a, other_b) in &common[index + 1..] {
            let order = |x: usize, y: usize| x.cmp(&y) as i64;
            let (in_a, in_b) = (order(a, other_a), order(b, other_b));
            score += in_a * in_b;
            untied_a += in_a.abs();
            untied_b += in_b.abs();
        }
    }
    (untied_a > 0 && untied_b > 0)
        .then(|| score as f64 / (untied_a as f64 * untied_b as f64).sqrt())
}

/// How far, on average, the items that have begun to count within `depth` have come.
fn mean_share(places: &[Place], depth: usize) -> f64 {
    let begun: Vec<f64> = places
        .iter()
        .map(|&place| share_within(place, depth))
        .filter(|&share| share > 0.0)
        .collect();
    if begun.is_empty() {
        0.0
    } else {
        begun.iter().sum::<f64>() / begun.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rankings of `n` items out of nine, cut into groups.
    fn ranking(n: usize) -> impl Strategy<Value = Ranking<u8>> {
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

    /// Every order of the ties of a ranking.
    fn orders(groups: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let Some((first, rest)) = groups.split_first() else {
            return vec![Vec::new()];
        };
        let tails = orders(rest);
        permutations(first)
            .into_iter()
            .flat_map(|head| {
                tails
                    .iter()
                    .map(move |tail| [head.as_slice(), tail].concat())
            })
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

    #[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
    /// Equation 32 for rankings without ties, with sets.
    fn slow(a: &[u8], b: &[u8], p: f64) -> f64 {
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        let (s, l) = (short.len(), long.len());
        let x = |d: usize| {
            short
                .iter()
                .take(d)
                .filter(|item| long[..d.min(l)].contains(item))
                .count() as f64
        };
        let power = |d: usize| p.powi(i32::try_from(d).expect("short"));
        let first: f64 = (1..=l).map(|d| x(d) / d as f64 * power(d)).sum();
        let second: f64 = (s + 1..=l)
            .map(|d| x(s) * (d - s) as f64 / (s * d) as f64 * power(d))
            .sum();
        (1.0 - p) / p * (first + second) + ((x(l) - x(s)) / l as f64 + x(s) / s as f64) * power(l)
    }

    #[test]
    fn ties_count_half_in_tau_b() {
        // Source: SciPy 1.17, kendalltau([1, 2, 2, 4, 5], [2, 1, 3, 3, 5]): 0.666666666666667.
        let scored = |ranks: [f64; 5]| {
            let mut scored: Vec<(usize, f64)> = ranks
                .iter()
                .enumerate()
                .map(|(item, rank)| (item, -rank))
                .collect();
            scored.sort_by(|a, b| b.1.total_cmp(&a.1));
            Ranking::from_scores(scored)
        };
        let (a, b) = (
            scored([1.0, 2.0, 2.0, 4.0, 5.0]),
            scored([2.0, 1.0, 3.0, 3.0, 5.0]),
        );
        assert!((kendall_tau_b(&a, &b).expect("an order") - 2.0 / 3.0).abs() < 1e-12);
        let flat = scored([1.0; 5]);
        assert_eq!(kendall_tau_b(&a, &flat), None);
    }

    #[test]
    fn a_tie_across_the_cut_counts_as_far_as_it_has_come() {
        let a = Ranking::from_scores([("x", 1.0), ("y", 1.0)]);
        let b = Ranking::from_scores([("x", 1.0), ("z", 0.5)]);
        assert_eq!(overlap_at(&a, &b, Cutoff::new(1).expect("a rank")), 0.5);
        assert!((jaccard(&a, &b) - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_tie_beyond_the_shorter_ranking_counts_as_far_as_it_has_come() {
        let short = Ranking::from_scores([("x", 1.0)]);
        let long = Ranking::from_scores([("x", 1.0), ("y", 0.5), ("z", 0.5)]);
        // By hand: agreement 1, (1 + ½)/2, (1 + 2)/3, and 1 beyond; ¼·(0.8 + 0.75·0.64 + 0.512) +
        // 0.512.
        assert!((rbo_ext(&short, &long, 0.8) - 0.96).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn ties_are_averaged_over_all_their_orders(
            (a, b) in (1_usize..6).prop_flat_map(|n| (ranking(n), ranking(n))),
            p in 0.5..0.95_f64,
        ) {
            let (ours, theirs) = (orders(&a.groups), orders(&b.groups));
            let sum: f64 = ours.iter().flat_map(|a| theirs.iter().map(move |b| slow(a, b, p))).sum();
            let mean = sum / (ours.len() * theirs.len()) as f64;
            prop_assert!((rbo_ext(&a, &b, p) - mean).abs() < 1e-9);
            prop_assert!((rbo_ext(&a, &b, p) - rbo_ext(&b, &a, p)).abs() < 1e-12);
        }

        #[test]
        fn uneven_rankings_without_ties_follow_equation_32(
            a in Just((0..9).collect::<Vec<u8>>()).prop_shuffle(),
            b in Just((0..9).collect::<Vec<u8>>()).prop_shuffle(),
            (n, m) in (1_usize..9, 1_usize..9),
            p in 0.5..0.95_f64,
        ) {
            let untied = |items: &[u8]| Ranking::from_scores(items.iter().enumerate().map(|(rank, &item)| (item, -(rank as f64))));
            let found = rbo_ext(&untied(&a[..n]), &untied(&b[..m]), p);
            prop_assert!((found - slow(&a[..n], &b[..m], p)).abs() < 1e-9);
        }

        #[test]
        fn a_ranking_without_ties_agrees_with_itself(items in prop::collection::btree_set(any::<u8>(), 1..12)) {
            let a = Ranking::from_scores(items.into_iter().enumerate().map(|(index, item)| (item, -(index as f64))));
            prop_assert!((rbo_ext(&a, &a, RBO_P) - 1.0).abs() < 1e-12);
        }
    }
}
