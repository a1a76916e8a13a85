//! What one side's embedder made of the canaries.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::ids::Digest;
use crate::parity::canary::CanarySet;

/// A vector bit for bit: base64 (RFC 4648, padded) of little-endian f32. Unlike a JSON number, it
/// can hold NaN and infinity.
#[derive(Clone, Debug)]
pub struct PackedVector(Vec<f32>);

impl PackedVector {
    /// Packs a vector as it is.
    pub fn new(vector: Vec<f32>) -> Self {
        Self(vector)
    }

    /// Its numbers.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }
}

/// By bits, so that a NaN equals itself and a negative zero is not zero.
impl PartialEq for PackedVector {
    fn eq(&self, other: &Self) -> bool {
        let bits = |vector: &Self| vector.0.iter().map(|n| n.to_bits()).collect::<Vec<_>>();
        bits(self) == bits(other)
    }
}

impl Serialize for PackedVector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|n| n.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for PackedVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            let words = format!("{} bytes are no list of 4-byte numbers", bytes.len());
            return Err(D::Error::custom(words));
        }
        let numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
        Ok(Self(numbers.collect()))
    }
}

impl JsonSchema for PackedVector {
    fn schema_name() -> Cow<'static, str> {
        "PackedVector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "contentEncoding": "base64",
            "description": "Little-endian 32-bit floats."
        })
    }
}

/// What a service said instead of a vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Class of the failure: `http_400`.
    pub class: String,
    /// Its words, without secrets.
    pub message: String,
}

/// What one request for one canary came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// A vector.
    Vector(PackedVector),
    /// The same bits as the first vector of this canary, which are written once.
    AsFirst,
    /// No vector.
    Refused(Refusal),
}

/// What one side's embedder made of a canary set: a reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryReading {
    /// The digest of the canary set.
    pub canary_set: Digest,
    /// What the model is called. For people; no comparison reads it.
    pub model: String,
    /// How often each canary was asked for, at least 1.
    pub repeats: usize,
    /// For each canary in the order of the set, what each repeat came to.
    pub answers: Vec<Vec<Repeat>>,
}

/// Why a reading cannot be what it claims.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MalformedReading {
    /// The reading has more or fewer answers than its set has canaries.
    #[error("answers for {found} canaries of {expected}")]
    Count {
        /// Canaries of the set.
        expected: usize,
        /// Answers of the reading.
        found: usize,
    },
    /// A canary was not asked for as often as the reading says.
    #[error("canary `{canary}` has {found} answers, not {expected}")]
    Repeats {
        /// Which canary.
        canary: String,
        /// Repeats of the reading.
        expected: usize,
        /// Answers for this canary.
        found: usize,
    },
    /// An answer repeats a first vector that is not there.
    #[error("canary `{canary}` repeats a vector that it does not have")]
    NoFirst {
        /// Which canary.
        canary: String,
    },
}

impl CanaryReading {
    /// A reading of the current set. `answers` holds, for each canary in the order of the set, the
    /// vector or the refusal of each repeat.
    pub fn of_current(
        model: impl Into<String>,
        repeats: usize,
        answers: Vec<Vec<Result<Vec<f32>, Refusal>>>,
    ) -> Self {
        let packed = |answers: Vec<Result<Vec<f32>, Refusal>>| {
            let mut first: Option<PackedVector> = None;
            let repeat = |answer: Result<Vec<f32>, Refusal>| match answer.map(PackedVector::new) {
                Err(refusal) => Repeat::Refused(refusal),
                Ok(vector) if first.as_ref() == Some(&vector) => Repeat::AsFirst,
                Ok(vector) => {
                    first.get_or_insert_with(|| vector.clone());
                    Repeat::Vector(vector)
                }
            };
            answers.into_iter().map(repeat).collect()
        };
        Self {
            canary_set: CanarySet::current().digest(),
            model: model.into(),
            repeats,
            answers: answers.into_iter().map(packed).collect(),
        }
    }

    /// Checks the reading against the canaries that it is of. A reading from a file may be anything.
    ///
    /// # Errors
    /// If an answer is missing, or repeats a vector that is not there.
    pub fn check(&self, set: &CanarySet) -> Result<(), MalformedReading> {
        let (expected, found) = (set.canaries().len(), self.answers.len());
        if expected != found {
            return Err(MalformedReading::Count { expected, found });
        }
        for (canary, answers) in set.canaries().iter().zip(&self.answers) {
            let canary = canary.name.clone();
            if answers.len() != self.repeats || answers.is_empty() {
                return Err(MalformedReading::Repeats {
                    canary,
                    expected: self.repeats.max(1),
                    found: answers.len(),
                });
            }
            let first = answers
                .iter()
                .find(|answer| !matches!(answer, Repeat::Refused(_)));
            if matches!(first, Some(Repeat::AsFirst)) {
                return Err(MalformedReading::NoFirst { canary });
            }
        }
        Ok(())
    }

    /// The vectors of one canary, one a repeat that has one; none if every repeat was refused.
    pub(super) fn vectors(&self, canary: usize) -> Vec<&[f32]> {
        let mut first: Option<&[f32]> = None;
        let mut vectors = Vec::new();
        for answer in &self.answers[canary] {
            let vector = match answer {
                Repeat::Vector(vector) => Some(vector.as_slice()),
                Repeat::AsFirst => first,
                Repeat::Refused(_) => None,
            };
            first = first.or(vector);
            vectors.extend(vector);
        }
        vectors
    }

    /// What the first refused repeat of one canary was refused with.
    pub(super) fn refusal(&self, canary: usize) -> Option<&Refusal> {
        self.answers[canary].iter().find_map(|answer| match answer {
            Repeat::Refused(refusal) => Some(refusal),
            Repeat::Vector(_) | Repeat::AsFirst => None,
        })
    }

    /// Numbers in a vector, if there is a vector and all have as many.
    pub fn dim(&self) -> Option<usize> {
        let mut dims = self
            .answers
            .iter()
            .flatten()
            .filter_map(|answer| match answer {
                Repeat::Vector(vector) => Some(vector.0.len()),
                Repeat::AsFirst | Repeat::Refused(_) => None,
            });
        let first = dims.next()?;
        dims.all(|dim| dim == first).then_some(first)
    }
}
