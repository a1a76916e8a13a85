//! Measures for which a document is relevant or is not.
//!
//! R is the number of relevant documents that there are, whether retrieved or not. Each value is 0 where R is,
//! and where nothing was retrieved, as `trec_eval` has it, so that no query leaves a mean.

use crate::ranking::{Judged, JudgedList};

/// What keeps the estimate of [`inferred_average_precision`] away from 0 ÷ 0: `trec_eval`'s.
const EPSILON: f64 = 0.00001;

/// `n ÷ of`, or 0 of nothing.
pub(super) fn share(n: f64, of: f64) -> f64 {
    if of > 0.0 { n / of } else { 0.0 }
}

/// The sum of values in their order; that of none is 0, where the standard library has −0.
pub(super) fn total(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}

/// Average precision of the first `depth` ranks: the precision at each relevant rank, summed, ÷ R.
pub(super) fn average_precision(list: &JudgedList, depth: usize) -> f64 {
    let within = list
        .relevant_ranks()
        .iter()
        .take_while(|rank| **rank <= depth);
    let precisions = (1..)
        .zip(within)
        .map(|(n, rank)| f64::from(n) / *rank as f64);
    share(total(precisions), list.n_relevant() as f64)
}

/// Relevant documents within the first `depth` ranks, ÷ `depth`.
pub(super) fn precision(list: &JudgedList, depth: usize) -> f64 {
    share(list.relevant_within(depth) as f64, depth as f64)
}

/// Relevant documents within the first `depth` ranks, ÷ R.
pub(super) fn recall(list: &JudgedList, depth: usize) -> f64 {
    share(list.relevant_within(depth) as f64, list.n_relevant() as f64)
}

/// Relevant documents within the first `depth` ranks, ÷ as many as could be.
pub(super) fn relative_precision(list: &JudgedList, depth: usize) -> f64 {
    let most = depth.min(list.n_relevant());
    share(list.relevant_within(depth) as f64, most as f64)
}

/// 1 ÷ the rank of the first relevant document, if that is within `depth`.
pub(super) fn reciprocal_rank(list: &JudgedList, depth: usize) -> f64 {
    let first = list.relevant_ranks().first().filter(|rank| **rank <= depth);
    first.map_or(0.0, |rank| 1.0 / *rank as f64)
}

/// 1 if any relevant document is within `depth`.
pub(super) fn success(list: &JudgedList, depth: usize) -> f64 {
    f64::from(u8::from(list.relevant_within(depth) > 0))
}

/// Binary preference: over the relevant documents retrieved, the share of judged documents that are not relevant
/// and do not stand before them.
///
/// Source: Buckley and Voorhees (2004), as `trec_eval` corrected it in version 8.
pub(super) fn bpref(list: &JudgedList) -> f64 {
    let n_relevant = list.n_relevant();
    let most = list.n_not_relevant().min(n_relevant) as f64;
    let mut before = 0;
    let mut sum = 0.0;
    for grade in list.retrieved().iter().filter_map(|judged| judged.grade()) {
        if grade < list.level().get() {
            before += 1;
        } else if before == 0 {
            sum += 1.0;
        } else {
            sum += 1.0 - before.min(n_relevant) as f64 / most;
        }
    }
    share(sum, n_relevant as f64)
}

/// Average precision inferred from a sample of the pool: what is not judged counts as relevant as often as what
/// is.
///
/// Source: Yilmaz and Aslam (2006), *Estimating average precision with incomplete and imperfect judgments*.
pub(super) fn inferred_average_precision(list: &JudgedList) -> f64 {
    let (mut relevant, mut others, mut unjudged) = (0.0, 0.0, 0.0);
    let mut sum = 0.0;
    for (before, judged) in list.retrieved().iter().enumerate() {
        match judged {
            Judged::Unpooled => {}
            Judged::Unjudged => unjudged += 1.0,
            Judged::Grade(grade) if *grade < list.level().get() => others += 1.0,
            Judged::Grade(_) => {
                let before = before as f64;
                if before == 0.0 {
                    sum += 1.0;
                } else {
                    let pooled = (relevant + others + unjudged) / before;
                    let expected = (relevant + EPSILON) / (relevant + others + 2.0 * EPSILON);
                    sum += 1.0 / (before + 1.0) + before / (before + 1.0) * pooled * expected;
                }
                relevant += 1.0;
            }
        }
    }
    share(sum, list.n_relevant() as f64)
}

