//! Waivers: a person takes responsibility for a red check, for a while and up to a point.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::TargetName;
use crate::judge::{Check, CheckId, CheckVerdict, Comparator, Kind};
use crate::units::Day;

/// A waiver as the policy states it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Which check: a sample check that is no hard stop.
    pub check: CheckId,
    /// On which target; on all of them if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// Why.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Who takes responsibility.
    #[schemars(length(min = 1))]
    pub approver: String,
    /// The last day (UTC) on which it holds.
    pub expires_at: Day,
    /// The worst estimate it still covers: the largest where the clause is an upper limit, the
    /// smallest where it is a lower one.
    pub max_value: f64,
}

/// What became of a waiver in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaiverStatus {
    /// It covers a check that would have been red.
    Applied,
    /// Its check was not red, or not judged.
    NotNeeded,
    /// Its last day has passed.
    Expired,
    /// The estimate is worse than it covers, or there is none.
    ValueWorse,
    /// The check came out as an ERROR or a hard stop, or is a census, which no waiver covers.
    NotCoverable,
}

/// A waiver and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverUse {
    /// The waiver.
    #[serde(flatten)]
    pub waiver: Waiver,
    /// What became of it; the worst over the targets it names.
    pub status: WaiverStatus,
}

impl fmt::Display for WaiverUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Waiver {
            check,
            target,
            reason,
            approver,
            expires_at,
            max_value,
        } = &self.waiver;
        let target = target
            .as_ref()
            .map_or_else(String::new, |target| format!(" on {target}"));
        let status = self.status.words();
        write!(
            f,
            "{check}{target} as far as {max_value}, by {approver} until {expires_at} ({reason}): {status}"
        )
    }
}

/// Turns red checks into WAIVED ones where a waiver of that day covers them, and says what became of
/// every waiver.
///
/// Covered are FAIL and INCONCLUSIVE of a sample check that is no hard stop, with an estimate no worse
/// than `max_value`.
pub fn waive(checks: Vec<Check>, waivers: &[Waiver], on: Day) -> (Vec<Check>, Vec<WaiverUse>) {
    let uses = waivers.iter().map(|waiver| {
        let mine = checks.iter().filter(|check| waiver.names(check));
        let status = mine
            .map(|check| waiver.status(check, on))
            .max_by_key(|status| status.concern());
        WaiverUse {
            waiver: waiver.clone(),
            status: status.unwrap_or(WaiverStatus::NotNeeded),
        }
    });
    let uses = uses.collect();
    let waived = |check: Check| {
        let covers = |waiver: &&Waiver| {
            waiver.names(&check) && waiver.status(&check, on) == WaiverStatus::Applied
        };
        match waivers.iter().find(covers) {
            Some(waiver) => {
                let Waiver {
                    approver,
                    expires_at,
                    reason,
                    ..
                } = waiver;
                let words = format!(
                    "{} waived by {approver} until {expires_at}: {reason}",
                    check.verdict.name()
                );
                Check {
                    verdict: CheckVerdict::Waived,
                    ..check
                }
                .adding(words)
            }
            None => check,
        }
    };
    (checks.into_iter().map(waived).collect(), uses)
}

impl Waiver {
    /// Whether a check is of a kind that a waiver may cover at all.
    pub fn may_cover(kind: Kind, hard_stop: bool) -> bool {
        kind == Kind::Sample && !hard_stop
    }

    fn names(&self, check: &Check) -> bool {
        self.check == check.id
            && self
                .target
                .as_ref()
                .is_none_or(|target| *target == check.target)
    }

    fn status(&self, check: &Check, on: Day) -> WaiverStatus {
        match check.verdict {
            CheckVerdict::Pass | CheckVerdict::NotApplicable | CheckVerdict::Waived => {
                WaiverStatus::NotNeeded
            }
            CheckVerdict::Error => WaiverStatus::NotCoverable,
            _ if !Self::may_cover(check.kind, check.hard_stop) => WaiverStatus::NotCoverable,
            _ if on > self.expires_at => WaiverStatus::Expired,
            _ if !self.covers(check) => WaiverStatus::ValueWorse,
            CheckVerdict::Fail | CheckVerdict::Inconclusive => WaiverStatus::Applied,
        }
    }

    /// An estimate that is not there cannot be shown to be good enough.
    fn covers(&self, check: &Check) -> bool {
        check
            .estimate
            .is_some_and(|estimate| match check.comparator {
                Comparator::AtLeast => estimate >= self.max_value,
                Comparator::AtMost | Comparator::Below | Comparator::Equal => {
                    estimate <= self.max_value
                }
                Comparator::Within => estimate.abs() <= self.max_value,
            })
    }
}

impl WaiverStatus {
    /// How much a reader should care: a waiver that is void on one target is void in the summary.
    fn concern(self) -> u8 {
        match self {
            Self::NotNeeded => 0,
            Self::Applied => 1,
            Self::ValueWorse => 2,
            Self::Expired => 3,
            Self::NotCoverable => 4,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotNeeded => "not needed",
            Self::Expired => "void: its last day has passed",
            Self::ValueWorse => "void: the estimate is worse than it covers",
            Self::NotCoverable => "void: an error, a hard stop or a census cannot be waived",
        }
    }
}
