//! The formats of evaluation frameworks: one row a question.

use serde::Serialize;
use serde_json::json;

use super::names::Names;
use super::{Part, Written, answerable, lacking, pretty, sections_beside_their_text};
use crate::exchange::gold::folder::json_lines;
use crate::exchange::{ExchangeError, Spelling};
use crate::goldset::{GoldSet, Question};

/// The texts of a question's targets.
fn contexts<'a>(gold: &'a GoldSet, question: &Question) -> Vec<&'a str> {
    let targets = question.target.iter();
    let sections = targets.filter_map(|target| gold.section(&target.key));
    sections.map(|section| section.text.as_str()).collect()
}

fn written(gold: &GoldSet, holds: &[Part], n_sections: usize, bytes: Vec<u8>) -> Written {
    let mut written = Written {
        files: vec![("", bytes)],
        n_questions: answerable(gold).count(),
        n_sections,
        left_out: Vec::new(),
    };
    lacking(gold, holds, &mut written.left_out);
    sections_beside_their_text(gold, false, &mut written.left_out);
    written
}

/// How many sections are some question's target.
fn n_targets(gold: &GoldSet) -> usize {
    let targets = gold.questions.iter().flat_map(|question| &question.target);
    let keys: std::collections::BTreeSet<_> = targets.map(|target| &target.key).collect();
    keys.len()
}

#[derive(Serialize)]
struct Ragas<'a> {
    user_input: &'a str,
    reference_contexts: Vec<&'a str>,
    reference_context_ids: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

/// Samples of ragas.
pub(super) fn ragas(gold: &GoldSet) -> Result<Written, ExchangeError> {
    let names = Names::of(gold, Spelling::AsIs)?;
    let rows: Vec<Ragas> = answerable(gold)
        .map(|question| Ragas {
            user_input: &question.question,
            reference_contexts: contexts(gold, question),
            reference_context_ids: question
                .target
                .iter()
                .map(|target| names.name(&target.key))
                .collect(),
            reference: question.reference.as_deref(),
        })
        .collect();
    let holds = &[Part::Targets, Part::Reference];
    let bytes = json_lines(&rows).into_bytes();
    Ok(written(gold, holds, n_targets(gold), bytes))
}

#[derive(Serialize)]
struct Golden<'a> {
    input: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_output: Option<&'a str>,
    context: Vec<&'a str>,
}

/// Goldens of deepeval.
pub(super) fn deepeval(gold: &GoldSet) -> Written {
    let rows: Vec<Golden> = answerable(gold)
        .map(|question| Golden {
            input: &question.question,
            expected_output: question.reference.as_deref(),
            context: contexts(gold, question),
        })
        .collect();
    let holds = &[Part::Targets, Part::Reference];
    written(gold, holds, n_targets(gold), pretty(&rows))
}

/// Results of `RAGChecker`, in which responses and what was retrieved are still empty.
pub(super) fn ragchecker(gold: &GoldSet) -> Written {
    let rows: Vec<_> = answerable(gold)
        .map(|question| {
            json!({
                "query_id": question.id,
                "query": question.question,
                "gt_answer": question.reference.as_deref().unwrap_or_default(),
                "response": "",
                "retrieved_context": [],
            })
        })
        .collect();
    let holds = &[Part::Reference];
    let bytes = pretty(&json!({ "results": rows }));
    written(gold, holds, 0, bytes)
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    topic: &'a str,
    question: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    paraphrases: &'a [String],
    target: Vec<&'a str>,
    context: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
}

/// Rows that `rows` reads as they are.
pub(super) fn jsonl(gold: &GoldSet) -> Result<Written, ExchangeError> {
    let names = Names::of(gold, Spelling::AsIs)?;
    let rows: Vec<Row> = answerable(gold)
        .map(|question| Row {
            id: question.id.as_str(),
            topic: question.topic.as_str(),
            question: &question.question,
            paraphrases: &question.paraphrases,
            target: question
                .target
                .iter()
                .map(|target| names.name(&target.key))
                .collect(),
            context: contexts(gold, question),
            reference: question.reference.as_deref(),
            tags: &question.tags,
        })
        .collect();
    let holds = &[
        Part::Paraphrases,
        Part::Targets,
        Part::Reference,
        Part::Topic,
        Part::Tags,
    ];
    let bytes = json_lines(&rows).into_bytes();
    Ok(written(gold, holds, n_targets(gold), bytes))
}
