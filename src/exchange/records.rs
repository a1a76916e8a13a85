//! Rows of a file, whatever it is written in: JSON Lines, a JSON array, a member of a JSON or YAML
//! document, CSV, TSV; plain, gzip or Zstandard.

use std::io::{self, Read as _};
use std::path::Path;

use serde_json::{Map, Value};

use crate::exchange::ExchangeError;
use crate::exchange::places::Places;
use crate::exchange::pointer::child;
use crate::exchange::yaml;
use crate::goldset::{Problem, Rule, without_line};
use crate::lines::Packing;

/// Problems after which nobody reads on.
const MOST_PROBLEMS: usize = 100;
/// The most that a packed file may hold.
const LARGEST: u64 = 8 << 30;
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    /// Where it begins, from 1.
    pub(super) line: u64,
    /// What it holds. A row of CSV is an object of texts, without its empty cells.
    pub(super) value: Value,
}

/// A JSON or YAML document with the lines of its parts.
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) places: Places,
}

/// The text of a file: unpacked, without a byte order mark.
///
/// # Errors
/// If it cannot be read, if it is packed and something else follows, or if it is no UTF-8.
pub(super) fn text(path: &Path) -> Result<String, ExchangeError> {
    let failed = |source| ExchangeError::Read {
        path: path.to_owned(),
        source,
    };
    let packed = std::fs::read(path).map_err(failed)?;
    let mut bytes = Vec::new();
    Packing::of(&packed)
        .unpack(std::io::Cursor::new(packed))
        .and_then(|unpacked| unpacked.take(LARGEST).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 == LARGEST {
        let message = format!("holds {LARGEST} bytes or more");
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = memchr::memchr_iter(b'\n', valid).count() as u64 + 1;
        ExchangeError::at(path, line, "not UTF-8", "write the file as UTF-8")
    })?;
    Ok(match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// The end of a file's name that says what it is written in, without that of a packing.
fn ending(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    let name = [".gz", ".zst"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(&name);
    name.rsplit_once('.')
        .map_or_else(String::new, |(_, ending)| ending.to_owned())
}

/// Reads a whole JSON or YAML document.
///
/// # Errors
/// If it cannot be read, is not JSON or YAML, or names a member twice.
pub(super) fn document(path: &Path) -> Result<Document, ExchangeError> {
    of_text(path, &text(path)?)
}

fn of_text(path: &Path, text: &str) -> Result<Document, ExchangeError> {
    let (value, places) = if matches!(ending(path).as_str(), "yaml" | "yml") {
        yaml::parse(text)
            .map_err(|(line, message)| ExchangeError::at(path, line, message, "expected YAML"))?
    } else {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let message = format!("not JSON: {}", without_line(&error));
            let help = "the file must be one whole JSON value";
            ExchangeError::at(path, error.line() as u64, message, help)
        })?;
        (value, Places::of(text))
    };
    let problems = places.twice.iter().map(|(pointer, line)| {
        let message = format!("{pointer} stands here for the second time");
        let help = "name each member of an object once";
        Problem::new(path, *line, Rule::DuplicateId, message, help)
    });
    ExchangeError::unless_empty(problems.take(MOST_PROBLEMS).collect())?;
    Ok(Document { value, places })
}

/// Reads the rows of a file, and what stands beside them in its document. `lists` are the members
/// of a document that may hold the rows.
///
/// # Errors
/// If the file cannot be read, or with every row that is none.
pub(super) fn read(
    path: &Path,
    lists: &[&str],
) -> Result<(Vec<Record>, Option<Record>), ExchangeError> {
    let text = text(path)?;
    match ending(path).as_str() {
        "csv" => return Ok((table(path, &text, b',')?, None)),
        "tsv" => return Ok((table(path, &text, b'\t')?, None)),
        "yaml" | "yml" => {}
        ending if of_lines(ending, &text, lists) => return Ok((lines(path, &text)?, None)),
        _ => {}
    }
    let Document { mut value, places } = of_text(path, &text)?;
    if value.is_array() {
        return Ok((elements(path, value, "", &places)?, None));
    }
    let held = lists
        .iter()
        .find_map(|list| Some((*list, value.as_object_mut()?.remove(*list)?)));
    let Some((list, rows)) = held else {
        let named = match lists {
            [] => "a list of objects, or one object a line".to_owned(),
            lists => format!(
                "a list of objects, or an object with {}",
                lists.join(" or ")
            ),
        };
        return Err(ExchangeError::at(
            path,
            1,
            "no rows",
            format!("expected {named}"),
        ));
    };
    let rows = elements(path, rows, &child("", list), &places)?;
    let rest = Record { line: 1, value };
    Ok((rows, Some(rest)))
}

/// Whether every line is a row of its own.
fn of_lines(ending: &str, text: &str, lists: &[&str]) -> bool {
    if matches!(ending, "jsonl" | "ndjson") {
        return true;
    }
    let Some(first) = text.lines().find(|line| !line.trim().is_empty()) else {
        return true;
    };
    match serde_json::from_str::<Value>(first) {
        Ok(Value::Object(members)) => !lists.iter().any(|list| members.contains_key(*list)),
        _ => false,
    }
}

fn elements(
    path: &Path,
    rows: Value,
    pointer: &str,
    places: &Places,
) -> Result<Vec<Record>, ExchangeError> {
    let Value::Array(rows) = rows else {
        let help = "expected a list of objects";
        return Err(ExchangeError::at(
            path,
            places.line(pointer),
            "no list of rows",
            help,
        ));
    };
    let mut problems = Vec::new();
    let mut records = Vec::with_capacity(rows.len());
    for (index, value) in rows.into_iter().enumerate() {
        let line = places.line(&child(pointer, &index.to_string()));
        push(path, line, value, &mut records, &mut problems);
    }
    ExchangeError::unless_empty(problems)?;
    Ok(records)
}

fn push(
    path: &Path,
    line: u64,
    value: Value,
    records: &mut Vec<Record>,
    problems: &mut Vec<Problem>,
) {
    if value.is_object() {
        records.push(Record { line, value });
    } else if problems.len() < MOST_PROBLEMS {
        let help = "every row is an object";
        problems.push(Problem::new(path, line, Rule::Schema, "no object", help));
    }
}

fn lines(path: &Path, text: &str) -> Result<Vec<Record>, ExchangeError> {
    let mut records = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(value) => push(path, number, value, &mut records, &mut problems),
            Err(error) if problems.len() < MOST_PROBLEMS => {
                let message = format!("not JSON: {}", without_line(&error));
                let help = "expected one JSON object a line";
                problems.push(Problem::new(path, number, Rule::Schema, message, help));
            }
            Err(_) => {}
        }
    }
    ExchangeError::unless_empty(problems)?;
    Ok(records)
}

