//! Latency and live traffic: what an in-process replay has nothing to say about.

use crate::judge::{Check, Evidence, ReasonCode, SideEvidence};
use crate::target::Locality;

/// p95 ratio: not a property of an index that runs inside this process.
pub(super) fn ratio(check: Check, side: &SideEvidence, evidence: &Evidence) -> Check {
    let in_process = [side, evidence.control()]
        .into_iter()
        .find(|side| side.locality == Locality::InProcess);
    match in_process {
        Some(side) => {
            let detail = format!(
                "{} runs inside this process: its latency is not a service's",
                side.name
            );
            check.not_applicable(ReasonCode::InProcessTarget, detail)
        }
        None => check.inconclusive(
            ReasonCode::EvidenceMissing,
            "no warm latency was recorded apart from cold",
        ),
    }
}

/// Judged from request telemetry, which a stage without user traffic has none of.
pub(super) fn no_traffic(check: Check) -> Check {
    check.not_applicable(
        ReasonCode::NoTrafficAtStage,
        "the shadow stage carries no user traffic",
    )
}
