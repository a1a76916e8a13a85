//! Observations and texts as Parquet, and back.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Form, QuestionId, SectionKey, Seed, TargetName};
use crate::net::Timing;
use crate::replay::table::{RecordError, TableWriter, read_table};
use crate::replay::{HitRecord, Observation, Outcome, Purpose};
use crate::target::{OffsetUnit, Offsets, Stage, Texts};
use crate::units::Cutoff;

/// A row of `observations.parquet`.
#[derive(Serialize, Deserialize)]
struct Row {
    target: String,
    question: String,
    form: u16,
    seed: u64,
    k: u64,
    purpose: Purpose,
    outcome: String,
    error_class: Option<String>,
    error_stage: Option<Stage>,
    error_message: Option<String>,
    attempts: u32,
    elapsed_ms: f64,
    #[serde(default)]
    cold_start: Option<bool>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    resolve_ms: Option<f64>,
    #[serde(default)]
    connect_ms: Option<f64>,
    #[serde(default)]
    headers_ms: Option<f64>,
    #[serde(default)]
    tffb_ms: Option<f64>,
    #[serde(default)]
    tusable_ms: Option<f64>,
    #[serde(default)]
    tfinal_ms: Option<f64>,
    #[serde(default)]
    decode_ms: Option<f64>,
    answer: Option<String>,
    #[serde(default)]
    citations: Vec<String>,
    hits: Vec<HitRow>,
}

/// An element of its `hits`.
#[derive(Serialize, Deserialize)]
struct HitRow {
    doc_id: String,
    section_id: String,
    snippet_id: String,
    score: f64,
    text: String,
    start: Option<u64>,
    end: Option<u64>,
    unit: Option<OffsetUnit>,
}

/// A row of `texts.parquet`.
#[derive(Serialize, Deserialize)]
struct TextRow {
    digest: String,
    text: String,
}

/// Writes `observations.parquet`: one row a probe, hits as a list of structs.
pub struct ObservationsWriter(TableWriter<Row>);

impl ObservationsWriter {
    /// Begins a file in a folder that exists.
    ///
    /// # Errors
    /// As [`TableWriter::create`].
    pub fn create(path: &Path) -> Result<Self, RecordError> {
        TableWriter::create(path).map(Self)
    }

    /// Adds observations.
    ///
    /// # Errors
    /// As [`TableWriter::push`].
    pub fn push(&mut self, observations: &[Observation]) -> Result<(), RecordError> {
        let mut rows = observations.iter().map(Row::of);
        rows.try_for_each(|row| self.0.push(row))
    }

    /// Puts the file in place.
    ///
    /// # Errors
    /// As [`TableWriter::finish`].
    pub fn finish(self) -> Result<(), RecordError> {
        self.0.finish()
    }
}

/// Reads `observations.parquet`.
///
/// # Errors
/// As [`read_table`], and if a value is not one that [`write_observations`] writes.
pub fn read_observations(path: &Path) -> Result<Vec<Observation>, RecordError> {
    let rows: Vec<Row> = read_table(path)?;
    let read = |(index, row): (usize, Row)| {
        row.observation().map_err(|problem| RecordError::Value {
            path: path.to_owned(),
            row: index + 1,
            problem,
        })
    };
    rows.into_iter().enumerate().map(read).collect()
}

/// Writes `texts.parquet`: each distinct text once, by digest.
pub struct TextsWriter(TableWriter<TextRow>);

impl TextsWriter {
    /// Begins a file in a folder that exists.
    ///
    /// # Errors
    /// As [`TableWriter::create`].
    pub fn create(path: &Path) -> Result<Self, RecordError> {
        TableWriter::create(path).map(Self)
    }

    /// Adds a text, which must not be there yet.
    ///
    /// # Errors
    /// As [`TableWriter::push`].
    pub fn push(&mut self, digest: &Digest, text: &str) -> Result<(), RecordError> {
        self.0.push(TextRow {
            digest: digest.to_string(),
            text: text.to_owned(),
        })
    }

    /// Puts the file in place.
    ///
    /// # Errors
    /// As [`TableWriter::finish`].
    pub fn finish(self) -> Result<(), RecordError> {
        self.0.finish()
    }
}

/// Reads `texts.parquet` and checks every digest.
///
/// # Errors
/// As [`read_table`], and if a text does not have the digest beside it.
pub fn read_texts(path: &Path) -> Result<Texts, RecordError> {
    let rows: Vec<TextRow> = read_table(path)?;
    let read = |(index, row): (usize, TextRow)| {
        let digest = Digest::of(&row.text);
        if digest.to_string() == row.digest {
            return Ok((digest, row.text));
        }
        Err(RecordError::Value {
            path: path.to_owned(),
            row: index + 1,
            problem: "the text does not have the digest beside it".to_owned(),
        })
    };
    rows.into_iter().enumerate().map(read).collect()
}

