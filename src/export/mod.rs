//! Exports of an index: files that hold its rows, read chunk by chunk in bounded memory.

mod chunk;

pub use chunk::{Chunk, Metadata, Place, Sections, Strings, Vectors};
