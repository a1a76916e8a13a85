//! What "near" means.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{cosine, cosine_of, dot, squared_distance};

/// What "near" means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Cosine of the angle.
    #[default]
    Cosine,
    /// Inner product: the same order as cosine for unit vectors only.
    Dot,
    /// Euclidean distance.
    L2,
}

impl Metric {
    /// Its name in contracts and policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
            Self::L2 => "l2",
        }
    }

    /// Larger is nearer: the cosine, the inner product, or the Euclidean distance with its sign
    /// turned.
    pub fn score(self, query: &[f32], row: &[f32]) -> f64 {
        match self {
            // A row of zeros has no direction; it ranks last.
            Self::Cosine => cosine(query, row).unwrap_or(-1.0),
            Self::Dot => dot(query, row),
            Self::L2 => -squared_distance(query, row).sqrt(),
        }
    }

    /// [`Metric::score`] of a query and a row that come with their lengths, which only the cosine
    /// looks at: the same bits.
    pub fn score_of(self, query: (&[f32], f64), row: (&[f32], f64)) -> f64 {
        match self {
            Self::Cosine => cosine_of(query, row).unwrap_or(-1.0),
            Self::Dot | Self::L2 => self.score(query.0, row.0),
        }
    }
}
