//! BG: blue-green switchover.

use crate::judge::CheckId::{
    BgAudit, BgCov, BgDs, BgHit, BgKeep, BgLam, BgNewErr, BgP95, BgPar, BgPre, BgShadow,
};
use crate::judge::RunbookStage::{self, Audit, PreFlight, Shadow};
use crate::judge::definition::family::{
    AFTER_CUTOVER, BLOCK, CONVERGENCE, COVERAGE, DELTA_S, GREEN_HOUR, NEW_ERROR, P95, PARITY,
    PRE_FLIGHT, TELEMETRY,
};
use crate::judge::definition::{Comparator, Definition, Method};

const REPLAYED: &[RunbookStage] = &[Shadow, Audit];

pub(super) static CHECKS: &[Definition] = &[
    Definition {
        id: BgDs,
        clause: "ΔS median ≤ 0.45 on the gold probe set, blue as control",
        stages: REPLAYED,
        ..DELTA_S
    },
    Definition {
        id: BgCov,
        clause: "coverage of the target section ≥ 0.70, mean over questions",
        stages: REPLAYED,
        ..COVERAGE
    },
    Definition {
        id: BgLam,
        clause: "λ convergent across three paraphrases and two seeds: rate ≥ 0.80, no ×, <> at most 10 %",
        stages: REPLAYED,
        ..CONVERGENCE
    },
    Definition {
        id: BgP95,
        clause: "p95 warm latency ≤ 1.25 × blue",
        stages: REPLAYED,
        ..P95
    },
    Definition {
        id: BgNewErr,
        clause: "zero new error class at headers or body read",
        stages: REPLAYED,
        ..NEW_ERROR
    },
    Definition {
        id: BgHit,
        clause: "cache hit rate within five points once namespaces are split",
        stages: REPLAYED,
        method: Method::HitRatioWithin,
        statistic: "difference of hit shares, Newcombe",
        comparator: Comparator::Within,
        limit: 0.05,
        meaning: "Green's share of look-ups that the cache answers less blue's, with Newcombe's bounds, both of which must lie within five points. All requests of the log count, as blue may have served before green; requests that do not state `cache.hit` do not count, and an arm without any leaves the clause undecided.",
        remedy: "split the cache namespaces and warm green before the flip",
        ..TELEMETRY
    },
    Definition {
        id: BgPar,
        clause: "INDEX_HASH, metric and analyzer match between blue and green, or are intentionally versioned",
        stages: &[Shadow, PreFlight, Audit],
        ..PARITY
    },
    Definition {
        id: BgShadow,
        clause: "block if ΔS ≥ 0.60, coverage < 0.70 or JSON schema violations in the shadow replay",
        stages: &[Shadow],
        remedy: "do not flip; rebuild green's index and replay",
        ..BLOCK
    },
    Definition {
        id: BgPre,
        clause: "pre-flight: env parity, secret bundles overlap, index family labelled, cache prefixes isolated, queue topics duplicated, probe set ready",
        stages: &[PreFlight],
        meaning: "Each part is read from the contracts: SCHEMA_REV and MODEL_TAG equal (or declared), SECRETS_REV equal, METRIC and ANALYZER stated by both sides, CACHE_PREFIX different on both sides and \
none the beginning of the other, QUEUE_TOPICS stated by both and shared by neither; and from the plan: 50 to 200 questions with three paraphrases and two seeds. A part that is not stated leaves the clause undecided.",
        remedy: "mend the named part before the flip; state it in the health endpoint or under the target's `stated` fields",
        ..PRE_FLIGHT
    },
    Definition {
        id: BgAudit,
        clause: "after cutover: ΔS, coverage, λ against the pre-flip baseline; INDEX_HASH and analyzer match; egress success; dedupe guard",
        stages: &[Audit],
        meaning: "The same probes now and in a saved run from before the flip, question by question: ΔS within ±0.03 with few shifts, coverage within ±0.05, few questions whose λ flipped, \
INDEX_HASH and ANALYZER as they were. p95 is judged by BG-P95 against blue, which was asked at the same time. Request telemetry must show that calls that leave green fail at most one percentage point more often than blue's (Newcombe's upper bound) and that no side effect of green repeats another; without it the clause is undecided at best.",
        remedy: "compare green with its own run before the flip: what changed since then was changed by the cutover",
        ..AFTER_CUTOVER
    },
    Definition {
        id: BgKeep,
        clause: "blue is kept until the probe board stays green for one peak hour",
        stages: &[Audit],
        meaning: "The verdicts of this run and of the earlier runs given as history, back from now without a gap of more than 20 minutes, must cover an hour in which no probe check of the runbook was red. \
Whether the hour was one of peak is the operator's to know.",
        remedy: "keep blue; replay every few minutes and give the runs as history",
        ..GREEN_HOUR
    },
];
