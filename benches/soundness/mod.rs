//! Soundness by simulation: runs with a known truth, judged by the real rules.
//!
//! [`Laws`] says what is true of every question, a run is drawn from it, and [`judged`] counts what
//! `ragstone::judge::judge` says of many runs. [`rows`] is the table of checks with their laws at
//! the limit, with a defect and in health. Shared by `benches/soundness.rs`, which runs all of it,
//! and `tests/it/soundness.rs`, which runs some.

mod chance;
pub(crate) mod judging;
mod laws;
pub(crate) mod pooled;
mod rows;
mod topic;

pub(crate) use judging::{Simulation, judged, planned};
pub(crate) use laws::Laws;
pub(crate) use pooled::pooled;
pub(crate) use rows::{Case, Row, left_out, rows};
pub(crate) use topic::{TopicLaw, shows_the_limit};

/// The drift row, beside which pooled cells are shown.
pub(crate) const DRIFT: ragstone::judge::CheckId = ragstone::judge::CheckId::MrDrift;
