//! Measures that weigh a document by its grade.

use crate::ranking::JudgedList;
use crate::ranking::binary::{share, total};

/// What grades are worth.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Gains {
    /// A grade is worth itself.
    #[default]
    Linear,
    /// A grade `g` is worth `2^g − 1`.
    Exponential,
    /// Grades with a worth of their own; the others are worth themselves.
    Stated(Vec<(i32, f64)>),
}

impl Gains {
    /// What a grade is worth.
    pub fn of(&self, grade: i32) -> f64 {
        match self {
            Self::Linear => f64::from(grade),
            Self::Exponential => f64::from(grade).exp2() - 1.0,
            Self::Stated(stated) => {
                let own = stated.iter().find(|(stated, _)| *stated == grade);
                own.map_or(f64::from(grade), |(_, worth)| *worth)
            }
        }
    }

    /// What each retrieved document is worth, in rank order; one that nobody judged is worth nothing.
    fn retrieved(&self, list: &JudgedList) -> impl Iterator<Item = f64> {
        let worth = |grade: Option<i32>| grade.map_or(0.0, |grade| self.of(grade));
        list.retrieved()
            .iter()
            .map(move |judged| worth(judged.grade()))
    }

    /// What the judged documents are worth that are worth anything, highest first: the ideal ranking, as
    /// stretches of equal worth.
    fn ideal(&self, list: &JudgedList) -> Vec<(f64, usize)> {
        let worths = list.grades().iter().map(|(grade, n)| (self.of(*grade), *n));
        let mut worths: Vec<(f64, usize)> = worths.filter(|(worth, _)| *worth > 0.0).collect();
        worths.sort_by(|a, b| b.0.total_cmp(&a.0));
        worths
    }
}

/// The documents of an ideal ranking, one by one.
fn one_by_one(ideal: &[(f64, usize)]) -> impl Iterator<Item = f64> {
    ideal
        .iter()
        .flat_map(|(worth, n)| std::iter::repeat_n(*worth, *n))
}

/// The discount of a rank, counted from 0: log₂ of its rank plus 1.
fn discount(before: usize) -> f64 {
    ((before + 2) as f64).log2()
}

/// Gains of the first `depth` ranks, each ÷ log₂(rank + 1), summed.
fn discounted(gains: impl Iterator<Item = f64>, depth: usize) -> f64 {
    let ranked = gains.take(depth).enumerate();
    let gained = ranked.filter(|(_, gain)| *gain != 0.0);
    total(gained.map(|(before, gain)| gain / discount(before)))
}

/// Discounted cumulative gain of the first `depth` ranks ÷ that of the best order of all judged documents, cut at
/// the same depth.
///
/// Source: Järvelin and Kekäläinen (2002), with the discount log₂(rank + 1).
pub(super) fn ndcg(list: &JudgedList, gains: &Gains, depth: usize) -> f64 {
    let ideal = gains.ideal(list);
    let best = discounted(one_by_one(&ideal), depth);
    share(discounted(gains.retrieved(list), depth), best)
}

/// [`ndcg`] at the rank of each document that is worth anything, averaged; one that was not retrieved has the
/// gain of the whole list.
pub(super) fn ndcg_at_relevant(list: &JudgedList, gains: &Gains) -> f64 {
    let ideal = gains.ideal(list);
    let best: Vec<f64> = running(one_by_one(&ideal)).collect();
    let Some(all) = best.last() else {
        return 0.0;
    };
    let (mut found, mut sum, mut gained) = (0, 0.0, 0.0);
    for (before, gain) in gains.retrieved(list).enumerate() {
        if gain != 0.0 {
            gained += gain / discount(before);
        }
        if gain > 0.0 {
            sum += gained / best.get(before).unwrap_or(all);
            found += 1;
        }
    }
    sum += (best.len() as f64 - f64::from(found)) * gained / all;
    share(sum.max(0.0), best.len() as f64)
}

/// [`ndcg`] where the ideal ranking goes from one worth to the next, and at the end, averaged.
pub(super) fn ndcg_at_levels(list: &JudgedList, gains: &Gains) -> f64 {
    if list.n_relevant() == 0 {
        return 0.0;
    }
    let ideal = gains.ideal(list);
    let best: Vec<f64> = running(one_by_one(&ideal)).collect();
    let gained: Vec<f64> = running(gains.retrieved(list)).collect();
    let at = |values: &[f64], depth: usize| values[..depth.min(values.len())].last().copied();
    let mut points = Vec::new();
    let mut depth = 0;
    for (_, n) in &ideal {
        depth += n;
        points.push(depth);
    }
    // The end of the list is a point of its own where it lies beyond the document after the last that is worth
    // anything, which is how `trec_eval` walks.
    if list.n_retrieved() > depth + 1 {
        points.push(list.n_retrieved());
    }
    let values = points.iter().map(|depth| {
        let gained = at(&gained, *depth).unwrap_or(0.0);
        share(gained, at(&best, *depth).unwrap_or(0.0))
    });
    share(total(values), points.len() as f64)
}

/// Sums of discounted gains up to each rank.
fn running(gains: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    gains.enumerate().scan(0.0, |sum, (before, gain)| {
        if gain != 0.0 {
            *sum += gain / discount(before);
        }
        Some(*sum)
    })
}

/// Gain ÷ log₂(2 + what the ideal order had gained more by then), summed, ÷ all that can be gained. A document
/// of the ideal order costs at least 1.
pub(super) fn normalised_gain(list: &JudgedList, gains: &Gains) -> f64 {
    let ideal = gains.ideal(list);
    let mut costs = one_by_one(&ideal);
    let (mut gained, mut cost, mut sum) = (0.0, 0.0, 0.0);
    for gain in gains.retrieved(list) {
        gained += gain;
        cost += costs.next().unwrap_or(0.0).max(1.0);
        if gain != 0.0 {
            sum += gain / (2.0 + cost - gained).log2();
        }
    }
    share(sum, total(one_by_one(&ideal)))
}

/// Rank-biased precision: gains between 0 and 1, each × p^(rank − 1), × (1 − p). Grades above 1 are brought into
/// that range by the query's highest.
///
/// Source: Moffat and Zobel (2008), *Rank-biased precision for measurement of retrieval effectiveness*.
pub(super) fn rank_biased_precision(list: &JudgedList, persistence: f64) -> f64 {
    let highest = list.grades().first().map_or(1, |(grade, _)| *grade).max(1);
    let (mut weight, mut sum) = (1.0, 0.0);
    for judged in list.retrieved() {
        if let Some(grade) = judged.grade() {
            sum += f64::from(grade) / f64::from(highest) * weight;
        }
        weight *= persistence;
    }
    (1.0 - persistence) * sum
}

/// Expected reciprocal rank of a reader who is satisfied by a document of grade `g` with the chance
/// `(2^g − 1) ÷ 2^highest`; a grade above `highest` counts as it.
///
/// Source: Chapelle, Metlzer, Zhang and Grinspan (2009), *Expected reciprocal rank for graded relevance*.
pub(super) fn expected_reciprocal_rank(list: &JudgedList, highest: i32, depth: usize) -> f64 {
    let (mut going_on, mut sum) = (1.0, 0.0);
    for (before, judged) in list.retrieved().iter().take(depth).enumerate() {
        let grade = judged.grade().unwrap_or(0).min(highest);
        let satisfied = (f64::from(grade).exp2() - 1.0) / f64::from(highest).exp2();
        sum += going_on * satisfied / (before + 1) as f64;
        going_on *= 1.0 - satisfied;
    }
    sum
}
