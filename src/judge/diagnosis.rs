//! From a red check to its likely cause, by the remedies of RUNBOOKS.md.

use crate::judge::census::REQUIRED;
use crate::judge::{
    Check, CheckId, CheckVerdict, Definition, Evidence, Kind, Settings, SideEvidence,
};
use crate::measure::{Axes, CurvePoint, Missing, curve, questions};
use crate::parity::{ContractField, FieldStatus};
use crate::stats::median;

/// A curve that moves less than this over the sweep is flat.
const FLAT: f64 = 0.05;
/// A curve that falls more than this over the sweep improves sharply.
const SHARP: f64 = 0.10;
/// Anchor and decoy nearer to each other than this cannot be told apart.
const SAME_DISTANCE: f64 = 0.03;

/// Names the cause that the shape of ΔS points to, if the check is not green and the shape is
/// clear.
pub(super) fn delta_s(mut check: Check, side: &SideEvidence, evidence: &Evidence) -> Check {
    if !matches!(
        check.verdict,
        CheckVerdict::Fail | CheckVerdict::Inconclusive
    ) {
        return check;
    }
    let points = curve(&evidence.table, &side.name);
    if let (Some(first), Some(last)) = (points.first(), points.last()) {
        let change = last.delta_s_median - first.delta_s_median;
        let high = points
            .iter()
            .all(|point: &CurvePoint| point.delta_s_median > check.limit);
        if high && change.abs() <= FLAT {
            check.remedy = Some(
                "ΔS is flat and high over k: look for a metric, normalisation or index mismatch"
                    .to_owned(),
            );
        } else if change <= -SHARP {
            check.remedy = Some("ΔS falls sharply as k grows: filtering is too aggressive, or the reranker drops the good ones".to_owned());
        } else if let Some((anchor, decoy)) = anchor_and_decoy(side, evidence)
            .filter(|(anchor, decoy)| (anchor - decoy).abs() <= SAME_DISTANCE)
        {
            check.remedy = Some(format!(
                "anchor ({anchor:.2}) and decoy ({decoy:.2}) are equally near what was retrieved: look at chunk boundaries"
            ));
        }
    }
    check
}

fn anchor_and_decoy(side: &SideEvidence, evidence: &Evidence) -> Option<(f64, f64)> {
    let cells = || {
        evidence
            .table
            .cells
            .iter()
            .filter(|cell| cell.target == side.name && cell.counts())
    };
    let anchors: Vec<f64> = cells().filter_map(|cell| cell.delta_s_anchor).collect();
    let decoys: Vec<f64> = cells().filter_map(|cell| cell.delta_s_decoy).collect();
    Some((median(&anchors)?, median(&decoys)?))
}

/// Names the axis that diverged most.
pub(super) fn lambda(mut check: Check, axes: &Axes) -> Check {
    if matches!(
        check.verdict,
        CheckVerdict::Fail | CheckVerdict::Inconclusive
    ) {
        let (paraphrase, seed) = (axes.paraphrase.len(), axes.seed.len());
        check.remedy = if paraphrase > seed {
            Some(format!(
                "λ flips across paraphrases on {paraphrase} questions: look at query parsing and the analyzer"
            ))
        } else if seed > 0 {
            Some(format!(
                "λ flips across seeds on {seed} questions: ordering variance, so make the reranker and the tie-break deterministic"
            ))
        } else {
            Some("no axis flips: the target sections are not found under any wording, so look for lost or edited sections".to_owned())
        };
    }
    check
}

/// Tells a lost section from a near-topic one: coverage is low in both, ΔS only in the first is
/// bad.
pub(super) fn coverage(
    mut check: Check,
    side: &SideEvidence,
    evidence: &Evidence,
    settings: &Settings,
) -> Check {
    if matches!(
        check.verdict,
        CheckVerdict::Fail | CheckVerdict::Inconclusive
    ) {
        let worst = questions(&evidence.table, &side.name, Missing::Worst);
        let distances: Vec<f64> = worst.iter().map(|question| question.delta_s).collect();
        let limit = settings.limit(Definition::of(CheckId::CaDs)).value;
        check.remedy = Some(match median(&distances) {
            Some(distance) if distance <= limit => {
                format!("coverage is low while ΔS is fine ({distance:.2}): near-topic sections are retrieved instead of the target")
            }
            _ => "coverage and ΔS are both bad: look for lost sections, then for the wrong metric or analyzer".to_owned(),
        });
    }
    check
}

/// The first failing rung is the cause: while the contract differs, what the probes show is its
/// consequence.
pub(super) fn after_contract(mut check: Check, side: &SideEvidence, evidence: &Evidence) -> Check {
    let red = matches!(
        check.verdict,
        CheckVerdict::Fail | CheckVerdict::Inconclusive
    );
    if !red || check.kind == Kind::Census {
        return check;
    }
    let Some(parity) = evidence.parity_of(&side.name) else {
        return check;
    };
    let differs = |field: &&ContractField| parity.status(**field) == FieldStatus::Differs;
    let fields: Vec<&str> = REQUIRED
        .iter()
        .filter(differs)
        .map(|field| field.name())
        .collect();
    if !fields.is_empty() {
        let first = format!(
            "{} differs from what was intended: mend that first and replay, since it explains this",
            fields.join(" and ")
        );
        check.remedy = Some(match check.remedy.take() {
            Some(remedy) => format!("{first}; if it is still red after that: {remedy}"),
            None => first,
        });
    }
    check
}
