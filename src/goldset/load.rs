//! Reads a gold set and proves that its parts fit together.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::goldset::check::{check_corpus, check_questions};
use crate::goldset::{GoldSet, Manifest, Problem, Question, Rule, Section};

/// Why a gold set cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum GoldSetError {
    /// A file cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(
        code(goldset::read),
        help("a gold set is a folder with gold.toml, questions.jsonl and corpus.jsonl")
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// `gold.toml` is not of the documented form.
    #[error("{}: not a gold set's description", path.display())]
    #[diagnostic(
        code(goldset::manifest),
        help("gold.toml needs at least `name`, `version` and `model`")
    )]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// The reason, with line and column.
        source: Box<toml::de::Error>,
    },
    /// Everything that is wrong, by file and line.
    #[error("the gold set cannot be used: {} problem{}\n{}", problems.len(), if problems.len() == 1 { "" } else { "s" }, listed(problems))]
    #[diagnostic(
        code(goldset::content),
        help("mend the lines above; `ragstone gold lint` checks again and shows warnings too")
    )]
    Content {
        /// At least one.
        problems: Vec<Problem>,
    },
}

/// How many problems an error message lists before it only counts them.
const LISTED: usize = 20;

/// Problems one below the other; the last line counts those that are not shown.
pub(crate) fn listed(problems: &[Problem]) -> String {
    let mut lines: Vec<String> = problems
        .iter()
        .take(LISTED)
        .map(ToString::to_string)
        .collect();
    if problems.len() > LISTED {
        lines.push(format!("… and {} more", problems.len() - LISTED));
    }
    lines.join("\n")
}

/// Reads the gold set in the folder `root`.
///
/// # Errors
/// If a file cannot be read, or with every problem of severity error at once.
pub fn load(root: &Path) -> Result<GoldSet, GoldSetError> {
    let manifest = manifest(&root.join("gold.toml"))?;
    let questions_path = root.join("questions.jsonl");
    let corpus_path = root.join("corpus.jsonl");
    let mut problems = Vec::new();
    let questions: Vec<Question> = json_lines(&questions_path, &mut problems)?;
    let corpus: Vec<Section> = json_lines(&corpus_path, &mut problems)?;
    if problems.is_empty() {
        check_corpus(&corpus_path, &corpus, &mut problems);
        check_questions(&questions_path, &questions, &corpus, &mut problems);
    }
    if !problems.is_empty() {
        return Err(GoldSetError::Content { problems });
    }
    let by_key = corpus
        .iter()
        .enumerate()
        .map(|(index, section)| (section.key(), index))
        .collect();
    Ok(GoldSet {
        root: root.to_owned(),
        manifest,
        questions,
        corpus,
        by_key,
    })
}

/// Reads a file of sections that is not the corpus itself, such as older editions for a drill. Ids
/// must be unique within it.
///
/// # Errors
/// As [`load()`].
pub fn read_sections(path: &Path) -> Result<Vec<Section>, GoldSetError> {
    let mut problems = Vec::new();
    let sections = json_lines(path, &mut problems)?;
    if problems.is_empty() {
        check_corpus(path, &sections, &mut problems);
    }
    if problems.is_empty() {
        Ok(sections)
    } else {
        Err(GoldSetError::Content { problems })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, GoldSetError> {
    std::fs::read(path).map_err(|source| GoldSetError::Read {
        path: path.to_owned(),
        source,
    })
}

fn manifest(path: &Path) -> Result<Manifest, GoldSetError> {
    let bytes = read(path)?;
    toml::from_slice(&bytes).map_err(|source| GoldSetError::Manifest {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// A value that remembers the line it was read from.
trait Located: DeserializeOwned {
    /// What one line holds, for the error message.
    const EXPECTED: &str;

    fn at(self, line: u64) -> Self;
}

impl Located for Question {
    const EXPECTED: &str = "{\"id\": …, \"topic\": …, \"question\": …, \"paraphrases\": […], \"target\": [{\"doc_id\": …, \"section_id\": …}], …}";

    fn at(self, line: u64) -> Self {
        Self { line, ..self }
    }
}

impl Located for Section {
    const EXPECTED: &str =
        "{\"doc_id\": …, \"section_id\": …, \"title\": …, \"text\": …, \"rev\": …}";

    fn at(self, line: u64) -> Self {
        Self { line, ..self }
    }
}

/// One value a line; blank lines are passed over, lines that do not fit become problems.
fn json_lines<T: Located>(
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Result<Vec<T>, GoldSetError> {
    let bytes = read(path)?;
    let mut values = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<T>(line) {
            Ok(value) => values.push(value.at(number)),
            Err(error) => {
                let message = format!("not readable as one: {}", without_line(&error));
                problems.push(Problem::new(
                    path,
                    number,
                    Rule::Schema,
                    message,
                    format!("expected {}", T::EXPECTED),
                ));
            }
        }
    }
    if values.is_empty() && problems.is_empty() {
        problems.push(Problem::new(
            path,
            None,
            Rule::Empty,
            "no lines",
            format!("expected one {} a line", T::EXPECTED),
        ));
    }
    Ok(values)
}

/// The parser counts lines within the one line it was given, which would mislead beside the real
/// number.
pub(crate) fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let told = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message);
    format!("{told} (column {})", error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_text_are_a_problem_of_their_line() {
        let mut problems = Vec::new();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.jsonl");
        std::fs::write(&path, b"\n\xff\xfe{}\n").expect("written");
        let sections: Vec<Section> = json_lines(&path, &mut problems).expect("readable");
        assert!(sections.is_empty());
        assert_eq!(problems[0].line, Some(2));
    }
}
