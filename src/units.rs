//! Numbers that carry their meaning.

use std::fmt;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// How many ranks are looked at, at least 1: the `k` of a request and of `recall@k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cutoff(NonZeroUsize);

impl Cutoff {
    /// `None` for 0, since a cut-off of no rank measures nothing.
    pub fn new(k: usize) -> Option<Self> {
        NonZeroUsize::new(k).map(Self)
    }

    /// The number of ranks.
    pub fn get(self) -> usize {
        self.0.get()
    }
}

impl fmt::Display for Cutoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A probability with which a one-sided bound holds, in (0, 1).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confidence(f64);

impl Confidence {
    /// The 95 % of STATISTICS.md.
    pub const P95: Self = Self(0.95);

    /// `None` outside (0, 1).
    pub fn new(level: f64) -> Option<Self> {
        (level > 0.0 && level < 1.0).then_some(Self(level))
    }

    /// The level, in (0, 1).
    pub fn get(self) -> f64 {
        self.0
    }

    /// What is left for error: 1 − level.
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }
}
