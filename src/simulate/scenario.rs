//! What can be planted, and what it should turn red.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::judge::CheckId::{
    self, BgAudit, BgHit, BgNewErr, BgP95, CaCache, CaErr, CaHit, CaNewErr, CaP95, CaS1, CaS25,
    FdBurst, FdCache, FdCut, FdDrain, FdFlap, FdHome, FdHook, FdP95, FdWrites, Mr5xx, MrDedupe,
    MrP95, Ts5xx, TsCold, TsDedupe, TsP95, TsPins, TsQueue,
};
use crate::judge::Runbook::{self, BlueGreen, Canary, FailoverDrill, MultiRegion, TrafficShaping};

/// What is wrong in a simulated log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// Nothing.
    Healthy,
    /// Slow requests.
    TailFault,
    /// Cold instances.
    ColdStorm,
    /// A server error of a class of its own.
    NewErrorClass,
    /// A cache prefix of the other arm.
    CachePoison,
    /// Fewer answers found in the cache.
    HitRatioDrop,
    /// A purge of the other arm's cache.
    PurgeCollision,
    /// More errors.
    ErrorRate,
    /// More server errors.
    ServerErrors,
    /// Writes that take effect twice.
    DuplicateWrites,
    /// A queue that grows.
    QueueGrowth,
    /// Requests without a pin.
    MissingPins,
    /// Requests with two releases in one.
    MixedPins,
    /// An index other than the pinned one.
    IndexSkew,
    /// Two regions that write.
    SplitBrain,
    /// Accepted writes that are never applied.
    LostWrite,
    /// Webhooks that are sent twice.
    DuplicateWebhook,
    /// A queue that does not drain in time.
    SlowDrain,
    /// A cutover that takes too long.
    SlowCutover,
    /// A cache that does not warm up in time.
    LateRewarm,
    /// Weight and health that go back and forth.
    Flapping,
    /// Weights of the return in another order.
    WrongReturnOrder,
    /// A survivor without the capacity of both regions.
    SlowSurvivor,
    /// Server errors for a minute and a half.
    ServerErrorBurst,
}

/// What a scenario is called, what it plants, and at which runbooks it turns what red.
struct Described {
    scenario: Scenario,
    name: &'static str,
    plants: &'static str,
    at: &'static [(Runbook, &'static [CheckId])],
}

const NOTHING: &[CheckId] = &[];

