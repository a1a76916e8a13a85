//! What the fast pass must let through: limits below which no product of a neighbour can lie.
//!
//! Write u = 2⁻²⁴ and γₘ = m·u/(1 − m·u). A sum of n products in f32, in any order and with or without
//! fused steps, is off by at most γₙ·Σ|qᵢ·rᵢ| ≤ γₙ·|q|·|r| (Higham, Accuracy and Stability of Numerical
//! Algorithms, 3.1), and `vector::dot`, which sums in sixteen lanes, by γₘ·|q|·|r| with m ≤ n/16 + 3.
//! So a pair whose `dot` is at least T has a fast product of at least T − (γₙ + γₘ)·|q|·|r|. For
//! n ≤ [`MAX_DIM`] that is less than ε·|q|·|r| with ε = (2n + 32)·u, which leaves room for lengths that
//! `vector::norm` rounded (by γₘ) and for the roundings of the limit itself; those of a number that is
//! large beside the rest, it leaves to [`below`]. Vectors shorter than [`SHORT`] count as so long, which
//! outweighs the n·2⁻¹⁴⁹ that products below the normal range may lose; vectors longer than [`LONG`],
//! whose products might overflow, are left to the exact scores. In the same way, by
//! |q − r|² = |q|² + |r|² − 2·q·r, for a distance of at most D: q·r ≥ (|q|² + |r|² − D²)/2, with an error
//! of at most ε·(|q|² + |r|²).
//!
//! A limit is `a + b·x + y`, with a and b of the query and x and y of the row.

use crate::vector::Metric;

/// Most numbers in a vector for which the bound is proved.
pub(super) const MAX_DIM: usize = 1 << 16;
/// The length below which a vector has no reliable one in f32.
pub(super) const SHORT: f64 = 1e-15;
/// The length above which a product might overflow.
pub(super) const LONG: f64 = 1e15;

/// The query's part of a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct QueryLimit {
    pub(super) a: f32,
    pub(super) b: f32,
}

impl QueryLimit {
    /// Above every product: of a query that the fast pass has no part in.
    pub(super) const ABOVE_ALL: Self = Self {
        a: f32::INFINITY,
        b: 0.0,
    };
    /// Below every product: while the list is not full.
    pub(super) const BELOW_ALL: Self = Self {
        a: f32::NEG_INFINITY,
        b: 0.0,
    };

    /// Of a query whose list is full and ends at `worst`. `norm` is the query's length, `dim` the
    /// numbers in it.
    pub(super) fn of(metric: Metric, dim: usize, norm: f64, worst: f64) -> Self {
        let error = relative_error(dim);
        let long = norm.max(SHORT);
        match metric {
            Metric::Cosine => Self {
                a: 0.0,
                b: ((worst - error) * norm) as f32,
            },
            Metric::Dot => Self {
                a: below(worst),
                b: below(-error * long),
            },
            Metric::L2 => {
                let half = below(norm * norm / 2.0 - error * long * long);
                Self {
                    a: below(f64::from(half) - worst * worst / 2.0 * (1.0 + error)),
                    b: 0.0,
                }
            }
        }
    }
}

/// The row's part of a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RowLimit {
    pub(super) x: f32,
    pub(super) y: f32,
}

impl RowLimit {
    /// Above every product: of a place that no row fills.
    pub(super) const ABOVE_ALL: Self = Self {
        x: 0.0,
        y: f32::INFINITY,
    };

    /// Of a row so long.
    pub(super) fn of(metric: Metric, dim: usize, norm: f64) -> Self {
        let long = norm.max(SHORT);
        let y = match metric {
            Metric::Cosine | Metric::Dot => 0.0,
            Metric::L2 => below(norm * norm / 2.0 - relative_error(dim) * long * long),
        };
        Self { x: long as f32, y }
    }
}

/// Whether the bound holds for a vector so long. Under cosine a vector without a reliable length has
/// no reliable direction either.
pub(super) fn holds(metric: Metric, dim: usize, norm: f64) -> bool {
    let shortest = match metric {
        Metric::Cosine => SHORT,
        Metric::Dot | Metric::L2 => 0.0,
    };
    dim <= MAX_DIM && (shortest..=LONG).contains(&norm)
}

/// ε.
fn relative_error(dim: usize) -> f64 {
    (2 * dim + 32) as f64 * f64::from(f32::EPSILON) / 2.0
}

/// As f32, lower by so much that roundings in proportion to it cannot lift it again.
fn below(value: f64) -> f32 {
    (value - value.abs() * 16.0 * f64::from(f32::EPSILON)) as f32
}
