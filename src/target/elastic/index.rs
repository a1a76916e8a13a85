//! An index as the server describes it.

use serde_json::{Value, json};

use crate::ids::Digest;
use crate::parity::{Contract, ContractField};
use crate::target::elastic::question::{NUM_CANDIDATES, RANK_WINDOW};
use crate::target::elastic::similarity::Similarity;
use crate::target::elastic::{Flavour, Mode, Settings};
use crate::target::store::IndexParams;
use crate::target::store::shape::unexpected;
use crate::target::{Failure, Stage};

/// How much of the analysis settings' digest is shown.
const DIGEST: usize = 12;

/// What the server says of an index.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Index {
    /// The index itself, whatever alias it was asked by.
    pub(super) name: String,
    /// The mapping of the vector field, if it is mapped.
    vector: Option<Value>,
    /// The mapping of the text field, if it is mapped.
    text: Option<Value>,
    /// `{settings, defaults}`, each with `index` inside; null until they were asked for.
    settings: Value,
}

impl Index {
    /// Reads the reply of `GET /{index}/_mapping/field/{fields}?include_defaults=true`, whose one
    /// key is the index that an alias stands for.
    ///
    /// # Errors
    /// If the name stands for no index, or for several.
    pub(super) fn of_mapping(reply: &Value, settings: &Settings) -> Result<Self, Failure> {
        let name = only_key(reply, &settings.index)?;
        let mapping = |field: &str| {
            // The inner key is the last part of a dotted name.
            let full = reply[name]["mappings"].get(field)?.get("mapping")?;
            full.as_object()?.values().next().cloned()
        };
        Ok(Self {
            name: name.to_owned(),
            vector: mapping(&settings.fields.vector),
            text: mapping(&settings.fields.text),
            settings: Value::Null,
        })
    }

    /// Reads the reply of `GET /{index}/_settings?include_defaults=true`.
    ///
    /// # Errors
    /// If it speaks of another index.
    pub(super) fn with_settings(self, mut reply: Value) -> Result<Self, Failure> {
        let settings = reply[&self.name].take();
        if !settings["settings"]["index"].is_object() {
            let message = format!("the settings are not those of the index {}", self.name);
            return Err(unexpected(message));
        }
        Ok(Self { settings, ..self })
    }

    /// Whether it has the fields that a search looks at.
    ///
    /// # Errors
    /// If one is not mapped, or is of another type.
    pub(super) fn serves(&self, settings: &Settings) -> Result<(), Failure> {
        let missing = |field: &str, wanted: &str, found: &Option<Value>| {
            let found = found.as_ref().and_then(|mapping| mapping["type"].as_str());
            let found = found.unwrap_or("not mapped");
            let message = format!(
                "the field `{field}` of {} is {found}, not {wanted}",
                self.name
            );
            Failure::lasting("field_missing", Stage::Schema, message)
        };
        let fields = &settings.fields;
        if settings.mode.is_some_and(Mode::is_dense) && self.vector_type().is_none() {
            return Err(missing(&fields.vector, "a vector", &self.vector));
        }
        if settings.mode.is_some_and(Mode::is_lexical) && self.text.is_none() {
            return Err(missing(&fields.text, "a text", &self.text));
        }
        Ok(())
    }

    fn vector_type(&self) -> Option<&str> {
        let kind = self.vector.as_ref()?["type"].as_str()?;
        matches!(kind, "dense_vector" | "knn_vector").then_some(kind)
    }

    /// What it calls near, where it says so.
    pub(super) fn similarity(&self) -> Option<Similarity> {
        let vector = self.vector.as_ref()?;
        if self.vector_type()? == "dense_vector" {
            // An unindexed vector has no similarity of its own.
            let indexed = vector["index"] != false;
            let word = vector["similarity"].as_str().filter(|_| indexed)?;
            let element = vector["element_type"].as_str();
            return Some(Similarity::of_dense_vector(word, element));
        }
        let spaces = [&vector["method"]["space_type"], &vector["space_type"]];
        let space = spaces.into_iter().find_map(|value| value.as_str())?;
        let engine = vector["method"]["engine"].as_str();
        Some(Similarity::of_knn_vector(space, engine))
    }

    fn dim(&self) -> Option<u64> {
        let vector = self.vector.as_ref()?;
        vector["dims"].as_u64().or(vector["dimension"].as_u64())
    }

