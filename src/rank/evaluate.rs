//! The values of one run: each measure of each judged query.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::rank::hits::{Places, RankedHits, ScoreMode, Ties};
use crate::ranking::{Judged, JudgedList, Measure, RelevanceLevel};
use crate::trec::{Qrels, QueryJudgments, QueryResults, Run, TrecError};

/// How a run is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvaluateOptions {
    /// The least grade that counts as relevant.
    pub level: RelevanceLevel,
    /// What a retrieved document counts as that nobody judged.
    pub unjudged: UnjudgedAs,
    /// How many documents of a query are looked at.
    pub most_documents: usize,
    /// How scores are compared.
    pub scores: ScoreMode,
    /// Number of documents of the collection, for `utility` only.
    pub n_collection: usize,
    /// How many grades of the first documents are kept as text.
    pub grades_shown: Option<usize>,
}

impl Default for EvaluateOptions {
    fn default() -> Self {
        Self {
            level: RelevanceLevel::default(),
            unjudged: UnjudgedAs::NotRelevant,
            most_documents: usize::MAX,
            scores: ScoreMode::F64,
            n_collection: 0,
            grades_shown: None,
        }
    }
}

/// What a retrieved document counts as that nobody judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnjudgedAs {
    /// Not relevant, as a reader would have to look at it.
    #[default]
    NotRelevant,
    /// Nothing: it is taken out of the list, and what follows moves up.
    LeftOut,
}

/// The values of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// What the run calls itself.
    pub tag: String,
    /// The measures, in the order of the values.
    pub measures: Vec<Measure>,
    /// The queries that were judged and have results, by name as bytes.
    pub queries: Vec<QueryValues>,
    /// Judged queries that the run has no results for.
    pub without_results: Vec<String>,
    /// Queries of the run that nobody judged: they count nowhere.
    pub without_judgments: Vec<String>,
    /// The ties of all these queries.
    pub ties: Ties,
}

/// The values of one query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryValues {
    /// The query.
    pub query: String,
    /// One value a measure.
    pub values: Vec<f64>,
    /// The grades of its first documents, one character each, if they were asked for.
    pub grades: Option<String>,
    /// Its equal scores.
    pub ties: Ties,
}

/// Over which queries a mean goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuerySet {
    /// Those that were judged and have results.
    Intersection,
    /// All that were judged; one without results counts as 0.
    Complete,
}

impl Evaluation {
    /// Number of queries of a set.
    pub fn n_queries(&self, set: QuerySet) -> usize {
        match set {
            QuerySet::Intersection => self.queries.len(),
            QuerySet::Complete => self.queries.len() + self.without_results.len(),
        }
    }

    /// A measure over the queries of a set, by its place; `None` of no queries.
    pub fn over(&self, measure: usize, set: QuerySet) -> Option<f64> {
        let values: Vec<f64> = self
            .queries
            .iter()
            .map(|query| query.values[measure])
            .collect();
        self.measures[measure].over(&values, self.n_queries(set))
    }
}

/// Measures a run, query by query, in parallel.
///
/// Time `O(n log n)` in the documents of a query, `O(n)` where they are in order already.
///
/// # Errors
/// If a document stands twice for a query.
pub fn evaluate(
    qrels: &Qrels,
    run: &Run,
    measures: &[Measure],
    options: EvaluateOptions,
) -> Result<Evaluation, TrecError> {
    let results: Vec<QueryResults<'_>> = run.queries().collect();
    let of_query = |places: &mut Places, results: &QueryResults<'_>| {
        let judgments = qrels.query(results.name());
        let hits = RankedHits::new(*results, options.scores);
        let judged = hits.judged(*results, judgments, places)?;
        let Some(judgments) = judgments else {
            return Ok(None);
        };
        let depth = options.most_documents;
        let ties = hits.ties(&judged, depth);
        let values = values(&judged, judgments, measures, options);
        let grades = options.grades_shown.map(|n| grades(&values.1, n));
        Ok(Some(QueryValues {
            query: results.name().to_owned(),
            values: values.0,
            grades,
            ties,
        }))
    };
    let found: Vec<Result<Option<QueryValues>, TrecError>> = results
        .par_iter()
        .map_init(Places::default, of_query)
        .collect();
    let mut queries = Vec::with_capacity(found.len());
    let mut without_judgments = Vec::new();
    for (results, found) in results.iter().zip(found) {
        match found? {
            Some(values) => queries.push(values),
            None => without_judgments.push(results.name().to_owned()),
        }
    }
    let seen: HashSet<&str> = queries.iter().map(|query| query.query.as_str()).collect();
    let judged = qrels.queries().map(|judged| judged.name());
    let without_results = judged
        .filter(|name| !seen.contains(name))
        .map(str::to_owned)
        .collect();
    Ok(Evaluation {
        tag: run.tag().to_owned(),
        measures: measures.to_vec(),
        ties: queries.iter().map(|query| query.ties).sum(),
        queries,
        without_results,
        without_judgments,
    })
}

/// The values of a query, and the list they are of.
fn values(
    judged: &[Judged],
    judgments: QueryJudgments<'_>,
    measures: &[Measure],
    options: EvaluateOptions,
) -> (Vec<f64>, Vec<Judged>) {
    let seen = judged.iter().copied().take(options.most_documents);
    let seen: Vec<Judged> = match options.unjudged {
        UnjudgedAs::NotRelevant => seen.collect(),
        UnjudgedAs::LeftOut => seen.filter(|one| one.grade().is_some()).collect(),
    };
    let given = judgments.grades().map(|(_, grade)| grade);
    let list = JudgedList::new(seen.clone(), given, options.level);
    let value = |measure: &Measure| measure.of_collection(&list, options.n_collection);
    (measures.iter().map(value).collect(), seen)
}

/// The grades of the first `n` documents, one character each: `>` above 9, `-` for one that was not pooled, `.`
/// for one that was pooled and not judged.
fn grades(judged: &[Judged], n: usize) -> String {
    let shown = |judged: &Judged| match judged {
        Judged::Grade(grade) => u32::try_from(*grade)
            .ok()
            .and_then(|grade| char::from_digit(grade, 10))
            .unwrap_or('>'),
        Judged::Unpooled => '-',
        Judged::Unjudged => '.',
    };
    judged.iter().take(n).map(shown).collect()
}
