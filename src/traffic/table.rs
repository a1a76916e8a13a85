//! What many requests come to: one row a group, and totals of each arm.

use std::collections::BTreeMap;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::Lambda;
use crate::net::Stage;
use crate::traffic::{Intake, Sketch};
use crate::units::Moment;

/// Which field of a request says on whose account it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArmField {
    /// `variant`: control and canary.
    Variant,
    /// `color`: blue and green.
    Color,
    /// `revision`: old and new.
    Revision,
    /// `region`.
    Region,
    /// `release_id`.
    ReleaseId,
}

impl ArmField {
    /// Every field.
    pub const ALL: [Self; 5] = [
        Self::Variant,
        Self::Color,
        Self::Revision,
        Self::Region,
        Self::ReleaseId,
    ];

    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Variant => "variant",
            Self::Color => "color",
            Self::Revision => "revision",
            Self::Region => "region",
            Self::ReleaseId => "release_id",
        }
    }
}

impl FromStr for ArmField {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        known("field", name, Self::ALL, Self::name)
    }
}

/// A name that is none of the known ones.
#[derive(Debug, thiserror::Error)]
#[error("unknown {what} `{name}`; known: {known}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
    known: String,
}

pub(super) fn known<T: Copy, const N: usize>(
    what: &'static str,
    name: &str,
    all: [T; N],
    named: impl Fn(T) -> &'static str,
) -> Result<T, UnknownName> {
    let found = all.iter().copied().find(|value| named(*value) == name);
    found.ok_or_else(|| UnknownName {
        what,
        name: name.to_owned(),
        known: all.map(named).join(", "),
    })
}

/// Whether a request met a warm instance. Warm and cold are never mixed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Temperature {
    /// `cold_start` is false.
    Warm,
    /// `cold_start` is true.
    Cold,
    /// Not said.
    Untold,
}

/// Which of a request's latencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LatencyPoint {
    /// `tffb`: the first byte.
    Tffb,
    /// `tusable`: something a user can read.
    Tusable,
    /// `tfinal`: the last byte.
    #[default]
    Tfinal,
}

impl LatencyPoint {
    /// Every point.
    pub const ALL: [Self; 3] = [Self::Tffb, Self::Tusable, Self::Tfinal];

    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tffb => "tffb",
            Self::Tusable => "tusable",
            Self::Tfinal => "tfinal",
        }
    }
}

impl FromStr for LatencyPoint {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        known("latency", name, Self::ALL, Self::name)
    }
}

/// The latencies of a group in milliseconds, of all requests that state them, whatever their status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latencies {
    /// To the first byte.
    pub tffb: Sketch,
    /// To something a user can read.
    pub tusable: Sketch,
    /// To the last byte.
    pub tfinal: Sketch,
}

impl Latencies {
    /// Those of one point.
    pub fn at(&self, point: LatencyPoint) -> &Sketch {
        match point {
            LatencyPoint::Tffb => &self.tffb,
            LatencyPoint::Tusable => &self.tusable,
            LatencyPoint::Tfinal => &self.tfinal,
        }
    }
}

/// Requests of one arm, route, temperature and window; warm pings are not among them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The arm.
    pub arm: String,
    /// The route; empty where requests name none.
    pub route: String,
    /// Warm or cold.
    pub temperature: Temperature,
    /// When the window begins; a multiple of its length since 1970.
    pub start: Moment,
    /// Requests.
    pub n: u64,
    /// Those that failed: status 500 or above, a timeout, or an error class.
    pub n_errors: u64,
    /// Those with a status of 500 or above.
    pub n_5xx: u64,
    /// Those that found their answer in a cache.
    pub n_hits: u64,
    /// Those that looked in a cache in vain.
    pub n_misses: u64,
    /// How long they took.
    pub latency: Latencies,
}

/// What requests of one arm come to over the whole log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Requests without warm pings.
    pub n: u64,
    /// Warm pings, which count nowhere else.
    pub n_warm_pings: u64,
    /// The earliest request.
    pub first: Moment,
    /// The latest.
    pub last: Moment,
    /// How many requests ended with each status.
    pub statuses: BTreeMap<u16, u64>,
    /// Errors by stage and class.
    pub errors: Vec<ErrorClass>,
    /// What was done under each cache prefix.
    pub prefixes: BTreeMap<String, PrefixUse>,
    /// Contract pins of the requests.
    pub pins: Pins,
    /// Requests with a dedupe key.
    pub writes: Writes,
    /// Calls to webhooks and the like.
    pub egress: Egress,
    /// λ states that requests state.
    pub lambda: BTreeMap<Lambda, u64>,
    /// ΔS(question, retrieved) that requests state.
    pub delta_s: Sketch,
    /// Coverage that requests state.
    pub coverage: Sketch,
    /// The queue, window by window, ascending.
    pub queue: Vec<QueueWindow>,
    /// The seconds in which a request ended with 500 or above, ascending.
    pub seconds_5xx: Vec<Second>,
}

