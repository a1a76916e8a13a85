//! Two readings of the same canaries beside each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parity::canary::distance::{ROUNDING, between, has_direction, spread};
use crate::parity::canary::points::{Evidence, points};
use crate::parity::canary::{
    Canary, CanaryKind, CanaryReading, CanarySet, DriftKind, SideBehaviour, describe,
};

/// How far two sides may lie apart, in units of the noise within them.
///
/// Of `k` repeats a side, the largest of `k²` distances between the sides is held against the largest
/// of `k·(k − 1)/2` within each. With three repeats that is 9 draws against 6, so that the former goes
/// beyond the latter in 60 % of simulated cases (noise of equal size in 384 directions), and beyond
/// three times as much in none of 4,000. Noise that has but one direction is coarser: of a whole set
/// without drift, three of five have such a canary, and more repeats are what helps.
const FACTOR: f64 = 3.0;
/// Canaries that are named as the worst.
const N_WORST: usize = 5;
/// Relative difference of the vectors' median lengths from which one side scales them; half precision
/// and noise stay far below.
const SCALED: f64 = 0.01;

/// What a comparison of two embedders comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CanaryStatus {
    /// Every canary that both embed lies as close between the sides as within them, and both refuse
    /// the same canaries.
    Same,
    /// Some canary does not.
    Drifted,
    /// There is nothing to compare. Never read as the same.
    NotChecked,
}

/// Why embedders were not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case", deny_unknown_fields)]
pub enum Unchecked {
    /// A side or both could not be read.
    NoReading,
    /// The sides were asked different strings.
    OtherCanarySet,
    /// The sides were asked strings that this program does not know.
    UnknownCanarySet,
    /// A reading contradicts itself.
    Malformed {
        /// In what way.
        problem: String,
    },
    /// No canary has a vector on both sides.
    NothingInCommon,
}

/// What one canary comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CanaryVerdict {
    /// Between the sides as close as within them.
    Same,
    /// Further apart than that, of another dimension, or without a direction on one side only.
    Drifted,
    /// One side gives no vector.
    RefusedByOne,
    /// Neither side gives a vector.
    RefusedByBoth,
    /// Both sides give vectors that have no direction: zero, NaN or infinite.
    NoDirection,
}

/// One canary of two sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryParity {
    /// Its name.
    pub canary: String,
    /// What it tries out.
    pub kind: CanaryKind,
    /// What it comes to.
    pub verdict: CanaryVerdict,
    /// Largest `1 − cos` between two repeats of the one side; absent with fewer than two vectors.
    pub within_a: Option<f64>,
    /// The same of the other side.
    pub within_b: Option<f64>,
    /// Largest `1 − cos` between a vector of the one side and one of the other; absent where there
    /// is no such distance.
    pub between: Option<f64>,
    /// How large that may be.
    pub limit: Option<f64>,
    /// With what class the one side refused it, if it did so at least once.
    pub refused_a: Option<String>,
    /// The same of the other side.
    pub refused_b: Option<String>,
}

/// Two sides' embedders beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingParity {
    /// What it comes to.
    pub status: CanaryStatus,
    /// Why nothing was compared, if nothing was.
    pub unchecked: Option<Unchecked>,
    /// Every canary, in the order of the set; none if nothing was compared.
    pub canaries: Vec<CanaryParity>,
    /// Names of the worst drifted canaries, the worst first, at most five.
    pub worst: Vec<String>,
    /// What the drift looks like, the likeliest first; empty without drift.
    pub points_to: Vec<DriftKind>,
    /// What the one side's embedder does.
    pub a: Option<SideBehaviour>,
    /// What the other side's embedder does.
    pub b: Option<SideBehaviour>,
}

impl EmbeddingParity {
    /// How many canaries came to this.
    pub fn count(&self, verdict: CanaryVerdict) -> usize {
        let of_verdict = |parity: &&CanaryParity| parity.verdict == verdict;
        self.canaries.iter().filter(of_verdict).count()
    }
}

/// Compares two readings; `None` is a side that could not be read.
///
/// A canary is the same if its largest distance between the sides is at most three times the largest
/// of: its own spread within either side, either side's noise floor (the median spread), and 1e-6,
/// below which differences are rounding. The floor stands in for a canary whose repeats happen to
/// coincide, as when a service answers them from a cache. Time `O(canaries · repeats² · dim)`.
pub fn compare(a: Option<&CanaryReading>, b: Option<&CanaryReading>) -> EmbeddingParity {
    let behaviours = (a.and_then(describe), b.and_then(describe));
    let (set, a, b) = match comparable(a, b) {
        Ok(comparable) => comparable,
        Err(reason) => return unchecked(reason, Vec::new(), behaviours),
    };
    let floors = [&behaviours.0, &behaviours.1];
    let floors = floors
        .into_iter()
        .flatten()
        .filter_map(|side| side.noise_median);
    let floor = floors.fold(ROUNDING, f64::max);
    let canaries: Vec<CanaryParity> = (0..set.canaries().len())
        .map(|canary| parity(set, a, b, canary, floor))
        .collect();
    let told = |parity: &CanaryParity| {
        matches!(parity.verdict, CanaryVerdict::Same | CanaryVerdict::Drifted)
    };
    if !canaries.iter().any(told) {
        return unchecked(Unchecked::NothingInCommon, canaries, behaviours);
    }
    let is_scaled = is_scaled(behaviours.0.as_ref(), behaviours.1.as_ref());
    let differs = |parity: &CanaryParity| {
        matches!(
            parity.verdict,
            CanaryVerdict::Drifted | CanaryVerdict::RefusedByOne
        )
    };
    let status = if is_scaled || canaries.iter().any(differs) {
        CanaryStatus::Drifted
    } else {
        CanaryStatus::Same
    };
    let evidence = Evidence {
        set,
        readings: [a, b],
        sides: [behaviours.0.as_ref(), behaviours.1.as_ref()],
        canaries: &canaries,
        limit: FACTOR * floor,
        is_scaled,
    };
    EmbeddingParity {
        status,
        unchecked: None,
        worst: worst(&canaries),
        points_to: points(&evidence),
        canaries,
        a: behaviours.0,
        b: behaviours.1,
    }
}

