//! Latency and live traffic: what an in-process replay has nothing to say about.

use crate::judge::case::Case;
use crate::judge::{Check, ReasonCode};
use crate::target::Locality;

/// p95 ratio: not a property of an index that runs inside this process.
pub(super) fn ratio(check: Check, case: &Case) -> Check {
    let sides = [case.side, case.control()];
    match sides
        .into_iter()
        .find(|side| side.locality == Locality::InProcess)
    {
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
