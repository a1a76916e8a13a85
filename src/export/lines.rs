//! Lines of an export.

use super::ExportError;
use super::input::{Hands, Input};
use crate::lines::{self, Block, Packing};

/// A file's blocks of lines, one after another.
pub(super) fn blocks(
    input: &Input,
    packing: Packing,
) -> Result<impl Iterator<Item = Result<Block, ExportError>> + Send + use<>, ExportError> {
    let bytes = input.unpacked(packing)?;
    let input = input.clone();
    let failed = move |block: std::io::Result<Block>| block.map_err(|source| input.failed(source));
    Ok(lines::Blocks::new(bytes).map(failed))
}

/// A plain file of more bytes than this is parsed by all threads together.
const ALONE: u64 = 8 << 20;

/// Whether a file of lines is worth all threads.
pub(super) fn hands(input: &Input, packing: Packing) -> Hands {
    match packing {
        Packing::Plain if input.len <= ALONE => Hands::One,
        _ => Hands::All,
    }
}
