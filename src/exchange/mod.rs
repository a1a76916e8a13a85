//! The field's formats, in and out.
//!
//! [`gold`] turns judged collections and test sets of other tools into a gold set, and back; [`run`]
//! hands on what a run observed. What the other side cannot hold is listed, never dropped in
//! silence.

mod error;
pub mod gold;
mod names;
mod places;
mod pointer;
mod records;
pub mod run;
mod yaml;

pub use error::ExchangeError;
pub use names::{DocumentNames, NameClash, Spelling};
pub use pointer::{NotAPointer, Pointer};
