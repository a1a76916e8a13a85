//! Every field of every probe, one a line: what `import-run` reads.

use crate::exchange::run::choice::{Chosen, Probe, answer, citations, hits};
use crate::exchange::run::{
    Content, ContractLine, ErrorLine, File, HitLine, LatencyLine, LeftOut, Line, Loss, MetricsLine,
    ProbeLine, Reading, Source, json_lines,
};
use crate::measure::CellMetrics;
use crate::net::Timing;
use crate::replay::{HitRecord, Outcome};
use crate::report::TargetRecord;

/// The contracts of the targets, and then the probes in the order of the run.
pub(super) fn lines(chosen: &Chosen<'_>, left_out: &mut LeftOut) -> File {
    let targets = chosen.source.probes.record.targets.iter();
    let asked = |target: &&TargetRecord| {
        let mut probes = chosen.probes.iter();
        probes.any(|(seen, _)| seen.target == target.name)
    };
    let contracts: Vec<Line> = targets
        .filter(asked)
        .flat_map(|target| contracts(target, left_out))
        .collect();
    let probes = chosen.probes.iter();
    let probes = probes.map(|probe| Line::Probe(Box::new(line(chosen.source, probe))));
    let (text, rows) = json_lines(contracts.into_iter().chain(probes));
    File {
        target: None,
        rows,
        content: Content::Text(text),
    }
}

/// What a target said of itself, once if it said the same twice.
fn contracts(target: &TargetRecord, left_out: &mut LeftOut) -> Vec<Line> {
    let (start, end) = (&target.contract_at_start, &target.contract_at_end);
    let readings = if start == end {
        [(start, None), (&None, None)]
    } else {
        [(start, Some(Reading::Start)), (end, Some(Reading::End))]
    };
    if start.is_none() || end.is_none() {
        let why = target.contract_error.as_deref().unwrap_or("not read");
        left_out.add(Loss::Contract, format!("{}: {why}", target.name));
    }
    let line = |(contract, at): (&Option<_>, _)| {
        Some(Line::Contract(ContractLine {
            target: target.name.to_string(),
            contract: contract.clone()?,
            at,
        }))
    };
    readings.into_iter().filter_map(line).collect()
}

/// A probe, as the run has it.
pub(super) fn line(source: &Source, (seen, cell): &Probe<'_>) -> ProbeLine {
    let (error, skipped) = match &seen.outcome {
        Outcome::Scored { .. } => (None, None),
        Outcome::Failed {
            class,
            stage,
            message,
        } => {
            let error = ErrorLine {
                class: class.clone(),
                stage: *stage,
                message: message.clone(),
            };
            (Some(error), None)
        }
        Outcome::Skipped { reason } => (None, Some(reason.clone())),
    };
    let made = skipped.is_none();
    ProbeLine {
        target: seen.target.to_string(),
        question: seen.question.to_string(),
        form: seen.form.0,
        seed: seen.seed.0,
        purpose: Some(seen.purpose),
        k: Some(seen.k.get()),
        hits: hits(seen).iter().map(|hit| hit_line(source, hit)).collect(),
        answer: answer(source, seen).map(str::to_owned),
        citations: citations(seen).to_vec(),
        error,
        skipped,
        status: seen.status,
        attempts: made.then_some(seen.attempts),
        elapsed_ms: made.then_some(seen.elapsed_ms),
        latency_ms: latency(seen.timing),
        cached: made.then_some(seen.cached),
        cold_start: seen.cold_start,
        metrics: cell.map(metrics),
    }
}

fn hit_line(source: &Source, hit: &HitRecord) -> HitLine {
    HitLine {
        doc_id: hit.section.doc_id.to_string(),
        section_id: hit.section.section_id.to_string(),
        id: Some(hit.snippet_id.clone()),
        snippet_id: None,
        score: hit.score,
        text: source.text(&hit.text).to_owned(),
        start: hit.offsets.map(|offsets| offsets.start),
        end: hit.offsets.map(|offsets| offsets.end),
        unit: hit.offsets.map(|offsets| offsets.unit),
    }
}

fn latency(timing: Timing) -> Option<LatencyLine> {
    (timing != Timing::default()).then_some(LatencyLine {
        resolve: timing.resolve_ms,
        connect: timing.connect_ms,
        headers: timing.headers_ms,
        tffb: timing.tffb_ms,
        tusable: timing.tusable_ms,
        tfinal: timing.tfinal_ms,
        decode: timing.decode_ms,
    })
}

fn metrics(cell: &CellMetrics) -> MetricsLine {
    MetricsLine {
        topic: cell.topic.to_string(),
        answerable: cell.answerable,
        delta_s: cell.delta_s,
        delta_s_anchor: cell.delta_s_anchor,
        delta_s_decoy: cell.delta_s_decoy,
        coverage: cell.coverage,
        evidence_coverage: cell.evidence_coverage,
        coverage_mode: cell.coverage_mode,
        target_rank: cell.target_rank,
        agreement: cell.agreement,
        lambda: cell.lambda,
        rank: cell
            .rank
            .iter()
            .map(|(measure, value)| (measure.measure().to_string(), *value))
            .collect(),
    }
}
