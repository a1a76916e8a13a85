//! TS: deploy and traffic shaping.

use crate::judge::CheckId::{Ts5xx, TsCold, TsDedupe, TsDrift, TsP95, TsPins, TsQueue, TsTwice};
use crate::judge::RunbookStage::{self, Fifty, Five, Hundred, One, TwentyFive};
use crate::judge::definition::family::{DRIFT, P95, TELEMETRY, TWICE};
use crate::judge::definition::{Comparator, Definition, Kind, Method};

const STEPS: &[RunbookStage] = &[One, Five, TwentyFive, Fifty, Hundred];

pub(super) static CHECKS: &[Definition] = &[
    Definition {
        id: TsDrift,
        clause: "ΔS within ±0.03 between old and new, k = 10; λ convergent on two seeds",
        stages: STEPS,
        method: Method::DriftAndConvergence,
        ..DRIFT
    },
    Definition {
        id: TsP95,
        clause: "p95 ≤ 1.10 × old revision at equal load",
        stages: STEPS,
        limit: 1.10,
        ..P95
    },
    Definition {
        id: Ts5xx,
        clause: "5xx rate increase ≤ 0.05 percentage points at each step",
        stages: STEPS,
        method: Method::ServerErrors,
        statistic: "difference of rates of server errors, Newcombe",
        limit: 0.0005,
        meaning: "The new revision's share of requests that ended with a status of 500 or above less the old one's, in the windows in which both have requests, with Newcombe's bounds: the upper one must be at most 0.05 percentage points, for which some 5,400 requests an arm without any are needed.",
        remedy: "freeze the step; look for the first failing stage in the telemetry",
        ..TELEMETRY
    },
    Definition {
        id: TsCold,
        clause: "cold-start share ≤ 5 % after warm-up",
        stages: STEPS,
        method: Method::ColdShare,
        statistic: "share of cold requests, Clopper-Pearson",
        limit: 0.05,
        meaning: "The share of the new revision's requests that met a cold instance, with its exact bounds, in the windows that begin after the warm-up: `warm_up_s` seconds, 60 by default, from its first request. Warm pings never count; a request that does not state `cold_start` leaves the clause undecided.",
        remedy: "raise the number of warm instances before the next step",
        ..TELEMETRY
    },
    Definition {
        id: TsDedupe,
        clause: "dedupe hit rate ≥ 99.9 % for idempotent POST; no duplicate side effect",
        stages: STEPS,
        method: Method::Dedupe,
        kind: Kind::Census,
        statistic: "share of side effects that repeat no other",
        comparator: Comparator::AtLeast,
        limit: 0.999,
        meaning: "Requests with a dedupe key have a side effect unless they failed or `egress.deduped` is true. The share of the new revision's side effects that repeat neither a key of its own nor one on which the old revision acted is compared exactly with the limit; and since the clause allows no duplicate side effect, a single one fails.",
        remedy: "look at the dedupe key and its TTL",
        ..TELEMETRY
    },
    Definition {
        id: TsQueue,
        clause: "queue-age slope ≤ 0 during the step",
        stages: STEPS,
        method: Method::QueueSlope,
        statistic: "slope of the mean queue age in ms a minute, least squares over ten blocks of windows",
        meaning: "The mean age of the queue as the new revision's requests state it, window by window, averaged over up to ten consecutive blocks, and the slope of the line through them with Student's bounds. It fails when the lower bound is above 0. A queue at rest has an upper bound above 0, so that it passes when growth at the upper bound, over the whole step, comes to at most 10 % of the mean age; that tolerance is this tool's, as the runbook names none.",
        remedy: "freeze the step until the queue drains; add consumers",
        ..TELEMETRY
    },
    Definition {
        id: TsPins,
        clause: "SCHEMA_REV, INDEX_HASH, MODEL_TAG present in every request and never mixed within a request",
        stages: STEPS,
        method: Method::Pins,
        kind: Kind::Census,
        statistic: "requests that lack a pin or state two values of one",
        comparator: Comparator::Equal,
        meaning: "Every request of the new revision is looked at: each must state SCHEMA_REV, INDEX_HASH and MODEL_TAG, and INDEX_HASH, which may stand at the top, in `retrieval` and in `pins`, must be the same wherever it stands. A log in which no request states any pin leaves the clause undecided. Values that differ from request to request are named.",
        remedy: "pin the request at the edge and pass the pins on; refuse a request without them",
        ..TELEMETRY
    },
    Definition {
        id: TsTwice,
        clause: "any gate failing twice at the same step ⇒ freeze traffic and roll back",
        stages: STEPS,
        hard_stop: true,
        meaning: "The FAILs of this run and of the earlier runs given as history, of the same runbook, step and target, counted gate by gate; no gate may have two. Without a history the clause is undecided, \
unless the policy says `history = []`: none so far.",
        remedy: "freeze the traffic and roll back; a gate that failed twice will not pass by trying again",
        ..TWICE
    },
];
