//! What a policy may change about judging.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::TargetName;
use crate::judge::{
    CheckId, Definition, DrillCheck, Evidence, PastRun, Requirement, Runbook, RunbookStage, Waiver,
};
use crate::stats::Resamples;
use crate::traffic::{ArmField, LatencyPoint};
use crate::units::Confidence;

/// What a sample check is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The whole one-sided bound: the default.
    #[default]
    Bound,
    /// The point estimate alone, and labelled so in every report.
    Point,
}

/// A limit that the policy sets in place of the runbook's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// The new limit.
    pub limit: f64,
    /// Why, shown in every report.
    pub reason: String,
}

/// Which side is judged beside which, at which stage, and by what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The side.
    pub side: TargetName,
    /// What it is compared with.
    pub control: TargetName,
    /// The stage of the runbook.
    pub stage: RunbookStage,
    /// Clauses of the runbook.
    pub checks: Vec<CheckId>,
    /// Checks that a drill plan names beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<DrillCheck>,
}

/// How a run is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Which runbook.
    pub runbook: Runbook,
    /// Which of its stages.
    pub stage: RunbookStage,
    /// Bound or point.
    pub basis: Basis,
    /// What must hold of ranking measures beside the runbook's clauses, each measure once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<Requirement>,
    /// Limits that differ from the runbook's.
    pub overrides: BTreeMap<CheckId, Override>,
    /// Red checks that a person takes responsibility for.
    pub waivers: Vec<Waiver>,
    /// Earlier runs of the same step; none at all is not the same as not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<PastRun>>,
    /// What is judged, where it is not every other side beside the control.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<Trial>,
    /// How the bootstrap resamples.
    pub resamples: Resamples,
    /// The coverage that a blocking clause demands, where it is not the runbook's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_coverage: Option<f64>,
    /// Of each one-sided bound.
    pub confidence: Confidence,
    /// How live requests and drill logs are judged.
    #[serde(default, skip_serializing_if = "ObservedSettings::is_default")]
    pub observed: ObservedSettings,
}

/// How live requests and drill logs are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObservedSettings {
    /// What requests call a target, where that is not its name.
    pub arms: BTreeMap<TargetName, String>,
    /// Which latency the clauses mean.
    pub latency: LatencyPoint,
    /// The share of the requests that the candidate is to have, in `(0, 1]`, where it is not that of
    /// the stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// How many minutes of requests decide; none where those that there are decide. A promotion takes
    /// an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_minutes: Option<f64>,
    /// For how many seconds after an arm's first request it may still be warming up.
    pub warm_up_s: f64,
    /// Whether simulated evidence may be judged as if it were real.
    pub allow_simulated: bool,
}

impl Runbook {
    /// The field that tells the arms of the runbook apart.
    pub fn arm_by(self) -> ArmField {
        match self {
            Self::BlueGreen => ArmField::Color,
            Self::MultiRegion | Self::FailoverDrill => ArmField::Region,
            Self::TrafficShaping => ArmField::Revision,
            Self::Canary | Self::Comparison => ArmField::Variant,
        }
    }
}

impl ObservedSettings {
    /// The longest time that may be planned, in its unit: nobody watches for a million minutes.
    pub const LONGEST: f64 = 1e6;
}

impl Default for ObservedSettings {
    fn default() -> Self {
        Self {
            arms: BTreeMap::new(),
            latency: LatencyPoint::default(),
            share: None,
            planned_minutes: None,
            warm_up_s: 60.0,
            allow_simulated: false,
        }
    }
}

impl ObservedSettings {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            runbook: Runbook::Canary,
            stage: RunbookStage::Shadow,
            basis: Basis::Bound,
            required: Vec::new(),
            overrides: BTreeMap::new(),
            waivers: Vec::new(),
            history: None,
            trials: Vec::new(),
            resamples: Resamples::default(),
            block_coverage: None,
            confidence: Confidence::P95,
            observed: ObservedSettings::default(),
        }
    }
}

/// The limit in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Its value.
    pub value: f64,
    /// Why it is not the runbook's.
    pub reason: Option<String>,
}

impl Settings {
    /// What is judged: as set, or else every side that is not the control beside it, by the checks of
    /// the stage.
    pub(super) fn trials(&self, evidence: &Evidence) -> Vec<Trial> {
        if !self.trials.is_empty() {
            return self.trials.clone();
        }
        let Some(control) = evidence.control() else {
            return Vec::new();
        };
        let judged = evidence.sides.iter().filter(|side| side.role.is_judged());
        judged
            .map(|side| Trial {
                side: side.name.clone(),
                control: control.name.clone(),
                stage: self.stage,
                checks: self
                    .runbook
                    .checks_at(self.stage)
                    .map(|check| check.id)
                    .collect(),
                named: Vec::new(),
            })
            .collect()
    }

    /// The coverage below which a blocking clause is red: the drill plan's, or the runbook's.
    pub(super) fn block_coverage(&self) -> f64 {
        self.block_coverage
            .unwrap_or(Definition::of(CheckId::BgCov).limit)
    }

    /// What the policy requires under a check's id, if it is no clause of a runbook.
    pub fn requirement(&self, id: CheckId) -> Option<&Requirement> {
        self.required.iter().find(|one| one.id() == id)
    }

    /// The limit of a check: the policy's if it overrides or is the only one to name it, else the
    /// runbook's.
    pub fn limit(&self, definition: &Definition) -> Limit {
        match self.overrides.get(&definition.id) {
            Some(over) => Limit {
                value: over.limit,
                reason: Some(over.reason.clone()),
            },
            None => Limit {
                value: self.usual_limit(definition),
                reason: None,
            },
        }
    }
    /// The limit before any override.
    pub(super) fn usual_limit(&self, definition: &Definition) -> f64 {
        let required = self.requirement(definition.id);
        required.map_or(definition.limit, |required| required.limit)
    }
}