/// Errors of one class at one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorClass {
    /// Where: as `timeout_stage` says it, else headers for a status of 500 or above, else body.
    pub stage: Stage,
    /// Which: `error_class`, else `timeout`, else `http_503`.
    pub class: String,
    /// How many requests.
    pub n: u64,
    /// How many of them ended with a status of 500 or above.
    pub n_5xx: u64,
    /// How many different `sticky` sessions they belong to, a request without one standing for
    /// itself; exact up to [`ErrorClass::MOST_SESSIONS`], and that number beyond.
    pub n_sessions: u64,
}

impl ErrorClass {
    /// Sessions that are told apart.
    pub const MOST_SESSIONS: usize = 1024;
}

/// What was done under one cache prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixUse {
    /// Answers found.
    pub n_hits: u64,
    /// Answers not found.
    pub n_misses: u64,
    /// Requests whose `cache.purged` is true.
    pub n_purges: u64,
}

/// Contract pins of an arm's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pins {
    /// Requests that lack `SCHEMA_REV`.
    pub n_without_schema_rev: u64,
    /// Requests that state `INDEX_HASH` nowhere.
    pub n_without_index_hash: u64,
    /// Requests that lack `MODEL_TAG`.
    pub n_without_model_tag: u64,
    /// Requests that state two different values of `INDEX_HASH`: at the top, in `retrieval`, in `pins`.
    pub n_mixed: u64,
    /// Requests by value of `SCHEMA_REV`.
    pub schema_rev: BTreeMap<String, u64>,
    /// Requests by value of `INDEX_HASH`; one with two values counts for the first of `pins`,
    /// `retrieval`, top.
    pub index_hash: BTreeMap<String, u64>,
    /// Requests by value of `MODEL_TAG`.
    pub model_tag: BTreeMap<String, u64>,
}

/// Requests with a dedupe key that did not fail: what failed had no effect, and may be tried again. A
/// request has a side effect unless `egress.deduped` is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writes {
    /// Requests with a key that did not fail.
    pub n: u64,
    /// Those that were recognised as a repeat: `egress.deduped` is true.
    pub n_suppressed: u64,
    /// Side effects beyond the first of their key within this arm.
    pub n_repeated: u64,
    /// Keys with a side effect in this arm and in another.
    pub n_shared: u64,
}

/// Calls that leave the region: requests with `egress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Egress {
    /// Calls.
    pub n: u64,
    /// Those of requests that failed.
    pub n_failed: u64,
    /// Those that took more than one try.
    pub n_retried: u64,
}

/// The queue as an arm's requests met it in one window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueWindow {
    /// When the window begins.
    pub start: Moment,
    /// Requests that state `queue.backlog`.
    pub n_backlog: u64,
    /// Sum of `queue.backlog`.
    pub backlog_sum: u64,
    /// Largest `queue.backlog`.
    pub backlog_max: u64,
    /// Requests that state `queue.age_p95_ms`.
    pub n_age: u64,
    /// Sum of `queue.age_p95_ms`, in microseconds, so that it is exact in any order.
    pub age_sum_us: u64,
    /// Largest `queue.age_p95_ms`, in microseconds.
    pub age_max_us: u64,
}

/// One second with a server error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// When it begins.
    pub start: Moment,
    /// Requests of the arm in it.
    pub n: u64,
    /// Those with a status of 500 or above.
    pub n_5xx: u64,
    /// The first of those, in milliseconds after the start.
    pub first_5xx_ms: u16,
    /// The last of those.
    pub last_5xx_ms: u16,
}

/// What a log of requests comes to. The same requests give the same table, whatever the order, the
/// files and the threads they were read by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrafficTable {
    /// Version of this format.
    pub format: u32,
    /// What tells arms apart.
    pub arm_by: ArmField,
    /// Length of a window in seconds.
    pub window_s: u32,
    /// Every group, by arm, route, temperature and window.
    pub groups: Vec<Group>,
    /// Every arm.
    pub arms: BTreeMap<String, Arm>,
    /// How reading went.
    pub intake: Intake,
}

impl TrafficTable {
    /// The format this version writes.
    pub const FORMAT: u32 = 1;

    /// The groups of an arm.
    pub fn groups_of<'a>(&'a self, arm: &'a str) -> impl Iterator<Item = &'a Group> {
        self.groups.iter().filter(move |group| group.arm == arm)
    }
}
