//! Chroma by a double on loopback, which keeps what it is given and answers in the forms that
//! Chroma 1.5.9 was seen to answer in.

use std::sync::{Arc, Mutex};

use ragstone::replay::{Outcome, read_observations};
use serde_json::{Value, json};

use crate::filters::conditions;
use crate::loopback::{Loopback, Request, Response};
use crate::support::{SmallGold, check, gate, ragstone, stderr, stdout, verdict};

const BELOW: &str = "/api/v2/tenants/default_tenant/databases/default_database/collections";

/// One collection.
#[derive(Default)]
struct Store {
    space: Option<String>,
    ids: Vec<Value>,
    vectors: Vec<Vec<f64>>,
    documents: Vec<Value>,
    metadatas: Vec<Value>,
    n_queries: usize,
    /// After this many queries another collection has the name.
    replaced_after: Option<usize>,
}

impl Store {
    fn id(&self) -> &'static str {
        if self.is_replaced() {
            "22222222-0000-0000-0000-000000000000"
        } else {
            "11111111-0000-0000-0000-000000000000"
        }
    }

    fn is_replaced(&self) -> bool {
        self.replaced_after
            .is_some_and(|after| self.n_queries > after)
    }

    fn answer(&mut self, request: &Request) -> Response {
        let (path, body) = (request.path.as_str(), request.json());
        let rest = path.strip_prefix(BELOW).unwrap_or("?");
        if request.method == "POST" && rest.is_empty() {
            return self.create(&body);
        }
        if request.method == "GET" && rest == "/handbook" {
            return match &self.space {
                Some(_) => Response::json(&self.description()),
                None => refused(404, "NotFoundError"),
            };
        }
        self.n_queries += usize::from(rest.ends_with("/query"));
        let Some(what) = rest.trim_start_matches('/').strip_prefix(self.id()) else {
            return refused(404, "NotFoundError");
        };
        match what {
            "/add" => self.add(&body),
            "/count" => Response::json(&json!(self.ids.len())),
            "/get" => self.page(&body),
            "/query" => self.nearest(&body),
            _ => refused(404, "NotFoundError"),
        }
    }

    fn create(&mut self, body: &Value) -> Response {
        if self.space.is_some() {
            return refused(409, "ChromaError");
        }
        let space = &body["configuration"]["hnsw"]["space"];
        self.space = space.as_str().map(str::to_owned);
        Response::json(&self.description())
    }

    fn description(&self) -> Value {
        json!({
            "id": self.id(), "name": "handbook",
            "configuration_json": {
                "hnsw": { "space": self.space, "ef_construction": 100, "ef_search": 100 },
                "spann": null, "embedding_function": null
            },
            "metadata": null, "dimension": self.vectors.first().map(Vec::len)
        })
    }

    fn add(&mut self, body: &Value) -> Response {
        let list = |name: &str| body[name].as_array().cloned().expect("a list");
        self.ids.extend(list("ids"));
        self.documents.extend(list("documents"));
        self.metadatas.extend(list("metadatas"));
        let numbers = |vector: &Value| serde_json::from_value(vector.clone()).expect("numbers");
        self.vectors.extend(list("embeddings").iter().map(numbers));
        Response::json(&json!({}))
    }

    fn page(&self, body: &Value) -> Response {
        let number =
            |name: &str| usize::try_from(body[name].as_u64().expect("given")).expect("small");
        let from = number("offset").min(self.ids.len());
        let to = (from + number("limit")).min(self.ids.len());
        Response::json(&json!({
            "ids": self.ids[from..to], "embeddings": self.vectors[from..to],
            "documents": self.documents[from..to], "uris": null,
            "metadatas": self.metadatas[from..to], "include": body["include"]
        }))
    }

    /// Every vector has unit length, so that all three spaces rank alike.
    fn nearest(&self, body: &Value) -> Response {
        let query: Vec<f64> =
            serde_json::from_value(body["query_embeddings"][0].clone()).expect("numbers");
        let dot = |row: &Vec<f64>| row.iter().zip(&query).map(|(a, b)| a * b).sum::<f64>();
        let conditions = conditions(&body["where"]);
        let passes = |row: usize| {
            let kept = &self.metadatas[row];
            conditions
                .iter()
                .all(|(field, value)| kept[field] == *value)
        };
        let mut found: Vec<(usize, f64)> = self
            .vectors
            .iter()
            .map(dot)
            .map(|dot| 1.0 - dot)
            .enumerate()
            .filter(|(row, _)| passes(*row))
            .collect();
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        let n = usize::try_from(body["n_results"].as_u64().expect("given")).expect("small");
        found.truncate(n);
        let scale = if self.space.as_deref() == Some("l2") {
            2.0
        } else {
            1.0
        };
        let column = |of: &[Value]| {
            found
                .iter()
                .map(|(row, _)| of[*row].clone())
                .collect::<Vec<_>>()
        };
        let distances: Vec<f64> = found.iter().map(|(_, distance)| distance * scale).collect();
        Response::json(&json!({
            "ids": [column(&self.ids)], "embeddings": null, "documents": [column(&self.documents)],
            "uris": null, "metadatas": [column(&self.metadatas)], "distances": [distances],
            "include": body["include"]
        }))
    }
}

fn refused(status: u16, error: &str) -> Response {
    let body = json!({ "error": error, "message": "Collection [handbook]" });
    Response {
        status,
        ..Response::json(&body)
    }
}

