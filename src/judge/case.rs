//! One side on trial.

use crate::judge::{CheckId, Definition, Evidence, Runbook, Settings, SideEvidence};
use crate::measure::{CellMetrics, Missing, QuestionMetrics, questions};
use crate::parity::SideParity;
use crate::replay::Purpose;

/// A side with everything that is held against it; every check of the side looks at the same case.
pub(super) struct Case<'a> {
    pub(super) side: &'a SideEvidence,
    pub(super) evidence: &'a Evidence,
    pub(super) settings: &'a Settings,
    /// The side's questions, with missing cells counted as the worst possible ones.
    pub(super) questions: Vec<QuestionMetrics>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        side: &'a SideEvidence,
        evidence: &'a Evidence,
        settings: &'a Settings,
    ) -> Self {
        Self {
            side,
            evidence,
            settings,
            questions: questions(&evidence.table, &side.name, Missing::Worst),
        }
    }

    pub(super) fn control(&self) -> &'a SideEvidence {
        self.evidence.control()
    }

    /// The same side with missing cells counted as the best possible ones.
    pub(super) fn questions_at_best(&self) -> Vec<QuestionMetrics> {
        questions(&self.evidence.table, &self.side.name, Missing::Best)
    }

    pub(super) fn parity(&self) -> Option<&'a SideParity> {
        self.evidence
            .parity
            .iter()
            .find(|parity| parity.target == self.side.name)
    }

    /// The limit in force of the runbook's ΔS clause.
    pub(super) fn delta_s_limit(&self) -> f64 {
        self.limit(CheckId::CaDs, CheckId::BgDs)
    }

    /// The limit in force of the runbook's coverage clause.
    pub(super) fn coverage_limit(&self) -> f64 {
        self.limit(CheckId::CaCov, CheckId::BgCov)
    }

    fn limit(&self, canary: CheckId, blue_green: CheckId) -> f64 {
        let id = match self.settings.runbook {
            Runbook::Canary => canary,
            Runbook::BlueGreen => blue_green,
        };
        self.settings.limit(Definition::of(id)).value
    }
}

/// The cells of a side that answer for the verdict, whether or not their question has an answer.
pub(super) fn asked<'a>(
    evidence: &'a Evidence,
    side: &SideEvidence,
) -> impl Iterator<Item = &'a CellMetrics> {
    let cells = evidence.table.cells.iter();
    cells.filter(move |cell| cell.target == side.name && cell.purpose == Purpose::Score)
}
