//! Chroma, by its REST interface v2.
//!
//! The metric is that of the collection's index, as the server reports it; metadata of the collection
//! may claim anything and is not believed. Distances are turned so that larger is nearer:
//!
//! | space | distance | score |
//! |---|---|---|
//! | `cosine` | 1 − cosine | 1 − distance: the cosine |
//! | `ip` | 1 − inner product | 1 − distance: the inner product |
//! | `l2` | squared Euclidean | − its root |

mod load;
mod reply;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::ids::TargetName;
use crate::net::{Attempt, Connection, ConnectionError, ConnectionSettings, Failure, Stage};
use crate::parity::{Contract, ContractField};
use crate::target::store::{Fields, Filter, QueryVectors};
use crate::target::{
    Export, Listing, Locality, Metric, Page, Query, Reply, StoredRow, Target, Working,
};

pub use load::ChromaLoad;

use reply::{Collection, Row, neighbours, rows, unexpected};

/// Rows of one page of an export.
const PAGE: usize = 256;

/// Which collection of which server, and how it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The server.
    pub connection: ConnectionSettings,
    /// The tenant.
    pub tenant: String,
    /// The database.
    pub database: String,
    /// The collection's name.
    pub collection: String,
    /// Keys of a row's metadata. Its document is its text.
    pub fields: Fields,
    /// What production asks for beside nearness.
    pub filter: Filter,
    /// Whether the rows are listed.
    pub list_rows: bool,
}

impl Settings {
    /// The address below which collections are.
    fn collections(&self) -> [&str; 7] {
        let (tenant, database) = (self.tenant.as_str(), self.database.as_str());
        [
            "api",
            "v2",
            "tenants",
            tenant,
            "databases",
            database,
            "collections",
        ]
    }
}

/// A collection of vectors.
pub struct Chroma {
    name: TargetName,
    settings: Settings,
    connection: Connection,
    vectors: QueryVectors,
    /// As the server described it last; the first reading settles which collection is meant.
    known: Mutex<Option<Arc<Collection>>>,
}

impl Chroma {
    /// The contract fields that the collection says of itself.
    pub const COMPUTED: [ContractField; 5] = [
        ContractField::Metric,
        ContractField::IndexParams,
        ContractField::Ranking,
        ContractField::Analyzer,
        ContractField::Dim,
    ];

    /// A collection that can be asked; nothing is sent yet.
    ///
    /// # Errors
    /// If a secret or certificate cannot be read.
    pub fn new(
        name: TargetName,
        settings: Settings,
        vectors: QueryVectors,
    ) -> Result<Self, ConnectionError> {
        Ok(Self {
            name,
            connection: Connection::new(&settings.connection)?,
            settings,
            vectors,
            known: Mutex::default(),
        })
    }

    /// Asks what stands behind the name. A collection that was replaced under the same name is
    /// another collection.
    async fn read(&self, attempt: &Arc<Attempt>) -> Result<Arc<Collection>, Failure> {
        let mut parts = self.settings.collections().to_vec();
        parts.push(&self.settings.collection);
        let now = Arc::new(Collection::of(
            &self.connection.get(&parts, attempt).await?,
        )?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = known.as_ref().filter(|before| before.id != now.id) {
            let message = format!(
                "{} was replaced during the run: {} is now {}",
                self.settings.collection, before.id, now.id
            );
            return Err(Failure::lasting(
                "collection_replaced",
                Stage::Tool,
                message,
            ));
        }
        *known = Some(Arc::clone(&now));
        Ok(now)
    }

    async fn collection(&self, attempt: &Arc<Attempt>) -> Result<Arc<Collection>, Failure> {
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match known {
            Some(collection) => Ok(collection),
            None => self.read(attempt).await,
        }
    }

    /// Asks the collection. If it is gone, says whether another one has its name.
    async fn ask(
        &self,
        collection: &Collection,
        what: &str,
        body: &serde_json::Value,
        attempt: &Arc<Attempt>,
    ) -> Result<serde_json::Value, Failure> {
        let mut parts = self.settings.collections().to_vec();
        parts.extend([collection.id.as_str(), what]);
        match self.connection.post(&parts, body, attempt).await {
            Err(gone) if gone.status == Some(404) => {
                self.read(attempt).await?;
                Err(gone)
            }
            reply => reply,
        }
    }

    async fn search(&self, query: &Query, attempt: &Arc<Attempt>) -> Result<Reply, Failure> {
        let vector = self.vectors.of(query, attempt).await?;
        let collection = self.collection(attempt).await?;
        let mut body = json!({
            "query_embeddings": [&vector[..]],
            "n_results": query.k.get(),
            "include": ["documents", "metadatas", "distances"],
        });
        if let Some(conditions) = conditions(&self.settings.filter) {
            body["where"] = conditions;
        }
        let reply = self.ask(&collection, "query", &body, attempt).await?;
        let mut hits = Vec::new();
        for row in neighbours(reply)? {
            let Some(distance) = row.distance else {
                return Err(unexpected("a row has no distance"));
            };
            let stored = self.stored(row)?;
            let score = score(collection.metric, distance);
            hits.push(self.settings.fields.hit(stored, score));
        }
        Ok(Reply {
            hits,
            status: Some(200),
            ..Reply::default()
        })
    }

    /// A row whose text is its document, or a key of its metadata if it has no document.
    fn stored(&self, row: Row) -> Result<StoredRow, Failure> {
        let fields = &self.settings.fields;
        fields.row(row.id, row.metadata, row.document, row.vector)
    }
}

/// The filter in Chroma's words: several conditions are joined, one stands alone, and none is nothing.
fn conditions(filter: &Filter) -> Option<Value> {
    let equal = |(field, value): (&str, &Value)| json!({ field: { "$eq": value } });
    let mut all: Vec<Value> = filter.iter().map(equal).collect();
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(json!({ "$and": all })),
    }
}

