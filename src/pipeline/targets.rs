//! From a target's settings to a target that can be asked.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::earlier::Recorded;
use crate::embed::{EmbedError, EmbedderId, Endpoint, VectorTable};
use crate::goldset::{self, GoldSet, GoldSetError, Section};
use crate::ids::{Digest, TargetName};
use crate::net::{Connection, ConnectionSettings};
use crate::pipeline::prepare::referee;
use crate::pipeline::{Occasion, PipelineError};
use crate::plan::{
    ChromaSpec, ElasticSpec, EmbeddedSpec, EmbeddingSpec, HttpSpec, PgvectorSpec, Policy,
    QdrantSpec, TargetSettings, TargetSpec,
};
use crate::report::{self, AskedIn, Probes};
use crate::target::chroma::Chroma;
use crate::target::elastic::Elastic;
use crate::target::embedded::{self, Embedded, Lengths, Settings, Skew};
use crate::target::http::{Http, ReplySchema};
use crate::target::pgvector::Pgvector;
use crate::target::qdrant::Qdrant;
use crate::target::store::{GivenVectors, QueryVectors};
use crate::target::{Target, Texts};

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
    /// A target of a saved run.
    Recorded(Box<Recorded>),
    /// A service, with the schema of its replies.
    Http {
        /// How it is asked.
        spec: Box<HttpSpec>,
        /// What every reply must satisfy.
        schema: Option<ReplySchema>,
    },
}

/// A policy's target by its name.
///
/// # Errors
/// If there is none.
pub(super) fn named<'a>(policy: &'a Policy, target: &str) -> Result<&'a TargetSpec, PipelineError> {
    let mut specs = policy.targets.iter();
    let found = specs.find(|spec| spec.name.as_str() == target);
    found.ok_or_else(|| {
        let known = policy.targets.iter().map(|spec| spec.name.as_str());
        PipelineError::NoTarget {
            target: target.to_owned(),
            known: known.collect::<Vec<_>>().join(", "),
        }
    })
}

/// Reads what the targets need from disk.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn prepare(
    specs: &[TargetSpec],
    gold: &GoldSet,
    gold_digest: Digest,
) -> Result<Vec<Prepared>, PipelineError> {
    let mut runs = Runs::new();
    let one = |spec: &TargetSpec| match &spec.settings {
        TargetSettings::Embedded(embedded) => {
            Ok(Prepared::Embedded(embedded_settings(embedded, gold)?))
        }
        TargetSettings::Pgvector(spec) => Ok(Prepared::Pgvector(spec.clone())),
        TargetSettings::Chroma(spec) => Ok(Prepared::Chroma(spec.clone())),
        TargetSettings::Qdrant(spec) => Ok(Prepared::Qdrant(spec.clone())),
        TargetSettings::Elastic(spec) => Ok(Prepared::Elastic(spec.clone())),
        TargetSettings::Http(http) => prepare_http(http),
        TargetSettings::Recorded(recorded) => {
            let (probes, texts) = saved(&mut runs, &recorded.run)?;
            probes.asked_about(gold_digest)?;
            let texts = Arc::clone(texts);
            let target = Recorded::new(&spec.name, &recorded.side, &recorded.run, probes, texts)?;
            Ok(Prepared::Recorded(Box::new(target)))
        }
    };
    specs.iter().map(one).collect()
}

fn prepare_http(spec: &HttpSpec) -> Result<Prepared, PipelineError> {
    Ok(Prepared::Http {
        spec: Box::new(spec.clone()),
        schema: spec.schema.as_deref().map(ReplySchema::read).transpose()?,
    })
}

