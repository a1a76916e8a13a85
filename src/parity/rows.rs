//! Rows against rows: what became of each id, exactly for what is exact and by number for vectors.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Digest;
use crate::parity::stamp::{StampRow, VectorStamp, differing_keys, estimated_distance};

/// What became of the content of one id. An id is in one class only, the first of these that fits.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RowClass {
    /// The control has more rows with this id.
    Missing,
    /// Only the side has it.
    Extra,
    /// The side has more rows with this id than the control.
    Duplicated,
    /// Another text.
    TextChanged,
    /// Another text that is the same in the normal form NFC.
    NormalisationOnly,
    /// The same text and other metadata.
    MetadataChanged,
}

impl RowClass {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Duplicated => "duplicated",
            Self::TextChanged => "text_changed",
            Self::NormalisationOnly => "normalisation_only",
            Self::MetadataChanged => "metadata_changed",
        }
    }
}

/// How two vectors of one id relate, by `1 − cos`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum VectorClass {
    /// The same bits.
    Identical,
    /// `1 − cos ≤ 1e-6`.
    Equivalent,
    /// `1 − cos ≤ 1e-3`.
    Perturbed,
    /// Farther apart, of another dimension, not a number, or on one side only.
    Different,
}

impl VectorClass {
    /// Largest `1 − cos` of equivalent vectors.
    pub const EQUIVALENT: f64 = 1e-6;
    /// Largest `1 − cos` of perturbed vectors.
    pub const PERTURBED: f64 = 1e-3;

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Equivalent => "equivalent",
            Self::Perturbed => "perturbed",
            Self::Different => "different",
        }
    }

    /// The class of two vectors with other bits, by their distance `1 − cos`. NaN is different.
    pub fn of(distance: f64) -> Self {
        if distance <= Self::EQUIVALENT {
            Self::Equivalent
        } else if distance <= Self::PERTURBED {
            Self::Perturbed
        } else {
            Self::Different
        }
    }
}

/// What vectors were compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Their numbers.
    Numbers,
    /// Their projections of sixteen numbers: the distance is estimated within about a third.
    Projection,
}

/// The vectors of one id beside each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VectorFinding {
    /// The class.
    pub class: VectorClass,
    /// `1 − cos`; `None` where one has no direction, or where there are not two of one dimension.
    pub distance: Option<f64>,
    /// The largest difference of one coordinate, where the numbers are at hand.
    pub max_delta: Option<f64>,
    /// `|ln(a/b)|` of their Euclidean lengths. A cosine does not see it; an inner product or a Euclidean
    /// distance does.
    pub stretch: Option<f64>,
    /// What was compared.
    pub basis: Basis,
}

impl VectorFinding {
    /// Lengths that differ by more than a thousandth were changed, and not by rounding.
    pub const RESCALED: f64 = 1e-3;

    /// Two vectors with the same bits.
    pub const IDENTICAL: Self = Self {
        class: VectorClass::Identical,
        distance: Some(0.0),
        max_delta: Some(0.0),
        stretch: Some(0.0),
        basis: Basis::Numbers,
    };
    /// Two vectors that no distance joins.
    const APART: Self = Self {
        class: VectorClass::Different,
        distance: None,
        max_delta: None,
        stretch: None,
        basis: Basis::Numbers,
    };

    /// Compares what stamps keep of two vectors; `None` where neither row has one.
    pub fn of_stamps(a: Option<&VectorStamp>, b: Option<&VectorStamp>) -> Option<Self> {
        let (a, b) = match (a, b) {
            (None, None) => return None,
            (Some(a), Some(b)) => (a, b),
            _ => return Some(Self::APART),
        };
        if a.digest == b.digest {
            return Some(Self::IDENTICAL);
        }
        let norms = (f64::from(a.norm), f64::from(b.norm));
        let distance = estimated_distance((&a.sketch, norms.0), (&b.sketch, norms.1));
        Some(match distance.filter(|_| a.dim == b.dim) {
            None => Self::APART,
            Some(distance) => Self {
                class: VectorClass::of(distance),
                distance: Some(distance),
                max_delta: None,
                stretch: stretch(norms),
                basis: Basis::Projection,
            },
        })
    }

    /// Compares the numbers of two vectors. Sums are in f64.
    pub fn of_numbers(a: &[f32], b: &[f32]) -> Self {
        let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
        if a.len() == b.len() && a.iter().zip(b).all(same) {
            return Self::IDENTICAL;
        }
        let finite = |v: &[f32]| v.iter().all(|x| x.is_finite());
        if a.len() != b.len() || !finite(a) || !finite(b) {
            return Self::APART;
        }
        let pairs = || a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        let norm = |v: &[f32]| v.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let norms = (norm(a), norm(b));
        let max_delta = pairs().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let distance = match norms {
            (0.0, 0.0) => Some(0.0),
            (0.0, _) | (_, 0.0) => None,
            // Half the squared length of the difference of the directions: 1 − cos without the loss of
            // digits that subtracting two numbers near 1 has.
            (x, y) => Some(pairs().map(|(a, b)| (a / x - b / y).powi(2)).sum::<f64>() / 2.0),
        };
        let class = match distance {
            None => VectorClass::Different,
            Some(_) if norms == (0.0, 0.0) => VectorClass::Equivalent,
            Some(distance) => VectorClass::of(distance),
        };
        Self {
            class,
            distance,
            max_delta: Some(max_delta),
            stretch: stretch(norms),
            basis: Basis::Numbers,
        }
    }
}

