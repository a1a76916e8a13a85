//! Rows as questions: the formats that have one question, or one wording, a row.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::exchange::gold::Sources;
use crate::exchange::gold::cells::Cells;
use crate::exchange::gold::draft::{
    Draft, DraftJudgment, DraftQuestion, DraftSection, Judged, Place,
};
use crate::exchange::gold::field::{Field, Mapping};
use crate::exchange::gold::layout::Layout;
use crate::exchange::gold::left_out::{LeftOut, Reason};
use crate::exchange::gold::uncovered::{Unread, uncovered};
use crate::exchange::pointer::text;
use crate::exchange::records::Record;
use crate::exchange::{ExchangeError, Pointer};
use crate::goldset::{Problem, Rule};

/// The grade of a target whose row has none.
const RELEVANT: i32 = 1;
/// Problems after which nobody reads on.
const MOST_PROBLEMS: usize = 100;

/// Adds the questions of `records` to the draft, with the texts they bring along.
///
/// # Errors
/// With every field that is of the wrong type.
pub(super) fn questions(
    file: &Arc<PathBuf>,
    records: &[Record],
    layout: &Layout,
    sources: &Sources,
    draft: &mut Draft,
) -> Result<(), ExchangeError> {
    let mapping = Mapping::new(layout.fields, &sources.map);
    let is_csv = sources.is_table();
    let own = layout.list_separator.filter(|_| is_csv);
    let rows = Rows {
        file,
        layout,
        mapping: &mapping,
        sources,
        separator: sources.list_separator.as_deref().or(own),
    };
    let mut problems = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let question = rows.question(index, record, draft, &mut problems);
        draft.questions.extend(question);
        if problems.len() >= MOST_PROBLEMS {
            break;
        }
    }
    ExchangeError::unless_empty(problems)?;
    rows.unread(records, draft);
    Ok(())
}

struct Rows<'a> {
    file: &'a Arc<PathBuf>,
    layout: &'a Layout,
    mapping: &'a Mapping<Field>,
    sources: &'a Sources,
    separator: Option<&'a str>,
}