/// Rows under a header; an empty cell is no value.
fn table(path: &Path, text: &str, separator: u8) -> Result<Vec<Record>, ExchangeError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .quoting(separator == b',')
        .from_reader(text.as_bytes());
    let wrong = |error: csv::Error| {
        let line = error.position().map(csv::Position::line);
        let help = "every row has as many cells as the header, and quotes are closed";
        ExchangeError::at(path, line, error.to_string(), help)
    };
    let header = reader.headers().map_err(wrong)?.clone();
    for (index, name) in header.iter().enumerate() {
        let first = header.iter().position(|other| other == name);
        if name.is_empty() || first != Some(index) {
            let message = format!("column {} is called `{name}`", index + 1);
            let help = "give every column of the header a name of its own";
            return Err(ExchangeError::at(path, 1, message, help));
        }
    }
    let mut records = Vec::new();
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        let cells = header.iter().zip(&row).filter(|(_, cell)| !cell.is_empty());
        let value: Map<String, Value> = cells
            .map(|(name, cell)| (name.to_owned(), Value::from(cell)))
            .collect();
        records.push(Record {
            line: row.position().map_or(0, csv::Position::line),
            value: Value::Object(value),
        });
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        (folder, path)
    }

    /// The lines of the rows, all of which have an `a` of 1 or "1".
    #[track_caller]
    fn rows(name: &str, bytes: &[u8], expected: &[u64]) {
        let (_folder, path) = file(name, bytes);
        let (rows, _) = read(&path, &["results"]).expect("rows");
        let lines: Vec<u64> = rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, expected);
        for row in rows {
            assert!(row.value["a"] == 1 || row.value["a"] == "1", "{row:?}");
        }
    }

    /// The place and the message of what is wrong.
    #[track_caller]
    fn wrong(name: &str, bytes: &[u8], line: u64, words: &str) {
        let (_folder, path) = file(name, bytes);
        match read(&path, &["results"]) {
            Err(ExchangeError::Content { problems }) => {
                assert_eq!(problems[0].line, Some(line), "{problems:?}");
                assert!(problems[0].message.contains(words), "{problems:?}");
            }
            other => panic!("expected {words}, found {other:?}"),
        }
    }

    #[test]
    fn rows_are_read_from_every_kind_of_file() {
        rows("x.jsonl", b"{\"a\":1}\n\n{\"a\":1}", &[1, 3]);
        rows(
            "x.jsonl",
            b"\xef\xbb\xbf{\"a\":1}\r\n{\"a\":1}\r\n",
            &[1, 2],
        );
        rows("x.json", b"[{\"a\":1},\n {\"a\":\n1}]", &[1, 2]);
        rows("x.json", b"{\"results\": [\n{\"a\":1}]}", &[2]);
        rows("x.json", b"{\"a\":1}\n{\"a\":1}\n", &[1, 2]);
        rows("x.yaml", b"results:\n  - a: 1\n  - a: '1'\n", &[2, 3]);
        rows("x.csv", b"a,b\n1,\"two\nlines\"\n1,\n", &[2, 4]);
        rows("x.tsv", b"a\tb\n1\t\"x\n", &[2]);
    }

    #[test]
    fn packed_files_are_read_and_what_follows_them_is_refused() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"{\"a\":1}\n").expect("packed");
        let mut packed = packed.finish().expect("packed");
        rows("x.jsonl.gz", &packed, &[1]);
        packed.extend(b"garbage");
        let (_folder, path) = file("x.jsonl.gz", &packed);
        assert!(matches!(read(&path, &[]), Err(ExchangeError::Read { .. })));
        let packed = zstd::encode_all(&b"{\"a\":1}\n"[..], 1).expect("packed");
        rows("x.jsonl.zst", &packed, &[1]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        wrong("x.jsonl", b"{\"a\":1}\n{\"a\":", 2, "EOF");
        wrong("x.jsonl", b"{\"a\":1}\n7\n", 2, "no object");
        wrong("x.json", b"{\"results\": [\n{\"a\":1},", 2, "EOF");
        wrong(
            "x.json",
            b"{\"results\": [\n{\"a\":1,\n\"a\":2}]}",
            3,
            "second time",
        );
        wrong("x.json", b"{\n\"rows\": []}", 1, "no rows");
        wrong("x.csv", b"a,a\n1,2\n", 1, "called `a`");
        wrong("x.csv", b"a,b\n1,2\n1\n", 3, "record");
        wrong("x.jsonl", b"{\"a\":1}\n\xff\n", 2, "UTF-8");
    }
}
