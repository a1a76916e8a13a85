//! One line: a checksum and a record.

use crate::ids::Digest;
use crate::replay::journal::Record;

/// Hexadecimal digits of a checksum.
const DIGITS: usize = 16;
const BEFORE: &str = r#"{"sum":""#;
const BETWEEN: &str = r#"","record":"#;

fn checksum(record: &[u8]) -> String {
    let digest = Digest::derive("ragstone 2026 journal v1", record).to_string();
    digest["b3:".len()..][..DIGITS].to_owned()
}

/// The line of a record, with its newline.
pub(super) fn line(record: &Record) -> Vec<u8> {
    let record = serde_json::to_vec(record).expect("a record has JSON");
    let mut line = Vec::with_capacity(record.len() + 40);
    line.extend_from_slice(BEFORE.as_bytes());
    line.extend_from_slice(checksum(&record).as_bytes());
    line.extend_from_slice(BETWEEN.as_bytes());
    line.extend_from_slice(&record);
    line.extend_from_slice(b"}\n");
    line
}

/// The record of a whole line; `None` if it is torn or damaged.
pub(super) fn record(line: &[u8]) -> Option<Record> {
    let rest = line.strip_prefix(BEFORE.as_bytes())?;
    let (sum, rest) = rest.split_at_checked(DIGITS)?;
    let record = rest
        .strip_prefix(BETWEEN.as_bytes())?
        .strip_suffix(b"}\n")?;
    if sum != checksum(record).as_bytes() {
        return None;
    }
    serde_json::from_slice(record).ok()
}
