//! Reads a file of answers, or says by line everything that is wrong with it.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use miette::Diagnostic;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use thiserror::Error;

use crate::answers::{Field, FieldNames};
use crate::goldset::{Problem, Rule, listed, without_line};
use crate::ids::{Digest, QuestionId, Seed};
use crate::measure::Reply;

/// The most that a compressed file may hold: more is no log of answers, and would not fit in
/// memory.
const LARGEST: u64 = 4 << 30;
/// What one line holds, for messages.
const EXPECTED: &str = "{\"id\": …, \"question\": …, \"answer\": …, \"citations\": […], \"gold\": […], \"seed\": …}, of which question and answer are required";
const GZIP: &[u8] = &[0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why two files of answers cannot be compared.
#[derive(Debug, Error, Diagnostic)]
pub enum AnswersError {
    /// A file cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(
        code(answers::read),
        help("name a file of one JSON object a line, plain or compressed by gzip")
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Everything that is wrong, by file and line.
    #[error("the answers cannot be compared: {} problem{}\n{}", problems.len(), if problems.len() == 1 { "" } else { "s" }, listed(problems))]
    #[diagnostic(
        code(answers::content),
        help("mend the lines above; fields of other names are read with --field answer=NAME")
    )]
    Content {
        /// At least one.
        problems: Vec<Problem>,
    },
}

/// The replies of one side, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerFile {
    /// Where they were read.
    pub path: PathBuf,
    /// Of the file's bytes, compressed or not.
    pub digest: Digest,
    /// In the order of the lines.
    pub replies: Vec<RecordedReply>,
}

/// One line of a file of answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedReply {
    /// The line, from 1.
    pub line: u64,
    /// Names the question, if the file does.
    pub id: Option<QuestionId>,
    /// The question, not blank.
    pub question: String,
    /// The answer, not blank; none where the file says null.
    pub answer: Option<String>,
    /// What is cited beside the answer, or retrieved.
    pub citations: Vec<String>,
    /// Citations that ought to be kept; empty if not known.
    pub gold: Vec<String>,
    /// Tells the repeats of a question apart.
    pub seed: Seed,
}

impl RecordedReply {
    /// As it is compared.
    pub fn reply(&self) -> Reply<'_> {
        Reply {
            answer: self.answer.as_deref(),
            citations: &self.citations,
            passages: &[],
        }
    }
}

/// Reads a file of answers: one JSON object a line, plain or compressed by gzip, which is told by
/// content. Blank lines are passed over and fields that are not asked for are left alone.
///
/// # Errors
/// If the file cannot be read, or with every problem at once.
pub fn load(path: &Path, names: &FieldNames) -> Result<AnswerFile, AnswersError> {
    let failed = |source| AnswersError::Read {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::read(path).map_err(failed)?;
    let digest = Digest::of(&bytes);
    let text = decompressed(bytes).map_err(failed)?;
    let replies = replies(path, &text, names);
    replies
        .map(|replies| AnswerFile {
            path: path.to_owned(),
            digest,
            replies,
        })
        .map_err(|problems| AnswersError::Content { problems })
}

fn decompressed(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if !bytes.starts_with(GZIP) {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes.as_slice())
        .take(LARGEST + 1)
        .read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

fn replies(
    path: &Path,
    text: &[u8],
    names: &FieldNames,
) -> Result<Vec<RecordedReply>, Vec<Problem>> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut replies = Vec::new();
    let mut problems = Vec::new();
    let mut found = BTreeSet::new();
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let say = |rule, message: String, help: &str| {
            Problem::new(path, number, rule, message, help.to_owned())
        };
        match serde_json::from_slice::<Object>(line) {
            Err(error) => problems.push(say(
                Rule::Schema,
                format!("not readable as one: {}", without_line(&error)),
                &format!("expected {EXPECTED}"),
            )),
            Ok(object) => {
                let mut line = Line {
                    object: &object,
                    names,
                    wrong: Vec::new(),
                };
                replies.extend(line.read(number));
                let wrong = line.wrong.into_iter();
                problems.extend(wrong.map(|(rule, message, help)| say(rule, message, help)));
                found.extend(
                    Field::ALL.into_iter().filter(|&field| {
                        object.0.iter().any(|(name, _)| name == names.name(field))
                    }),
                );
            }
        }
    }
    if replies.is_empty() && problems.is_empty() {
        let help = format!("expected one {EXPECTED} a line");
        problems.push(Problem::new(path, None, Rule::Empty, "no lines", help));
    }
    if problems.is_empty() {
        let never = names.given().filter(|(field, _)| !found.contains(field));
        problems.extend(never.map(|(field, name)| {
            let message = format!(
                "no line has a field `{name}`, which was named as {}",
                field.name()
            );
            let help = "name the field as the file spells it, or leave out --field for it";
            Problem::new(path, None, Rule::Schema, message, help)
        }));
    }
    if problems.is_empty() {
        Ok(replies)
    } else {
        Err(problems)
    }
}

