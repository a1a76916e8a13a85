//! The folder of a new gold set.

use std::path::Path;

use serde::Serialize;

use crate::exchange::ExchangeError;
use crate::exchange::gold::{Imported, Naming};
use crate::files::write_whole;
use crate::goldset::{self, Question, Section};

/// The version of a gold set that nobody has worked on yet.
const FIRST_VERSION: &str = "1";

#[derive(Serialize)]
struct Manifest<'a> {
    name: &'a str,
    version: &'a str,
    description: String,
    model: &'a str,
}

/// Refuses a folder that holds something, and a file.
pub(super) fn must_be_empty(folder: &Path) -> Result<(), ExchangeError> {
    let is_free = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !folder.exists(),
    };
    if is_free {
        Ok(())
    } else {
        Err(ExchangeError::Occupied {
            path: folder.to_owned(),
        })
    }
}

/// Writes the gold set, reads it back, and writes beside it what is not in it.
pub(super) fn write(
    folder: &Path,
    naming: &Naming,
    questions: &[Question],
    corpus: &[Section],
    imported: &Imported,
) -> Result<(), ExchangeError> {
    let made = std::fs::create_dir_all(folder);
    made.map_err(|source| ExchangeError::write(folder, source))?;
    let manifest = Manifest {
        name: &naming.name,
        version: FIRST_VERSION,
        description: format!("Imported from files of the format {}.", imported.from),
        model: &naming.model,
    };
    let manifest = toml::to_string(&manifest).expect("texts are TOML");
    let mut list = serde_json::to_string_pretty(imported).expect("names and counts are JSON");
    list.push('\n');
    for (name, text) in [
        ("gold.toml", manifest),
        ("questions.jsonl", json_lines(questions)),
        ("corpus.jsonl", json_lines(corpus)),
        ("import.json", list),
    ] {
        let path = folder.join(name);
        let written = write_whole(&path, text.as_bytes());
        written.map_err(|source| ExchangeError::write(&path, source))?;
    }
    goldset::load(folder)?;
    Ok(())
}

/// One value a line.
pub(super) fn json_lines<T: Serialize>(values: &[T]) -> String {
    let mut text = String::new();
    for value in values {
        text.push_str(&serde_json::to_string(value).expect("texts and numbers are JSON"));
        text.push('\n');
    }
    text
}
