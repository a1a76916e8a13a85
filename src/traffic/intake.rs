//! How reading a log went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How reading a log went: what was left out, and what looked odd.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Intake {
    /// Lines or rows that are not blank.
    pub n_lines: u64,
    /// Those that could not be read, and are left out.
    pub n_bad: u64,
    /// The first few of those, in the order of the files.
    pub bad: Vec<BadLine>,
    /// Lines left out because the same line with the same request id was read before.
    pub n_duplicates: u64,
    /// Requests without the field that tells arms apart, which are left out.
    pub n_without_arm: u64,
    /// Lines whose time lies before that of the line above; they count like all others.
    pub n_out_of_order: u64,
    /// The furthest that a line's time lies before that of the line above, in milliseconds.
    pub furthest_back_ms: u64,
    /// Lines that say they were simulated.
    pub n_simulated: u64,
    /// Lines whose time has no zone and was taken for UTC.
    pub n_without_zone: u64,
    /// Fields that nothing is read from, and in how many lines they stand.
    pub unknown_fields: BTreeMap<String, u64>,
    /// By how many milliseconds each region's clock is ahead of the others', as far as the order of
    /// the lines tells it.
    pub clock_skew_ms: BTreeMap<String, i64>,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BadLine {
    /// `access.jsonl:17`.
    pub place: String,
    /// What is wrong with it, and what was expected.
    pub problem: String,
}

impl Intake {
    /// Bad lines that are shown.
    pub const SHOWN: usize = 20;

    /// The share of lines that could not be read; 0 without a line.
    pub fn bad_share(&self) -> f64 {
        if self.n_lines == 0 {
            0.0
        } else {
            self.n_bad as f64 / self.n_lines as f64
        }
    }
}
