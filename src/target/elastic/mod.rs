//! Elasticsearch and OpenSearch, over their common REST interface and where the two differ.
//!
//! How scores are bent back to similarities and distances, `similarity.rs` says; scores of words
//! and of fused rankings are taken as they are. The contract comes from the mapping, the settings
//! and the health of the one index that the name stands for.

mod analysis;
mod index;
mod question;
mod reply;
mod rows;
mod similarity;

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use tokio::sync::RwLock;

use crate::ids::TargetName;
use crate::net::{Attempt, Connection, Failure, Stage};
use crate::parity::{Contract, ContractField};
use crate::target::http::{Escaping, Placeholder, Template};
use crate::target::store::shape::{finite, id, text, unexpected, vector};
use crate::target::store::{Fields, Filter, QueryVectors};
use crate::target::{
    Analysis, Export, Hit, Listing, Locality, Page, Query, Reply, StoredRow, Target, Working,
};

pub use question::{Flavour, Mode};

use index::Index;
use similarity::Scale;

/// From this version on, Elasticsearch gives vectors out only if asked to.
const HIDES_VECTORS: (u64, u64) = (9, 2);

/// How an index is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which server, if it is not to be asked.
    pub flavour: Option<Flavour>,
    /// The index, or an alias of exactly one.
    pub index: String,
    /// Which searches rank; none where the body is the user's own.
    pub mode: Option<Mode>,
    /// The user's own body.
    pub body: Option<Template>,
    /// Candidates that each shard looks at; never fewer than the hits asked for.
    pub num_candidates: Option<usize>,
    /// How deep each ranking goes before fusion; never less than the hits asked for.
    pub rank_window: Option<usize>,
    /// OpenSearch's search pipeline.
    pub pipeline: Option<String>,
    /// The field that holds the row's id, if that is not `_id`.
    pub id_field: Option<String>,
    /// Fields of the source.
    pub fields: Fields,
    /// What production asks for beside nearness; not for a body of the user's own.
    pub filter: Filter,
    /// Whether rows are listed.
    pub list_rows: bool,
}

/// What was learnt of the server and its index.
#[derive(Clone, Debug)]
struct Known {
    flavour: Flavour,
    scale: Scale,
    hides_vectors: bool,
    /// What cuts questions, if not what cuts texts.
    search_analyzer: Option<String>,
}

/// An index on a server.
pub struct Elastic {
    name: TargetName,
    settings: Settings,
    connection: Connection,
    vectors: QueryVectors,
    /// As the contract found it when it was last read.
    known: RwLock<Option<Known>>,
}

impl Settings {
    /// A search for the nearest vectors of an index, with defaults.
    pub fn of_index(index: impl Into<String>) -> Self {
        Self {
            flavour: None,
            index: index.into(),
            mode: Some(Mode::Knn),
            body: None,
            num_candidates: None,
            rank_window: None,
            pipeline: None,
            id_field: None,
            fields: Fields::default(),
            filter: Filter::default(),
            list_rows: true,
        }
    }

    /// The contract fields that the index says of itself, whatever else it may say.
    pub fn computed(&self) -> &'static [ContractField] {
        const DENSE: &[ContractField] = &[
            ContractField::Count,
            ContractField::IndexHash,
            ContractField::BuildTs,
            ContractField::IndexParams,
            ContractField::Analyzer,
            ContractField::Metric,
            ContractField::Dim,
        ];
        let start = if self.list_rows { 0 } else { 2 };
        let end = match self.mode {
            Some(mode) if mode.is_dense() => 7,
            Some(_) => 5,
            None => 4,
        };
        &DENSE[start..end]
    }
}

impl Elastic {
    /// An index that is asked with these vectors; nothing is sent yet.
    pub fn new(
        name: TargetName,
        settings: Settings,
        connection: Connection,
        vectors: QueryVectors,
    ) -> Self {
        Self {
            name,
            settings,
            connection,
            vectors,
            known: RwLock::new(None),
        }
    }

    /// Which server it is, and whether it hides vectors; only a server that was asked for its
    /// version is known to.
    async fn server(&self, attempt: &Arc<Attempt>) -> Result<(Flavour, bool), Failure> {
        if let Some(flavour) = self.settings.flavour {
            return Ok((flavour, false));
        }
        let about = self.connection.get(&[], attempt).await?;
        if about["version"]["distribution"] == "opensearch" {
            return Ok((Flavour::Opensearch, false));
        }
        let version = text(&about, "/version/number")?;
        let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        Ok((Flavour::Elasticsearch, version >= HIDES_VECTORS))
    }

    async fn described(&self, attempt: &Arc<Attempt>) -> Result<(Flavour, Index), Failure> {
        let (flavour, hides_vectors) = self.server(attempt).await?;
        let fields = &self.settings.fields;
        let wanted = format!("{},{}", fields.vector, fields.text);
        let path = [self.settings.index.as_str(), "_mapping", "field", &wanted];
        let mapping = self.with_defaults(&path, attempt).await?;
        let index = Index::of_mapping(&mapping, &self.settings)?;
        let settings = self
            .with_defaults(&[&index.name, "_settings"], attempt)
            .await?;
        let index = index.with_settings(settings)?;
        index.serves(&self.settings)?;
        let scale = match (self.settings.mode, index.similarity()) {
            (Some(Mode::Knn), Some(similarity)) => similarity.scale,
            _ => Scale::Raw,
        };
        *self.known.write().await = Some(Known {
            flavour,
            scale,
            hides_vectors,
            search_analyzer: index.search_analyzer().map(str::to_owned),
        });
        Ok((flavour, index))
    }

