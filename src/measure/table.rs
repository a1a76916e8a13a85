//! The metric table: one row a probe.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::goldset::Question;
use crate::ids::{Form, QuestionId, SectionKey, Seed, TargetName, Topic};
use crate::measure::coverage::{ReadTexts, Retrieved};
use crate::measure::{
    Centroid, CoverageMode, Lambda, Matched, NoRankMeasure, RankMeasure, RankMeasures, RankValues,
    TargetTokens, delta_s, state,
};
use crate::ranking::{RBO_P, Ranking, rbo_ext};
use crate::replay::{
    HitRecord, Observation, Outcome, Purpose, RecordError, TableWriter, read_table_beside,
};
use crate::stats::quantile;
use crate::target::Stage;

/// What became of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has numbers.
    Scored,
    /// It has none, and says why.
    Failed {
        /// A short stable name.
        class: String,
        /// Where it happened.
        stage: Stage,
    },
    /// It was never asked.
    Skipped,
}

/// The numbers of one probe. `None` means undefined, never 0.
#[derive(Clone, Debug, PartialEq)]
pub struct CellMetrics {
    /// Which target.
    pub target: TargetName,
    /// Which question.
    pub question: QuestionId,
    /// What it is about.
    pub topic: Topic,
    /// Whether the corpus answers it; questions it does not answer are asked and shown, but decide
    /// no check.
    pub answerable: bool,
    /// Which wording.
    pub form: Form,
    /// Which seed.
    pub seed: Seed,
    /// Hits asked for.
    pub k: usize,
    /// What the answer is for.
    pub purpose: Purpose,
    /// What became of it.
    pub status: Status,
    /// Number of hits.
    pub n_hits: usize,
    /// ΔS(question, retrieved), in `[0, 2]`.
    pub delta_s: Option<f64>,
    /// ΔS(retrieved, anchor).
    pub delta_s_anchor: Option<f64>,
    /// ΔS(retrieved, decoy).
    pub delta_s_decoy: Option<f64>,
    /// Tokens of the target sections retrieved, in `[0, 1]`.
    pub coverage: Option<f64>,
    /// Tokens of the evidence spans retrieved, in `[0, 1]`.
    pub evidence_coverage: Option<f64>,
    /// How coverage was found.
    pub coverage_mode: Option<CoverageMode>,
    /// Rank of the first hit in a target section, from 1.
    pub target_rank: Option<usize>,
    /// Rank-biased overlap with the reference ranking, in `[0, 1]`.
    pub agreement: Option<f64>,
    /// λ; undefined for sweeps and questions without an answer.
    pub lambda: Option<Lambda>,
    /// From the first attempt's start to the last one's end.
    pub elapsed_ms: f64,
    /// From the beginning of the attempt that was answered to the last byte of the reply; none where
    /// that is not known, and for a reply that was kept from an earlier run.
    pub latency_ms: Option<f64>,
    /// Whether the reply was kept from an earlier run: it says nothing about latency.
    pub cached: bool,
    /// Whether the target had to start something first, where it says so.
    pub cold_start: Option<bool>,
    /// Ranking measures of the retrieved sections, by the judgments of the question.
    pub rank: RankValues,
}

impl CellMetrics {
    /// Whether this cell decides checks: a probe of the verdict, of a question that has an answer.
    pub fn counts(&self) -> bool {
        self.purpose == Purpose::Score && self.answerable
    }

    /// Whether λ is defined: not for a point of the sweep, nor without an answer to converge on.
    fn has_lambda(&self) -> bool {
        self.purpose != Purpose::Sweep && self.answerable
    }
}

/// One row a probe, in plan order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricTable {
    /// The rows.
    pub cells: Vec<CellMetrics>,
}

/// Percentiles of the probes that were answered, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Probes behind the percentiles.
    pub n: usize,
    /// Half of them were at most this slow.
    pub p50_ms: f64,
    /// 75 %.
    pub p75_ms: f64,
    /// 95 %.
    pub p95_ms: f64,
    /// 99 %.
    pub p99_ms: f64,
}

