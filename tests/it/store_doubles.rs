//! Doubles of stores: they hold the rows of a gold set, describe themselves as the vendors document
//! it, and really rank.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ragstone::embed::Referee;
use ragstone::goldset;
use ragstone::ids::TargetName;
use ragstone::target::elastic::Flavour;
use ragstone::target::embedded::{self, Settings};
use ragstone::target::{Metric, StoredRow};
use serde_json::{Map, Value, json};

use crate::filters::conditions;
use crate::loopback::{Loopback, Request, Response};
use crate::support::SmallGold;

/// Rows of one page, so that a small gold set has several.
const PAGE: usize = 25;

/// The rows that every double holds.
pub(crate) struct Rows(Vec<StoredRow>);

impl Rows {
    /// The rows that the embedded index of a gold set holds, with the lexical referee's vectors.
    pub(crate) fn of(small: &SmallGold) -> Arc<Self> {
        let gold = goldset::load(small.folder.path()).expect("a gold set");
        let settings = Settings {
            snippets: gold.manifest.snippets,
            ..Settings::default()
        };
        let texts = embedded::texts(&gold.corpus, &settings).expect("no skew");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let vectors = runtime.block_on(Referee::Lexical.vectors(&texts));
        let vectors = vectors.expect("computed here");
        let name = TargetName::new("double");
        let rows = embedded::stored_rows(&name, &gold.corpus, &settings, &vectors);
        Arc::new(Self(rows.expect("every row has a vector")))
    }

    /// The `k` nearest rows, best first, with the score that larger is better.
    fn nearest(&self, query: &Value, metric: Metric, k: &Value) -> Vec<(&StoredRow, f64)> {
        self.nearest_of(query, metric, k, &Value::Null)
    }

    /// The same of the rows that a filter lets pass, in the words of whichever store.
    fn nearest_of(
        &self,
        query: &Value,
        metric: Metric,
        k: &Value,
        filter: &Value,
    ) -> Vec<(&StoredRow, f64)> {
        let terms = conditions(filter);
        let passes = |row: &StoredRow| {
            let kept = kept(row);
            terms
                .iter()
                .all(|(field, value)| kept.get(field) == Some(value))
        };
        let query: Vec<f32> = serde_json::from_value(query.clone()).expect("a vector");
        let score = |row: &StoredRow| metric.score(&query, row.vector.as_deref().expect("kept"));
        let mut found = self.best(score, &json!(self.0.len()));
        found.retain(|(row, _)| passes(row));
        found.truncate(usize::try_from(k.as_u64().expect("k")).expect("small"));
        found
    }

    /// The `k` rows that share most words with a question.
    fn by_words(&self, question: &Value, k: &Value) -> Vec<(&StoredRow, f64)> {
        let words = |text: &str| -> Vec<String> {
            let words = text.split(|c: char| !c.is_alphanumeric());
            words.map(str::to_lowercase).collect()
        };
        let asked = words(question.as_str().expect("a question"));
        let shared = |row: &StoredRow| {
            let held = words(&row.text);
            asked.iter().filter(|word| held.contains(word)).count() as f64
        };
        self.best(shared, k)
    }

    fn best(&self, score: impl Fn(&StoredRow) -> f64, k: &Value) -> Vec<(&StoredRow, f64)> {
        let k = usize::try_from(k.as_u64().expect("k")).expect("small");
        let mut scored: Vec<_> = self.0.iter().map(|row| (row, score(row))).collect();
        scored.sort_by(|a, b| b.1.total_cmp(&a.1));
        scored.truncate(k);
        scored
    }
}

/// Everything that is kept of a row beside its id and vector.
fn kept(row: &StoredRow) -> Map<String, Value> {
    let mut kept = row.metadata.clone();
    kept.insert("doc_id".to_owned(), json!(row.section.doc_id));
    kept.insert("section_id".to_owned(), json!(row.section.section_id));
    kept.insert("text".to_owned(), json!(row.text));
    kept
}

fn refusing(status: u16, body: &Value) -> Response {
    Response {
        status,
        ..Response::json(body)
    }
}

/// What is peculiar about a double of Qdrant.
#[derive(Clone, Copy)]
pub(crate) struct Qdrant {
    pub(crate) distance: &'static str,
    /// Whether a listing never gets on.
    pub(crate) stuck: bool,
    /// Whether a search is answered by an error inside a success.
    pub(crate) failing: bool,
}

impl Qdrant {
    pub(crate) const SOUND: Self = Self {
        distance: "Cosine",
        stuck: false,
        failing: false,
    };

