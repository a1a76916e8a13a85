//! Live requests and a drill log, judged without a probe: which arms there are, by which clauses
//! they are judged, and what follows.

mod follow;

use serde::Serialize;

use crate::ids::TargetName;
use crate::judge::{
    Basis, Check, CheckId, CheckVerdict, Definition, Method, ReasonCode, RunVerdict, Runbook,
    RunbookStage, Settings, Source, Trial, judge_observed, worst,
};
use crate::traffic::{Observed, Timeline, TrafficTable};

pub use follow::{Follower, Read};

/// Two arms of a log: which is judged, and beside which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arms {
    /// What the others are compared with.
    pub control: String,
    /// What is judged.
    pub candidate: String,
}

/// Why it is not known which arm is which.
#[derive(Debug, thiserror::Error)]
pub enum NoArms {
    /// A name that no request has.
    #[error("no request has `{name}` as its {field}; there are: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The field that tells arms apart.
        field: &'static str,
        /// Those that there are.
        known: String,
    },
    /// Nothing says which of the arms is the control.
    #[error("which of the {n} arms is the control is not clear; there are: {known}")]
    Unclear {
        /// How many.
        n: usize,
        /// Those that there are.
        known: String,
    },
}

/// Names by which logs call what others are compared with.
const CONTROLS: [&str; 6] = ["control", "blue", "old", "stable", "baseline", "current"];

impl Arms {
    /// The two arms that are judged: as named, or the only two that there are, if one of them has
    /// the name of a control.
    ///
    /// # Errors
    /// If a name is no arm's, or it stays unclear which arm is which.
    pub fn of(
        table: &TrafficTable,
        control: Option<&str>,
        candidate: Option<&str>,
    ) -> Result<Self, NoArms> {
        let known = || {
            let names: Vec<&str> = table.arms.keys().map(String::as_str).collect();
            names.join(", ")
        };
        for name in [control, candidate].into_iter().flatten() {
            if !table.arms.contains_key(name) {
                return Err(NoArms::Unknown {
                    name: name.to_owned(),
                    field: table.arm_by.name(),
                    known: known(),
                });
            }
        }
        let unclear = || NoArms::Unclear {
            n: table.arms.len(),
            known: known(),
        };
        let names = || table.arms.keys().map(String::as_str);
        let usual = || names().find(|name| CONTROLS.contains(name) && Some(*name) != candidate);
        let only_other = |than: &str| {
            let mut others = names().filter(|name| *name != than);
            others.next().filter(|_| others.next().is_none())
        };
        let control = control
            .or_else(usual)
            .or_else(|| candidate.and_then(only_other))
            .ok_or_else(unclear)?;
        let candidate = candidate
            .or_else(|| only_other(control))
            .ok_or_else(unclear)?;
        Ok(Self {
            control: control.to_owned(),
            candidate: candidate.to_owned(),
        })
    }
}

/// What live requests and a drill log prove.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LiveReport {
    /// Version of this format.
    pub format: u32,
    /// The worst check; none where nothing was to be judged.
    pub verdict: RunVerdict,
    /// What the process returns.
    pub exit_code: u8,
    /// Which runbook.
    pub runbook: Runbook,
    /// Which stage.
    pub stage: RunbookStage,
    /// Bound or point.
    pub evidence: Basis,
    /// Every check.
    pub checks: Vec<Check>,
    /// What the requests come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficTable>,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
}

impl LiveReport {
    /// The format this version writes.
    pub const FORMAT: u32 = 1;

    /// Judges by the clauses of the settings' stage that requests or a drill log decide.
    pub fn of(observed: Observed, arms: &Arms, settings: &Settings) -> Self {
        let trial = trial(arms, settings);
        let checks = judge_observed(&observed, &[trial], settings);
        Self::with(checks, observed, settings)
    }

    fn with(checks: Vec<Check>, observed: Observed, settings: &Settings) -> Self {
        let verdict = worst(&checks);
        Self {
            format: Self::FORMAT,
            verdict,
            exit_code: verdict.exit_code(),
            runbook: settings.runbook,
            stage: settings.stage,
            evidence: settings.basis,
            checks,
            traffic: observed.traffic,
            timeline: observed.timeline,
        }
    }
}

/// The clauses of a stage that live requests or a drill log decide.
fn trial(arms: &Arms, settings: &Settings) -> Trial {
    let live = |sources: &[Source]| {
        sources
            .iter()
            .any(|source| matches!(source, Source::Telemetry | Source::DrillLog))
    };
    let decided = |method: Method| {
        method.is_observed() || matches!(method, Method::LatencyRatio | Method::NewErrorClass)
    };
    let checks = settings.runbook.checks_at(settings.stage);
    Trial {
        side: TargetName::new(arms.candidate.clone()),
        control: TargetName::new(arms.control.clone()),
        stage: settings.stage,
        checks: checks
            .filter(|check| live(check.sources) && decided(check.method))
            .map(|check| check.id)
            .collect(),
        named: Vec::new(),
    }
}

/// What ends a stage before its planned end: a hard stop that is crossed, or errors that are shown
/// to be harmful, both by evidence that may be looked at as often as one likes. `None` while the
/// stage goes on.
pub fn stops(observed: Observed, arms: &Arms, settings: &Settings) -> Option<LiveReport> {
    let always_valid = |id: &CheckId| {
        let definition = Definition::of(*id);
        definition.hard_stop || definition.method == Method::ErrorRatio
    };
    let mut trial = trial(arms, settings);
    trial.checks.retain(always_valid);
    let mut checks = judge_observed(&observed, &[trial], settings);
    checks.retain(|check| {
        let harmful = check.reason_code == ReasonCode::HarmShown;
        check.verdict == CheckVerdict::Fail && (check.hard_stop || harmful)
    });
    // Whatever crossed, the stage ends now.
    for check in &mut checks {
        check.hard_stop = true;
    }
    (!checks.is_empty()).then(|| LiveReport::with(checks, observed, settings))
}
