//! Runs put beside each other, query by query.

mod likeness;
mod significance;

use serde::Serialize;

pub use likeness::{Likeness, Spread};
pub use significance::{Adjusted, Equivalent, Significance};

use crate::rank::{Evaluation, QuerySet, QueryValues};
use crate::ranking::{Measure, Over};
use crate::stats::{Margin, Resamples};
use crate::units::Confidence;

/// Differences of a query below this are a tie: rounding, not a change.
const TIE: f64 = 1e-9;

/// How runs are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompareOptions {
    /// The queries that are compared.
    pub set: QuerySet,
    /// How surely an interval holds the mean difference, both ends together.
    pub confidence: Confidence,
    /// How often signs and queries are drawn anew.
    pub resamples: Resamples,
    /// Within which a mean difference counts as none.
    pub margin: Option<Margin>,
    /// How many of the queries that lost most are named.
    pub n_worst: usize,
}

/// A run beside the first one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The place of the run in the command, from 2.
    pub run: usize,
    /// Queries that are compared.
    pub n_queries: usize,
    /// Judged queries that are not, since one of the two has no results for them.
    pub left_out: Vec<String>,
    /// One a measure.
    pub measures: Vec<MeasureComparison>,
    /// How alike the two rankings are.
    pub likeness: Likeness,
}

/// A measure of two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasureComparison {
    /// Its name.
    pub measure: String,
    /// Its mean over the first run.
    pub first: f64,
    /// Its mean over the other.
    pub other: f64,
    /// The mean of other − first.
    pub difference: f64,
    /// Standard deviation of the differences; none of a single query.
    pub standard_deviation: Option<f64>,
    /// Queries where the other is higher.
    pub wins: usize,
    /// Queries where both are equal, but for rounding.
    pub ties: usize,
    /// Queries where the other is lower.
    pub losses: usize,
    /// Whether that may be chance; none of a single query.
    pub significance: Option<Significance>,
    /// The queries that lost most, worst first.
    pub worst: Vec<QueryDifference>,
}

/// A query of two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueryDifference {
    /// The query.
    pub query: String,
    /// The value of the first run.
    pub first: f64,
    /// The value of the other.
    pub other: f64,
    /// other − first.
    pub difference: f64,
}

/// The differences of one measure, query by query.
struct Paired<'a> {
    measure: &'a Measure,
    queries: Vec<QueryDifference>,
}

/// Puts runs beside the first one. Measures that have no mean over queries are left out.
///
/// All evaluations are of the same judgments and the same measures, so that their queries stand in the same
/// order. Adjusted p-values hold for all measures of all runs together.
///
/// # Panics
/// If there is no evaluation, or one is of other queries or measures.
pub fn compare(
    evaluations: &[Evaluation],
    likeness: Vec<Likeness>,
    options: CompareOptions,
) -> Vec<Comparison> {
    let (first, others) = evaluations.split_first().expect("at least one run");
    assert_eq!(others.len(), likeness.len(), "each run beside the first");
    let mut comparisons: Vec<Comparison> = (2..)
        .zip(others.iter().zip(likeness))
        .map(|(run, (other, likeness))| beside(first, other, run, likeness, options))
        .collect();
    let tests = comparisons
        .iter_mut()
        .flat_map(|comparison| &mut comparison.measures)
        .filter_map(|measure| measure.significance.as_mut());
    significance::adjust(tests.collect());
    comparisons
}

fn beside(
    first: &Evaluation,
    other: &Evaluation,
    run: usize,
    likeness: Likeness,
    options: CompareOptions,
) -> Comparison {
    assert_eq!(first.measures, other.measures, "the same measures");
    let pairs: Vec<(&QueryValues, &QueryValues)> =
        first.queries.iter().zip(&other.queries).collect();
    let (compared, left_out): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(ours, theirs)| {
        assert_eq!(ours.query, theirs.query, "the same judgments");
        options.set == QuerySet::Complete || (ours.has_results && theirs.has_results)
    });
    let measures = first.measures.iter().enumerate();
    let measures = measures
        .filter(|(_, measure)| measure.family().over() == Over::Mean)
        .filter(|_| !compared.is_empty())
        .map(|(index, measure)| Paired::new(measure, index, &compared).compared(options))
        .collect();
    Comparison {
        run,
        n_queries: compared.len(),
        left_out: left_out
            .iter()
            .map(|(ours, _)| ours.query.clone())
            .collect(),
        measures,
        likeness,
    }
}

impl<'a> Paired<'a> {
    fn new(measure: &'a Measure, index: usize, pairs: &[(&QueryValues, &QueryValues)]) -> Self {
        let difference = |(ours, theirs): &(&QueryValues, &QueryValues)| {
            let (first, other) = (ours.values[index], theirs.values[index]);
            QueryDifference {
                query: ours.query.clone(),
                first,
                other,
                difference: other - first,
            }
        };
        Self {
            measure,
            queries: pairs.iter().map(difference).collect(),
        }
    }

    fn compared(self, options: CompareOptions) -> MeasureComparison {
        let values = |value: fn(&QueryDifference) -> f64| -> Vec<f64> {
            self.queries.iter().map(value).collect()
        };
        let differences = values(|query| query.difference);
        let mean = |values: &[f64]| self.measure.over(values).expect("at least one query");
        let count = |is: fn(f64) -> bool| differences.iter().filter(|d| is(**d)).count();
        let mut worst: Vec<&QueryDifference> = self.queries.iter().collect();
        // A stable sort: equal losses stay in the order of their names.
        worst.sort_by(|a, b| a.difference.total_cmp(&b.difference));
        let worst = worst
            .into_iter()
            .filter(|query| query.difference < -TIE)
            .take(options.n_worst)
            .cloned()
            .collect();
        MeasureComparison {
            measure: self.measure.to_string(),
            first: mean(&values(|query| query.first)),
            other: mean(&values(|query| query.other)),
            difference: mean(&differences),
            standard_deviation: crate::stats::standard_deviation(&differences),
            wins: count(|difference| difference > TIE),
            ties: count(|difference| difference.abs() <= TIE),
            losses: count(|difference| difference < -TIE),
            significance: significance::of(&differences, options),
            worst,
        }
    }
}
