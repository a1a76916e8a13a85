//! Reads a gold set and proves that its parts fit together.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::goldset::{GoldSet, Manifest, Problem, Question, Rule, Section};
use crate::ids::SectionKey;

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

fn check_corpus(path: &Path, corpus: &[Section], problems: &mut Vec<Problem>) {
    let mut ids = HashMap::new();
    let mut texts = HashMap::new();
    for section in corpus {
        let id = section.key().to_string();
        if section.text.trim().is_empty() {
            let help = "write the text, or remove the section";
            problems.push(Problem::new(
                path,
                section.line,
                Rule::Blank,
                format!("section {id} has no text"),
                help,
            ));
        }
        if let Some(first) = ids.insert(id.clone(), section.line) {
            let help = "give each section its own (doc_id, section_id)";
            problems.push(Problem::new(
                path,
                section.line,
                Rule::DuplicateId,
                format!("section {id} stands on line {first} already"),
                help,
            ));
        }
        if let Some(first) = texts.insert(&section.text, section.line) {
            let help = "keep one of the two: equal texts cannot be told apart by what is retrieved";
            problems.push(Problem::new(
                path,
                section.line,
                Rule::DuplicateText,
                format!("the text of {id} stands on line {first} already"),
                help,
            ));
        }
    }
}

fn check_questions(
    path: &Path,
    questions: &[Question],
    corpus: &[Section],
    problems: &mut Vec<Problem>,
) {
    let sections: BTreeMap<SectionKey, &Section> = corpus
        .iter()
        .map(|section| (section.key(), section))
        .collect();
    let mut ids = HashMap::new();
    let mut wordings = HashMap::new();
    for question in questions {
        let mut say = |rule, message: String, help: &str| {
            problems.push(Problem::new(path, question.line, rule, message, help));
        };
        if let Some(first) = ids.insert(&question.id, question.line) {
            say(
                Rule::DuplicateId,
                format!("question {} stands on line {first} already", question.id),
                "give each question its own id",
            );
        }
        for (form, wording) in question.forms() {
            if wording.trim().is_empty() {
                say(
                    Rule::Blank,
                    format!("form {} of {} is blank", form.0, question.id),
                    "write the wording, or remove it",
                );
            } else if let Some(first) = wordings.insert(wording, question.line) {
                let message = format!(
                    "form {} of {} has the same words as a form on line {first}",
                    form.0, question.id
                );
                say(
                    Rule::DuplicateText,
                    message,
                    "a repeated wording is one observation counted twice: rephrase it",
                );
            }
        }
        for (rule, message, help) in targets_of(question, &sections) {
            say(rule, message, help);
        }
    }
}

/// What is wrong between a question and the corpus.
fn targets_of(
    question: &Question,
    sections: &BTreeMap<SectionKey, &Section>,
) -> Vec<(Rule, String, &'static str)> {
    const KNOWN: &str = "name a section that stands in corpus.jsonl";
    let id = &question.id;
    let mut found = Vec::new();
    if question.answerable == question.target.is_empty() {
        let message = if question.answerable {
            format!("{id} is answerable but has no target")
        } else {
            format!("{id} is unanswerable but has a target")
        };
        found.push((
            Rule::Target,
            message,
            "name the sections that hold the answer, or set \"answerable\": false",
        ));
    }
    for target in &question.target {
        match sections.get(&target.key) {
            None => found.push((
                Rule::UnknownSection,
                format!("target {} of {id} is not in the corpus", target.key),
                KNOWN,
            )),
            Some(section) => {
                if let Some(wrong) = wrong_span(&target.spans, section.text.chars().count()) {
                    found.push((
                        Rule::Span,
                        format!("span {wrong:?} of {id} in {} is wrong", target.key),
                        "spans are ascending [start, end) ranges of characters inside the section",
                    ));
                }
            }
        }
    }
    if let Some(decoy) = &question.decoy {
        if !sections.contains_key(decoy) {
            found.push((
                Rule::UnknownSection,
                format!("decoy {decoy} of {id} is not in the corpus"),
                KNOWN,
            ));
        }
        if question.is_target(decoy) {
            found.push((
                Rule::DecoyIsTarget,
                format!("decoy {decoy} of {id} is also its target"),
                "choose a near section that does not answer",
            ));
        }
    }
    if let Some(anchor) = &question.anchor {
        let inside = question
            .target
            .iter()
            .filter_map(|target| sections.get(&target.key))
            .any(|section| section.text.contains(anchor.as_str()));
        if !inside || anchor.trim().is_empty() {
            found.push((
                Rule::Anchor,
                format!("the anchor of {id} does not stand in a target section"),
                "copy the minimal evidence from the section, letter by letter",
            ));
        }
    }
    found
}

