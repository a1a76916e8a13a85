//! What a stamp is made of: digests of rows, their trees, their sketches, and what is counted of them.

mod digest;
mod document;
mod health;
mod lanes;
mod packed;
mod row;
mod sketch;
mod tree;

pub use digest::{Digested, Digester, GivenRow, RowProblem};
pub use document::{Channels, Covers, Lie, SketchId, Stamp, config_root, lies};
pub use health::{Health, NormHistogram};
pub use packed::{PARTS, PackedRow, PackedRows, RowKey, UnreadRow, rows_of_run};
pub use row::{KeyDigest, StampRow, VectorStamp, differing_keys};
pub use sketch::{FLOATS, Sketch, estimated_distance};
pub use tree::{BUCKETS, Channel, DEPTH, Tree, bucket_of, content_row, vector_row};

/// The seed of sketches, unless another is asked for: two stamps with different seeds cannot be compared
/// by them.
pub const SEED: u64 = 1;
