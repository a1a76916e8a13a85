//! What a policy may change about judging.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::judge::{CheckId, Definition, Runbook, RunbookStage, Waiver};
use crate::stats::Resamples;
use crate::units::Confidence;

/// What a sample check is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// How a run is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Which runbook.
    pub runbook: Runbook,
    /// Which of its stages.
    pub stage: RunbookStage,
    /// Bound or point.
    pub basis: Basis,
    /// Limits that differ from the runbook's.
    pub overrides: BTreeMap<CheckId, Override>,
    /// Red checks that a person takes responsibility for.
    pub waivers: Vec<Waiver>,
    /// How the bootstrap resamples.
    pub resamples: Resamples,
    /// Of each one-sided bound.
    pub confidence: Confidence,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            runbook: Runbook::Canary,
            stage: RunbookStage::Shadow,
            basis: Basis::Bound,
            overrides: BTreeMap::new(),
            waivers: Vec::new(),
            resamples: Resamples::default(),
            confidence: Confidence::P95,
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
    /// The limit of a check: the policy's if it overrides, else the runbook's.
    pub fn limit(&self, definition: &Definition) -> Limit {
        match self.overrides.get(&definition.id) {
            Some(over) => Limit {
                value: over.limit,
                reason: Some(over.reason.clone()),
            },
            None => Limit {
                value: definition.limit,
                reason: None,
            },
        }
    }
}
