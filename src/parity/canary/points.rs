//! What a drift looks like: which kinds of canaries drifted, and which did not.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parity::canary::distance::between;
use crate::parity::canary::{
    CanaryKind, CanaryParity, CanaryReading, CanarySet, CanaryVerdict, SideBehaviour, Treatment,
};

/// What a drift points to. A hint for whoever looks for the cause, never a verdict.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// Vectors of another dimension: another model, or one cut short.
    Dimension,
    /// One side puts a role's prefix before the text, the other does not.
    Prefix,
    /// Plain text drifts: another model, other weights or another pooling.
    Model,
    /// Plain text drifts by no more than 1e-3: other arithmetic, such as half precision.
    Precision,
    /// Unusual scripts, words and symbols drift, plain text does not.
    Tokenizer,
    /// Long texts drift, or are cut off elsewhere.
    Truncation,
    /// Capitals are folded on one side only.
    Case,
    /// Unicode is normalised on one side only.
    Normalisation,
    /// White space is trimmed or joined on one side only.
    WhiteSpace,
    /// One side refuses what the other embeds.
    Refusal,
    /// The vectors have another length: they are normalised, or scaled, on one side only.
    Length,
}

impl DriftKind {
    /// Its name in files and reports: `white_space`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dimension => "dimension",
            Self::Prefix => "prefix",
            Self::Model => "model",
            Self::Precision => "precision",
            Self::Tokenizer => "tokenizer",
            Self::Truncation => "truncation",
            Self::Case => "case",
            Self::Normalisation => "normalisation",
            Self::WhiteSpace => "white_space",
            Self::Refusal => "refusal",
            Self::Length => "length",
        }
    }
}

impl fmt::Display for DriftKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Drift up to here may come from arithmetic alone: the limit of *perturbed* vectors.
const ARITHMETIC: f64 = 1e-3;

/// What the hints are drawn from.
pub(super) struct Evidence<'a> {
    pub(super) set: &'a CanarySet,
    pub(super) readings: [&'a CanaryReading; 2],
    pub(super) sides: [Option<&'a SideBehaviour>; 2],
    pub(super) canaries: &'a [CanaryParity],
    /// Distance up to which two vectors count as one.
    pub(super) limit: f64,
    pub(super) is_scaled: bool,
}

/// What the drift points to, the likeliest first, each once; nothing without drift.
pub(super) fn points(evidence: &Evidence) -> Vec<DriftKind> {
    let [a, b] = evidence.readings.map(CanaryReading::dim);
    if a.is_some() && b.is_some() && a != b {
        return vec![DriftKind::Dimension];
    }
    let mut found = Vec::new();
    let drifted: Vec<&CanaryParity> = evidence
        .canaries
        .iter()
        .filter(|parity| parity.verdict == CanaryVerdict::Drifted)
        .collect();
    if drifted
        .iter()
        .any(|parity| parity.kind == CanaryKind::Plain)
    {
        found.push(if is_prefixed(evidence) {
            DriftKind::Prefix
        } else if drifted.iter().all(|parity| is_small(parity)) {
            DriftKind::Precision
        } else {
            DriftKind::Model
        });
        found.extend(treatments(evidence));
    } else {
        found.extend(treatments(evidence));
        found.extend(drifted.iter().filter_map(|parity| by_kind(parity.kind)));
    }
    let refused = |parity: &CanaryParity| parity.verdict == CanaryVerdict::RefusedByOne;
    if evidence.canaries.iter().any(refused) {
        found.push(DriftKind::Refusal);
    }
    if evidence.is_scaled {
        found.push(DriftKind::Length);
    }
    let mut once = Vec::new();
    found.retain(|kind| {
        let is_new = !once.contains(kind);
        once.push(*kind);
        is_new
    });
    found
}

fn is_small(parity: &CanaryParity) -> bool {
    parity.between.is_some_and(|between| between <= ARITHMETIC)
}

/// What a drift of this kind alone means while plain text stays.
fn by_kind(kind: CanaryKind) -> Option<DriftKind> {
    match kind {
        CanaryKind::Plain => None,
        CanaryKind::Case => Some(DriftKind::Case),
        CanaryKind::Normalisation => Some(DriftKind::Normalisation),
        CanaryKind::Script
        | CanaryKind::Emoji
        | CanaryKind::Rare
        | CanaryKind::Numbers
        | CanaryKind::Code => Some(DriftKind::Tokenizer),
        CanaryKind::Empty | CanaryKind::WhiteSpace => Some(DriftKind::WhiteSpace),
        CanaryKind::Role => Some(DriftKind::Prefix),
        CanaryKind::Long => Some(DriftKind::Truncation),
    }
}

/// What one side does and the other does not.
fn treatments(evidence: &Evidence) -> Vec<DriftKind> {
    let [Some(a), Some(b)] = evidence.sides else {
        return Vec::new();
    };
    let differs = |a: Option<bool>, b: Option<bool>| a.zip(b).is_some_and(|(a, b)| a != b);
    let white_space = differs(a.trims, b.trims) || differs(a.joins_lines, b.joins_lines);
    let found = [
        (is_cut_elsewhere(a, b), DriftKind::Truncation),
        (differs(a.folds_case, b.folds_case), DriftKind::Case),
        (
            differs(a.normalises, b.normalises),
            DriftKind::Normalisation,
        ),
        (white_space, DriftKind::WhiteSpace),
    ];
    let found = found.into_iter().filter(|(differs, _)| *differs);
    found.map(|(_, kind)| kind).collect()
}

/// Whether one side was seen to read on behind a word at which the other was seen to have stopped.
fn is_cut_elsewhere(a: &SideBehaviour, b: &SideBehaviour) -> bool {
    let reads_on = |reader: &SideBehaviour, other: &SideBehaviour| {
        let bounds = reader.reads_beyond_words.zip(other.cut_off_before_words);
        bounds.is_some_and(|(reads, cut)| reads >= cut)
    };
    reads_on(a, b) || reads_on(b, a)
}

/// Whether what one side makes of a text is what the other makes of the text with a prefix.
fn is_prefixed(evidence: &Evidence) -> bool {
    let [a, b] = evidence.readings;
    let meets = |bare: &CanaryReading, prefixed: &CanaryReading, first, second| {
        let distance = between(&bare.vectors(first), &prefixed.vectors(second));
        distance.is_some_and(|distance| distance <= evidence.limit)
    };
    let prefixes = evidence.set.pairs().iter();
    let mut prefixes = prefixes.filter(|pair| pair.by == Treatment::Prefixing);
    prefixes
        .any(|pair| meets(a, b, pair.first, pair.second) || meets(b, a, pair.first, pair.second))
}
