//! Everything that is judged.

use crate::embed::EmbedderId;
use crate::ids::TargetName;
use crate::measure::{MetricTable, SideAnswers};
use crate::parity::SideParity;
use crate::parity::stamp::Lie;
use crate::replay::ContractReading;
use crate::target::{Locality, Role};
use crate::traffic::Observed;
use crate::units::Moment;

/// What is known of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct SideEvidence {
    /// Its name.
    pub name: TargetName,
    /// Its part.
    pub role: Role,
    /// Whether its latency means anything.
    pub locality: Locality,
    /// Contract before the first probe.
    pub contract_at_start: ContractReading,
    /// Contract after the last probe.
    pub contract_at_end: ContractReading,
    /// Where its claims contradict what was computed of its rows.
    pub stamp_lies: Vec<Lie>,
    /// Why it was not asked to the end, if it was not.
    pub given_up: Option<String>,
    /// How its kept replies were shown to be stale, if they were.
    pub cache_abandoned: Option<String>,
    /// Whether another seed ever changed a reply.
    pub seeds_vary: Option<bool>,
    /// The side that this one is an earlier run of.
    pub baseline_of: Option<TargetName>,
}

/// Everything that is judged: measured cells, sides and parity.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// One row a probe.
    pub table: MetricTable,
    /// Every side; exactly one is the control.
    pub sides: Vec<SideEvidence>,
    /// Each side against the control.
    pub parity: Vec<SideParity>,
    /// Replies of sides beside those of others, where the runbook asks whether they are equal.
    pub answers: Vec<SideAnswers>,
    /// Who measured.
    pub referee: EmbedderId,
    /// What was observed beside the probes.
    pub observed: Observed,
    /// When the run began, if it says so.
    pub started_at: Option<Moment>,
}

impl Evidence {
    /// The side the others are compared with, where there is one for all of them.
    pub fn control(&self) -> Option<&SideEvidence> {
        self.sides.iter().find(|side| side.role.is_control())
    }

    /// The side of a name.
    pub fn side(&self, name: &TargetName) -> Option<&SideEvidence> {
        self.sides.iter().find(|side| side.name == *name)
    }

    /// The same side in an earlier run, if one was given.
    pub(super) fn baseline_of(&self, side: &SideEvidence) -> Option<&SideEvidence> {
        self.sides
            .iter()
            .find(|earlier| earlier.baseline_of.as_ref() == Some(&side.name))
    }
}
