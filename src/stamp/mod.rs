//! Stamps on a disk: made of an export in bounded memory, saved as two files, and compared.
//!
//! What a stamp is, and every comparison, is [`crate::parity::stamp`]; here is only what reads and
//! writes. `docs/stamp-format.md` says how a stamp is computed, to the byte.

mod build;
mod difference;
mod error;
mod files;
mod numbers;
mod rows;
mod spill;

pub use build::{Bucket, Building, Making, Totals};
pub use difference::difference;
pub use error::StampError;
pub use files::{Said, Saved, make, names};
pub use numbers::Numbers;
pub use rows::{Rows, RowsWriter};