/// A JSON object with its fields as written, so that one that is given twice does not vanish.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// What is wrong with a line: the rule, the message, what to do.
type Wrong = (Rule, String, &'static str);

/// One line while it is read.
struct Line<'a> {
    object: &'a Object,
    names: &'a FieldNames,
    wrong: Vec<Wrong>,
}

impl Line<'_> {
    /// The reply, or nothing and what is wrong.
    fn read(&mut self, number: u64) -> Option<RecordedReply> {
        let id = self.id();
        let question = self.text(Field::Question);
        let answer = self.answer();
        let citations = self.list(Field::Citations);
        let gold = self.list(Field::Gold);
        let seed = self.seed();
        self.wrong.is_empty().then_some(())?;
        Some(RecordedReply {
            line: number,
            id,
            question: question?,
            answer,
            citations,
            gold,
            seed,
        })
    }

    fn value(&mut self, field: Field) -> Option<Value> {
        let name = self.names.name(field);
        let mut values = self.object.0.iter().filter(|(found, _)| found == name);
        let value = values.next().map(|(_, value)| value.clone());
        if values.next().is_some() {
            let message = format!("`{name}` is given twice");
            let help = "keep one of the two: which of them counts cannot be known";
            self.wrong.push((Rule::Schema, message, help));
        }
        value
    }

    fn complain(&mut self, rule: Rule, field: Field, what: &str, help: &'static str) {
        let message = format!("`{}` {what}", self.names.name(field));
        self.wrong.push((rule, message, help));
    }

    /// A required text that is not blank.
    fn text(&mut self, field: Field) -> Option<String> {
        match self.value(field) {
            Some(Value::String(text)) if text.trim().is_empty() => {
                let help = "write the text; an answer that never came is written null";
                self.complain(Rule::Blank, field, "is blank", help);
                None
            }
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                self.complain(Rule::Schema, field, "is no text", "write it as a string");
                None
            }
            None => {
                let help = "every line needs a question and an answer; name other fields with --field question=NAME, --field answer=NAME";
                self.complain(Rule::Schema, field, "is missing", help);
                None
            }
        }
    }

    /// The answer; null says that none was written.
    fn answer(&mut self) -> Option<String> {
        let null = |(name, value): &(String, Value)| {
            name == self.names.name(Field::Answer) && value.is_null()
        };
        if self.object.0.iter().all(|field| !null(field)) {
            return self.text(Field::Answer);
        }
        self.value(Field::Answer);
        None
    }

    /// Ids are texts or whole numbers; null is none.
    fn id(&mut self) -> Option<QuestionId> {
        match self.value(Field::Id)? {
            Value::Null => None,
            Value::String(id) if !id.trim().is_empty() => Some(QuestionId::new(id)),
            Value::Number(id) if id.is_u64() || id.is_i64() => {
                Some(QuestionId::new(id.to_string()))
            }
            Value::String(_) => {
                self.complain(
                    Rule::Blank,
                    Field::Id,
                    "is blank",
                    "write the id, or leave it out",
                );
                None
            }
            _ => {
                let help = "write the id as a string or a whole number";
                self.complain(Rule::Schema, Field::Id, "is no id", help);
                None
            }
        }
    }

    /// A list of texts, none of them blank; empty if it is not there.
    fn list(&mut self, field: Field) -> Vec<String> {
        let text = |item: Value| match item {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => None,
        };
        let list = match self.value(field) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Array(items)) => items.into_iter().map(text).collect(),
            Some(_) => None,
        };
        list.unwrap_or_else(|| {
            let help = "write it as a list of strings that are not blank";
            self.complain(Rule::Schema, field, "is no list of texts", help);
            Vec::new()
        })
    }

    fn seed(&mut self) -> Seed {
        match self.value(Field::Seed) {
            None | Some(Value::Null) => Seed(1),
            Some(value) => Seed(value.as_u64().unwrap_or_else(|| {
                let help = "write the seed as a whole number from 0";
                self.complain(Rule::Schema, Field::Seed, "is no seed", help);
                1
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const LINE: &str = r#"{"question":"When?","answer":"At once."}"#;

    fn read(text: &[u8]) -> Result<AnswerFile, AnswersError> {
        read_with(text, &[])
    }

    fn read_with(text: &[u8], given: &[&str]) -> Result<AnswerFile, AnswersError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, text).expect("written");
        let given = given.iter().map(|text| text.parse().expect("a pair"));
        load(&path, &FieldNames::new(given))
    }

    #[track_caller]
    fn breaks(text: &str, rule: Rule, line: Option<u64>) {
        match read(text.as_bytes()) {
            Err(AnswersError::Content { problems }) => assert!(
                problems
                    .iter()
                    .any(|problem| problem.rule == rule && problem.line == line),
                "{problems:#?}"
            ),
            other => panic!("expected {rule:?}, found {other:?}"),
        }
    }

    fn gzipped(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn plain_compressed_and_windows_files_read_alike() {
        let plain = read(format!("{LINE}\n\n{LINE}\n").as_bytes()).expect("sound");
        let windows = read(format!("\u{feff}{LINE}\r\n\r\n{LINE}").as_bytes()).expect("sound");
        let members = [
            gzipped(format!("{LINE}\n\n").as_bytes()),
            gzipped(LINE.as_bytes()),
        ];
        let compressed = read(&members.concat()).expect("sound");
        assert_eq!(plain.replies, windows.replies);
        assert_eq!(plain.replies, compressed.replies);
        assert_eq!(plain.replies[1].line, 3);
    }

    #[test]
    fn every_rule_is_found_with_its_line() {
        let second = |line: &str| format!("{LINE}\n{line}");
        breaks("", Rule::Empty, None);
        breaks("\u{feff}\r\n \n", Rule::Empty, None);
        breaks(&second("{"), Rule::Schema, Some(2));
        breaks(&second("[1]"), Rule::Schema, Some(2));
        breaks(&second(r#"{"question":"q"}"#), Rule::Schema, Some(2));
        breaks(&second(r#"{"answer":"a"}"#), Rule::Schema, Some(2));
        breaks(
            &second(r#"{"question":"q","answer":" \n"}"#),
            Rule::Blank,
            Some(2),
        );
        breaks(
            &second(r#"{"question":"","answer":"a"}"#),
            Rule::Blank,
            Some(2),
        );
        breaks(
            &second(r#"{"question":null,"answer":"a"}"#),
            Rule::Schema,
            Some(2),
        );
        breaks(
            &second(r#"{"question":"q","answer":7}"#),
            Rule::Schema,
            Some(2),
        );
        for (field, value) in [
            ("id", "[]"),
            ("id", "1.5"),
            ("citations", "\"a\""),
            ("gold", "[1]"),
            ("gold", "[\" \"]"),
            ("seed", "-1"),
            ("seed", "\"1\""),
            ("answer", "\"again\""),
            ("answer", "null"),
        ] {
            let line = format!(r#"{{"question":"q","answer":"a","{field}":{value}}}"#);
            breaks(&second(&line), Rule::Schema, Some(2));
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let Err(AnswersError::Content { problems }) = read(b"{\n{}\n7") else {
            panic!("nothing is sound");
        };
        assert_eq!(problems.len(), 4, "{problems:#?}");
    }

    #[test]
    fn fields_may_have_other_names_which_must_occur() {
        let line = br#"{"q":"When?","answer_llm":"At once.","answer":7,"cosine":0.5}"#;
        let file = read_with(line, &["question=q", "answer=answer_llm"]).expect("sound");
        assert_eq!(file.replies[0].answer.as_deref(), Some("At once."));
        assert!(read_with(LINE.as_bytes(), &["gold=document"]).is_err());
    }

    #[test]
    fn null_is_an_answer_that_never_came() {
        let file = read(br#"{"question":"q","answer":null,"id":7,"seed":2}"#).expect("sound");
        let reply = &file.replies[0];
        assert!(reply.reply().is_missing());
        assert_eq!(reply.id, Some(QuestionId::new("7")));
        assert_eq!(reply.seed, Seed(2));
    }

    #[test]
    fn a_damaged_archive_cannot_be_read() {
        let mut damaged = gzipped(LINE.as_bytes());
        damaged.truncate(damaged.len() - 6);
        assert!(matches!(read(&damaged), Err(AnswersError::Read { .. })));
    }
}
