//! How alike the rankings of two runs are, query by query.

use rayon::prelude::*;
use serde::Serialize;

use crate::rank::hits::{RankedHits, ScoreMode};
use crate::ranking::{Ranking, jaccard, kendall_tau_b, overlap_at, rbo_ext, spearman_rho};
use crate::stats::mean;
use crate::trec::{QueryResults, Run};
use crate::units::Cutoff;

/// Persistence of rank-biased overlap between runs: 0.9 looks at about ten ranks, as the measures do.
const PERSISTENCE: f64 = 0.9;
/// Ranks of the overlap.
const DEPTH: usize = 10;

/// How alike two runs are over the queries that both have results for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Likeness {
    /// Queries that both have results for.
    pub n_queries: usize,
    /// Rank-biased overlap, extrapolated, ties by variant *a*.
    pub rbo_ext: Spread,
    /// Its persistence.
    pub p: f64,
    /// The share of the first ten that both have.
    pub overlap_at_10: Spread,
    /// The share of all documents of either that both have.
    pub jaccard: Spread,
    /// Kendall's τ-b on the documents that both have.
    pub kendall_tau_b: Spread,
    /// Spearman's ρ on the same.
    pub spearman_rho: Spread,
}

/// The values of queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Queries that have one.
    pub n: usize,
    /// Their mean.
    pub mean: Option<f64>,
    /// The lowest.
    pub lowest: Option<f64>,
}

impl Spread {
    fn of(values: impl Iterator<Item = Option<f64>>) -> Self {
        let values: Vec<f64> = values.flatten().collect();
        Self {
            n: values.len(),
            mean: mean(&values),
            lowest: values.iter().copied().reduce(f64::min),
        }
    }
}

/// What one query says.
struct OfQuery {
    rbo: f64,
    overlap: Option<f64>,
    jaccard: Option<f64>,
    tau: Option<f64>,
    rho: Option<f64>,
}

impl Likeness {
    /// Puts two runs beside each other, in parallel.
    pub fn of(first: &Run, other: &Run, scores: ScoreMode) -> Self {
        let both: Vec<(QueryResults<'_>, QueryResults<'_>)> = first
            .queries()
            .filter_map(|ours| Some((ours, other.query(ours.name())?)))
            .collect();
        let found: Vec<OfQuery> = both
            .par_iter()
            .map(|(ours, theirs)| OfQuery::of(*ours, *theirs, scores))
            .collect();
        let spread = |value: fn(&OfQuery) -> Option<f64>| Spread::of(found.iter().map(value));
        Self {
            n_queries: found.len(),
            rbo_ext: spread(|one| Some(one.rbo)),
            p: PERSISTENCE,
            overlap_at_10: spread(|one| one.overlap),
            jaccard: spread(|one| one.jaccard),
            kendall_tau_b: spread(|one| one.tau),
            spearman_rho: spread(|one| one.rho),
        }
    }
}

impl OfQuery {
    fn of(ours: QueryResults<'_>, theirs: QueryResults<'_>, scores: ScoreMode) -> Self {
        let ranking =
            |results| Ranking::from_equal_scores(RankedHits::new(results, scores).scored());
        let (ours, theirs) = (ranking(ours), ranking(theirs));
        let depth = Cutoff::new(DEPTH).expect("not 0");
        Self {
            rbo: rbo_ext(&ours, &theirs, PERSISTENCE),
            overlap: overlap_at(&ours, &theirs, depth),
            jaccard: jaccard(&ours, &theirs),
            tau: kendall_tau_b(&ours, &theirs).value,
            rho: spearman_rho(&ours, &theirs).value,
        }
    }
}
