//! MR: multi-region and failover routing.

use crate::judge::CheckId::{
    Mr5xx, MrBlob, MrDedupe, MrDrift, MrHash, MrHealth, MrKv, MrLam, MrP95,
};
use crate::judge::RunbookStage::{self, Routing};
use crate::judge::definition::family::{CONVERGENCE, DRIFT, FIELDS, P95, PARITY, TELEMETRY};
use crate::judge::definition::{Comparator, Definition, Kind, Method, Source};
use crate::parity::ContractField;

const ROUTING: &[RunbookStage] = &[Routing];

pub(super) static CHECKS: &[Definition] = &[
    Definition {
        id: MrHash,
        clause: "INDEX_HASH identical in every region before users are routed, and metric and analyzer too",
        stages: ROUTING,
        ..PARITY
    },
    Definition {
        id: MrHealth,
        clause: "health returns schema_rev, model_tag, secrets_rev and index_hash exactly equal; a plain 200 is not green",
        stages: ROUTING,
        method: Method::Parity(&[
            ContractField::SchemaRev,
            ContractField::ModelTag,
            ContractField::SecretsRev,
            ContractField::IndexHash,
        ]),
        remedy: "do not route: deploy the same schema, model and secrets to the region, and let its health endpoint state them",
        ..FIELDS
    },
    Definition {
        id: MrBlob,
        clause: "blob manifests identical",
        stages: ROUTING,
        method: Method::Parity(&[ContractField::BlobManifest]),
        remedy: "copy the blobs again and publish the manifest's digest in both regions",
        ..FIELDS
    },
    Definition {
        id: MrKv,
        clause: "dedupe store warm and reachable in every region",
        stages: ROUTING,
        method: Method::BothState(ContractField::DedupeStore, "warm"),
        meaning: "Every region states DEDUPE_STORE, and both state `warm`. A region that does not state it is not known to be warm.",
        remedy: "warm the dedupe store of the region before routing users to it",
        ..FIELDS
    },
    Definition {
        id: MrDrift,
        clause: "ΔS drift ≤ 0.03 across regions on the probe set, k = 10",
        stages: ROUTING,
        ..DRIFT
    },
    Definition {
        id: MrLam,
        clause: "λ convergent on two seeds",
        stages: ROUTING,
        ..CONVERGENCE
    },
    Definition {
        id: MrP95,
        clause: "p95 ≤ 1.10 × single-region baseline",
        stages: ROUTING,
        limit: 1.10,
        ..P95
    },
    Definition {
        id: Mr5xx,
        clause: "no increase in 5xx at failover or failback",
        stages: ROUTING,
        method: Method::ServerErrors,
        statistic: "difference of rates of server errors, Newcombe",
        limit: 0.0005,
        overridable: true,
        meaning: "The region's share of requests that ended with a status of 500 or above less that of the region it is compared with, over the whole log, with Newcombe's bounds. No finite number of requests shows that there is no increase at all, so that 0.05 percentage points count as none, the tolerance of TS-5XX; the policy may set another.",
        remedy: "route back; look for the first failing stage in the telemetry",
        ..TELEMETRY
    },
    Definition {
        id: MrDedupe,
        clause: "dedupe rate ≥ 99.9 % on write paths during the failover window",
        stages: ROUTING,
        method: Method::Dedupe,
        sources: &[Source::Telemetry, Source::DrillLog],
        kind: Kind::Census,
        statistic: "share of side effects that repeat no other",
        comparator: Comparator::AtLeast,
        limit: 0.999,
        meaning: "Requests with a dedupe key have a side effect unless they failed or `egress.deduped` is true. Of the side effects of both regions, those that repeat a key of their own region, and keys on which both regions acted, are repeats; the rest of them is compared exactly with the limit. A drill log's `write_applied` events are counted in the same way, and the worse of the two decides.",
        remedy: "look at the dedupe key and its TTL: sha256(source_id + revision + index_hash + partition)",
        ..TELEMETRY
    },
];