/// The score behind a distance: larger is nearer.
fn score(metric: Metric, distance: f64) -> f64 {
    match metric {
        Metric::Cosine | Metric::Dot => 1.0 - distance,
        // Rounding can leave the distance of equal vectors a little below 0.
        Metric::L2 => -distance.max(0.0).sqrt(),
    }
}

impl Target for Chroma {
    fn name(&self) -> &TargetName {
        &self.name
    }

    fn locality(&self) -> Locality {
        Locality::Network
    }

    fn contract(&self, attempt: Arc<Attempt>) -> Working<'_, Contract> {
        Box::pin(async move {
            let collection = self.read(&attempt).await?;
            // A search by vectors analyses no text, which is known and therefore stated.
            let contract = Contract::default()
                .with(ContractField::Metric, collection.metric.name())
                .with(ContractField::IndexParams, &collection.params)
                .with(ContractField::Ranking, "dense")
                .with(ContractField::Analyzer, "none");
            Ok(match collection.dim {
                Some(dim) => contract.with(ContractField::Dim, dim.to_string()),
                None => contract,
            })
        })
    }

    fn listing(&self) -> Listing<'_> {
        if self.settings.list_rows {
            Listing::Paged(self)
        } else {
            Listing::None
        }
    }

    fn retrieve<'a>(&'a self, query: &'a Query, attempt: Arc<Attempt>) -> Working<'a, Reply> {
        Box::pin(async move { self.search(query, &attempt).await })
    }
}

impl Export for Chroma {
    /// The mark is how many rows came before; the server lists in the order of insertion.
    fn page<'a>(&'a self, after: Option<&'a str>, attempt: Arc<Attempt>) -> Working<'a, Page> {
        Box::pin(async move {
            let collection = self.collection(&attempt).await?;
            let offset: usize = after.and_then(|mark| mark.parse().ok()).unwrap_or(0);
            let body = json!({
                "limit": PAGE,
                "offset": offset,
                "include": ["documents", "metadatas", "embeddings"],
            });
            let reply = self.ask(&collection, "get", &body, &attempt).await?;
            let found: Result<Vec<StoredRow>, Failure> = rows(reply)?
                .into_iter()
                .map(|row| self.stored(row))
                .collect();
            let rows = found?;
            let next = (rows.len() >= PAGE).then(|| (offset + rows.len()).to_string());
            Ok(Page { rows, next })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::{cosine, dot};

    /// What Chroma 1.5.9 gave for these two vectors.
    #[test]
    fn a_distance_turns_back_into_its_score() {
        let (query, row) = ([2.0, 0.0], [0.6, 0.8]);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
        let cosine = cosine(&query, &row).expect("not zero");
        assert!(close(score(Metric::Cosine, 0.399_999_98), cosine));
        assert!(close(score(Metric::Dot, -0.200_000_05), dot(&query, &row)));
        assert!(close(
            score(Metric::L2, 2.6),
            Metric::L2.score(&query, &row)
        ));
    }

    #[test]
    fn a_filter_is_said_as_the_server_wants_it() {
        let of = |conditions: Value| {
            let conditions = serde_json::from_value(conditions).expect("a table");
            super::conditions(&Filter::new(conditions))
        };
        assert_eq!(of(json!({})), None, "an empty one would be refused");
        assert_eq!(
            of(json!({ "rev": 2 })),
            Some(json!({ "rev": { "$eq": 2 } }))
        );
        let both = json!({ "$and": [{ "lang": { "$eq": "en" } }, { "rev": { "$eq": 2 } }] });
        assert_eq!(of(json!({ "rev": 2, "lang": "en" })), Some(both));
    }

    #[test]
    fn equal_vectors_have_the_best_score_in_spite_of_rounding() {
        assert_eq!(score(Metric::L2, -1e-9), 0.0);
    }
}
