//! Spearman's ρ.

use super::Correlation;
use super::aligned::Aligned;
use super::ranking::Ranking;

/// Spearman's ρ over the items that both rankings hold: Pearson's correlation of their ranks among those
/// items, those of a tie sharing the mean of their ranks.
///
/// ```
/// use ragstone::ranking::{Ranking, spearman_rho};
/// let a = Ranking::from_scores([("a", 4.0), ("b", 3.0), ("c", 2.0), ("d", 1.0)]);
/// let b = Ranking::from_scores([("b", 4.0), ("a", 3.0), ("c", 2.0), ("d", 1.0)]);
/// let rho = spearman_rho(&a, &b);
/// assert_eq!((rho.value, rho.n), (Some(0.8), 4)); // 1 − 6·2 / (4·15).
/// ```
///
/// Time `O(n)`. Source: Spearman (1904), *The proof and measurement of association between two things*.
pub fn spearman_rho<T: Ord>(a: &Ranking<T>, b: &Ranking<T>) -> Correlation {
    let common = Aligned::of(a, b).common;
    let n = common.len();
    let ranks =
        |side: usize, n_groups| from_the_middle(common.iter().map(|groups| groups[side]), n_groups);
    let (first, second) = (ranks(0, a.n_groups()), ranks(1, b.n_groups()));
    let (mut cross, mut in_first, mut in_second) = (0, 0, 0);
    for groups in &common {
        let [one, other] = [first[groups[0]], second[groups[1]]];
        cross += one * other;
        in_first += one * one;
        in_second += other * other;
    }
    let value = (in_first > 0 && in_second > 0)
        .then(|| cross as f64 / (in_first as f64 * in_second as f64).sqrt());
    Correlation { value, n }
}

/// Twice the distance of each group's mean rank from the middle one: a whole number.
fn from_the_middle(members: impl Iterator<Item = usize>, n_groups: usize) -> Vec<i128> {
    let mut counts = vec![0_i128; n_groups];
    let mut n = 0;
    for group in members {
        counts[group] += 1;
        n += 1;
    }
    let mut before = 0;
    let mut doubled = |count: i128| {
        let rank = 2 * before + count + 1;
        before += count;
        rank - (n + 1)
    };
    counts.into_iter().map(&mut doubled).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{correlates, has_no_order, places, ranking};
    use super::*;

    /// Pearson's correlation of ranks that are found by counting.
    fn slow(a: &Ranking<u8>, b: &Ranking<u8>) -> Option<f64> {
        let (ours, theirs) = (places(a), places(b));
        let common: Vec<[usize; 2]> = ours
            .iter()
            .filter_map(|(item, (ours, _))| Some([*ours, theirs.get(item)?.0]))
            .collect();
        let ranks = |side: usize| -> Vec<f64> {
            let of = |one: &[usize; 2]| {
                let before = common
                    .iter()
                    .filter(|other| other[side] < one[side])
                    .count();
                let with = common
                    .iter()
                    .filter(|other| other[side] == one[side])
                    .count();
                before as f64 + f64::midpoint(with as f64, 1.0)
            };
            common.iter().map(of).collect()
        };
        let (x, y) = (ranks(0), ranks(1));
        let mean = f64::midpoint(common.len() as f64, 1.0);
        let product = |x: &[f64], y: &[f64]| -> f64 {
            x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum()
        };
        let scale = (product(&x, &x) * product(&y, &y)).sqrt();
        (scale > 0.0).then(|| product(&x, &y) / scale)
    }

    #[track_caller]
    fn check(a: &[f64], b: &[f64], expected: Option<f64>) {
        correlates(spearman_rho, a, b, expected);
    }

    // Source: SciPy 1.17.1, scipy.stats.spearmanr of the same two lists.
    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        check(
            &[1.0, 2.0, 2.0, 4.0, 5.0],
            &[2.0, 1.0, 3.0, 3.0, 5.0],
            Some(0.763_157_894_736_842_1),
        );
        check(
            &[1.0, 1.0, 1.0, 4.0, 5.0, 6.0, 6.0, 8.0],
            &[8.0, 2.0, 2.0, 1.0, 5.0, 5.0, 7.0, 3.0],
            Some(0.217_429_054_268_311_52),
        );
    }

    #[test]
    fn one_tie_leaves_no_order() {
        has_no_order(spearman_rho);
    }

    proptest! {
        #[test]
        fn ranks_that_are_found_by_counting_agree(
            (a, b) in (0_usize..10, 0_usize..10).prop_flat_map(|(n, m)| (ranking(n), ranking(m))),
        ) {
            match (spearman_rho(&a, &b).value, slow(&a, &b)) {
                (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-12),
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }
}
