//! How many items two rankings have in common.

use super::aligned::Aligned;
use super::depths::Depths;
use super::ranking::Ranking;
use super::rbo_ties::Ties;
use crate::units::Cutoff;

/// The items that two rankings have in common within their first `k` ranks, by `k`; in `[0, 1]`.
///
/// Always by `k`, as precision is: of rankings shorter than `k` it stays below 1. A tie across rank `k`
/// counts as the average over its orders. `None` for two empty rankings.
///
/// ```
/// use ragstone::{ranking::{Ranking, overlap_at}, units::Cutoff};
/// let ranking = |items: &[&'static str]| {
///     Ranking::from_scores(items.iter().enumerate().map(|(i, &item)| (item, -(i as f64))))
/// };
/// let at = |k, a: &[&'static str], b: &[&'static str]| {
///     overlap_at(&ranking(a), &ranking(b), Cutoff::new(k).unwrap())
/// };
/// assert_eq!(at(2, &["a", "b", "c"], &["b", "a", "d"]), Some(1.0));
/// assert_eq!(at(1, &["a", "b", "c"], &["b", "a", "d"]), Some(0.0));
/// assert_eq!(at(4, &["a", "b"], &["b", "a"]), Some(0.5));
/// assert_eq!(at(4, &[], &[]), None);
/// ```
pub fn overlap_at<T: Ord>(a: &Ranking<T>, b: &Ranking<T>, k: Cutoff) -> Option<f64> {
    let longer = a.len().max(b.len());
    if longer == 0 {
        return None;
    }
    let aligned = Aligned::of(a, b);
    let mut depths = Depths::of(&aligned);
    for _ in 0..k.get().min(longer) {
        depths.deeper();
    }
    Some(depths.overlap(Ties::A) / k.get() as f64)
}

/// Jaccard's index of the items of two rankings, whatever their order: those in common by those in
/// either; in `[0, 1]`. `None` for two empty rankings.
///
/// ```
/// use ragstone::ranking::{Ranking, jaccard};
/// let a = Ranking::from_scores([("x", 1.0), ("y", 1.0)]);
/// let b = Ranking::from_scores([("x", 1.0), ("z", 0.5)]);
/// assert_eq!(jaccard(&a, &b), Some(1.0 / 3.0));
/// ```
pub fn jaccard<T: Ord>(a: &Ranking<T>, b: &Ranking<T>) -> Option<f64> {
    let common = Aligned::of(a, b).common.len();
    let either = a.len() + b.len() - common;
    (either > 0).then(|| common as f64 / either as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_across_the_cut_counts_as_far_as_it_has_come() {
        let a = Ranking::from_scores([("x", 1.0), ("y", 1.0)]);
        let b = Ranking::from_scores([("x", 1.0), ("z", 0.5)]);
        let k = Cutoff::new(1).expect("a rank");
        assert_eq!(overlap_at(&a, &b, k), Some(0.5));
    }

    #[test]
    fn nothing_has_no_share_in_common() {
        let none: Ranking<&str> = Ranking::from_scores([]);
        let some = Ranking::from_scores([("x", 1.0)]);
        assert_eq!(jaccard(&none, &none), None);
        assert_eq!(jaccard(&none, &some), Some(0.0));
    }
}
