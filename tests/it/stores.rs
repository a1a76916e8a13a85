//! The gate against stores of other kinds, which are doubles of the documented form: no such server
//! was asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use ragstone::embed::VectorTable;
use ragstone::ids::TargetName;
use ragstone::net::{
    Attempt, Auth, AuthScheme, ClientSettings, Connection, ConnectionSettings, SecretSource,
};
use ragstone::plan::{self, Overrides};
use ragstone::replay::{Observation, Outcome, read_observations};
use ragstone::target::Stage;
use ragstone::target::store::QueryVectors;
use serde_json::Value;
use tempfile::TempDir;

use crate::loopback::Loopback;
use crate::store_doubles::{self, Elastic, Qdrant, Rows};
use crate::support::{SmallGold, check, gate, root, stderr, verdict};

const KEY: &str = "a-key-that-nobody-sees";
/// Rows enough for three pages of a listing.
const ROWS: usize = 60;

/// A gold set whose candidate is a store, beside an embedded control.
fn beside_control(store: &str) -> SmallGold {
    let small = SmallGold::new(ROWS);
    small.write("key", KEY);
    small.write("password", "open sesame\n");
    small.write(
        "ragstone.toml",
        &format!(
            "gold = '.'\n[referee]\nkind = 'lexical'\n\
             [replay]\nseeds = [1]\nparaphrases = 0\nk_sweep = [10]\nretries = 0\n\
             [[target]]\nname = 'us-east'\nrole = 'control'\nkind = 'embedded'\nranking = 'dense'\n\
             [[target]]\nname = 'store'\nrole = 'candidate'\n{store}\n"
        ),
    );
    small
}

fn qdrant(server: &Loopback) -> String {
    format!(
        "kind = 'qdrant'\nurl = '{}'\ncollection = 'docs'\nexact = true\nef_search = 64\n\
         id_field = 'row'\nauth_file = 'key'\nauth_header = 'api-key'\nintended = {{ ANALYZER = 'none' }}",
        server.url()
    )
}

fn elastic(server: &Loopback, more: &str) -> String {
    format!(
        "kind = 'elastic'\nurl = '{}'\nindex = 'docs'\nuser = 'reader'\nauth_file = 'password'\n{more}",
        server.url()
    )
}

const DENSE: &str = "intended = { ANALYZER = 'none' }";

/// A double with the rows of the gold set that `beside_control` makes.
fn rows() -> Arc<Rows> {
    Rows::of(&SmallGold::new(ROWS))
}

fn contract<'a>(verdict: &'a Value, target: &str) -> &'a Value {
    let targets = verdict["targets"].as_array().expect("targets");
    let found = targets.iter().find(|found| found["name"] == target);
    &found.expect("the target")["contract"]
}

/// The store answers as the control does and holds the same rows to the byte.
#[track_caller]
fn equals_the_control(verdict: &Value) {
    assert_eq!(verdict["probes"]["failed"], 0, "{verdict}");
    assert_eq!(check(verdict, "CA-COV")["estimate"], 1.0);
    assert_eq!(check(verdict, "CA-PAR")["verdict"], "PASS", "{verdict}");
    let (control, store) = (contract(verdict, "us-east"), contract(verdict, "store"));
    for field in ["INDEX_HASH", "COUNT", "METRIC", "DIM"] {
        assert!(control[field].is_string(), "{field}");
        assert_eq!(control[field], store[field], "{field}");
    }
    assert_eq!(verdict["parity"][0]["rows"]["n_changed"], 0);
}

fn observed(folder: &TempDir) -> Vec<Observation> {
    let path = folder.path().join("run/observations.parquet");
    let mut all = read_observations(&path).expect("observations");
    all.retain(|seen| seen.target.as_str() == "store");
    assert!(!all.is_empty());
    all
}

/// Every probe of the store failed so.
#[track_caller]
fn all_failed(folder: &TempDir, expected: &str, says: &str) {
    for seen in observed(folder) {
        let Outcome::Failed {
            class,
            stage,
            message,
        } = seen.outcome
        else {
            panic!("{:?} is no failure", seen.outcome);
        };
        assert_eq!((class.as_str(), stage), (expected, Stage::Tool));
        assert!(message.contains(says), "{message}");
    }
}

