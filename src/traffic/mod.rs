//! Live traffic and drills: a log of requests becomes a [`TrafficTable`], a drill log a
//! [`Timeline`].
//!
//! Reading is at the rim and streams; what it yields are plain values that say all that judging needs,
//! so that a verdict can be drawn from them again without the logs.

mod counts;
mod drill_log;
mod event;
mod fields;
mod gather;
mod intake;
mod order;
mod parquet;
mod read;
mod request;
mod scan;
mod sketch;
mod table;
mod time;
mod timeline;

pub use drill_log::{DrillLogError, read_drill_log};
pub use event::{Event, Happening, KeyParts};
pub use fields::{Field, FieldMap, MapError};
pub use gather::Gathering;
pub use intake::{BadLine, Intake};
pub use read::{LogReader, ReadOptions, TrafficError, gather_lines, read, read_lines, whole_table};
pub use sketch::{Bucket, Sketch};
pub use table::{
    Arm, ArmField, Egress, ErrorClass, Group, Latencies, LatencyPoint, Pins, PrefixUse,
    QueueWindow, Second, Temperature, TrafficTable, UnknownName, Writes,
};
pub use timeline::{Roles, Timeline};

/// What was observed beside the probes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Requests of users.
    pub traffic: Option<TrafficTable>,
    /// The events of a drill.
    pub timeline: Option<Timeline>,
}