    /// Serves the collection `docs-v3` under the alias `docs`, to whoever has the key.
    pub(crate) fn serve(self, rows: Arc<Rows>, key: &'static str) -> Loopback {
        Loopback::answering(move |request| {
            if request.header("api-key") != Some(key) {
                return refusing(
                    403,
                    &json!({ "status": { "error": "forbidden" }, "time": 0.0 }),
                );
            }
            self.answer(&rows, request)
        })
    }

    pub(crate) fn answer(self, rows: &Rows, request: &Request) -> Response {
        let done = |result: Value| {
            Response::json(&json!({ "result": result, "status": "ok", "time": 0.000_2 }))
        };
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/aliases") => done(json!({ "aliases": [
                { "alias_name": "other", "collection_name": "other-v1" },
                { "alias_name": "docs", "collection_name": "docs-v3" },
            ] })),
            ("GET", "/collections/docs-v3") => done(self.described(rows)),
            ("POST", "/collections/docs/points/query") if self.failing => Response::json(
                &json!({ "status": { "error": "Service internal error: shard is dead" }, "time": 0.0 }),
            ),
            ("POST", "/collections/docs/points/query") => done(self.points(rows, &request.json())),
            ("POST", "/collections/docs/points/scroll") => done(self.page(rows, &request.json())),
            _ => refusing(
                404,
                &json!({ "status": { "error": "Not found" }, "time": 0.0 }),
            ),
        }
    }

    fn described(self, rows: &Rows) -> Value {
        json!({
            "status": "green",
            "optimizer_status": "ok",
            "indexed_vectors_count": 0,
            "points_count": rows.0.len() + 7,
            "segments_count": 2,
            "config": {
                "params": {
                    "vectors": { "size": 512, "distance": self.distance },
                    "shard_number": 1,
                    "replication_factor": 1,
                    "write_consistency_factor": 1,
                    "on_disk_payload": true
                },
                "hnsw_config": {
                    "m": 16, "ef_construct": 100, "full_scan_threshold": 10000,
                    "max_indexing_threads": 0, "on_disk": false
                },
                "optimizer_config": { "deleted_threshold": 0.2, "default_segment_number": 0 },
                "wal_config": { "wal_capacity_mb": 32, "wal_segments_ahead": 0 },
                "quantization_config": null
            },
            "payload_schema": {}
        })
    }

    fn points(self, rows: &Rows, asked: &Value) -> Value {
        assert_eq!(asked["params"], json!({ "hnsw_ef": 64, "exact": true }));
        let metric = if self.distance == "Euclid" {
            Metric::L2
        } else {
            Metric::Cosine
        };
        let found = rows.nearest_of(&asked["query"], metric, &asked["limit"], &asked["filter"]);
        let point = |(row, score): &(&StoredRow, f64)| {
            let mut point = Self::point(rows, row);
            point["version"] = json!(3);
            // A distance is given as a distance.
            point["score"] = json!(if self.distance == "Euclid" {
                -score
            } else {
                *score
            });
            point
        };
        json!({ "points": found.iter().map(point).collect::<Vec<_>>() })
    }

    fn point(rows: &Rows, row: &StoredRow) -> Value {
        let number = rows.0.iter().position(|held| held.id == row.id);
        let mut payload = kept(row);
        payload.insert("row".to_owned(), json!(row.id));
        json!({ "id": number, "payload": payload })
    }

    fn page(self, rows: &Rows, asked: &Value) -> Value {
        let from = usize::try_from(asked["offset"].as_u64().unwrap_or(0)).expect("small");
        let point = |row: &StoredRow| {
            let mut point = Self::point(rows, row);
            point["vector"] = json!(row.vector);
            point
        };
        let end = (from + PAGE).min(rows.0.len());
        let next = if end < rows.0.len() {
            json!(end)
        } else if self.stuck {
            // Round and round.
            json!(0)
        } else {
            Value::Null
        };
        json!({
            "points": rows.0[from..end].iter().map(point).collect::<Vec<_>>(),
            "next_page_offset": next
        })
    }
}

/// What is peculiar about a double of Elasticsearch or OpenSearch.
#[derive(Clone, Copy)]
pub(crate) struct Elastic {
    pub(crate) flavour: Flavour,
    pub(crate) similarity: &'static str,
    /// What the alias stands for.
    pub(crate) indices: &'static [&'static str],
    /// Shards that fail in every search.
    pub(crate) failed_shards: u64,
    /// Whether a listing never gets on.
    pub(crate) stuck: bool,
}

