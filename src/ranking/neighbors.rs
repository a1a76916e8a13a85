//! What an approximate search finds of the exact nearest neighbours.

use std::collections::BTreeSet;

use crate::units::Cutoff;

/// Scores as near to each other as this, in proportion to the larger of them and 1, are a tie: f32 and
/// another order of summation move a score of unit vectors by a tenth of it.
pub const NEIGHBOR_TIE: f64 = 1e-6;

/// Which rows count as the k nearest where the k-th ties with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearest {
    /// The first k of the exact list and no others, whichever of a tie these are.
    Listed,
    /// Every row that is as near as the k-th.
    Tied,
}

/// Share of the k nearest rows that an approximate search returned, in [0, 1]; `None` if there is no
/// row.
///
/// `exact` is what a scan of all rows found, nearest first, with scores of which the larger is nearer.
/// For [`Nearest::Tied`] ask for more than k exact neighbours, so that those beyond the k-th that tie with
/// it are known. An id of several rows is one answer, on either side. What is returned after the k-th
/// place does not count at all, and if there are fewer than k rows, the share is of those.
///
/// ```
/// use ragstone::ranking::{Nearest, ann_recall_at};
/// use ragstone::units::Cutoff;
///
/// let exact = [("a", 0.9), ("b", 0.8), ("c", 0.8), ("d", 0.1)];
/// let k = Cutoff::new(2).expect("not 0");
/// let recall = |found, nearest| ann_recall_at(k, found, exact, nearest);
/// assert_eq!(recall(["a", "c"], Nearest::Tied), Some(1.0)); // `c` ties with `b`.
/// assert_eq!(recall(["a", "c"], Nearest::Listed), Some(0.5));
/// assert_eq!(recall(["a", "a"], Nearest::Tied), Some(0.5));
/// assert_eq!(ann_recall_at(k, ["a"], [], Nearest::Tied), None);
/// ```
pub fn ann_recall_at<'a>(
    k: Cutoff,
    returned: impl IntoIterator<Item = &'a str>,
    exact: impl IntoIterator<Item = (&'a str, f64)>,
    nearest: Nearest,
) -> Option<f64> {
    let mut seen = BTreeSet::new();
    let exact: Vec<(&str, f64)> = exact
        .into_iter()
        .filter(|(id, _)| seen.insert(*id))
        .collect();
    let wanted = k.get().min(exact.len());
    let last = exact.get(wanted.checked_sub(1)?)?.1;
    let near = |index: usize, score: f64| match nearest {
        Nearest::Listed => index < wanted,
        Nearest::Tied => score >= last || ties(score, last),
    };
    let nearest: BTreeSet<&str> = exact
        .iter()
        .enumerate()
        .take_while(|(index, (_, score))| near(*index, *score))
        .map(|(_, (id, _))| *id)
        .collect();
    let returned: BTreeSet<&str> = returned.into_iter().take(k.get()).collect();
    let found = returned.intersection(&nearest).count();
    Some(found.min(wanted) as f64 / wanted as f64)
}

fn ties(a: f64, b: f64) -> bool {
    (a - b).abs() <= NEIGHBOR_TIE * a.abs().max(b.abs()).max(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn k(k: usize) -> Cutoff {
        Cutoff::new(k).expect("not 0")
    }

    #[track_caller]
    fn check(at: usize, returned: &[&str], exact: &[(&str, f64)], listed: f64, tied: f64) {
        for (nearest, expected) in [(Nearest::Listed, listed), (Nearest::Tied, tied)] {
            let (returned, exact) = (returned.iter().copied(), exact.iter().copied());
            let found = ann_recall_at(k(at), returned, exact, nearest);
            assert_eq!(found, Some(expected), "{nearest:?}");
        }
    }

    #[test]
    fn fewer_rows_than_ranks_can_all_be_found() {
        let exact = [("a", 0.9), ("b", 0.8)];
        check(10, &["b", "a"], &exact, 1.0, 1.0);
        check(10, &["b", "b", "b"], &exact, 0.5, 0.5);
    }

    #[test]
    fn what_comes_after_the_last_rank_does_not_count() {
        check(1, &["b", "a"], &[("a", 0.9), ("b", 0.8)], 0.0, 0.0);
    }

    #[test]
    fn rows_of_one_id_are_one_answer() {
        let exact = [("a", 0.9), ("a", 0.9), ("b", 0.8), ("c", 0.7)];
        check(2, &["a", "b"], &exact, 1.0, 1.0);
        check(2, &["a", "c"], &exact, 0.5, 0.5);
    }

    #[test]
    fn a_tie_is_as_close_as_rounding_and_no_closer() {
        let exact = [("a", 0.9), ("b", 0.8), ("c", 0.8 - 1e-7), ("d", 0.8 - 1e-5)];
        check(2, &["a", "c"], &exact, 0.5, 1.0);
        check(2, &["a", "d"], &exact, 0.5, 0.5);
    }

    /// Looks at every returned id, and asks how many rows are nearer than it.
    fn slow(at: usize, returned: &[u8], scores: &[u8], nearest: Nearest) -> f64 {
        let wanted = at.min(scores.len());
        let counts = |id: &u8| {
            let better = |other: usize| match nearest {
                Nearest::Listed => {
                    (scores[other], usize::from(*id)) > (scores[usize::from(*id)], other)
                }
                Nearest::Tied => scores[other] > scores[usize::from(*id)],
            };
            (0..scores.len()).filter(|&other| better(other)).count() < wanted
        };
        let mut returned = returned[..at.min(returned.len())].to_vec();
        returned.sort_unstable();
        returned.dedup();
        returned.iter().filter(|id| counts(id)).count().min(wanted) as f64 / wanted as f64
    }

    proptest! {
        #[test]
        fn counting_the_rows_that_are_nearer_agrees(
            (scores, returned) in prop::collection::vec(0..4_u8, 1..12).prop_flat_map(|scores| {
                let rows = u8::try_from(scores.len()).expect("few");
                (Just(scores), prop::collection::vec(0..rows, 0..12))
            }),
            at in 1..14_usize,
        ) {
            let names: Vec<String> = (0..scores.len()).map(|id| format!("{id:02}")).collect();
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by_key(|&id| (std::cmp::Reverse(scores[id]), id));
            let exact = || order.iter().map(|&id| (names[id].as_str(), f64::from(scores[id])));
            for nearest in [Nearest::Listed, Nearest::Tied] {
                let found = returned.iter().map(|&id| names[usize::from(id)].as_str());
                prop_assert_eq!(
                    ann_recall_at(k(at), found, exact(), nearest),
                    Some(slow(at, &returned, &scores, nearest))
                );
                let itself = exact().map(|(id, _)| id);
                prop_assert_eq!(ann_recall_at(k(at), itself, exact(), nearest), Some(1.0));
            }
        }
    }
}
