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
    /// The unit of the log's latencies. Default: ms.
    #[arg(long, value_name = "UNIT", value_enum)]
    latency_unit: Option<Unit>,
    /// Length of a window in seconds. Default: 60.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    window: Option<u32>,
    /// The share of lines that may be unreadable, from 0 to 1. Default: 0.001.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    most_bad: Option<f64>,
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
    /// How the logs are read: as the policy says, with what the command line sets over it.
    pub(super) fn options(&self, policy: &ReadOptions) -> Result<ReadOptions, Failure> {
        let mut options = ReadOptions {
            arm_by: self.arm.unwrap_or(policy.arm_by),
            window_s: self.window.unwrap_or(policy.window_s),
            most_bad_share: self.most_bad.unwrap_or(policy.most_bad_share),
            fields: policy.fields.clone(),
        };
        for mapping in &self.maps {
            let added = options.fields.add(mapping);
            added.map_err(|error| Failure::Name(format!("--map {mapping}: {error}")))?;
        }
        match self.latency_unit {
            None => {}
            Some(Unit::S) => options.fields.latency_scale = Some(1000.0),
            Some(Unit::Ms) => options.fields.latency_scale = None,
            Some(Unit::Us) => options.fields.latency_scale = Some(0.001),
        }
        Ok(options)
    }

    /// The table of the logs; none without a log.
    pub(super) fn read(
        &self,
        logs: &[PathBuf],
        policy: &ReadOptions,
    ) -> Result<Option<TrafficTable>, Failure> {
        if logs.is_empty() {
            return Ok(None);
        }
        Ok(Some(read(logs, &self.options(policy)?)?))
    }
}
