//! CA: canary release.

use crate::judge::CheckId::{
    CaCache, CaCov, CaDs, CaErr, CaHit, CaLam, CaNewErr, CaP95, CaPar, CaS0, CaS1, CaS5, CaS10,
    CaS25, CaS50,
};
use crate::judge::RunbookStage::{
    self, Fifty, Five, Hundred, One, Promotion, Shadow, Ten, TwentyFive,
};
use crate::judge::definition::family::{
    CONVERGENCE, COVERAGE, DELTA_S, FIELDS, NEW_ERROR, P95, PARAPHRASE_FLIPS, PARITY, SHADOW_STOP,
    TELEMETRY, TOPIC_COVERAGE,
};
use crate::judge::definition::{Comparator, Definition, Kind, Method};
use crate::parity::ContractField;

const ROLLOUT: &[RunbookStage] = &[Shadow, One, Five, Ten, TwentyFive, Fifty, Hundred];
/// The rollout, and the decision at its end.
const ALL: &[RunbookStage] = &[
    Shadow, One, Five, Ten, TwentyFive, Fifty, Hundred, Promotion,
];

pub(super) static CHECKS: &[Definition] = &[
    Definition {
        id: CaDs,
        clause: "ΔS median ≤ 0.45 on the gold probe set",
        stages: ALL,
        ..DELTA_S
    },
    Definition {
        id: CaCov,
        clause: "coverage of the target section ≥ 0.70, mean over questions",
        stages: ALL,
        ..COVERAGE
    },
    Definition {
        id: CaLam,
        clause: "λ convergent across three paraphrases and two seeds: rate ≥ 0.80, no ×, <> at most 10 %",
        stages: ALL,
        ..CONVERGENCE
    },
    Definition {
        id: CaP95,
        clause: "p95 warm latency ≤ 1.25 × control",
        stages: ALL,
        ..P95
    },
    Definition {
        id: CaErr,
        clause: "error rate ≤ 1.20 × control",
        stages: ROLLOUT,
        method: Method::ErrorRatio,
        limit: 1.20,
        remedy: "look for the first failing stage in the telemetry",
        ..TELEMETRY
    },
    Definition {
        id: CaNewErr,
        clause: "no error class at headers or body read that the control does not have",
        stages: ALL,
        ..NEW_ERROR
    },
    Definition {
        id: CaPar,
        clause: "INDEX_HASH, metric and analyzer match the intended variant",
        stages: ALL,
        ..PARITY
    },
    Definition {
        id: CaCache,
        clause: "no cache key prefix is used by both arms",
        stages: ROLLOUT,
        method: Method::CacheOverlap,
        kind: Kind::Census,
        comparator: Comparator::Equal,
        remedy: "give each arm its own cache prefix and purge the shared one",
        ..TELEMETRY
    },
    Definition {
        id: CaHit,
        clause: "cache hit ratio not more than five points below control",
        stages: &[Promotion],
        method: Method::HitRatio,
        limit: 0.05,
        remedy: "warm the canary's caches before the decision; look for a changed cache key",
        ..TELEMETRY
    },
    Definition {
        id: CaS0,
        clause: "hard stop: ΔS median ≥ 0.60, or any response that violates the JSON schema",
        stages: &[Shadow],
        ..SHADOW_STOP
    },
    Definition {
        id: CaS1,
        clause: "hard stop: p95 warm > 1.25 × control, or a new 5xx class",
        stages: &[One],
        method: Method::TrafficStop,
        limit: 1.25,
        hard_stop: true,
        remedy: "stop the rollout and route the 1 % back; read the new 5xx class in the telemetry",
        ..TELEMETRY
    },
    Definition {
        id: CaS5,
        clause: "hard stop: coverage < 0.70 on any probe topic",
        stages: &[Five],
        meaning: "Mean coverage of the target sections, topic by topic. The bound is the exact binomial one with the sum of the coverages in place of a count, \
which holds for means of values between 0 and 1, as these spread no wider than coin throws; nine fully covered questions prove a topic. A topic shown to be below stops the rollout, with Holm's \
correction since any topic may; a PASS needs every topic and no correction.",
        remedy: "stop the rollout; the named topic's sections are missing or cut: rebuild from the same artifact and replay the topic with --topic",
        ..TOPIC_COVERAGE
    },
    Definition {
        id: CaS10,
        clause: "hard stop: INDEX_HASH differs across regions",
        stages: &[Ten],
        method: Method::Parity(&[ContractField::IndexHash]),
        hard_stop: true,
        remedy: "stop the rollout; rebuild the follower from the same artifact, confirm the stamp, then route",
        ..FIELDS
    },
    Definition {
        id: CaS25,
        clause: "hard stop: cache invalidations of control and canary collide (same prefix purged)",
        stages: &[TwentyFive],
        method: Method::PurgeCollision,
        kind: Kind::Census,
        comparator: Comparator::Equal,
        hard_stop: true,
        remedy: "stop the rollout; give each arm its own cache prefix and purge both",
        ..TELEMETRY
    },
    Definition {
        id: CaS50,
        clause: "hard stop: λ flips on more than one paraphrase of any gold question",
        stages: &[Fifty],
        meaning: "A paraphrase flips when its λ at any seed differs from that of the first wording at the same seed. Questions with two or more flipped paraphrases are counted, and one is too many. \
A question whose control flips as much is named apart: it is the gold set's or the control's doing as much as the canary's, and still counts.",
        remedy: "stop the rollout; query parsing or the analyzer treats wordings differently: compare the analyzers first",
        ..PARAPHRASE_FLIPS
    },
];
