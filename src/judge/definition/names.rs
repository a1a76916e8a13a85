//! The names of runbooks, stages and checks.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::measure::{NoRankMeasure, RankMeasure};

/// A name that is none of the known ones.
#[derive(Debug, thiserror::Error)]
pub enum UnknownName {
    /// One of a fixed list.
    #[error("unknown {what} `{name}`; known: {known}")]
    Listed {
        /// What it should name.
        what: &'static str,
        /// What was written.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A ranking measure.
    #[error(transparent)]
    Rank(#[from] NoRankMeasure),
}

/// Declares an enum with the names under which files and the command line know its values. All of them are
/// listed, but for those of one more type whose names tell themselves.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident, $what:literal, $(+ $other:ident($inner:ty),)?
        $($(#[doc = $value_doc:literal])* $value:ident = $name:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[doc = $value_doc])* $value,)*
            $($other($inner),)?
        }

        impl $type {
            /// Every value that is listed.
            pub const ALL: &[Self] = &[$(Self::$value),*];

            /// Its name in files and on the command line.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)*
                    $(Self::$other(inner) => <$inner>::id(inner),)?
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                $(if <$inner>::is_meant(name) {
                    return Ok(Self::$other(name.parse()?));
                })?
                let found = Self::ALL.iter().copied().find(|value| value.name() == name);
                found.ok_or_else(|| UnknownName::Listed {
                    what: $what,
                    name: name.to_owned(),
                    known: Self::ALL.iter().map(|value| value.name()).collect::<Vec<_>>().join(", "),
                })
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let listed = crate::schema::one_of([$(($name, concat!($($value_doc),*))),*]);
                $(let listed = beside(&listed, <$inner>::PATTERN);)?
                listed
            }
        }
    };
}

/// One of the listed names, or one of this pattern.
fn beside(listed: &Schema, pattern: &str) -> Schema {
    json_schema!({ "anyOf": [listed, { "type": "string", "pattern": pattern }] })
}

named!(
    /// A runbook of RUNBOOKS.md, or an ad hoc comparison.
    Runbook,
    "runbook",
    /// CA: canary release.
    Canary = "canary",
    /// BG: blue-green switchover.
    BlueGreen = "blue-green",
    /// MR: multi-region and failover routing.
    MultiRegion = "multi-region",
    /// FD: region failover drill.
    FailoverDrill = "failover-drill",
    /// TS: deploy and traffic shaping.
    TrafficShaping = "traffic-shaping",
    /// CMP: what `ragstone compare` judges.
    Comparison = "comparison",
);

named!(
    /// A stage of a runbook.
    RunbookStage,
    "stage",
    /// No user traffic: a replayed sample only.
    Shadow = "shadow",
    /// 1 % of the traffic.
    One = "one",
    /// 5 %.
    Five = "five",
    /// 10 %, and a second region.
    Ten = "ten",
    /// 25 %.
    TwentyFive = "twentyfive",
    /// 50 %.
    Fifty = "fifty",
    /// All of it.
    Hundred = "hundred",
    /// The decision at the end of one hour of peak.
    Promotion = "promotion",
    /// Before a switchover.
    PreFlight = "pre-flight",
    /// After a switchover; a whole drill.
    Audit = "audit",
    /// Before users are routed to a region.
    Routing = "routing",
    /// Before a drill.
    Pre = "pre",
    /// While it is under way.
    Live = "live",
    /// After it.
    Post = "post",
    /// Two sides, side by side.
    Pair = "pair",
);

