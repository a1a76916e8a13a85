//! The questions to look at first, with what each target returned for them.

use std::collections::BTreeSet;

use crate::ids::{Form, QuestionId, TargetName};
use crate::judge::Check;
use crate::measure::Lambda;
use crate::report::hit_lists::{HitList, ListedHit, hit_lists, record};
use crate::report::html::Side;
use crate::report::html::checks::place;
use crate::report::html::grid::{class, wording};
use crate::report::html::words::{NONE, beginning, number};
use crate::report::{ComparedCell, Comparison, QuestionRecord, Report, plain, printable};

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
    /// Which wording and seed the lists are of, where it need not be the original at the first.
    pub(super) asked: Option<String>,
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
    /// Whether only this side returned its section.
    pub(super) only_here: bool,
    /// Its section.
    pub(super) section: String,
    /// The target's score.
    pub(super) score: String,
    /// How its text begins.
    pub(super) glimpse: String,
    /// The text, if the glimpse is not all of it.
    pub(super) whole: Option<String>,
}

/// The most different questions of a comparison; otherwise the worst questions of the worst checks,
/// each once.
pub(super) fn views(
    report: &Report,
    sides: &[Side],
    comparison: Option<&Comparison>,
) -> Vec<WorstView> {
    if let Some(comparison) = comparison {
        let rows = comparison.differing().take(SHOWN);
        return rows
            .map(|row| {
                view(
                    report,
                    sides,
                    &row.question,
                    row.least_alike,
                    Lists::Compared,
                )
            })
            .collect();
    }
    let mut checks: Vec<&Check> = report.verdict.checks.iter().collect();
    checks.sort_by_key(|check| place(check));
    let mut seen = BTreeSet::new();
    checks
        .iter()
        .flat_map(|check| &check.worst_questions)
        .filter(|question| seen.insert(*question))
        .take(SHOWN)
        .map(|question| view(report, sides, question, None, Lists::Alone))
        .collect()
}

/// Whether lists are read against each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    /// What only one has is marked.
    Compared,
    /// Each for itself.
    Alone,
}

fn view(
    report: &Report,
    sides: &[Side],
    id: &QuestionId,
    cell: Option<ComparedCell>,
    lists: Lists,
) -> WorstView {
    let record = record(report, id);
    let targets = record.map_or_else(Vec::new, |record| {
        let name = |section: &_| plain(&format!("{section}"));
        record.targets.iter().map(name).collect()
    });
    let names: Vec<&TargetName> = sides.iter().map(|side| side.target).collect();
    let mut found = hit_lists(report, &names, id, cell);
    if lists == Lists::Alone {
        let hits = found.iter_mut().flat_map(|list| &mut list.hits);
        hits.for_each(|hit| hit.only_here = false);
    }
    WorstView {
        question: plain(id.as_str()),
        topic: record.map_or_else(String::new, |record| plain(record.topic.as_str())),
        wording: wording(report, id),
        asked: cell.map(|cell| asked(record, cell)),
        targets,
        sides: sides
            .iter()
            .zip(&found)
            .map(|(one, list)| side(report, one, list))
            .collect(),
    }
}

/// Which wording and seed the lists are of.
fn asked(record: Option<&QuestionRecord>, cell: ComparedCell) -> String {
    let seed = cell.seed.0;
    let form = record.and_then(|record| record.forms.get(usize::from(cell.form.0)));
    match cell.form {
        Form::ORIGINAL => format!("the original wording, seed {seed}"),
        Form(number) => format!(
            "wording {number}, seed {seed}: {}",
            plain(form.map_or("", String::as_str))
        ),
    }
}

fn side(report: &Report, side: &Side, list: &HitList) -> SideView {
    let state = list.cell.and_then(|cell| cell.lambda);
    SideView {
        name: side.name.clone(),
        delta_s: number(list.cell.and_then(|cell| cell.delta_s), 3),
        coverage: number(list.cell.and_then(|cell| cell.coverage), 2),
        class: state.map_or("n", class),
        symbol: state.map_or(NONE, Lambda::symbol),
        problem: list.problem.as_deref().map(printable),
        hits: list.hits.iter().map(|one| hit(report, one)).collect(),
    }
}

fn hit(report: &Report, listed: &ListedHit) -> HitView {
    let hit = listed.hit;
    let text = report.texts.get(&hit.text).map_or(NONE, String::as_str);
    HitView {
        rank: listed.rank,
        target: listed.target,
        only_here: listed.only_here,
        section: plain(&hit.section.to_string()),
        score: number(Some(hit.score), 4),
        glimpse: plain(&beginning(text, GLIMPSE)),
        whole: (text.chars().count() > GLIMPSE).then(|| printable(&beginning(text, WHOLE))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{html::sides, sample};

    #[test]
    fn worst_questions_show_once_with_the_failure_beside_the_hits() {
        let report = sample::report();
        let worst = views(&report, &sides(&report), None);
        let ids: Vec<_> = worst.iter().map(|one| one.question.as_str()).collect();
        assert_eq!(ids, ["q-002", "q-001"]);
        assert!(worst[0].sides[0].hits[0].target);
        assert!(worst[0].sides[1].problem.is_some());
    }
}