/// A target that is asked with given vectors instead of embedding questions. Only an index in this
/// process needs the gold set and the referee.
///
/// # Errors
/// If it takes no vector, or cannot be built.
pub(super) async fn asked_with(
    policy: &Policy,
    spec: &TargetSpec,
    given: &Arc<GivenVectors>,
    occasion: &Occasion,
) -> Result<Arc<dyn Target>, PipelineError> {
    let takes_none = |problem| PipelineError::TakesNoVector {
        target: spec.name.clone(),
        problem,
    };
    let nobodys = Arc::new(VectorTable::new("given"));
    let prepared = match &spec.settings {
        TargetSettings::Embedded(embedded) => {
            let gold = goldset::load(&policy.gold)?;
            let settings = embedded_settings(embedded, &gold)?;
            let mut texts = embedded::texts(&gold.corpus, &settings)?;
            texts.sort_unstable();
            texts.dedup();
            let vectors = Arc::new(referee(&policy.referee, &gold)?.vectors(&texts).await?);
            let prepared = Prepared::Embedded(settings);
            return prepared.build(&spec.name, &gold.corpus, &vectors, Some(given), occasion);
        }
        TargetSettings::Pgvector(spec) => Prepared::Pgvector(spec.clone()),
        TargetSettings::Chroma(spec) => Prepared::Chroma(spec.clone()),
        TargetSettings::Qdrant(spec) => Prepared::Qdrant(spec.clone()),
        TargetSettings::Elastic(spec) => Prepared::Elastic(spec.clone()),
        TargetSettings::Http(http) if http.settings.wants_vector() => prepare_http(http)?,
        TargetSettings::Http(_) => return Err(takes_none("it is sent the question's words only")),
        TargetSettings::Recorded(_) => return Err(takes_none("it is a saved run")),
    };
    prepared.build(&spec.name, &[], &nobodys, Some(given), occasion)
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
            | Self::Pgvector(_)
            | Self::Chroma(_)
            | Self::Qdrant(_)
            | Self::Elastic(_)
            // What it retrieved is known, and would have to be embedded after it was asked anyway.
            | Self::Recorded(_) => Ok(Vec::new()),
        }
    }

    /// The run in which it was asked, if that is not this one.
    pub(super) fn asked_in(&self) -> Option<AskedIn> {
        match self {
            Self::Recorded(recorded) => Some(recorded.asked_in().clone()),
            _ => None,
        }
    }

    /// The target, ready to be asked: with the given vectors, if there are such.
    ///
    /// # Errors
    /// If it cannot be built, or cannot even be called.
    pub(super) fn build(
        self,
        name: &TargetName,
        corpus: &[Section],
        vectors: &Arc<VectorTable>,
        given: Option<&Arc<GivenVectors>>,
        occasion: &Occasion,
    ) -> Result<Arc<dyn Target>, PipelineError> {
        let cannot_call = |source| PipelineError::Connection {
            target: name.clone(),
            source,
        };
        match self {
            Self::Embedded(settings) => {
                let (vectors, built_at) = (Arc::clone(vectors), &occasion.started_at);
                let index = Embedded::build(name.clone(), corpus, &settings, vectors, built_at)?;
                Ok(Arc::new(match given {
                    Some(given) => index.asked_with(QueryVectors::Given(Arc::clone(given))),
                    None => index,
                }))
            }
            Self::Pgvector(spec) => {
                let vectors = query_vectors(spec.embedding.as_ref(), vectors, given)?;
                let target = Pgvector::new(name.clone(), spec.settings, vectors);
                Ok(Arc::new(target.map_err(cannot_call)?))
            }
            Self::Chroma(spec) => {
                let vectors = query_vectors(spec.embedding.as_ref(), vectors, given)?;
                let target = Chroma::new(name.clone(), spec.settings, vectors);
                Ok(Arc::new(target.map_err(cannot_call)?))
            }
            Self::Qdrant(spec) => Ok(Arc::new(Qdrant::new(
                name.clone(),
                spec.settings,
                connection(name, &spec.connection)?,
                query_vectors(spec.embedding.as_ref(), vectors, given)?,
            ))),
            Self::Elastic(spec) => Ok(Arc::new(Elastic::new(
                name.clone(),
                spec.settings,
                connection(name, &spec.connection)?,
                query_vectors(spec.embedding.as_ref(), vectors, given)?,
            ))),
            Self::Http { spec, schema } => {
                let wanted = spec.settings.wants_vector();
                let vectors =
                    wanted.then(|| query_vectors(spec.embedding.as_ref(), vectors, given));
                let vectors = vectors.transpose()?;
                let http = Http::new(name.clone(), spec.settings, schema, vectors);
                Ok(Arc::new(http.map_err(cannot_call)?))
            }
            Self::Recorded(recorded) => Ok(Arc::new(*recorded)),
        }
    }
}

const SETTINGS: &str = "ragstone 2026 target settings v1";

/// Of everything on this side that decides what a target is asked: its settings, and who makes the
/// vectors of the questions.
pub(super) fn settings_digest(spec: &TargetSpec, referee: &EmbedderId) -> Digest {
    let EmbedderId { kind, model, dim } = referee;
    Digest::derive(SETTINGS, format!("{} {kind:?} {dim} {model}", spec.digest))
}

/// Saved runs, each read once however many of its targets are named.
type Runs = BTreeMap<PathBuf, (Probes, Arc<Texts>)>;

fn saved<'a>(runs: &'a mut Runs, folder: &Path) -> Result<&'a (Probes, Arc<Texts>), PipelineError> {
    match runs.entry(folder.to_owned()) {
        Entry::Occupied(found) => Ok(found.into_mut()),
        Entry::Vacant(place) => {
            let mut probes = report::load_probes(folder)?;
            let texts = Arc::new(std::mem::take(&mut probes.texts));
            Ok(place.insert((probes, texts)))
        }
    }
}

fn connection(
    name: &TargetName,
    settings: &ConnectionSettings,
) -> Result<Connection, PipelineError> {
    Connection::new(settings).map_err(|source| PipelineError::Connection {
        target: name.clone(),
        source,
    })
}

/// The vectors that are given, or those of a target's own model, or else the referee's.
fn query_vectors(
    embedding: Option<&EmbeddingSpec>,
    referee: &Arc<VectorTable>,
    given: Option<&Arc<GivenVectors>>,
) -> Result<QueryVectors, PipelineError> {
    if let Some(given) = given {
        return Ok(QueryVectors::Given(Arc::clone(given)));
    }
    let Some(own) = embedding else {
        return Ok(QueryVectors::Referee(Arc::clone(referee)));
    };
    Ok(QueryVectors::of_endpoint(query_endpoint(own)?))
}

/// The service of a target's own model.
pub(super) fn query_endpoint(own: &EmbeddingSpec) -> Result<Endpoint, EmbedError> {
    Endpoint::new(&own.url, own.model.clone(), own.key_env.clone())
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
        filter: spec.filter.clone(),
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
