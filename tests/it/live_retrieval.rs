//! Metric inference and recall against real servers, where they are named:
//!
//! `RAGSTONE_LIVE_PG=postgres://127.0.0.1:PORT/DATABASE`, whose user is `RAGSTONE_LIVE_PG_USER`
//! with the password in `RAGSTONE_PG_PASSWORD`, and `RAGSTONE_LIVE_CHROMA=http://127.0.0.1:PORT`.

use std::io::Write as _;
use std::sync::Arc;

use ragstone::net::Attempt;
use ragstone::parity::metric_inference::{Agreement, Inferred, Precision};
use ragstone::parity::retrieval::{ConditionReading, RetrievalReading};
use ragstone::pipeline::retrieval::read_retrieval;
use ragstone::plan::{self, Overrides, TargetSettings};
use ragstone::target::chroma::{Chroma, ChromaLoad};
use ragstone::target::pgvector::{Pgvector, PgvectorLoad};
use ragstone::target::store::{Load, QueryVectors, Shape};
use ragstone::target::{Export, Metric, StoredRow};

use crate::retrieval::{chunks, occasion, uneven_rows};
use crate::support::SmallGold;

/// What an environment variable names. Says aloud that it names nothing.
fn server(variable: &str) -> Option<String> {
    let named = std::env::var(variable).ok();
    if named.is_none() {
        let words = format!("SKIPPED: {variable} names no server to try\n");
        let _ = std::io::stderr().write_all(words.as_bytes());
    }
    named
}

const METRICS: [(Metric, Inferred); 3] = [
    (Metric::Cosine, Inferred::Cosine),
    (Metric::Dot, Inferred::Dot),
    (Metric::L2, Inferred::L2),
];

async fn fill(store: &dyn Load, rows: &[StoredRow], metric: Metric) {
    let shape = Shape { dim: 12, metric };
    store.create(shape, Attempt::begin()).await.expect("made");
    for batch in rows.chunks(100) {
        store.add(batch, Attempt::begin()).await.expect("added");
    }
    store.finish(shape, Attempt::begin()).await.expect("built");
}

async fn exported(store: &dyn Export) -> Vec<StoredRow> {
    let (mut rows, mut mark) = (Vec::new(), None::<String>);
    loop {
        let page = store
            .page(mark.as_deref(), Attempt::begin())
            .await
            .expect("a page");
        rows.extend(page.rows);
        mark = page.next;
        if mark.is_none() {
            return rows;
        }
    }
}

/// Fills a store by what the policy says of the target `us-east`, reads its rows and its retrieval.
fn read(keys: &str, metric: Metric) -> RetrievalReading {
    let small = SmallGold::new(6);
    small.edit("ragstone.toml", "kind = 'embedded'\n", keys);
    let policy = plan::load(&small.policy(), &Overrides::default()).expect("a policy");
    let spec = &policy.targets[0];
    let nobodys = || QueryVectors::Given(Arc::default());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (store, export): (Box<dyn Load>, Box<dyn Export>) = match &spec.settings {
            TargetSettings::Pgvector(found) => {
                let settings = || found.settings.clone();
                let target = Pgvector::new(spec.name.clone(), settings(), nobodys());
                let load = PgvectorLoad::new(settings()).expect("sound");
                (Box::new(load), Box::new(target.expect("sound")))
            }
            TargetSettings::Chroma(found) => {
                let settings = || found.settings.clone();
                let target = Chroma::new(spec.name.clone(), settings(), nobodys());
                let load = ChromaLoad::new(settings()).expect("sound");
                (Box::new(load), Box::new(target.expect("sound")))
            }
            other => panic!("{other:?}"),
        };
        fill(store.as_ref(), &uneven_rows(400), metric).await;
        let rows = chunks(&exported(export.as_ref()).await);
        let occasion = occasion();
        let mut ignored = |_, _| {};
        let reading = read_retrieval(&policy, "us-east", &rows, &occasion, &mut ignored);
        reading.await.expect("a reading")
    })
}

#[track_caller]
fn is_right(reading: &RetrievalReading, inferred: Inferred, least_recall: f64) {
    let inference = &reading.inference;
    let mean = |condition: &ConditionReading| condition.quality.recall.map(|share| share.mean);
    let filtered = reading.filtered.as_ref().and_then(mean);
    let largest = inference.closest.map(|closest| closest.residual.max);
    let told = format!(
        "{}, at most {:.1e} off; recall {:.3}, under a filter {:.3}\n",
        inference.why,
        largest.unwrap_or(f64::NAN),
        mean(&reading.plain).unwrap_or(f64::NAN),
        filtered.unwrap_or(f64::NAN),
    );
    let _ = std::io::stderr().write_all(told.as_bytes());
    assert_eq!(inference.metric, inferred, "{}", inference.why);
    assert_eq!(inference.precision, Some(Precision::Single));
    assert_eq!(reading.agreement, Agreement::Agrees);
    assert!(inference.n_scaled > 0, "{:?}", reading.scaled_refused);
    assert_eq!((reading.plain.n_failed, reading.plain.n_strangers), (0, 0));
    let recall = reading.plain.quality.recall.expect("read").mean;
    assert!(recall >= least_recall, "{recall}");
    let filtered = reading.filtered.as_ref().expect("asked");
    assert_eq!((filtered.n_rows, filtered.n_failed), (40, 0));
}

fn names(metric: Metric) -> String {
    format!("live_{}_{}", metric.name(), std::process::id())
}

#[test]
fn the_metric_of_a_real_table_is_found_from_its_scores() {
    let Some(url) = server("RAGSTONE_LIVE_PG") else {
        return;
    };
    let user = std::env::var("RAGSTONE_LIVE_PG_USER").unwrap_or_else(|_| "postgres".to_owned());
    for (metric, inferred) in METRICS {
        let keys = format!(
            "kind = 'pgvector'\nurl = '{url}'\nuser = '{user}'\ntls = 'off'\n\
             auth_env = 'RAGSTONE_PG_PASSWORD'\ntable = '{}'\nfilter = {{ lang = 'en' }}\n",
            names(metric)
        );
        is_right(&read(&keys, metric), inferred, 0.9);
    }
}

#[test]
fn the_metric_of_a_real_collection_is_found_from_its_scores() {
    let Some(url) = server("RAGSTONE_LIVE_CHROMA") else {
        return;
    };
    for (metric, inferred) in METRICS {
        let keys = format!(
            "kind = 'chroma'\nurl = '{url}'\ncollection = '{}'\nfilter = {{ lang = 'en' }}\n",
            names(metric)
        );
        is_right(&read(&keys, metric), inferred, 0.9);
    }
}
