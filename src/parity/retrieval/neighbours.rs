//! Lists of neighbours beside each other, with ties.

use std::collections::BTreeSet;

use crate::parity::retrieval::Ranked;

/// Scores closer than this to the last of a list tie with it, relative to the larger of the first and
/// the last in absolute value. Stores sum in f32, whose rounding moves a score by about 1e-7 of the
/// largest there is.
const TIE: f64 = 1e-6;

/// The score from which on a row ties with the last of a list, or is nearer.
fn reach(ranking: &[Ranked]) -> f64 {
    match (ranking.first(), ranking.last()) {
        (Some(best), Some(last)) => last.score - TIE * best.score.abs().max(last.score.abs()),
        _ => f64::INFINITY,
    }
}

/// Whether a score ties with the last of a list, in which larger is nearer, or falls behind it.
fn ties(list: &[Ranked], score: f64) -> bool {
    list.last()
        .is_some_and(|last| score <= 2.0 * last.score - reach(list))
}

/// Whether a score ties with the last of a list, neither nearer nor farther.
pub fn ties_with_last(list: &[Ranked], score: f64) -> bool {
    ties(list, score) && score >= reach(list)
}

/// Share of the exact neighbours that were found, in `[0, 1]`. `found` gives for each row that was found
/// its exact score, if the row is known. `None` without exact neighbours.
///
/// A row that ties with the last exact neighbour is as good as it, and a row that is found twice counts
/// once.
///
/// ```
/// use ragstone::parity::retrieval::{Ranked, recall};
/// let exact = [("a", 0.9), ("b", 0.8), ("c", 0.8)].map(|(id, score)| Ranked { id: id.into(), score });
/// let found = [("a", Some(0.9)), ("d", Some(0.8)), ("e", Some(0.1))];
/// assert_eq!(recall(&exact, found), Some(2.0 / 3.0)); // `d` ties with `c`.
/// ```
pub fn recall<'a>(
    exact: &[Ranked],
    found: impl IntoIterator<Item = (&'a str, Option<f64>)>,
) -> Option<f64> {
    if exact.is_empty() {
        return None;
    }
    let known: BTreeSet<&str> = exact.iter().map(|row| row.id.as_str()).collect();
    let reach = reach(exact);
    let good = found
        .into_iter()
        .filter(|(id, score)| known.contains(id) || score.is_some_and(|score| score >= reach));
    let good: BTreeSet<&str> = good.map(|(id, _)| id).collect();
    Some(good.len().min(exact.len()) as f64 / exact.len() as f64)
}

/// Share that two lists have in common of the longer one, in `[0, 1]`; 1 for two empty lists. Rows of one
/// that are not in the other stand for each other if all of them tie with the last of both lists.
pub fn overlap(one: &[Ranked], other: &[Ranked]) -> f64 {
    let ids =
        |list: &[Ranked]| -> BTreeSet<String> { list.iter().map(|row| row.id.clone()).collect() };
    let (ours, theirs) = (ids(one), ids(other));
    let longer = ours.len().max(theirs.len());
    if longer == 0 {
        return 1.0;
    }
    // Only lists that end alike can end in two rows that tie.
    let alike = one.last().is_some_and(|last| ties(other, last.score))
        && other.last().is_some_and(|last| ties(one, last.score));
    let tied = |list: &[Ranked], others: &BTreeSet<String>| {
        let alone = list.iter().filter(|row| !others.contains(&row.id));
        alone.filter(|row| alike && ties(list, row.score)).count()
    };
    let exchanged = tied(one, &theirs).min(tied(other, &ours));
    let shared = ours.intersection(&theirs).count() + exchanged;
    shared.min(longer) as f64 / longer as f64
}
