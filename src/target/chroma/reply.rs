//! The forms of Chroma's replies (REST v2).

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::net::{Failure, Stage};
use crate::target::Metric;

/// What the server says of a collection.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Collection {
    /// Its identity: a collection that replaces it under the same name has another.
    pub(super) id: String,
    /// The distance of its index.
    pub(super) metric: Metric,
    /// Index kind and every parameter, as the server reports them.
    pub(super) params: String,
    /// Numbers in a vector; nothing while it holds no row.
    pub(super) dim: Option<u64>,
}

impl Collection {
    /// Reads a collection. The metric is that of the index, never what metadata claims.
    ///
    /// # Errors
    /// If the reply does not say what it must.
    pub(super) fn of(reply: &Value) -> Result<Self, Failure> {
        let name = reply["name"].as_str().unwrap_or_default();
        let Some(id) = reply["id"].as_str() else {
            return Err(unexpected("the collection has no id"));
        };
        let kinds = ["hnsw", "spann"].into_iter();
        let mut indexes =
            kinds.filter_map(|kind| Some((kind, reply["configuration_json"][kind].as_object()?)));
        let Some((kind, index)) = indexes.next() else {
            let message = "the collection's configuration names neither hnsw nor spann";
            return Err(unexpected(message));
        };
        let metric = match index.get("space").and_then(Value::as_str) {
            Some("cosine") => Metric::Cosine,
            Some("ip") => Metric::Dot,
            Some("l2") => Metric::L2,
            other => {
                let message = format!("the index has the space {other:?}");
                return Err(unexpected(message));
            }
        };
        Ok(Self {
            id: id.to_owned(),
            metric,
            params: format!("{kind} {} on {name}", words(index)),
            dim: reply["dimension"].as_u64(),
        })
    }
}

/// `space=l2 ef_construction=100 …`: the space first, then by name.
fn words(index: &Map<String, Value>) -> String {
    let mut names: Vec<&String> = index.keys().collect();
    names.sort_by_key(|name| (name.as_str() != "space", name.as_str()));
    let word = |name: &&String| match &index[*name] {
        Value::Null => None,
        Value::String(value) => Some(format!("{name}={value}")),
        value => Some(format!("{name}={value}")),
    };
    names.iter().filter_map(word).collect::<Vec<_>>().join(" ")
}

/// Rows, in columns. What was not asked for is null.
#[derive(Debug, Deserialize)]
pub(super) struct Columns {
    ids: Vec<String>,
    documents: Option<Vec<Option<String>>>,
    metadatas: Option<Vec<Option<Map<String, Value>>>>,
    embeddings: Option<Vec<Option<Vec<f32>>>>,
    #[serde(skip)]
    distances: Vec<f64>,
}

/// Neighbours, in columns, for each of the queries; one query is sent at a time.
#[derive(Debug, Deserialize)]
struct Neighbours {
    ids: [Vec<String>; 1],
    documents: [Vec<Option<String>>; 1],
    metadatas: [Vec<Option<Map<String, Value>>>; 1],
    distances: [Vec<f64>; 1],
}

/// One row, as far as it was asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) document: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) vector: Option<Vec<f32>>,
    pub(super) distance: Option<f64>,
}

/// The rows of a page.
///
/// # Errors
/// If the reply is of another form.
pub(super) fn rows(reply: Value) -> Result<Vec<Row>, Failure> {
    let columns: Columns = form(reply)?;
    columns.rows()
}

/// The rows that were found, with their distances.
///
/// # Errors
/// If the reply is of another form.
pub(super) fn neighbours(reply: Value) -> Result<Vec<Row>, Failure> {
    let found: Neighbours = form(reply)?;
    let ([ids], [documents], [metadatas], [distances]) =
        (found.ids, found.documents, found.metadatas, found.distances);
    if distances.len() != ids.len() {
        return Err(unexpected("ids and distances differ in number"));
    }
    let columns = Columns {
        ids,
        documents: Some(documents),
        metadatas: Some(metadatas),
        embeddings: None,
        distances,
    };
    columns.rows()
}

fn form<T: serde::de::DeserializeOwned>(reply: Value) -> Result<T, Failure> {
    serde_json::from_value(reply).map_err(|error| unexpected(error.to_string()))
}

