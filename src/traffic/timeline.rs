//! The events of a drill in their order, and who plays which part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::traffic::{BadLine, Event};

/// Which part each region plays in a drill, and what its plan promises.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roles {
    /// The region that is left.
    pub evacuated: String,
    /// The region that takes over.
    pub survivor: String,
    /// The region that alone may send webhooks after the cutover.
    pub webhooks_from: String,
    /// Whether webhooks have dedupe keys of another making than `sha256(event_id + rev)`.
    pub other_webhook_keys: bool,
    /// Whether followers take no writes.
    pub freeze_writes_on_followers: bool,
    /// Whether caches are to be purged.
    pub purge_cache: bool,
    /// The weights of the evacuated region on its return, in percent.
    pub return_weights: Vec<f64>,
}

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
    /// Whether webhooks have dedupe keys of another making than `sha256(event_id + rev)`, which
    /// cannot be computed again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_webhook_keys: bool,
    /// Whether followers take no writes; without it a write may be applied anywhere before the cutover.
    pub freeze_writes_on_followers: bool,
    /// Whether the plan has caches purged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub purge_cache: bool,
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

    /// A drill of which nothing was logged yet.
    pub fn new(roles: Roles) -> Self {
        Self {
            format: Self::FORMAT,
            evacuated: roles.evacuated,
            survivor: roles.survivor,
            webhooks_from: roles.webhooks_from,
            other_webhook_keys: roles.other_webhook_keys,
            freeze_writes_on_followers: roles.freeze_writes_on_followers,
            purge_cache: roles.purge_cache,
            return_weights: roles.return_weights,
            events: Vec::new(),
            n_lines: 0,
            n_bad: 0,
            bad: Vec::new(),
            unknown_events: BTreeMap::new(),
        }
    }
}
