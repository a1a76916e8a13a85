//! What one side's embedder does, by pairs of strings that a treatment makes equal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parity::canary::distance::{ROUNDING, between, has_direction, median, norm, spread};
use crate::parity::canary::{CanaryReading, CanarySet, Treatment};

/// What one side's embedder does. A field is absent where the reading cannot tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideBehaviour {
    /// The noise floor: the median, over the canaries, of the largest `1 − cos` between two repeats
    /// of one canary.
    pub noise_median: Option<f64>,
    /// The largest of them.
    pub noise_max: Option<f64>,
    /// Whether capitals make no difference.
    pub folds_case: Option<bool>,
    /// Whether NFC and NFD make no difference.
    pub normalises: Option<bool>,
    /// Whether white space at the ends makes no difference.
    pub trims: Option<bool>,
    /// Whether a line break is as good as a space.
    pub joins_lines: Option<bool>,
    /// The least number of words behind which it reads nothing: two texts that share so many words
    /// and then differ get one vector. Absent if it reads on as far as was tried.
    pub cut_off_before_words: Option<usize>,
    /// The largest number of words behind which it was seen to read on, short of any cut.
    pub reads_beyond_words: Option<usize>,
    /// The median length of its vectors; 1 where it normalises them.
    pub norm_median: Option<f64>,
    /// Vectors without a direction: zero, NaN or infinite.
    pub n_without_direction: usize,
    /// Canaries that were refused each time, by name.
    pub refused: Vec<String>,
}

/// Says what one side's embedder does; `None` if the reading is not of a set that this program knows,
/// or contradicts itself.
///
/// The strings of a pair count as one if no two of their vectors lie further apart than rounding
/// (`1 − cos` of 1e-6) or than two repeats of one of them.
pub fn describe(side: &CanaryReading) -> Option<SideBehaviour> {
    let set = CanarySet::known(&side.canary_set)?;
    side.check(set).ok()?;
    let spreads: Vec<f64> = (0..set.canaries().len())
        .filter_map(|canary| spread(&side.vectors(canary)))
        .collect();
    let all = || (0..set.canaries().len()).flat_map(|canary| side.vectors(canary));
    let with_direction = all().filter(|vector| has_direction(vector));
    let refused = set.canaries().iter().enumerate();
    let refused = refused.filter(|(canary, _)| side.vectors(*canary).is_empty());
    let (cut_off_before_words, reads_beyond_words) = cut_off(set, side);
    Some(SideBehaviour {
        noise_max: spreads.iter().copied().max_by(f64::total_cmp),
        noise_median: median(spreads),
        folds_case: is_one(set, side, Treatment::CaseFolding),
        normalises: is_one(set, side, Treatment::Normalisation),
        trims: is_one(set, side, Treatment::Trimming),
        joins_lines: is_one(set, side, Treatment::LineJoining),
        cut_off_before_words,
        reads_beyond_words,
        norm_median: median(with_direction.map(norm).collect()),
        n_without_direction: all().filter(|vector| !has_direction(vector)).count(),
        refused: refused.map(|(_, canary)| canary.name.clone()).collect(),
    })
}

/// The least shared length at which the tail makes no difference, and the largest below it at which it
/// does.
fn cut_off(set: &CanarySet, side: &CanaryReading) -> (Option<usize>, Option<usize>) {
    let mut reads = None;
    for pair in set.pairs() {
        let Treatment::CuttingOff { shared_words } = pair.by else {
            continue;
        };
        match same(side, pair.first, pair.second) {
            Some(true) => return (Some(shared_words), reads),
            Some(false) => reads = Some(shared_words),
            None => {}
        }
    }
    (None, reads)
}

fn is_one(set: &CanarySet, side: &CanaryReading, by: Treatment) -> Option<bool> {
    let pair = set.pairs().iter().find(|pair| pair.by == by)?;
    same(side, pair.first, pair.second)
}

/// Whether two canaries of a side have one vector, but for its noise.
fn same(side: &CanaryReading, first: usize, second: usize) -> Option<bool> {
    let (first, second) = (side.vectors(first), side.vectors(second));
    let noise = [spread(&first), spread(&second)].into_iter().flatten();
    let limit = noise.fold(ROUNDING, f64::max);
    Some(between(&first, &second)? <= limit)
}
