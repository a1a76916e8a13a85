//! From a target's settings to a target that can be asked.

use std::sync::Arc;

use crate::embed::{Endpoint, VectorTable};
use crate::goldset::{self, GoldSet, GoldSetError};
use crate::ids::TargetName;
use crate::net::Connection;
use crate::pipeline::{Occasion, PipelineError};
use crate::plan::{
    ChromaSpec, ElasticSpec, EmbeddedSpec, EmbeddingSpec, HttpSpec, PgvectorSpec, QdrantSpec,
    TargetSettings, TargetSpec,
};
use crate::target::Target;
use crate::target::chroma::Chroma;
use crate::target::elastic::Elastic;
use crate::target::embedded::{self, Embedded, Lengths, Settings, Skew};
use crate::target::http::{Http, ReplySchema};
use crate::target::pgvector::Pgvector;
use crate::target::qdrant::Qdrant;
use crate::target::store::QueryVectors;

/// A target whose files are read and which only lacks vectors.
pub(super) enum Prepared {
    /// An index in this process.
    Embedded(Settings),
    /// A table of a PostgreSQL server.
    Pgvector(Box<PgvectorSpec>),
    /// A collection of a Chroma server.
    Chroma(Box<ChromaSpec>),
    /// A Qdrant collection.
    Qdrant(QdrantSpec),
    /// An Elasticsearch or OpenSearch index.
    Elastic(ElasticSpec),
    /// A service, with the schema of its replies.
    Http {
        /// How it is asked.
        spec: Box<HttpSpec>,
        /// What every reply must satisfy.
        schema: Option<ReplySchema>,
    },
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
        TargetSettings::Qdrant(spec) => Ok(Prepared::Qdrant(spec.clone())),
        TargetSettings::Elastic(spec) => Ok(Prepared::Elastic(spec.clone())),
        TargetSettings::Http(http) => Ok(Prepared::Http {
            spec: http.clone(),
            schema: http.schema.as_deref().map(ReplySchema::read).transpose()?,
        }),
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
            Self::Http { .. }
            | Self::Qdrant(_)
            | Self::Elastic(_)
            | Self::Pgvector(_)
            | Self::Chroma(_) => Ok(Vec::new()),
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
            Self::Qdrant(spec) => Ok(Arc::new(Qdrant::new(
                name.clone(),
                spec.settings,
                Connection::new(&spec.connection).map_err(cannot_call)?,
                query_vectors(spec.embedding.as_ref(), vectors)?,
            ))),
            Self::Elastic(spec) => Ok(Arc::new(Elastic::new(
                name.clone(),
                spec.settings,
                Connection::new(&spec.connection).map_err(cannot_call)?,
                query_vectors(spec.embedding.as_ref(), vectors)?,
            ))),
            Self::Pgvector(spec) => {
                let vectors = query_vectors(spec.embedding.as_ref(), vectors)?;
                let target = Pgvector::new(name.clone(), spec.settings, vectors);
                Ok(Arc::new(target.map_err(cannot_call)?))
            }
            Self::Chroma(spec) => {
                let vectors = query_vectors(spec.embedding.as_ref(), vectors)?;
                let target = Chroma::new(name.clone(), spec.settings, vectors);
                Ok(Arc::new(target.map_err(cannot_call)?))
            }
            Self::Http { spec, schema } => {
                let wanted = spec.settings.wants_vector();
                let vectors = wanted.then(|| query_vectors(spec.embedding.as_ref(), vectors));
                let vectors = vectors.transpose()?;
                let http = Http::new(name.clone(), spec.settings, schema, vectors);
                Ok(Arc::new(http.map_err(cannot_call)?))
            }
        }
    }
}

/// The vectors of a target's own model, or else the referee's.
fn query_vectors(
    embedding: Option<&EmbeddingSpec>,
    referee: &Arc<VectorTable>,
) -> Result<QueryVectors, PipelineError> {
    let Some(own) = embedding else {
        return Ok(QueryVectors::Referee(Arc::clone(referee)));
    };
    let endpoint = Endpoint::new(&own.url, own.model.clone(), own.key_env.clone())?;
    Ok(QueryVectors::of_endpoint(endpoint))
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
