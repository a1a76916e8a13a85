//! Token streams of embedded indexes, of doubles of `_analyze`, and of a real PostgreSQL.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ragstone::embed::{Referee, VectorTable};
use ragstone::goldset;
use ragstone::ids::TargetName;
use ragstone::net::{Attempt, ClientSettings, Connection, ConnectionSettings, SecretSource};
use ragstone::parity::Contract;
use ragstone::parity::analyzer::{
    AnalyzerParity, AnalyzerStatus, FirstDifference, ProbeSet, StreamsParity, TimeParity,
    TokenStream, TokenStreams, compare, index_against_search,
};
use ragstone::pipeline::{FingerprintError, read_token_streams};
use ragstone::replay::{Backoff, Settings};
use ragstone::target::elastic::Elastic;
use ragstone::target::embedded::{self, Embedded};
use ragstone::target::pgvector::{self, Pgvector, Tls};
use ragstone::target::store::{Fields, Filter, QueryVectors};
use ragstone::target::{
    Analysis, AnalysisTime, AnalyzerId, Listing, Locality, Query, Reply, SearchAnalysis, Target,
    Working,
};
use serde_json::{Value, json};

use crate::loopback::{Loopback, Request, Response};
use crate::support::SmallGold;

fn patient() -> Settings {
    Settings {
        backoff: Backoff {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(1),
        },
        ..Settings::default()
    }
}

fn read(target: &dyn Target) -> Result<TokenStreams, FingerprintError> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(read_token_streams(target, &patient()))
}

#[track_caller]
fn compared(time: &TimeParity) -> &StreamsParity {
    match time {
        TimeParity::Compared(parity) => parity,
        TimeParity::NotChecked(reason) => panic!("not checked: {reason:?}"),
    }
}

#[track_caller]
fn first(parity: &AnalyzerParity) -> &FirstDifference {
    let first = compared(&parity.index).first.as_deref();
    first.expect("a difference at index time")
}

fn embedded(analyzer: embedded::Analyzer) -> Embedded {
    let small = SmallGold::new(6);
    let gold = goldset::load(small.folder.path()).expect("a gold set");
    let settings = embedded::Settings {
        analyzer,
        snippets: gold.manifest.snippets,
        ..embedded::Settings::default()
    };
    let texts = embedded::texts(&gold.corpus, &settings).expect("no skew");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let vectors = runtime.block_on(Referee::Lexical.vectors(&texts));
    let vectors = Arc::new(vectors.expect("computed here"));
    let name = TargetName::new("embedded");
    Embedded::build(name, &gold.corpus, &settings, vectors, "now").expect("built")
}

#[test]
fn a_stemmer_shows_at_the_first_token_that_it_stems() {
    let stems = read(&embedded(embedded::Analyzer::EnStem)).expect("in this process");
    let simple = read(&embedded(embedded::Analyzer::Simple)).expect("in this process");
    assert_eq!(stems.analyzer, "en_stem");
    assert!(
        stems
            .engine
            .as_ref()
            .is_some_and(|engine| engine.contains("tantivy"))
    );
    assert_ne!(stems.fingerprint(), simple.fingerprint());
    let parity = compare(Some(&stems), Some(&simple));
    assert_eq!(parity.status, AnalyzerStatus::Differs);
    let first = first(&parity);
    assert_eq!(
        (first.probe, first.text.as_str(), first.token),
        (0, "running", 0)
    );
    assert_eq!(
        (first.a.as_deref(), first.b.as_deref()),
        (Some("run"), Some("running"))
    );
    assert_eq!(
        compared(&parity.search).n_differing,
        compared(&parity.index).n_differing
    );
    assert_eq!(parity.a_index_against_search, None, "one chain cuts both");
    let again = read(&embedded(embedded::Analyzer::EnStem)).expect("in this process");
    assert_eq!(again, stems);
    assert_eq!(
        compare(Some(&stems), Some(&again)).status,
        AnalyzerStatus::Equal
    );
}

/// An index `docs` whose text field cuts at white space and lowers, except what the search analyzer
/// named `house_search` drops.
fn analyzing(search: Option<&'static str>, drops: &'static str) -> Loopback {
    let is_busy = AtomicBool::new(true);
    Loopback::answering(move |request| match request.path.split('?').next() {
        Some("/") => Response::json(&json!({ "version": {
            "number": "9.2.0", "lucene_version": "10.3.1"
        } })),
        Some("/docs/_mapping/field/vector,text") => Response::json(&mapping(search)),
        Some("/docs/_settings") => Response::json(&json!({ "docs": { "settings": { "index": {
            "analysis": { "analyzer": { "house": { "type": "custom" } } }
        } } } })),
        Some("/docs/_analyze") if is_busy.swap(false, Ordering::Relaxed) => Response::status(503),
        Some("/docs/_analyze") => analyzed(&request.json(), drops),
        _ => Response::status(404),
    })
}

