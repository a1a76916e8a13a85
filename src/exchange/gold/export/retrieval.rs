//! The formats of judged collections: queries, documents, judgments.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::names::Names;
use super::{Part, Written, answerable, lacking, pretty, sections_beside_their_text};
use crate::exchange::gold::folder::json_lines;
use crate::exchange::gold::left_out::{LeftOut, Reason};
use crate::exchange::gold::llamaindex::MODE;
use crate::exchange::{ExchangeError, Spelling};
use crate::goldset::{GoldSet, Question};
use crate::ids::SectionKey;
use crate::trec::{Judgment, write_qrels};

const JUDGED: &[Part] = &[Part::Targets, Part::Grades, Part::NotRelevant];

/// All judgments of a question, relevant ones first.
fn judgments(question: &Question) -> impl Iterator<Item = (&SectionKey, i32)> {
    let targets = question
        .target
        .iter()
        .map(|target| (&target.key, target.grade));
    let others = question
        .not_relevant
        .iter()
        .map(|judged| (&judged.key, judged.grade));
    targets.chain(others)
}

/// Topics, judgments and documents of TREC.
pub(super) fn trec(gold: &GoldSet) -> Result<Written, ExchangeError> {
    let names = Names::of(gold, Spelling::Trec)?;
    let mut left_out = Vec::new();
    lacking(gold, JUDGED, &mut left_out);
    sections_beside_their_text(gold, true, &mut left_out);
    let path = gold.root.join("questions.jsonl");
    let mut topics = String::new();
    let mut queries: Vec<(String, &Question)> = Vec::new();
    for question in answerable(gold) {
        let id = Spelling::Trec.of(question.id.as_str());
        let text = question.question.replace(['\t', '\n', '\r'], " ");
        if text != question.question {
            let line = Some(question.line);
            left_out.push(LeftOut::one(&path, line, &id, Reason::WhiteSpace));
        }
        writeln!(topics, "{id}\t{text}").expect("a string takes all");
        queries.push((id, question));
    }
    if let Some((id, first, second)) = same_name(&queries) {
        return Err(ExchangeError::Clash { first, second, id });
    }
    let rows = queries.iter().flat_map(|(query, question)| {
        let names = &names;
        judgments(question).map(move |(key, grade)| Judgment {
            query,
            document: names.name(key),
            grade,
        })
    });
    let mut qrels = Vec::new();
    write_qrels(rows, &mut qrels)
        .expect("the names hold no white space, and memory can be written");
    Ok(Written {
        n_questions: queries.len(),
        n_sections: gold.corpus.len(),
        files: vec![
            ("topics.tsv", topics.into_bytes()),
            ("qrels.txt", qrels),
            ("corpus.jsonl", documents(gold, &names, "id")),
        ],
        left_out,
    })
}

/// Two questions that would have one name.
fn same_name(queries: &[(String, &Question)]) -> Option<(String, String, String)> {
    let mut taken = BTreeMap::new();
    queries.iter().find_map(|(name, question)| {
        let first = taken.insert(name, &question.id)?;
        Some((name.clone(), first.to_string(), question.id.to_string()))
    })
}

fn documents(gold: &GoldSet, names: &Names, id: &str) -> Vec<u8> {
    let document = |section: &crate::goldset::Section| {
        let name = names.name(&section.key());
        json!({ id: name, "title": section.title, "text": section.text })
    };
    let documents: Vec<Value> = gold.corpus.iter().map(document).collect();
    json_lines(&documents).into_bytes()
}

#[derive(Serialize)]
struct BeirQuery<'a> {
    _id: &'a str,
    text: &'a str,
}

/// The folder of BEIR.
pub(super) fn beir(gold: &GoldSet) -> Result<Written, ExchangeError> {
    let names = Names::of(gold, Spelling::Trec)?;
    let mut left_out = Vec::new();
    lacking(gold, JUDGED, &mut left_out);
    sections_beside_their_text(gold, true, &mut left_out);
    let asked: Vec<(String, &Question)> = answerable(gold)
        .map(|question| (Spelling::Trec.of(question.id.as_str()), question))
        .collect();
    if let Some((id, first, second)) = same_name(&asked) {
        return Err(ExchangeError::Clash { first, second, id });
    }
    let mut qrels = String::from("query-id\tcorpus-id\tscore\n");
    for (id, question) in &asked {
        for (key, grade) in judgments(question) {
            writeln!(qrels, "{id}\t{}\t{grade}", names.name(key)).expect("a string takes all");
        }
    }
    let queries: Vec<BeirQuery> = asked
        .iter()
        .map(|(id, question)| BeirQuery {
            _id: id,
            text: &question.question,
        })
        .collect();
    Ok(Written {
        n_questions: queries.len(),
        n_sections: gold.corpus.len(),
        files: vec![
            ("queries.jsonl", json_lines(&queries).into_bytes()),
            ("corpus.jsonl", documents(gold, &names, "_id")),
            ("qrels/test.tsv", qrels.into_bytes()),
        ],
        left_out,
    })
}

/// One JSON object of queries, documents and what answers which.
pub(super) fn llamaindex(gold: &GoldSet) -> Result<Written, ExchangeError> {
    let names = Names::of(gold, Spelling::AsIs)?;
    let mut left_out = Vec::new();
    lacking(gold, &[Part::Targets], &mut left_out);
    sections_beside_their_text(gold, false, &mut left_out);
    let questions: Vec<&Question> = answerable(gold).collect();
    let queries: BTreeMap<&str, &str> = questions
        .iter()
        .map(|question| (question.id.as_str(), question.question.as_str()))
        .collect();
    let relevant: BTreeMap<&str, Vec<&str>> = questions
        .iter()
        .map(|question| {
            let targets = question.target.iter().map(|target| names.name(&target.key));
            (question.id.as_str(), targets.collect())
        })
        .collect();
    let corpus: BTreeMap<&str, &str> = gold
        .corpus
        .iter()
        .map(|section| (names.name(&section.key()), section.text.as_str()))
        .collect();
    let value = json!({
        "queries": queries,
        "corpus": corpus,
        "relevant_docs": relevant,
        "mode": MODE,
    });
    Ok(Written {
        n_questions: queries.len(),
        n_sections: corpus.len(),
        files: vec![("", pretty(&value))],
        left_out,
    })
}
