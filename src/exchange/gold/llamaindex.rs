//! `LlamaIndex`: queries, corpus and relevant documents, each by id.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::exchange::ExchangeError;
use crate::exchange::gold::draft::{
    Draft, DraftJudgment, DraftQuestion, DraftSection, Judged, Place,
};
use crate::exchange::gold::left_out::{LeftOut, Reason};
use crate::exchange::pointer::child;
use crate::exchange::records::{self, Document};
use crate::goldset::{Problem, Rule};

const EXPECTED: &str =
    "expected {\"queries\": {ID: TEXT}, \"corpus\": {ID: TEXT}, \"relevant_docs\": {ID: [ID]}}";
/// What a data set of texts says its mode is.
pub(super) const MODE: &str = "text";

/// Adds queries, documents and judgments to the draft.
///
/// # Errors
/// If the file cannot be read, or with every member that is of the wrong type.
pub(super) fn read(path: &Path, draft: &mut Draft) -> Result<(), ExchangeError> {
    let file = Arc::new(path.to_owned());
    let Document { value, places } = records::document(path)?;
    let mut problems = Vec::new();
    let place_of = |list: &str, key: &str| places.line(&child(&format!("/{list}"), key));
    let mut say = |line: u64, what: String| {
        problems.push(Problem::new(path, line, Rule::Schema, what, EXPECTED));
    };
    let members = |list: &str| value.get(list).and_then(Value::as_object);
    for list in ["queries", "corpus", "relevant_docs"] {
        if members(list).is_none() {
            say(places.line(&child("", list)), format!("no object `{list}`"));
        }
    }
    for (id, text) in members("corpus").into_iter().flatten() {
        let line = place_of("corpus", id);
        match text.as_str() {
            Some(text) => {
                let place = Place::new(&file, line);
                let section = DraftSection::whole(id.clone(), text.to_owned(), place);
                draft.sections.push(section);
            }
            None => say(line, format!("document {id} is no text")),
        }
    }
    for (id, text) in members("queries").into_iter().flatten() {
        let line = place_of("queries", id);
        match text.as_str() {
            Some(text) => {
                let place = Place::new(&file, line);
                let wordings = vec![text.to_owned()];
                draft
                    .questions
                    .push(DraftQuestion::new(id.clone(), wordings, place));
            }
            None => say(line, format!("query {id} is no text")),
        }
    }
    for (id, documents) in members("relevant_docs").into_iter().flatten() {
        let line = place_of("relevant_docs", id);
        let names: Option<Vec<&str>> = documents
            .as_array()
            .and_then(|names| names.iter().map(Value::as_str).collect());
        let Some(names) = names else {
            say(line, format!("the documents of {id} are no list of ids"));
            continue;
        };
        for name in names {
            let judgment = DraftJudgment {
                judged: Judged::Document(name.to_owned()),
                grade: 1,
                spans: Vec::new(),
                place: Place::new(&file, line),
            };
            draft.judgments.push((id.clone(), judgment));
        }
    }
    ExchangeError::unless_empty(problems)?;
    for (member, value) in value.as_object().into_iter().flatten() {
        let is_read = matches!(member.as_str(), "queries" | "corpus" | "relevant_docs")
            || (member == "mode" && value == MODE);
        if !is_read {
            let line = places.line(&child("", member));
            let entry = LeftOut::field(path, line, &format!("/{member}"), Reason::NoPlace, 1);
            draft.left_out.push(entry);
        }
    }
    Ok(())
}
