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
        statistic: "seconds from evacuate_decided to cutover_complete",
        meaning: "The seconds from the first `evacuate_decided` of the plan's region to the first `cutover_complete` after it; exactly 30.000 s passes. A cutover to another region than the survivor fails. \
Without a cutover the clause fails once the log goes on for longer than the limit, and is undecided if it ends sooner.",
        ..DRILL_LOG
    },
    Definition {
        id: FdBurst,
        clause: "no 5xx burst longer than 60 s",
        stages: &[Live],
        method: Method::Burst,
        kind: Kind::Time,
        statistic: "seconds of the longest burst of server errors",
        limit: 60.0,
        meaning: "A second is bad when at least 5 % of an arm's requests in it, and one at least, ended with a status of 500 or above; bad seconds of any arm that are at most 5 s apart are one burst, as long as from its first server error to its last, to the millisecond. Exactly 60 s passes. Bursts that end before the decision to evacuate or begin after the drill are left out, where a drill log says when these were. One that reaches the last second of the log, and requests that end before the drill does, leave the clause undecided unless it is red already.",
        remedy: "drain before the cutover; look for the first failing stage in the telemetry",
        ..TELEMETRY
    },
    Definition {
        id: FdP95,
        clause: "p95 ≤ 1.25 × pre-incident baseline for served markets",
        stages: &[Live],
        method: Method::DrillLatency,
        statistic: "p95 ratio of warm requests, windows of either time resampled",
        limit: 1.25,
        meaning: "The 95th percentile of warm requests to the survivor after the cutover, over that of all regions before the decision to evacuate, which the drill log says when they were. The two times are not concurrent, so that the windows of each are resampled by themselves, at least ten of either. Whole windows count: those that end before the decision, and those that begin after the cutover.",
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
        statistic: "writes that were lost, doubled, applied astray or keyed wrongly",
        meaning: "Every write of `write_accepted` has exactly one `write_applied`; ids with one idempotency key are one write. Between the cutover and the return only the survivor accepts and applies; on the return both regions may; \
where the plan freezes writes on followers, no third region ever does. A write that was not applied is lost once the log says `drill_ended`, or goes on for ten minutes after accepting it. Where `source_id`, `revision`, `index_hash` and `partition` \
are given, the key is computed again as the SHA-256 of the four texts written one after another. A log without writes after the cutover decides nothing.",
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
        statistic: "seconds until the slowest queue is back at its baseline",
        meaning: "Each queue of each region by itself, the worst decides. Its baseline is the median backlog of the samples before `evacuate_decided`, at least three. It is back where three samples in a row at or below the baseline begin, counted from the decision; \
exactly 600.000 s passes. Three in a row above it undo that; single samples are chance. A queue whose samples end sooner while it is long leaves the clause undecided. Where the log has no `queue_sample`, the mean backlog of each window of the region's requests serves. \
A drill plan's queue_empty asks that the last three samples before the decision be 0, its backlog_zero that the last three of the log be 0.",
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
        statistic: "webhooks sent from elsewhere, twice, or with a wrong key",
        meaning: "Between the cutover and the return, `webhook_emitted` comes from the plan's `webhook_policy.emit_from` only, or else from the survivor; on the return from the evacuated region too. No `dedupe_key` stands in the log twice, and where `event_id` and `rev` \
are given, it is the SHA-256 of the two texts written one after the other. Side effects that the requests of the two regions repeat count as well. A log without a webhook after the cutover decides nothing.",
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
        statistic: "seconds until the slowest cache is warm after a purge",
        meaning: "After each `cache_purged`, the hit ratio of the prefix, in each region that samples it, is back at no less than 0.05 below the median of its samples before the first purge; exactly 600.000 s passes. Samples that end sooner leave the clause undecided. \
A plan whose `return_to_home.purge_cache` is true fails when the drill ends without a purge; one that asks for none needs none. A drill plan's cache_warm asks that before the decision the last sample of every prefix be no less than 0.05 below its median, and not 0.",
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
        statistic: "weights that rise and regions whose health comes back, before the return",
        meaning: "Between the decision and the return the evacuated region's `weight_changed` never rises, and no region's `health` goes from good (a status of 2xx) to bad and back. The last values before the decision are where they start from. \
The clause is this tool's, for drills that evacuate by plan; a log without weights and health of that time has nothing to say on it.",
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
        statistic: "steps that differ from the planned weights",
        meaning: "After `return_decided` the weights of the evacuated region are those of the plan's `return_to_home.gradual_weights`, in their order, none left out and none added; a weight that is logged again is one step. \
A log that ends before the last weight leaves the clause undecided, and one without a return has nothing to say on it. The clause is this tool's, for drills that return home.",
        ..DRILL_LOG
    },
];
