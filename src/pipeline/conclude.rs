//! From what was measured to a verdict: of a run that has just ended, of sides of saved runs, and of a
//! bundle once more.

use std::collections::BTreeSet;

use crate::drill::Drill;
use crate::earlier::Sides;
use crate::ids::{QuestionId, TargetName};
use crate::judge::{
    self, Evidence, GoldRef, SideEvidence, TargetRef, Verdict, notes, waive, worst,
};
use crate::measure::MetricTable;
use crate::parity::Contract;
use crate::pipeline::Occasion;
use crate::replay::{Counts, Observation, Purpose};
use crate::report::{AskedIn, JudgedRecord, Report, RunRecord, TargetRecord};
use crate::target::Texts;
use crate::traffic::Observed;

/// Everything that a verdict is drawn from, but for how it is to be judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// What was asked of whom.
    pub record: RunRecord,
    /// One row of numbers a probe.
    pub table: MetricTable,
    /// What came back from each probe.
    pub observations: Vec<Observation>,
    /// Every retrieved text.
    pub texts: Texts,
    /// What was observed beside the probes.
    pub observed: Observed,
}

impl Saved {
    /// No probe at all, of what a run asked: sides of saved runs are added to it.
    pub fn like(record: &RunRecord, occasion: &Occasion) -> Self {
        Self {
            record: RunRecord {
                run_id: occasion.run_id.clone(),
                targets: Vec::new(),
                judged: None,
                plan_digest: None,
                started_at: None,
                ..record.clone()
            },
            table: MetricTable::default(),
            observations: Vec::new(),
            texts: Texts::new(),
            observed: Observed::default(),
        }
    }

    /// Puts sides of a saved run beside what is there.
    pub fn add(&mut self, sides: Sides) {
        self.record.targets.extend(sides.targets);
        self.table.cells.extend(sides.cells);
        self.observations.extend(sides.observations);
        self.texts.extend(sides.texts);
    }

    /// Judges what was measured. `ended_at` is RFC 3339.
    pub fn judge(
        mut self,
        judged: JudgedRecord,
        occasion: &Occasion,
        ended_at: &dyn Fn() -> String,
    ) -> Report {
        let evidence = Evidence {
            observed: self.observed,
            ..evidence(&self.record, &judged, self.table, &occasion.started_at)
        };
        let times = Times {
            started_at: occasion.started_at.clone(),
            ended_at: ended_at(),
        };
        let probes = counts(&self.record, &self.observations);
        let verdict = verdict(&self.record, &evidence, &judged, probes, times);
        self.record.judged = Some(judged);
        Report {
            verdict,
            record: self.record,
            table: evidence.table,
            observations: self.observations,
            texts: self.texts,
            observed: evidence.observed,
        }
    }
}

/// The probes of this run; those of an earlier one beside it were counted then.
fn counts(record: &RunRecord, observations: &[Observation]) -> Counts {
    let earlier: BTreeSet<&TargetName> = record
        .targets
        .iter()
        .filter(|target| target.baseline_of.is_some())
        .map(|target| &target.name)
        .collect();
    let own = observations
        .iter()
        .filter(|seen| seen.purpose == Purpose::Score && !earlier.contains(&seen.target));
    Counts::of(own.map(|seen| &seen.outcome))
}

fn evidence(
    record: &RunRecord,
    judged: &JudgedRecord,
    table: MetricTable,
    started_at: &str,
) -> Evidence {
    let reading = |contract: &Option<Contract>, error: &Option<String>| {
        contract
            .clone()
            .ok_or_else(|| error.clone().unwrap_or_else(|| "not read".to_owned()))
    };
    let side = |target: &TargetRecord| SideEvidence {
        name: target.name.clone(),
        role: target.role,
        locality: target.locality,
        contract_at_start: reading(&target.contract_at_start, &target.contract_error),
        contract_at_end: reading(&target.contract_at_end, &target.contract_error),
        stamp_lies: target.stamp_lies.clone(),
        given_up: target.given_up.clone(),
        cache_abandoned: target.cache_abandoned.clone(),
        seeds_vary: target.seeds_vary,
        baseline_of: target.baseline_of.clone(),
    };
    Evidence {
        table,
        sides: record.targets.iter().map(side).collect(),
        parity: judged.parity.clone(),
        answers: judged.answers.clone(),
        referee: judged.referee.clone(),
        observed: Observed::default(),
        started_at: started_at.parse().ok(),
    }
}

