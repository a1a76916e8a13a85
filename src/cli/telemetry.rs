//! How logs of requests are read, for every command that reads some.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::Failure;
use crate::traffic::{ArmField, ReadOptions, TrafficTable, read};

/// Where the fields of a log stand, and how much of it may be bad.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LogArgs {
    /// What tells arms apart: variant, color, revision, region or `release_id`. Default: what the runbook
    /// compares.
    #[arg(long, value_name = "FIELD")]
    pub(super) arm: Option<ArmField>,
    /// Where a field stands (`latency_ms.tfinal=duration.total`), or a value for all lines
    /// (`status==200`); may be given more than once.
    #[arg(long = "map", value_name = "FIELD=PATH")]
    maps: Vec<String>,
    /// The unit of the log's latencies.
    #[arg(long, value_name = "UNIT", value_enum, default_value_t = Unit::Ms)]
    latency_unit: Unit,
    /// Length of a window in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    window: u32,
    /// The share of lines that may be unreadable, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.001, value_parser = share)]
    most_bad: f64,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Unit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
}

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

impl LogArgs {
    /// How the logs are read, arms being told apart by a field unless it is named.
    pub(super) fn options(&self, arm_by: ArmField) -> Result<ReadOptions, Failure> {
        let mut options = ReadOptions {
            arm_by: self.arm.unwrap_or(arm_by),
            window_s: self.window,
            most_bad_share: self.most_bad,
            ..ReadOptions::default()
        };
        for mapping in &self.maps {
            let added = options.fields.add(mapping);
            added.map_err(|error| Failure::Name(format!("--map {mapping}: {error}")))?;
        }
        options.fields.latency_scale = match self.latency_unit {
            Unit::S => Some(1000.0),
            Unit::Ms => None,
            Unit::Us => Some(0.001),
        };
        Ok(options)
    }

    /// The table of the logs; none without a log.
    pub(super) fn read(
        &self,
        logs: &[PathBuf],
        arm_by: ArmField,
    ) -> Result<Option<TrafficTable>, Failure> {
        if logs.is_empty() {
            return Ok(None);
        }
        Ok(Some(read(logs, &self.options(arm_by)?)?))
    }
}
