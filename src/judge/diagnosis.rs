//! From a red check to its likely cause, by the remedies of RUNBOOKS.md.

use crate::judge::case::Case;
use crate::judge::{Check, Kind, attribution};
use crate::measure::{Axes, CellMetrics, curve};
use crate::parity::Rung;
use crate::stats::median;

/// A curve that moves less than this over the sweep is flat.
const FLAT: f64 = 0.05;
/// A curve that falls more than this over the sweep improves sharply.
const SHARP: f64 = 0.10;
/// Anchor and decoy nearer to each other than this cannot be told apart.
const SAME_DISTANCE: f64 = 0.03;

/// Names the cause that the shape of ΔS points to, if the check is red and the shape is clear.
pub(super) fn delta_s(check: Check, case: &Case) -> Check {
    let remedy = shape(case, check.limit);
    if check.is_red() {
        check.advising(remedy)
    } else {
        check
    }
}

fn shape(case: &Case, limit: f64) -> Option<String> {
    let points = curve(&case.evidence.table, &case.side.name);
    let change = points.last()?.delta_s_median - points.first()?.delta_s_median;
    if points.iter().all(|point| point.delta_s_median > limit) && change.abs() <= FLAT {
        return Some(
            "ΔS is flat and high over k: look for a metric, normalisation or index mismatch"
                .to_owned(),
        );
    }
    if change <= -SHARP {
        return Some("ΔS falls sharply as k grows: filtering is too aggressive, or the reranker drops the good ones".to_owned());
    }
    let anchor = cell_median(case, |cell| cell.delta_s_anchor)?;
    let decoy = cell_median(case, |cell| cell.delta_s_decoy)?;
    let alike = (anchor - decoy).abs() <= SAME_DISTANCE;
    alike.then(|| format!("anchor ({anchor:.2}) and decoy ({decoy:.2}) are equally near what was retrieved: look at chunk boundaries"))
}

fn cell_median(case: &Case, value: impl Fn(&CellMetrics) -> Option<f64>) -> Option<f64> {
    let cells = case
        .evidence
        .table
        .cells
        .iter()
        .filter(|cell| cell.target == case.side.name && cell.counts());
    median(&cells.filter_map(value).collect::<Vec<_>>())
}

/// Names the axis that diverged most.
pub(super) fn lambda(check: Check, axes: &Axes) -> Check {
    if !check.is_red() {
        return check;
    }
    let (paraphrase, seed) = (axes.paraphrase.len(), axes.seed.len());
    check.advising(Some(if paraphrase > seed {
        format!("λ flips across paraphrases on {paraphrase} questions: look at query parsing and the analyzer")
    } else if seed > 0 {
        format!("λ flips across seeds on {seed} questions: ordering variance, so make the reranker and the tie-break deterministic")
    } else {
        "no axis flips: the target sections are not found under any wording, so look for lost or edited sections".to_owned()
    }))
}

/// Tells a lost section from a near-topic one: coverage is low in both, ΔS only in the first is bad.
pub(super) fn coverage(check: Check, case: &Case) -> Check {
    if !check.is_red() {
        return check;
    }
    let distances: Vec<f64> = case
        .questions
        .iter()
        .map(|question| question.delta_s)
        .collect();
    let distance = median(&distances).filter(|distance| *distance <= case.delta_s_limit());
    check.advising(Some(match distance {
        Some(distance) => format!("coverage is low while ΔS is fine ({distance:.2}): near-topic sections are retrieved instead of the target"),
        None => "coverage and ΔS are both bad: look for lost sections, then for the wrong metric or analyzer".to_owned(),
    }))
}

/// The first failing rung is the cause: what the probes show above it is its consequence.
pub(super) fn after_contract(check: Check, case: &Case) -> Check {
    if !check.is_red() || check.kind != Kind::Sample {
        return check;
    }
    let ladder = attribution::of(case);
    let Some(broken) = ladder.cause().filter(|found| found.rung < Rung::Fusion) else {
        return check;
    };
    let first = format!(
        "the {} rung of the ladder fails: mend that first and replay, since it explains this",
        broken.rung.name()
    );
    let then = check.remedy.as_ref().map_or_else(String::new, |remedy| {
        format!("; if it is still red after that: {remedy}")
    });
    check.advising(Some(first + &then))
}