/// Latency of a target's scored probes, replies of earlier runs left out; `None` if there are none.
pub fn latency(table: &MetricTable, target: &TargetName) -> Option<Latency> {
    let answered = table.cells.iter().filter(|cell| {
        cell.target == *target
            && cell.purpose == Purpose::Score
            && cell.status == Status::Scored
            && !cell.cached
    });
    let times: Vec<f64> = answered.map(|cell| cell.elapsed_ms).collect();
    let at = |q| quantile(&times, q);
    Some(Latency {
        n: times.len(),
        p50_ms: at(0.5)?,
        p75_ms: at(0.75)?,
        p95_ms: at(0.95)?,
        p99_ms: at(0.99)?,
    })
}

/// Measures every observation of a run, with these ranking measures.
///
/// Time `O(probes · k · dim)`, parallel over questions.
pub fn measure(matched: Matched, ranking: &RankMeasures) -> MetricTable {
    let referred = Referred::new(matched, ranking);
    let observations = &matched.run.observations;
    let questions: Vec<&[Observation]> = observations
        .chunk_by(|one, next| one.question == next.question)
        .collect();
    let of_question = |observations: &&[Observation]| -> Vec<CellMetrics> {
        let mut read = ReadTexts::default();
        let cells = observations.iter();
        cells.map(|seen| referred.cell(seen, &mut read)).collect()
    };
    let cells: Vec<Vec<CellMetrics>> = questions.par_iter().map(of_question).collect();
    MetricTable {
        cells: cells.into_iter().flatten().collect(),
    }
}

/// A run with the reference ranking of each question on each target.
struct Referred<'a> {
    matched: Matched<'a>,
    ranking: &'a RankMeasures,
    references: HashMap<(&'a TargetName, &'a QuestionId), Ranking<SectionKey>>,
}

impl<'a> Referred<'a> {
    fn new(matched: Matched<'a>, ranking: &'a RankMeasures) -> Self {
        let mut references = HashMap::new();
        let mut settled = std::collections::HashSet::new();
        for seen in matched
            .run
            .observations
            .iter()
            .filter(|seen| seen.purpose == Purpose::Score && seen.form == Form::ORIGINAL)
        {
            // The first of them is the one with the first seed. If it failed there is no reference,
            // not another one.
            if let (true, Outcome::Scored { hits, .. }) = (
                settled.insert((&seen.target, &seen.question)),
                &seen.outcome,
            ) {
                references.insert((&seen.target, &seen.question), section_ranking(hits));
            }
        }
        Self {
            matched,
            ranking,
            references,
        }
    }

    fn cell(&self, seen: &Observation, read: &mut ReadTexts) -> CellMetrics {
        let (question, tokens) = &self.matched.prepared.questions[&seen.question];
        let mut cell = blank(seen, question);
        match &seen.outcome {
            Outcome::Scored { hits, .. } => {
                self.fill(&mut cell, (seen, question, tokens), hits, read);
            }
            Outcome::Failed { class, stage, .. } => {
                cell.status = Status::Failed {
                    class: class.clone(),
                    stage: *stage,
                };
                cell.lambda = cell.has_lambda().then_some(Lambda::Divergent);
            }
            Outcome::Skipped { .. } => {
                cell.status = Status::Skipped;
                cell.lambda = cell.has_lambda().then_some(Lambda::Divergent);
            }
        }
        cell
    }

    fn fill(
        &self,
        cell: &mut CellMetrics,
        (seen, question, tokens): (&Observation, &Question, &TargetTokens),
        hits: &[HitRecord],
        read: &mut ReadTexts,
    ) {
        const CHECKED: &str = "`Matched` has seen this vector";
        let vectors = self.matched.prepared.vectors;
        cell.n_hits = hits.len();
        let centroid = Centroid::of(
            hits.iter()
                .map(|hit| vectors.get(&hit.text).expect(CHECKED)),
        );
        if let Some(centroid) = &centroid {
            let to = |text: &str| delta_s(vectors.of_text(text).expect(CHECKED), centroid);
            let wording = question
                .forms()
                .find(|(form, _)| *form == seen.form)
                .expect("`Matched` has seen this form")
                .1;
            let decoy = question
                .decoy
                .as_ref()
                .and_then(|decoy| self.matched.prepared.gold.section(decoy));
            cell.delta_s = Some(to(wording));
            cell.delta_s_anchor = question.anchor.as_deref().map(to);
            cell.delta_s_decoy = decoy.map(|decoy| to(&decoy.text));
        }
        let retrieved: Vec<Retrieved> = hits
            .iter()
            .map(|hit| Retrieved {
                section: &hit.section,
                text: &self.matched.run.texts[&hit.text],
                digest: hit.text,
                offsets: hit.offsets,
            })
            .collect();
        if let Some(coverage) = tokens.coverage(&retrieved, read) {
            cell.coverage = Some(coverage.sections);
            cell.evidence_coverage = Some(coverage.evidence);
            cell.coverage_mode = Some(coverage.mode);
        }
        cell.target_rank = hits
            .iter()
            .position(|hit| question.is_target(&hit.section))
            .map(|index| index + 1);
        cell.rank = self.ranking.of(question, hits, cell.k);
        let reference = self.references.get(&(&seen.target, &seen.question));
        cell.agreement =
            reference.map(|reference| rbo_ext(&section_ranking(hits), reference, RBO_P));
        cell.lambda = cell
            .has_lambda()
            .then(|| state(cell.target_rank.is_some(), cell.agreement));
    }
}