    async fn with_defaults(&self, path: &[&str], attempt: &Arc<Attempt>) -> Result<Value, Failure> {
        let mut url = self.connection.below(path);
        url.query_pairs_mut()
            .append_pair("include_defaults", "true");
        let request = self.connection.request(Method::GET, url);
        self.connection.json(request, attempt).await
    }

    async fn known(&self, attempt: &Arc<Attempt>) -> Result<Known, Failure> {
        if let Some(known) = self.known.read().await.clone() {
            return Ok(known);
        }
        self.described(attempt).await?;
        let known = self.known.read().await.clone();
        Ok(known.expect("describing an index makes it known"))
    }

    async fn stated(&self, attempt: Arc<Attempt>) -> Result<Contract, Failure> {
        let (flavour, index) = self.described(&attempt).await?;
        let contract = index.contract(flavour, &self.settings);
        match self.health(&index.name, &attempt).await? {
            Some(health) => Ok(contract.with(ContractField::Ready, health)),
            None => Ok(contract),
        }
    }

    /// `green`, `yellow` or `red`; nothing if the key may not see the cluster.
    async fn health(&self, index: &str, attempt: &Arc<Attempt>) -> Result<Option<String>, Failure> {
        match self
            .connection
            .get(&["_cluster", "health", index], attempt)
            .await
        {
            Ok(reply) => Ok(reply["status"].as_str().map(str::to_owned)),
            Err(failure) if matches!(failure.status, Some(400..=428)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn search(&self, query: &Query, attempt: Arc<Attempt>) -> Result<Reply, Failure> {
        let vector = if self.wants_vector() {
            Some(self.vectors.of(query, &attempt).await?)
        } else {
            None
        };
        let known = self.known(&attempt).await?;
        let near = vector.as_deref().unwrap_or_default();
        let body = if let Some(template) = &self.settings.body {
            template.render(query, near, Escaping::Json)
        } else {
            let mode = self.settings.mode.unwrap_or(Mode::Knn);
            let question = self.settings.question(known.flavour, mode, query, near)?;
            question.to_string()
        };
        let mut url = self.connection.below(&[&self.settings.index, "_search"]);
        if let Some(pipeline) = &self.settings.pipeline {
            url.query_pairs_mut()
                .append_pair("search_pipeline", pipeline);
        }
        let request = self
            .connection
            .request(Method::POST, url)
            .header("content-type", "application/json")
            .body(body);
        let opened = self.connection.send(request, &attempt).await?;
        let opened = opened.accepted().await?;
        let status = opened.status();
        let mut found = opened.json().await?;
        attempt.enter(Stage::Schema);
        let hits = reply::hits(&mut found)?;
        let hits = hits.into_iter().map(|hit| self.hit(hit, known.scale));
        Ok(Reply {
            hits: hits.collect::<Result<_, _>>()?,
            status: Some(status),
            ..Reply::default()
        })
    }

    fn wants_vector(&self) -> bool {
        match &self.settings.body {
            Some(template) => template.asks_for(Placeholder::Vector),
            None => self.settings.mode.is_some_and(Mode::is_dense),
        }
    }

    fn hit(&self, hit: Value, scale: Scale) -> Result<Hit, Failure> {
        let raw = reply::score(&hit)?;
        let score = finite(scale.undo(raw), raw)?;
        Ok(self.settings.fields.hit(self.row(hit)?, score))
    }

    fn row(&self, mut hit: Value) -> Result<StoredRow, Failure> {
        let Value::Object(mut kept) = hit["_source"].take() else {
            return Err(unexpected("a hit has no `_source`"));
        };
        let id = match &self.settings.id_field {
            None => id(&hit["_id"]),
            Some(field) => kept.remove(field).as_ref().and_then(id),
        };
        let id = id.ok_or_else(|| unexpected("a hit has no id"))?;
        let given = kept.get(&self.settings.fields.vector).and_then(vector);
        self.settings.fields.row(id, kept, None, given)
    }
}

impl Target for Elastic {
    fn name(&self) -> &TargetName {
        &self.name
    }

    fn locality(&self) -> Locality {
        Locality::Network
    }

    fn contract(&self, attempt: Arc<Attempt>) -> Working<'_, Contract> {
        Box::pin(self.stated(attempt))
    }

    fn listing(&self) -> Listing<'_> {
        if self.settings.list_rows {
            Listing::Paged(self)
        } else {
            Listing::None
        }
    }

    fn analysis(&self) -> Option<&dyn Analysis> {
        Some(self)
    }

    fn retrieve<'a>(&'a self, query: &'a Query, attempt: Arc<Attempt>) -> Working<'a, Reply> {
        Box::pin(self.search(query, attempt))
    }
}

impl Export for Elastic {
    fn page<'a>(&'a self, after: Option<&'a str>, attempt: Arc<Attempt>) -> Working<'a, Page> {
        Box::pin(self.rows(after, attempt))
    }
}
