//! Soundness by simulation: runs with a known truth, judged by the real rules.
//!
//! [`Laws`] says what is true of every question, [`evidence`] draws a run from it, and [`judged`]
//! counts what [`ragstone::judge::judge`] says of many runs. [`rows`] is the table of checks with
//! their laws at the limit, with a defect and in health. Shared by `benches/soundness.rs`, which
//! runs all of it, and `tests/it/soundness.rs`, which runs some.

mod chance;
mod judging;
mod laws;
mod pooled;
mod rows;

pub(crate) use judging::{Rates, judged};
pub(crate) use laws::{Laws, evidence};
pub(crate) use pooled::{Pooled, pooled};
pub(crate) use rows::{Limit, Row, rows};
