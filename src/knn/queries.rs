//! What is searched for, laid out for the fast pass.

use miette::Diagnostic;
use pulp::{Arch, Simd, WithSimd};
use thiserror::Error;

use crate::knn::bound;
use crate::knn::kernel::REGISTERS;
use crate::vector::{Metric, norm};

/// Why there is nothing to search for.
#[derive(Debug, Error, Diagnostic, PartialEq, Eq)]
pub enum QueriesError {
    /// The numbers are not rows of one length.
    #[error("{numbers} numbers are not full vectors of {dim}")]
    #[diagnostic(
        code(knn::not_rows),
        help("every query needs as many numbers as a row of the index")
    )]
    NotRows {
        /// Numbers given.
        numbers: usize,
        /// Numbers in a vector.
        dim: usize,
    },
    /// A query has a NaN or an infinity.
    #[error("query {query} has a NaN or an infinity")]
    #[diagnostic(
        code(knn::not_finite),
        help("nothing is near to it; leave the query out")
    )]
    NotFinite {
        /// Which, from 0.
        query: usize,
    },
}

/// Vectors whose neighbours are wanted, all of one length.
pub struct Queries {
    pub(super) arch: Arch,
    metric: Metric,
    dim: usize,
    values: Vec<f32>,
    norms: Vec<f64>,
    panels: Panels,
}

impl Queries {
    /// Queries row after row, `dim` numbers each. Memory: twice the numbers.
    ///
    /// # Errors
    /// If the numbers are not such rows, or one is not finite.
    pub fn new(metric: Metric, dim: usize, values: Vec<f32>) -> Result<Self, QueriesError> {
        Self::on(Arch::new(), metric, dim, values)
    }

    /// The same for the instructions that are named.
    pub(super) fn on(
        arch: Arch,
        metric: Metric,
        dim: usize,
        values: Vec<f32>,
    ) -> Result<Self, QueriesError> {
        if dim == 0 || !values.len().is_multiple_of(dim) {
            let numbers = values.len();
            return Err(QueriesError::NotRows { numbers, dim });
        }
        if let Some(at) = values.iter().position(|number| !number.is_finite()) {
            return Err(QueriesError::NotFinite { query: at / dim });
        }
        let norms: Vec<f64> = values.chunks_exact(dim).map(norm).collect();
        let tame: Vec<&[f32]> = values
            .chunks_exact(dim)
            .zip(&norms)
            .map(|(query, norm)| {
                // Else its products are not looked at, and must not overflow.
                if bound::holds(metric, dim, *norm) {
                    query
                } else {
                    &[]
                }
            })
            .collect();
        Ok(Self {
            arch,
            metric,
            dim,
            panels: Panels::new(&tame, dim, REGISTERS * arch.dispatch(Lanes)),
            norms,
            values,
        })
    }

    /// What "near" means to them.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Numbers in each.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.norms.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.norms.is_empty()
    }

    /// Queries in one panel.
    pub(super) fn width(&self) -> usize {
        self.panels.width
    }

    /// The panels one after the other.
    pub(super) fn panels(&self) -> impl Iterator<Item = &[f32]> {
        self.panels.iter(self.dim)
    }

    pub(super) fn norm(&self, query: usize) -> f64 {
        self.norms[query]
    }

    /// Whether the fast pass may speak for a query.
    pub(super) fn is_tame(&self, query: usize) -> bool {
        bound::holds(self.metric, self.dim, self.norms[query])
    }

    /// `Metric::score` of a query and a row whose length is known: the same bits.
    pub(super) fn score(&self, query: usize, row: &[f32], row_norm: f64) -> f64 {
        let vector = &self.values[query * self.dim..(query + 1) * self.dim];
        let query = (vector, self.norms[query]);
        self.metric.score_of(query, (row, row_norm))
    }
}

/// Queries side by side: number i of every query of a panel, then number i + 1 of each.
struct Panels {
    width: usize,
    values: Vec<f32>,
    /// Where they stand in the values: so that no vector register is loaded from two cache lines.
    place: std::ops::Range<usize>,
}

const CACHE_LINE_BYTES: usize = 64;

impl Panels {
    /// Of queries with `dim` numbers each, or with none, which count as zeros.
    fn new(queries: &[&[f32]], dim: usize, width: usize) -> Self {
        let panels = queries.len().div_ceil(width);
        let room = CACHE_LINE_BYTES / size_of::<f32>();
        let len = panels * width * dim;
        let mut values = vec![0.0; len + room];
        // An allocator may decline to say, which costs time and nothing else.
        let start = Some(values.as_ptr().align_offset(CACHE_LINE_BYTES))
            .filter(|start| *start < room)
            .unwrap_or(0);
        for (query, vector) in queries.iter().enumerate() {
            let first = start + query / width * width * dim + query % width;
            for (i, number) in vector.iter().enumerate() {
                values[first + i * width] = *number;
            }
        }
        Self {
            width,
            values,
            place: start..start + len,
        }
    }

    fn iter(&self, dim: usize) -> impl Iterator<Item = &[f32]> {
        self.values[self.place.clone()].chunks_exact(self.width * dim)
    }
}

/// Numbers in a vector register.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[expect(
        clippy::inline_always,
        reason = "what is not inlined is compiled for the least processor"
    )]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}
