//! What `ragstone rank` found, as one value that every output is drawn from.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::rank::{Asked, Comparison, Evaluation, QuerySet, Ties};

/// Version of the JSON.
const FORMAT: u32 = 1;

/// Runs measured by judgments, and beside the first one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankReport {
    /// Version of this form.
    pub format: u32,
    /// The file of judgments.
    pub qrels: String,
    /// The least grade that counted as relevant.
    pub level: i32,
    /// Whether documents that nobody judged were left out.
    pub judged_only: bool,
    /// One a run, in the order given.
    pub runs: Vec<RunReport>,
    /// One a run but the first.
    pub comparisons: Vec<Comparison>,
}

/// A run measured by judgments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    /// Its place in the command, from 1.
    pub run: usize,
    /// Its file.
    pub path: String,
    /// What it calls itself.
    pub tag: String,
    /// Queries that were judged and have results.
    pub n_queries: usize,
    /// Queries that were judged.
    pub n_judged: usize,
    /// Judged queries without results: 0 in `complete`, left out of `intersection`.
    pub without_results: Vec<String>,
    /// Queries of the run that nobody judged: they count nowhere.
    pub without_judgments: Vec<String>,
    /// Equal scores.
    pub ties: Ties,
    /// One a measure.
    pub measures: Vec<MeasureReport>,
    /// The values of each query by the measure's name, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queries: Option<Vec<QueryReport>>,
}

/// A measure over queries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasureReport {
    /// Its name.
    pub measure: String,
    /// Over the queries that were judged and have results; none if there are none.
    pub intersection: Option<f64>,
    /// Over all that were judged.
    pub complete: Option<f64>,
}

/// The values of a query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueryReport {
    /// The query.
    pub query: String,
    /// Whether the run has results for it.
    pub has_results: bool,
    /// Its equal scores.
    pub ties: Ties,
    /// One a measure.
    pub values: BTreeMap<String, f64>,
}

impl RankReport {
    /// Of runs that were measured alike.
    pub fn new(
        (qrels, level, judged_only): (String, i32, bool),
        runs: Vec<RunReport>,
        comparisons: Vec<Comparison>,
    ) -> Self {
        Self {
            format: FORMAT,
            qrels,
            level,
            judged_only,
            runs,
            comparisons,
        }
    }
}

impl RunReport {
    /// Of one run; `queries` says whether those are shown.
    pub fn new((run, path): (usize, String), evaluation: &Evaluation, queries: bool) -> Self {
        let without = evaluation.queries.iter().filter(|query| !query.has_results);
        let over = |index, set| evaluation.over(index, set);
        let measures = evaluation.measures.iter().enumerate();
        Self {
            run,
            path,
            tag: evaluation.tag.clone(),
            n_queries: evaluation.n_queries(QuerySet::Intersection),
            n_judged: evaluation.n_queries(QuerySet::Complete),
            without_results: without.map(|query| query.query.clone()).collect(),
            without_judgments: evaluation.without_judgments.clone(),
            ties: evaluation.ties(),
            measures: measures
                .map(|(index, measure)| MeasureReport {
                    measure: measure.to_string(),
                    intersection: over(index, QuerySet::Intersection),
                    complete: over(index, QuerySet::Complete),
                })
                .collect(),
            queries: queries.then(|| of_queries(evaluation)),
        }
    }
}

fn of_queries(evaluation: &Evaluation) -> Vec<QueryReport> {
    let names: Vec<String> = evaluation
        .measures
        .iter()
        .map(ToString::to_string)
        .collect();
    let report = |query: &crate::rank::QueryValues| QueryReport {
        query: query.query.clone(),
        has_results: query.has_results,
        ties: query.ties,
        values: names
            .iter()
            .cloned()
            .zip(query.values.iter().copied())
            .collect(),
    };
    evaluation.queries.iter().map(report).collect()
}

impl Asked {
    /// What several runs are compared by if nothing is said: one measure of each kind, and how much of what they
    /// found was judged, since a run that finds much that nobody judged looks worse than it is.
    pub fn to_compare() -> Self {
        let names = [
            "map",
            "ndcg_cut_10",
            "mrr_10",
            "recall_100",
            "bpref",
            "judged_10",
        ];
        Self::parse(&names.map(str::to_owned)).expect("measures of our own")
    }
}