impl Columns {
    fn rows(self) -> Result<Vec<Row>, Failure> {
        let n = self.ids.len();
        let lengths = [
            self.documents.as_ref().map(Vec::len),
            self.metadatas.as_ref().map(Vec::len),
            self.embeddings.as_ref().map(Vec::len),
        ];
        if lengths.into_iter().flatten().any(|length| length != n) {
            return Err(unexpected("the columns differ in length"));
        }
        let mut documents = self.documents.unwrap_or_default().into_iter();
        let mut metadatas = self.metadatas.unwrap_or_default().into_iter();
        let mut embeddings = self.embeddings.unwrap_or_default().into_iter();
        let mut distances = self.distances.into_iter();
        let row = |id| Row {
            id,
            document: documents.next().flatten(),
            metadata: metadatas.next().flatten().unwrap_or_default(),
            vector: embeddings.next().flatten(),
            distance: distances.next(),
        };
        Ok(self.ids.into_iter().map(row).collect())
    }
}

pub(super) fn unexpected(message: impl Into<String>) -> Failure {
    Failure::lasting("unexpected_reply", Stage::Schema, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As Chroma 1.5.9 describes a collection, but for parts that nothing here reads.
    fn collection(space: &str) -> Value {
        json!({
            "id": "3c1fc1c8-7bb4-464d-aeae-790c0ce5148b",
            "name": "handbook",
            "configuration_json": {
                "hnsw": {
                    "space": space, "ef_construction": 100, "ef_search": 100,
                    "max_neighbors": 16, "resize_factor": 1.2, "sync_threshold": 1000
                },
                "spann": null,
                "embedding_function": null
            },
            "metadata": { "hnsw:space": "cosine" },
            "dimension": 384
        })
    }

    #[test]
    fn a_collection_says_its_metric_by_its_index_and_not_by_its_metadata() {
        for (space, metric) in [
            ("l2", Metric::L2),
            ("ip", Metric::Dot),
            ("cosine", Metric::Cosine),
        ] {
            let found = Collection::of(&collection(space)).expect("a collection");
            assert_eq!((found.metric, found.dim), (metric, Some(384)));
            let words = format!(
                "hnsw space={space} ef_construction=100 ef_search=100 max_neighbors=16 \
                 resize_factor=1.2 sync_threshold=1000 on handbook"
            );
            assert_eq!(found.params, words);
        }
    }

    #[test]
    fn a_collection_of_an_unknown_space_is_refused() {
        let failure = Collection::of(&collection("hamming")).expect_err("unknown");
        assert_eq!(failure.stage, Stage::Schema);
        let mut without = collection("l2");
        without["configuration_json"] = json!({ "hnsw": null, "spann": null });
        assert!(Collection::of(&without).is_err());
    }

    #[test]
    fn neighbours_come_with_their_distances() {
        let reply = json!({
            "ids": [["a", "z"]], "embeddings": null, "documents": [["A text", "Z"]], "uris": null,
            "metadatas": [[{ "doc_id": "d", "section_id": "s", "start": 0 }, null]],
            "distances": [[0.0, 0.292_893_23]],
            "include": ["documents", "metadatas", "distances"]
        });
        let rows = neighbours(reply).expect("rows");
        assert_eq!(rows[0].metadata["doc_id"], "d");
        assert_eq!(
            (rows[1].document.as_deref(), rows[1].distance),
            (Some("Z"), Some(0.292_893_23))
        );
    }

    #[test]
    fn columns_of_different_lengths_are_not_rows() {
        let reply =
            json!({ "ids": ["a", "b"], "documents": ["A"], "metadatas": null, "embeddings": null });
        assert_eq!(
            rows(reply).expect_err("one is short").class,
            "unexpected_reply"
        );
        let reply = json!({ "ids": [["a"]], "documents": [["A"]], "metadatas": [[null]], "distances": [[]] });
        assert!(neighbours(reply).is_err());
    }

    #[test]
    fn a_page_has_vectors() {
        let reply = json!({
            "ids": ["a"], "embeddings": [[1.0, 0.5]], "documents": ["A text"], "uris": null,
            "metadatas": [{ "doc_id": "d" }], "include": ["documents", "metadatas", "embeddings"]
        });
        let rows = rows(reply).expect("rows");
        assert_eq!(rows[0].vector.as_deref(), Some(&[1.0, 0.5][..]));
        assert_eq!(rows[0].distance, None);
    }
}
