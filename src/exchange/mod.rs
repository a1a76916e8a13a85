//! The field's formats, in and out.
//!
//! [`gold`] turns judged collections and test sets of other tools into a gold set, and back. What
//! the other side cannot hold is listed by file, line and reason, never dropped in silence.

mod error;
pub mod gold;
mod places;
mod pointer;
mod records;
mod yaml;

pub use error::ExchangeError;
pub use pointer::{NotAPointer, Pointer};