/// The first span that is empty, out of order, overlapping or past the end.
fn wrong_span(spans: &[(usize, usize)], length: usize) -> Option<(usize, usize)> {
    let mut end_before = 0;
    spans.iter().copied().find(|&(start, end)| {
        let wrong = start < end_before || end <= start || end > length;
        end_before = end;
        wrong
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: &str = r#"{"doc_id":"d","section_id":"s","title":"T","text":"Purge the cache before the cutover.","rev":"1"}"#;
    const QUESTION: &str = r#"{"id":"q","topic":"t","question":"When is the cache purged?","paraphrases":[],"target":[{"doc_id":"d","section_id":"s","spans":[[0,5]]}],"anchor":"Purge the cache"}"#;

    fn gold(questions: &str, corpus: &str) -> Result<GoldSet, GoldSetError> {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("written");
        };
        write("gold.toml", "name = 'g'\nversion = '1'\nmodel = 'm'\n");
        write("questions.jsonl", questions);
        write("corpus.jsonl", corpus);
        load(folder.path())
    }

    #[track_caller]
    fn breaks(questions: &str, corpus: &str, rule: Rule, line: Option<u64>) {
        match gold(questions, corpus) {
            Err(GoldSetError::Content { problems }) => {
                assert!(
                    problems
                        .iter()
                        .any(|problem| problem.rule == rule && problem.line == line),
                    "{problems:#?}"
                );
            }
            other => panic!("expected {rule:?}, found {other:?}"),
        }
    }

    #[test]
    fn a_sound_gold_set_loads() {
        let gold = gold(QUESTION, SECTION).expect("sound");
        assert_eq!((gold.questions.len(), gold.corpus.len()), (1, 1));
        assert_eq!(gold.questions[0].line, 1);
    }

    #[test]
    fn every_rule_is_found_with_its_line() {
        let with = |from: &str, to: &str| QUESTION.replace(from, to);
        breaks("", SECTION, Rule::Empty, None);
        breaks(
            &format!("\n{}", with("\"topic\":\"t\",", "")),
            SECTION,
            Rule::Schema,
            Some(2),
        );
        breaks(
            &with("\"topic\"", "\"subject\""),
            SECTION,
            Rule::Schema,
            Some(1),
        );
        breaks(
            &with("\"spans\"", "\"span\""),
            SECTION,
            Rule::Schema,
            Some(1),
        );
        breaks(
            &format!("{QUESTION}\n{QUESTION}"),
            SECTION,
            Rule::DuplicateId,
            Some(2),
        );
        breaks(
            &with("[],", "[\"When is the cache purged?\"],"),
            SECTION,
            Rule::DuplicateText,
            Some(1),
        );
        breaks(&with("[],", "[\" \"],"), SECTION, Rule::Blank, Some(1));
        breaks(
            &with("\"section_id\":\"s\"", "\"section_id\":\"x\""),
            SECTION,
            Rule::UnknownSection,
            Some(1),
        );
        breaks(&with("[[0,5]]", "[[5,5]]"), SECTION, Rule::Span, Some(1));
        breaks(&with("[[0,5]]", "[[0,500]]"), SECTION, Rule::Span, Some(1));
        breaks(
            &with("[[0,5]]", "[[4,9],[0,3]]"),
            SECTION,
            Rule::Span,
            Some(1),
        );
        breaks(
            &with("Purge the cache", "Warm the cache"),
            SECTION,
            Rule::Anchor,
            Some(1),
        );
        breaks(
            &with("\"anchor\"", "\"answerable\":false,\"anchor\""),
            SECTION,
            Rule::Target,
            Some(1),
        );
        breaks(
            &with(
                "\"anchor\"",
                "\"decoy\":{\"doc_id\":\"d\",\"section_id\":\"s\"},\"anchor\"",
            ),
            SECTION,
            Rule::DecoyIsTarget,
            Some(1),
        );
        breaks(
            QUESTION,
            &format!("{SECTION}\n{SECTION}"),
            Rule::DuplicateId,
            Some(2),
        );
        breaks(
            QUESTION,
            &SECTION.replace("Purge the cache before the cutover.", " "),
            Rule::Blank,
            Some(1),
        );
    }

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
