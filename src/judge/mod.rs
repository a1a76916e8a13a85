//! Judging: from measured tables to a verdict.
//!
//! Pure, and the only place where a limit is compared with a number. What every check means stands
//! in one table ([`CHECKS`]), from which judging, `explain` and the reports follow. The unit is the
//! question; a census is compared exactly; a sample is judged by its bound.

mod census;
mod definition;
mod diagnosis;
mod errors;
mod evidence;
mod latency;
mod notes;
mod policy;
mod quality;
mod reason;
mod rule;
mod shadow;
mod verdict;

pub use definition::{
    CHECKS, CheckId, Comparator, Definition, Kind, Runbook, RunbookStage, UnknownName, checks_of,
};
pub use evidence::{Evidence, SideEvidence};
pub use notes::notes;
pub use policy::{Basis, Limit, Override, Settings};
pub use reason::ReasonCode;
pub use verdict::{Check, CheckVerdict, GoldRef, RunVerdict, TargetRef, Verdict, worst};

/// Judges every check of the runbook's stage for every target that is not the control, in the order
/// of the runbook.
pub fn judge(evidence: &Evidence, settings: &Settings) -> Vec<Check> {
    let mut checks = Vec::new();
    for side in evidence.sides.iter().filter(|side| !side.role.is_control()) {
        for definition in checks_of(settings.runbook, settings.stage) {
            checks.push(one(definition, side, evidence, settings));
        }
    }
    checks
}

fn one(
    definition: &'static Definition,
    side: &SideEvidence,
    evidence: &Evidence,
    settings: &Settings,
) -> Check {
    let blank = Check::new(definition, side, evidence, settings);
    if let Some(stopped) = unusable(&blank, side, evidence) {
        return stopped;
    }
    let judged = match definition.id {
        CheckId::CaDs | CheckId::BgDs => quality::delta_s(blank, side, evidence, settings),
        CheckId::CaCov | CheckId::BgCov => quality::coverage(blank, side, evidence, settings),
        CheckId::CaLam | CheckId::BgLam => quality::lambda(blank, side, evidence, settings),
        CheckId::CaP95 | CheckId::BgP95 => latency::ratio(blank, side, evidence),
        CheckId::CaErr | CheckId::CaCache | CheckId::BgHit => latency::no_traffic(blank),
        CheckId::CaNewErr | CheckId::BgNewErr => errors::new_classes(blank, side, evidence),
        CheckId::CaPar | CheckId::BgPar => census::parity(blank, side, evidence),
        CheckId::CaS0 => shadow::hard_stop(blank, side, evidence, settings),
        CheckId::BgShadow => shadow::block(blank, side, evidence, settings),
    };
    diagnosis::after_contract(judged, side, evidence).finished()
}

/// What makes every check of a side undecidable, whatever its numbers.
fn unusable(blank: &Check, side: &SideEvidence, evidence: &Evidence) -> Option<Check> {
    let control = evidence.control();
    for reading in [
        &side.contract_at_start,
        &side.contract_at_end,
        &control.contract_at_start,
        &control.contract_at_end,
    ] {
        if let Err(problem) = reading {
            return Some(blank.clone().error(
                ReasonCode::TargetUnreachable,
                format!("the contract could not be read: {problem}"),
            ));
        }
    }
    for side in [side, control] {
        if evidence.n_scored(&side.name) == 0 {
            return Some(blank.clone().error(
                ReasonCode::NoProbeScored,
                format!("not one probe of {} was answered", side.name),
            ));
        }
    }
    let moved = [side, control]
        .into_iter()
        .find(|side| side.contract_at_start != side.contract_at_end)?;
    let detail = format!(
        "the contract of {} changed while it was probed, so no number belongs to one index",
        moved.name
    );
    Some(
        blank
            .clone()
            .inconclusive(ReasonCode::ContractMoved, detail),
    )
}

#[cfg(test)]
mod tests;