impl Elastic {
    pub(crate) const ELASTICSEARCH: Self = Self {
        flavour: Flavour::Elasticsearch,
        similarity: "cosine",
        indices: &["docs-v3"],
        failed_shards: 0,
        stuck: false,
    };
    pub(crate) const OPENSEARCH: Self = Self {
        flavour: Flavour::Opensearch,
        similarity: "cosinesimil",
        ..Self::ELASTICSEARCH
    };

    /// Serves its index under the alias `docs`, to the user `reader` with the password `open sesame`.
    pub(crate) fn serve(self, rows: Arc<Rows>) -> Loopback {
        let moments = AtomicUsize::new(0);
        Loopback::answering(move |request| {
            // Source: printf 'reader:open sesame' | base64
            if request.header("authorization") != Some("Basic cmVhZGVyOm9wZW4gc2VzYW1l") {
                return refusing(
                    401,
                    &json!({ "error": "missing credentials", "status": 401 }),
                );
            }
            self.answer(&rows, request, &moments)
        })
    }

    fn answer(self, rows: &Rows, request: &Request, moments: &AtomicUsize) -> Response {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let moment = match self.flavour {
            Flavour::Opensearch => "/docs/_search/point_in_time",
            Flavour::Elasticsearch => "/docs/_pit",
        };
        let whole = json!({ "total": 2, "successful": 2, "skipped": 0, "failed": 0 });
        match (request.method.as_str(), path) {
            ("GET", "/") => Response::json(&self.about()),
            ("GET", "/docs/_mapping/field/vector,text") if query == "include_defaults=true" => {
                Response::json(&self.mapping())
            }
            ("GET", "/docs-v3/_settings") => Response::json(&Self::settings()),
            ("GET", "/_cluster/health/docs-v3") => Response::json(&json!({
                "cluster_name": "search", "status": "yellow", "timed_out": false,
                "number_of_nodes": 1, "active_primary_shards": 2, "unassigned_shards": 2
            })),
            ("POST", "/docs/_search") => {
                let asked = request.json();
                let fused = self.is_opensearch() && !asked["query"]["hybrid"].is_null();
                assert_eq!(query == "search_pipeline=fuse", fused, "{query}");
                self.hits(rows, &asked)
            }
            ("POST", "/_search") => Response::json(&self.page(rows, &request.json(), moments)),
            ("POST", path) if path == moment && query.starts_with("keep_alive=") => {
                Response::json(&match self.flavour {
                    Flavour::Opensearch => {
                        json!({ "pit_id": "m-0", "_shards": whole, "creation_time": 1_763_683_200_000_u64 })
                    }
                    Flavour::Elasticsearch => json!({ "id": "m-0" }),
                })
            }
            ("DELETE", "/_pit" | "/_search/point_in_time") => {
                Response::json(&json!({ "succeeded": true, "num_freed": 2 }))
            }
            ("POST", "/docs/_analyze") => Response::json(&analysed(&request.json())),
            _ => refusing(
                404,
                &json!({ "error": { "type": "index_not_found_exception" }, "status": 404 }),
            ),
        }
    }

    fn is_opensearch(self) -> bool {
        self.flavour == Flavour::Opensearch
    }

    fn about(self) -> Value {
        let version = match self.flavour {
            Flavour::Opensearch => {
                json!({ "distribution": "opensearch", "number": "2.19.1", "lucene_version": "9.12.1" })
            }
            Flavour::Elasticsearch => {
                json!({ "number": "9.2.0", "build_flavor": "default", "lucene_version": "10.3.1" })
            }
        };
        json!({ "name": "n1", "cluster_name": "search", "version": version })
    }

    fn mapping(self) -> Value {
        let vector = match self.flavour {
            Flavour::Opensearch => json!({ "type": "knn_vector", "dimension": 512, "method": {
                "name": "hnsw", "engine": "lucene", "space_type": self.similarity,
                "parameters": { "ef_construction": 128, "m": 24 }
            } }),
            Flavour::Elasticsearch => json!({
                "type": "dense_vector", "dims": 512, "index": true, "similarity": self.similarity,
                "index_options": { "type": "int8_hnsw", "m": 16, "ef_construction": 100 }
            }),
        };
        let text = json!({ "type": "text", "analyzer": "english", "similarity": "BM25" });
        let mapped = json!({ "mappings": {
            "vector": { "full_name": "vector", "mapping": { "vector": vector } },
            "text": { "full_name": "text", "mapping": { "text": text } }
        } });
        let indices = self
            .indices
            .iter()
            .map(|name| ((*name).to_owned(), mapped.clone()));
        Value::Object(indices.collect())
    }

