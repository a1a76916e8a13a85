//! Lists of neighbours beside each other, with ties.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::knn::Neighbor;
use crate::parity::recall_at;
use crate::units::Cutoff;

/// A row in a ranking, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ranked {
    /// Its id.
    pub id: String,
    /// Larger is nearer; finite.
    pub score: f64,
}

/// Scores closer than this to the last of a list tie with it, relative to the larger of the first
/// and the last in absolute value. Stores sum in f32, whose rounding moves a score by about 1e-7 of
/// the largest there is.
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

/// [`recall_at`] the length of the exact list, which should hold as many as were asked for or all
/// that there are. `found` gives for each row that was found its exact score, if the row is known,
/// so that a row that ties with the last exact neighbour is known to. `None` without exact
/// neighbours.
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
    let k = Cutoff::new(exact.len())?;
    let last = exact[exact.len() - 1].score;
    let neighbor = |id: &str, score| Neighbor {
        id: id.to_owned(),
        score,
    };
    let mut known: Vec<Neighbor> = exact
        .iter()
        .map(|row| neighbor(&row.id, row.score))
        .collect();
    let mut returned = Vec::new();
    for (id, score) in found {
        returned.push(id);
        // Rounding of what was summed in another order does not make it nearer.
        known.extend(score.map(|score| neighbor(id, score.min(last))));
    }
    // An id that stands there twice keeps its first place, which is that of the exact list.
    known[exact.len()..].sort_by(|a, b| b.score.total_cmp(&a.score));
    recall_at(k, returned, &known)
}

/// Share that two lists have in common of the longer one, in `[0, 1]`; 1 for two empty lists. Rows
/// of one that are not in the other stand for each other if all of them tie with the last of both
/// lists.
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
