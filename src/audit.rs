//! The audit of a failover drill: runs from before, during and after it, judged by the clauses of the
//! runbook and by the checks that its plan names.

use std::collections::BTreeMap;

use miette::Diagnostic;
use thiserror::Error;

use crate::drill::Drill;
use crate::earlier::{Asked, NotComparable, Sides};
use crate::ids::TargetName;
use crate::judge::{
    CheckId, Definition, DrillCheck, Method, ObservedSettings, Override, Runbook, RunbookStage,
    Settings, Trial,
};
use crate::measure::{Replies, SideAnswers};
use crate::parity::{Contract, SideParity, compare};
use crate::pipeline::{Occasion, Saved};
use crate::report::{JudgedRecord, Report};
use crate::target::Role;
use crate::traffic::{Observed, Roles};

/// Why a drill cannot be audited.
#[derive(Debug, Error, Diagnostic)]
pub enum AuditError {
    /// The runs cannot be put beside each other.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NotComparable(#[from] NotComparable),
    /// No run was given.
    #[error("no run was given")]
    #[diagnostic(
        code(audit::no_run),
        help(
            "give at least one run of the drill with --pre, --live or --post: logs alone have neither contracts nor gold questions"
        )
    )]
    NoRun,
}

/// The runs of a drill, each with all regions as its targets.
#[derive(Clone, Debug, Default)]
pub struct Phases {
    /// Before the drill.
    pub pre: Option<Report>,
    /// While it is under way.
    pub live: Option<Report>,
    /// After it.
    pub post: Option<Report>,
}

/// What was logged beside the runs.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// Live requests and the events of the drill.
    pub observed: Observed,
    /// Whether simulated logs may be judged as if they were real.
    pub allow_simulated: bool,
}

const PHASES: [RunbookStage; 3] = [RunbookStage::Pre, RunbookStage::Live, RunbookStage::Post];

/// Who plays which part, as the plan says it, for reading the log of the drill.
pub fn roles(drill: &Drill) -> Roles {
    let webhooks = drill.webhook_policy.clone().unwrap_or_default();
    let home = drill.return_to_home.clone().unwrap_or_default();
    let survivor = &drill.promote_survivor;
    Roles {
        evacuated: drill.evacuate.to_string(),
        survivor: survivor.to_string(),
        other_webhook_keys: webhooks.has_other_keys(),
        webhooks_from: webhooks.emit_from.as_ref().unwrap_or(survivor).to_string(),
        freeze_writes_on_followers: drill.freeze_writes_on_followers.unwrap_or(false),
        purge_cache: home.purge_cache.unwrap_or(false),
        return_weights: home.gradual_weights,
    }
}

/// Judges a drill by its plan, its runs and its logs. A phase without a run leaves
/// its checks of probes undecided, and so does a log that is not there with its own.
///
/// # Errors
/// If no run was given, or gold sets, questions, seeds, k or referees differ between the runs or from
/// the plan.
pub fn audit(
    drill: &Drill,
    phases: Phases,
    logs: Logs,
    occasion: &Occasion,
    ended_at: &dyn Fn() -> String,
) -> Result<Report, AuditError> {
    let given: Vec<&Report> = [&phases.pre, &phases.live, &phases.post]
        .into_iter()
        .flatten()
        .collect();
    let first = given.first().ok_or(AuditError::NoRun)?;
    for other in &given {
        Asked::of(first).comparable_with(&Asked::of(other))?;
    }
    if let Some(k) = drill.rag_probe.k {
        Asked::of(first).comparable_with(&Asked {
            run: "the drill plan".to_owned(),
            k: k.get(),
            ..Asked::of(first)
        })?;
    }
    let mut saved = Saved {
        observed: logs.observed,
        ..Saved::like(&first.record, occasion)
    };
    let judged = first
        .record
        .judged
        .clone()
        .expect("runs that were never judged are not comparable");
    for (phase, report) in PHASES
        .into_iter()
        .zip([phases.pre, phases.live, phases.post])
    {
        if let Some(report) = report {
            add(&mut saved, report, drill, phase);
        }
    }
    let trials = trials(drill);
    let mut settings = settings(drill, &judged.settings, &trials);
    settings.observed.allow_simulated |= logs.allow_simulated;
    let judged = JudgedRecord {
        parity: parity(&saved, &trials),
        answers: answers(&saved, &trials),
        settings,
        on: occasion.day,
        referee: judged.referee,
        drill: Some(drill.clone()),
    };
    Ok(saved.judge(judged, occasion, ended_at))
}

