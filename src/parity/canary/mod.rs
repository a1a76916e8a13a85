//! Embedding canaries: what a side's embedder *does*, whatever its model is called.
//!
//! The worst drifts keep the model's name and the dimension: another tokenizer, another truncation,
//! a prefix on one side only, other arithmetic. So each side embeds the same fixed strings
//! ([`CanarySet`]) several times; what came of it is a [`CanaryReading`], and [`compare`] holds the
//! distance between two sides against the spread within each. [`describe`] says what one side does
//! by pairs of strings that a given treatment makes equal: whether it folds case, normalises
//! Unicode, and before which word it cuts a text off.

mod canaries;
mod compare;
mod distance;
mod points;
mod reading;
mod side;
#[cfg(test)]
mod tests;

pub use canaries::{Canary, CanaryKind, CanarySet, Pair, Treatment};
pub use compare::{CanaryParity, CanaryStatus, CanaryVerdict, EmbeddingParity, Unchecked, compare};
pub use points::DriftKind;
pub use reading::{CanaryReading, MalformedReading, PackedVector, Refusal, Repeat};
pub use side::{SideBehaviour, describe};