fn unchecked(
    reason: Unchecked,
    canaries: Vec<CanaryParity>,
    (a, b): (Option<SideBehaviour>, Option<SideBehaviour>),
) -> EmbeddingParity {
    EmbeddingParity {
        status: CanaryStatus::NotChecked,
        unchecked: Some(reason),
        canaries,
        worst: Vec::new(),
        points_to: Vec::new(),
        a,
        b,
    }
}

type Comparable<'a> = (&'static CanarySet, &'a CanaryReading, &'a CanaryReading);

fn comparable<'a>(
    a: Option<&'a CanaryReading>,
    b: Option<&'a CanaryReading>,
) -> Result<Comparable<'a>, Unchecked> {
    let (Some(a), Some(b)) = (a, b) else {
        return Err(Unchecked::NoReading);
    };
    if a.canary_set != b.canary_set {
        return Err(Unchecked::OtherCanarySet);
    }
    let set = CanarySet::known(&a.canary_set).ok_or(Unchecked::UnknownCanarySet)?;
    for side in [a, b] {
        side.check(set).map_err(|malformed| Unchecked::Malformed {
            problem: malformed.to_string(),
        })?;
    }
    Ok((set, a, b))
}

fn parity(
    set: &CanarySet,
    a: &CanaryReading,
    b: &CanaryReading,
    canary: usize,
    floor: f64,
) -> CanaryParity {
    let (of_a, of_b) = (a.vectors(canary), b.vectors(canary));
    let (within_a, within_b) = (spread(&of_a), spread(&of_b));
    let between = between(&of_a, &of_b);
    let within = [within_a, within_b].into_iter().flatten();
    let limit = between.map(|_| FACTOR * within.fold(floor, f64::max));
    let refused = |side: &CanaryReading| Some(side.refusal(canary)?.class.clone());
    let Canary { name, kind, .. } = &set.canaries()[canary];
    CanaryParity {
        canary: name.clone(),
        kind: *kind,
        verdict: verdict(&of_a, &of_b, between.zip(limit)),
        within_a,
        within_b,
        between,
        limit,
        refused_a: refused(a),
        refused_b: refused(b),
    }
}

/// `distance` is how far apart the sides are and may be.
fn verdict(a: &[&[f32]], b: &[&[f32]], distance: Option<(f64, f64)>) -> CanaryVerdict {
    match (a.is_empty(), b.is_empty(), distance) {
        (true, true, _) => CanaryVerdict::RefusedByBoth,
        (true, false, _) | (false, true, _) => CanaryVerdict::RefusedByOne,
        (_, _, Some((between, limit))) if between <= limit => CanaryVerdict::Same,
        (_, _, Some(_)) => CanaryVerdict::Drifted,
        _ if a.iter().chain(b).any(|vector| has_direction(vector)) => CanaryVerdict::Drifted,
        _ => CanaryVerdict::NoDirection,
    }
}

/// Whether the sides' vectors have other lengths, which a cosine does not see and a product does.
fn is_scaled(a: Option<&SideBehaviour>, b: Option<&SideBehaviour>) -> bool {
    let length = |side: Option<&SideBehaviour>| side?.norm_median;
    let lengths = length(a).zip(length(b));
    lengths.is_some_and(|(a, b)| (a - b).abs() > SCALED * a.max(b))
}

/// Those without any distance first, then by how many times their limit they lie apart; ties by their
/// order in the set.
fn worst(canaries: &[CanaryParity]) -> Vec<String> {
    let excess = |parity: &CanaryParity| {
        let distance = parity.between.zip(parity.limit);
        distance.map_or(f64::INFINITY, |(between, limit)| between / limit)
    };
    let mut drifted: Vec<&CanaryParity> = canaries
        .iter()
        .filter(|parity| parity.verdict == CanaryVerdict::Drifted)
        .collect();
    drifted.sort_by(|a, b| excess(b).total_cmp(&excess(a)));
    let named = drifted.into_iter().take(N_WORST);
    named.map(|parity| parity.canary.clone()).collect()
}