static SCENARIOS: [Described; 24] = [
    Described {
        scenario: Scenario::Healthy,
        name: "healthy",
        plants: "nothing: both arms behave alike, and the drill goes as planned",
        at: &[
            (Canary, NOTHING),
            (BlueGreen, NOTHING),
            (TrafficShaping, NOTHING),
            (MultiRegion, NOTHING),
            (FailoverDrill, NOTHING),
        ],
    },
    Described {
        scenario: Scenario::TailFault,
        name: "tail-fault",
        plants: "every fifth request of the candidate takes three times as long",
        at: &[
            (Canary, &[CaP95, CaS1]),
            (BlueGreen, &[BgP95]),
            (TrafficShaping, &[TsP95]),
            (MultiRegion, &[MrP95]),
        ],
    },
    Described {
        scenario: Scenario::ColdStorm,
        name: "cold-storm",
        plants: "15 % of the candidate's requests meet a cold instance; warm ones are as fast as ever",
        at: &[
            (TrafficShaping, &[TsCold]),
            (Canary, NOTHING),
            (BlueGreen, NOTHING),
            (MultiRegion, NOTHING),
        ],
    },
    Described {
        scenario: Scenario::NewErrorClass,
        name: "new-error-class",
        plants: "1 % of the candidate's requests end with status 500 and an error class that the control never shows",
        at: &[
            (Canary, &[CaErr, CaNewErr, CaS1]),
            (BlueGreen, &[BgNewErr]),
            (TrafficShaping, &[Ts5xx]),
            (MultiRegion, &[Mr5xx]),
        ],
    },
    Described {
        scenario: Scenario::CachePoison,
        name: "cache-poison",
        plants: "3 % of the candidate's look-ups use the control's cache prefix",
        at: &[(Canary, &[CaCache])],
    },
    Described {
        scenario: Scenario::HitRatioDrop,
        name: "hit-ratio-drop",
        plants: "the candidate's cache answers 45 % of its look-ups, the control's 60 %",
        at: &[(Canary, &[CaHit]), (BlueGreen, &[BgHit])],
    },
    Described {
        scenario: Scenario::PurgeCollision,
        name: "purge-collision",
        plants: "each purge on the candidate's account takes out the control's prefix",
        at: &[(Canary, &[CaS25])],
    },
    Described {
        scenario: Scenario::ErrorRate,
        name: "error-rate",
        plants: "the candidate's requests fail three times as often, in the classes that the control has too",
        at: &[(Canary, &[CaErr])],
    },
    Described {
        scenario: Scenario::ServerErrors,
        name: "server-errors",
        plants: "1.5 % of the candidate's requests end with status 503, and 0.1 % of the control's",
        at: &[
            (TrafficShaping, &[Ts5xx]),
            (MultiRegion, &[Mr5xx]),
            (Canary, &[CaErr]),
        ],
    },
    Described {
        scenario: Scenario::DuplicateWrites,
        name: "duplicate-writes",
        plants: "5 % of the candidate's writes repeat an earlier one and take effect again",
        at: &[
            (TrafficShaping, &[TsDedupe]),
            (MultiRegion, &[MrDedupe]),
            (BlueGreen, &[BgAudit]),
        ],
    },
    Described {
        scenario: Scenario::QueueGrowth,
        name: "queue-growth",
        plants: "the age of the candidate's queue grows to three times what it was",
        at: &[(TrafficShaping, &[TsQueue])],
    },
    Described {
        scenario: Scenario::MissingPins,
        name: "missing-pins",
        plants: "0.5 % of the candidate's requests lack MODEL_TAG",
        at: &[(TrafficShaping, &[TsPins])],
    },
    Described {
        scenario: Scenario::MixedPins,
        name: "mixed-pins",
        plants: "0.5 % of the candidate's requests are pinned to one INDEX_HASH and answered from another",
        at: &[(TrafficShaping, &[TsPins])],
    },
    Described {
        scenario: Scenario::IndexSkew,
        name: "index-skew",
        plants: "all of the candidate's answers come from another index than the pinned one, with another analyzer and a larger ΔS",
        at: &[
            (TrafficShaping, &[TsPins]),
            (MultiRegion, NOTHING),
            (FailoverDrill, NOTHING),
        ],
    },
    Described {
        scenario: Scenario::SplitBrain,
        name: "split-brain",
        plants: "both regions take the same writes: 5 % of them, and in a drill all that come after the cutover",
        at: &[
            (FailoverDrill, &[FdWrites, FdHook]),
            (MultiRegion, &[MrDedupe]),
        ],
    },
    Described {
        scenario: Scenario::LostWrite,
        name: "lost-write",
        plants: "two accepted writes are never applied",
        at: &[(FailoverDrill, &[FdWrites])],
    },
    Described {
        scenario: Scenario::DuplicateWebhook,
        name: "duplicate-webhook",
        plants: "the survivor sends three webhooks twice",
        at: &[(FailoverDrill, &[FdHook])],
    },
    Described {
        scenario: Scenario::SlowDrain,
        name: "slow-drain",
        plants: "the survivor's queue takes 14 minutes to drain",
        at: &[(FailoverDrill, &[FdDrain])],
    },
    Described {
        scenario: Scenario::SlowCutover,
        name: "slow-cutover",
        plants: "the cutover is complete 75 seconds after the decision",
        at: &[(FailoverDrill, &[FdCut])],
    },
    Described {
        scenario: Scenario::LateRewarm,
        name: "late-rewarm",
        plants: "the survivor's cache is not warm again ten minutes after its purge",
        at: &[(FailoverDrill, &[FdCache])],
    },
    Described {
        scenario: Scenario::Flapping,
        name: "flapping",
        plants: "the evacuated region gets traffic again for half a minute, and its health comes and goes",
        at: &[(FailoverDrill, &[FdFlap])],
    },
    Described {
        scenario: Scenario::WrongReturnOrder,
        name: "wrong-return-order",
        plants: "on the return to home 60 % comes before 30 %",
        at: &[(FailoverDrill, &[FdHome])],
    },
    Described {
        scenario: Scenario::SlowSurvivor,
        name: "slow-survivor",
        plants: "the survivor's requests take 1.8 times as long from the cutover on",
        at: &[(FailoverDrill, &[FdP95])],
    },
    Described {
        scenario: Scenario::ServerErrorBurst,
        name: "server-error-burst",
        plants: "from the cutover on every third request ends with status 503, for 90 seconds",
        at: &[(FailoverDrill, &[FdBurst])],
    },
];

