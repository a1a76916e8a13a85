//! Index parity: what each side says it is, what it holds, and where two sides differ.
//!
//! Comparisons only: contracts and inventories come in as plain values, whoever read them. Exact
//! parts (ids, texts, metadata) never mix with floating-point parts, and a field that a side does
//! not state is [`FieldStatus::NotStated`], which no check reads as equal.

pub mod analyzer;
mod behaviour;
pub mod canary;
mod compare;
mod contract;
mod inventory;
mod ladder;
mod manifest;
pub mod metric_inference;
mod recall;
pub mod retrieval;
mod row_diff;
mod rows;
pub mod stamp;

pub use behaviour::{Behaviour, BehaviourFindings, BehaviourParity, Reading};
pub use compare::{FieldParity, FieldStatus, SideParity, compare};
pub use contract::{Contract, ContractField, UnknownField};
pub use inventory::Inventory;
pub use ladder::{
    ComparedParts, Finding, Ladder, LadderEvidence, Perturbed, Rung, RungFinding, RungStatus,
    ladder,
};
pub use manifest::{
    Blob, BlobDigest, BlobPair, Manifest, ManifestDiff, ManifestProblem, ManifestStatus,
};
pub use recall::{SearchQuality, SelfRetrieval, ShareAt, recall_at};
pub use row_diff::{Diffing, Ids, RowDiff, SectionDiff, VectorDiff, diff};
pub use rows::{Basis, IdFinding, RowClass, VectorClass, VectorFinding};
pub use stamp::{DEPTH, StampRow};
