//! The body of a search.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::target::elastic::Settings;
use crate::target::{Failure, Query, Stage};

/// Which of the two servers, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// Elasticsearch, 8.14 or later for hybrid searches.
    Elasticsearch,
    /// OpenSearch with its k-NN plugin.
    Opensearch,
}

impl Flavour {
    /// Its name in policies and contracts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elasticsearch => "elasticsearch",
            Self::Opensearch => "opensearch",
        }
    }
}

/// Which searches rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Vectors only.
    Knn,
    /// Words only.
    Bm25,
    /// Both: fused by reciprocal rank on Elasticsearch, by the search pipeline on OpenSearch.
    Hybrid,
}

impl Mode {
    /// Its name in policies and contracts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Knn => "knn",
            Self::Bm25 => "bm25",
            Self::Hybrid => "hybrid",
        }
    }

    /// Whether the search needs the vector of the question.
    pub fn is_dense(self) -> bool {
        matches!(self, Self::Knn | Self::Hybrid)
    }

    /// Whether the search looks at words.
    pub fn is_lexical(self) -> bool {
        matches!(self, Self::Bm25 | Self::Hybrid)
    }
}

/// Candidates that each shard looks at, at least.
pub(super) const NUM_CANDIDATES: usize = 100;
/// How deep each ranking goes before fusion, at least.
pub(super) const RANK_WINDOW: usize = 100;

impl Settings {
    /// The question in the server's language, for a search that is not the user's own.
    ///
    /// # Errors
    /// If OpenSearch is asked to fuse two rankings without a pipeline that does so: it would answer
    /// with scores that mean nothing.
    pub(super) fn question(
        &self,
        flavour: Flavour,
        mode: Mode,
        query: &Query,
        vector: &[f32],
    ) -> Result<Value, Failure> {
        let k = query.k.get();
        let mut body = json!({
            "size": k,
            "_source": { "excludes": [self.fields.vector] },
        });
        match (flavour, mode) {
            (_, Mode::Bm25) => body["query"] = self.words(query),
            (Flavour::Elasticsearch, Mode::Knn) => body["knn"] = self.nearest(vector, k),
            (Flavour::Opensearch, Mode::Knn) => body["query"] = self.nearest_clause(vector, k),
            (Flavour::Elasticsearch, Mode::Hybrid) => {
                let window = self.window(k);
                body["retriever"] = json!({ "rrf": {
                    "retrievers": [
                        { "standard": { "query": self.words(query) } },
                        { "knn": self.nearest(vector, window) },
                    ],
                    "rank_window_size": window,
                } });
            }
            (Flavour::Opensearch, Mode::Hybrid) => {
                if self.pipeline.is_none() {
                    let message =
                        "a hybrid search of OpenSearch needs a search pipeline: `pipeline`";
                    return Err(Failure::lasting("no_pipeline", Stage::Query, message));
                }
                let nearest = self.nearest_clause(vector, self.window(k));
                body["query"] = json!({ "hybrid": { "queries": [self.words(query), nearest] } });
            }
        }
        Ok(body)
    }

    fn window(&self, k: usize) -> usize {
        self.rank_window.unwrap_or(RANK_WINDOW).max(k)
    }

    /// The search by words. Conditions let rows pass and add nothing to their scores.
    fn words(&self, query: &Query) -> Value {
        let words = json!({ "match": { &self.fields.text: { "query": query.text } } });
        match self.conditions() {
            None => words,
            Some(conditions) => json!({ "bool": { "must": words, "filter": conditions } }),
        }
    }

    /// The filter in the words of both servers, which is applied while neighbours are sought.
    fn conditions(&self) -> Option<Value> {
        let term =
            |(field, value): (&str, &Value)| json!({ "term": { field: { "value": value } } });
        let terms: Vec<Value> = self.filter.iter().map(term).collect();
        (!terms.is_empty()).then_some(Value::Array(terms))
    }

    /// Elasticsearch's search for the `k` nearest.
    fn nearest(&self, vector: &[f32], k: usize) -> Value {
        let mut nearest = json!({
            "field": self.fields.vector,
            "query_vector": vector,
            "k": k,
            "num_candidates": self.num_candidates.unwrap_or(NUM_CANDIDATES).max(k),
        });
        if let Some(conditions) = self.conditions() {
            nearest["filter"] = conditions;
        }
        nearest
    }

