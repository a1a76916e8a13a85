//! Exact nearest neighbours by brute force.

use ndarray::{Array2, ArrayView1};

use crate::target::Metric;
use crate::target::embedded::best_first;
use crate::vector::norm;

/// Vectors in row order.
pub(super) struct Dense {
    metric: Metric,
    /// `[n_rows, dim]`
    rows: Array2<f32>,
    /// `[n_rows]`
    lengths: Vec<f64>,
}

impl Dense {
    pub(super) fn new(metric: Metric, dim: usize) -> Self {
        Self {
            metric,
            rows: Array2::zeros((0, dim)),
            lengths: Vec::new(),
        }
    }

    /// Numbers in a vector.
    pub(super) fn dim(&self) -> usize {
        self.rows.ncols()
    }

    /// Adds a row: a unit vector stretched to `length`.
    pub(super) fn push(&mut self, unit: &[f32], length: f32) {
        let row = ArrayView1::from(unit).mapv(|number| number * length);
        self.lengths
            .push(norm(row.as_slice().expect("a row of its own")));
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
        let query = (query, norm(query));
        let score = |(row, length): (ArrayView1<f32>, &f64)| {
            let row = row.to_slice().expect("rows lie in one piece");
            self.metric.score_of(query, (row, *length))
        };
        let mut scored: Vec<(usize, f64)> = self
            .rows
            .rows()
            .into_iter()
            .zip(&self.lengths)
            .map(score)
            .enumerate()
            .collect();
        best_first(&mut scored);
        scored.truncate(depth);
        scored
    }
}