fn mapping(search: Option<&str>) -> Value {
    let mut text = json!({ "type": "text", "analyzer": "house" });
    if let Some(search) = search {
        text["search_analyzer"] = json!(search);
    }
    let vector = json!({ "type": "dense_vector", "dims": 2, "similarity": "cosine" });
    json!({ "docs": { "mappings": {
        "vector": { "full_name": "vector", "mapping": { "vector": vector } },
        "text": { "full_name": "text", "mapping": { "text": text } },
    } } })
}

fn analyzed(asked: &Value, drops: &str) -> Response {
    let is_search = asked["analyzer"] == "house_search";
    if !is_search && asked["field"] != "text" {
        return Response::status(400);
    }
    let words = asked["text"].as_str().expect("a text").split_whitespace();
    let words = words.map(str::to_lowercase).enumerate();
    let words = words.filter(|(_, word)| !is_search || word != drops);
    let token = |(position, word)| json!({ "token": word, "type": "word", "position": position });
    Response::json(&json!({ "tokens": words.map(token).collect::<Vec<_>>() }))
}

fn elastic(server: &Loopback) -> Elastic {
    let connection = Connection::new(&ConnectionSettings {
        url: server.url().parse().expect("a URL"),
        headers: BTreeMap::new(),
        secret_headers: BTreeMap::new(),
        auth: None,
        client: ClientSettings::default(),
    });
    Elastic::new(
        TargetName::new("store"),
        ragstone::target::elastic::Settings::of_index("docs"),
        connection.expect("sound"),
        QueryVectors::Referee(Arc::new(VectorTable::new("m"))),
    )
}

fn analyses(server: &Loopback) -> Vec<Request> {
    let mut requests = server.requests();
    requests.retain(|request| request.path == "/docs/_analyze");
    requests
}

#[test]
fn a_search_analyzer_of_its_own_is_asked_by_its_name() {
    let server = analyzing(Some("house_search"), "the");
    let apart = read(&elastic(&server)).expect("analysed");
    assert_eq!(apart.analyzer, "house/house_search");
    assert_eq!(
        apart.engine.as_deref(),
        Some("elasticsearch 9.2.0, lucene 10.3.1")
    );
    let n = ProbeSet::current().probes().len();
    assert_eq!(
        analyses(&server).len(),
        2 * n + 1,
        "and once more for who was busy"
    );
    let own = index_against_search(&apart).expect("told");
    let first_own = own.first.expect("a difference");
    assert_eq!(
        (first_own.a.as_deref(), first_own.b.as_deref()),
        (Some("the"), Some("replicas"))
    );
    assert_eq!(
        first_own.b_stream.positions.expect("given")[0],
        1,
        "a dropped word leaves a gap"
    );

    let server = analyzing(None, "the");
    let one = read(&elastic(&server)).expect("analysed");
    assert_eq!(one.analyzer, "house");
    assert_eq!(
        analyses(&server).len(),
        n + 1,
        "there is nothing more to ask"
    );
    assert_eq!(one.search.as_ref(), Some(&one.index));
    let parity = compare(Some(&one), Some(&apart));
    assert_eq!(parity.status, AnalyzerStatus::Differs);
    assert_eq!(compared(&parity.index).n_differing, 0);
    assert!(parity.b_index_against_search.is_some() && parity.a_index_against_search.is_none());
}

#[test]
fn a_server_that_may_not_be_asked_gives_no_reading() {
    let server = Loopback::answering(|request| match request.path.as_str() {
        "/docs/_analyze" => Response::status(403),
        _ => analyzing_once(request),
    });
    let failed = read(&elastic(&server)).expect_err("forbidden");
    let words = failed.to_string();
    assert!(words.contains("http_403 at headers"), "{words}");
    assert_eq!(compare(None, None).status, AnalyzerStatus::NotChecked);
}

fn analyzing_once(request: &Request) -> Response {
    match request.path.split('?').next() {
        Some("/") => Response::status(403),
        Some("/docs/_settings") => {
            Response::json(&json!({ "docs": { "settings": { "index": {} } } }))
        }
        _ => Response::json(&mapping(None)),
    }
}

/// A target with an analysis that gives one stream too few, or with none at all.
struct Scripted {
    name: TargetName,
    has_analysis: bool,
}