named!(
    /// A clause of a runbook, or what a policy requires of a ranking measure.
    #[expect(
        missing_docs,
        reason = "each is the clause of its name, which the tables beside this file spell out"
    )]
    CheckId,
    "check",
    + Rank(RankMeasure),
    CaDs = "CA-DS",
    CaCov = "CA-COV",
    CaLam = "CA-LAM",
    CaP95 = "CA-P95",
    CaErr = "CA-ERR",
    CaNewErr = "CA-NEWERR",
    CaPar = "CA-PAR",
    CaCache = "CA-CACHE",
    CaHit = "CA-HIT",
    CaS0 = "CA-S0",
    CaS1 = "CA-S1",
    CaS5 = "CA-S5",
    CaS10 = "CA-S10",
    CaS25 = "CA-S25",
    CaS50 = "CA-S50",
    BgDs = "BG-DS",
    BgCov = "BG-COV",
    BgLam = "BG-LAM",
    BgP95 = "BG-P95",
    BgNewErr = "BG-NEWERR",
    BgHit = "BG-HIT",
    BgPar = "BG-PAR",
    BgShadow = "BG-SHADOW",
    BgPre = "BG-PRE",
    BgAudit = "BG-AUDIT",
    BgKeep = "BG-KEEP",
    MrP95 = "MR-P95",
    Mr5xx = "MR-5XX",
    MrDedupe = "MR-DEDUPE",
    MrDrift = "MR-DRIFT",
    MrLam = "MR-LAM",
    MrHash = "MR-HASH",
    MrBlob = "MR-BLOB",
    MrHealth = "MR-HEALTH",
    MrKv = "MR-KV",
    FdCut = "FD-CUT",
    FdBurst = "FD-BURST",
    FdP95 = "FD-P95",
    FdWrites = "FD-WRITES",
    FdDrain = "FD-DRAIN",
    FdPar = "FD-PAR",
    FdDs = "FD-DS",
    FdLam = "FD-LAM",
    FdRisk = "FD-RISK",
    FdEq = "FD-EQ",
    FdHook = "FD-HOOK",
    FdCache = "FD-CACHE",
    FdFlap = "FD-FLAP",
    FdHome = "FD-HOME",
    Ts5xx = "TS-5XX",
    TsP95 = "TS-P95",
    TsCold = "TS-COLD",
    TsDedupe = "TS-DEDUPE",
    TsDrift = "TS-DRIFT",
    TsQueue = "TS-QUEUE",
    TsPins = "TS-PINS",
    TsTwice = "TS-TWICE",
    CmpPar = "CMP-PAR",
    CmpDrift = "CMP-DRIFT",
    CmpShift = "CMP-SHIFT",
    CmpCov = "CMP-COV",
    CmpLam = "CMP-LAM",
);

impl Runbook {
    /// Its stages, in order.
    pub fn stages(self) -> &'static [RunbookStage] {
        use RunbookStage::{
            Audit, Fifty, Five, Hundred, Live, One, Pair, Post, Pre, PreFlight, Promotion, Routing,
            Shadow, Ten, TwentyFive,
        };
        match self {
            Self::Canary => &[
                Shadow, One, Five, Ten, TwentyFive, Fifty, Hundred, Promotion,
            ],
            Self::BlueGreen => &[Shadow, PreFlight, Audit],
            Self::MultiRegion => &[Routing],
            Self::FailoverDrill => &[Pre, Live, Post],
            Self::TrafficShaping => &[One, Five, TwentyFive, Fifty, Hundred],
            Self::Comparison => &[Pair],
        }
    }
}

impl CheckId {
    /// The runbook it belongs to; none where a policy may require it beside any runbook.
    pub fn runbook(self) -> Option<Runbook> {
        if let Self::Rank(_) = self {
            return None;
        }
        Some(
            match self.name().split_once('-').map(|(prefix, _)| prefix) {
                Some("CA") => Runbook::Canary,
                Some("BG") => Runbook::BlueGreen,
                Some("MR") => Runbook::MultiRegion,
                Some("FD") => Runbook::FailoverDrill,
                Some("TS") => Runbook::TrafficShaping,
                _ => Runbook::Comparison,
            },
        )
    }

    /// Whether it can be judged beside the clauses of a runbook.
    pub fn is_of(self, runbook: Runbook) -> bool {
        self.runbook().is_none_or(|own| own == runbook)
    }
}
