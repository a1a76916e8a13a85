//! The verdict: every check with its working, and the worst of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::embed::EmbedderId;
use crate::ids::{Digest, QuestionId, TargetName};
use crate::judge::{
    Basis, CheckId, Comparator, Definition, DrillCheck, Kind, ReasonCode, Requirement, Runbook,
    RunbookStage, Settings, SideLadder, Trial, WaiverUse,
};
use crate::parity::{Contract, SideParity};
use crate::replay::Counts;
use crate::stats::Interval;
use crate::target::Role;

/// What one check concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckVerdict {
    /// Shown to hold.
    Pass,
    /// Shown not to hold.
    Fail,
    /// Neither was shown.
    Inconclusive,
    /// Could not be measured.
    Error,
    /// Failed, and a person took responsibility.
    Waived,
    /// The clause has nothing to say here.
    NotApplicable,
}

impl CheckVerdict {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Error => "ERROR",
            Self::Waived => "WAIVED",
            Self::NotApplicable => "NOT_APPLICABLE",
        }
    }
}

/// What a run concludes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunVerdict {
    /// Every check that applies passed.
    Pass,
    /// Something could not be decided.
    Inconclusive,
    /// Something could not be measured.
    Error,
    /// A clause was shown not to hold.
    Fail,
    /// A hard stop was crossed: roll back now.
    HardStop,
}

impl RunVerdict {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Error => "ERROR",
            Self::Fail => "FAIL",
            Self::HardStop => "HARD_STOP",
        }
    }

    /// The process's exit code, as STATISTICS.md documents it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 3,
            Self::Error => 4,
            Self::HardStop => 5,
        }
    }
}

/// The worst check decides; there is no score. A run in which no check passed or was waived is
/// never PASS.
pub fn worst(checks: &[Check]) -> RunVerdict {
    let one = |check: &Check| match check.verdict {
        CheckVerdict::Fail if check.hard_stop => Some(RunVerdict::HardStop),
        CheckVerdict::Fail => Some(RunVerdict::Fail),
        CheckVerdict::Error => Some(RunVerdict::Error),
        CheckVerdict::Inconclusive => Some(RunVerdict::Inconclusive),
        CheckVerdict::Pass | CheckVerdict::Waived => Some(RunVerdict::Pass),
        CheckVerdict::NotApplicable => None,
    };
    checks
        .iter()
        .filter_map(one)
        .max()
        .unwrap_or(RunVerdict::Inconclusive)
}

/// One clause, judged for one target. Numbers that do not exist are `None`, never 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Which clause.
    pub id: CheckId,
    /// Under which name a drill plan asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<DrillCheck>,
    /// The clause in words.
    pub clause: String,
    /// The target judged.
    pub target: TargetName,
    /// What it is compared with.
    pub control: TargetName,
    /// Census or sample.
    pub kind: Kind,
    /// What was computed.
    pub statistic: String,
    /// The point estimate.
    pub estimate: Option<f64>,
    /// Lower one-sided bound.
    pub ci_low: Option<f64>,
    /// Upper one-sided bound.
    pub ci_high: Option<f64>,
    /// Confidence of each bound.
    pub confidence: Option<f64>,
    /// Direction of the limit.
    pub comparator: Comparator,
    /// The limit in force.
    pub limit: f64,
    /// Why the limit is not the runbook's.
    pub override_reason: Option<String>,
    /// Questions behind the estimate; none for a census.
    pub n_questions: Option<usize>,
    /// Live requests of the target behind the estimate; none where probes or events decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_requests: Option<u64>,
    /// Cells (forms × seeds of those questions) without a number.
    pub n_missing: Option<usize>,
    /// What follows.
    pub verdict: CheckVerdict,
    /// Why, for machines.
    pub reason_code: ReasonCode,
    /// Why, for people, with the numbers.
    pub detail: String,
    /// Whether a FAIL ends the rollout at once.
    pub hard_stop: bool,
    /// What to do; none for a check that passed or does not apply.
    pub remedy: Option<String>,
    /// The questions to look at first, worst first.
    pub worst_questions: Vec<QuestionId>,
}

impl Check {
    pub(super) fn new(definition: &Definition, trial: &Trial, settings: &Settings) -> Self {
        let limit = settings.limit(definition);
        Self {
            id: definition.id,
            named: None,
            clause: settings
                .requirement(definition.id)
                .map_or_else(|| definition.clause.to_owned(), Requirement::clause),
            target: trial.side.clone(),
            control: trial.control.clone(),
            kind: definition.kind,
            statistic: definition.statistic.to_owned(),
            estimate: None,
            ci_low: None,
            ci_high: None,
            confidence: None,
            comparator: definition.comparator,
            limit: limit.value,
            override_reason: limit.reason,
            n_questions: None,
            n_requests: None,
            n_missing: None,
            verdict: CheckVerdict::Inconclusive,
            reason_code: ReasonCode::EvidenceMissing,
            detail: String::new(),
            hard_stop: definition.hard_stop,
            remedy: Some(definition.remedy.to_owned()),
            worst_questions: Vec::new(),
        }
    }

