//! The ΔS(k) curve: what the shape of ΔS over the cut-off says about a fault.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{Form, TargetName};
use crate::measure::MetricTable;
use crate::replay::Purpose;
use crate::stats::median;

/// One point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Hits asked for.
    pub k: usize,
    /// Median of ΔS over questions, original wording, first seed.
    pub delta_s_median: f64,
    /// Questions behind it.
    pub n_questions: usize,
}

/// The curve of one target, by rising `k`. Probes that failed are left out here: the curve
/// diagnoses, it does not judge.
pub fn curve(table: &MetricTable, target: &TargetName) -> Vec<CurvePoint> {
    let cells = table.cells.iter().filter(|cell| {
        // A repeat of the only seed would count its question twice.
        let once = cell.purpose != Purpose::Repeat;
        cell.target == *target && cell.answerable && cell.form == Form::ORIGINAL && once
    });
    let first_seed = cells.clone().map(|cell| cell.seed).next();
    let mut by_k: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for cell in cells.filter(|cell| Some(cell.seed) == first_seed) {
        by_k.entry(cell.k).or_default().extend(cell.delta_s);
    }
    let point = |(k, values): (usize, Vec<f64>)| {
        Some(CurvePoint {
            k,
            delta_s_median: median(&values)?,
            n_questions: values.len(),
        })
    };
    by_k.into_iter().filter_map(point).collect()
}
