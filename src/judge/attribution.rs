//! The attribution ladder of each side on trial, from everything that a run knows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::TargetName;
use crate::judge::case::Case;
use crate::judge::paired::{SHARE, SHIFT};
use crate::judge::{Evidence, Settings};
use crate::measure::{Missing, PairedQuestion};
use crate::parity::{ComparedParts, Finding, Ladder, LadderEvidence, ladder};

/// Questions named in a proof.
const NAMED: usize = 5;

/// The ladder of one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SideLadder {
    /// The side.
    pub target: TargetName,
    /// What it is compared with.
    pub control: TargetName,
    /// From the target to the answer.
    pub ladder: Ladder,
}

/// A ladder for each pair of sides of which one is on trial beside the other, in the order of the trials.
pub fn ladders(evidence: &Evidence, settings: &Settings) -> Vec<SideLadder> {
    let mut ladders: Vec<SideLadder> = Vec::new();
    for trial in &*settings.trials(evidence) {
        let known = ladders
            .iter()
            .any(|known| known.target == trial.side && known.control == trial.control);
        if known || trial.side == trial.control {
            continue;
        }
        ladders.extend(Case::new(trial, evidence, settings).map(|case| SideLadder {
            target: trial.side.clone(),
            control: trial.control.clone(),
            ladder: of(&case),
        }));
    }
    ladders
}

/// The ladder of a case.
pub(super) fn of(case: &Case) -> Ladder {
    let parity = case.parity();
    let target = target(case);
    let fusion = fusion(case);
    let answer = answer(case);
    let lies = [case.control, case.side].map(|side| (side.name.as_str(), &side.stamp_lies[..]));
    ladder(&LadderEvidence {
        target: Some(&target),
        fields: parity.map_or(&[], |parity| &parity.fields),
        lies: &lies,
        rows: parity.and_then(|parity| parity.rows.as_ref()),
        compared: ComparedParts::default(),
        fusion: fusion.as_ref(),
        answer: answer.as_ref(),
        ..LadderEvidence::default()
    })
}

/// Whether each side stayed one index while it was asked.
fn target(case: &Case) -> Finding {
    let sides = [case.control, case.side];
    let unread = sides.iter().find_map(|side| {
        let readings = [&side.contract_at_start, &side.contract_at_end];
        let problem = readings.into_iter().find_map(|read| read.as_ref().err())?;
        Some(format!(
            "the contract of {} could not be read: {problem}",
            side.name
        ))
    });
    if let Some(unread) = unread {
        return Finding::unknown(unread);
    }
    let moved: Vec<&str> = sides
        .iter()
        .filter(|side| side.contract_at_start != side.contract_at_end)
        .map(|side| side.name.as_str())
        .collect();
    if moved.is_empty() {
        Finding::holds("both contracts were read before and after the probes, and did not move")
    } else {
        Finding::fails(format!(
            "the contract of {} moved while it was probed",
            moved.join(" and ")
        ))
    }
}

/// What both sides returned in the end, question by question.
fn fusion(case: &Case) -> Option<Finding> {
    let pairs = case.paired_with(case.control, Missing::Worst);
    if pairs.is_empty() || case.side.name == case.control.name {
        return None;
    }
    let moved =
        |pair: &&PairedQuestion| pair.delta_s.abs() > SHIFT || pair.converges != pair.converged;
    let moved: Vec<&str> = pairs
        .iter()
        .filter(moved)
        .map(|pair| pair.question.as_str())
        .collect();
    let (n, of) = (moved.len(), pairs.len());
    let words = format!("{n} of {of} questions moved (ΔS by more than {SHIFT:.2}, or convergence)");
    Some(if n as f64 > SHARE * of as f64 {
        let named: Vec<&str> = moved.into_iter().take(NAMED).collect();
        Finding::fails(format!("{words}, such as {}", named.join(", ")))
    } else {
        Finding::holds(format!("{words}, which is within {:.0} %", 100.0 * SHARE))
    })
}

/// The answers, where they were compared.
fn answer(case: &Case) -> Option<Finding> {
    let mut compared = case.evidence.answers.iter();
    let compared = compared
        .find(|answers| answers.target == case.side.name && answers.control == case.control.name)?;
    let of = compared.questions.len();
    let different: Vec<&str> = compared
        .questions
        .iter()
        .filter(|question| !question.comparison.rung.is_equal())
        .map(|question| question.question.as_str())
        .collect();
    if of == 0 {
        return None;
    }
    Some(if different.is_empty() {
        Finding::holds(format!("{of} of {of} questions are answered equally"))
    } else {
        let named: Vec<&str> = different.iter().take(NAMED).copied().collect();
        let n = different.len();
        Finding::fails(format!(
            "{n} of {of} questions are answered otherwise, such as {}",
            named.join(", ")
        ))
    })
}
