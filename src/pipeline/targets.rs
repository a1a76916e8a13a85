//! From a target's settings to a target that can be asked.

use std::sync::Arc;

use crate::embed::{EmbedError, Endpoint, VectorTable};
use crate::goldset::{self, GoldSet, GoldSetError};
use crate::ids::TargetName;
use crate::pipeline::{Occasion, PipelineError};
use crate::plan::{
    ChromaSpec, EmbeddedSpec, EmbeddingSpec, PgvectorSpec, TargetSettings, TargetSpec,
};
use crate::target::Target;
use crate::target::chroma::Chroma;
use crate::target::embedded::{self, Embedded, Lengths, Settings, Skew};
use crate::target::pgvector::Pgvector;
use crate::target::store::QueryVectors;

/// A target whose files are read and which only lacks vectors.
pub(super) enum Prepared {
    /// An index in this process.
    Embedded(Settings),
    /// A table of a PostgreSQL server.
    Pgvector(PgvectorSpec),
    /// A collection of a Chroma server.
    Chroma(ChromaSpec),
}

/// Reads what the targets need from disk.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn prepare(
    specs: &[TargetSpec],
    gold: &GoldSet,
) -> Result<Vec<Prepared>, PipelineError> {
    let one = |spec: &TargetSpec| match &spec.settings {
        TargetSettings::Embedded(embedded) => {
            Ok(Prepared::Embedded(embedded_settings(embedded, gold)?))
        }
        TargetSettings::Pgvector(spec) => Ok(Prepared::Pgvector(spec.clone())),
        TargetSettings::Chroma(spec) => Ok(Prepared::Chroma(spec.clone())),
    };
    specs.iter().map(one).collect()
}

impl Prepared {
    /// The texts that the target will want vectors for.
    ///
    /// # Errors
    /// If a skew names what is not there.
    pub(super) fn texts(&self, gold: &GoldSet) -> Result<Vec<String>, PipelineError> {
        match self {
            Self::Embedded(settings) => Ok(embedded::texts(&gold.corpus, settings)?),
            Self::Pgvector(_) | Self::Chroma(_) => Ok(Vec::new()),
        }
    }

    /// The target, ready to be asked.
    ///
    /// # Errors
    /// If it cannot be built, or cannot even be called.
    pub(super) fn build(
        self,
        name: &TargetName,
        gold: &GoldSet,
        vectors: &Arc<VectorTable>,
        occasion: &Occasion,
    ) -> Result<Arc<dyn Target>, PipelineError> {
        let cannot_call = |source| PipelineError::Connection {
            target: name.clone(),
            source,
        };
        match self {
            Self::Embedded(settings) => Ok(Arc::new(Embedded::build(
                name.clone(),
                &gold.corpus,
                &settings,
                Arc::clone(vectors),
                &occasion.started_at,
            )?)),
            Self::Pgvector(spec) => {
                let vectors = query_vectors(spec.embedding, vectors)?;
                let target = Pgvector::new(name.clone(), spec.settings, vectors);
                Ok(Arc::new(target.map_err(cannot_call)?))
            }
            Self::Chroma(spec) => {
                let vectors = query_vectors(spec.embedding, vectors)?;
                let target = Chroma::new(name.clone(), spec.settings, vectors);
                Ok(Arc::new(target.map_err(cannot_call)?))
            }
        }
    }
}

/// The vectors that a store is asked with: those of its own model's service, or the referee's.
fn query_vectors(
    embedding: Option<EmbeddingSpec>,
    referee: &Arc<VectorTable>,
) -> Result<QueryVectors, EmbedError> {
    match embedding {
        None => Ok(QueryVectors::Referee(Arc::clone(referee))),
        Some(spec) => {
            let endpoint = Endpoint::new(&spec.url, spec.model, spec.key_env)?;
            Ok(QueryVectors::of_endpoint(endpoint))
        }
    }
}

fn embedded_settings(spec: &EmbeddedSpec, gold: &GoldSet) -> Result<Settings, GoldSetError> {
    let older_editions = spec
        .older_editions
        .as_deref()
        .map(goldset::read_sections)
        .transpose()?
        .unwrap_or_default();
    Ok(Settings {
        metric: spec.metric,
        analyzer: spec.analyzer,
        ranking: spec.ranking,
        snippets: spec.snippets.unwrap_or(gold.manifest.snippets),
        skew: Skew {
            missing: spec.missing.clone(),
            edited: spec.edited.clone(),
            duplicated: spec.duplicated.clone(),
            older_editions,
            lengths: if spec.unnormalised {
                Lengths::Uneven
            } else {
                Lengths::Unit
            },
        },
    })
}
