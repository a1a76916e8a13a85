//! The ways in which a score is known to come about.

use std::f64::consts::SQRT_2;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a score is made of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ScoreMetric {
    /// Cosine of the angle.
    Cosine,
    /// Inner product.
    Dot,
    /// Euclidean distance.
    L2,
    /// Its square: the same order as [`Self::L2`], other scores.
    SquaredL2,
}

impl ScoreMetric {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
            Self::L2 => "l2",
            Self::SquaredL2 => "squared_l2",
        }
    }
}

/// The number that a transform bends into a score: the `x` of its formula.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Cosine of the angle.
    Cosine,
    /// Inner product.
    Dot,
    /// Euclidean distance.
    L2,
    /// Squared Euclidean distance.
    SquaredL2,
    /// Euclidean distance of the two vectors after each is stretched to length 1: what a store
    /// computes that normalises what it is given. It ranks as the cosine does.
    L2OfDirections,
    /// The square of that.
    SquaredL2OfDirections,
}

impl Value {
    /// The metric by which such a value ranks.
    pub fn metric(self) -> ScoreMetric {
        match self {
            Self::Cosine | Self::L2OfDirections | Self::SquaredL2OfDirections => {
                ScoreMetric::Cosine
            }
            Self::Dot => ScoreMetric::Dot,
            Self::L2 => ScoreMetric::L2,
            Self::SquaredL2 => ScoreMetric::SquaredL2,
        }
    }

    /// What it is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "the cosine",
            Self::Dot => "the inner product",
            Self::L2 => "the Euclidean distance",
            Self::SquaredL2 => "the squared Euclidean distance",
            Self::L2OfDirections => "the Euclidean distance of the normalised vectors",
            Self::SquaredL2OfDirections => {
                "the squared Euclidean distance of the normalised vectors"
            }
        }
    }
}

/// A monotone bend from a value `x` to a score.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// `x`.
    Identity,
    /// `−x`.
    Negated,
    /// `1 − x`.
    OneMinus,
    /// `x − 1`.
    MinusOne,
    /// `(1 + x) / 2`.
    Half,
    /// `1 / (1 + x)`.
    Reciprocal,
    /// `1 / (1 + x²)`.
    ReciprocalOfSquare,
    /// `1 / (2 − x)`, for values below 2.
    ReciprocalOfComplement,
    /// `1 / (1 − x)` below 0, else `1 + x`.
    Piecewise,
    /// `1 − x / √2`.
    Share,
    /// `−√(1 − x)`.
    NegatedRoot,
}

use Transform::{
    Half, Identity, MinusOne, Negated, NegatedRoot, OneMinus, Piecewise, Reciprocal,
    ReciprocalOfComplement, ReciprocalOfSquare, Share,
};

/// What is tried; no two are the same function.
///
/// Sources are the references of the stores, and this program's own adapters, which turn scores
/// back into the cosine, the inner product or the negative distance by the metric that the store
/// *says* it has, before anyone else sees them; what comes of a store that says another is among
/// them. Every bend of the product is tried for the cosine too, the other way round, and every bend
/// of a distance for that of the normalised vectors: so that unit vectors alone never tell one from
/// the other.
pub const HYPOTHESES: [(Value, Transform); 32] = [
    // Qdrant, Milvus, Pinecone, Faiss; the adapters of all stores.
    (Value::Cosine, Identity),
    (Value::Cosine, Negated),
    // pgvector, Weaviate, Chroma, Redis.
    (Value::Cosine, OneMinus),
    // A distance that was turned so that larger is nearer.
    (Value::Cosine, MinusOne),
    // Elasticsearch, OpenSearch, MongoDB; Weaviate's certainty.
    (Value::Cosine, Half),
    // Azure AI Search; OpenSearch's nmslib.
    (Value::Cosine, ReciprocalOfComplement),
    // The same as of the product, in case the store normalises.
    (Value::Cosine, Piecewise),
    // A cosine distance that was taken for a squared one.
    (Value::Cosine, NegatedRoot),
    // Qdrant, Milvus, Pinecone, Faiss; the adapters of all stores.
    (Value::Dot, Identity),
    // pgvector, Weaviate.
    (Value::Dot, Negated),
    // Chroma, Redis.
    (Value::Dot, OneMinus),
    (Value::Dot, MinusOne),
    // Elasticsearch's `dot_product`, MongoDB.
    (Value::Dot, Half),
    // Elasticsearch's `max_inner_product`, OpenSearch's `innerproduct`.
    (Value::Dot, Piecewise),
    // The same as of the cosine, in case the store does not normalise.
    (Value::Dot, ReciprocalOfComplement),
    (Value::Dot, NegatedRoot),
    // pgvector, Qdrant.
    (Value::L2, Identity),
    // The adapters of all stores.
    (Value::L2, Negated),
    // MongoDB, Azure AI Search, Vespa.
    (Value::L2, Reciprocal),
    // Elasticsearch, OpenSearch.
    (Value::L2, ReciprocalOfSquare),
    // LangChain's relevance.
    (Value::L2, Share),
    // Chroma, Weaviate, Milvus, Pinecone, Faiss, Redis.
    (Value::SquaredL2, Identity),
    (Value::SquaredL2, Negated),
    // A squared distance that was taken for a cosine distance.
    (Value::SquaredL2, OneMinus),
    // Annoy, and the same stores with normalised vectors.
    (Value::L2OfDirections, Identity),
    (Value::L2OfDirections, Negated),
    (Value::L2OfDirections, Reciprocal),
    (Value::L2OfDirections, ReciprocalOfSquare),
    (Value::L2OfDirections, Share),
    (Value::SquaredL2OfDirections, Identity),
    (Value::SquaredL2OfDirections, Negated),
    (Value::SquaredL2OfDirections, OneMinus),
];

