//! A Qdrant collection as the server describes it.

use serde_json::Value;

use crate::target::store::IndexParams;
use crate::target::store::shape::{part, text, unexpected};
use crate::target::{Failure, Stage};

/// What a collection calls near.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Distance {
    Cosine,
    Dot,
    Euclid,
    Manhattan,
    /// One that this version does not know, in the server's word.
    Other(String),
}

impl Distance {
    fn of(word: &str) -> Self {
        match word {
            "Cosine" => Self::Cosine,
            "Dot" => Self::Dot,
            "Euclid" => Self::Euclid,
            "Manhattan" => Self::Manhattan,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Its name in contracts.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Cosine => "cosine".to_owned(),
            Self::Dot => "dot".to_owned(),
            Self::Euclid => "l2".to_owned(),
            Self::Manhattan => "manhattan".to_owned(),
            Self::Other(word) => word.to_lowercase(),
        }
    }

    /// A score of which larger is better, from the server's: similarities are given as they are,
    /// distances as distances.
    ///
    /// # Errors
    /// If nobody knows which of the two the server gives.
    pub(super) fn score(&self, raw: f64) -> Result<f64, Failure> {
        match self {
            Self::Cosine | Self::Dot => Ok(raw),
            Self::Euclid | Self::Manhattan => Ok(-raw),
            Self::Other(word) => {
                let message = format!("whether scores of `{word}` grow or fall is not known");
                Err(Failure::lasting("unknown_metric", Stage::Schema, message))
            }
        }
    }
}

/// What the server says of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Collection {
    pub(super) distance: Distance,
    pub(super) dim: u64,
    /// `green`, `yellow`, `grey` or `red`.
    pub(super) status: String,
    pub(super) params: IndexParams,
}

impl Collection {
    /// Reads the reply of `GET /collections/{name}` for one of its vectors.
    ///
    /// # Errors
    /// If it is not of the documented form, or has no such vector.
    pub(super) fn read(reply: &Value, vector_name: Option<&str>) -> Result<Self, Failure> {
        let config = part(reply, "/result/config")?;
        let vector = vector(part(config, "/params/vectors")?, vector_name)?;
        let dim = part(vector, "/size")?.as_u64();
        Ok(Self {
            distance: Distance::of(text(vector, "/distance")?),
            dim: dim.ok_or_else(|| unexpected("the size of the vectors is no number"))?,
            status: text(reply, "/result/status")?.to_owned(),
            params: params(config, vector),
        })
    }
}

/// The parameters of one vector: an unnamed one is the object itself.
fn vector<'a>(vectors: &'a Value, name: Option<&str>) -> Result<&'a Value, Failure> {
    let unnamed = vectors.get("size").is_some_and(Value::is_number);
    let found = match name {
        None => unnamed.then_some(vectors),
        Some(name) if unnamed => (name.is_empty()).then_some(vectors),
        Some(name) => vectors.get(name),
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = match vectors.as_object() {
            Some(vectors) if !unnamed => vectors.keys().map(String::as_str).collect(),
            _ => vec!["only an unnamed one"],
        };
        let message = format!(
            "the collection has no such vector (vector_name); it has {}",
            names.join(", ")
        );
        Failure::lasting("no_such_vector", Stage::Schema, message)
    })
}

/// What the collection says for all vectors, then what this vector has of its own.
fn params(config: &Value, vector: &Value) -> IndexParams {
    let mut params = IndexParams::new("hnsw");
    params.set("quantization", "none");
    let of_collection = [
        ("", "/hnsw_config"),
        ("shards", "/params/shard_number"),
        ("sharding", "/params/sharding_method"),
    ];
    let of_vector = [
        ("", "/hnsw_config"),
        ("vectors.on_disk", "/on_disk"),
        ("vectors.datatype", "/datatype"),
        ("vectors.multivector", "/multivector_config"),
    ];
    for (place, names) in [(config, &of_collection[..]), (vector, &of_vector[..])] {
        for (name, pointer) in names {
            if let Some(value) = place.pointer(pointer) {
                params.state(name, value);
            }
        }
    }
    let quantization = [vector, config]
        .into_iter()
        .filter_map(|place| place.get("quantization_config"))
        .find(|value| value.is_object());
    if let Some(quantization) = quantization {
        // In its canonical form: one word, whatever the order of its keys.
        let canonical = serde_json_canonicalizer::to_string(quantization);
        params.set(
            "quantization",
            canonical.unwrap_or_else(|_| quantization.to_string()),
        );
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn described(vectors: Value) -> Value {
        json!({
            "result": {
                "status": "green",
                "optimizer_status": "ok",
                "indexed_vectors_count": 0,
                "points_count": 60,
                "segments_count": 2,
                "config": {
                    "params": {
                        "vectors": vectors,
                        "shard_number": 1,
                        "replication_factor": 1,
                        "write_consistency_factor": 1,
                        "on_disk_payload": true
                    },
                    "hnsw_config": {
                        "m": 16,
                        "ef_construct": 100,
                        "full_scan_threshold": 10000,
                        "max_indexing_threads": 0,
                        "on_disk": false
                    },
                    "optimizer_config": { "default_segment_number": 0 },
                    "wal_config": { "wal_capacity_mb": 32 },
                    "quantization_config": null
                },
                "payload_schema": {}
            },
            "status": "ok",
            "time": 0.000_1
        })
    }

    #[test]
    fn a_collection_says_its_metric_dimension_and_index() {
        let reply = described(json!({ "size": 384, "distance": "Cosine" }));
        let collection = Collection::read(&reply, None).expect("of the documented form");
        assert_eq!(
            (collection.distance.name().as_str(), collection.dim),
            ("cosine", 384)
        );
        assert_eq!(
            collection.params.to_string(),
            "hnsw ef_construct=100 full_scan_threshold=10000 m=16 max_indexing_threads=0 \
             on_disk=false quantization=none shards=1"
        );
    }

    #[test]
    fn what_a_named_vector_has_of_its_own_outweighs_the_collection() {
        let reply = described(json!({
            "title": { "size": 8, "distance": "Dot" },
            "text": {
                "size": 384,
                "distance": "Euclid",
                "hnsw_config": { "m": 48, "ef_construct": null },
                "quantization_config": { "scalar": { "type": "int8", "always_ram": true } }
            }
        }));
        let text = Collection::read(&reply, Some("text")).expect("of the documented form");
        assert_eq!(text.distance, Distance::Euclid);
        let params = text.params.to_string();
        assert!(
            params.contains("ef_construct=100") && params.contains("m=48"),
            "{params}"
        );
        assert!(params.contains(r#"quantization={"scalar":"#), "{params}");
        for wrong in [None, Some("body")] {
            let failure = Collection::read(&reply, wrong).expect_err("no such vector");
            assert_eq!(failure.class, "no_such_vector");
            assert!(
                failure.message.contains("text, title"),
                "{}",
                failure.message
            );
        }
    }

    #[test]
    fn a_distance_is_turned_and_a_similarity_is_not() {
        let score = |word: &str| Distance::of(word).score(0.25).ok();
        assert_eq!(score("Cosine"), Some(0.25));
        assert_eq!(score("Dot"), Some(0.25));
        assert_eq!(score("Euclid"), Some(-0.25));
        assert_eq!(score("Manhattan"), Some(-0.25));
        assert_eq!(score("Hamming"), None, "nobody knows its direction");
        assert_eq!(Distance::of("Hamming").name(), "hamming");
    }
}
