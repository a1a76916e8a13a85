//! Index parity: what each side says it is, what it holds, and where two sides differ.
//!
//! Comparisons only: contracts and inventories come in as plain values, whoever read them. Exact
//! parts (ids, texts, metadata) never mix with floating-point parts, and a field that a side does
//! not state is [`FieldStatus::NotStated`], which no check reads as equal.

mod compare;
mod contract;
mod inventory;
mod merkle;
pub mod metric_inference;
mod recall;
pub mod retrieval;

pub use compare::{FieldParity, FieldStatus, Ids, RowDiff, SectionDiff, SideParity, compare, diff};
pub use contract::{Contract, ContractField, UnknownField};
pub use inventory::{Inventory, InventoryRow};
pub use merkle::{DEPTH, index_hash};
pub use recall::{
    SearchQuality, SearchReading, SelfRetrieval, ShareAt, TIE, finds_itself, overlap_at, recall_at,
};
