//! What an approximate search finds of what is nearest, what it finds of itself, and how much it
//! differs from itself.
//!
//! The exact lists come from `knn` over the exported vectors. If they are equal on two sides and these
//! numbers are not, the data is the same and the graphs differ; if the lists differ, the data does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::knn::Neighbor;
use crate::ranking::{Nearest, ann_recall_at};
use crate::units::Cutoff;

/// Share of the k nearest rows that a search returned, in [0, 1]; `None` if there is no row.
///
/// [`ann_recall_at`] with ties: ask for more than k exact neighbours, so that those beyond the k-th that
/// tie with it are known.
///
/// ```
/// use ragstone::knn::Neighbor;
/// use ragstone::parity::recall_at;
/// use ragstone::units::Cutoff;
///
/// let exact: Vec<Neighbor> = [("a", 0.9), ("b", 0.8), ("c", 0.8), ("d", 0.1)]
///     .map(|(id, score)| Neighbor { id: id.to_owned(), score })
///     .into();
/// let k = Cutoff::new(2).expect("not 0");
/// assert_eq!(recall_at(k, ["a", "c"], &exact), Some(1.0)); // `c` ties with `b`.
/// assert_eq!(recall_at(k, ["a", "d"], &exact), Some(0.5));
/// assert_eq!(recall_at(k, ["a"], &[]), None);
/// ```
pub fn recall_at<'a>(
    k: Cutoff,
    returned: impl IntoIterator<Item = &'a str>,
    exact: &'a [Neighbor],
) -> Option<f64> {
    let exact = exact.iter().map(|row| (row.id.as_str(), row.score));
    ann_recall_at(k, returned, exact, Nearest::Tied)
}

/// A share at a cut-off, over the queries of which it is defined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareAt {
    /// Ranks looked at.
    #[schemars(with = "std::num::NonZeroUsize")]
    pub k: Cutoff,
    /// Queries that count; at least 1.
    pub n: u64,
    /// Their mean, in [0, 1].
    pub mean: f64,
    /// The least of them.
    pub least: f64,
}

impl ShareAt {
    /// Of one share a query, in the order of the queries. A query whose share is undefined does not
    /// count; `None` if none does.
    ///
    /// ```
    /// use ragstone::parity::ShareAt;
    /// use ragstone::units::Cutoff;
    /// let k = Cutoff::new(10).expect("not 0");
    /// let recall = ShareAt::of(k, [Some(1.0), None, Some(0.5)]).expect("two count");
    /// assert_eq!((recall.n, recall.mean, recall.least), (2, 0.75, 0.5));
    /// assert_eq!(ShareAt::of(k, [None]), None);
    /// ```
    pub fn of(k: Cutoff, shares: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
        let shares: Vec<f64> = shares.into_iter().flatten().collect();
        let n = shares.len() as u64;
        (n > 0).then(|| Self {
            k,
            n,
            mean: shares.iter().sum::<f64>() / n as f64,
            least: shares.iter().copied().fold(f64::INFINITY, f64::min),
        })
    }
}

/// How many of some stored rows were found by their own vectors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelfRetrieval {
    /// Rows that were asked for; at least 1.
    pub n: u64,
    /// Those that came back first, or in a tie with the first.
    pub found: u64,
}

impl SelfRetrieval {
    /// Of whether each row was found; `None` if none was asked for.
    ///
    /// ```
    /// use ragstone::parity::SelfRetrieval;
    /// let found = SelfRetrieval::of([true, true, false, true]).expect("four rows");
    /// assert_eq!((found.n, found.found, found.rate()), (4, 3, 0.75));
    /// assert_eq!(SelfRetrieval::of([]), None);
    /// ```
    pub fn of(found: impl IntoIterator<Item = bool>) -> Option<Self> {
        let none = Self { n: 0, found: 0 };
        let counted = found.into_iter().fold(none, |so_far, found| Self {
            n: so_far.n + 1,
            found: so_far.found + u64::from(found),
        });
        (counted.n > 0).then_some(counted)
    }

    /// The share, in [0, 1].
    pub fn rate(&self) -> f64 {
        self.found as f64 / self.n as f64
    }
}

/// What a search came to under one condition; what was not measured is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchQuality {
    /// [`recall_at`], against the exact neighbours.
    #[serde(default)]
    pub recall: Option<ShareAt>,
    /// Rows that are found by their own vectors, of those that exact search finds.
    #[serde(default)]
    pub self_retrieval: Option<SelfRetrieval>,
    /// What two replies to the same query have in common: 1 is no noise.
    #[serde(default)]
    pub self_overlap: Option<ShareAt>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn k(k: usize) -> Cutoff {
        Cutoff::new(k).expect("not 0")
    }

    #[test]
    fn what_a_search_came_to_is_read_back_as_written() {
        let quality = SearchQuality {
            recall: ShareAt::of(k(10), [Some(0.9)]),
            self_retrieval: SelfRetrieval::of([true]),
            self_overlap: None,
        };
        let text = serde_json::to_string(&quality).expect("numbers");
        let read = serde_json::from_str::<SearchQuality>(&text).expect("own text");
        assert_eq!(read, quality);
        assert!(serde_json::from_str::<SearchQuality>(r#"{"precision":1}"#).is_err());
    }
}
