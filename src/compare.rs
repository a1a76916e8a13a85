//! Two sides of saved runs, put beside each other and judged.

use std::collections::BTreeSet;

use miette::Diagnostic;
use thiserror::Error;

use crate::earlier::{Asked, NotComparable, Sides};
use crate::ids::TargetName;
use crate::judge::{Runbook, RunbookStage, Settings};
use crate::parity::{Contract, ContractField, RowDiff, SideParity, compare as compare_fields};
use crate::pipeline::{Occasion, Saved};
use crate::report::{JudgedRecord, Report, TargetRecord};
use crate::target::Role;

/// Why two saved runs have no comparison.
#[derive(Debug, Error, Diagnostic)]
pub enum CompareError {
    /// No difference between them would mean anything.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NotComparable(#[from] NotComparable),
    /// Which target of a run is meant is not clear.
    #[error("{run}: {problem}; its targets: {}", targets.join(", "))]
    #[diagnostic(code(compare::target), help("name one as RUN:TARGET"))]
    Target {
        /// The run's id.
        run: String,
        /// What is wrong.
        problem: String,
        /// The targets that it has.
        targets: Vec<String>,
    },
}

/// One side of a comparison: a saved run and one of its targets.
pub struct Chosen {
    report: Report,
    target: TargetName,
}

impl Chosen {
    /// The named target of a run; without a name, the only one that is not a control.
    ///
    /// # Errors
    /// If there is no such target, or more than one that could be meant.
    pub fn new(report: Report, name: Option<&str>) -> Result<Self, CompareError> {
        let own = report
            .record
            .targets
            .iter()
            .filter(|target| target.baseline_of.is_none());
        let candidates: Vec<&TargetRecord> = own
            .filter(|target| match name {
                Some(name) => target.name.as_str() == name,
                None => target.role.is_judged(),
            })
            .collect();
        let problem = match (&candidates[..], name) {
            ([one], _) => {
                let target = one.name.clone();
                return Ok(Self { report, target });
            }
            ([], Some(name)) => format!("there is no target `{name}`"),
            (several, _) => format!("{} targets could be meant", several.len()),
        };
        let names = report
            .record
            .targets
            .iter()
            .map(|target| target.name.to_string());
        Err(CompareError::Target {
            run: report.record.run_id.clone(),
            problem,
            targets: names.collect(),
        })
    }
}

/// Compares the second side with the first, question by question. Fields that are `versioned` may
/// differ on purpose.
///
/// # Errors
/// If gold sets, questions, seeds, k or referees differ.
pub fn compare(
    a: Chosen,
    b: Chosen,
    versioned: &BTreeSet<ContractField>,
    occasion: &Occasion,
    ended_at: &dyn Fn() -> String,
) -> Result<Report, CompareError> {
    Asked::of(&a.report).comparable_with(&Asked::of(&b.report))?;
    let known_rows = rows_of(&a, &b);
    let (name_a, name_b) = names(&a, &b);
    let mut saved = Saved::like(&a.report.record, occasion);
    let judged_first = a
        .report
        .record
        .judged
        .clone()
        .expect("runs that were never judged are not comparable");
    let mut add = |chosen: Chosen, name: &TargetName, role: Role| {
        let Chosen { report, target } = chosen;
        let renamed = |found: &TargetName| (*found == target).then(|| name.clone());
        let mut sides = Sides::of(report, renamed);
        for target in &mut sides.targets {
            target.role = role;
        }
        saved.add(sides);
    };
    add(a, &name_a, Role::Control);
    add(b, &name_b, Role::Candidate);
    let contract = |index: usize| {
        let target: &TargetRecord = &saved.record.targets[index];
        target.contract_at_start.clone().unwrap_or_default()
    };
    let parity = SideParity {
        target: name_b,
        control: name_a,
        fields: compare_fields(
            &contract(0),
            &contract(1),
            &declared(&contract(1), versioned),
        ),
        rows: known_rows,
    };
    let judged = JudgedRecord {
        settings: settings(&judged_first.settings),
        on: occasion.day,
        referee: judged_first.referee,
        parity: vec![parity],
        answers: Vec::new(),
        drill: None,
    };
    Ok(saved.judge(judged, occasion, ended_at))
}

/// How a comparison is judged: as the first run was, but by the checks of a comparison.
pub fn settings(of: &Settings) -> Settings {
    Settings {
        runbook: Runbook::Comparison,
        stage: RunbookStage::Pair,
        waivers: Vec::new(),
        history: None,
        trials: Vec::new(),
        overrides: of
            .overrides
            .iter()
            .filter(|(id, _)| id.is_of(Runbook::Comparison))
            .map(|(id, over)| (*id, over.clone()))
            .collect(),
        ..of.clone()
    }
}

/// What a side is meant to state where it differs on purpose: what it does state.
pub fn declared(side: &Contract, versioned: &BTreeSet<ContractField>) -> Contract {
    let stated = side.iter().filter(|(field, _)| versioned.contains(field));
    stated.fold(Contract::default(), |contract, (field, value)| {
        contract.with(field, value)
    })
}

/// The names of the two sides beside each other: their own, or with a letter where they are the same.
fn names(a: &Chosen, b: &Chosen) -> (TargetName, TargetName) {
    if a.target != b.target {
        return (a.target.clone(), b.target.clone());
    }
    let name = |letter: char| TargetName::new(format!("{} ({letter})", a.target));
    (name('A'), name('B'))
}

/// Which rows differ, where both are sides of one run that compared them.
fn rows_of(a: &Chosen, b: &Chosen) -> Option<RowDiff> {
    if a.report.record.run_id != b.report.record.run_id {
        return None;
    }
    let judged = a.report.record.judged.as_ref()?;
    let parity = judged
        .parity
        .iter()
        .find(|parity| parity.target == b.target && parity.control == a.target);
    parity?.rows.clone()
}