/// A region in a phase: `eu-west (post)`.
fn at(region: &TargetName, phase: RunbookStage) -> TargetName {
    TargetName::new(format!("{region} ({phase})"))
}

/// Puts the regions of a run beside what is there already.
fn add(saved: &mut Saved, report: Report, drill: &Drill, phase: RunbookStage) {
    let own = |name: &TargetName| drill.regions.contains(name);
    let mut sides = Sides::of(report, |name| own(name).then(|| at(name, phase)));
    for target in &mut sides.targets {
        target.role = if target.name == at(&drill.promote_survivor, phase) {
            Role::Survivor
        } else {
            Role::Follower
        };
    }
    saved.add(sides);
}

/// What is judged beside what.
///
/// In each phase every region that serves is judged by itself and, in its contract, beside the
/// survivor; the survivor stands beside the evacuated region, or, while that is drained, beside itself
/// before. Answers are compared between the regions after the drill, and of each region with itself
/// before it.
fn trials(drill: &Drill) -> Vec<Trial> {
    let survivor = &drill.promote_survivor;
    let mut trials = Vec::new();
    for phase in PHASES {
        let named = match phase {
            RunbookStage::Pre => &drill.checks.pre,
            RunbookStage::Live => &drill.checks.live,
            _ => &drill.checks.post,
        };
        let phase = Phase {
            stage: phase,
            named,
        };
        let live = phase.stage == RunbookStage::Live;
        let serving = |region: &&TargetName| !live || **region != drill.evacuate;
        let others: Vec<&TargetName> = drill
            .regions
            .iter()
            .filter(|region| *region != survivor)
            .filter(serving)
            .collect();
        let here = |region: &TargetName| at(region, phase.stage);
        // While the other region is drained there is nobody to stand beside but oneself before.
        let (beside, with_parity) = if live {
            (at(survivor, RunbookStage::Pre), true)
        } else {
            (here(&drill.evacuate), false)
        };
        trials.push(phase.trial(here(survivor), beside, |method| match method {
            Method::AnswersEqual => false,
            Method::Parity(_) => with_parity,
            _ => true,
        }));
        for region in &others {
            trials.push(phase.trial(here(region), here(survivor), |method| {
                matches!(
                    method,
                    Method::Parity(_) | Method::DeltaS | Method::Convergence
                )
            }));
        }
        if phase.stage == RunbookStage::Post {
            let answers = |method| method == Method::AnswersEqual;
            for region in &others {
                trials.push(phase.trial(here(region), here(survivor), answers));
            }
            for region in &drill.regions {
                trials.push(phase.trial(here(region), at(region, RunbookStage::Pre), answers));
            }
        }
    }
    trials
}

/// One phase of the plan.
struct Phase<'a> {
    stage: RunbookStage,
    named: &'a [DrillCheck],
}

impl Phase<'_> {
    /// The clauses of the stage that `asked` wants, each under the plan's names where it has any.
    fn trial(
        &self,
        side: TargetName,
        control: TargetName,
        asked: impl Fn(Method) -> bool,
    ) -> Trial {
        let wanted = |id: CheckId| asked(Definition::of(id).method);
        let named: Vec<DrillCheck> = self
            .named
            .iter()
            .copied()
            .filter(|named| wanted(named.id()))
            .collect();
        let covered = |id: CheckId| {
            named
                .iter()
                .any(|named| named.id() == id && named.is_whole())
        };
        let checks = Runbook::FailoverDrill.checks_at(self.stage);
        Trial {
            side,
            control,
            stage: self.stage,
            checks: checks
                .map(|check| check.id)
                .filter(|id| wanted(*id) && !covered(*id))
                .collect(),
            named,
        }
    }
}

