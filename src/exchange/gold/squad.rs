//! `SQuAD`: articles of paragraphs, each with its questions and the characters of their answers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::exchange::gold::draft::{
    Draft, DraftJudgment, DraftQuestion, DraftSection, Judged, Place,
};
use crate::exchange::gold::left_out::{LeftOut, Reason};
use crate::exchange::gold::settle::apart;
use crate::exchange::gold::uncovered::uncovered;
use crate::exchange::records::{self, Document, Record};
use crate::exchange::{ExchangeError, Pointer};

/// What is read of a file; `uncovered` lists the rest.
const READ: [&str; 9] = [
    "/data/*/title",
    "/data/*/paragraphs/*/context",
    "/data/*/paragraphs/*/qas/*/id",
    "/data/*/paragraphs/*/qas/*/question",
    "/data/*/paragraphs/*/qas/*/is_impossible",
    "/data/*/paragraphs/*/qas/*/answers/*/text",
    "/data/*/paragraphs/*/qas/*/answers/*/answer_start",
    "/data/*/paragraphs/*/qas/*/plausible_answers/*/text",
    "/data/*/paragraphs/*/qas/*/plausible_answers/*/answer_start",
];

#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    #[serde(default)]
    title: String,
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    #[serde(default)]
    qas: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    id: String,
    question: String,
    #[serde(default)]
    answers: Vec<Answer>,
    #[serde(default)]
    is_impossible: bool,
    #[serde(default)]
    plausible_answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    answer_start: usize,
}

/// Adds articles and questions to the draft: an article is a document, a paragraph a section.
///
/// # Errors
/// If the file cannot be read, or is not of this form.
pub(super) fn read(path: &Path, draft: &mut Draft) -> Result<(), ExchangeError> {
    let file = Arc::new(path.to_owned());
    let Document { value, places } = records::document(path)?;
    let document = Record { line: 1, value };
    let squad = Squad::deserialize(&document.value).map_err(|error| {
        let help = "expected {\"data\": [{\"title\": …, \"paragraphs\": [{\"context\": …, \"qas\": […]}]}]}";
        ExchangeError::at(path, None, format!("not SQuAD: {error}"), help)
    })?;
    let mut n_sections: HashMap<String, usize> = HashMap::new();
    for (i, article) in squad.data.into_iter().enumerate() {
        let title = if article.title.is_empty() {
            format!("article-{}", i + 1)
        } else {
            article.title.clone()
        };
        for (j, paragraph) in article.paragraphs.into_iter().enumerate() {
            let pointer = format!("/data/{i}/paragraphs/{j}");
            let n = n_sections.entry(title.clone()).or_default();
            let key = (title.clone(), n.to_string());
            *n += 1;
            let place = Place::new(&file, places.line(&pointer));
            for (k, asked) in paragraph.qas.into_iter().enumerate() {
                let line = places.line(&format!("{pointer}/qas/{k}"));
                let asked = question(asked, &paragraph.context, &key, &file, line, draft);
                draft.questions.push(asked);
            }
            draft.sections.push(DraftSection {
                section_id: key.1,
                title: article.title.clone(),
                ..DraftSection::whole(key.0, paragraph.context, place)
            });
        }
    }
    let pointers: Vec<Pointer> = READ.iter().map(|p| p.parse().expect("a pointer")).collect();
    for (field, unread) in uncovered([&document], &pointers.iter().collect::<Vec<_>>()) {
        let entry = LeftOut::field(path, unread.line, &field, Reason::NoPlace, unread.n);
        draft.left_out.push(entry);
    }
    Ok(())
}

fn question(
    asked: Asked,
    context: &str,
    key: &(String, String),
    file: &Arc<PathBuf>,
    line: u64,
    draft: &mut Draft,
) -> DraftQuestion {
    let place = Place::new(file, line);
    let section = Judged::Section(key.0.clone(), key.1.clone());
    let mut spans = Vec::new();
    let references: Vec<String> = asked
        .answers
        .first()
        .map(|answer| answer.text.clone())
        .into_iter()
        .collect();
    for answer in asked.answers {
        let length = answer.text.chars().count();
        let stands = context.chars().skip(answer.answer_start).take(length);
        if length > 0 && stands.eq(answer.text.chars()) {
            spans.push((answer.answer_start, answer.answer_start + length));
        } else {
            let entry = place.left_out(&asked.id, Reason::AnswerElsewhere);
            let detail = format!("{} at {}", answer.text, answer.answer_start);
            draft.left_out.push(entry.about(detail));
        }
    }
    spans.sort_unstable();
    spans.dedup();
    let n_overlapping = spans.len() - apart(spans.clone()).len();
    if n_overlapping > 0 {
        let entry = place.left_out(&asked.id, Reason::OverlappingSpans);
        draft.left_out.push(LeftOut {
            n: n_overlapping,
            ..entry
        });
    }
    let judgment = DraftJudgment {
        judged: section.clone(),
        grade: 1,
        spans,
        place: place.clone(),
    };
    let topic = Some(key.0.clone());
    let wrong = asked
        .plausible_answers
        .into_iter()
        .map(|answer| answer.text);
    let blank = DraftQuestion::new(asked.id, vec![asked.question], place);
    if asked.is_impossible {
        return DraftQuestion {
            topic,
            answerable: false,
            decoy: Some(section),
            not_allowed: wrong.collect(),
            ..blank
        };
    }
    DraftQuestion {
        topic,
        references,
        not_allowed: wrong.collect(),
        judgments: vec![judgment],
        ..blank
    }
}
