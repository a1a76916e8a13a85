//! Every check there is: one table a runbook, from which judging, `explain`, `plan`, the schema and
//! the reports follow.

mod blue_green;
mod canary;
mod comparison;
mod failover_drill;
mod family;
mod multi_region;
mod names;
mod rank;
mod traffic_shaping;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::RankMeasure;
use crate::parity::ContractField;

pub(super) use family::IDENTITY;
pub use names::{CheckId, Runbook, RunbookStage, UnknownName};

/// What kind of evidence decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Compared exactly, without an interval.
    Census,
    /// Estimated from questions or requests, with a bound.
    Sample,
    /// An event must happen within a window.
    Time,
}

/// Where evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Replayed gold questions.
    Probes,
    /// Health endpoint, manifest or computed stamp.
    Contracts,
    /// Request telemetry.
    Telemetry,
    /// The typed events of a drill.
    DrillLog,
    /// Earlier verdicts of the same step.
    History,
}

impl Source {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Probes => "probes",
            Self::Contracts => "contracts",
            Self::Telemetry => "request telemetry",
            Self::DrillLog => "drill log",
            Self::History => "earlier verdicts",
        }
    }
}

/// On which side of the limit a value must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparator {
    /// At most the limit.
    #[serde(rename = "<=")]
    AtMost,
    /// At least the limit.
    #[serde(rename = ">=")]
    AtLeast,
    /// Below the limit.
    #[serde(rename = "<")]
    Below,
    /// Exactly the limit.
    #[serde(rename = "==")]
    Equal,
    /// No further from zero than the limit, to either side.
    #[serde(rename = "within")]
    Within,
}

impl Comparator {
    /// As written in a clause.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
            Self::Below => "<",
            Self::Equal => "=",
            Self::Within => "within ±",
        }
    }

    /// Whether a value lies on the right side. NaN never does.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::AtMost => value <= limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::Equal => value.total_cmp(&limit).is_eq(),
            Self::Within => value.abs() <= limit,
        }
    }
}

/// How a check is judged. Clauses that differ in wording, limit and control only share a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The exact bound of the median of ΔS.
    DeltaS,
    /// The bootstrap bound of mean coverage.
    Coverage,
    /// The bootstrap bound of the mean of a ranking measure.
    Rank(RankMeasure),
    /// The exact bound of the rate of converging questions.
    Convergence,
    /// The ratio of the 95th percentiles of warm latency.
    LatencyRatio,
    /// Error classes that the control does not have.
    NewErrorClass,
    /// Contract fields that must agree.
    Parity(&'static [ContractField]),
    /// A contract field that both sides must state, and with this value.
    BothState(ContractField, &'static str),
    /// ΔS far too large, or a reply of the wrong form.
    ShadowStop,
    /// ΔS far too large, coverage too low, or a reply of the wrong form.
    Block,
    /// Coverage by topic.
    TopicCoverage,
    /// Questions of which more than one paraphrase flips.
    ParaphraseFlips,
    /// Paired ΔS within a margin, and few shifted questions.
    Drift,
    /// The same, and λ converges.
    DriftAndConvergence,
    /// Paired ΔS within a margin.
    MeanDrift,
    /// The share of questions whose ΔS shifted.
    Shifts,
    /// Paired coverage within a margin.
    CoverageDrift,
    /// The share of questions that converge on one side only.
    Flips,
    /// The share of questions answered equally.
    AnswersEqual,
    /// What must be in place before a switchover.
    PreFlight,
    /// A side after the cutover against itself before it.
    AfterCutover,
    /// The probe board has been green for an hour.
    GreenHour,
    /// The same gate failed twice at the same step.
    FailedTwice,
    /// Errors of live requests, beside the control's.
    ErrorRatio,
    /// Server errors of live requests, beside the control's.
    ServerErrors,
    /// Cache prefixes that both arms use.
    CacheOverlap,
    /// Cache prefixes that are purged on both arms' account.
    PurgeCollision,
    /// The share of look-ups that a cache answers, not below the control's.
    HitRatio,
    /// The same, equal to the control's.
    HitRatioWithin,
    /// A tail or a class of server errors that ends the first step, at any time.
    TrafficStop,
    /// Repeated side effects.
    Dedupe,
    /// Requests that met a cold instance.
    ColdShare,
    /// How the age of a queue changes.
    QueueSlope,
    /// Contract pins of every request.
    Pins,
    /// p95 during a drill, beside the time before it.
    DrillLatency,
    /// The longest burst of server errors.
    Burst,
    /// From the decision to the cutover.
    Cutover,
    /// Accepted writes, each applied once.
    Writes,
    /// How long a queue takes to drain.
    Drain,
    /// Who sends webhooks, and how often.
    Webhooks,
    /// Caches that are purged and warm again.
    Rewarmed,
    /// Weights and health that go back and forth while a region is left.
    Flapping,
    /// Weights of the return to home.
    Homecoming,
}

impl Method {
    /// Whether live requests or a drill log decide it, which no probe replaces.
    pub fn is_observed(self) -> bool {
        matches!(
            self,
            Self::ErrorRatio
                | Self::ServerErrors
                | Self::CacheOverlap
                | Self::PurgeCollision
                | Self::HitRatio
                | Self::HitRatioWithin
                | Self::TrafficStop
                | Self::Dedupe
                | Self::ColdShare
                | Self::QueueSlope
                | Self::Pins
                | Self::DrillLatency
                | Self::Burst
                | Self::Cutover
                | Self::Writes
                | Self::Drain
                | Self::Webhooks
                | Self::Rewarmed
                | Self::Flapping
                | Self::Homecoming
        )
    }

    /// Whether it judges the difference of two sides, question by question.
    pub fn is_paired(self) -> bool {
        matches!(
            self,
            Self::Drift
                | Self::DriftAndConvergence
                | Self::MeanDrift
                | Self::Shifts
                | Self::CoverageDrift
                | Self::Flips
                | Self::AfterCutover
        )
    }

    /// Whether its limit is a distance, which has a scale only under an embedding model.
    pub fn measures_distance(self) -> bool {
        let of_coverage_or_state = matches!(self, Self::CoverageDrift | Self::Flips);
        matches!(self, Self::DeltaS | Self::ShadowStop | Self::Block)
            || self.is_paired() && !of_coverage_or_state
    }

    /// Whether the control is part of what is judged, and not merely what the others stand beside.
    pub fn compares(self) -> bool {
        self.is_paired()
            || matches!(
                self,
                Self::LatencyRatio
                    | Self::NewErrorClass
                    | Self::Parity(_)
                    | Self::BothState(..)
                    | Self::AnswersEqual
                    | Self::PreFlight
            )
    }
}

/// What a check is.
#[derive(Debug)]
pub struct Definition {
    /// Its id in RUNBOOKS.md.
    pub id: CheckId,
    /// The clause, in one line.
    pub clause: &'static str,
    /// At which stages it is judged.
    pub stages: &'static [RunbookStage],
    /// Where its evidence comes from.
    pub sources: &'static [Source],
    /// Census, sample or time.
    pub kind: Kind,
    /// How it is judged.
    pub method: Method,
    /// What is computed, in one line.
    pub statistic: &'static str,
    /// Direction of the limit.
    pub comparator: Comparator,
    /// The limit, unless the policy overrides it; NaN where only a policy can name one.
    pub limit: f64,
    /// Whether the policy may override the limit.
    pub overridable: bool,
    /// Whether a FAIL ends the rollout at once.
    pub hard_stop: bool,
    /// What it means and how it is computed, for `explain`.
    pub meaning: &'static str,
    /// What to do when red.
    pub remedy: &'static str,
}

impl Definition {
    /// The definition of a check.
    pub fn of(id: CheckId) -> &'static Self {
        if let CheckId::Rank(measure) = id {
            return rank::of(measure);
        }
        let mut clauses = Self::all();
        clauses
            .find(|check| check.id == id)
            .expect("every id has its row, which a test proves")
    }

    /// Every clause of every runbook, in the order of RUNBOOKS.md.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        Runbook::ALL.iter().flat_map(|runbook| runbook.checks())
    }
}

