//! What targets returned for one cell, list beside list.

use std::collections::BTreeSet;

use crate::ids::{Form, QuestionId, SectionKey, TargetName};
use crate::measure::CellMetrics;
use crate::replay::{HitRecord, Observation, Outcome, Purpose};
use crate::report::{ComparedCell, QuestionRecord, Report};

/// What one target returned for one cell.
pub(super) struct HitList<'a> {
    /// Its numbers.
    pub(super) cell: Option<&'a CellMetrics>,
    /// Why there is no hit, as it came from outside.
    pub(super) problem: Option<String>,
    /// Best first.
    pub(super) hits: Vec<ListedHit<'a>>,
}

/// One hit of a list.
pub(super) struct ListedHit<'a> {
    /// From 1.
    pub(super) rank: usize,
    /// Whether it belongs to a target section.
    pub(super) target: bool,
    /// Whether no other list has its section.
    pub(super) only_here: bool,
    /// The hit.
    pub(super) hit: &'a HitRecord,
}

/// The record of a question; none for an id that was never asked.
pub(super) fn record<'a>(report: &'a Report, id: &QuestionId) -> Option<&'a QuestionRecord> {
    report.record.questions.iter().find(|one| one.id == *id)
}

/// What each target returned for a question: in `cell`, or else for its original wording at the
/// first seed. Sections of one list only are marked where every target answered.
pub(super) fn hit_lists<'a>(
    report: &'a Report,
    targets: &[&TargetName],
    question: &QuestionId,
    cell: Option<ComparedCell>,
) -> Vec<HitList<'a>> {
    let seen: Vec<Option<&Observation>> = targets
        .iter()
        .map(|target| seen(report, target, question, cell))
        .collect();
    let answered = |seen: Option<&'a Observation>| match seen.map(|seen| &seen.outcome) {
        Some(Outcome::Scored { hits, .. }) => Some(hits.as_slice()),
        _ => None,
    };
    let lists: Vec<Option<&[HitRecord]>> = seen.iter().copied().map(answered).collect();
    let comparable = lists.len() > 1 && lists.iter().all(Option::is_some);
    let sections: Vec<BTreeSet<&SectionKey>> = lists
        .iter()
        .map(|list| {
            list.iter()
                .copied()
                .flatten()
                .map(|hit| &hit.section)
                .collect()
        })
        .collect();
    let record = record(report, question);
    let only_in = |list: usize, section: &SectionKey| {
        let others = sections
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != list);
        comparable
            && others
                .into_iter()
                .all(|(_, found)| !found.contains(section))
    };
    let listed = |list: usize, (index, hit): (usize, &'a HitRecord)| ListedHit {
        rank: index + 1,
        target: record.is_some_and(|record| record.targets.contains(&hit.section)),
        only_here: only_in(list, &hit.section),
        hit,
    };
    seen.iter()
        .enumerate()
        .map(|(list, seen)| HitList {
            cell: seen.and_then(|seen| metrics(report, seen)),
            problem: problem(*seen),
            hits: lists[list]
                .unwrap_or_default()
                .iter()
                .enumerate()
                .map(|hit| listed(list, hit))
                .collect(),
        })
        .collect()
}

fn seen<'a>(
    report: &'a Report,
    target: &TargetName,
    question: &QuestionId,
    cell: Option<ComparedCell>,
) -> Option<&'a Observation> {
    // The first in plan order has the first seed.
    report.observations.iter().find(|seen| {
        seen.target == *target
            && seen.question == *question
            && seen.purpose == Purpose::Score
            && cell.map_or(seen.form == Form::ORIGINAL, |cell| {
                seen.form == cell.form && seen.seed == cell.seed
            })
    })
}

fn metrics<'a>(report: &'a Report, seen: &Observation) -> Option<&'a CellMetrics> {
    report.table.cells.iter().find(|cell| {
        cell.target == seen.target
            && cell.question == seen.question
            && cell.form == seen.form
            && cell.seed == seen.seed
            && cell.purpose == seen.purpose
    })
}

fn problem(seen: Option<&Observation>) -> Option<String> {
    match seen.map(|seen| &seen.outcome) {
        None => Some("not asked".to_owned()),
        Some(Outcome::Scored { .. }) => None,
        Some(Outcome::Failed {
            class,
            stage,
            message,
        }) => Some(format!("{class} at {stage}: {message}")),
        Some(Outcome::Skipped { reason }) => Some(format!("skipped: {reason}")),
    }
}
