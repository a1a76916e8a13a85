//! A finished run as it is exported.

use std::collections::HashMap;
use std::path::Path;

use crate::exchange::run::RunExportError;
use crate::exchange::run::choice::hits;
use crate::exchange::{DocumentNames, Spelling};
use crate::goldset::{self, GoldSet, Question};
use crate::ids::{Digest, Form, QuestionId, SectionKey};
use crate::measure::{CellMetrics, MetricTable};
use crate::replay::{Observation, Outcome};
use crate::report::{FolderError, Probes, QuestionRecord, load_probes};

/// The probes of a run, with their numbers if it was judged, and with the gold set if that is at hand.
#[derive(Debug)]
pub struct Source {
    pub(super) probes: Probes,
    /// Of the same probes in the same order.
    table: Option<MetricTable>,
    pub(super) gold: Option<GoldSet>,
    pub(super) names: DocumentNames,
}

impl Source {
    /// Reads a run folder, judged or not, and the gold set if it is named.
    ///
    /// # Errors
    /// If either cannot be read, if the gold set is not the one that was asked, or if two sections would have one
    /// name.
    pub fn load(run: &Path, gold: Option<&Path>) -> Result<Self, RunExportError> {
        let probes = load_probes(run)?;
        let metrics = run.join("metrics.parquet");
        let table = metrics.exists().then(|| MetricTable::read(&metrics));
        let table = table.transpose().map_err(FolderError::from)?;
        let gold = gold.map(goldset::load).transpose()?;
        Self::of(probes, table, gold)
    }

    fn of(
        probes: Probes,
        table: Option<MetricTable>,
        gold: Option<GoldSet>,
    ) -> Result<Self, RunExportError> {
        if let Some(gold) = &gold {
            let (asked, found) = (probes.record.gold_digest, gold.digest());
            if asked != found {
                return Err(RunExportError::OtherGold { asked, found });
            }
        }
        if let Some(table) = &table {
            let same = |(cell, seen): (&CellMetrics, &Observation)| {
                cell.target == seen.target
                    && cell.question == seen.question
                    && (cell.form, cell.seed) == (seen.form, seen.seed)
                    && (cell.k, cell.purpose) == (seen.k.get(), seen.purpose)
            };
            let all = table.cells.len() == probes.observations.len();
            if !all || !table.cells.iter().zip(&probes.observations).all(same) {
                return Err(RunExportError::OtherMetrics);
            }
        }
        for digest in probes.observations.iter().flat_map(texts) {
            if !probes.texts.contains_key(&digest) {
                return Err(RunExportError::MissingText { digest });
            }
        }
        let names = names(&probes, gold.as_ref(), Spelling::AsIs)?;
        Ok(Self {
            probes,
            table,
            gold,
            names,
        })
    }

    /// Each probe with its numbers, in the order of the run.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&Observation, Option<&CellMetrics>)> {
        let observations = self.probes.observations.iter().enumerate();
        let of = |index: usize| self.table.as_ref().map(|table| &table.cells[index]);
        observations.map(move |(index, seen)| (seen, of(index)))
    }

    /// A text that came back.
    pub(super) fn text(&self, digest: &Digest) -> &str {
        &self.probes.texts[digest]
    }
}

/// What was asked, by question.
pub(super) struct Questions<'a> {
    records: HashMap<&'a QuestionId, &'a QuestionRecord>,
    gold: HashMap<&'a QuestionId, &'a Question>,
}

impl<'a> Questions<'a> {
    pub(super) fn of(source: &'a Source) -> Self {
        let records = source.probes.record.questions.iter();
        let gold = source.gold.iter().flat_map(|gold| &gold.questions);
        Self {
            records: records.map(|record| (&record.id, record)).collect(),
            gold: gold.map(|question| (&question.id, question)).collect(),
        }
    }

    pub(super) fn record(&self, id: &QuestionId) -> Option<&'a QuestionRecord> {
        self.records.get(id).copied()
    }

    /// The wording that a probe used.
    pub(super) fn wording(&self, id: &QuestionId, form: Form) -> &'a str {
        let forms = self.record(id).map(|record| record.forms.as_slice());
        let wording = forms.and_then(|forms| forms.get(usize::from(form.0)));
        wording.map_or("", String::as_str)
    }

    /// The answer that is expected, if the gold set is at hand and has one.
    pub(super) fn reference(&self, id: &QuestionId) -> Option<&'a str> {
        self.gold.get(id)?.reference.as_deref()
    }
}

/// Digests of all texts of a probe.
fn texts(seen: &Observation) -> impl Iterator<Item = Digest> {
    let answer = match &seen.outcome {
        Outcome::Scored { answer, .. } => *answer,
        Outcome::Failed { .. } | Outcome::Skipped { .. } => None,
    };
    hits(seen).iter().map(|hit| hit.text).chain(answer)
}

impl Source {
    /// What sections are called in TREC's files.
    ///
    /// # Errors
    /// If two would have one name without white space.
    pub(super) fn trec_names(&self) -> Result<DocumentNames, RunExportError> {
        names(&self.probes, self.gold.as_ref(), Spelling::Trec)
    }
}

/// By the corpus, and without it by what was retrieved and what is sought.
fn names(
    probes: &Probes,
    gold: Option<&GoldSet>,
    spelling: Spelling,
) -> Result<DocumentNames, RunExportError> {
    let of_corpus: Vec<SectionKey> = gold
        .iter()
        .flat_map(|gold| &gold.corpus)
        .map(goldset::Section::key)
        .collect();
    let sought = probes.record.questions.iter();
    let sought = sought.flat_map(|question| &question.targets);
    let hits = probes.observations.iter().flat_map(hits);
    let seen = hits.map(|hit| &hit.section).chain(sought);
    Ok(DocumentNames::of(seen.chain(&of_corpus), spelling)?)
}