/// `|ln(a/b)|`; `None` where a length is zero or not a number.
fn stretch((a, b): (f64, f64)) -> Option<f64> {
    Some((a / b).ln().abs()).filter(|stretch| stretch.is_finite())
}

/// What became of one id.
#[derive(Clone, Debug, PartialEq)]
pub struct IdFinding {
    /// The id.
    pub id: String,
    /// The section it was cut from, where a side says so.
    pub section: Option<String>,
    /// What became of its content; `None` if nothing.
    pub content: Option<RowClass>,
    /// The metadata keys whose values differ, where the content differs by metadata.
    pub keys: Vec<String>,
    /// Its vectors beside each other, the farthest pair if it stands on several rows; `None` where there
    /// are no two rows or neither has a vector.
    pub vector: Option<VectorFinding>,
}

impl IdFinding {
    /// Compares the rows of one id, each side's in any order.
    ///
    /// # Panics
    /// If neither side has a row.
    pub fn of(ours: &[StampRow], theirs: &[StampRow]) -> Self {
        let (ours, theirs) = (sorted(ours), sorted(theirs));
        let any = ours.first().or(theirs.first()).expect("a row on one side");
        let pairs = || ours.iter().copied().zip(theirs.iter().copied());
        let paired = ours.len() == theirs.len();
        let content = content_class(&ours, &theirs);
        let changed = content == Some(RowClass::MetadataChanged);
        let keys: BTreeSet<&str> = pairs()
            .filter(|_| changed)
            .flat_map(|(a, b)| differing_keys(&a.keys, &b.keys))
            .collect();
        Self {
            id: any.id.clone(),
            section: any.section.clone(),
            content,
            keys: keys.into_iter().map(str::to_owned).collect(),
            vector: if paired {
                vectors(&ours, &theirs)
            } else {
                None
            },
        }
    }

    /// Whether its vectors have other lengths, by more than a thousandth and by more than they turned: a
    /// vector that was moved anyhow has another length too.
    pub fn is_rescaled(&self) -> bool {
        let rescaled = |vector: VectorFinding| {
            let angle = (2.0 * vector.distance?).sqrt();
            Some(vector.stretch? > angle.max(VectorFinding::RESCALED))
        };
        self.vector.and_then(rescaled).unwrap_or(false)
    }

    /// Whether nothing became of it.
    pub fn is_same(&self) -> bool {
        let same = |vector: VectorFinding| vector.class == VectorClass::Identical;
        self.content.is_none() && self.vector.is_none_or(same)
    }
}

/// The farthest pair of vectors. As in the vector channel, rows of one id that swapped their vectors hold
/// the same ones.
fn vectors(ours: &[&StampRow], theirs: &[&StampRow]) -> Option<VectorFinding> {
    let all = |rows: &[&StampRow]| -> Vec<Digest> {
        let digests = rows
            .iter()
            .filter_map(|row| Some(row.vector.as_ref()?.digest));
        let mut digests: Vec<Digest> = digests.collect();
        digests.sort_unstable();
        digests
    };
    let (a, b) = (all(ours), all(theirs));
    if a == b {
        return (!a.is_empty()).then_some(VectorFinding::IDENTICAL);
    }
    let pairs = ours.iter().zip(theirs);
    let found =
        pairs.filter_map(|(a, b)| VectorFinding::of_stamps(a.vector.as_ref(), b.vector.as_ref()));
    found.max_by(|a, b| a.class.cmp(&b.class))
}

/// Rows of one id, each beside the row of the other side that it would be.
fn sorted(rows: &[StampRow]) -> Vec<&StampRow> {
    let key = |row: &StampRow| {
        let vector = row.vector.as_ref().map(|vector| vector.digest);
        (row.text, row.metadata, vector)
    };
    let mut rows: Vec<&StampRow> = rows.iter().collect();
    rows.sort_by_key(|row| key(row));
    rows
}

fn content_class(ours: &[&StampRow], theirs: &[&StampRow]) -> Option<RowClass> {
    let all = |rows: &[&StampRow], part: fn(&StampRow) -> Digest| -> Vec<Digest> {
        let mut parts: Vec<Digest> = rows.iter().map(|row| part(row)).collect();
        parts.sort_unstable();
        parts
    };
    let same = |part: fn(&StampRow) -> Digest| all(ours, part) == all(theirs, part);
    let same_rows = || {
        let rows = ours.iter().zip(theirs);
        rows.into_iter()
            .all(|(a, b)| (a.text, a.metadata) == (b.text, b.metadata))
    };
    if ours.is_empty() {
        Some(RowClass::Extra)
    } else if ours.len() > theirs.len() {
        Some(RowClass::Missing)
    } else if theirs.len() > ours.len() {
        Some(RowClass::Duplicated)
    } else if same_rows() {
        None
    } else if same(|row| row.text) {
        Some(RowClass::MetadataChanged)
    } else if same(|row| row.normalised) {
        Some(RowClass::NormalisationOnly)
    } else {
        Some(RowClass::TextChanged)
    }
}
