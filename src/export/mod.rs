//! Exports of an index: files that hold its rows, read chunk by chunk in bounded memory.
//!
//! [`Source::open`] tells each file's format and finds its columns, [`Source::read`] hands on
//! every row once, in [`Chunk`]s, from several threads. `layout` maps an Arrow schema (Parquet,
//! Arrow IPC) to chunks, `json_lines` and `tsv` lines; `arrow_json` says how Arrow values become
//! JSON.

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
mod tsv;
mod vector_file;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};

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

/// Does what a library of a file format does, and tells its panics as messages: damaged files make
/// it panic in places, and no file may end the program.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        format!("damaged: {}", text.unwrap_or("without a message"))
    })
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
