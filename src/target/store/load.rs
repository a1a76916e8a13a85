//! Putting rows into a store.

use std::sync::Arc;

use crate::net::Attempt;
use crate::target::{Metric, StoredRow, Working};

/// What a store must know before it takes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Numbers in a vector.
    pub dim: usize,
    /// The metric that the index is built for.
    pub metric: Metric,
}

/// A store that can be filled. Nothing that is there is overwritten.
pub trait Load: Send + Sync {
    /// Where the rows go, for messages.
    fn place(&self) -> String;

    /// Makes the empty place; fails if it exists.
    fn create(&self, shape: Shape, attempt: Arc<Attempt>) -> Working<'_, ()>;

    /// Adds rows to it.
    fn add<'a>(&'a self, rows: &'a [StoredRow], attempt: Arc<Attempt>) -> Working<'a, ()>;

    /// Builds the index and makes the rows visible to others.
    fn finish(&self, shape: Shape, attempt: Arc<Attempt>) -> Working<'_, ()>;
}
