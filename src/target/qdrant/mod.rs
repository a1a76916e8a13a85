//! Qdrant, over its REST interface.
//!
//! Scores: `Cosine` and `Dot` are similarities and taken as they are; `Euclid` and `Manhattan` are
//! distances, of which the negative is the score. The contract comes from the server's description
//! of the collection, after its alias is resolved.

mod collection;

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::sync::RwLock;

use crate::ids::TargetName;
use crate::net::{Attempt, Connection, Failure, Stage};
use crate::parity::{Contract, ContractField};
use crate::target::store::shape::{finite, id, part, take_list, text, unexpected, vector};
use crate::target::store::{Fields, Filter, QueryVectors};
use crate::target::{
    Export, Hit, Listing, Locality, Page, Query, Reply, StoredRow, Target, Working,
};

use collection::{Collection, Distance};

/// Rows of one page of a listing: a few megabytes with vectors of a usual size.
const PAGE_ROWS: usize = 256;

/// How a collection is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The collection, or an alias of it.
    pub collection: String,
    /// Which of its vectors, if they have names.
    pub vector_name: Option<String>,
    /// Whether the search looks at every vector instead of the index.
    pub exact: Option<bool>,
    /// Size of the search's candidate list (`hnsw_ef`).
    pub ef_search: Option<u32>,
    /// The payload key that holds the row's id, if that is not the point's own.
    pub id_field: Option<String>,
    /// Payload keys.
    pub fields: Fields,
    /// What production asks for beside nearness.
    pub filter: Filter,
    /// Whether rows are listed.
    pub list_rows: bool,
}

/// A collection on a server.
pub struct Qdrant {
    name: TargetName,
    settings: Settings,
    connection: Connection,
    vectors: QueryVectors,
    /// As the contract found it when it was last read.
    distance: RwLock<Option<Distance>>,
}

impl Settings {
    /// The contract fields that the collection says of itself.
    pub fn computed(&self) -> &'static [ContractField] {
        const WITH_ROWS: &[ContractField] = &[
            ContractField::Metric,
            ContractField::Ranking,
            ContractField::Analyzer,
            ContractField::Dim,
            ContractField::Ready,
            ContractField::IndexParams,
            ContractField::IndexHash,
            ContractField::Count,
        ];
        let rows = if self.list_rows { 0 } else { 2 };
        &WITH_ROWS[..WITH_ROWS.len() - rows]
    }

    /// How the index is searched, where that is not left to the server.
    fn search(&self) -> Value {
        let mut params = Map::new();
        if let Some(ef) = self.ef_search {
            params.insert("hnsw_ef".to_owned(), json!(ef));
        }
        if let Some(exact) = self.exact {
            params.insert("exact".to_owned(), json!(exact));
        }
        Value::Object(params)
    }
}

