//! What was observed beside the probes: live requests, and a drill.

mod answers;
mod drill;
mod one_page;
mod time_chart;
mod traffic;

pub(super) use drill::{DrillView, view as drill};
pub(in crate::report) use one_page::one_page;
pub(super) use traffic::{TrafficView, view as traffic};
