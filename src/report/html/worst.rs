//! The questions to look at first, with what each target returned for them.

use std::collections::BTreeSet;

use crate::ids::{Form, QuestionId};
use crate::judge::Check;
use crate::measure::{CellMetrics, Lambda};
use crate::replay::{HitRecord, Observation, Outcome, Purpose};
use crate::report::html::Side;
use crate::report::html::checks::place;
use crate::report::html::grid::{class, wording};
use crate::report::html::words::{NONE, number};
use crate::report::{QuestionRecord, Report, plain, printable};

/// At most so many questions are shown.
const SHOWN: usize = 10;
/// Characters of a hit that are shown before a click.
const GLIMPSE: usize = 180;
/// Characters of a hit that are shown at all, so that a page stays a page.
const WHOLE: usize = 3000;

/// One question.
pub(super) struct WorstView {
    /// Its id.
    pub(super) question: String,
    /// What it is about.
    pub(super) topic: String,
    /// Its original wording.
    pub(super) wording: String,
    /// Where the answer stands.
    pub(super) targets: Vec<String>,
    /// What each target returned.
    pub(super) sides: Vec<SideView>,
}

/// What one target returned.
pub(super) struct SideView {
    /// The target.
    pub(super) name: String,
    /// ΔS of this cell.
    pub(super) delta_s: String,
    /// Coverage of this cell.
    pub(super) coverage: String,
    /// Style of its λ.
    pub(super) class: &'static str,
    /// Its λ.
    pub(super) symbol: &'static str,
    /// Why there is no hit.
    pub(super) problem: Option<String>,
    /// Best first.
    pub(super) hits: Vec<HitView>,
}

/// One hit.
pub(super) struct HitView {
    /// From 1.
    pub(super) rank: usize,
    /// Whether it belongs to a target section.
    pub(super) target: bool,
    /// Its section.
    pub(super) section: String,
    /// The target's score.
    pub(super) score: String,
    /// How its text begins.
    pub(super) glimpse: String,
    /// The text, if the glimpse is not all of it.
    pub(super) whole: Option<String>,
}

/// The worst questions of the worst checks, each once.
pub(super) fn views(report: &Report, sides: &[Side]) -> Vec<WorstView> {
    let mut checks: Vec<&Check> = report.verdict.checks.iter().collect();
    checks.sort_by_key(|check| place(check));
    let mut seen = BTreeSet::new();
    checks
        .iter()
        .flat_map(|check| &check.worst_questions)
        .filter(|question| seen.insert(*question))
        .take(SHOWN)
        .map(|question| view(report, sides, question))
        .collect()
}

fn view(report: &Report, sides: &[Side], id: &QuestionId) -> WorstView {
    let record = report.record.questions.iter().find(|one| one.id == *id);
    let targets = record.map_or_else(Vec::new, |record| {
        let name = |section: &_| plain(&format!("{section}"));
        record.targets.iter().map(name).collect()
    });
    WorstView {
        question: plain(id.as_str()),
        topic: record.map_or_else(String::new, |record| plain(record.topic.as_str())),
        wording: wording(report, id),
        targets,
        sides: sides
            .iter()
            .map(|one| side(report, one, id, record))
            .collect(),
    }
}

fn side(
    report: &Report,
    side: &Side,
    id: &QuestionId,
    record: Option<&QuestionRecord>,
) -> SideView {
    // The first in plan order has the first seed.
    let seen = report.observations.iter().find(|seen| {
        seen.target == *side.target
            && seen.question == *id
            && seen.form == Form::ORIGINAL
            && seen.purpose == Purpose::Score
    });
    let cell = seen.and_then(|seen| cell(report, seen));
    let state = cell.and_then(|cell| cell.lambda);
    SideView {
        name: side.name.clone(),
        delta_s: number(cell.and_then(|cell| cell.delta_s), 3),
        coverage: number(cell.and_then(|cell| cell.coverage), 2),
        class: state.map_or("n", class),
        symbol: state.map_or(NONE, Lambda::symbol),
        problem: problem(seen),
        hits: hits(seen)
            .iter()
            .enumerate()
            .map(|(index, one)| hit(report, record, index + 1, one))
            .collect(),
    }
}

fn cell<'a>(report: &'a Report, seen: &Observation) -> Option<&'a CellMetrics> {
    report.table.cells.iter().find(|cell| {
        cell.target == seen.target
            && cell.question == seen.question
            && cell.form == seen.form
            && cell.seed == seen.seed
            && cell.purpose == seen.purpose
    })
}

fn hits(seen: Option<&Observation>) -> &[HitRecord] {
    match seen.map(|seen| &seen.outcome) {
        Some(Outcome::Scored { hits, .. }) => hits,
        _ => &[],
    }
}

fn problem(seen: Option<&Observation>) -> Option<String> {
    match seen.map(|seen| &seen.outcome) {
        None => Some("not asked".to_owned()),
        Some(Outcome::Scored { .. }) => None,
        Some(Outcome::Failed {
            class,
            stage,
            message,
        }) => Some(printable(&format!("{class} at {stage}: {message}"))),
        Some(Outcome::Skipped { reason }) => Some(printable(&format!("skipped: {reason}"))),
    }
}

fn hit(report: &Report, record: Option<&QuestionRecord>, rank: usize, hit: &HitRecord) -> HitView {
    let text = report.texts.get(&hit.text).map_or(NONE, String::as_str);
    HitView {
        rank,
        target: record.is_some_and(|record| record.targets.contains(&hit.section)),
        section: plain(&hit.section.to_string()),
        score: number(Some(hit.score), 4),
        glimpse: plain(&beginning(text, GLIMPSE)),
        whole: (text.chars().count() > GLIMPSE).then(|| printable(&beginning(text, WHOLE))),
    }
}

/// At most `n` characters, and a sign if there are more.
fn beginning(text: &str, n: usize) -> String {
    match text.char_indices().nth(n) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{html::sides, sample};

    #[test]
    fn worst_questions_show_once_with_the_failure_beside_the_hits() {
        let report = sample::report();
        let worst = views(&report, &sides(&report));
        let ids: Vec<_> = worst.iter().map(|one| one.question.as_str()).collect();
        assert_eq!(ids, ["q-002", "q-001"]);
        assert!(worst[0].sides[0].hits[0].target);
        assert!(worst[0].sides[1].problem.is_some());
    }
}
