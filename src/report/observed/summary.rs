//! A drill on one page: what was drilled, the few numbers that matter, what is red and what to do.

use std::collections::BTreeMap;

use crate::judge::{Basis, Check, CheckId, CheckVerdict, DrillCheck, RunVerdict, Runbook};
use crate::report::Report;
use crate::report::observed::{AnswersTable, Moments, answers, lasting, simulation};
use crate::report::{labels, plain};
use crate::traffic::{Happening, Timeline};

/// Checks that are listed under each heading.
const LISTED: usize = 4;
/// More of an explanation is in the report.
const DETAIL: usize = 150;

/// A drill in short.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Summary {
    /// What follows, in a sentence.
    pub(in crate::report) sentence: String,
    /// Who left, who took over, when.
    pub(in crate::report) what: String,
    /// The numbers.
    pub(in crate::report) tiles: Vec<Tile>,
    /// What failed or could not be measured, the worst first.
    pub(in crate::report) red: Vec<Item>,
    /// How many more did.
    pub(in crate::report) more_red: usize,
    /// What could not be decided, and why; checks with the same reason together.
    pub(in crate::report) undecided: Vec<Item>,
    /// How many more could not.
    pub(in crate::report) more_undecided: usize,
    /// What does not apply, or was left out.
    pub(in crate::report) not_checked: Vec<String>,
    /// What a reader must know before believing a number.
    pub(in crate::report) warnings: Vec<&'static str>,
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Tile {
    /// What it is.
    pub(in crate::report) name: &'static str,
    /// How much; a dash where it is not known.
    pub(in crate::report) value: String,
    /// What is allowed.
    pub(in crate::report) limit: String,
    /// What the check concludes; none where there is no check.
    pub(in crate::report) verdict: Option<CheckVerdict>,
}

/// A check with what it says and what to do.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Item {
    /// What it concludes.
    pub(in crate::report) verdict: CheckVerdict,
    /// Its id and name.
    pub(in crate::report) check: String,
    /// What it was judged on.
    pub(in crate::report) on: String,
    /// Why.
    pub(in crate::report) detail: String,
    /// What to do.
    pub(in crate::report) remedy: Option<String>,
}

/// The summary of an audit; none of another run.
pub(in crate::report) fn summary(report: &Report) -> Option<Summary> {
    let verdict = &report.verdict;
    if verdict.runbook != Runbook::FailoverDrill {
        return None;
    }
    let timeline = report.observed.timeline.as_ref();
    let moments = Moments::of(timeline);
    let of = |wanted: &[CheckVerdict]| {
        let mut found: Vec<&Check> = verdict.checks.iter().collect();
        found.retain(|check| wanted.contains(&check.verdict));
        found.sort_by_key(|check| (!check.hard_stop, check.verdict == CheckVerdict::Error));
        found
    };
    let red = of(&[CheckVerdict::Fail, CheckVerdict::Error]);
    let undecided = undecided(&of(&[CheckVerdict::Inconclusive]), &verdict.checks);
    let item = |check: &&Check| item(check, &verdict.checks);
    Some(Summary {
        sentence: sentence(verdict.verdict, &verdict.checks),
        what: what(report, moments),
        tiles: tiles(report, moments),
        red: red.iter().take(LISTED).map(item).collect(),
        more_red: red.len().saturating_sub(LISTED),
        more_undecided: undecided.len().saturating_sub(LISTED),
        undecided: undecided.into_iter().take(LISTED).collect(),
        not_checked: not_checked(report),
        warnings: warnings(report),
    })
}

fn sentence(verdict: RunVerdict, checks: &[Check]) -> String {
    let count = |wanted: CheckVerdict| {
        checks
            .iter()
            .filter(|check| check.verdict == wanted)
            .count()
    };
    let failed = count(CheckVerdict::Fail);
    let undecided = count(CheckVerdict::Inconclusive);
    let errors = count(CheckVerdict::Error);
    let n = checks.len();
    match verdict {
        RunVerdict::Pass => format!(
            "The drill passed: every clause that applies was shown to hold ({} of {n} checks).",
            count(CheckVerdict::Pass) + count(CheckVerdict::Waived)
        ),
        RunVerdict::Fail | RunVerdict::HardStop => format!(
            "The drill failed: {failed} of {n} checks {} shown not to hold.",
            if failed == 1 { "was" } else { "were" }
        ),
        RunVerdict::Error => {
            format!("The drill could not be judged: {errors} of {n} checks could not be measured.")
        }
        RunVerdict::Inconclusive => format!(
            "The drill is not passed: nothing was shown to fail, but {undecided} of {n} checks could not be decided."
        ),
    }
}

