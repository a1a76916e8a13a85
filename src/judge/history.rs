//! Earlier verdicts of the same step: what has been green for an hour, and what failed twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::TargetName;
use crate::judge::case::Case;
use crate::judge::definition::Source;
use crate::judge::{
    Check, CheckId, CheckVerdict, Definition, ReasonCode, Runbook, RunbookStage, Verdict,
};
use crate::units::Moment;

/// Longest time between two verdicts that still counts as watching, in minutes.
const GAP: f64 = 20.0;

/// One earlier run, as far as later ones need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastRun {
    /// Its id.
    pub run_id: String,
    /// Its runbook.
    pub runbook: Runbook,
    /// Its stage.
    pub stage: RunbookStage,
    /// When it began.
    pub started_at: Moment,
    /// What it concluded.
    pub checks: Vec<PastCheck>,
}

/// One check of an earlier run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastCheck {
    /// Which check.
    pub id: CheckId,
    /// On which target.
    pub target: TargetName,
    /// What it concluded.
    pub verdict: CheckVerdict,
}

impl PastRun {
    /// What later runs need of a verdict. `None` if it does not say when it began.
    pub fn of(verdict: &Verdict) -> Option<Self> {
        Some(Self {
            run_id: verdict.run_id.clone(),
            runbook: verdict.runbook,
            stage: verdict.stage,
            started_at: verdict.started_at.parse().ok()?,
            checks: verdict
                .checks
                .iter()
                .map(|check| PastCheck {
                    id: check.id,
                    target: check.target.clone(),
                    verdict: check.verdict,
                })
                .collect(),
        })
    }
}

/// How long something has been green without a gap, back from now.
struct Green {
    minutes: f64,
    n_runs: usize,
    /// The run that ended it, if it was one that was red and not a gap.
    broken_by: Option<String>,
}

impl<'a> Case<'a> {
    /// Earlier runs of the same step, the latest first.
    fn past(&self) -> Vec<&'a PastRun> {
        let mut runs: Vec<&PastRun> = self
            .settings
            .history
            .iter()
            .flatten()
            .filter(|run| run.runbook == self.settings.runbook && run.stage == self.stage)
            .filter(|run| {
                self.evidence
                    .started_at
                    .is_none_or(|now| run.started_at < now)
            })
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse((run.started_at, &run.run_id)));
        runs.dedup_by_key(|run| &run.run_id);
        runs
    }

    fn green(&self, counts: &dyn Fn(&PastCheck) -> bool) -> Option<Green> {
        let now = self.evidence.started_at?;
        let mut green = Green {
            minutes: 0.0,
            n_runs: 1,
            broken_by: None,
        };
        let mut reached = now;
        for run in self.past() {
            if reached.minutes_since(run.started_at) > GAP {
                break;
            }
            let mine: Vec<&PastCheck> = run
                .checks
                .iter()
                .filter(|check| check.target == self.side.name && counts(check))
                .collect();
            let held = |check: &&PastCheck| {
                use CheckVerdict::{NotApplicable, Pass, Waived};
                matches!(check.verdict, Pass | Waived | NotApplicable)
            };
            if mine.is_empty() || !mine.iter().all(held) {
                green.broken_by = Some(run.run_id.clone());
                break;
            }
            reached = run.started_at;
            green.minutes = now.minutes_since(reached);
            green.n_runs += 1;
        }
        Some(green)
    }
}

/// BG-KEEP: the probe board has been green for an hour.
pub(super) fn green_hour(check: Check, case: &Case, so_far: &[Check]) -> Check {
    let on_board = |id: CheckId| id != check.id && Definition::of(id).sources == [Source::Probes];
    let red: Vec<&str> = so_far
        .iter()
        .filter(|other| on_board(other.id) && other.is_red())
        .map(|other| other.id.name())
        .collect();
    if !red.is_empty() {
        let detail = format!("{} is red in this very run", red.join(", "));
        return check.with(CheckVerdict::Fail, ReasonCode::WindowBroken, detail);
    }
    let Some(green) = case.green(&|past| on_board(past.id)) else {
        return check.inconclusive(
            ReasonCode::EvidenceMissing,
            "the run does not say when it began",
        );
    };
    let check = Check {
        estimate: Some(green.minutes),
        ..check
    };
    let limit = check.limit;
    let seen = green.words();
    if green.minutes >= limit {
        return check.with(CheckVerdict::Pass, ReasonCode::WindowCovered, seen);
    }
    match green.broken_by {
        Some(run) => {
            let detail = format!("{seen}; before that, {run} was red");
            check.with(CheckVerdict::Fail, ReasonCode::WindowBroken, detail)
        }
        None => check.inconclusive(ReasonCode::WindowNotCovered, seen),
    }
}

impl Green {
    fn words(&self) -> String {
        format!(
            "green for {:.0} minutes in {} runs, no two more than {GAP:.0} minutes apart",
            self.minutes, self.n_runs
        )
    }
}

/// A promotion is decided for an hour: what holds in this run alone is not yet shown.
pub(super) fn over_the_window(check: Check, case: &Case) -> Check {
    const WINDOW: f64 = 60.0;
    let by_probes = Definition::of(check.id).sources.contains(&Source::Probes);
    if case.stage != RunbookStage::Promotion || check.verdict != CheckVerdict::Pass || !by_probes {
        return check;
    }
    let green = case.green(&|past| past.id == check.id);
    let now = check.detail.clone();
    match green {
        Some(green) if green.minutes >= WINDOW => check.adding(green.words()),
        green => {
            let words = green.map_or_else(
                || "the run does not say when it began".to_owned(),
                |green| green.words(),
            );
            check
                .inconclusive(
                    ReasonCode::WindowNotCovered,
                    format!("promotion needs one hour, given as history: {words}"),
                )
                .adding(format!("now: {now}"))
                .advising(Some(
                    "replay every few minutes for an hour and give the runs with --history"
                        .to_owned(),
                ))
        }
    }
}

/// TS-TWICE: no gate has failed in two verdicts of this step.
pub(super) fn failed_twice(check: Check, case: &Case, so_far: &[Check]) -> Check {
    let Some(_) = &case.settings.history else {
        let detail = "no history was given: name the earlier runs of this step with --history, or say `history = []`";
        return check.inconclusive(ReasonCode::EvidenceMissing, detail);
    };
    let mut fails: BTreeMap<CheckId, usize> = BTreeMap::new();
    let now = so_far
        .iter()
        .map(|check| (check.id, &check.target, check.verdict));
    let past = case.past();
    let before = past
        .iter()
        .flat_map(|run| &run.checks)
        .map(|check| (check.id, &check.target, check.verdict));
    for (id, target, verdict) in now.chain(before) {
        if *target == case.side.name && verdict == CheckVerdict::Fail && id != check.id {
            *fails.entry(id).or_default() += 1;
        }
    }
    let twice: Vec<String> = fails
        .iter()
        .filter(|(_, n)| **n >= 2)
        .map(|(id, n)| format!("{id} failed {n} times"))
        .collect();
    let check = Check {
        estimate: Some(twice.len() as f64),
        ..check
    };
    let runs = format!("{} verdicts of this step", past.len() + 1);
    if twice.is_empty() {
        return check.with(
            CheckVerdict::Pass,
            ReasonCode::NotFailedTwice,
            format!("no gate failed twice in {runs}"),
        );
    }
    let detail = format!("{} in {runs}", twice.join(", "));
    check.with(CheckVerdict::Fail, ReasonCode::FailedTwice, detail)
}
