//! Judging: from measured tables to a verdict.
//!
//! Pure, and the only place where a limit is compared with a number. What every check means stands
//! in one table ([`CHECKS`]), from which judging, `explain` and the reports follow. The unit is the
//! question; a census is compared exactly; a sample is judged by its bound.

use crate::measure::Status;

mod answers;
mod case;
mod census;
mod definition;
mod diagnosis;
mod errors;
mod evidence;
mod failing;
mod latency;
mod notes;
mod policy;
mod quality;
mod reason;
mod rule;
mod sample;
mod shadow;
mod verdict;
mod waiver;

use case::{Case, asked};

pub use answers::answers_equal;
pub use definition::{
    CHECKS, CheckId, Comparator, Definition, Kind, Runbook, RunbookStage, UnknownName, checks_of,
};
pub use evidence::{Evidence, SideEvidence};
pub use failing::failing;
pub use notes::notes;
pub use policy::{Basis, Limit, Override, Settings};
pub use reason::ReasonCode;
pub use verdict::{Check, CheckVerdict, GoldRef, RunVerdict, TargetRef, Verdict, worst};
pub use waiver::{Waiver, WaiverStatus, WaiverUse, waive};

/// Judges every check of the runbook's stage for every target that is not the control, in the order
/// of the runbook.
pub fn judge(evidence: &Evidence, settings: &Settings) -> Vec<Check> {
    let sides = evidence.sides.iter().filter(|side| !side.role.is_control());
    let cases = sides.map(|side| Case::new(side, evidence, settings));
    cases
        .flat_map(|case| {
            checks_of(settings.runbook, settings.stage)
                .map(move |definition| one(definition, &case))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn one(definition: &'static Definition, case: &Case) -> Check {
    let blank = Check::new(definition, case);
    if let Some((verdict, reason, detail)) = unusable(case) {
        return blank.with(verdict, reason, detail);
    }
    let judged = match definition.id {
        CheckId::CaDs | CheckId::BgDs => quality::delta_s(blank, case),
        CheckId::CaCov | CheckId::BgCov => quality::coverage(blank, case),
        CheckId::CaLam | CheckId::BgLam => quality::lambda(blank, case),
        CheckId::CaP95 | CheckId::BgP95 => latency::ratio(blank, case),
        CheckId::CaErr | CheckId::CaCache | CheckId::BgHit => latency::no_traffic(blank),
        CheckId::CaNewErr | CheckId::BgNewErr => errors::new_classes(blank, case),
        CheckId::CaPar | CheckId::BgPar => census::parity(blank, case),
        CheckId::CaS0 => shadow::hard_stop(blank, case),
        CheckId::BgShadow => shadow::block(blank, case),
    };
    diagnosis::after_contract(judged, case).finished()
}

/// What makes every check of a side undecidable, whatever its numbers.
fn unusable(case: &Case) -> Option<(CheckVerdict, ReasonCode, String)> {
    let sides = [case.side, case.control()];
    for side in sides {
        if let Err(problem) = side
            .contract_at_start
            .as_ref()
            .and(side.contract_at_end.as_ref())
        {
            let detail = format!("the contract of {} could not be read: {problem}", side.name);
            return Some((CheckVerdict::Error, ReasonCode::TargetUnreachable, detail));
        }
    }
    for side in sides {
        if asked(case.evidence, side).all(|cell| cell.status != Status::Scored) {
            let detail = format!("not one probe of {} was answered", side.name);
            return Some((CheckVerdict::Error, ReasonCode::NoProbeScored, detail));
        }
    }
    let moved = sides
        .into_iter()
        .find(|side| side.contract_at_start != side.contract_at_end)?;
    let detail = format!(
        "the contract of {} changed while it was probed, so no number belongs to one index",
        moved.name
    );
    Some((
        CheckVerdict::Inconclusive,
        ReasonCode::ContractMoved,
        detail,
    ))
}

#[cfg(test)]
mod tests;
