//! Errors by class, and how long a service took.

use crate::report::calls::{self, Fault, Percentiles, Speed};
use crate::report::html::words;
use crate::report::{Report, plain, printable};

/// One class of errors of one target.
pub(super) struct FaultView {
    pub(super) target: String,
    pub(super) class: String,
    pub(super) stage: &'static str,
    pub(super) n: usize,
    pub(super) statuses: String,
    pub(super) attempts: u64,
    pub(super) median: String,
    pub(super) message: String,
}

/// One target that is reached over a network.
pub(super) struct SpeedView {
    pub(super) target: String,
    pub(super) calls: String,
    /// The 50th and 95th percentile of each part.
    pub(super) values: Vec<String>,
}

/// Every class, the most frequent first.
pub(super) fn faults(report: &Report) -> Vec<FaultView> {
    let view = |fault: Fault| FaultView {
        target: words::name(fault.target),
        class: plain(fault.class),
        stage: fault.stage.name(),
        n: fault.n,
        statuses: fault.statuses(),
        attempts: fault.attempts,
        median: words::number(fault.median_ms, 2),
        message: printable(fault.message),
    };
    calls::faults(report).into_iter().map(view).collect()
}

/// In the order of the run.
pub(super) fn speeds(report: &Report) -> Vec<SpeedView> {
    let values = |times: Option<Percentiles>| {
        [times.map(|t| t.p50), times.map(|t| t.p95)].map(|ms| words::number(ms, 2))
    };
    let view = |speed: Speed| SpeedView {
        target: words::name(speed.target),
        calls: speed.calls(),
        values: speed.times.into_iter().flat_map(values).collect(),
    };
    calls::speeds(report).into_iter().map(view).collect()
}
