//! Exact nearest neighbours by brute force.

use ndarray::{Array2, ArrayView1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::target::embedded::best_first;
use crate::vector::{cosine, dot, squared_distance};

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
    fn score(self, query: &[f32], row: &[f32]) -> f64 {
        match self {
            // A row of zeros has no direction; it ranks last.
            Self::Cosine => cosine(query, row).unwrap_or(-1.0),
            Self::Dot => dot(query, row),
            Self::L2 => -squared_distance(query, row).sqrt(),
        }
    }
}

/// Vectors in row order.
pub(super) struct Dense {
    metric: Metric,
    /// `[n_rows, dim]`
    rows: Array2<f32>,
}

impl Dense {
    pub(super) fn new(metric: Metric, dim: usize) -> Self {
        Self {
            metric,
            rows: Array2::zeros((0, dim)),
        }
    }

    /// Adds a row: a unit vector stretched to `length`.
    pub(super) fn push(&mut self, unit: &[f32], length: f32) {
        let row = ArrayView1::from(unit).mapv(|number| number * length);
        self.rows
            .push_row(row.view())
            .expect("vectors of one table have one dimension");
    }

    /// The nearest rows with their scores, best first, ties by row.
    pub(super) fn rank(&self, query: &[f32], depth: usize) -> Vec<(usize, f64)> {
        let score = |row: ArrayView1<f32>| {
            self.metric
                .score(query, row.to_slice().expect("rows lie in one piece"))
        };
        let mut scored: Vec<(usize, f64)> = self
            .rows
            .rows()
            .into_iter()
            .map(score)
            .enumerate()
            .collect();
        best_first(&mut scored);
        scored.truncate(depth);
        scored
    }
}
