//! Results for RAGChecker.

use serde::Serialize;

use crate::exchange::run::choice::{Chosen, LOST_BY_SAMPLES, Probe, answer, hits};
use crate::exchange::run::{Content, File, LeftOut};

/// The whole file.
#[derive(Debug, Serialize)]
struct Results<'a> {
    results: Vec<Outcome<'a>>,
}

/// What came back for a question.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    query_id: &'a str,
    query: &'a str,
    gt_answer: &'a str,
    response: &'a str,
    retrieved_context: Vec<Context<'a>>,
}

/// A text that was retrieved.
#[derive(Debug, Serialize)]
struct Context<'a> {
    doc_id: String,
    text: &'a str,
}

/// The results of one target. A probe without hits is a result without context, and what is not known is empty:
/// the format has no place for null.
pub(super) fn results<'a>(chosen: &Chosen<'a>, left_out: &mut LeftOut) -> File {
    chosen.without_hits(left_out);
    chosen.count(LOST_BY_SAMPLES, left_out);
    let source = chosen.source;
    let result = |(seen, _): &Probe<'a>| {
        let context = hits(seen).iter().map(|hit| Context {
            doc_id: source.names.name(&hit.section),
            text: source.text(&hit.text),
        });
        let reference = chosen.questions.reference(&seen.question);
        Outcome {
            query_id: seen.question.as_str(),
            query: chosen.questions.wording(&seen.question, seen.form),
            gt_answer: reference.unwrap_or_default(),
            response: answer(source, seen).unwrap_or_default(),
            retrieved_context: context.collect(),
        }
    };
    let results = Results {
        results: chosen.probes.iter().map(result).collect(),
    };
    let mut text = serde_json::to_vec_pretty(&results).expect("texts have JSON");
    text.push(b'\n');
    File {
        target: chosen.target.clone(),
        rows: results.results.len(),
        content: Content::Text(text),
    }
}