fn blank(seen: &Observation, question: &Question) -> CellMetrics {
    CellMetrics {
        target: seen.target.clone(),
        question: seen.question.clone(),
        topic: question.topic.clone(),
        answerable: question.answerable,
        form: seen.form,
        seed: seen.seed,
        k: seen.k.get(),
        purpose: seen.purpose,
        status: Status::Scored,
        n_hits: 0,
        delta_s: None,
        delta_s_anchor: None,
        delta_s_decoy: None,
        coverage: None,
        evidence_coverage: None,
        coverage_mode: None,
        target_rank: None,
        agreement: None,
        lambda: None,
        elapsed_ms: seen.elapsed_ms,
        latency_ms: seen.latency_ms(),
        cached: seen.cached,
        cold_start: seen.cold_start,
        rank: RankValues::new(),
    }
}

/// Sections in the order in which they were first hit, equal scores being ties.
pub fn section_ranking(hits: &[HitRecord]) -> Ranking<SectionKey> {
    Ranking::from_scores(hits.iter().map(|hit| (hit.section.clone(), hit.score)))
}

/// A row of `metrics.parquet`.
#[derive(Serialize, Deserialize)]
struct Row {
    target: String,
    question: String,
    topic: String,
    answerable: bool,
    form: u16,
    seed: u64,
    k: u64,
    purpose: Purpose,
    status: String,
    error_class: Option<String>,
    error_stage: Option<Stage>,
    n_hits: u64,
    delta_s: Option<f64>,
    delta_s_anchor: Option<f64>,
    delta_s_decoy: Option<f64>,
    coverage: Option<f64>,
    evidence_coverage: Option<f64>,
    coverage_mode: Option<CoverageMode>,
    target_rank: Option<u64>,
    agreement: Option<f64>,
    lambda_state: Option<Lambda>,
    elapsed_ms: f64,
    #[serde(default)]
    latency_ms: Option<f64>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    cold_start: Option<bool>,
}

impl Row {
    fn of(cell: &CellMetrics) -> Self {
        let (status, error_class, error_stage) = match &cell.status {
            Status::Scored => ("scored", None, None),
            Status::Failed { class, stage } => ("failed", Some(class.clone()), Some(*stage)),
            Status::Skipped => ("skipped", None, None),
        };
        Self {
            target: cell.target.to_string(),
            question: cell.question.to_string(),
            topic: cell.topic.to_string(),
            answerable: cell.answerable,
            form: cell.form.0,
            seed: cell.seed.0,
            k: cell.k as u64,
            purpose: cell.purpose,
            status: status.to_owned(),
            error_class,
            error_stage,
            n_hits: cell.n_hits as u64,
            delta_s: cell.delta_s,
            delta_s_anchor: cell.delta_s_anchor,
            delta_s_decoy: cell.delta_s_decoy,
            coverage: cell.coverage,
            evidence_coverage: cell.evidence_coverage,
            coverage_mode: cell.coverage_mode,
            target_rank: cell.target_rank.map(|rank| rank as u64),
            agreement: cell.agreement,
            lambda_state: cell.lambda,
            elapsed_ms: cell.elapsed_ms,
            latency_ms: cell.latency_ms,
            cached: cell.cached,
            cold_start: cell.cold_start,
        }
    }