impl Transform {
    /// The formula.
    pub fn formula(self) -> &'static str {
        match self {
            Identity => "x",
            Negated => "-x",
            OneMinus => "1 - x",
            MinusOne => "x - 1",
            Half => "(1 + x) / 2",
            Reciprocal => "1 / (1 + x)",
            ReciprocalOfSquare => "1 / (1 + x²)",
            ReciprocalOfComplement => "1 / (2 - x)",
            Piecewise => "1 / (1 - x) below 0, else 1 + x",
            Share => "1 - x / √2",
            NegatedRoot => "-√(1 - x)",
        }
    }

    /// The score of a value.
    pub fn bend(self, x: f64) -> f64 {
        match self {
            Identity => x,
            Negated => -x,
            OneMinus => 1.0 - x,
            MinusOne => x - 1.0,
            Half => f64::midpoint(1.0, x),
            Reciprocal => 1.0 / (1.0 + x),
            ReciprocalOfSquare => 1.0 / (1.0 + x * x),
            ReciprocalOfComplement => 1.0 / (2.0 - x),
            Piecewise if x < 0.0 => 1.0 / (1.0 - x),
            Piecewise => 1.0 + x,
            Share => 1.0 - x / SQRT_2,
            // Rounding can leave a distance a little below 0.
            NegatedRoot => -(1.0 - x).max(0.0).sqrt(),
        }
    }

    /// The value that a score stands for. `None` if no finite value has this score.
    pub fn unbend(self, score: f64) -> Option<f64> {
        let reciprocal = || (score > 0.0).then(|| 1.0 / score);
        let value = match self {
            Identity => score,
            Negated => -score,
            OneMinus => 1.0 - score,
            MinusOne => score + 1.0,
            Half => 2.0 * score - 1.0,
            Reciprocal => reciprocal()? - 1.0,
            ReciprocalOfSquare => {
                // A score may stand a rounding error above that of distance 0.
                let square = reciprocal()? - 1.0;
                square.signum() * square.abs().sqrt()
            }
            ReciprocalOfComplement => 2.0 - 1.0 / score,
            Piecewise if score < 1.0 => 1.0 - reciprocal()?,
            Piecewise => score - 1.0,
            Share => (1.0 - score) * SQRT_2,
            NegatedRoot => 1.0 + score * score.abs(),
        };
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_unbends_to_the_value_it_was_bent_from() {
        for (value, transform) in HYPOTHESES {
            let values: &[f64] = match value {
                Value::Cosine => &[-0.9, -0.25, 0.0, 0.5, 0.999],
                Value::Dot if transform == NegatedRoot => &[-30.0, -0.5, 0.0, 0.9],
                Value::Dot => &[-30.0, -0.5, 0.0, 0.9, 12.5],
                _ => &[0.0, 0.01, 0.7, 1.5, 300.0],
            };
            for &x in values {
                let back = transform.unbend(transform.bend(x));
                let error = (back.expect("a score of its own making") - x).abs();
                assert!(error < 1e-9 * (1.0 + x * x), "{transform:?} of {x}");
            }
        }
    }

    #[test]
    fn a_score_that_no_value_has_is_none() {
        assert_eq!(Reciprocal.unbend(0.0), None);
        assert_eq!(Piecewise.unbend(-0.5), None);
        let too_large = Half.unbend(7.0);
        assert_eq!(
            too_large,
            Some(13.0),
            "for a cosine, which its residual shows"
        );
    }

    #[test]
    fn no_hypothesis_is_listed_twice() {
        let mut known = HYPOTHESES.to_vec();
        known.sort_unstable();
        known.dedup();
        assert_eq!(known.len(), HYPOTHESES.len());
    }
}
