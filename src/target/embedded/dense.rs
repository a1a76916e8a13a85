//! Exact nearest neighbours by brute force.

use crate::target::Metric;
use crate::target::embedded::best_first;
use ndarray::{Array2, ArrayView1};

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

    /// Numbers in a vector.
    pub(super) fn dim(&self) -> usize {
        self.rows.ncols()
    }

    /// Adds a row: a unit vector stretched to `length`.
    pub(super) fn push(&mut self, unit: &[f32], length: f32) {
        let row = ArrayView1::from(unit).mapv(|number| number * length);
        self.rows
            .push_row(row.view())
            .expect("vectors of one table have one dimension");
    }

    /// A row's vector.
    pub(super) fn vector(&self, row: usize) -> &[f32] {
        let rows = self.rows.as_slice().expect("rows lie in one piece");
        let dim = self.rows.ncols();
        &rows[row * dim..(row + 1) * dim]
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
