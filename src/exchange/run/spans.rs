//! OpenInference spans: what a tracing tool would have seen.
//!
//! Source: the OpenInference specification, `traces.md` for the form of a span and `semantic_conventions.md`
//! for the names of attributes; lists are flattened, with the place of each element from 0.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::exchange::run::choice::{Chosen, Probe, answer, citations, full_name, hits};
use crate::exchange::run::{Content, File, LeftOut, Loss, RunExportError, json_lines};
use crate::ids::Digest;
use crate::replay::{Observation, Outcome};

/// One span, as `traces.md` writes it.
#[derive(Debug, Serialize)]
struct Span {
    name: &'static str,
    context: Context,
    #[serde(rename = "span_kind")]
    kind: &'static str,
    parent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    status_code: &'static str,
    status_message: String,
    attributes: Map<String, Value>,
    events: [(); 0],
}

#[derive(Debug, Serialize)]
struct Context {
    trace_id: String,
    span_id: String,
}

/// The probes that were made, each a trace of one span. That all begin when the run began is as much as a run
/// folder knows.
pub(super) fn spans(chosen: &Chosen<'_>, left_out: &mut LeftOut) -> Result<File, RunExportError> {
    let record = &chosen.source.probes.record;
    let began = record.started_at.as_ref().map(|found| {
        let time = found.parse::<Timestamp>();
        time.map_err(|_| RunExportError::Time {
            found: found.clone(),
        })
    });
    let began = began.transpose()?;
    let mut made = Vec::new();
    for probe in &chosen.probes {
        match &probe.0.outcome {
            Outcome::Skipped { .. } => left_out.add(Loss::Skipped, full_name(probe.0)),
            Outcome::Scored { .. } | Outcome::Failed { .. } => {
                made.push(span(chosen, probe, began));
            }
        }
    }
    let untimed = made.iter().filter(|span| span.start_time.is_none()).count();
    left_out.count(Loss::NoTime, untimed);
    let (text, rows) = json_lines(&made);
    Ok(File {
        target: None,
        rows,
        content: Content::Text(text),
    })
}

fn span(chosen: &Chosen<'_>, probe: &Probe<'_>, began: Option<Timestamp>) -> Span {
    let seen = probe.0;
    let answer = answer(chosen.source, seen);
    // An answer is made by more than a retriever.
    let kind = if answer.is_some() {
        "CHAIN"
    } else {
        "RETRIEVER"
    };
    let (status_code, status_message) = match &seen.outcome {
        Outcome::Failed { message, .. } => ("ERROR", message.clone()),
        Outcome::Scored { .. } | Outcome::Skipped { .. } => ("OK", String::new()),
    };
    let took = SignedDuration::try_from_secs_f64(seen.elapsed_ms / 1e3).ok();
    let ended = began.and_then(|began| began.checked_add(took?).ok());
    Span {
        name: "probe",
        context: context(&chosen.source.probes.record.run_id, seen),
        kind,
        parent_id: None,
        start_time: ended.and(began).map(|time| time.to_string()),
        end_time: ended.map(|time| time.to_string()),
        status_code,
        status_message,
        attributes: attributes(chosen, probe, kind, answer),
        events: [],
    }
}

/// The same probe of the same run always has the same ids.
fn context(run: &str, seen: &Observation) -> Context {
    let probe = json!([
        run,
        seen.target,
        seen.question,
        seen.form,
        seen.seed,
        seen.k,
        seen.purpose
    ]);
    let id = |domain| Digest::derive(domain, probe.to_string());
    Context {
        trace_id: id("ragstone 2026 openinference trace").short(32),
        span_id: id("ragstone 2026 openinference span").short(16),
    }
}

fn attributes(
    chosen: &Chosen<'_>,
    (seen, cell): &Probe<'_>,
    kind: &'static str,
    answer: Option<&str>,
) -> Map<String, Value> {
    let mut attributes = Map::new();
    let mut set = |key: &str, value: Value| attributes.insert(key.to_owned(), value);
    set("openinference.span.kind", kind.into());
    let wording = chosen.questions.wording(&seen.question, seen.form);
    set("input.value", wording.into());
    set("input.mime_type", "text/plain".into());
    if let Some(answer) = answer {
        set("output.value", answer.into());
        set("output.mime_type", "text/plain".into());
    }
    if let Outcome::Failed { class, message, .. } = &seen.outcome {
        set("exception.type", class.as_str().into());
        set("exception.message", message.as_str().into());
    }
    let line = super::probe_lines::line(chosen.source, &(seen, *cell));
    // Metadata is one JSON text.
    let metadata = json!({
        "run": chosen.source.probes.record.run_id,
        "target": seen.target,
        "question": seen.question,
        "form": seen.form,
        "seed": seen.seed,
        "k": seen.k,
        "purpose": seen.purpose,
        "stage": line.error.as_ref().map(|error| error.stage),
        "status": seen.status,
        "attempts": seen.attempts,
        "latency_ms": line.latency_ms,
        "cached": seen.cached,
        "cold_start": seen.cold_start,
        "citations": citations(seen),
        "metrics": line.metrics,
    });
    set("metadata", metadata.to_string().into());
    for (index, hit) in hits(seen).iter().enumerate() {
        let mut of_document = |field: &str, value: Value| {
            set(
                &format!("retrieval.documents.{index}.document.{field}"),
                value,
            )
        };
        of_document("id", chosen.source.names.name(&hit.section).into());
        of_document("content", chosen.source.text(&hit.text).into());
        of_document("score", hit.score.into());
        let of_hit = json!({
            "doc_id": hit.section.doc_id,
            "section_id": hit.section.section_id,
            "snippet_id": hit.snippet_id,
            "start": hit.offsets.map(|offsets| offsets.start),
            "end": hit.offsets.map(|offsets| offsets.end),
            "unit": hit.offsets.map(|offsets| offsets.unit),
        });
        of_document("metadata", of_hit.to_string().into());
    }
    attributes
}
