//! Clauses that live requests or the events of a drill decide, which no probe replaces.

use crate::judge::case::Case;
use crate::judge::{Check, Definition, ReasonCode, RunbookStage};

/// Undecided while what would decide was not collected; at a stage without user traffic there is
/// nothing to collect.
pub(super) fn observed(check: Check, case: &Case) -> Check {
    if matches!(case.stage, RunbookStage::Shadow | RunbookStage::PreFlight) {
        let detail = format!("the {} stage carries no user traffic", case.stage);
        return check.not_applicable(ReasonCode::NoTrafficAtStage, detail);
    }
    let sources = Definition::of(check.id).sources;
    let words: Vec<&str> = sources.iter().map(|source| source.words()).collect();
    let sources = words.join(" or ");
    let then = check.remedy.clone().unwrap_or_default();
    let detail = format!("decided by {sources}, which was not given");
    check
        .inconclusive(ReasonCode::EvidenceMissing, detail)
        .advising(Some(format!(
            "collect the {sources} of this stage; if it is red then: {then}"
        )))
}
