//! Judging: from measured tables to a verdict.
//!
//! Pure, and the only place where a limit is compared with a number. What every check means stands
//! in one table ([`CHECKS`]), from which judging, `explain` and the reports follow. The unit is the
//! question; a census is compared exactly; a sample is judged by its bound.

use crate::measure::Status;
use crate::parity::ContractField;

mod case;
mod census;
mod definition;
mod diagnosis;
mod drill;
mod errors;
mod evidence;
mod failing;
mod history;
mod latency;
mod notes;
mod observed;
mod paired;
mod policy;
mod pre_flight;
mod prospect;
mod quality;
mod reason;
mod rule;
mod sample;
mod stops;
mod verdict;
mod waiver;

use case::{Case, asked};

pub use definition::{
    CheckId, Comparator, Definition, Kind, Method, Runbook, RunbookStage, Source, UnknownName,
};
pub use drill::DrillCheck;
pub use evidence::{Evidence, SideEvidence};
pub use failing::failing;
pub use history::{PastCheck, PastRun};
pub use notes::notes;
pub use policy::{Basis, Limit, Override, Settings, Trial};
pub use prospect::{
    Assumption, Decidable, Effect, Healthy, Law, Outcome, Outlook, Prospect, outcome, prospects,
};
pub use reason::ReasonCode;
pub use verdict::{Check, CheckVerdict, GoldRef, RunVerdict, TargetRef, Verdict, worst};
pub use waiver::{Waiver, WaiverStatus, WaiverUse, waive};

/// Judges every trial in order, each check in the order of the runbook.
pub fn judge(evidence: &Evidence, settings: &Settings) -> Vec<Check> {
    settings
        .trials(evidence)
        .iter()
        .filter_map(|trial| Some((trial, Case::new(trial, evidence, settings)?)))
        .flat_map(|(trial, case)| of_trial(trial, &case))
        .collect()
}

fn of_trial(trial: &Trial, case: &Case) -> Vec<Check> {
    let mut checks = Vec::new();
    for &id in &trial.checks {
        let check = one(Definition::of(id), None, case, &checks);
        checks.push(check);
    }
    for &named in &trial.named {
        let check = one(Definition::of(named.id()), Some(named), case, &checks);
        checks.push(check);
    }
    checks
}

/// `so_far` are the checks of the same side that stand before it in the runbook.
fn one(
    definition: &'static Definition,
    named: Option<DrillCheck>,
    case: &Case,
    so_far: &[Check],
) -> Check {
    let blank = Check {
        named,
        ..Check::new(definition, case)
    };
    if let Some((verdict, reason, detail)) = unusable(definition, case) {
        return blank.with(verdict, reason, detail);
    }
    let judged = match definition.method {
        Method::DeltaS => quality::delta_s(blank, case),
        Method::Coverage => quality::coverage(blank, case),
        Method::Convergence => quality::lambda(blank, case),
        Method::LatencyRatio => latency::ratio(blank, case),
        Method::NewErrorClass => errors::new_classes(blank, case),
        Method::Parity([ContractField::DedupeStore]) => {
            census::both_state(blank, case, ContractField::DedupeStore, "warm")
        }
        Method::Parity(fields) => census::parity(
            blank,
            case,
            named.and_then(DrillCheck::fields).unwrap_or(fields),
        ),
        Method::ShadowStop => stops::hard_stop(blank, case),
        Method::Block => stops::block(blank, case),
        Method::TopicCoverage => stops::topics(blank, case),
        Method::ParaphraseFlips => stops::flips(blank, case),
        Method::Drift
        | Method::DriftAndConvergence
        | Method::MeanDrift
        | Method::Shifts
        | Method::CoverageDrift
        | Method::Flips => paired::paired(blank, case, definition.method),
        Method::AnswersEqual => observed::observed(blank, case),
        Method::PreFlight => pre_flight::pre_flight(blank, case),
        Method::AfterCutover => paired::after_cutover(blank, case),
        Method::GreenHour => history::green_hour(blank, case, so_far),
        Method::FailedTwice => history::failed_twice(blank, case, so_far),
        Method::Observed => observed::observed(blank, case),
    };
    let judged = history::over_the_window(judged, case);
    diagnosis::after_contract(judged, case).finished()
}

/// What makes a check of a side undecidable, whatever its numbers. What is judged from elsewhere does
/// not depend on the probes.
fn unusable(definition: &Definition, case: &Case) -> Option<(CheckVerdict, ReasonCode, String)> {
    if definition.method == Method::Observed {
        return None;
    }
    let sides = [case.side, case.control];
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
