//! Kendall's τ-b.

use super::Correlation;
use super::aligned::Aligned;
use super::ranking::Ranking;

/// Kendall's τ-b over the items that both rankings hold: the pairs that both order alike, less those
/// that they order otherwise, by the mean (geometric) of those that either orders at all.
///
/// ```
/// use ragstone::ranking::{Ranking, kendall_tau_b};
/// let a = Ranking::from_scores([("a", 4.0), ("b", 3.0), ("c", 2.0), ("d", 1.0)]);
/// let b = Ranking::from_scores([("b", 4.0), ("a", 3.0), ("c", 2.0), ("d", 1.0)]);
/// let tau = kendall_tau_b(&a, &b);
/// assert_eq!((tau.value, tau.n), (Some(4.0 / 6.0), 4));
/// ```
///
/// Time `O(n log n)`. Source: Kendall (1945), *The treatment of ties in ranking problems*; Knight
/// (1966), *A computer method for calculating Kendall's tau with ungrouped data*.
pub fn kendall_tau_b<T: Ord>(a: &Ranking<T>, b: &Ranking<T>) -> Correlation {
    let mut common = Aligned::of(a, b).common;
    common.sort_unstable();
    let n = common.len();
    let tied_both = pairs_within(common.chunk_by(|one, other| one == other));
    let tied_first = pairs_within(common.chunk_by(|one, other| one[0] == other[0]));
    let mut second: Vec<usize> = common.iter().map(|groups| groups[1]).collect();
    // Within a tie of the first side the second one's groups already rise, so that each exchange is a
    // pair in opposite orders.
    let discordant = exchanges(&mut second, &mut vec![0; n]);
    let tied_second = pairs_within(second.chunk_by(|one, other| one == other));
    let all = pairs(n);
    let (ordered_first, ordered_second) = (all - tied_first, all - tied_second);
    let ordered_both = ordered_first + tied_both - tied_second;
    let value = (ordered_first > 0 && ordered_second > 0).then(|| {
        let score = ordered_both as f64 - 2.0 * discordant as f64;
        score / (ordered_first as f64 * ordered_second as f64).sqrt()
    });
    Correlation { value, n }
}

/// Pairs among `n`.
fn pairs(n: usize) -> u64 {
    let n = n as u64;
    n * n.saturating_sub(1) / 2
}

/// Pairs that stand in the same chunk.
fn pairs_within<'a>(chunks: impl Iterator<Item = &'a [impl Sized + 'a]>) -> u64 {
    chunks.map(|chunk| pairs(chunk.len())).sum()
}

/// Sorts by merging, and returns how many pairs stood in the wrong order. `spare` is as long.
fn exchanges(values: &mut [usize], spare: &mut [usize]) -> u64 {
    let middle = values.len() / 2;
    if middle == 0 {
        return 0;
    }
    let (left, right) = values.split_at_mut(middle);
    let mut count = exchanges(left, &mut spare[..middle]) + exchanges(right, &mut spare[middle..]);
    let (mut l, mut r) = (0, 0);
    for slot in spare.iter_mut() {
        if r == right.len() || (l < left.len() && left[l] <= right[r]) {
            *slot = left[l];
            l += 1;
        } else {
            *slot = right[r];
            r += 1;
            count += (left.len() - l) as u64;
        }
    }
    values.copy_from_slice(spare);
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{correlates, has_no_order, places, ranking};
    use super::*;

    /// By all pairs.
    fn slow(a: &Ranking<u8>, b: &Ranking<u8>) -> Correlation {
        let (ours, theirs) = (places(a), places(b));
        let common: Vec<[usize; 2]> = ours
            .iter()
            .filter_map(|(item, (ours, _))| Some([*ours, theirs.get(item)?.0]))
            .collect();
        let (mut score, mut in_first, mut in_second) = (0_i64, 0_i64, 0_i64);
        for (index, one) in common.iter().enumerate() {
            for other in &common[index + 1..] {
                let [first, second] = [0, 1].map(|side| one[side].cmp(&other[side]) as i64);
                score += first * second;
                in_first += first.abs();
                in_second += second.abs();
            }
        }
        Correlation {
            value: (in_first > 0 && in_second > 0)
                .then(|| score as f64 / (in_first as f64 * in_second as f64).sqrt()),
            n: common.len(),
        }
    }

    #[track_caller]
    fn check(a: &[f64], b: &[f64], expected: Option<f64>) {
        correlates(kendall_tau_b, a, b, expected);
    }

    // Source: SciPy 1.17.1, scipy.stats.kendalltau of the same two lists.
    #[test]
    fn ties_count_half() {
        check(
            &[1.0, 2.0, 2.0, 4.0, 5.0],
            &[2.0, 1.0, 3.0, 3.0, 5.0],
            Some(0.666_666_666_666_666_6),
        );
        check(
            &[1.0, 1.0, 1.0, 4.0, 5.0, 6.0, 6.0, 8.0],
            &[8.0, 2.0, 2.0, 1.0, 5.0, 5.0, 7.0, 3.0],
            Some(0.120_096_115_353_815_37),
        );
    }

    #[test]
    fn one_tie_leaves_no_order() {
        has_no_order(kendall_tau_b);
    }

    proptest! {
        #[test]
        fn pairs_that_are_counted_one_by_one_agree(
            (a, b) in (0_usize..10, 0_usize..10).prop_flat_map(|(n, m)| (ranking(n), ranking(m))),
        ) {
            prop_assert_eq!(kendall_tau_b(&a, &b), slow(&a, &b));
        }
    }
}
