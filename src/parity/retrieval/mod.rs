//! What the retrieval of a live side came to, and two such readings beside each other.
//!
//! A side is asked with the vectors of some of its own rows: as they are, once more, and at twice their
//! length; and once more under the filter that production asks under. What it finds is set beside the
//! exact neighbours among the vectors of its export, so that what the data explain and what only the
//! graph explains are told apart.

mod compare;
mod neighbours;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::parity::metric_inference::{Agreement, Inference};
use crate::vector::Metric;

pub use compare::{
    Aspect, MAY_DROP, RetrievalComparison, RetrievalFinding, RetrievalOutcome, compare_retrieval,
};
pub use neighbours::{overlap, recall, ties_with_last};

/// A row in a ranking, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ranked {
    /// Its id.
    pub id: String,
    /// Larger is nearer; finite.
    pub score: f64,
}

/// One row of the sample, asked for with its own vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryReading {
    /// The row.
    pub id: String,
    /// What the side found, at most `k` rows, best first; nothing if it failed.
    pub found: Vec<Ranked>,
    /// The exact neighbours, at most `k`, nearest first; nothing where none were sought.
    pub exact: Vec<Ranked>,
    /// Share of the exact neighbours that were found, in `[0, 1]`; rows that tie with the last of them
    /// count as they do. None where there are none, or the side failed.
    pub recall: Option<f64>,
    /// Share of the rows that were found again when the same was asked once more, in `[0, 1]`. None if one
    /// of the two failed.
    pub repeated: Option<f64>,
    /// Whether the row should be among what is found: it is among its exact neighbours, or where none
    /// were sought, it passes the filter.
    pub should_find_itself: bool,
    /// Whether it is, or ties with the last of them.
    pub finds_itself: bool,
    /// Why the side did not answer, if it did not.
    pub failure: Option<String>,
}

/// A mean over queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// In `[0, 1]`.
    pub mean: f64,
    /// Of the worst query, in `[0, 1]`.
    pub least: f64,
    /// Queries, at least 1.
    pub n: u64,
}

impl Share {
    /// Summed in the order given; `None` without a value.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (mut sum, mut least, mut n) = (0.0, f64::INFINITY, 0_u64);
        for value in values {
            sum += value;
            least = least.min(value);
            n += 1;
        }
        (n > 0).then(|| Self {
            mean: sum / n as f64,
            least,
            n,
        })
    }
}

/// All queries of a sample, asked in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchReading {
    /// What the rows that may be found must equal; empty if all may be.
    pub filter: BTreeMap<String, Value>,
    /// Rows of the export that were compared exactly with every query.
    pub n_rows: u64,
    /// Queries that the side did not answer.
    pub n_failed: u64,
    /// Rows found that the export does not have.
    pub n_strangers: u64,
    /// Share of the exact neighbours that were found.
    pub recall: Option<Share>,
    /// Share of the rows that were found again when the same was asked once more.
    pub repeated: Option<Share>,
    /// Share of the rows that are found by their own vector, of those that exact search finds so.
    pub self_retrieval: Option<Share>,
    /// Query by query, by the digest of the row's id.
    pub queries: Vec<QueryReading>,
}

impl SearchReading {
    /// The reading of these queries. `is_known` says whether the export has a row.
    pub fn new(
        filter: BTreeMap<String, Value>,
        n_rows: u64,
        queries: Vec<QueryReading>,
        is_known: impl Fn(&str) -> bool,
    ) -> Self {
        let answered = || queries.iter().filter(|query| query.failure.is_none());
        let expected = answered().filter(|query| query.should_find_itself);
        let found = queries.iter().flat_map(|query| &query.found);
        Self {
            filter,
            n_rows,
            n_failed: (queries.len() - answered().count()) as u64,
            n_strangers: found.filter(|row| !is_known(&row.id)).count() as u64,
            recall: Share::of(answered().filter_map(|query| query.recall)),
            repeated: Share::of(queries.iter().filter_map(|query| query.repeated)),
            self_retrieval: Share::of(
                expected.map(|query| f64::from(u8::from(query.finds_itself))),
            ),
            queries,
        }
    }

    /// How much the side differs from itself: 1 − the share that was found again, in `[0, 1]`; 0 where
    /// nothing was repeated.
    pub fn noise(&self) -> f64 {
        self.repeated.map_or(0.0, |repeated| 1.0 - repeated.mean)
    }
}

/// What a live side's retrieval came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetrievalReading {
    /// Hits asked for.
    pub k: u64,
    /// Numbers in a vector.
    pub dim: u64,
    /// What the side's contract states for `METRIC`.
    pub stated_metric: Option<String>,
    /// Which metric its scores are made of.
    pub inference: Inference,
    /// The two beside each other.
    pub agreement: Agreement,
    /// The metric of the exact search: the stated one, or else the inferred one. None where neither is known,
    /// or hits are not ranked by distance.
    pub exact_metric: Option<Metric>,
    /// Recall against the exact neighbours by the inferred metric, where that is another one.
    pub recall_by_inferred: Option<Share>,
    /// Why the side refused queries at twice their length, if it did.
    pub scaled_refused: Option<String>,
    /// Asked without a filter.
    pub plain: SearchReading,
    /// Asked under the filter of production, if there is one.
    pub filtered: Option<SearchReading>,
}

#[cfg(test)]
mod tests;