/// A gold set whose candidate is the double.
pub(crate) fn gold(replaced_after: Option<usize>) -> (SmallGold, Loopback) {
    let store = Arc::new(Mutex::new(Store {
        replaced_after,
        ..Store::default()
    }));
    let server =
        Loopback::answering(move |request| store.lock().expect("no script failed").answer(request));
    let gold = SmallGold::new(8);
    let policy = format!(
        "gold = '.'\n[referee]\nkind = 'lexical'\n\
         [[target]]\nname = 'embedded'\nrole = 'control'\nkind = 'embedded'\nranking = 'dense'\n\
         [[target]]\nname = 'chroma'\nrole = 'candidate'\nkind = 'chroma'\nurl = '{}'\n\
         collection = 'handbook'\nintended = {{ ANALYZER = 'none' }}\n",
        server.url()
    );
    gold.write("ragstone.toml", &policy);
    (gold, server)
}

pub(crate) fn load(gold: &SmallGold, more: &[&str]) -> std::process::Output {
    let policy = gold.policy();
    let mut args = vec!["gold", "load", policy.to_str().expect("UTF-8"), "chroma"];
    args.extend(more);
    ragstone(&args)
}

#[test]
fn a_loaded_collection_is_the_embedded_index_over_a_network() {
    let (gold, server) = gold(None);
    let loaded = load(&gold, &[]);
    assert!(
        stdout(&loaded).contains("rows were written into handbook"),
        "{}",
        stderr(&loaded)
    );
    let (output, _folder) = gate(&gold.policy(), &[]);
    let verdict = verdict(&output);
    assert_eq!(check(&verdict, "CA-PAR")["verdict"], "PASS", "{verdict:#}");
    let [control, chroma] = [0, 1].map(|side| &verdict["targets"][side]["contract"]);
    assert_eq!(chroma["INDEX_HASH"], control["INDEX_HASH"]);
    assert_eq!(chroma["COUNT"], control["COUNT"]);
    assert_eq!(chroma["METRIC"], "cosine");
    assert_eq!(
        chroma["INDEX_PARAMS"],
        "hnsw space=cosine ef_construction=100 ef_search=100 on handbook"
    );
    assert_eq!(verdict["probes"]["failed"], 0);
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[test]
fn a_filter_lets_only_its_rows_be_found() {
    for filter in ["{ title = 'cache 1', rev = '1' }", "{ section_id = 's1' }"] {
        let (gold, _server) = gold(None);
        let filter = format!("\nfilter = {filter}\n");
        gold.edit("ragstone.toml", "'dense'\n", &format!("'dense'{filter}"));
        gold.edit(
            "ragstone.toml",
            "'handbook'\n",
            &format!("'handbook'{filter}"),
        );
        assert_eq!(load(&gold, &[]).status.code(), Some(0));
        let (output, folder) = gate(&gold.policy(), &[]);
        assert_eq!(
            check(&verdict(&output), "CA-PAR")["verdict"],
            "PASS",
            "all rows are listed"
        );
        let path = folder.path().join("run/observations.parquet");
        for seen in read_observations(&path).expect("observations") {
            let Outcome::Scored { hits, .. } = seen.outcome else {
                panic!("{:?} is no answer", seen.outcome);
            };
            let ids: Vec<&str> = hits.iter().map(|hit| hit.snippet_id.as_str()).collect();
            assert_eq!(ids, ["d/s1#0"], "{}", seen.target);
        }
    }
}

#[test]
fn nothing_that_is_there_is_loaded_over() {
    let (gold, _server) = gold(None);
    assert_eq!(load(&gold, &[]).status.code(), Some(0));
    let again = load(&gold, &[]);
    assert_eq!(again.status.code(), Some(4));
    assert!(stderr(&again).contains("http_409"), "{}", stderr(&again));
}

#[test]
fn a_collection_of_the_wrong_space_fails_parity_in_its_own_words() {
    let (gold, _server) = gold(None);
    assert_eq!(load(&gold, &["--metric", "l2"]).status.code(), Some(0));
    let (output, _folder) = gate(&gold.policy(), &[]);
    let verdict = verdict(&output);
    let parity = check(&verdict, "CA-PAR");
    assert_eq!(parity["verdict"], "FAIL");
    let detail = parity["detail"].as_str().expect("words");
    assert!(
        detail.contains("METRIC is l2") && detail.contains("hnsw space=l2"),
        "{detail}"
    );
}

#[test]
fn a_collection_that_is_replaced_during_the_run_is_no_measurement() {
    let (gold, _server) = gold(Some(20));
    assert_eq!(load(&gold, &[]).status.code(), Some(0));
    let (output, _folder) = gate(&gold.policy(), &[]);
    assert_eq!(output.status.code(), Some(4), "{}", stdout(&output));
    let verdict = verdict(&output);
    let words = check(&verdict, "CA-PAR")["detail"].to_string();
    assert!(words.contains("collection_replaced"), "{words}");
}

#[test]
fn only_a_store_can_be_loaded() {
    let (gold, _server) = gold(None);
    let policy = gold.policy();
    let args = ["gold", "load", policy.to_str().expect("UTF-8"), "embedded"];
    let refused = ragstone(&args);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("it is no store"),
        "{}",
        stderr(&refused)
    );
    let unknown = ragstone(&["gold", "load", policy.to_str().expect("UTF-8"), "nobody"]);
    assert!(
        stderr(&unknown).contains("embedded, chroma"),
        "{}",
        stderr(&unknown)
    );
}