impl Rows<'_> {
    /// One row. `index` counts from 0 and names a row without an id.
    fn question(
        &self,
        index: usize,
        record: &Record,
        draft: &mut Draft,
        problems: &mut Vec<Problem>,
    ) -> Option<DraftQuestion> {
        let cells = Cells {
            path: self.file,
            record,
            mapping: self.mapping,
            separator: self.separator,
        };
        let place = Place::new(self.file, record.line);
        let mut wordings = cells.first(Field::Question, problems);
        wordings.extend(cells.all(Field::Paraphrases, problems));
        let group = self.group(record);
        let id = cells.first(Field::Id, problems).into_iter().next();
        let id = id
            .or_else(|| group.clone())
            .unwrap_or_else(|| format!("q{}", index + 1));
        if wordings.is_empty() {
            draft
                .left_out
                .push(place.left_out(&id, Reason::BlankWording));
            return None;
        }
        self.documents(record, draft, problems);
        let judgments = self.judgments(&cells, &id, draft, problems);
        Some(DraftQuestion {
            group,
            topic: cells.first(Field::Topic, problems).into_iter().next(),
            references: distinct(cells.all(Field::Reference, problems)),
            tags: distinct(cells.all(Field::Tags, problems)),
            judgments,
            ..DraftQuestion::new(id, wordings, place)
        })
    }

    /// The question that a row is a wording of, if rows are grouped.
    fn group(&self, record: &Record) -> Option<String> {
        let pointer = self.sources.group_by.as_ref()?;
        let value = pointer.select(&record.value).into_iter().find_map(text)?;
        let separator = self.sources.group_separator.as_deref();
        let prefix = separator.and_then(|separator| Some(value.split_once(separator)?.0));
        Some(prefix.map_or_else(|| value.clone(), str::to_owned))
    }

    /// Targets by id, by text, or by both.
    fn judgments(
        &self,
        cells: &Cells<Field>,
        id: &str,
        draft: &mut Draft,
        problems: &mut Vec<Problem>,
    ) -> Vec<DraftJudgment> {
        let place = Place::new(self.file, cells.record.line);
        let grade = grade(cells, problems);
        let documents = cells.all(Field::Target, problems);
        let sections = cells.all(Field::SectionId, problems);
        let contexts = cells.all(Field::Context, problems);
        let judge = |judged| DraftJudgment {
            judged,
            grade,
            spans: Vec::new(),
            place: place.clone(),
        };
        if !sections.is_empty() && sections.len() != documents.len() {
            let message = format!(
                "{} targets and {} sections",
                documents.len(),
                sections.len()
            );
            cells.say(
                &message,
                "name one section for each target, or none",
                problems,
            );
            return Vec::new();
        }
        if contexts.is_empty() {
            let mut sections = sections.into_iter();
            let judged = documents.into_iter().map(|document| match sections.next() {
                Some(section) => Judged::Section(document, section),
                None => Judged::Document(document),
            });
            return judged.map(judge).collect();
        }
        let names = documents.len() == contexts.len();
        if !names && !documents.is_empty() {
            let entry = place.left_out(id, Reason::UnmatchedIds);
            draft.left_out.push(entry.about(documents.join(", ")));
        }
        let mut names = documents.into_iter().filter(|_| names);
        let sections = contexts
            .into_iter()
            .map(|context| DraftSection::context(names.next(), context, place.clone()));
        let sections: Vec<DraftSection> = sections.collect();
        let judged = sections
            .iter()
            .map(|section| judge(Judged::Document(section.doc_id.clone())));
        let judged = judged.collect();
        draft.sections.extend(sections);
        judged
    }

    /// Texts that the format brings along, whether they answer or not.
    fn documents(&self, record: &Record, draft: &mut Draft, problems: &mut Vec<Problem>) {
        let Some(list) = self
            .layout
            .documents
            .and_then(|list| record.value.get(list))
        else {
            return;
        };
        for document in list.as_array().into_iter().flatten() {
            let member = |name: &str| document.get(name).and_then(text);
            let place = Place::new(self.file, record.line);
            if let Some(text) = member("text") {
                draft
                    .sections
                    .push(DraftSection::context(member("doc_id"), text, place));
            } else {
                let message = "a document without text";
                let help = "expected a list of {\"doc_id\": …, \"text\": …}";
                problems.push(Problem::new(
                    self.file,
                    record.line,
                    Rule::Schema,
                    message,
                    help,
                ));
            }
        }
    }

    /// Lists the fields that nothing reads.
    fn unread(&self, records: &[Record], draft: &mut Draft) {
        let mut pointers: Vec<Pointer> = self.mapping.all().cloned().collect();
        pointers.extend(self.sources.group_by.clone());
        if let Some(list) = self.layout.documents {
            for member in ["doc_id", "text"] {
                let pointer = format!("/{list}/*/{member}").parse();
                pointers.push(pointer.expect("a list's member is well formed"));
            }
        }
        let mut unread = uncovered(records, &pointers.iter().collect::<Vec<_>>());
        self.passed_over(records, &mut unread);
        for (field, Unread { line, n }) in unread {
            let member = field.trim_start_matches('/').split('/').next();
            let reason = if member.is_some_and(|member| self.layout.of_a_run.contains(&member)) {
                Reason::OfARun
            } else if self.layout.is_open {
                Reason::NotMapped
            } else {
                Reason::NoPlace
            };
            draft
                .left_out
                .push(LeftOut::field(self.file, line, &field, reason, n));
        }
    }

    /// Of a field that takes the first of several places, the later ones that say something else.
    fn passed_over(&self, records: &[Record], unread: &mut BTreeMap<String, Unread>) {
        for field in [Field::Id, Field::Topic, Field::Question, Field::Grade] {
            for record in records {
                let mut said: Option<Vec<&Value>> = None;
                for pointer in self.mapping.of(field) {
                    let found = pointer.select(&record.value);
                    match &said {
                        _ if found.iter().all(|value| value.is_null()) => {}
                        None => said = Some(found),
                        Some(first) if *first == found => {}
                        Some(_) => {
                            let line = record.line;
                            let entry = unread.entry(pointer.to_string());
                            entry.or_insert(Unread { line, n: 0 }).n += 1;
                        }
                    }
                }
            }
        }
    }
}

fn grade(cells: &Cells<Field>, problems: &mut Vec<Problem>) -> i32 {
    let Some(text) = cells.first(Field::Grade, problems).into_iter().next() else {
        return RELEVANT;
    };
    text.trim().parse().unwrap_or_else(|_| {
        cells.say(
            &format!("`{text}` is no grade"),
            "a grade is an integer",
            problems,
        );
        RELEVANT
    })
}

fn distinct(texts: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    texts
        .into_iter()
        .filter(|text| seen.insert(text.clone()))
        .collect()
}