    /// The analyzer of the text field; `name/search` where questions are cut in another way.
    pub(super) fn analyzer(&self) -> Option<String> {
        let text = self.text.as_ref()?;
        if text["type"] != "text" {
            return text["type"].as_str().map(str::to_owned);
        }
        // A custom analyzer has no other name; what it is made of, the digest of the settings
        // tells.
        let of_index = |name: &'static str| {
            let defined = &self.index_settings()["analysis"]["analyzer"][name];
            let kind = defined.get("type").and_then(Value::as_str);
            let kind = kind.filter(|kind| *kind != "custom");
            defined.is_object().then_some(kind.unwrap_or(name))
        };
        let usual = || of_index("default").unwrap_or("standard");
        let indexing = match text["analyzer"].as_str() {
            None | Some("default") => usual(),
            Some(name) => name,
        };
        let searching = match text["search_analyzer"].as_str() {
            None | Some("default_search") => of_index("default_search").unwrap_or(indexing),
            Some("default") => usual(),
            Some(name) => name,
        };
        Some(if searching == indexing {
            indexing.to_owned()
        } else {
            format!("{indexing}/{searching}")
        })
    }

    /// The name under which the server knows what cuts questions; nothing if it is what cuts texts.
    pub(super) fn search_analyzer(&self) -> Option<&str> {
        let text = self.text.as_ref().filter(|text| text["type"] == "text")?;
        let defined = |name: &str| self.index_settings()["analysis"]["analyzer"][name].is_object();
        let usual = if defined("default") {
            "default"
        } else {
            "standard"
        };
        let indexing = match text["analyzer"].as_str() {
            None | Some("default") => usual,
            Some(name) => name,
        };
        let searching = match text["search_analyzer"].as_str() {
            None | Some("default_search") if defined("default_search") => "default_search",
            None | Some("default_search") => indexing,
            Some("default") => usual,
            Some(name) => name,
        };
        (searching != indexing).then_some(searching)
    }

    fn index_settings(&self) -> &Value {
        &self.settings["settings"]["index"]
    }

    /// When the index was created.
    fn created(&self) -> Option<String> {
        let millis = self.index_settings()["creation_date"]
            .as_str()?
            .parse()
            .ok()?;
        let created = jiff::Timestamp::from_millisecond(millis).ok()?;
        Some(created.to_string())
    }

    /// What the index says of itself.
    pub(super) fn contract(&self, flavour: Flavour, settings: &Settings) -> Contract {
        let fields = [
            (
                ContractField::Metric,
                self.similarity().map(|near| near.metric),
            ),
            (ContractField::Dim, self.dim().map(|dim| dim.to_string())),
            (
                ContractField::Analyzer,
                match settings.mode {
                    Some(Mode::Knn) => Some("none".to_owned()),
                    _ => self.analyzer(),
                },
            ),
            (ContractField::BuildTs, self.created()),
            (
                ContractField::IndexParams,
                Some(self.params(flavour, settings).to_string()),
            ),
        ];
        let stated = |contract: Contract, (field, value): (_, Option<String>)| match value {
            Some(value) => contract.with(field, value),
            None => contract,
        };
        fields.into_iter().fold(Contract::default(), stated)
    }

    fn params(&self, flavour: Flavour, settings: &Settings) -> IndexParams {
        let mut params = IndexParams::new(flavour.name());
        params.set("index", self.name.as_str());
        params.set("search", settings.mode.map_or("own", Mode::name));
        if let Some(vector) = &self.vector {
            let own = [
                "type",
                "index",
                "similarity",
                "element_type",
                "data_type",
                "mode",
            ];
            for key in own
                .into_iter()
                .chain(["space_type", "compression_level", "model_id"])
            {
                params.state(&format!("vector.{key}"), &vector[key]);
            }
            params.state("vector", &vector["index_options"]);
            params.state("vector", &vector["method"]);
        }
        if let Some(text) = &self.text {
            params.state("text.similarity", &text["similarity"]);
        }
        let index = self.index_settings();
        params.state("shards", &index["number_of_shards"]);
        for (name, key) in [("analysis", "analysis"), ("scoring", "similarity")] {
            if let Some(part) = index.get(key) {
                params.set(name, digest(part));
            }
        }
        let ef_search = [index, &self.settings["defaults"]["index"]]
            .into_iter()
            .find_map(|index| {
                let nested = index.pointer("/knn/algo_param/ef_search");
                nested.or_else(|| index.get("knn.algo_param")?.get("ef_search"))
            });
        if flavour == Flavour::Opensearch {
            params.state("ef_search", ef_search.unwrap_or(&Value::Null));
        }
        let is_dense = settings.mode.is_some_and(Mode::is_dense);
        let usual = is_dense && flavour == Flavour::Elasticsearch;
        let candidates = settings.num_candidates.or(usual.then_some(NUM_CANDIDATES));
        params.state("num_candidates", &json!(candidates));
        let fuses = settings.mode == Some(Mode::Hybrid);
        let window = settings.rank_window.or(fuses.then_some(RANK_WINDOW));
        params.state("rank_window", &json!(window));
        params.state("pipeline", &json!(settings.pipeline));
        params
    }
}

