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
        statistic: "ratio of error rates, exact bounds and anytime evidence of harm",
        limit: 1.20,
        meaning: "A request failed with a status of 500 or above, a timeout or an error class. In the windows in which both arms have requests, the canary's share of all errors is bounded exactly (Clopper-Pearson), which bounds the ratio of the rates. It passes when the upper bound is at most the limit, which some 372 errors an arm let it do four times in five where the rates are equal. It fails when the lower bound is above it, or when an e-process over the windows, each at its own share of the requests, ever reached 100: evidence that a canary within the limit reaches at most once in a hundred rollouts, however often one looks. Errors are taken to arrive independently of each other.",
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
        statistic: "cache prefixes of both arms",
        kind: Kind::Census,
        comparator: Comparator::Equal,
        meaning: "The cache prefixes that requests of either arm looked up, compared exactly: none may be in both. An arm of which no request states `cache.prefix` leaves the clause undecided. A prefix that another begins with is named, and is not the same.",
        remedy: "give each arm its own cache prefix and purge the shared one",
        ..TELEMETRY
    },
    Definition {
        id: CaHit,
        clause: "cache hit ratio not more than five points below control",
        stages: &[Promotion],
        method: Method::HitRatio,
        statistic: "hit share of the control less the canary's, Newcombe",
        limit: 0.05,
        meaning: "The control's share of look-ups that the cache answers less the canary's, in the windows in which both have requests, with Newcombe's bounds: the upper one must be at most five points. An arm of which no request states `cache.hit` leaves the clause undecided.",
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
        statistic: "anytime evidence of a slower p95, and new classes of server errors",
        limit: 1.25,
        meaning: "Two conditions, either of which stops the rollout at any time. The tail: for every latency that might be the control's p95, the evidence that too few or too many of its warm requests lie above it, times the evidence that more than 5 % of the canary's lie above 1.25 times it, by mixtures of likelihood ratios, window by window; the least over all these latencies must ever have reached 100, which a canary within the limit does at most once in a hundred rollouts. The class: one that only the canary has, on k sessions at exposure share θ, of so many classes that θ^k times their number is at most 1 %. A PASS says that neither was crossed, not that the canary is as quick: that is for the p95 clause.",
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
        statistic: "prefixes purged on both arms' account",
        meaning: "The cache prefixes purged on either arm's account, by requests whose `cache.purged` is true or by `cache_purged` events that name the variant: none may be in both. While nothing tells of any purge the clause is undecided, since what was not recorded cannot be told from what did not happen.",
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
