//! Every check there is: one table, from which judging, `explain` and the reports follow.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A runbook of RUNBOOKS.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runbook {
    /// CA: canary release.
    Canary,
    /// BG: blue-green switchover.
    BlueGreen,
}

/// A stage of a runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunbookStage {
    /// No user traffic: a replayed sample only.
    Shadow,
}

/// A name that is none of the known ones.
#[derive(Debug, thiserror::Error)]
#[error("unknown {what} `{name}`; known: {known}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
    known: String,
}

/// Declares that a fieldless enum reads its command-line and file names.
macro_rules! named {
    ($type:ident, $what:literal, $($value:ident = $name:literal),*) => {
        impl $type {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$value),*];

            /// Its name in policies and on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $name),* }
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
                let known = || Self::ALL.iter().map(|value| value.name()).collect::<Vec<_>>().join(", ");
                let found = Self::ALL.iter().copied().find(|value| value.name() == name);
                found.ok_or_else(|| UnknownName { what: $what, name: name.to_owned(), known: known() })
            }
        }
    };
}

named!(
    Runbook,
    "runbook",
    Canary = "canary",
    BlueGreen = "blue-green"
);
named!(RunbookStage, "stage", Shadow = "shadow");
named!(
    CheckId,
    "check",
    CaDs = "CA-DS",
    CaCov = "CA-COV",
    CaLam = "CA-LAM",
    CaP95 = "CA-P95",
    CaErr = "CA-ERR",
    CaNewErr = "CA-NEWERR",
    CaPar = "CA-PAR",
    CaCache = "CA-CACHE",
    CaS0 = "CA-S0",
    BgDs = "BG-DS",
    BgCov = "BG-COV",
    BgLam = "BG-LAM",
    BgP95 = "BG-P95",
    BgNewErr = "BG-NEWERR",
    BgHit = "BG-HIT",
    BgPar = "BG-PAR",
    BgShadow = "BG-SHADOW"
);

/// A clause of a runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "each is the clause of its name, which the table below spells out"
)]
pub enum CheckId {
    CaDs,
    CaCov,
    CaLam,
    CaP95,
    CaErr,
    CaNewErr,
    CaPar,
    CaCache,
    CaS0,
    BgDs,
    BgCov,
    BgLam,
    BgP95,
    BgNewErr,
    BgHit,
    BgPar,
    BgShadow,
}

impl Serialize for CheckId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for CheckId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What kind of evidence decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Compared exactly, without an interval.
    Census,
    /// Estimated from questions or requests, with a bound.
    Sample,
}

/// On which side of the limit a value must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Comparator {
    /// As written in a clause.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
            Self::Below => "<",
            Self::Equal => "=",
        }
    }

    /// Whether a value lies on the right side. NaN never does.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::AtMost => value <= limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::Equal => value.total_cmp(&limit).is_eq(),
        }
    }
}

