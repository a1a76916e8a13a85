//! The best so far of one query.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::units::Cutoff;

/// A row that is near to a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbor {
    /// The row's id.
    pub id: String,
    /// Larger is nearer, as `Metric::score` gives it; finite or infinite, never NaN, and a zero is
    /// positive.
    pub score: f64,
}

impl Eq for Neighbor {}

impl PartialOrd for Neighbor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The nearer first; equal scores by id.
impl Ord for Neighbor {
    fn cmp(&self, other: &Self) -> Ordering {
        order(self.score, &self.id, other)
    }
}

fn order(score: f64, id: &str, other: &Neighbor) -> Ordering {
    other
        .score
        .total_cmp(&score)
        .then_with(|| id.cmp(other.id.as_str()))
}

/// The best so far of one query: at most k, the worst on top.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(BinaryHeap<Neighbor>);

impl Kept {
    /// Keeps a row if it is among the k best so far; says whether it is.
    pub(super) fn offer(&mut self, k: Cutoff, score: f64, id: &str) -> bool {
        if score.is_nan() {
            return false;
        }
        // The sum turns a negative zero into a positive one: the two are one score.
        let score = score + 0.0;
        if self.0.len() < k.get() {
            let id = id.to_owned();
            self.0.push(Neighbor { id, score });
            return true;
        }
        let Some(mut worst) = self.0.peek_mut() else {
            return false;
        };
        if order(score, id, &worst).is_ge() {
            return false;
        }
        worst.score = score;
        worst.id.clear();
        worst.id.push_str(id);
        true
    }

    /// Takes over what another keeps.
    pub(super) fn merge(&mut self, k: Cutoff, other: Self) {
        for neighbor in other.0 {
            self.offer(k, neighbor.score, &neighbor.id);
        }
    }

    /// The score that a further row must reach; `None` while fewer than k are kept.
    pub(super) fn worst(&self, k: Cutoff) -> Option<f64> {
        let full = self.0.len() == k.get();
        full.then(|| self.0.peek().map(|worst| worst.score))?
    }

    /// Nearest first.
    pub(super) fn into_list(self) -> Vec<Neighbor> {
        self.0.into_sorted_vec()
    }
}
