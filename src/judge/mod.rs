//! Judging: from measured tables to a verdict.
//!
//! Pure, and the only place where a limit is compared with a number. What every check means stands
//! in one table ([`CHECKS`]), from which judging, `explain` and the reports follow. The unit is the
//! question; a census is compared exactly; a sample is judged by its bound.

use crate::measure::Status;

mod answers;
mod attribution;
mod case;
mod census;
mod definition;
mod diagnosis;
mod drill;
mod equal;
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
mod requirement;
mod rule;
mod sample;
mod stops;
mod timeline;
mod traffic;
mod verdict;
mod waiver;

use case::{Case, asked};
use observed::Scene;

pub use answers::answers_equal;
pub use attribution::{SideLadder, ladders};
pub use definition::{
    CheckId, Comparator, Definition, Kind, Method, Runbook, RunbookStage, Source, UnknownName,
};
pub use drill::DrillCheck;
pub use evidence::{Evidence, SideEvidence};
pub use failing::failing;
pub use history::{PastCheck, PastRun};
pub use notes::notes;
pub use observed::judge_observed;
pub use policy::{Basis, Limit, ObservedSettings, Override, Settings, Trial};
pub use prospect::{
    Assumption, Decidable, Effect, Healthy, Law, Outcome, Outlook, Prospect, outcome, prospects,
};
pub use reason::ReasonCode;
pub use requirement::{NoRequirement, Requirement};
pub use verdict::{Check, CheckVerdict, GoldRef, RunVerdict, TargetRef, Verdict, worst};
pub use waiver::{Waiver, WaiverStatus, WaiverUse, waive};

/// Judges every trial in order, each check in the order of the runbook.
pub fn judge(evidence: &Evidence, settings: &Settings) -> Vec<Check> {
    let trials = settings.trials(evidence);
    let of_trial = |(place, trial): (usize, &Trial)| {
        // A requirement is of one side: where several trials have it, the first judges it.
        let first = trials[..place]
            .iter()
            .all(|earlier| earlier.side != trial.side);
        let required: &[Requirement] = if first { &settings.required } else { &[] };
        of_trial(trial, required, evidence, settings)
    };
    trials.iter().enumerate().flat_map(of_trial).collect()
}

fn of_trial(
    trial: &Trial,
    required: &[Requirement],
    evidence: &Evidence,
    settings: &Settings,
) -> Vec<Check> {
    let case = Case::new(trial, evidence, settings);
    let scene = Scene::new(&evidence.observed, trial, settings);
    let mut checks = Vec::new();
    let mut blanks: Vec<Check> = blanks(trial, settings).collect();
    // Clauses that look back look at every check before them.
    let looks_back = |check: &Check| Definition::of(check.id).sources.contains(&Source::History);
    let place = blanks.iter().position(looks_back).unwrap_or(blanks.len());
    let required = required
        .iter()
        .map(|one| Check::new(Definition::of(one.id()), trial, settings));
    blanks.splice(place..place, required);
    for blank in blanks {
        let definition = Definition::of(blank.id);
        let check = match &case {
            _ if definition.method.is_observed() => observed::observed(blank, &scene),
            Some(case) => traffic::beside(one(definition, blank, case, &checks), &scene),
            None => never_asked(blank, trial, evidence),
        };
        checks.push(check.finished());
    }
    checks
}

/// The checks of a trial, undecided yet: its clauses, then those that a drill plan names.
fn blanks(trial: &Trial, settings: &Settings) -> impl Iterator<Item = Check> {
    let clauses = trial.checks.iter().map(|id| (*id, None));
    let named = trial.named.iter().map(|named| (named.id(), Some(*named)));
    clauses.chain(named).map(|(id, named)| Check {
        named,
        ..Check::new(Definition::of(id), trial, settings)
    })
}

/// A side that is on trial and was not asked leaves its checks undecided.
fn never_asked(blank: Check, trial: &Trial, evidence: &Evidence) -> Check {
    let missing: Vec<&str> = [&trial.side, &trial.control]
        .into_iter()
        .filter(|name| evidence.side(name).is_none())
        .map(crate::ids::TargetName::as_str)
        .collect();
    let detail = format!(
        "no run was given in which {} was asked",
        missing.join(" and ")
    );
    let then = blank.remedy.clone().unwrap_or_default();
    blank
        .inconclusive(ReasonCode::EvidenceMissing, detail)
        .advising(Some(format!(
            "replay the gold questions in the {} phase and give the run; if it is red then: {then}",
            trial.stage
        )))
}

/// `so_far` are the checks of the same side that stand before it in the runbook.
fn one(definition: &'static Definition, blank: Check, case: &Case, so_far: &[Check]) -> Check {
    let named = blank.named;
    // A reply that breaks the agreed form stops a rollout, also where nothing can be measured besides.
    let stops = matches!(definition.method, Method::ShadowStop | Method::Block);
    let stopped = stops && errors::schema_violations(case) > 0;
    match unusable(case) {
        Some((verdict, reason, detail)) if !stopped => return blank.with(verdict, reason, detail),
        _ => {}
    }
    let judged = match definition.method {
        Method::DeltaS => quality::delta_s(blank, case),
        Method::Coverage => quality::coverage(blank, case),
        Method::Rank(measure) => quality::rank(blank, case, measure),
        Method::Convergence => quality::lambda(blank, case),
        Method::LatencyRatio => latency::ratio(blank, case),
        Method::NewErrorClass => errors::new_classes(blank, case),
        Method::BothState(field, value) => census::both_state(blank, case, field, value),
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
        Method::AnswersEqual => equal::equal(blank, case),
        Method::PreFlight => pre_flight::pre_flight(blank, case),
        Method::AfterCutover => paired::after_cutover(blank, case),
        Method::GreenHour => history::green_hour(blank, case, so_far),
        Method::FailedTwice => history::failed_twice(blank, case, so_far),
        _ => unreachable!("what was observed is judged without a case"),
    };
    let judged = history::over_the_window(judged, case);
    diagnosis::after_contract(judged, case)
}

/// What makes a check of a side undecidable by probes, whatever their numbers.
fn unusable(case: &Case) -> Option<(CheckVerdict, ReasonCode, String)> {
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
        if let Some(reason) = &side.given_up {
            let detail = format!("{} was not asked to the end: {reason}", side.name);
            return Some((CheckVerdict::Error, ReasonCode::TargetUnreachable, detail));
        }
    }
    for side in sides {
        if asked(case.evidence, side).all(|cell| cell.status != Status::Scored) {
            let detail = format!("not one probe of {} was answered", side.name);
            return Some((CheckVerdict::Error, ReasonCode::NoProbeScored, detail));
        }
    }
    let mixed = sides.into_iter().find(|side| {
        side.cache_abandoned.is_some() && asked(case.evidence, side).any(|cell| cell.cached)
    });
    if let Some(side) = mixed {
        let detail = format!(
            "some replies of {} were kept from earlier runs, and it answers otherwise now: ask again",
            side.name
        );
        return Some((CheckVerdict::Inconclusive, ReasonCode::RepliesStale, detail));
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
mod attribution_tests;
#[cfg(test)]
mod pair_tests;
#[cfg(test)]
mod rank_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waiver_tests;
