//! The checks of an audit by the phase of the drill.

use crate::ids::TargetName;
use crate::judge::{Check, RunbookStage};
use crate::report::labels;

/// The checks of one phase.
#[derive(Clone, Debug)]
pub(in crate::report) struct Phase<'a> {
    /// Its name: `pre`, `live` or `post`.
    pub(in crate::report) name: &'static str,
    /// The regions, in order of first appearance.
    pub(in crate::report) regions: Vec<&'a str>,
    /// Each check's label, with the places in the verdict of its checks of each region.
    pub(in crate::report) rows: Vec<(String, Vec<Vec<usize>>)>,
}

/// A target of an audit, `eu-west (post)`, as its region and its phase; one of another run as it is.
pub(in crate::report) fn region_and_phase(target: &TargetName) -> (&str, Option<&'static str>) {
    let phases = [RunbookStage::Pre, RunbookStage::Live, RunbookStage::Post];
    let name = target.as_str();
    let found = phases.into_iter().find_map(|phase| {
        let region = name.strip_suffix(&format!(" ({phase})"))?;
        Some((region, Some(phase.name())))
    });
    found.unwrap_or((name, None))
}

/// Every phase that has a check, in their order; none for a run that is no audit.
pub(in crate::report) fn phases(checks: &[Check]) -> Vec<Phase<'_>> {
    let phase = |name: &'static str| {
        let own: Vec<(usize, &str, &Check)> = checks
            .iter()
            .enumerate()
            .filter_map(|(index, check)| match region_and_phase(&check.target) {
                (region, Some(phase)) if phase == name => Some((index, region, check)),
                _ => None,
            })
            .collect();
        let mut regions: Vec<&str> = Vec::new();
        let mut labels: Vec<String> = Vec::new();
        for (_, region, check) in &own {
            if !regions.contains(region) {
                regions.push(region);
            }
            let label = labels::check(check);
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        let cell = |label: &str, region: &str| {
            let same = own
                .iter()
                .filter(|(_, of, check)| *of == region && labels::check(check) == label);
            same.map(|(index, _, _)| *index).collect::<Vec<usize>>()
        };
        let row = |label: String| {
            let cells = regions.iter().map(|region| cell(&label, region)).collect();
            (label, cells)
        };
        let rows = labels.into_iter().map(row).collect();
        Phase {
            name,
            regions,
            rows,
        }
    };
    let names = [RunbookStage::Pre, RunbookStage::Live, RunbookStage::Post].map(RunbookStage::name);
    let all = names.into_iter().map(phase);
    all.filter(|phase| !phase.rows.is_empty()).collect()
}