/// What a check is.
#[derive(Debug)]
pub struct Definition {
    /// Its id in RUNBOOKS.md.
    pub id: CheckId,
    /// Which runbook it belongs to.
    pub runbook: Runbook,
    /// The clause, in one line.
    pub clause: &'static str,
    /// Census or sample.
    pub kind: Kind,
    /// What is computed, in one line.
    pub statistic: &'static str,
    /// Direction of the limit.
    pub comparator: Comparator,
    /// The limit, unless the policy overrides it.
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

const MEDIAN: &str = "median, exact sign bound";
const MEAN: &str = "mean, BCa bootstrap of questions";
const RATE: &str = "share of questions, Clopper-Pearson";
const RATIO: &str = "p95 ratio, paired bootstrap of questions";
const CENSUS: &str = "exact comparison";
const CLASSES: &str = "new error classes, exposure share";
const TRAFFIC: &str = "request telemetry";

const DS: &str = "ΔS(question, retrieved) is 1 − cos between the question's embedding and the centroid of the k retrieved texts, under the referee embedder. \
Each question is reduced to the median over its forms and seeds; the bound of the median over questions is an order statistic, so that \
59 of 100 questions at or below the limit prove it. Failed probes count as infinitely far.";
const DS_REMEDY: &str = "look at ΔS(k): flat and high means a metric, normalisation or index mismatch; falling sharply with k means filtering or reranking; \
anchor and decoy equally near means chunk boundaries";
const COV: &str = "Coverage is the share of the target sections' tokens that was retrieved: by offsets where the hit reads as the gold section does, by runs of \
four tokens otherwise. Cells are averaged per question, questions are bootstrapped. Failed probes cover nothing.";
const COV_REMEDY: &str = "compare with ΔS: both bad means the index lost the section; coverage low with ΔS low means a near-topic section was retrieved instead";
const LAM: &str = "A cell is → if a target section is in the top k and the ranking agrees (rank-biased overlap, p = 0.8, at least 0.5) with the question's first \
wording at the first seed; a question converges when all its cells are →. The rate of converging questions is bounded exactly; in addition no cell may be × \
and the bound on the share of <> cells must stay at or below 10 %.";
const LAM_REMEDY: &str = "flips across paraphrases: query parsing or analyzer; flips across seeds with stable ΔS: ordering variance, so make the reranker and the tie-break deterministic";
const P95: &str = "The ratio of the 95th percentiles of warm latency, candidate to control. In-process targets have no service latency, so the clause does not apply to them.";
const P95_REMEDY: &str = "worse only when cold: concurrency or memory, not the release";
const NEWERR: &str = "An error class at headers or body read that the control never showed. One event blocks a PASS; with k events at exposure share θ the chance that \
the control merely missed them is θ^k, and the check fails when that is at most 5 %.";
const NEWERR_REMEDY: &str = "read the class and stage in observations.parquet; a new class at body read usually means a truncated or re-encoded reply";
const PAR: &str = "INDEX_HASH, METRIC and ANALYZER are compared exactly with the intended variant: what the policy declares for the target, or else what the control states. A \
field that is not stated never counts as equal.";
const PAR_REMEDY: &str = "INDEX_HASH differs: rebuild the follower from the same artifact, confirm the stamp, then route. METRIC or ANALYZER differs: refuse reuse and rebuild with the declared metric and analyzer";

/// A definition that inherits the shape of its family; `CA` and `BG` clauses differ in id and
/// wording only.
macro_rules! check {
    ($id:ident, $runbook:ident, $clause:literal, $kind:ident, $statistic:expr, $comparator:ident $limit:literal, $meaning:expr, $remedy:expr $(, $field:ident: $value:expr)*) => {
        Definition {
            $($field: $value,)*
            ..Definition {
                id: CheckId::$id,
                runbook: Runbook::$runbook,
                clause: $clause,
                kind: Kind::$kind,
                statistic: $statistic,
                comparator: Comparator::$comparator,
                limit: $limit,
                overridable: false,
                hard_stop: false,
                meaning: $meaning,
                remedy: $remedy,
            }
        }
    };
}

/// Every check, in the order of RUNBOOKS.md.
pub static CHECKS: &[Definition] = &[
    check!(CaDs, Canary, "ΔS median ≤ 0.45 on the gold probe set", Sample, MEDIAN, AtMost 0.45, DS, DS_REMEDY, overridable: true),
    check!(CaCov, Canary, "coverage of the target section ≥ 0.70, mean over questions", Sample, MEAN, AtLeast 0.70, COV, COV_REMEDY, overridable: true),
    check!(CaLam, Canary, "λ convergent across three paraphrases and two seeds: rate ≥ 0.80, no ×, <> at most 10 %", Sample, RATE, AtLeast 0.80, LAM, LAM_REMEDY, overridable: true),
    check!(CaP95, Canary, "p95 warm latency ≤ 1.25 × control", Sample, RATIO, AtMost 1.25, P95, P95_REMEDY),
    check!(CaErr, Canary, "error rate ≤ 1.20 × control", Sample, TRAFFIC, AtMost 1.20, "Judged from live requests, of which the shadow stage has none.", "look for the first failing stage in the telemetry"),
    check!(CaNewErr, Canary, "no error class at headers or body read that the control does not have", Sample, CLASSES, Equal 0.0, NEWERR, NEWERR_REMEDY),
    check!(CaPar, Canary, "INDEX_HASH, metric and analyzer match the intended variant", Census, CENSUS, Equal 0.0, PAR, PAR_REMEDY),
    check!(CaCache, Canary, "no cache key prefix is used by both arms", Census, TRAFFIC, Equal 0.0, "Judged from live requests, of which the shadow stage has none.", "give each arm its own cache prefix and purge the shared one"),
    check!(CaS0, Canary, "hard stop: ΔS median ≥ 0.60, or any response that violates the JSON schema", Sample, MEDIAN, Below 0.60,
        "The shadow stage ends at once when the lower bound of the ΔS median is 0.60 or more, or when a single reply was not of the agreed form.",
        "stop the rollout; rebuild the index, purge the caches, and replay the shadow stage", hard_stop: true),
    check!(BgDs, BlueGreen, "ΔS median ≤ 0.45 on the gold probe set, blue as control", Sample, MEDIAN, AtMost 0.45, DS, DS_REMEDY, overridable: true),
    check!(BgCov, BlueGreen, "coverage of the target section ≥ 0.70, mean over questions", Sample, MEAN, AtLeast 0.70, COV, COV_REMEDY, overridable: true),
    check!(BgLam, BlueGreen, "λ convergent across three paraphrases and two seeds: rate ≥ 0.80, no ×, <> at most 10 %", Sample, RATE, AtLeast 0.80, LAM, LAM_REMEDY, overridable: true),
    check!(BgP95, BlueGreen, "p95 warm latency ≤ 1.25 × blue", Sample, RATIO, AtMost 1.25, P95, P95_REMEDY),
    check!(BgNewErr, BlueGreen, "zero new error class at headers or body read", Sample, CLASSES, Equal 0.0, NEWERR, NEWERR_REMEDY),
    check!(BgHit, BlueGreen, "cache hit rate within five points once namespaces are split", Sample, TRAFFIC, AtMost 0.05, "Judged from live requests, of which the shadow stage has none.", "split the cache namespaces and warm green before the flip"),
    check!(BgPar, BlueGreen, "INDEX_HASH, metric and analyzer match between blue and green, or are intentionally versioned", Census, CENSUS, Equal 0.0, PAR, PAR_REMEDY),
    check!(BgShadow, BlueGreen, "block if ΔS ≥ 0.60, coverage < 0.70 or JSON schema violations in the shadow replay", Sample, MEDIAN, Below 0.60,
        "The switchover is blocked when the ΔS median is shown to be 0.60 or more, when mean coverage is shown to be below 0.70, or when a single reply was not of the agreed form. Either sample condition may block, so each is tested at half the error rate.",
        "do not flip; rebuild green's index and replay"),
];

/// The checks of a runbook at a stage, in order.
pub fn checks_of(
    runbook: Runbook,
    stage: RunbookStage,
) -> impl Iterator<Item = &'static Definition> {
    // Every check in the table so far belongs to the shadow stage or is said not to apply there.
    let RunbookStage::Shadow = stage;
    CHECKS.iter().filter(move |check| check.runbook == runbook)
}

impl Definition {
    /// The definition of a check.
    pub fn of(id: CheckId) -> &'static Self {
        CHECKS
            .iter()
            .find(|check| check.id == id)
            .expect("every id has its row, which a test proves")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_one_row_and_its_name_begins_with_its_runbook() {
        assert_eq!(CHECKS.len(), CheckId::ALL.len());
        for &id in CheckId::ALL {
            let definition = Definition::of(id);
            let prefix = if definition.runbook == Runbook::Canary {
                "CA-"
            } else {
                "BG-"
            };
            assert!(id.name().starts_with(prefix), "{id}");
            assert!(
                !definition.meaning.is_empty() && !definition.remedy.is_empty(),
                "{id}"
            );
        }
    }

    #[test]
    fn nan_is_never_on_the_right_side() {
        for comparator in [
            Comparator::AtMost,
            Comparator::AtLeast,
            Comparator::Below,
            Comparator::Equal,
        ] {
            assert!(!comparator.holds(f64::NAN, 0.45), "{comparator:?}");
        }
    }
}
