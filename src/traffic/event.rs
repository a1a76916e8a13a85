//! The events of a drill, as its log states them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::units::Moment;

/// One line of a drill log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened.
    pub ts: Moment,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
    /// Whether a generator wrote it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
}

/// What happens in a drill, told apart by `event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// It was decided to leave a region: the drill begins.
    EvacuateDecided {
        /// The region that is left.
        region: String,
    },
    /// All traffic goes to the survivor.
    CutoverComplete {
        /// The region that serves now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
    },
    /// A write was accepted from a client.
    WriteAccepted {
        /// Which write.
        id: String,
        /// Its idempotency key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The region that accepted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// What the key is made of, where the log says it.
        #[serde(flatten)]
        parts: KeyParts,
    },
    /// A write took effect.
    WriteApplied {
        /// Which write.
        id: String,
        /// Its idempotency key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The region that applied it.
        region: String,
    },
    /// A webhook was sent.
    WebhookEmitted {
        /// Its dedupe key.
        dedupe_key: String,
        /// The region that sent it.
        region: String,
        /// The event that it tells of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event_id: Option<String>,
        /// The revision of that event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rev: Option<String>,
    },
    /// How long a queue is.
    QueueSample {
        /// Messages waiting.
        backlog: u64,
        /// How long the oldest of them (or the 95th percentile) has waited, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        age_ms: Option<f64>,
        /// The region of the queue.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// Which queue, where there are several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue: Option<String>,
    },
    /// All keys of a prefix were taken out of a cache.
    CachePurged {
        /// The prefix.
        prefix: String,
        /// The region of the cache.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// The variant (or colour) on whose account it was purged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        variant: Option<String>,
    },
    /// How often a cache has the answer.
    CacheSample {
        /// The prefix.
        prefix: String,
        /// The share of look-ups that found something, in `[0, 1]`.
        hit_ratio: f64,
        /// The region of the cache.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
    },
    /// A router sends another share of the traffic to a region.
    WeightChanged {
        /// The region.
        region: String,
        /// Its weight from now on, in percent.
        weight: f64,
    },
    /// What a region's health endpoint said.
    Health {
        /// The region.
        region: String,
        /// Its contract fields.
        #[serde(default)]
        contract: BTreeMap<String, String>,
        /// The HTTP status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// It was decided to return to the evacuated region.
    ReturnDecided {
        /// The region that is served from again.
        region: String,
    },
    /// The drill is over: what has not happened by now will not.
    DrillEnded {},
}

/// What an idempotency key is made of: `sha256(source_id + revision + index_hash + partition)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyParts {
    /// Where the write comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// Its revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The index that it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_hash: Option<String>,
    /// The partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
}
