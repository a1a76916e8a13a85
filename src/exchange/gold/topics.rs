//! Queries of TREC: `id<TAB>text` lines, `<top>` blocks, or rows of JSON.

use std::path::Path;

use serde_json::{Map, Value};

use crate::exchange::records::{self, Record};
use crate::exchange::{ExchangeError, records::text};
use crate::goldset::{Problem, Rule};

/// The fields of a `<top>` block, and what they are called here.
const TAGS: [(&str, &str, &str); 4] = [
    ("num", "id", "Number:"),
    ("title", "title", "Topic:"),
    ("desc", "desc", "Description:"),
    ("narr", "narr", "Narrative:"),
];

/// Reads topics as rows with `id` and `text`, or with `id`, `title`, `desc` and `narr`.
///
/// # Errors
/// If the file cannot be read, or with every line that is no topic.
pub(super) fn read(path: &Path) -> Result<Vec<Record>, ExchangeError> {
    let text = text(path)?;
    match text.trim_start().bytes().next() {
        Some(b'{' | b'[') => Ok(records::read(path, &[])?.0),
        Some(b'<') => blocks(path, &text),
        _ => lines(path, &text),
    }
}

/// `id<TAB>text`, or `id;text` where a line has no tab.
fn lines(path: &Path, text: &str) -> Result<Vec<Record>, ExchangeError> {
    let mut problems = Vec::new();
    let mut records = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let parts = line.split_once('\t').or_else(|| line.split_once(';'));
        if let Some((id, text)) = parts.filter(|(id, _)| !id.trim().is_empty()) {
            records.push(row(number, [("id", id), ("text", text)]));
        } else {
            let help = "expected an id, a tab and the text of the query";
            problems.push(Problem::new(path, number, Rule::Schema, "no topic", help));
        }
    }
    ExchangeError::unless_empty(problems)?;
    Ok(records)
}

fn row<'a>(line: u64, members: impl IntoIterator<Item = (&'a str, &'a str)>) -> Record {
    let members = members
        .into_iter()
        .map(|(name, text)| (name.to_owned(), Value::from(text.trim())));
    Record {
        line,
        value: Value::Object(members.collect::<Map<_, _>>()),
    }
}

/// `<top>`, fields that end where the next begins, `</top>`.
fn blocks(path: &Path, text: &str) -> Result<Vec<Record>, ExchangeError> {
    let mut problems = Vec::new();
    let mut records = Vec::new();
    let line_of = |at: usize| text[..at].matches('\n').count() as u64 + 1;
    let mut at = 0;
    while let Some(start) = text[at..].find("<top>").map(|found| at + found) {
        let line = line_of(start);
        let Some(end) = text[start..].find("</top>").map(|found| start + found) else {
            let help = "close it with </top>";
            problems.push(Problem::new(
                path,
                line,
                Rule::Schema,
                "<top> has no end",
                help,
            ));
            break;
        };
        let fields = fields(&text[start + "<top>".len()..end]);
        if fields
            .iter()
            .any(|(name, text)| *name == "id" && !text.is_empty())
        {
            let fields = fields.iter().map(|(name, text)| (*name, text.as_str()));
            records.push(row(line, fields));
        } else {
            let help = "expected <num> and the number of the topic";
            problems.push(Problem::new(
                path,
                line,
                Rule::Schema,
                "a topic without <num>",
                help,
            ));
        }
        at = end;
    }
    ExchangeError::unless_empty(problems)?;
    Ok(records)
}

/// The fields of one block, line ends turned into spaces. A tag that TREC does not have keeps its
/// name.
fn fields(block: &str) -> Vec<(&str, String)> {
    let parts = block.split('<').skip(1);
    let field = |part| -> Option<(&str, String)> {
        let (tag, text) = str::split_once(part, '>')?;
        let tag = tag.trim();
        let known = TAGS.iter().find(|(known, ..)| *known == tag);
        let (name, label) = known.map_or((tag, ""), |(_, name, label)| (*name, *label));
        let text = text.trim();
        let text = text.strip_prefix(label).unwrap_or(text);
        let words: Vec<&str> = text.split_whitespace().collect();
        (!tag.starts_with('/')).then(|| (name, words.join(" ")))
    };
    parts.filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn topics(text: &str) -> Result<Vec<Record>, ExchangeError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("topics.txt");
        std::fs::write(&path, text).expect("written");
        read(&path)
    }

    #[test]
    fn topics_are_lines_blocks_or_rows() {
        let found = topics("1\twhat is a dam\r\n\n2-1;who built it").expect("topics");
        assert_eq!(found[0].value, json!({"id": "1", "text": "what is a dam"}));
        assert_eq!(found[1].line, 3);
        assert_eq!(found[1].value, json!({"id": "2-1", "text": "who built it"}));

        let block = "<top>\n<num> Number: 301\n<title> old dams\n\n<desc> Description:\nWhich dams\nare old?\n<dom> water\n</top>\n";
        let found = topics(&format!("{block}{block}")).expect("topics");
        let expected = json!({"id": "301", "title": "old dams", "desc": "Which dams are old?", "dom": "water"});
        assert_eq!((&found[0].value, found[1].line), (&expected, 10));

        let found = topics("{\"id\": 1, \"text\": \"dams\"}\n").expect("topics");
        assert_eq!(found[0].value, json!({"id": 1, "text": "dams"}));
    }

    #[test]
    fn a_line_that_is_no_topic_is_told() {
        for (text, line) in [
            ("1\tdams\nrivers\n", 2),
            ("<top>\n<title> dams\n</top>", 1),
            ("\n<top>\n<num> 1", 2),
        ] {
            match topics(text) {
                Err(ExchangeError::Content { problems }) => {
                    assert_eq!(problems[0].line, Some(line));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
