//! Exact nearest neighbours over Arrow vectors.
//!
//! [`Queries`] are fixed; [`Nearest`] is fed an export block by block, on all threads of the current
//! pool, and holds no more than the lists. A fast pass in f32 (a register-blocked product) proposes
//! candidates: every pair whose score could still be among the k best, by a bound on what rounding may
//! have changed (`bound.rs`). A candidate is then scored as `Metric::score` scores, and only that
//! score counts. So neither the number of threads, nor the cut of the blocks, nor the instructions of
//! the processor change a bit of the result: lists are ordered by score, and equal scores by id.

mod bound;
mod kept;
mod kernel;
mod queries;
mod search;
#[cfg(test)]
mod tests;

pub use kept::Neighbor;
pub use queries::{Queries, QueriesError};
pub use search::{Block, Nearest, Neighbors, Searched, nearest};