/// The one index that a name stands for.
fn only_key<'a>(reply: &'a Value, asked: &str) -> Result<&'a str, Failure> {
    let indices = reply
        .as_object()
        .map(|reply| reply.keys().collect::<Vec<_>>());
    match indices.as_deref() {
        Some([name]) => Ok(name.as_str()),
        Some([]) | None => {
            let message = format!("{asked} stands for no index");
            Err(Failure::lasting("no_index", Stage::Schema, message))
        }
        Some(several) => {
            let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            let message = format!("{asked} stands for several indices: {}", names.join(", "));
            Err(Failure::lasting("several_indexes", Stage::Schema, message))
        }
    }
}

/// A changed analyzer under the same name is another analyzer.
fn digest(settings: &Value) -> String {
    let canonical = serde_json_canonicalizer::to_vec(settings);
    let canonical = canonical.unwrap_or_else(|_| settings.to_string().into_bytes());
    Digest::of(canonical).short(DIGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(vector: Value, text: Value) -> Value {
        json!({ "docs-v3": { "mappings": {
            "vector": { "full_name": "vector", "mapping": { "vector": vector } },
            "text": { "full_name": "text", "mapping": { "text": text } },
        } } })
    }

    fn dense(similarity: &str) -> Value {
        json!({
            "type": "dense_vector", "dims": 384, "index": true, "similarity": similarity,
            "index_options": { "type": "int8_hnsw", "m": 16, "ef_construction": 100 }
        })
    }

    fn index(mapped: &Value, analysis: Value, settings: &Settings) -> Index {
        let index = Index::of_mapping(mapped, settings).expect("one index");
        let mut own = json!({
            "number_of_shards": "2", "creation_date": "1763683200000", "provided_name": "docs-v3"
        });
        if !analysis.is_null() {
            own["analysis"] = analysis;
        }
        let defaults = json!({ "index": { "knn": { "algo_param": { "ef_search": "256" } } } });
        let reply = json!({ "docs-v3": { "settings": { "index": own }, "defaults": defaults } });
        index.with_settings(reply).expect("its settings")
    }

    fn of_mode(mode: Mode) -> Settings {
        Settings {
            mode: Some(mode),
            ..Settings::of_index("docs")
        }
    }

    #[test]
    fn an_index_states_its_metric_dimension_and_parameters() {
        let settings = of_mode(Mode::Knn);
        let mapped = mapping(
            dense("cosine"),
            json!({ "type": "text", "similarity": "BM25" }),
        );
        let contract =
            index(&mapped, Value::Null, &settings).contract(Flavour::Elasticsearch, &settings);
        let stated = |field| contract.get(field);
        assert_eq!(stated(ContractField::Metric), Some("cosine"));
        assert_eq!(stated(ContractField::Dim), Some("384"));
        assert_eq!(stated(ContractField::Analyzer), Some("none"));
        assert_eq!(stated(ContractField::BuildTs), Some("2025-11-21T00:00:00Z"));
        assert_eq!(
            stated(ContractField::IndexParams),
            Some(
                "elasticsearch index=docs-v3 num_candidates=100 search=knn shards=2 text.similarity=BM25 \
                 vector.ef_construction=100 vector.index=true vector.m=16 \
                 vector.similarity=cosine vector.type=int8_hnsw"
            )
        );
    }

    #[test]
    fn an_opensearch_index_names_its_space_and_engine() {
        let settings = of_mode(Mode::Knn);
        let method = json!({
            "name": "hnsw", "space_type": "innerproduct", "engine": "faiss",
            "parameters": { "ef_construction": 128, "m": 24 }
        });
        let vector = json!({ "type": "knn_vector", "dimension": 384, "method": method });
        let index = index(
            &mapping(vector, json!({ "type": "text" })),
            Value::Null,
            &settings,
        );
        let contract = index.contract(Flavour::Opensearch, &settings);
        assert_eq!(contract.get(ContractField::Metric), Some("dot"));
        let params = contract.get(ContractField::IndexParams).expect("stated");
        for part in [
            "vector.engine=faiss",
            "vector.parameters.m=24",
            "ef_search=256",
        ] {
            assert!(params.contains(part), "{params} has {part}");
        }
        let bare = json!({ "type": "knn_vector", "dimension": 384 });
        let mapped = mapping(bare, json!({ "type": "text" }));
        let index = Index::of_mapping(&mapped, &settings).expect("one index");
        assert_eq!(index.similarity(), None, "what is not said is not guessed");
    }

    #[track_caller]
    fn analyzer(text: Value, analysis: Value, expected: &str) {
        let settings = of_mode(Mode::Bm25);
        let index = index(&mapping(dense("cosine"), text), analysis, &settings);
        assert_eq!(index.analyzer().as_deref(), Some(expected));
        assert_eq!(index.search_analyzer().is_some(), expected.contains('/'));
    }

    #[test]
    fn the_analyzer_is_the_one_that_cuts_texts_and_questions() {
        analyzer(json!({ "type": "text" }), Value::Null, "standard");
        analyzer(
            json!({ "type": "text", "analyzer": "default" }),
            Value::Null,
            "standard",
        );
        analyzer(
            json!({ "type": "text", "analyzer": "english" }),
            Value::Null,
            "english",
        );
        let default = json!({ "analyzer": { "default": { "type": "german" } } });
        analyzer(json!({ "type": "text" }), default, "german");
        let own =
            json!({ "analyzer": { "default": { "type": "custom", "tokenizer": "standard" } } });
        analyzer(json!({ "type": "text" }), own, "default");
        let apart = json!({ "type": "text", "analyzer": "english", "search_analyzer": "standard" });
        analyzer(apart, Value::Null, "english/standard");
        let search = json!({ "analyzer": { "default_search": { "type": "simple" } } });
        analyzer(json!({ "type": "text" }), search.clone(), "standard/simple");
        let expanded = json!({
            "type": "text", "analyzer": "default", "search_analyzer": "default_search"
        });
        analyzer(expanded, search.clone(), "standard/simple");
        let explicit =
            json!({ "type": "text", "analyzer": "english", "search_analyzer": "english" });
        analyzer(explicit, search, "english");
        analyzer(json!({ "type": "keyword" }), Value::Null, "keyword");
    }

    #[test]
    fn a_changed_analyzer_under_the_same_name_shows() {
        let settings = of_mode(Mode::Bm25);
        let mapped = mapping(
            dense("cosine"),
            json!({ "type": "text", "analyzer": "house" }),
        );
        let params = |filter: &str| {
            let house = json!({ "type": "custom", "tokenizer": "standard", "filter": [filter] });
            let index = index(
                &mapped,
                json!({ "analyzer": { "house": house } }),
                &settings,
            );
            index.params(Flavour::Elasticsearch, &settings).to_string()
        };
        assert_ne!(params("lowercase"), params("porter_stem"));
    }

    #[test]
    fn an_alias_of_two_indices_is_refused() {
        let reply = json!({ "docs-v1": { "mappings": {} }, "docs-v2": { "mappings": {} } });
        let settings = of_mode(Mode::Knn);
        let failure = Index::of_mapping(&reply, &settings).expect_err("two");
        assert_eq!(failure.class, "several_indexes");
        assert!(
            failure.message.contains("docs-v1, docs-v2"),
            "{}",
            failure.message
        );
        let failure = Index::of_mapping(&json!({}), &settings).expect_err("none");
        assert_eq!(failure.class, "no_index");
    }

    #[test]
    fn a_search_needs_its_fields() {
        let reply = json!({ "docs-v3": { "mappings": {} } });
        for mode in [Mode::Knn, Mode::Bm25, Mode::Hybrid] {
            let settings = of_mode(mode);
            let index = Index::of_mapping(&reply, &settings).expect("one index");
            let failure = index.serves(&settings).expect_err("nothing is mapped");
            assert_eq!(failure.class, "field_missing");
        }
    }
}