    /// OpenSearch's search for the `k` nearest of each shard.
    fn nearest_clause(&self, vector: &[f32], k: usize) -> Value {
        let mut clause = json!({ "vector": vector, "k": k });
        if let Some(candidates) = self.num_candidates {
            clause["method_parameters"] = json!({ "ef_search": candidates.max(k) });
        }
        if let Some(conditions) = self.conditions() {
            clause["filter"] = json!({ "bool": { "filter": conditions } });
        }
        json!({ "knn": { &self.fields.vector: clause } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Form, QuestionId, Seed};
    use crate::target::store::{Fields, Filter};
    use crate::units::Cutoff;

    fn asked(flavour: Flavour, mode: Mode, settings: Settings) -> Result<Value, Failure> {
        let query = Query {
            question: QuestionId::new("q"),
            form: Form::ORIGINAL,
            seed: Seed(1),
            k: Cutoff::new(3).expect("positive"),
            text: "why?".to_owned(),
            repeat: false,
            warm_up: false,
        };
        settings.question(flavour, mode, &query, &[0.5, 1.0])
    }

    fn settings() -> Settings {
        Settings {
            fields: Fields {
                text: "body".to_owned(),
                ..Fields::default()
            },
            ..Settings::of_index("docs")
        }
    }

    #[test]
    fn elasticsearch_is_asked_in_its_words() {
        let knn = asked(Flavour::Elasticsearch, Mode::Knn, settings()).expect("a body");
        let nearest =
            json!({ "field": "vector", "query_vector": [0.5, 1.0], "k": 3, "num_candidates": 100 });
        assert_eq!(knn["knn"], nearest);
        assert_eq!(knn["size"], 3);
        let bm25 = asked(Flavour::Elasticsearch, Mode::Bm25, settings()).expect("a body");
        assert_eq!(
            bm25["query"],
            json!({ "match": { "body": { "query": "why?" } } })
        );
        let hybrid = asked(Flavour::Elasticsearch, Mode::Hybrid, settings()).expect("a body");
        let fused = &hybrid["retriever"]["rrf"];
        assert_eq!(fused["rank_window_size"], 100);
        assert_eq!(fused["retrievers"][1]["knn"]["k"], 100);
        assert_eq!(fused["retrievers"][0]["standard"]["query"], bm25["query"]);
    }

    #[test]
    fn a_filter_goes_to_every_search_that_ranks() {
        let conditions = serde_json::from_value(json!({ "lang": "en", "rev": 2 }));
        let filter = Filter::new(conditions.expect("a table"));
        let filtered = || Settings {
            filter: filter.clone(),
            pipeline: Some("fuse".to_owned()),
            ..settings()
        };
        let terms = json!([{ "term": { "lang": { "value": "en" } } }, { "term": { "rev": { "value": 2 } } }]);
        let body = |flavour, mode| asked(flavour, mode, filtered()).expect("a body");
        let knn = body(Flavour::Elasticsearch, Mode::Knn);
        assert_eq!(knn["knn"]["filter"], terms);
        let bm25 = body(Flavour::Elasticsearch, Mode::Bm25);
        assert_eq!(bm25["query"]["bool"]["filter"], terms);
        let words = json!({ "match": { "body": { "query": "why?" } } });
        assert_eq!(bm25["query"]["bool"]["must"], words);
        let fused = &body(Flavour::Elasticsearch, Mode::Hybrid)["retriever"]["rrf"]["retrievers"];
        assert_eq!(fused[0]["standard"]["query"]["bool"]["filter"], terms);
        assert_eq!(fused[1]["knn"]["filter"], terms);
        let knn = body(Flavour::Opensearch, Mode::Knn);
        assert_eq!(
            knn["query"]["knn"]["vector"]["filter"]["bool"]["filter"],
            terms
        );
        let fused = &body(Flavour::Opensearch, Mode::Hybrid)["query"]["hybrid"]["queries"];
        assert_eq!(fused[0]["bool"]["filter"], terms);
        assert_eq!(fused[1]["knn"]["vector"]["filter"]["bool"]["filter"], terms);
    }

    #[test]
    fn opensearch_is_asked_in_its_words() {
        let knn = asked(Flavour::Opensearch, Mode::Knn, settings()).expect("a body");
        let nearest = json!({ "knn": { "vector": { "vector": [0.5, 1.0], "k": 3 } } });
        assert_eq!(knn["query"], nearest);
        let careful = Settings {
            num_candidates: Some(2),
            ..settings()
        };
        let knn = asked(Flavour::Opensearch, Mode::Knn, careful).expect("a body");
        let parameters = &knn["query"]["knn"]["vector"]["method_parameters"];
        assert_eq!(parameters, &json!({ "ef_search": 3 }), "never fewer than k");
        let failure = asked(Flavour::Opensearch, Mode::Hybrid, settings()).expect_err("none");
        assert_eq!(failure.class, "no_pipeline");
        let fused = Settings {
            pipeline: Some("rrf".to_owned()),
            ..settings()
        };
        let hybrid = asked(Flavour::Opensearch, Mode::Hybrid, fused).expect("a body");
        let queries = hybrid["query"]["hybrid"]["queries"]
            .as_array()
            .map(Vec::len);
        assert_eq!(queries, Some(2));
    }
}