    fn cell(self) -> Result<CellMetrics, String> {
        let numbers = [
            ("delta_s", self.delta_s),
            ("delta_s_anchor", self.delta_s_anchor),
            ("delta_s_decoy", self.delta_s_decoy),
            ("coverage", self.coverage),
            ("evidence_coverage", self.evidence_coverage),
            ("agreement", self.agreement),
            ("elapsed_ms", Some(self.elapsed_ms)),
            ("latency_ms", self.latency_ms),
        ];
        if let Some((column, _)) = numbers
            .iter()
            .find(|(_, value)| value.is_some_and(|value| !value.is_finite()))
        {
            return Err(not_finite(column));
        }
        let count = |value: u64| usize::try_from(value).map_err(|error| error.to_string());
        let status = match (self.status.as_str(), self.error_class, self.error_stage) {
            ("scored", None, None) => Status::Scored,
            ("failed", Some(class), Some(stage)) => Status::Failed { class, stage },
            ("skipped", None, None) => Status::Skipped,
            (status, ..) => {
                return Err(format!("status `{status}` does not fit its error columns"));
            }
        };
        Ok(CellMetrics {
            target: TargetName::new(self.target),
            question: QuestionId::new(self.question),
            topic: Topic::new(self.topic),
            answerable: self.answerable,
            form: Form(self.form),
            seed: Seed(self.seed),
            k: count(self.k)?,
            purpose: self.purpose,
            status,
            n_hits: count(self.n_hits)?,
            delta_s: self.delta_s,
            delta_s_anchor: self.delta_s_anchor,
            delta_s_decoy: self.delta_s_decoy,
            coverage: self.coverage,
            evidence_coverage: self.evidence_coverage,
            coverage_mode: self.coverage_mode,
            target_rank: self.target_rank.map(count).transpose()?,
            agreement: self.agreement,
            lambda: self.lambda_state,
            elapsed_ms: self.elapsed_ms,
            latency_ms: self.latency_ms,
            cached: self.cached,
            cold_start: self.cold_start,
            rank: RankValues::new(),
        })
    }
}

impl MetricTable {
    /// Target names in order of first appearance.
    pub fn targets(&self) -> Vec<TargetName> {
        let mut seen = std::collections::HashSet::new();
        self.cells
            .iter()
            .filter(|cell| seen.insert(&cell.target))
            .map(|cell| cell.target.clone())
            .collect()
    }

    /// The ranking measures that any row has, by name.
    pub fn ranking(&self) -> BTreeSet<RankMeasure> {
        let values = self.cells.iter().flat_map(|cell| cell.rank.keys());
        values.copied().collect()
    }

    /// Writes `metrics.parquet`. Each ranking measure is a column of its own, `rank.ndcg_cut_10`, null where
    /// it is undefined.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RecordError> {
        let ranking = self.ranking();
        let names: Vec<String> = ranking.iter().map(ToString::to_string).collect();
        let mut writer = TableWriter::create_beside(path, &names)?;
        for cell in &self.cells {
            let values = ranking
                .iter()
                .map(|measure| cell.rank.get(measure).copied());
            writer.push_beside(Row::of(cell), &values.collect::<Vec<_>>())?;
        }
        writer.finish()
    }

    /// Reads `metrics.parquet`, also of a version that knew no ranking measures.
    ///
    /// # Errors
    /// If the file is missing, damaged or has other columns.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let (rows, columns) = read_table_beside::<Row>(path, &RankMeasure::is_meant)?;
        let wrong = |index: usize, problem: String| RecordError::Value {
            path: path.to_owned(),
            row: index + 1,
            problem,
        };
        let read = |(index, row): (usize, Row)| row.cell().map_err(|problem| wrong(index, problem));
        let mut cells: Vec<CellMetrics> = rows
            .into_iter()
            .enumerate()
            .map(read)
            .collect::<Result<_, _>>()?;
        for (name, values) in columns {
            let measure: RankMeasure = name
                .parse()
                .map_err(|error: NoRankMeasure| wrong(0, format!("column {name}: {error}")))?;
            for (index, (cell, value)) in cells.iter_mut().zip(values).enumerate() {
                match value {
                    Some(value) if !value.is_finite() => {
                        return Err(wrong(index, not_finite(&name)));
                    }
                    Some(value) => {
                        cell.rank.insert(measure, value);
                    }
                    None => {}
                }
            }
        }
        Ok(Self { cells })
    }
}

fn not_finite(column: &str) -> String {
    format!("{column} is not a finite number; an undefined one is null")
}
