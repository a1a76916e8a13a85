//! The values of one run: each measure of each judged query.

use rayon::prelude::*;

use crate::rank::hits::{Places, RankedHits, ScoreMode, Ties};
use crate::ranking::{Judged, JudgedList, Measure, RelevanceLevel};
use crate::trec::{Qrels, QueryJudgments, Run, TrecError};

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
    /// All queries that were judged, by name as bytes.
    pub queries: Vec<QueryValues>,
    /// Queries of the run that nobody judged: they count nowhere.
    pub without_judgments: Vec<String>,
}

/// The values of one query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryValues {
    /// The query.
    pub query: String,
    /// Whether the run has results for it. If not, its values are those of an empty list.
    pub has_results: bool,
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
    /// All that were judged; one without results has the values of an empty list, which are 0.
    Complete,
}

impl Evaluation {
    /// The queries of a set, by name as bytes.
    pub fn queries_of(&self, set: QuerySet) -> impl Iterator<Item = &QueryValues> {
        let all = set == QuerySet::Complete;
        self.queries
            .iter()
            .filter(move |query| all || query.has_results)
    }

    /// Number of queries of a set.
    pub fn n_queries(&self, set: QuerySet) -> usize {
        self.queries_of(set).count()
    }

    /// A measure over the queries of a set, by its place; `None` of no queries.
    pub fn over(&self, measure: usize, set: QuerySet) -> Option<f64> {
        let values: Vec<f64> = self
            .queries_of(set)
            .map(|query| query.values[measure])
            .collect();
        self.measures[measure].over(&values)
    }

    /// The ties of all queries.
    pub fn ties(&self) -> Ties {
        self.queries.iter().map(|query| query.ties).sum()
    }
}

/// Measures a run, query by query, in parallel.
///
/// Time `O(n log n)` in the documents of a query, `O(n)` where they are in order already.
///
/// # Errors
/// If a document stands twice for a query that was judged.
pub fn evaluate(
    qrels: &Qrels,
    run: &Run,
    measures: &[Measure],
    options: EvaluateOptions,
) -> Result<Evaluation, TrecError> {
    let judged: Vec<QueryJudgments<'_>> = qrels.queries().collect();
    let found: Vec<Result<QueryValues, TrecError>> = judged
        .par_iter()
        .map_init(Places::default, |places, judgments| {
            of_query(*judgments, run, places, measures, options)
        })
        .collect();
    let names = run.queries().map(|results| results.name());
    let without_judgments = names
        .filter(|name| qrels.query(name).is_none())
        .map(str::to_owned)
        .collect();
    Ok(Evaluation {
        tag: run.tag().to_owned(),
        measures: measures.to_vec(),
        queries: found.into_iter().collect::<Result<_, _>>()?,
        without_judgments,
    })
}

/// The values of one query.
fn of_query(
    judgments: QueryJudgments<'_>,
    run: &Run,
    places: &mut Places,
    measures: &[Measure],
    options: EvaluateOptions,
) -> Result<QueryValues, TrecError> {
    let results = run.query(judgments.name());
    let (mut seen, ties) = match results {
        Some(results) => {
            let hits = RankedHits::new(results, options.scores);
            let judged = hits.judged(results, judgments, places)?;
            let ties = hits.ties(&judged, options.most_documents);
            (judged, ties)
        }
        None => (Vec::new(), Ties::default()),
    };
    seen.truncate(options.most_documents);
    if options.unjudged == UnjudgedAs::LeftOut {
        seen.retain(|judged| judged.grade().is_some());
    }
    let grades = options.grades_shown.map(|n| grades(&seen, n));
    let given = judgments.grades().map(|(_, grade)| grade);
    let list = JudgedList::new(seen, given, options.level);
    let value = |measure: &Measure| measure.of_collection(&list, options.n_collection);
    Ok(QueryValues {
        query: judgments.name().to_owned(),
        has_results: results.is_some(),
        values: measures.iter().map(value).collect(),
        grades,
        ties,
    })
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