impl Runbook {
    /// Its checks, in order.
    pub fn checks(self) -> &'static [Definition] {
        match self {
            Self::Canary => canary::CHECKS,
            Self::BlueGreen => blue_green::CHECKS,
            Self::MultiRegion => multi_region::CHECKS,
            Self::FailoverDrill => failover_drill::CHECKS,
            Self::TrafficShaping => traffic_shaping::CHECKS,
            Self::Comparison => comparison::CHECKS,
        }
    }

    /// Its checks at a stage, in order.
    pub fn checks_at(self, stage: RunbookStage) -> impl Iterator<Item = &'static Definition> {
        let at = move |check: &&Definition| check.stages.contains(&stage);
        self.checks().iter().filter(at)
    }

    /// Its first check that is judged by a method.
    pub(super) fn check_by(self, method: Method) -> Option<&'static Definition> {
        self.checks().iter().find(|check| check.method == method)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_id_has_one_row_in_its_own_runbook() {
        for runbook in Runbook::ALL {
            for check in runbook.checks() {
                assert_eq!(check.id.runbook(), Some(*runbook), "{}", check.id);
                assert!(
                    !check.meaning.is_empty() && !check.remedy.is_empty(),
                    "{}",
                    check.id
                );
            }
        }
        let ids: Vec<CheckId> = Definition::all().map(|check| check.id).collect();
        let distinct: BTreeSet<CheckId> = ids.iter().copied().collect();
        assert_eq!(ids.len(), distinct.len());
        assert_eq!(distinct, CheckId::ALL.iter().copied().collect());
    }

    #[test]
    fn every_check_has_a_stage_of_its_runbook_and_every_stage_a_check() {
        for runbook in Runbook::ALL {
            for stage in runbook.stages() {
                assert!(runbook.checks_at(*stage).count() > 0, "{runbook} {stage}");
            }
            for check in runbook.checks() {
                let known = |stage| runbook.stages().contains(stage);
                assert!(
                    !check.stages.is_empty() && check.stages.iter().all(known),
                    "{}",
                    check.id
                );
            }
        }
    }

    #[test]
    fn nan_is_never_on_the_right_side() {
        for comparator in [
            Comparator::AtMost,
            Comparator::AtLeast,
            Comparator::Below,
            Comparator::Equal,
            Comparator::Within,
        ] {
            assert!(!comparator.holds(f64::NAN, 0.45), "{comparator:?}");
        }
    }
}