impl Scenario {
    /// Every scenario.
    pub fn all() -> impl Iterator<Item = Self> {
        SCENARIOS.iter().map(|described| described.scenario)
    }

    fn described(self) -> &'static Described {
        let mut all = SCENARIOS.iter();
        all.find(|described| described.scenario == self)
            .expect("every scenario is described, which a test proves")
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        self.described().name
    }

    /// What it plants, in one line.
    pub fn plants(self) -> &'static str {
        self.described().plants
    }

    /// The runbooks that it can be played at; the first is the usual one.
    pub fn runbooks(self) -> impl Iterator<Item = Runbook> {
        self.described().at.iter().map(|(runbook, _)| *runbook)
    }

    /// The checks of a runbook that requests or the drill log should turn red, of those of the stages
    /// that have user traffic; all others should not be. `None` if it cannot be played there.
    pub fn turns_red(self, runbook: Runbook) -> Option<&'static [CheckId]> {
        let mut at = self.described().at.iter();
        at.find(|(other, _)| *other == runbook).map(|(_, red)| *red)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Scenario {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A name that is no scenario's.
#[derive(Debug, thiserror::Error)]
#[error("unknown scenario `{name}`; known: {known}")]
pub struct UnknownScenario {
    name: String,
    known: String,
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(name: &str) -> Result<Self, UnknownScenario> {
        Self::all()
            .find(|scenario| scenario.name() == name)
            .ok_or_else(|| UnknownScenario {
                name: name.to_owned(),
                known: Self::all().map(Self::name).collect::<Vec<_>>().join(", "),
            })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::judge::{Definition, Source};

    #[test]
    fn every_scenario_is_described_once_and_read_by_its_name() {
        // The last of the enum, so that a new one is not forgotten here.
        assert_eq!(SCENARIOS.len(), Scenario::ServerErrorBurst as usize + 1);
        let all: BTreeSet<Scenario> = Scenario::all().collect();
        assert_eq!(all.len(), SCENARIOS.len());
        for scenario in all {
            assert_eq!(scenario.name().parse::<Scenario>().ok(), Some(scenario));
            assert!(scenario.runbooks().count() > 0, "{scenario}");
        }
        let error = "vibes".parse::<Scenario>().expect_err("unknown");
        assert!(error.to_string().contains("known: healthy"), "{error}");
    }

    #[test]
    fn what_turns_red_belongs_to_the_runbook_and_is_seen_in_logs() {
        for scenario in Scenario::all() {
            for runbook in scenario.runbooks() {
                for id in scenario.turns_red(runbook).expect("one of its runbooks") {
                    assert_eq!(id.runbook(), Some(runbook), "{scenario} {id}");
                    let sources = Definition::of(*id).sources;
                    let seen = |source| sources.contains(source);
                    assert!(
                        [Source::Telemetry, Source::DrillLog].iter().any(seen),
                        "{scenario} {id}"
                    );
                }
            }
        }
    }
}