impl Target for Scripted {
    fn name(&self) -> &TargetName {
        &self.name
    }

    fn locality(&self) -> Locality {
        Locality::InProcess
    }

    fn contract(&self, _: Arc<Attempt>) -> Working<'_, Contract> {
        Box::pin(std::future::ready(Ok(Contract::default())))
    }

    fn listing(&self) -> Listing<'_> {
        Listing::None
    }

    fn analysis(&self) -> Option<&dyn Analysis> {
        self.has_analysis.then_some(self)
    }

    fn retrieve<'a>(&'a self, _: &'a Query, _: Arc<Attempt>) -> Working<'a, Reply> {
        Box::pin(std::future::ready(Ok(Reply::default())))
    }
}

impl Analysis for Scripted {
    fn analyzer(&self, _: Arc<Attempt>) -> Working<'_, AnalyzerId> {
        Box::pin(std::future::ready(Ok(AnalyzerId {
            name: "any".to_owned(),
            engine: None,
            search: SearchAnalysis::NotTold,
        })))
    }

    fn texts_a_call(&self) -> usize {
        100
    }

    fn streams<'a>(
        &'a self,
        texts: &'a [&'a str],
        _: AnalysisTime,
        _: Arc<Attempt>,
    ) -> Working<'a, Vec<TokenStream>> {
        let n = texts.len().min(99);
        Box::pin(std::future::ready(Ok(vec![TokenStream::default(); n])))
    }
}

#[test]
fn a_target_without_analysis_and_a_partial_one_give_no_reading() {
    let scripted = |has_analysis| Scripted {
        name: TargetName::new("t"),
        has_analysis,
    };
    let none = read(&scripted(false)).expect_err("no analysis");
    assert!(matches!(none, FingerprintError::NoAnalysis { .. }));
    let partial = read(&scripted(true)).expect_err("streams are missing");
    assert!(
        matches!(partial, FingerprintError::Malformed { .. }),
        "{partial}"
    );
}

/// The server that `tests/live/run` starts, with a text search configuration.
fn postgres(config: Option<&str>) -> Pgvector {
    let port = std::env::var("RAGSTONE_LIVE_PG_PORT").expect("tests/live/run sets it");
    let settings = pgvector::Settings {
        host: "127.0.0.1".to_owned(),
        port: port.parse().expect("a port"),
        database: "postgres".to_owned(),
        user: "gold".to_owned(),
        password: Some(SecretSource::Env("RAGSTONE_PG_PASSWORD".to_owned())),
        tls: Tls::Off,
        ca_file: None,
        max_body: 1 << 20,
        schema: "public".to_owned(),
        table: "handbook".to_owned(),
        id_column: "id".to_owned(),
        metadata_column: None,
        fields: Fields::default(),
        filter: Filter::default(),
        metric: None,
        ef_search: None,
        probes: None,
        text_config: config.map(str::to_owned),
        list_rows: false,
    };
    let vectors = QueryVectors::Referee(Arc::new(VectorTable::new("m")));
    Pgvector::new(TargetName::new("postgres"), settings, vectors).expect("sound")
}

#[test]
#[ignore = "needs a PostgreSQL server: tests/live/run starts one"]
fn live_postgresql_tells_its_lexemes() {
    let english = read(&postgres(Some("pg_catalog.english"))).expect("analysed");
    let simple = read(&postgres(Some("simple"))).expect("analysed");
    assert_eq!(english.analyzer, "pg_catalog.english");
    assert_eq!(simple.analyzer, "pg_catalog.simple");
    let engine = english.engine.as_deref().unwrap_or_default();
    assert!(engine.starts_with("PostgreSQL "), "{engine}");
    let parity = compare(Some(&english), Some(&simple));
    assert_eq!(parity.status, AnalyzerStatus::Differs);
    let first = first(&parity);
    assert_eq!((first.text.as_str(), first.token), ("running", 0));
    assert_eq!(
        (first.a.as_deref(), first.b.as_deref()),
        (Some("run"), Some("running"))
    );
    for side in [&english, &simple] {
        let own = index_against_search(side).expect("told");
        assert_eq!(own.first, None, "a question is cut as a text is");
    }
    let server = read(&postgres(None)).expect("analysed");
    assert!(
        server.analyzer.starts_with("pg_catalog."),
        "{}",
        server.analyzer
    );
    let unknown = read(&postgres(Some("no_such_config"))).expect_err("unknown");
    assert!(unknown.to_string().contains("pg_42704"), "{unknown}");
}