fn what(report: &Report, moments: Moments) -> String {
    let plan = report
        .record
        .judged
        .as_ref()
        .and_then(|judged| judged.drill.as_ref());
    let timeline = report.observed.timeline.as_ref();
    let by_log = timeline.map(|timeline| (timeline.evacuated.clone(), timeline.survivor.clone()));
    let by_plan = plan.map(|plan| (plan.evacuate.to_string(), plan.promote_survivor.to_string()));
    let Some((evacuated, survivor)) = by_log.or(by_plan) else {
        return "A failover drill.".to_owned();
    };
    let Some(decision) = moments.decision else {
        return format!(
            "{evacuated} was to be left, {survivor} to take over; no drill log says when."
        );
    };
    let cutover = moments.cutover.map_or_else(
        || format!("no cutover to {survivor} is on the log"),
        |at| {
            format!(
                "{survivor} had taken over {} later",
                lasting(at.seconds_since(decision))
            )
        },
    );
    let home = moments.homeward.map_or_else(
        || "no return is on the log".to_owned(),
        |at| {
            format!(
                "the return was decided after {}",
                lasting(at.seconds_since(decision))
            )
        },
    );
    format!("It was decided at {decision} to leave {evacuated}; {cutover}; {home}.")
}

/// The check of a clause that speaks for it: the clause itself before the plan's names for parts of it,
/// and the worst of several.
pub(in crate::report) fn headline(checks: &[Check], id: CheckId) -> Option<&Check> {
    let part =
        |named: DrillCheck| matches!(named.name(), "queue_empty" | "backlog_zero" | "cache_warm");
    let own = checks.iter().filter(|check| check.id == id);
    own.min_by_key(|check| (check.named.is_some_and(part), severity(check.verdict)))
}

fn severity(verdict: CheckVerdict) -> u8 {
    match verdict {
        CheckVerdict::Fail => 0,
        CheckVerdict::Error => 1,
        CheckVerdict::Inconclusive => 2,
        CheckVerdict::Waived => 3,
        CheckVerdict::Pass => 4,
        CheckVerdict::NotApplicable => 5,
    }
}

fn tiles(report: &Report, moments: Moments) -> Vec<Tile> {
    let checks = &report.verdict.checks;
    let tile =
        |name, id, value: &dyn Fn(&Check) -> Option<String>, limit: &dyn Fn(f64) -> String| {
            let check = headline(checks, id);
            let value = check.and_then(value);
            Tile {
                name,
                value: value.unwrap_or_else(|| "–".to_owned()),
                limit: check.map_or_else(String::new, |check| limit(check.limit)),
                verdict: check.map(|check| check.verdict),
            }
        };
    let seconds = |check: &Check| check.estimate.map(lasting);
    let at_most = |limit: f64| format!("at most {}", lasting(limit));
    let taken = moments.cutover.zip(moments.decision);
    let taken = taken.map(|(cutover, decision)| lasting(cutover.seconds_since(decision)));
    let writes = report.observed.timeline.as_ref().map(writes);
    vec![
        tile(
            "Decision to cutover",
            CheckId::FdCut,
            &|check| seconds(check).or(taken.clone()),
            &at_most,
        ),
        tile("Longest burst of 5xx", CheckId::FdBurst, &seconds, &at_most),
        tile(
            "p95 beside before",
            CheckId::FdP95,
            &|check| check.estimate.map(|ratio| format!("× {ratio:.2}")),
            &|limit| format!("at most × {limit}"),
        ),
        tile("Queue drained after", CheckId::FdDrain, &seconds, &at_most),
        tile(
            "Writes lost / doubled",
            CheckId::FdWrites,
            &|_| writes.map(|(n, lost, doubled)| format!("{lost} / {doubled} of {n}")),
            &|_| "none".to_owned(),
        ),
        tile(
            "Answers equal",
            CheckId::FdEq,
            &|check| equal(check, &answers(report)),
            &|limit| format!("at least {} %", (limit * 1000.0).round() / 10.0),
        ),
    ]
}

fn equal(check: &Check, tables: &[AnswersTable]) -> Option<String> {
    let own = tables.iter().find(|table| {
        table.target == check.target.as_str() && table.control == check.control.as_str()
    });
    match own {
        Some(table) if table.n > 0 => Some(format!("{} of {}", table.n_equal, table.n)),
        _ => check
            .estimate
            .map(|share| format!("{:.0} %", 100.0 * share)),
    }
}

