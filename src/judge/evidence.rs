//! Everything that is judged.

use crate::embed::EmbedderId;
use crate::ids::TargetName;
use crate::measure::MetricTable;
use crate::parity::SideParity;
use crate::replay::ContractReading;
use crate::target::{Locality, Role};

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
    /// Whether another seed ever changed a reply.
    pub seeds_vary: Option<bool>,
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
    /// Who measured.
    pub referee: EmbedderId,
}

impl Evidence {
    /// The side the others are compared with.
    ///
    /// # Panics
    /// If there is none; the policy is refused before that.
    pub fn control(&self) -> &SideEvidence {
        self.sides
            .iter()
            .find(|side| side.role.is_control())
            .expect("a policy has one control")
    }
}
