//! Samples for ragas.

use serde::Serialize;

use crate::exchange::run::choice::{Chosen, LOST_BY_SAMPLES, answer, hits};
use crate::exchange::run::{Content, File, LeftOut, Loss, json_lines};
use crate::ids::QuestionId;

/// A sample of one turn, as ragas 0.2 and later read it.
#[derive(Debug, Serialize)]
struct Sample<'a> {
    user_input: &'a str,
    retrieved_contexts: Vec<&'a str>,
    retrieved_context_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_contexts: Option<Vec<&'a str>>,
    reference_context_ids: Vec<String>,
}

/// The samples of one target. A probe without hits is a sample without contexts, so that no mean is taken
/// over fewer questions than were asked.
pub(super) fn samples(chosen: &Chosen<'_>, left_out: &mut LeftOut) -> File {
    chosen.without_hits(left_out);
    chosen.count(LOST_BY_SAMPLES, left_out);
    let source = chosen.source;
    let samples = chosen.probes.iter().map(|(seen, _)| {
        let hits = hits(seen);
        let sample = Sample {
            user_input: chosen.questions.wording(&seen.question, seen.form),
            retrieved_contexts: hits.iter().map(|hit| source.text(&hit.text)).collect(),
            retrieved_context_ids: hits
                .iter()
                .map(|hit| source.names.name(&hit.section))
                .collect(),
            response: answer(source, seen),
            reference: chosen.questions.reference(&seen.question),
            reference_contexts: evidence(chosen, &seen.question),
            reference_context_ids: sought(chosen, &seen.question),
        };
        left_out.count(
            Loss::NoEvidence,
            usize::from(sample.reference_contexts.is_none()),
        );
        sample
    });
    let (text, rows) = json_lines(samples);
    File {
        target: chosen.target.clone(),
        rows,
        content: Content::Text(text),
    }
}

/// The texts of the sections that are sought, of the gold set.
fn evidence<'a>(chosen: &Chosen<'a>, id: &QuestionId) -> Option<Vec<&'a str>> {
    let gold = chosen.source.gold.as_ref()?;
    let record = chosen.questions.record(id)?;
    let sections = record.targets.iter().map(|key| gold.section(key));
    sections
        .map(|section| section.map(|section| section.text.as_str()))
        .collect()
}

fn sought(chosen: &Chosen<'_>, id: &QuestionId) -> Vec<String> {
    let targets = chosen
        .questions
        .record(id)
        .map_or(&[][..], |record| &record.targets);
    targets
        .iter()
        .map(|key| chosen.source.names.name(key))
        .collect()
}
