//! The rows by whose vectors a side is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::export::{Chunk, Metadata};
use crate::ids::{Digest, Form, QuestionId, SectionKey, Seed};
use crate::pipeline::PipelineError;
use crate::pipeline::retrieval::Rows;
use crate::target::Query;
use crate::target::store::{GivenVectors, RowFilter};
use crate::units::Cutoff;

/// The form of a question that is asked with the row's own vector.
pub(super) const OWN: Form = Form::ORIGINAL;
/// The form that is asked with twice that vector.
pub(super) const SCALED: Form = Form(1);

/// Some rows of an export: those whose ids have the smallest digests, so that two exports of the
/// same rows give the same sample, in whatever order they come.
#[derive(Clone, Debug)]
pub struct Sample {
    pub(super) rows: Vec<SampledRow>,
    pub(super) dim: usize,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct SampledRow {
    pub(super) id: String,
    pub(super) vector: Arc<[f32]>,
    text: String,
    metadata: Map<String, Value>,
    section: Option<SectionKey>,
}

impl Sample {
    /// Rows that are asked for, unless told otherwise: enough to see a recall that is 5 % lower.
    pub const ROWS: usize = 64;

    /// Chooses up to `n` rows that have a vector of the usual length, without NaN and infinity,
    /// which is not all zeros. The usual length is that of most rows. Memory: `n` rows for each
    /// length there is.
    ///
    /// # Errors
    /// If the rows cannot be read, or none of them has such a vector.
    pub fn choose(rows: &dyn Rows, n: usize) -> Result<Self, PipelineError> {
        let mut by_dim: BTreeMap<usize, (u64, BTreeMap<Digest, SampledRow>)> = BTreeMap::new();
        rows.each(&mut |chunk| {
            for index in 0..chunk.len() {
                let Some((id, vector)) = usable(chunk, index) else {
                    continue;
                };
                let (count, kept) = by_dim.entry(vector.len()).or_default();
                *count += 1;
                let digest = Digest::of(id);
                if kept.len() >= n && kept.last_key_value().is_none_or(|(last, _)| digest > *last) {
                    continue;
                }
                let row = SampledRow::of(chunk, index, id, vector);
                kept.entry(digest)
                    .and_modify(|before| before.keep_lesser(&row))
                    .or_insert(row);
                if kept.len() > n {
                    kept.pop_last();
                }
            }
        })?;
        let most = by_dim.into_iter().max_by_key(|(_, (count, _))| *count);
        let Some((dim, (_, kept))) = most.filter(|(_, (_, kept))| !kept.is_empty()) else {
            return Err(PipelineError::NothingToAsk);
        };
        Ok(Self {
            rows: kept.into_values().collect(),
            dim,
        })
    }

    /// The vectors that a target is to be asked with: each row's own, and twice that.
    pub fn vectors(&self) -> Arc<GivenVectors> {
        let of = |row: &SampledRow| {
            let twice: Vec<f32> = row.vector.iter().map(|number| 2.0 * number).collect();
            let question = QuestionId::new(&row.id);
            [
                ((question.clone(), OWN), Arc::clone(&row.vector)),
                ((question, SCALED), Arc::from(twice)),
            ]
        };
        Arc::new(self.rows.iter().flat_map(of).collect())
    }

    /// The questions of one form.
    pub(super) fn queries(&self, form: Form, repeat: bool, k: Cutoff) -> Vec<Query> {
        let query = |row: &SampledRow| Query {
            question: QuestionId::new(&row.id),
            form,
            seed: Seed(1),
            k,
            text: row.text.clone(),
            repeat,
            warm_up: false,
        };
        self.rows.iter().map(query).collect()
    }
}

impl SampledRow {
    fn of(chunk: &Chunk, row: usize, id: &str, vector: &[f32]) -> Self {
        let text = chunk.texts.as_ref().and_then(|texts| texts.get(row));
        Self {
            id: id.to_owned(),
            vector: vector.into(),
            text: text.unwrap_or_default().to_owned(),
            metadata: metadata(chunk, row),
            section: section(chunk, row),
        }
    }

    /// Of two rows with one id, the same whatever their order.
    fn keep_lesser(&mut self, other: &Self) {
        let bits = |row: &Self| row.vector.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        if bits(other) < bits(self) {
            *self = other.clone();
        }
    }

    pub(super) fn passes(&self, filter: &RowFilter) -> bool {
        filter.passes(&self.metadata, self.section.as_ref())
    }
}

/// A row's id and vector, if it can be asked with.
fn usable(chunk: &Chunk, row: usize) -> Option<(&str, &[f32])> {
    let vector = chunk.vectors.as_ref()?.get(row)?;
    let is_sound = vector.iter().all(|number| (2.0 * number).is_finite())
        && vector.iter().any(|number| *number != 0.0);
    Some((chunk.ids.get(row)?, vector)).filter(|_| is_sound)
}

/// What an export keeps beside a row's text; nothing if that is no object.
pub(super) fn metadata(chunk: &Chunk, row: usize) -> Map<String, Value> {
    match &chunk.metadata {
        Metadata::None => Map::new(),
        Metadata::Json(written) => {
            let object = written.get(row).map(serde_json::from_str);
            object.and_then(Result::ok).unwrap_or_default()
        }
        Metadata::Objects(objects) => objects[row].clone(),
    }
}

pub(super) fn section(chunk: &Chunk, row: usize) -> Option<SectionKey> {
    let sections = chunk.sections.as_ref()?;
    let (document, section) = (sections.doc_ids.get(row)?, sections.section_ids.get(row)?);
    Some(SectionKey::new(document, section))
}