    pub(super) fn with(
        self,
        verdict: CheckVerdict,
        reason_code: ReasonCode,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            verdict,
            reason_code,
            detail: detail.into(),
            ..self
        }
    }

    pub(super) fn inconclusive(self, reason: ReasonCode, detail: impl Into<String>) -> Self {
        self.with(CheckVerdict::Inconclusive, reason, detail)
    }

    pub(super) fn not_applicable(self, reason: ReasonCode, detail: impl Into<String>) -> Self {
        self.with(CheckVerdict::NotApplicable, reason, detail)
    }

    /// Adds to the explanation.
    pub(super) fn adding(mut self, more: impl AsRef<str>) -> Self {
        if !self.detail.is_empty() {
            self.detail.push_str("; ");
        }
        self.detail.push_str(more.as_ref());
        self
    }

    /// Names the questions to look at first.
    pub(super) fn naming(self, worst_questions: Vec<QuestionId>) -> Self {
        Self {
            worst_questions,
            ..self
        }
    }

    /// Replaces the general remedy by a better one, if there is one.
    pub(super) fn advising(self, remedy: Option<String>) -> Self {
        Self {
            remedy: remedy.or(self.remedy),
            ..self
        }
    }

    /// Whether a person has to look at it.
    pub fn is_red(&self) -> bool {
        matches!(
            self.verdict,
            CheckVerdict::Fail | CheckVerdict::Error | CheckVerdict::Inconclusive
        )
    }

    /// Whether the control is part of what is judged, and not merely what the others stand beside.
    pub fn compares(&self) -> bool {
        Definition::of(self.id).method.compares()
    }

    /// Shows an interval. An infinite or undefined number has no place in JSON and is left out.
    pub(super) fn measured(self, interval: Interval, confidence: f64) -> Self {
        let finite = |value: f64| value.is_finite().then_some(value);
        Self {
            estimate: finite(interval.estimate),
            ci_low: finite(interval.low),
            ci_high: finite(interval.high),
            confidence: Some(confidence),
            ..self
        }
    }

    /// A remedy beside a green check would only be read by mistake.
    pub(super) fn finished(self) -> Self {
        let quiet = matches!(
            self.verdict,
            CheckVerdict::Pass | CheckVerdict::NotApplicable
        );
        Self {
            remedy: self.remedy.filter(|_| !quiet),
            ..self
        }
    }
}

/// Which gold set was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoldRef {
    /// Its digest, whatever filter was applied.
    pub digest: Digest,
    /// Questions asked.
    pub questions: usize,
}

/// Which target was asked, and what it said of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetRef {
    /// Its name.
    pub name: TargetName,
    /// Its part.
    pub role: Role,
    /// Its contract at the start.
    pub contract: Contract,
}

/// `verdict.json`: the canonical result, from which every other report is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Ragstone verdict")]
pub struct Verdict {
    /// Version of this format.
    #[schemars(extend("const" = Verdict::FORMAT))]
    pub format: u32,
    /// Which run.
    pub run_id: String,
    /// The worst check.
    pub verdict: RunVerdict,
    /// What the process returned.
    pub exit_code: u8,
    /// Which runbook.
    pub runbook: Runbook,
    /// Which stage.
    pub stage: RunbookStage,
    /// Bound or point.
    pub evidence: Basis,
    /// What was asked.
    pub gold: GoldRef,
    /// Digest of the checked policy.
    pub policy_digest: Digest,
    /// Who measured.
    pub referee: EmbedderId,
    /// What became of the probes.
    pub probes: Counts,
    /// Who was asked.
    pub targets: Vec<TargetRef>,
    /// Every check, worst or not.
    pub checks: Vec<Check>,
    /// Contracts and rows of each side against the control.
    pub parity: Vec<SideParity>,
    /// Where each side's ladder breaks first.
    #[serde(default)]
    pub ladders: Vec<SideLadder>,
    /// What a reader should know that no check says.
    pub notes: Vec<String>,
    /// The policy's waivers, and what became of each.
    pub waivers: Vec<WaiverUse>,
    /// When the run began, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// When it was judged, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: String,
}

impl Verdict {
    /// The format this version writes.
    pub const FORMAT: u32 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_judged_is_never_a_pass() {
        assert_eq!(worst(&[]), RunVerdict::Inconclusive);
    }

    #[test]
    fn exit_codes_are_those_of_the_statistics_page() {
        let codes = [
            RunVerdict::Pass,
            RunVerdict::Fail,
            RunVerdict::Inconclusive,
            RunVerdict::Error,
            RunVerdict::HardStop,
        ]
        .map(RunVerdict::exit_code);
        assert_eq!(codes, [0, 1, 3, 4, 5]);
    }

    #[test]
    fn the_worst_wins_in_the_documented_order() {
        use RunVerdict::{Error, Fail, HardStop, Inconclusive, Pass};
        let mut sorted = [Error, Pass, HardStop, Inconclusive, Fail];
        sorted.sort();
        assert_eq!(sorted, [Pass, Inconclusive, Error, Fail, HardStop]);
    }
}
