//! Every field of every probe as one flat table.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::exchange::run::choice::Chosen;
use crate::exchange::run::probe_lines::line;
use crate::exchange::run::{Content, File, HitLine, LeftOut, Loss, ProbeLine};
use crate::measure::{CoverageMode, Lambda, RankMeasure, RankValues};
use crate::net::Stage;
use crate::replay::{Purpose, RecordError, TableWriter};
use crate::target::OffsetUnit;

/// A probe: single values, and for its hits a list for each of their fields, best hit first.
#[expect(
    missing_docs,
    reason = "the fields are those of ProbeLine, HitLine and MetricsLine"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlatRow {
    pub target: String,
    pub question: String,
    pub topic: Option<String>,
    pub answerable: Option<bool>,
    pub wording: String,
    pub form: u16,
    pub seed: u64,
    pub k: u64,
    pub purpose: Purpose,
    pub outcome: Outcome,
    pub skipped: Option<String>,
    pub error_class: Option<String>,
    pub error_stage: Option<Stage>,
    pub error_message: Option<String>,
    pub status: Option<u16>,
    pub attempts: u32,
    pub elapsed_ms: f64,
    pub resolve_ms: Option<f64>,
    pub connect_ms: Option<f64>,
    pub headers_ms: Option<f64>,
    pub tffb_ms: Option<f64>,
    pub tusable_ms: Option<f64>,
    pub tfinal_ms: Option<f64>,
    pub decode_ms: Option<f64>,
    pub cached: bool,
    pub cold_start: Option<bool>,
    pub delta_s: Option<f64>,
    pub delta_s_anchor: Option<f64>,
    pub delta_s_decoy: Option<f64>,
    pub coverage: Option<f64>,
    pub evidence_coverage: Option<f64>,
    pub coverage_mode: Option<CoverageMode>,
    pub target_rank: Option<u64>,
    pub agreement: Option<f64>,
    pub lambda: Option<Lambda>,
    pub answer: Option<String>,
    pub citations: Vec<String>,
    pub hit_doc_ids: Vec<String>,
    pub hit_section_ids: Vec<String>,
    pub hit_ids: Vec<String>,
    pub hit_scores: Vec<f64>,
    pub hit_texts: Vec<String>,
    pub hit_starts: Vec<Option<u64>>,
    pub hit_ends: Vec<Option<u64>>,
    pub hit_units: Vec<Option<OffsetUnit>>,
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It has hits.
    Scored,
    /// It has an error.
    Failed,
    /// It was never made.
    Skipped,
}

/// The probes in the order of the run.
pub(super) fn table(chosen: &Chosen<'_>, left_out: &mut LeftOut) -> File {
    let targets = chosen.source.probes.record.targets.iter();
    let stated = |at: &Option<_>| usize::from(at.is_some());
    let contracts =
        targets.map(|target| stated(&target.contract_at_start) + stated(&target.contract_at_end));
    left_out.count(Loss::Contracts, contracts.sum());
    let rows: Vec<FlatRow> = chosen
        .probes
        .iter()
        .map(|probe| {
            let wording = chosen.questions.wording(&probe.0.question, probe.0.form);
            FlatRow::of(line(chosen.source, probe), wording.to_owned())
        })
        .collect();
    let ranking = chosen
        .probes
        .iter()
        .map(|(_, cell)| cell.map(|cell| cell.rank.clone()).unwrap_or_default());
    let ranking = ranking.collect();
    File {
        target: None,
        rows: rows.len(),
        content: Content::Table(FlatTable { rows, ranking }),
    }
}

/// All probes of an export, a row each.
#[derive(Debug)]
pub struct FlatTable {
    rows: Vec<FlatRow>,
    /// The ranking measures of each row.
    ranking: Vec<RankValues>,
}

impl FlatTable {
    /// Writes it as Parquet; each ranking measure is a column of its own, `rank.ndcg_cut_10`, as in
    /// `metrics.parquet`.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(self, path: &Path) -> Result<(), RecordError> {
        let measures: BTreeSet<RankMeasure> = self
            .ranking
            .iter()
            .flat_map(|values| values.keys().copied())
            .collect();
        let names: Vec<String> = measures.iter().map(ToString::to_string).collect();
        let mut writer = TableWriter::create_beside(path, &names)?;
        for (row, values) in self.rows.into_iter().zip(&self.ranking) {
            let values = measures.iter().map(|measure| values.get(measure).copied());
            writer.push_beside(row, &values.collect::<Vec<_>>())?;
        }
        writer.finish()
    }
}

impl FlatRow {
    fn of(line: ProbeLine, wording: String) -> Self {
        let outcome = match (&line.error, &line.skipped) {
            (Some(_), _) => Outcome::Failed,
            (None, Some(_)) => Outcome::Skipped,
            (None, None) => Outcome::Scored,
        };
        let latency = line.latency_ms.unwrap_or_default();
        let metrics = line.metrics.as_ref();
        let error = line.error.as_ref();
        let hits = line.hits;
        let each = |of: fn(&HitLine) -> String| hits.iter().map(of).collect::<Vec<_>>();
        Self {
            target: line.target,
            question: line.question,
            topic: metrics.map(|of| of.topic.clone()),
            answerable: metrics.map(|of| of.answerable),
            wording,
            form: line.form,
            seed: line.seed,
            k: line.k.unwrap_or_default() as u64,
            purpose: line.purpose.unwrap_or(Purpose::Score),
            outcome,
            skipped: line.skipped,
            error_class: error.map(|error| error.class.clone()),
            error_stage: error.map(|error| error.stage),
            error_message: error.map(|error| error.message.clone()),
            status: line.status,
            attempts: line.attempts.unwrap_or_default(),
            elapsed_ms: line.elapsed_ms.unwrap_or_default(),
            resolve_ms: latency.resolve,
            connect_ms: latency.connect,
            headers_ms: latency.headers,
            tffb_ms: latency.tffb,
            tusable_ms: latency.tusable,
            tfinal_ms: latency.tfinal,
            decode_ms: latency.decode,
            cached: line.cached.unwrap_or_default(),
            cold_start: line.cold_start,
            delta_s: metrics.and_then(|of| of.delta_s),
            delta_s_anchor: metrics.and_then(|of| of.delta_s_anchor),
            delta_s_decoy: metrics.and_then(|of| of.delta_s_decoy),
            coverage: metrics.and_then(|of| of.coverage),
            evidence_coverage: metrics.and_then(|of| of.evidence_coverage),
            coverage_mode: metrics.and_then(|of| of.coverage_mode),
            target_rank: metrics
                .and_then(|of| of.target_rank)
                .map(|rank| rank as u64),
            agreement: metrics.and_then(|of| of.agreement),
            lambda: metrics.and_then(|of| of.lambda),
            answer: line.answer,
            citations: line.citations,
            hit_doc_ids: each(|hit| hit.doc_id.clone()),
            hit_section_ids: each(|hit| hit.section_id.clone()),
            hit_ids: each(|hit| hit.id.clone().unwrap_or_default()),
            hit_scores: hits.iter().map(|hit| hit.score).collect(),
            hit_texts: each(|hit| hit.text.clone()),
            hit_starts: hits
                .iter()
                .map(|hit| hit.start.map(|at| at as u64))
                .collect(),
            hit_ends: hits.iter().map(|hit| hit.end.map(|at| at as u64)).collect(),
            hit_units: hits.iter().map(|hit| hit.unit).collect(),
        }
    }
}