    fn settings() -> Value {
        json!({ "docs-v3": {
            "settings": { "index": {
                "number_of_shards": "2", "number_of_replicas": "1", "provided_name": "docs-v3",
                "creation_date": "1763683200000", "uuid": "u1", "version": { "created": "9009000" }
            } },
            "defaults": { "index": { "max_result_window": "10000" } }
        } })
    }

    fn hits(self, rows: &Rows, asked: &Value) -> Response {
        let size = &asked["size"];
        let near = |clause: &Value| {
            rows.nearest_of(
                &clause["vector"],
                self.metric(),
                &clause["k"],
                &clause["filter"],
            )
        };
        let (found, is_dense) = if let Some(words) = asked.pointer("/query/match/text/query") {
            (rows.by_words(words, size), false)
        } else if let Some(fused) = asked.pointer("/query/hybrid/queries") {
            let words = rows.by_words(&fused[0]["match"]["text"]["query"], size);
            (
                fuse(&[words, near(&fused[1]["knn"]["vector"])], size),
                false,
            )
        } else if let Some(fused) = asked.pointer("/retriever/rrf") {
            let window = &fused["rank_window_size"];
            let words = fused.pointer("/retrievers/0/standard/query/match/text/query");
            let words = rows.by_words(words.expect("words"), window);
            let nearest = self.nearest(rows, &fused["retrievers"][1]["knn"]);
            (fuse(&[words, nearest], size), false)
        } else if self.is_opensearch() {
            (near(&asked["query"]["knn"]["vector"]), true)
        } else {
            (self.nearest(rows, &asked["knn"]), true)
        };
        let hit = |(row, score): &(&StoredRow, f64)| {
            let score = match self.metric() {
                _ if !is_dense => *score,
                Metric::L2 => 1.0 / (1.0 + score * score),
                _ => f64::midpoint(1.0, *score),
            };
            json!({ "_index": "docs-v3", "_id": row.id, "_score": score, "_source": kept(row) })
        };
        let mut shards = json!({
            "total": 2, "successful": 2 - self.failed_shards, "skipped": 0, "failed": self.failed_shards
        });
        if self.failed_shards > 0 {
            shards["failures"] = json!([{ "shard": 0, "index": "docs-v3", "node": "n1",
                "reason": { "type": "node_disconnected", "reason": "the node left" } }]);
        }
        Response::json(&json!({
            "took": 2,
            "timed_out": false,
            "_shards": shards,
            "hits": {
                "total": { "value": found.len(), "relation": "eq" },
                "max_score": 1.0,
                "hits": found.iter().map(hit).collect::<Vec<_>>()
            }
        }))
    }

    fn nearest<'a>(self, rows: &'a Rows, search: &Value) -> Vec<(&'a StoredRow, f64)> {
        assert!(search["num_candidates"].as_u64() >= Some(100));
        let (vector, k) = (&search["query_vector"], &search["k"]);
        rows.nearest_of(vector, self.metric(), k, &search["filter"])
    }

    fn metric(self) -> Metric {
        match self.similarity {
            "l2" | "l2_norm" => Metric::L2,
            _ => Metric::Cosine,
        }
    }

    /// Each page goes on under another name of the same moment.
    fn page(self, rows: &Rows, asked: &Value, moments: &AtomicUsize) -> Value {
        let wanted = if self.is_opensearch() {
            "_id"
        } else {
            "_shard_doc"
        };
        assert_eq!(asked["sort"], json!([{ wanted: "asc" }]));
        let from = match &asked["search_after"][0] {
            Value::Null => 0,
            _ if self.stuck => 0,
            last => {
                1 + rows
                    .0
                    .iter()
                    .position(|row| sort(self, rows, row) == *last)
                    .expect("given")
            }
        };
        let end = (from + PAGE).min(rows.0.len());
        let hit = |row: &StoredRow| {
            let mut source = kept(row);
            // From 9.2 on, a vector is only given to who asks for it.
            if self.is_opensearch() || asked["_source"]["exclude_vectors"] == false {
                source.insert("vector".to_owned(), json!(row.vector));
            }
            json!({ "_index": "docs-v3", "_id": row.id, "_score": null, "_source": source,
                "sort": [sort(self, rows, row)] })
        };
        let moment = moments.fetch_add(1, Ordering::Relaxed) + 1;
        json!({
            "pit_id": format!("m-{moment}"),
            "took": 1,
            "timed_out": false,
            "_shards": { "total": 2, "successful": 2, "skipped": 0, "failed": 0 },
            "hits": { "max_score": null, "hits": rows.0[from..end].iter().map(hit).collect::<Vec<_>>() }
        })
    }
}