impl Qdrant {
    /// A collection that is asked with these vectors; nothing is sent yet.
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
            distance: RwLock::new(None),
        }
    }

    /// The collection that the name stands for; none if the server does not show its aliases.
    async fn resolved(&self, attempt: &Arc<Attempt>) -> Result<Option<String>, Failure> {
        let aliases = match self.connection.get(&["aliases"], attempt).await {
            Ok(mut reply) => {
                accepted(&reply).and_then(|()| take_list(&mut reply, "/result/aliases"))?
            }
            // A key for one collection may not list the aliases of all.
            Err(failure) if failure.status == Some(403) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let named = |alias: &&Value| alias["alias_name"] == self.settings.collection.as_str();
        let found: Vec<&Value> = aliases.iter().filter(named).collect();
        match found[..] {
            [] => Ok(Some(self.settings.collection.clone())),
            [alias] => Ok(Some(text(alias, "/collection_name")?.to_owned())),
            _ => {
                let message = format!(
                    "the alias {} stands for {} collections",
                    self.settings.collection,
                    found.len()
                );
                Err(Failure::lasting(
                    "several_collections",
                    Stage::Schema,
                    message,
                ))
            }
        }
    }

    async fn described(&self, attempt: &Arc<Attempt>) -> Result<Collection, Failure> {
        let resolved = self.resolved(attempt).await?;
        let name = resolved.as_deref().unwrap_or(&self.settings.collection);
        let reply = self.connection.get(&["collections", name], attempt).await?;
        accepted(&reply)?;
        let vector_name = self.settings.vector_name.as_deref();
        let mut collection = Collection::read(&reply, vector_name)?;
        if let Some(resolved) = resolved {
            collection.params.set("collection", resolved);
        }
        collection.params.state("search", &self.settings.search());
        *self.distance.write().await = Some(collection.distance.clone());
        Ok(collection)
    }

    async fn distance(&self, attempt: &Arc<Attempt>) -> Result<Distance, Failure> {
        if let Some(distance) = self.distance.read().await.clone() {
            return Ok(distance);
        }
        Ok(self.described(attempt).await?.distance)
    }

    async fn stated(&self, attempt: Arc<Attempt>) -> Result<Contract, Failure> {
        let collection = self.described(&attempt).await?;
        Ok(Contract::default()
            .with(ContractField::Metric, collection.distance.name())
            .with(ContractField::Dim, collection.dim.to_string())
            // The search has no words.
            .with(ContractField::Ranking, "dense")
            .with(ContractField::Analyzer, "none")
            .with(ContractField::Ready, collection.status)
            .with(ContractField::IndexParams, collection.params.to_string()))
    }

    async fn search(&self, query: &Query, attempt: Arc<Attempt>) -> Result<Reply, Failure> {
        let vector = self.vectors.of(query, &attempt).await?;
        let distance = self.distance(&attempt).await?;
        let path = ["collections", &self.settings.collection, "points", "query"];
        let request = self
            .connection
            .request(Method::POST, self.connection.below(&path))
            .json(&self.question(query, &vector));
        let opened = self.connection.send(request, &attempt).await?;
        let opened = opened.accepted().await?;
        let status = opened.status();
        let mut reply = opened.json().await?;
        attempt.enter(Stage::Schema);
        accepted(&reply)?;
        let points = take_list(&mut reply, "/result/points")?;
        let hits = points.into_iter().map(|point| self.hit(point, &distance));
        Ok(Reply {
            hits: hits.collect::<Result<_, _>>()?,
            status: Some(status),
            ..Reply::default()
        })
    }

    fn question(&self, query: &Query, vector: &[f32]) -> Value {
        let mut body = json!({
            "query": vector,
            "limit": query.k.get(),
            "with_payload": true,
            "with_vector": false,
        });
        if let Some(name) = &self.settings.vector_name {
            body["using"] = json!(name);
        }
        let params = self.settings.search();
        if params != json!({}) {
            body["params"] = params;
        }
        if !self.settings.filter.is_empty() {
            body["filter"] = conditions(&self.settings.filter);
        }
        body
    }

    fn hit(&self, point: Value, distance: &Distance) -> Result<Hit, Failure> {
        let raw = part(&point, "/score")?.as_f64();
        let raw = raw.ok_or_else(|| unexpected("a score is no number"))?;
        let score = finite(distance.score(raw)?, raw)?;
        Ok(self.settings.fields.hit(self.row(point)?, score))
    }

    fn row(&self, mut point: Value) -> Result<StoredRow, Failure> {
        let Value::Object(mut kept) = point["payload"].take() else {
            return Err(unexpected("a point has no payload"));
        };
        let id = match &self.settings.id_field {
            None => id(&point["id"]),
            Some(field) => kept.remove(field).as_ref().and_then(id),
        };
        let id = id.ok_or_else(|| unexpected("a point has no id"))?;
        let given = match &self.settings.vector_name {
            None => &point["vector"],
            Some(name) => &point["vector"][name],
        };
        self.settings.fields.row(id, kept, None, vector(given))
    }

    async fn rows(&self, after: Option<&str>, attempt: Arc<Attempt>) -> Result<Page, Failure> {
        let mut body = json!({ "limit": PAGE_ROWS, "with_payload": true, "with_vector": true });
        if let Some(name) = &self.settings.vector_name {
            body["with_vector"] = json!([name]);
        }
        if let Some(mark) = after {
            let offset: Value = serde_json::from_str(mark)
                .map_err(|error| unexpected(format!("a page mark that is not JSON: {error}")))?;
            body["offset"] = offset;
        }
        let path = ["collections", &self.settings.collection, "points", "scroll"];
        let mut reply = self.connection.post(&path, &body, &attempt).await?;
        accepted(&reply)?;
        let points = take_list(&mut reply, "/result/points")?;
        let rows = points.into_iter().map(|point| self.row(point));
        let next = reply.pointer("/result/next_page_offset");
        Ok(Page {
            rows: rows.collect::<Result<_, _>>()?,
            next: next.filter(|next| !next.is_null()).map(Value::to_string),
        })
    }
}

/// The filter in Qdrant's words, which matches no number with a fraction except as a range of one.
fn conditions(filter: &Filter) -> Value {
    let must = filter.iter().map(|(field, value)| match value {
        Value::Number(number) if number.is_f64() => {
            json!({ "key": field, "range": { "gte": number, "lte": number } })
        }
        value => json!({ "key": field, "match": { "value": value } }),
    });
    json!({ "must": must.collect::<Vec<_>>() })
}

