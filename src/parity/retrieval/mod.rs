//! What the retrieval of a live side came to, and two such readings beside each other.
//!
//! A side is asked with the vectors of some of its own rows: as they are, once more, and at twice
//! their length; and once more under the filter that production asks under. What it finds is set
//! beside the exact neighbours among the vectors of its export, so that what the data explain and
//! what only the graph explains are told apart.

mod compare;
mod neighbours;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::parity::metric_inference::{Agreement, Inference};
use crate::parity::{SearchQuality, SelfRetrieval, ShareAt};
use crate::units::Cutoff;
use crate::vector::Metric;

pub use compare::{
    Aspect, MAY_DROP, RetrievalComparison, RetrievalFinding, RetrievalOutcome, compare_retrieval,
};
pub use neighbours::{Ranked, overlap, recall, ties_with_last};

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
    /// Share of the exact neighbours that were found, in `[0, 1]`; rows that tie with the last of
    /// them count as they do. None where there are none, or the side failed.
    pub recall: Option<f64>,
    /// Share of the rows that were found again when the same was asked once more, in `[0, 1]`. None
    /// if one of the two failed.
    pub repeated: Option<f64>,
    /// Whether the row should be among what is found: it is among its exact neighbours, or where
    /// none were sought, it passes the filter.
    pub should_find_itself: bool,
    /// Whether it is, or ties with the last of them.
    pub finds_itself: bool,
    /// Why the side did not answer, if it did not.
    pub failure: Option<String>,
}

/// All queries of a sample, asked under one condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionReading {
    /// What the rows that may be found must equal; empty if all may be.
    pub filter: BTreeMap<String, Value>,
    /// Rows of the export that were compared exactly with every query.
    pub n_rows: u64,
    /// Queries that the side did not answer.
    pub n_failed: u64,
    /// Rows found that the export does not have.
    pub n_strangers: u64,
    /// What the queries come to: recall against the exact neighbours; rows that are found by their
    /// own vector, of those that exact search finds so; and what is found again when the same is
    /// asked once more.
    pub quality: SearchQuality,
    /// Query by query, by the digest of the row's id.
    pub queries: Vec<QueryReading>,
}

impl ConditionReading {
    /// The reading of these queries, each for `k` hits. `is_known` says whether the export has a
    /// row.
    pub fn new(
        filter: BTreeMap<String, Value>,
        n_rows: u64,
        k: Cutoff,
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
            quality: SearchQuality {
                recall: ShareAt::of(k, answered().map(|query| query.recall)),
                self_retrieval: SelfRetrieval::of(expected.map(|query| query.finds_itself)),
                self_overlap: ShareAt::of(k, queries.iter().map(|query| query.repeated)),
            },
            queries,
        }
    }

    /// How much the side differs from itself: 1 − the share that was found again, in `[0, 1]`; 0
    /// where nothing was repeated.
    pub fn noise(&self) -> f64 {
        let again = self.quality.self_overlap;
        again.map_or(0.0, |again| 1.0 - again.mean)
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
    /// The metric of the exact search: the stated one, or else the inferred one. None where neither
    /// is known, or hits are not ranked by distance.
    pub exact_metric: Option<Metric>,
    /// Recall against the exact neighbours by the inferred metric, where that is another one.
    pub recall_by_inferred: Option<ShareAt>,
    /// Why the side refused queries at twice their length, if it did.
    pub scaled_refused: Option<String>,
    /// Asked without a filter.
    pub plain: ConditionReading,
    /// Asked under the filter of production, if there is one.
    pub filtered: Option<ConditionReading>,
}

#[cfg(test)]
mod tests;
