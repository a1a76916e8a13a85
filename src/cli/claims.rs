//! Contracts from a file: what a side claims of itself.

use std::path::Path;

use crate::cli::Failure;
use crate::parity::Contract;

/// Reads a JSON object of contract fields, such as a manifest or a saved health reply.
pub(super) fn read(path: &Path) -> Result<Contract, Failure> {
    let unreadable = |source| Failure::ReadContract {
        path: path.to_owned(),
        source,
    };
    let json = std::fs::read(path).map_err(unreadable)?;
    serde_json::from_slice(&json).map_err(|source| Failure::Contract {
        path: path.to_owned(),
        source,
    })
}

/// What the file claims, or nothing if none is given.
pub(super) fn given(path: Option<&Path>) -> Result<Contract, Failure> {
    path.map_or_else(|| Ok(Contract::default()), read)
}