/// A success by status may still carry the store's own report of an error.
fn accepted(reply: &Value) -> Result<(), Failure> {
    match reply.pointer("/status/error").and_then(Value::as_str) {
        Some(error) => Err(Failure::passing("store_error", Stage::Tool, error)),
        None => Ok(()),
    }
}

impl Target for Qdrant {
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

    fn retrieve<'a>(&'a self, query: &'a Query, attempt: Arc<Attempt>) -> Working<'a, Reply> {
        Box::pin(self.search(query, attempt))
    }
}

impl Export for Qdrant {
    fn page<'a>(&'a self, after: Option<&'a str>, attempt: Arc<Attempt>) -> Working<'a, Page> {
        Box::pin(self.rows(after, attempt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::VectorTable;
    use crate::ids::{Form, QuestionId, SectionKey, Seed};
    use crate::net::{ClientSettings, ConnectionSettings};
    use crate::units::Cutoff;

    fn named(vector_name: Option<&str>, id_field: Option<&str>) -> Qdrant {
        let connection = Connection::new(&ConnectionSettings {
            url: "http://127.0.0.1:1".parse().expect("a URL"),
            headers: std::collections::BTreeMap::new(),
            secret_headers: std::collections::BTreeMap::new(),
            auth: None,
            client: ClientSettings::default(),
        });
        let settings = Settings {
            collection: "docs".to_owned(),
            vector_name: vector_name.map(str::to_owned),
            exact: None,
            ef_search: None,
            id_field: id_field.map(str::to_owned),
            fields: Fields::default(),
            filter: Filter::default(),
            list_rows: true,
        };
        let vectors = QueryVectors::Referee(Arc::new(VectorTable::new("m")));
        Qdrant::new(
            TargetName::new("t"),
            settings,
            connection.expect("sound"),
            vectors,
        )
    }

    #[test]
    fn a_named_vector_is_asked_for_by_its_name() {
        let query = Query {
            question: QuestionId::new("q"),
            form: Form::ORIGINAL,
            seed: Seed(1),
            k: Cutoff::new(3).expect("positive"),
            text: "why?".to_owned(),
            repeat: false,
            warm_up: false,
        };
        let body = named(Some("text"), None).question(&query, &[0.5]);
        assert_eq!(body["using"], "text");
        let body = named(None, None).question(&query, &[0.5]);
        let expected =
            json!({ "query": [0.5], "limit": 3, "with_payload": true, "with_vector": false });
        assert_eq!(body, expected, "what is not said is the server's to choose");
    }

    #[test]
    fn a_row_has_the_id_that_other_stores_know() {
        let point = json!({
            "id": 7,
            "payload": { "row": "d/s#0", "doc_id": "d", "section_id": "s", "text": "words", "rev": "2" },
            "vector": { "text": [0.5, 1.0], "title": [1.0] }
        });
        let row = named(Some("text"), Some("row"))
            .row(point.clone())
            .expect("a row");
        assert_eq!(
            (row.id.as_str(), &row.section),
            ("d/s#0", &SectionKey::new("d", "s"))
        );
        assert_eq!(
            row.metadata.keys().collect::<Vec<_>>(),
            ["rev"],
            "the id is no metadata"
        );
        assert_eq!(row.vector, Some(vec![0.5, 1.0]));
        let row = named(Some("text"), None).row(point.clone()).expect("a row");
        assert_eq!(row.id, "7", "the point's own, as JSON prints it");
        let failure = named(None, Some("uuid"))
            .row(point)
            .expect_err("no such key");
        assert_eq!(failure.class, "unexpected_shape");
    }

    #[test]
    fn a_filter_is_a_condition_for_each_field() {
        let filter = json!({ "lang": "en", "open": true, "rev": 2, "share": 0.5 });
        let filter = Filter::new(serde_json::from_value(filter).expect("a table"));
        let expected = json!({ "must": [
            { "key": "lang", "match": { "value": "en" } },
            { "key": "open", "match": { "value": true } },
            { "key": "rev", "match": { "value": 2 } },
            { "key": "share", "range": { "gte": 0.5, "lte": 0.5 } },
        ] });
        assert_eq!(conditions(&filter), expected);
    }

    #[test]
    fn an_error_inside_a_success_is_none() {
        let failure = accepted(&json!({ "status": { "error": "shard is dead" }, "time": 0.1 }));
        assert_eq!(failure.expect_err("an error").stage, Stage::Tool);
        accepted(&json!({ "status": "ok", "result": {} })).expect("a success");
    }
}