fn of_report(report: &Report, judged: &JudgedRecord, started_at: &str) -> Evidence {
    Evidence {
        observed: report.observed.clone(),
        ..evidence(&report.record, judged, report.table.clone(), started_at)
    }
}

/// What only the clock knows of a verdict.
struct Times {
    started_at: String,
    ended_at: String,
}

fn verdict(
    record: &RunRecord,
    evidence: &Evidence,
    judged: &JudgedRecord,
    probes: Counts,
    times: Times,
) -> Verdict {
    let settings = &judged.settings;
    let (checks, waivers) = waive(
        judge::judge(evidence, settings),
        &settings.waivers,
        judged.on,
    );
    let worst = worst(&checks);
    Verdict {
        format: Verdict::FORMAT,
        run_id: record.run_id.clone(),
        verdict: worst,
        exit_code: worst.exit_code(),
        runbook: settings.runbook,
        stage: settings.stage,
        evidence: settings.basis,
        gold: GoldRef {
            digest: record.gold_digest,
            questions: record.questions.len(),
        },
        policy_digest: record.policy_digest,
        referee: evidence.referee.clone(),
        probes,
        targets: record
            .targets
            .iter()
            .map(|target| TargetRef {
                name: target.name.clone(),
                role: target.role,
                contract: target.contract_at_start.clone().unwrap_or_default(),
            })
            .collect(),
        checks,
        parity: evidence.parity.clone(),
        ladders: judge::ladders(evidence, settings),
        notes: slice(record)
            .into_iter()
            .chain(elsewhere(record))
            .chain(abandoned(record))
            .chain(judged.drill.iter().flat_map(of_plan))
            .chain(notes(evidence, settings))
            .collect(),
        waivers,
        started_at: times.started_at,
        ended_at: times.ended_at,
    }
}

/// The questions of a loaded report that missed a limit themselves. `None` for a replay that was never
/// judged.
pub fn failing_questions(report: &Report) -> Option<BTreeSet<QuestionId>> {
    let judged = report.record.judged.as_ref()?;
    let started_at = &report.verdict.started_at;
    let evidence = of_report(report, judged, started_at);
    Some(judge::failing(&evidence, &judged.settings))
}

/// Which run stands behind a target that was not asked in this one.
fn elsewhere(record: &RunRecord) -> impl Iterator<Item = String> {
    record.targets.iter().filter_map(|target| {
        let AskedIn { run_id, name } = target.asked_in.as_ref()?;
        Some(format!("{} is {name} in run {run_id}", target.name))
    })
}

/// Which targets were shown to answer otherwise than their kept replies do.
fn abandoned(record: &RunRecord) -> impl Iterator<Item = String> {
    record.targets.iter().filter_map(|target| {
        let reason = target.cache_abandoned.as_ref()?;
        Some(format!(
            "the kept replies of {} were dropped: {reason}",
            target.name
        ))
    })
}

/// What a drill plan says that nothing here was judged by.
fn of_plan(drill: &Drill) -> Vec<String> {
    let unused = drill.unused_keys();
    let mut notes = Vec::new();
    if !unused.is_empty() {
        notes.push(format!(
            "the drill plan has keys that nothing was judged by: {}",
            unused.join(", ")
        ));
    }
    if let Some(k) = drill.rag_probe.dualhome_k {
        notes.push(format!(
            "the drill plan's dualhome_k is {k}: how many hits a second region adds is its router's doing, and no check's"
        ));
    }
    notes
}

/// What a reader must know before taking a slice for the whole.
fn slice(record: &RunRecord) -> Option<String> {
    let (asked, of) = (record.questions.len(), record.gold_questions);
    let failing = if record.filter.only.is_some() {
        ", which were red before and are no fair sample"
    } else {
        ""
    };
    (asked < of).then(|| {
        format!(
            "{asked} of {of} questions were asked ({}){failing}",
            record.filter
        )
    })
}

/// Judges a loaded report once more from its tables, with nothing but the bundle: no gold set, no
/// target, no network, no clock.
///
/// Contracts, observations and metrics are taken as recorded; what follows from them is computed
/// again. `None` for a replay that was never judged.
pub fn judge_again(report: &Report) -> Option<Verdict> {
    let judged = report.record.judged.as_ref()?;
    let recorded = &report.verdict;
    let started_at = &recorded.started_at;
    let evidence = of_report(report, judged, started_at);
    let times = Times {
        started_at: recorded.started_at.clone(),
        ended_at: recorded.ended_at.clone(),
    };
    let probes = counts(&report.record, &report.observations);
    Some(verdict(&report.record, &evidence, judged, probes, times))
}