/// The best precision at or after the rank where a share of R is reached; 0 if it never is.
///
/// The number of documents is rounded to the nearest, as `trec_eval` 10 does; versions 9 and before added 0.9
/// and cut off.
pub(super) fn interpolated_precision(list: &JudgedList, recall: f64) -> f64 {
    let wanted = (recall * list.n_relevant() as f64).round() as usize;
    let ranks = list.relevant_ranks();
    (wanted.max(1)..=ranks.len())
        .map(|n| n as f64 / ranks[n - 1] as f64)
        .fold(0.0, f64::max)
}

/// The mean of [`interpolated_precision`] at several recalls.
pub(super) fn mean_interpolated_precision(list: &JudgedList, recalls: &[f64]) -> f64 {
    // From the last on, as the sum of `trec_eval` goes.
    let of_all = recalls
        .iter()
        .rev()
        .map(|recall| interpolated_precision(list, *recall));
    share(total(of_all), recalls.len() as f64)
}

/// Precision at a multiple of R.
pub(super) fn precision_at_multiple(list: &JudgedList, multiple: f64) -> f64 {
    let depth = (multiple * list.n_relevant() as f64 + 0.9) as usize;
    precision(list, depth)
}

/// What retrieved relevant, retrieved other, missed relevant and missed other documents are worth together.
/// Missed others are known only where the size of the collection is.
pub(super) fn utility(list: &JudgedList, worth: [f64; 4], n_collection: usize) -> f64 {
    let retrieved = list.n_retrieved() as f64;
    let relevant = list.n_relevant() as f64;
    let both = list.relevant_ranks().len() as f64;
    worth[0] * both
        + worth[1] * (retrieved - both)
        + worth[2] * (relevant - both)
        + worth[3] * (n_collection as f64 + both - retrieved - relevant)
}

/// Over the relevant documents retrieved, 1 ÷ log₂(2 + how many others stand before it), ÷ R.
pub(super) fn binary_gain(list: &JudgedList) -> f64 {
    let ranks = (1..).zip(list.relevant_ranks());
    let gains = ranks.map(|(n, rank)| 1.0 / ((2 + rank - n) as f64).log2());
    share(total(gains), list.n_relevant() as f64)
}

/// The weighted harmonic mean of precision and recall of all that was retrieved: recall weighs `weight` times as
/// much as precision.
pub(super) fn set_f(list: &JudgedList, weight: f64) -> f64 {
    let all = list.n_retrieved();
    let (precision, recall) = (precision(list, all), recall(list, all));
    share(
        (weight + 1.0) * precision * recall,
        weight * precision + recall,
    )
}

/// Precision × recall of all that was retrieved.
pub(super) fn set_map(list: &JudgedList) -> f64 {
    let both = list.relevant_ranks().len() as f64;
    let of = list.n_retrieved() as f64 * list.n_relevant() as f64;
    share(both * both, of)
}

/// Documents nobody judged within the first `depth` ranks, ÷ `depth`.
pub(super) fn unjudged(list: &JudgedList, depth: usize) -> f64 {
    let seen = list.retrieved().iter().take(depth);
    let n = seen.filter(|judged| judged.grade().is_none()).count();
    share(n as f64, depth as f64)
}

/// Judged documents within the first `depth` ranks, ÷ those that were retrieved there.
pub(super) fn judged(list: &JudgedList, depth: usize) -> f64 {
    let seen = list.n_retrieved().min(depth);
    let n = list.retrieved()[..seen]
        .iter()
        .filter(|judged| judged.grade().is_some())
        .count();
    share(n as f64, seen as f64)
}

/// How much rank-biased precision could still rise if all that nobody judged were relevant; 0 where all of it
/// was judged.
pub(super) fn rank_biased_residual(list: &JudgedList, persistence: f64) -> f64 {
    let mut weight = 1.0;
    let mut sum = 0.0;
    let mut any = false;
    for judged in list.retrieved() {
        if judged.grade().is_none() {
            any = true;
            sum += weight;
        }
        weight *= persistence;
    }
    if any {
        weight + (1.0 - persistence) * sum
    } else {
        0.0
    }
}