impl Row {
    fn of(seen: &Observation) -> Self {
        let mut row = Self {
            target: seen.target.to_string(),
            question: seen.question.to_string(),
            form: seen.form.0,
            seed: seen.seed.0,
            k: seen.k.get() as u64,
            purpose: seen.purpose,
            outcome: String::new(),
            error_class: None,
            error_stage: None,
            error_message: None,
            attempts: seen.attempts,
            elapsed_ms: seen.elapsed_ms,
            cold_start: seen.cold_start,
            cached: seen.cached,
            status: seen.status,
            resolve_ms: seen.timing.resolve_ms,
            connect_ms: seen.timing.connect_ms,
            headers_ms: seen.timing.headers_ms,
            tffb_ms: seen.timing.tffb_ms,
            tusable_ms: seen.timing.tusable_ms,
            tfinal_ms: seen.timing.tfinal_ms,
            decode_ms: seen.timing.decode_ms,
            answer: None,
            citations: Vec::new(),
            hits: Vec::new(),
        };
        match &seen.outcome {
            Outcome::Scored {
                hits,
                answer,
                citations,
            } => {
                "scored".clone_into(&mut row.outcome);
                row.citations.clone_from(citations);
                row.answer = answer.map(|digest| digest.to_string());
                row.hits = hits.iter().map(HitRow::of).collect();
            }
            Outcome::Failed {
                class,
                stage,
                message,
            } => {
                "failed".clone_into(&mut row.outcome);
                row.error_class = Some(class.clone());
                row.error_stage = Some(*stage);
                row.error_message = Some(message.clone());
            }
            Outcome::Skipped { reason } => {
                "skipped".clone_into(&mut row.outcome);
                row.error_message = Some(reason.clone());
            }
        }
        row
    }

    fn observation(self) -> Result<Observation, String> {
        let needed =
            |value: Option<String>, column: &str| value.ok_or_else(|| format!("{column} is null"));
        let outcome = match self.outcome.as_str() {
            "scored" => Outcome::Scored {
                hits: self
                    .hits
                    .into_iter()
                    .map(HitRow::hit)
                    .collect::<Result<_, _>>()?,
                answer: self
                    .answer
                    .map(|digest| digest.parse())
                    .transpose()
                    .map_err(|error: crate::ids::NotADigest| error.to_string())?,
                citations: self.citations,
            },
            "failed" => Outcome::Failed {
                class: needed(self.error_class, "error_class")?,
                stage: self.error_stage.ok_or("error_stage is null")?,
                message: needed(self.error_message, "error_message")?,
            },
            "skipped" => Outcome::Skipped {
                reason: needed(self.error_message, "error_message")?,
            },
            other => {
                return Err(format!(
                    "outcome `{other}` is none of scored, failed, skipped"
                ));
            }
        };
        Ok(Observation {
            target: TargetName::new(self.target),
            question: QuestionId::new(self.question),
            form: Form(self.form),
            seed: Seed(self.seed),
            k: usize::try_from(self.k)
                .ok()
                .and_then(Cutoff::new)
                .ok_or("k is not a positive count")?,
            purpose: self.purpose,
            outcome,
            attempts: self.attempts,
            elapsed_ms: self.elapsed_ms,
            timing: Timing {
                resolve_ms: self.resolve_ms,
                connect_ms: self.connect_ms,
                headers_ms: self.headers_ms,
                tffb_ms: self.tffb_ms,
                tusable_ms: self.tusable_ms,
                tfinal_ms: self.tfinal_ms,
                decode_ms: self.decode_ms,
            },
            status: self.status,
            cached: self.cached,
            cold_start: self.cold_start,
        })
    }
}

impl HitRow {
    fn of(hit: &HitRecord) -> Self {
        Self {
            doc_id: hit.section.doc_id.to_string(),
            section_id: hit.section.section_id.to_string(),
            snippet_id: hit.snippet_id.clone(),
            score: hit.score,
            text: hit.text.to_string(),
            start: hit.offsets.map(|offsets| offsets.start as u64),
            end: hit.offsets.map(|offsets| offsets.end as u64),
            unit: hit.offsets.map(|offsets| offsets.unit),
        }
    }

    fn hit(self) -> Result<HitRecord, String> {
        let index = |value: u64| usize::try_from(value).map_err(|error| error.to_string());
        let offsets = match (self.start, self.end, self.unit) {
            (Some(start), Some(end), Some(unit)) => Some(Offsets {
                start: index(start)?,
                end: index(end)?,
                unit,
            }),
            (None, None, None) => None,
            _ => return Err("start, end and unit go together".to_owned()),
        };
        let text = self
            .text
            .parse()
            .map_err(|error: crate::ids::NotADigest| error.to_string())?;
        Ok(HitRecord {
            section: SectionKey::new(self.doc_id, self.section_id),
            snippet_id: self.snippet_id,
            score: self.score,
            text,
            offsets,
        })
    }
}