/// Rankings fused by reciprocal rank.
fn fuse<'a>(rankings: &[Vec<(&'a StoredRow, f64)>], k: &Value) -> Vec<(&'a StoredRow, f64)> {
    let mut fused: Vec<(&StoredRow, f64)> = Vec::new();
    for ranking in rankings {
        for (index, (row, _)) in ranking.iter().enumerate() {
            let gain = 1.0 / (61 + index) as f64;
            match fused.iter_mut().find(|(known, _)| known.id == row.id) {
                Some((_, score)) => *score += gain,
                None => fused.push((row, gain)),
            }
        }
    }
    fused.sort_by(|a, b| b.1.total_cmp(&a.1));
    fused.truncate(usize::try_from(k.as_u64().expect("k")).expect("small"));
    fused
}

fn analysed(asked: &Value) -> Value {
    assert_eq!(asked["field"], "text");
    let words = asked["text"]
        .as_str()
        .expect("a text")
        .split(' ')
        .enumerate();
    let token = |(position, word): (usize, &str)| json!({ "token": word.to_lowercase(), "type": "<ALPHANUM>", "position": position });
    json!({ "tokens": words.map(token).collect::<Vec<_>>() })
}

/// The sort value of a row in a listing.
fn sort(double: Elastic, rows: &Rows, row: &StoredRow) -> Value {
    if double.is_opensearch() {
        return json!(row.id);
    }
    json!(rows.0.iter().position(|held| held.id == row.id))
}

/// A row as a store gives it whose rows have columns, the row's id among them.
fn columns(row: &StoredRow) -> Value {
    let mut columns = kept(row);
    columns.insert("row".to_owned(), json!(row.id));
    Value::Object(columns)
}

/// A double of Milvus, with the collection `handbook`.
pub(crate) fn milvus(rows: Arc<Rows>) -> Loopback {
    Loopback::answering(move |request| match request.path.as_str() {
        "/v2/vectordb/entities/search" => {
            let asked = request.json();
            assert_eq!(asked["collectionName"], "handbook");
            let found = rows.nearest(&asked["data"][0], Metric::Cosine, &asked["limit"]);
            let entity = |(row, score): &(&StoredRow, f64)| {
                let mut entity = columns(row);
                // Under COSINE it is a similarity, whatever it is called.
                entity["distance"] = json!(score);
                entity["id"] = json!(450_000);
                entity
            };
            let data: Vec<Value> = found.iter().map(entity).collect();
            Response::json(&json!({ "code": 0, "cost": 0, "data": data }))
        }
        "/v1/vector/collections/describe?collectionName=handbook" => Response::json(&json!({
            "code": 200,
            "data": {
                "collectionName": "handbook", "enableDynamicField": true, "load": "LoadStateLoaded",
                "fields": [{ "name": "vector", "type": "FloatVector(512)", "primaryKey": false }],
                "indexes": [{ "fieldName": "vector", "indexName": "vector", "metricType": "COSINE" }],
                "shardsNum": 1
            }
        })),
        _ => refusing(404, &json!({ "code": 404, "message": "page not found" })),
    })
}

/// A double of Weaviate, with the collection `Handbook`.
pub(crate) fn weaviate(rows: Arc<Rows>) -> Loopback {
    Loopback::answering(move |request| match request.path.as_str() {
        "/v1/graphql" => {
            let asked = request.json();
            let query = asked["query"].as_str().expect("GraphQL");
            let part = |from: &str, to: char| -> Value {
                let (_, rest) = query.split_once(from).expect("an argument");
                let end = rest.find(to).expect("its end");
                serde_json::from_str(&rest[..end]).expect("a literal that JSON has too")
            };
            let vector = part("vector:", '}');
            let found = rows.nearest(&vector, Metric::Cosine, &part("limit:", ')'));
            let object = |(row, score): &(&StoredRow, f64)| {
                let mut object = columns(row);
                object["_additional"] = json!({ "distance": 1.0 - score });
                object
            };
            let objects: Vec<Value> = found.iter().map(object).collect();
            Response::json(&json!({ "data": { "Get": { "Handbook": objects } } }))
        }
        "/v1/schema/Handbook" => Response::json(&json!({
            "class": "Handbook",
            "properties": [{ "name": "text", "dataType": ["text"] }],
            "vectorizer": "none",
            "vectorIndexType": "hnsw",
            "vectorIndexConfig": {
                "distance": "cosine", "efConstruction": 128, "maxConnections": 32, "ef": -1
            }
        })),
        _ => refusing(404, &json!({ "error": [{ "message": "not found" }] })),
    })
}
