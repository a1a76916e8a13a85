//! The events of a drill in their order, and who plays which part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::traffic::{BadLine, Event};

/// A drill as its log tells it, with the parts that its plan gives to the regions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Version of this format.
    pub format: u32,
    /// The region that is left.
    pub evacuated: String,
    /// The region that takes over.
    pub survivor: String,
    /// The region that alone may send webhooks after the cutover.
    pub webhooks_from: String,
    /// Whether followers take no writes; without it a write may be applied anywhere before the cutover.
    pub freeze_writes_on_followers: bool,
    /// The weights of the evacuated region on its return, in percent; none where the plan names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub return_weights: Vec<f64>,
    /// Every event, by time; events of one moment as the log has them.
    pub events: Vec<Event>,
    /// Lines that are not blank.
    pub n_lines: u64,
    /// Lines that could not be read.
    pub n_bad: u64,
    /// The first few of those.
    pub bad: Vec<BadLine>,
    /// Events of kinds that nothing is read from.
    pub unknown_events: BTreeMap<String, u64>,
}

impl Timeline {
    /// The format this version writes.
    pub const FORMAT: u32 = 1;
}
