//! One side on trial.

use crate::judge::definition::Method;
use crate::judge::{Definition, Evidence, RunbookStage, Settings, SideEvidence, Trial};
use crate::measure::{
    CellMetrics, Missing, PairedQuestion, QuestionMetrics, SelfNoise, pair, questions, self_noise,
};
use crate::parity::SideParity;
use crate::replay::Purpose;

/// A side with everything that is held against it; every check of the side looks at the same case.
pub(super) struct Case<'a> {
    pub(super) side: &'a SideEvidence,
    pub(super) control: &'a SideEvidence,
    pub(super) stage: RunbookStage,
    pub(super) evidence: &'a Evidence,
    pub(super) settings: &'a Settings,
    /// The side's questions, with missing cells counted as the worst possible ones.
    pub(super) questions: Vec<QuestionMetrics>,
}

/// A side against its own repeat, by question.
pub(super) type Noise = std::collections::BTreeMap<crate::ids::QuestionId, SelfNoise>;

impl<'a> Case<'a> {
    /// `None` if the evidence has no such sides.
    pub(super) fn new(
        trial: &Trial,
        evidence: &'a Evidence,
        settings: &'a Settings,
    ) -> Option<Self> {
        let side = evidence.side(&trial.side)?;
        Some(Self {
            side,
            control: evidence.side(&trial.control)?,
            stage: trial.stage,
            evidence,
            settings,
            questions: questions(&evidence.table, &side.name, Missing::Worst),
        })
    }

    /// The same side with missing cells counted as the best possible ones.
    pub(super) fn questions_at_best(&self) -> Vec<QuestionMetrics> {
        questions(&self.evidence.table, &self.side.name, Missing::Best)
    }

    /// The side's questions beside another side's.
    pub(super) fn paired_with(
        &self,
        other: &SideEvidence,
        missing: Missing,
    ) -> Vec<PairedQuestion> {
        let of = |side: &SideEvidence| questions(&self.evidence.table, &side.name, missing);
        pair(&of(self.side), &of(other), missing)
    }

    /// A side against its own repeat; `None` if it was asked nothing twice.
    pub(super) fn noise_of(&self, side: &SideEvidence) -> Option<Noise> {
        self_noise(&self.evidence.table, &side.name)
    }

    pub(super) fn parity(&self) -> Option<&'a SideParity> {
        self.evidence
            .parity
            .iter()
            .find(|parity| parity.target == self.side.name && parity.control == self.control.name)
    }

    /// The limit in force of the runbook's ΔS clause, or the usual one where it has none.
    pub(super) fn delta_s_limit(&self) -> f64 {
        self.settings.limit_by(Method::DeltaS)
    }

    /// The limit in force of the runbook's coverage clause, or the usual one where it has none.
    pub(super) fn coverage_limit(&self) -> f64 {
        self.settings.limit_by(Method::Coverage)
    }
}

impl Settings {
    /// The limit of the runbook's clause that is judged by a method, or of canary's.
    fn limit_by(&self, method: Method) -> f64 {
        let of = |runbook: crate::judge::Runbook| runbook.check_by(method);
        let definition: &Definition = of(self.runbook)
            .or_else(|| of(crate::judge::Runbook::Canary))
            .expect("canary has the quality clauses");
        self.limit(definition).value
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