/// Writes accepted, those never applied, and those applied more than once.
fn writes(timeline: &Timeline) -> (usize, usize, usize) {
    let mut applied: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &timeline.events {
        match &event.what {
            Happening::WriteAccepted { id, .. } => {
                applied.entry(id).or_default();
            }
            Happening::WriteApplied { id, .. } => *applied.entry(id).or_default() += 1,
            _ => {}
        }
    }
    let count = |wanted: fn(usize) -> bool| applied.values().filter(|n| wanted(**n)).count();
    (applied.len(), count(|n| n == 0), count(|n| n > 1))
}

fn item(check: &Check, checks: &[Check]) -> Item {
    Item {
        verdict: check.verdict,
        check: labels::check(check),
        on: labels::judged_on(check, checks),
        detail: sentence_of(&check.detail),
        remedy: check.remedy.as_deref().map(sentence_of),
    }
}

/// What could not be decided, those together that have one reason.
fn undecided(found: &[&Check], checks: &[Check]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for check in found {
        let one = Item {
            remedy: None,
            ..item(check, checks)
        };
        match items.iter_mut().find(|other| other.detail == one.detail) {
            Some(same) => {
                join(&mut same.check, &one.check);
                join(&mut same.on, &one.on);
            }
            None => items.push(one),
        }
    }
    items
}

/// Adds a name to a list of names, unless it is there or the list is long.
fn join(names: &mut String, name: &str) {
    const LONG: usize = 120;
    let there = names.split(", ").any(|other| other == name) || names.ends_with('…');
    if !there {
        let more = if names.chars().count() < LONG {
            name
        } else {
            "…"
        };
        names.push_str(", ");
        names.push_str(more);
    }
}

/// The beginning of a text as a sentence.
fn sentence_of(text: &str) -> String {
    let text = short(text);
    let ended = text.is_empty() || text.ends_with(['.', '…']);
    text + if ended { "" } else { "." }
}

/// The beginning of a text, cut between words.
fn short(text: &str) -> String {
    let text = plain(text);
    if text.chars().count() <= DETAIL {
        return text;
    }
    let cut: String = text.chars().take(DETAIL).collect();
    let whole = cut.rfind(' ').filter(|at| *at > DETAIL / 2);
    let kept = whole.map_or(cut.as_str(), |at| &cut[..at]);
    format!("{}…", kept.trim_end_matches(['.', ',', ';', ':']))
}

/// What no check of this audit could look at.
fn not_checked(report: &Report) -> Vec<String> {
    let mut left_out = Vec::new();
    let observed = &report.observed;
    if observed.timeline.is_none() {
        left_out.push(
            "No drill log was given: times, writes, webhooks and weights were not checked."
                .to_owned(),
        );
    }
    if observed.traffic.is_none() {
        left_out.push(
            "No request telemetry was given: p95 and errors of users were not checked.".to_owned(),
        );
    }
    let without = |name: &&str| {
        let suffix = format!(" ({name})");
        let mut targets = report.record.targets.iter();
        !targets.any(|target| target.name.as_str().ends_with(&suffix))
    };
    let phases = ["pre", "live", "post"];
    let missing: Vec<&str> = phases.into_iter().filter(without).collect();
    if !missing.is_empty() {
        left_out.push(format!(
            "No run was given of {}: its probes were not checked.",
            missing.join(", ")
        ));
    }
    let quiet = report.verdict.checks.iter();
    let quiet = quiet.filter(|check| check.verdict == CheckVerdict::NotApplicable);
    let mut names: Vec<String> = quiet.map(labels::check).collect();
    names.sort();
    names.dedup();
    if !names.is_empty() {
        left_out.push(format!("Not applicable: {}.", names.join(", ")));
    }
    left_out
}

fn warnings(report: &Report) -> Vec<&'static str> {
    let mut warnings: Vec<&str> = simulation(report).into_iter().collect();
    if report.verdict.evidence == Basis::Point {
        warnings.push("Judged by point estimates alone: chance is not accounted for.");
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_drill;

    #[test]
    fn the_clause_speaks_before_its_parts_and_the_worst_before_the_rest() {
        let checks = sample_drill::report().verdict.checks;
        let drain = headline(&checks, CheckId::FdDrain).expect("a drain check");
        assert_eq!(drain.named.map(DrillCheck::name), Some("queue_backlog"));
        let equal = headline(&checks, CheckId::FdEq).expect("answers");
        assert_eq!(equal.verdict, CheckVerdict::Fail);
    }

    #[test]
    fn lost_and_doubled_writes_are_counted() {
        assert_eq!(writes(&sample_drill::timeline()), (40, 1, 1));
    }

    #[test]
    fn another_runbook_has_no_summary() {
        assert_eq!(summary(&crate::report::sample::report()), None);
    }
}