/// The gate could not be opened, and says why.
#[track_caller]
fn is_an_error(small: &SmallGold, says: &str) {
    let (output, folder) = gate(&small.policy(), &[]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let record = folder.path().join("run/run.json");
    let record = std::fs::read_to_string(record).expect("run.json");
    assert!(record.contains(says), "{record}");
}

#[test]
fn a_qdrant_collection_stands_beside_the_embedded_index() {
    let server = Qdrant::SOUND.serve(rows(), KEY);
    let (output, folder) = gate(&beside_control(&qdrant(&server)).policy(), &[]);
    let verdict = verdict(&output);
    equals_the_control(&verdict);
    let store = contract(&verdict, "store");
    assert_eq!(store["READY"], "green");
    assert_eq!(
        store["INDEX_PARAMS"],
        "hnsw collection=docs-v3 ef_construct=100 full_scan_threshold=10000 m=16 \
         max_indexing_threads=0 on_disk=false quantization=none search.exact=true \
         search.hnsw_ef=64 shards=1"
    );
    assert!(!verdict.to_string().contains(KEY));
    for seen in observed(&folder) {
        assert_eq!(seen.status, Some(200));
    }
    let pages = server.requests().into_iter();
    let pages = pages
        .filter(|request| request.path.ends_with("/scroll"))
        .count();
    assert_eq!(pages, 6, "three pages, at the start and at the end");
}

#[test]
fn a_qdrant_collection_of_another_distance_fails_on_its_metric() {
    let wrong = Qdrant {
        distance: "Euclid",
        ..Qdrant::SOUND
    };
    let server = wrong.serve(rows(), KEY);
    let (output, folder) = gate(&beside_control(&qdrant(&server)).policy(), &[]);
    let verdict = verdict(&output);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let parity = check(&verdict, "CA-PAR");
    assert_eq!(parity["verdict"], "FAIL");
    assert!(parity["detail"].to_string().contains("METRIC"), "{parity}");
    assert_eq!(contract(&verdict, "store")["METRIC"], "l2");
    for seen in observed(&folder) {
        let Outcome::Scored { hits, .. } = seen.outcome else {
            panic!("{:?} is no answer", seen.outcome);
        };
        let scores = hits.iter().map(|hit| hit.score);
        assert!(
            hits[0].score <= 0.0 && scores.is_sorted_by(|a, b| a >= b),
            "larger is nearer"
        );
    }
}

#[test]
fn an_error_inside_a_success_is_a_failure_of_the_store() {
    let failing = Qdrant {
        failing: true,
        ..Qdrant::SOUND
    };
    let server = failing.serve(rows(), KEY);
    let (_, folder) = gate(&beside_control(&qdrant(&server)).policy(), &[]);
    all_failed(&folder, "store_error", "shard is dead");
}

#[test]
fn a_listing_that_never_gets_on_is_refused() {
    let stuck = Qdrant {
        stuck: true,
        ..Qdrant::SOUND
    };
    let server = stuck.serve(rows(), KEY);
    is_an_error(&beside_control(&qdrant(&server)), "endless_listing");
    let stuck = Elastic {
        stuck: true,
        ..Elastic::ELASTICSEARCH
    };
    let server = stuck.serve(rows());
    is_an_error(&beside_control(&elastic(&server, DENSE)), "endless_listing");
}

#[test]
fn an_elasticsearch_index_stands_beside_the_embedded_index() {
    let server = Elastic::ELASTICSEARCH.serve(rows());
    let (output, _folder) = gate(&beside_control(&elastic(&server, DENSE)).policy(), &[]);
    let verdict = verdict(&output);
    equals_the_control(&verdict);
    let store = contract(&verdict, "store");
    assert_eq!(store["READY"], "yellow");
    assert_eq!(store["BUILD_TS"], "2025-11-21T00:00:00Z");
    assert_eq!(
        store["INDEX_PARAMS"],
        "elasticsearch index=docs-v3 num_candidates=100 search=knn shards=2 text.similarity=BM25 \
         vector.ef_construction=100 vector.index=true vector.m=16 \
         vector.similarity=cosine vector.type=int8_hnsw"
    );
    // Three pages and the empty one, each under the name that the last one gave; then it is closed.
    let requests = server.requests();
    let opened = requests
        .iter()
        .filter(|request| request.path.starts_with("/docs/_pit"));
    assert_eq!(opened.count(), 2, "at the start and at the end");
    let closed: Vec<Value> = requests
        .iter()
        .filter(|request| request.method == "DELETE")
        .map(|request| request.json()["id"].clone())
        .collect();
    assert_eq!(closed, ["m-4", "m-8"]);
}

#[test]
fn an_opensearch_index_stands_beside_the_embedded_index() {
    let server = Elastic::OPENSEARCH.serve(rows());
    let (output, _folder) = gate(&beside_control(&elastic(&server, DENSE)).policy(), &[]);
    let verdict = verdict(&output);
    equals_the_control(&verdict);
    let params = contract(&verdict, "store")["INDEX_PARAMS"].to_string();
    for part in [
        "opensearch index=docs-v3",
        "vector.engine=lucene",
        "vector.parameters.m=24",
    ] {
        assert!(params.contains(part), "{params} has {part}");
    }
    let closed = server
        .requests()
        .into_iter()
        .find(|request| request.method == "DELETE");
    let closed = closed.expect("the moment is closed");
    assert_eq!(closed.json(), serde_json::json!({ "pit_id": ["m-4"] }));
}

#[test]
fn an_index_of_another_similarity_fails_on_its_metric() {
    for (double, similarity) in [
        (Elastic::ELASTICSEARCH, "l2_norm"),
        (Elastic::OPENSEARCH, "l2"),
    ] {
        let server = Elastic {
            similarity,
            ..double
        }
        .serve(rows());
        let (output, folder) = gate(&beside_control(&elastic(&server, DENSE)).policy(), &[]);
        let verdict = verdict(&output);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert_eq!(check(&verdict, "CA-PAR")["verdict"], "FAIL");
        assert_eq!(contract(&verdict, "store")["METRIC"], "l2");
        for seen in observed(&folder) {
            let Outcome::Scored { hits, .. } = seen.outcome else {
                panic!("{:?} is no answer", seen.outcome);
            };
            // Unit vectors are at most 2 apart.
            assert!(hits.iter().all(|hit| (-2.0..=0.0).contains(&hit.score)));
        }
    }
}

/// The store finds what the control finds under the same filter, and nothing else.
#[track_caller]
fn finds_only_what_passes(store: &str) {
    let filter = "filter = { title = 'cache 1', section_id = 's1' }\n";
    let small = beside_control(&format!("{store}\n{filter}"));
    small.edit(
        "ragstone.toml",
        "ranking = 'dense'\n",
        &format!("ranking = 'dense'\n{filter}"),
    );
    let (output, folder) = gate(&small.policy(), &[]);
    let path = folder.path().join("run/observations.parquet");
    let all = read_observations(&path).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    for seen in all {
        let Outcome::Scored { hits, .. } = seen.outcome else {
            panic!("{:?} is no answer", seen.outcome);
        };
        let ids: Vec<&str> = hits.iter().map(|hit| hit.snippet_id.as_str()).collect();
        assert_eq!(ids, ["d/s1#0"], "{}", seen.target);
    }
    assert_eq!(check(&verdict(&output), "CA-PAR")["verdict"], "PASS");
}

#[test]
fn a_filter_is_asked_of_every_store_in_its_own_words() {
    let server = Qdrant::SOUND.serve(rows(), KEY);
    finds_only_what_passes(&qdrant(&server));
    for double in [Elastic::ELASTICSEARCH, Elastic::OPENSEARCH] {
        let server = double.serve(rows());
        finds_only_what_passes(&elastic(&server, DENSE));
    }
}

#[test]
fn a_filter_that_means_nothing_is_refused() {
    let server = Elastic::ELASTICSEARCH.serve(rows());
    let refuses = |how: &str, says: &str| {
        let small = beside_control(&elastic(&server, how));
        let error = plan::load(&small.policy(), &Overrides::default()).expect_err("refused");
        assert!(error.to_string().contains(says), "{error}");
    };
    refuses("filter = {}", "filter has no field");
    refuses("filter = { lang = nan }", "no row has lang");
    refuses("filter = { lang = ['en'] }", "must be a text, a number");
    refuses(
        "filter = { lang = 'en' }\nbody = '{\"q\": \"{question}\"}'",
        "filter and body are both given",
    );
}

#[test]
fn an_alias_of_two_indices_cannot_be_judged() {
    let server = Elastic {
        indices: &["docs-v3", "docs-v4"],
        ..Elastic::ELASTICSEARCH
    };
    let server = server.serve(rows());
    let small = beside_control(&elastic(&server, DENSE));
    is_an_error(&small, "docs stands for several indices: docs-v3, docs-v4");
}

#[test]
fn an_answer_of_some_shards_is_a_failure() {
    let server = Elastic {
        failed_shards: 1,
        ..Elastic::ELASTICSEARCH
    };
    let server = server.serve(rows());
    let (_, folder) = gate(&beside_control(&elastic(&server, DENSE)).policy(), &[]);
    all_failed(
        &folder,
        "shards_failed",
        "1 of 2 shards failed: the node left",
    );
}

#[test]
fn words_rank_by_a_mode_and_by_a_search_of_ones_own() {
    let own = "body = '''{\"size\": {k}, \"query\": {\"match\": {\"text\": {\"query\": \"{question}\"}}}}'''\n\
               flavour = 'elasticsearch'\nintended = { ANALYZER = 'english' }";
    let mode = "mode = 'bm25'\nintended = { ANALYZER = 'english' }";
    for how in [mode, own] {
        let server = Elastic::ELASTICSEARCH.serve(rows());
        let (output, _folder) = gate(&beside_control(&elastic(&server, how)).policy(), &[]);
        let verdict = verdict(&output);
        equals_the_control(&verdict);
        assert_eq!(contract(&verdict, "store")["ANALYZER"], "english");
        let search = server
            .requests()
            .into_iter()
            .find(|request| request.path == "/docs/_search");
        let search = search.expect("a search");
        let question = search.json()["query"]["match"]["text"]["query"].to_string();
        assert!(question.contains("When is"), "{question}");
    }
}

#[test]
fn both_servers_fuse_words_and_vectors_in_their_own_way() {
    let fused = "mode = 'hybrid'\nintended = { ANALYZER = 'english' }";
    let piped = format!("{fused}\npipeline = 'fuse'");
    for (double, how) in [
        (Elastic::ELASTICSEARCH, fused),
        (Elastic::OPENSEARCH, piped.as_str()),
    ] {
        let server = double.serve(rows());
        let (output, _folder) = gate(&beside_control(&elastic(&server, how)).policy(), &[]);
        equals_the_control(&verdict(&output));
    }
}

#[test]
fn a_hybrid_search_without_a_pipeline_is_not_even_asked() {
    let server = Elastic::OPENSEARCH.serve(rows());
    let how = "mode = 'hybrid'\nintended = { ANALYZER = 'english' }";
    let (_, folder) = gate(&beside_control(&elastic(&server, how)).policy(), &[]);
    for seen in observed(&folder) {
        let Outcome::Failed { class, stage, .. } = seen.outcome else {
            panic!("{:?} is no failure", seen.outcome);
        };
        assert_eq!((class.as_str(), stage), ("no_pipeline", Stage::Query));
    }
}

#[test]
fn the_servers_own_analysis_is_at_hand() {
    let server = Elastic::ELASTICSEARCH.serve(rows());
    let folder = tempfile::tempdir().expect("a folder");
    let password = folder.path().join("password");
    std::fs::write(&password, "open sesame").expect("written");
    let connection = Connection::new(&ConnectionSettings {
        url: server.url().parse().expect("a URL"),
        headers: BTreeMap::new(),
        secret_headers: BTreeMap::new(),
        auth: Some(Auth {
            secret: SecretSource::File(password),
            how: AuthScheme::Basic("reader".to_owned()),
        }),
        client: ClientSettings::default(),
    });
    let index = ragstone::target::elastic::Elastic::new(
        TargetName::new("store"),
        ragstone::target::elastic::Settings::of_index("docs"),
        connection.expect("sound"),
        QueryVectors::Referee(Arc::new(VectorTable::new("m"))),
    );
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let tokens = runtime.block_on(index.tokens("The Queue is drained", &Attempt::begin()));
    assert_eq!(tokens.expect("analysed"), ["the", "queue", "is", "drained"]);
}

/// An example of the handbook's, turned to a small gold set, a double and no credentials.
fn example(name: &str, host: &str, server: &Loopback) -> SmallGold {
    let path = root().join("goldsets/handbook/stores").join(name);
    let text = std::fs::read_to_string(path).expect("an example");
    assert!(text.contains(host), "{name} asks {host}");
    let text = text
        .replace(host, &server.url())
        .replace(
            "gold = \"..\"",
            "gold = \".\"\n[replay]\nseeds = [1]\nparaphrases = 0\nk_sweep = [10]",
        )
        .replace(
            "kind = \"cache\"\nmodel = \"all-MiniLM-L6-v2\"",
            "kind = \"lexical\"",
        );
    let open = text.lines().filter(|line| !line.starts_with("auth_env"));
    let small = SmallGold::new(ROWS);
    small.write("ragstone.toml", &open.collect::<Vec<_>>().join("\n"));
    small
}

#[test]
fn every_example_is_a_policy() {
    for name in [
        "qdrant",
        "elasticsearch",
        "opensearch",
        "milvus",
        "weaviate",
    ] {
        let path = root().join(format!("goldsets/handbook/stores/{name}.toml"));
        let read = plan::load(&path, &Overrides::default());
        read.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

/// A store that is reached by configuration alone answers as the control does; its rows are not listed.
#[track_caller]
fn answers_as_the_control(small: &SmallGold, metric: &str) {
    let (output, folder) = gate(&small.policy(), &[]);
    let verdict = verdict(&output);
    assert_eq!(verdict["probes"]["failed"], 0, "{verdict}");
    assert_eq!(check(&verdict, "CA-COV")["estimate"], 1.0);
    assert_eq!(verdict["targets"][1]["contract"]["METRIC"], metric);
    assert_eq!(
        check(&verdict, "CA-PAR")["verdict"],
        "INCONCLUSIVE",
        "no INDEX_HASH"
    );
    let path = folder.path().join("run/observations.parquet");
    let seen = read_observations(&path).expect("observations");
    let (control, store): (Vec<_>, Vec<_>) = seen
        .iter()
        .partition(|seen| seen.target.as_str() == "us-east");
    let found = |seen: &Observation| match &seen.outcome {
        Outcome::Scored { hits, .. } => {
            assert!(
                hits.is_sorted_by(|a, b| a.score >= b.score),
                "larger is nearer"
            );
            hits.iter()
                .map(|hit| hit.snippet_id.clone())
                .collect::<Vec<_>>()
        }
        other => panic!("{other:?} is no answer"),
    };
    for (control, store) in control.into_iter().zip(store) {
        assert_eq!(found(control)[0], found(store)[0]);
    }
}

#[test]
fn milvus_is_reached_by_configuration_alone() {
    let server = store_doubles::milvus(rows());
    let small = example("milvus.toml", "https://milvus.example:19530", &server);
    answers_as_the_control(&small, "COSINE");
}

#[test]
fn weaviate_is_reached_by_configuration_alone() {
    let server = store_doubles::weaviate(rows());
    let small = example("weaviate.toml", "https://weaviate.example", &server);
    answers_as_the_control(&small, "cosine");
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let server = Elastic::ELASTICSEARCH.serve(rows());
    for (more, says) in [
        ("mode = 'knn'\nbody = '{}'", "mode and body are both given"),
        (
            "body = '{\"q\": \"{query}\"}'",
            "the question is never sent",
        ),
        ("body = '{\"q\": {question}}'", "the body is no JSON"),
        ("flavour = 'opensearch'\nmode = 'hybrid'", "nothing fuses"),
        (
            "flavour = 'elasticsearch'\npipeline = 'p'",
            "no search pipelines",
        ),
        ("collection = 'docs'", "belongs to kind ="),
        ("stated = { METRIC = 'cosine' }", "METRIC is found in the"),
    ] {
        let (output, _folder) = gate(&beside_control(&elastic(&server, more)).policy(), &[]);
        assert_eq!(output.status.code(), Some(2), "{more}");
        // Without the frame that a terminal is drawn.
        let said = stderr(&output).replace('│', " ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(says), "{said}");
    }
    assert!(
        server.requests().is_empty(),
        "nothing is asked before the policy is sound"
    );
}
