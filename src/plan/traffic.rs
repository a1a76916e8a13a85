//! How logs of live requests are read and judged, checked.

use std::collections::BTreeMap;
use std::path::Path;

use crate::ids::TargetName;
use crate::judge::{ObservedSettings, Runbook};
use crate::plan::PolicyError;
use crate::plan::written::{LatencyUnit, Traffic};
use crate::traffic::{FieldMap, ReadOptions};

/// How requests are judged.
pub(super) fn judged(path: &Path, written: &Traffic) -> Result<ObservedSettings, PolicyError> {
    let outside = |value: Option<f64>, most: f64| {
        value.filter(|value| !(value.is_finite() && (0.0..=most).contains(value)))
    };
    for (key, value, most) in [
        ("share", written.share, 1.0),
        ("minutes", written.minutes, ObservedSettings::LONGEST),
        (
            "warm_up_s",
            Some(written.warm_up_s),
            ObservedSettings::LONGEST,
        ),
        ("most_bad", Some(written.most_bad), 1.0),
    ] {
        if let Some(value) = outside(value, most) {
            let help = if most == 1.0 {
                "write a share from 0 to 1"
            } else {
                "write a number from 0 to 1000000"
            };
            return Err(PolicyError::meaning(
                path,
                format!("[traffic] {key} is {value}"),
                help,
            ));
        }
    }
    let arms: BTreeMap<TargetName, String> = written
        .arms
        .iter()
        .map(|(target, arm)| (TargetName::new(target.clone()), arm.clone()))
        .collect();
    Ok(ObservedSettings {
        arms,
        latency: written.latency,
        share: written.share,
        planned_minutes: written.minutes,
        warm_up_s: written.warm_up_s,
        allow_simulated: false,
    })
}

/// How logs are read.
pub(super) fn read(
    path: &Path,
    written: &Traffic,
    runbook: Runbook,
) -> Result<ReadOptions, PolicyError> {
    if !(1..=86_400).contains(&written.window_s) {
        return Err(PolicyError::meaning(
            path,
            format!("[traffic] window_s is {}", written.window_s),
            "a window has 1 to 86400 seconds; 60 is usual",
        ));
    }
    let mut fields = FieldMap {
        latency_scale: match written.latency_unit {
            LatencyUnit::S => Some(1000.0),
            LatencyUnit::Ms => None,
            LatencyUnit::Us => Some(0.001),
        },
        ..FieldMap::default()
    };
    let paths = written.fields.iter().map(|(field, to)| (field, "=", to));
    let constants = written.constants.iter();
    let constants = constants.map(|(field, to)| (field, "==", to));
    for (field, sign, to) in paths.chain(constants) {
        fields.add(&format!("{field}{sign}{to}")).map_err(|error| {
            PolicyError::meaning(
                path,
                format!("[traffic] {field}: {error}"),
                "docs/telemetry.md lists the fields",
            )
        })?;
    }
    Ok(ReadOptions {
        arm_by: written.arm.unwrap_or_else(|| runbook.arm_by()),
        window_s: written.window_s,
        most_bad_share: written.most_bad,
        fields,
    })
}
