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
        limit: 0.0005,
        remedy: "freeze the step; look for the first failing stage in the telemetry",
        ..TELEMETRY
    },
    Definition {
        id: TsCold,
        clause: "cold-start share ≤ 5 % after warm-up",
        stages: STEPS,
        method: Method::ColdShare,
        limit: 0.05,
        remedy: "raise the number of warm instances before the next step",
        ..TELEMETRY
    },
    Definition {
        id: TsDedupe,
        clause: "dedupe hit rate ≥ 99.9 % for idempotent POST; no duplicate side effect",
        stages: STEPS,
        method: Method::Dedupe,
        kind: Kind::Census,
        comparator: Comparator::AtLeast,
        limit: 0.999,
        remedy: "look at the dedupe key and its TTL",
        ..TELEMETRY
    },
    Definition {
        id: TsQueue,
        clause: "queue-age slope ≤ 0 during the step",
        stages: STEPS,
        method: Method::QueueSlope,
        remedy: "freeze the step until the queue drains; add consumers",
        ..TELEMETRY
    },
    Definition {
        id: TsPins,
        clause: "SCHEMA_REV, INDEX_HASH, MODEL_TAG present in every request and never mixed within a request",
        stages: STEPS,
        method: Method::Pins,
        kind: Kind::Census,
        comparator: Comparator::Equal,
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