fn settings(drill: &Drill, of: &Settings, trials: &[Trial]) -> Settings {
    let mut overrides: BTreeMap<CheckId, Override> = of
        .overrides
        .iter()
        .filter(|(id, _)| id.is_of(Runbook::FailoverDrill))
        .map(|(id, over)| (*id, over.clone()))
        .collect();
    let risk = Definition::of(CheckId::FdRisk);
    if let Some(limit) = drill
        .rag_probe
        .delta_s_risk
        .filter(|limit| *limit != risk.limit)
    {
        let reason = "the drill plan's rag_probe.delta_s_risk".to_owned();
        overrides.insert(risk.id, Override { limit, reason });
    }
    Settings {
        runbook: Runbook::FailoverDrill,
        stage: RunbookStage::Audit,
        observed: ObservedSettings {
            arms: arms(drill, &of.observed),
            ..of.observed.clone()
        },
        waivers: of
            .waivers
            .iter()
            .filter(|waiver| waiver.check.is_of(Runbook::FailoverDrill))
            .cloned()
            .collect(),
        history: None,
        trials: trials.to_vec(),
        overrides,
        block_coverage: drill.rag_probe.coverage_min,
        ..of.clone()
    }
}

/// What requests call a region in each phase: as the policy says, or by its name.
fn arms(drill: &Drill, of: &ObservedSettings) -> BTreeMap<TargetName, String> {
    let name = |region: &TargetName| {
        let arm = of.arms.get(region).cloned();
        arm.unwrap_or_else(|| region.to_string())
    };
    let of_phase = |phase| {
        let regions = drill.regions.iter();
        regions.map(move |region| (at(region, phase), name(region)))
    };
    let phases = PHASES.into_iter().flat_map(of_phase);
    of.arms.clone().into_iter().chain(phases).collect()
}

/// Each pair of sides that stand beside each other and were both asked, once.
fn pairs<'a>(
    saved: &'a Saved,
    trials: &'a [Trial],
    of: impl Fn(Method) -> bool + 'a,
) -> impl Iterator<Item = (&'a TargetName, &'a TargetName)> {
    let asked = |name: &TargetName| {
        saved
            .record
            .targets
            .iter()
            .any(|target| target.name == *name)
    };
    let mut seen = std::collections::BTreeSet::new();
    trials
        .iter()
        .filter(move |trial| {
            let named = trial.named.iter().map(|named| named.id());
            let mut ids = trial.checks.iter().copied().chain(named);
            ids.any(|id| of(Definition::of(id).method))
        })
        .map(|trial| (&trial.side, &trial.control))
        .filter(move |(side, control)| asked(side) && asked(control))
        .filter(move |pair| seen.insert(*pair))
}

fn parity(saved: &Saved, trials: &[Trial]) -> Vec<SideParity> {
    let contract = |name: &TargetName| {
        let target = saved
            .record
            .targets
            .iter()
            .find(|target| target.name == *name);
        target
            .and_then(|target| target.contract_at_start.clone())
            .unwrap_or_default()
    };
    // Where answers are compared, contracts explain them.
    let of = |method| matches!(method, Method::Parity(_) | Method::AnswersEqual);
    pairs(saved, trials, of)
        .map(|(side, control)| SideParity {
            target: side.clone(),
            control: control.clone(),
            fields: compare(&contract(control), &contract(side), &Contract::default()),
            rows: None,
        })
        .collect()
}

fn answers(saved: &Saved, trials: &[Trial]) -> Vec<SideAnswers> {
    let replies = Replies {
        observations: &saved.observations,
        texts: &saved.texts,
        vectors: None,
    };
    let asking = saved.record.asking();
    pairs(saved, trials, |method| method == Method::AnswersEqual)
        .map(|(side, control)| replies.compare(&asking, side, control))
        .collect()
}
