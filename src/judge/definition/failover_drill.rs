//! FD: region failover drill.

use crate::judge::CheckId::{
    FdBurst, FdCache, FdCut, FdDrain, FdDs, FdEq, FdFlap, FdHome, FdHook, FdLam, FdP95, FdPar,
    FdRisk, FdWrites,
};
use crate::judge::RunbookStage::{self, Live, Post, Pre};
use crate::judge::definition::family::{
    BLOCK, CONVERGENCE, DELTA_S, DRILL_LOG, EQUAL_ANSWERS, PARITY, TELEMETRY,
};
use crate::judge::definition::{Comparator, Definition, Kind, Method, Source};
use crate::parity::ContractField;

const THROUGHOUT: &[RunbookStage] = &[Pre, Live, Post];

pub(super) static CHECKS: &[Definition] = &[
    Definition {
        id: FdPar,
        clause: "identical contract fields and INDEX_HASH across promoted region and followers",
        stages: THROUGHOUT,
        method: Method::Parity(&[
            ContractField::IndexHash,
            ContractField::Metric,
            ContractField::Analyzer,
            ContractField::SchemaRev,
            ContractField::ModelTag,
            ContractField::SecretsRev,
        ]),
        meaning: "INDEX_HASH, METRIC, ANALYZER, SCHEMA_REV, MODEL_TAG and SECRETS_REV are compared exactly between the region and the one it is compared with. A field that is not stated never counts as equal. \
A named check of a drill plan may ask for some of them only.",
        ..PARITY
    },
    Definition {
        id: FdDs,
        clause: "ΔS ≤ 0.45 before and after the drill",
        stages: THROUGHOUT,
        ..DELTA_S
    },
    Definition {
        id: FdLam,
        clause: "λ convergent before and after the drill: rate ≥ 0.80, no ×, <> at most 10 %",
        stages: THROUGHOUT,
        ..CONVERGENCE
    },
    Definition {
        id: FdRisk,
        clause: "in the survivor: ΔS ≥ 0.60 or citations diverging from gold ⇒ rebuild index, purge caches",
        stages: &[Post],
        meaning: "Red when the survivor's ΔS median is shown to be 0.60 or more, when mean coverage of the gold sections (the citations that ought to be there) is shown to be below 0.70, or when a single \
reply was not of the agreed form. Either sample condition may turn it red, so each is tested at half the error rate. A drill plan's `rag_probe` may set other limits.",
        remedy: "rebuild the survivor's index, purge the caches, and replay",
        ..BLOCK
    },
    Definition {
        id: FdEq,
        clause: "answers_equal between regions on gold questions",
        stages: &[Post],
        ..EQUAL_ANSWERS
    },
    Definition {
        id: FdCut,
        clause: "evacuation decision to clean cutover ≤ 30 s",
        stages: &[Live],
        method: Method::Cutover,
        kind: Kind::Time,
        limit: 30.0,
        remedy: "shorten the hysteresis and the DNS or router TTL; look for a health check that flaps",
        ..DRILL_LOG
    },
    Definition {
        id: FdBurst,
        clause: "no 5xx burst longer than 60 s",
        stages: &[Live],
        method: Method::Burst,
        kind: Kind::Time,
        limit: 60.0,
        remedy: "drain before the cutover; look for the first failing stage in the telemetry",
        ..TELEMETRY
    },
    Definition {
        id: FdP95,
        clause: "p95 ≤ 1.25 × pre-incident baseline for served markets",
        stages: &[Live],
        method: Method::DrillLatency,
        limit: 1.25,
        remedy: "give the survivor the capacity of both regions before the drill",
        ..TELEMETRY
    },
    Definition {
        id: FdWrites,
        clause: "zero write loss: every accepted write is applied exactly once after replay",
        stages: &[Post],
        method: Method::Writes,
        kind: Kind::Census,
        comparator: Comparator::Equal,
        remedy: "replay the lost writes from the queue; look at the dedupe key of the doubled ones",
        ..DRILL_LOG
    },
    Definition {
        id: FdDrain,
        clause: "queue backlog back to its pre-drill baseline in ≤ 10 minutes",
        stages: &[Post],
        method: Method::Drain,
        sources: &[Source::DrillLog, Source::Telemetry],
        kind: Kind::Time,
        limit: 600.0,
        remedy: "add consumers in the survivor; look for a poisoned message",
        ..DRILL_LOG
    },
    Definition {
        id: FdHook,
        clause: "webhooks only from the survivor, no duplicate dedupe_key",
        stages: &[Live, Post],
        method: Method::Webhooks,
        sources: &[Source::DrillLog, Source::Telemetry],
        kind: Kind::Census,
        comparator: Comparator::Equal,
        remedy: "stop the evacuated region's egress; look at the dedupe key sha256(event_id+rev) and its TTL",
        ..DRILL_LOG
    },
    Definition {
        id: FdCache,
        clause: "edge caches purged and re-warmed: hit ratio back after each purge",
        stages: &[Post],
        method: Method::Rewarmed,
        sources: &[Source::Telemetry, Source::DrillLog],
        kind: Kind::Time,
        limit: 600.0,
        remedy: "purge again, warm with the most frequent questions, and watch the hit ratio",
        ..DRILL_LOG
    },
    Definition {
        id: FdFlap,
        clause: "traffic drains without flapping: the evacuated region's weight never rises again before the return",
        stages: &[Live],
        method: Method::Flapping,
        kind: Kind::Census,
        comparator: Comparator::Equal,
        remedy: "lengthen the hysteresis; look for a health check that flaps",
        ..DRILL_LOG
    },
    Definition {
        id: FdHome,
        clause: "return to home by the planned weights, in their order",
        stages: &[Post],
        method: Method::Homecoming,
        kind: Kind::Census,
        comparator: Comparator::Equal,
        remedy: "go back to the last weight that held, and on by the plan",
        ..DRILL_LOG
    },
];
