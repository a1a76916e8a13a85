//! `SQuAD`: questions below the section that holds their answer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Written, pretty};
use crate::exchange::gold::left_out::{LeftOut, Reason};
use crate::goldset::{GoldSet, Question, Section};
use crate::ids::{DocId, SectionKey};

#[derive(Serialize)]
struct Squad<'a> {
    version: &'a str,
    data: Vec<Article<'a>>,
}

#[derive(Serialize)]
struct Article<'a> {
    title: &'a str,
    paragraphs: Vec<Paragraph<'a>>,
}

#[derive(Serialize)]
struct Paragraph<'a> {
    context: &'a str,
    qas: Vec<Asked<'a>>,
}

#[derive(Serialize)]
struct Asked<'a> {
    id: &'a str,
    question: &'a str,
    answers: Vec<Answer>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_impossible: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plausible_answers: Vec<Answer>,
}

#[derive(Serialize)]
struct Answer {
    text: String,
    answer_start: usize,
}

/// The version of a file with questions that have no answer.
const WITH_UNANSWERABLE: &str = "v2.0";
/// The version of a file without.
const ANSWERABLE: &str = "1.1";

/// Articles in the order of the corpus, each with its sections.
pub(super) fn squad(gold: &GoldSet) -> Written {
    let mut left_out = Vec::new();
    let mut asked: BTreeMap<&SectionKey, Vec<Asked>> = BTreeMap::new();
    for question in &gold.questions {
        match placed(gold, question) {
            Ok((key, one)) => {
                asked.entry(key).or_default().push(one);
                beside(gold, question, &mut left_out);
            }
            Err(reason) => {
                let path = gold.root.join("questions.jsonl");
                let id = question.id.as_str();
                left_out.push(LeftOut::one(&path, Some(question.line), id, reason));
            }
        }
    }
    let n_questions = asked.values().map(Vec::len).sum();
    let is_second = asked.values().flatten().any(|one| one.is_impossible);
    let mut data: Vec<(&DocId, Article)> = Vec::new();
    for section in &gold.corpus {
        let paragraph = Paragraph {
            context: &section.text,
            qas: asked.remove(&section.key()).unwrap_or_default(),
        };
        let same = data.iter_mut().rfind(|(id, _)| **id == section.doc_id);
        match same {
            Some((_, article)) => article.paragraphs.push(paragraph),
            None => data.push((
                &section.doc_id,
                Article {
                    title: title(section),
                    paragraphs: vec![paragraph],
                },
            )),
        }
    }
    let version = if is_second {
        WITH_UNANSWERABLE
    } else {
        ANSWERABLE
    };
    let data = data.into_iter().map(|(_, article)| article).collect();
    Written {
        files: vec![("", pretty(&Squad { version, data }))],
        n_questions,
        n_sections: gold.corpus.len(),
        left_out,
    }
}

fn title(section: &Section) -> &str {
    if section.title.is_empty() {
        section.doc_id.as_str()
    } else {
        &section.title
    }
}

/// The section a question stands below, or why it stands below none.
fn placed<'a>(
    gold: &GoldSet,
    question: &'a Question,
) -> Result<(&'a SectionKey, Asked<'a>), Reason> {
    let asked = |answers, plausible_answers| Asked {
        id: question.id.as_str(),
        question: &question.question,
        answers,
        is_impossible: !question.answerable,
        plausible_answers,
    };
    let text = |key: &SectionKey| gold.section(key).map_or("", |section| &section.text);
    if !question.answerable {
        let decoy = question.decoy.as_ref().ok_or(Reason::Unanswerable)?;
        let wrong = question.answers_not_allowed.iter();
        let found = wrong
            .filter_map(|wrong| found(text(decoy), wrong))
            .collect();
        return Ok((decoy, asked(Vec::new(), found)));
    }
    let [target] = question.target.as_slice() else {
        return Err(Reason::SeveralTargets);
    };
    let text = text(&target.key);
    let mut answers: Vec<Answer> = target
        .spans
        .iter()
        .map(|&span| answer(text, span))
        .collect();
    // The reference comes first, as it did when the question was imported.
    answers.sort_by_key(|answer| Some(&answer.text) != question.reference.as_ref());
    if answers.is_empty() {
        answers.extend(
            question
                .reference
                .as_ref()
                .and_then(|reference| found(text, reference)),
        );
    }
    if answers.is_empty() {
        return Err(Reason::NoSpan);
    }
    Ok((&target.key, asked(answers, Vec::new())))
}

fn answer(text: &str, (start, end): (usize, usize)) -> Answer {
    Answer {
        text: text.chars().skip(start).take(end - start).collect(),
        answer_start: start,
    }
}

/// Where a text first stands in another, counted in characters.
fn found(text: &str, wanted: &str) -> Option<Answer> {
    text.find(wanted).map(|at| Answer {
        text: wanted.to_owned(),
        answer_start: text[..at].chars().count(),
    })
}

/// What a question that is written has beside it.
fn beside(gold: &GoldSet, question: &Question, left_out: &mut Vec<LeftOut>) {
    let path = gold.root.join("questions.jsonl");
    let mut say = |reason, n: usize| {
        if n > 0 {
            let entry = LeftOut::one(&path, Some(question.line), question.id.as_str(), reason);
            left_out.push(LeftOut { n, ..entry });
        }
    };
    say(Reason::Paraphrase, question.paraphrases.len());
    say(Reason::NotRelevant, question.not_relevant.len());
    let graded = question.target.iter().filter(|target| target.grade != 1);
    say(Reason::Grade, graded.count());
}
