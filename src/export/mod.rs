//! Exports of an index: files that hold its rows, read chunk by chunk in bounded memory.
//!
//! [`Source::open`] tells each file's format and finds its columns, [`Source::read`] hands on every
//! row once, in [`Chunk`]s, from several threads. `layout` maps an Arrow schema (Parquet, Arrow IPC)
//! to chunks, `json_lines` and `tsv` lines; `arrow_json` says how Arrow values become JSON.

mod arrow_json;
mod arrow_text;
mod arrow_vectors;
mod chunk;
mod columns;
mod description;
mod error;
mod format;
mod input;
mod ipc;
mod json_lines;
mod json_row;
mod layout;
mod lines;
mod parquet;
mod source;
mod writer;

use rayon::prelude::*;

pub use chunk::{Chunk, Metadata, Place, Sections, Strings, Vectors};
pub use columns::Columns;
pub use description::{ColumnRead, Description, Format, Part};
pub use error::ExportError;
pub use source::Source;
pub use writer::{IpcWriter, WrittenRow};

use input::Hands;

/// What takes an export's rows.
type Take<'a, E> = &'a (dyn Fn(Chunk) -> Result<(), E> + Sync);

/// Does so many things, one after another or by all threads; the first error stops it.
fn each<E: Send>(
    n: usize,
    hands: Hands,
    work: impl Fn(usize) -> Result<(), E> + Sync + Send,
) -> Result<(), E> {
    match hands {
        Hands::One => (0..n).try_for_each(work),
        Hands::All => (0..n).into_par_iter().try_for_each(work),
    }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
