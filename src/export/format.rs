//! Telling a file's format: by what it begins with, and by its name where that does not say it.

use std::io::Read;
use std::path::Path;

use super::ExportError;
use super::error::shown;
use super::input::Input;
use super::{ipc, parquet};
use crate::lines::Packing;

/// What a file is, alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Parquet,
    ArrowFile,
    ArrowStream,
    JsonLines(Packing),
    Tsv(Packing),
    Npy,
    Fvecs,
}

const NPY: &[u8] = b"\x93NUMPY";
const FEATHER_V1: &[u8] = b"FEA1";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes that are looked at.
const HEAD: u64 = 512;

/// Tells what a file is.
pub(super) fn kind(input: &Input) -> Result<Kind, ExportError> {
    let head = head(input, Packing::Plain)?;
    let packing = Packing::of(&head);
    let (head, path) = match packing {
        Packing::Plain => (head, input.path.to_path_buf()),
        _ => (self::head(input, packing)?, input.path.with_extension("")),
    };
    let unlike = |found: String| ExportError::Format {
        path: input.path.to_path_buf(),
        found,
    };
    let strong = match head.as_slice() {
        head if head.starts_with(parquet::MAGIC) => Some(Kind::Parquet),
        head if head.starts_with(ipc::FILE) => Some(Kind::ArrowFile),
        head if head.starts_with(&ipc::CONTINUATION) => Some(Kind::ArrowStream),
        head if head.starts_with(NPY) => Some(Kind::Npy),
        _ => None,
    };
    match strong {
        Some(kind) if packing == Packing::Plain => return Ok(kind),
        Some(_) => return Err(unlike("binary columns, compressed as a whole".to_owned())),
        None => {}
    }
    if head.starts_with(parquet::ENCRYPTED) {
        return Err(unlike("Parquet with an encrypted footer".to_owned()));
    }
    if head.starts_with(FEATHER_V1) {
        return Err(unlike("Feather of version 1".to_owned()));
    }
    by_name(&path, packing)
        .or_else(|| by_lines(&head, packing))
        .ok_or_else(|| unlike(looks(&head)))
}

fn by_name(path: &Path, packing: Packing) -> Option<Kind> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "jsonl" | "ndjson" => Some(Kind::JsonLines(packing)),
        "tsv" => Some(Kind::Tsv(packing)),
        "fvecs" if packing == Packing::Plain => Some(Kind::Fvecs),
        _ => None,
    }
}

fn by_lines(head: &[u8], packing: Packing) -> Option<Kind> {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    head.trim_ascii_start()
        .starts_with(b"{")
        .then_some(Kind::JsonLines(packing))
}

fn looks(head: &[u8]) -> String {
    match head.trim_ascii_start() {
        [] => "it is empty".to_owned(),
        [b'[', ..] => "it begins like one JSON array; write one object a line".to_owned(),
        _ => {
            let start = &head[..head.len().min(16)];
            format!("it begins with {}", shown(&String::from_utf8_lossy(start)))
        }
    }
}

/// The first bytes, unpacked.
fn head(input: &Input, packing: Packing) -> Result<Vec<u8>, ExportError> {
    let mut head = Vec::new();
    let mut bytes = input.unpacked(packing)?.take(HEAD);
    let read = bytes.read_to_end(&mut head);
    read.map_err(|source| input.failed(source))?;
    Ok(head)
}
