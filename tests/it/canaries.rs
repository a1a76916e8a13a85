//! Embedding canaries against scripted services on loopback.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use ragstone::embed::Endpoint;
use ragstone::parity::canary::{
    CanaryReading, CanarySet, CanaryStatus, CanaryVerdict, DriftKind, compare, describe,
};
use ragstone::pipeline::{CanaryError, read_canaries};
use serde_json::json;

use crate::loopback::{Loopback, Response};

const REPEATS: NonZeroUsize = NonZeroUsize::new(3).expect("positive");

fn read(url: &str) -> Result<CanaryReading, CanaryError> {
    read_times(url, REPEATS)
}

fn read_times(url: &str, repeats: NonZeroUsize) -> Result<CanaryReading, CanaryError> {
    let endpoint = Endpoint::new(&format!("{url}/v1"), "m", None).expect("a URL");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(read_canaries(&endpoint, repeats))
}

/// The mean over a text's words, up to a limit, of a direction that is each word's own.
fn vector(text: &str, limit: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; 16];
    for word in text.split(' ').take(limit) {
        let digest = ragstone::ids::Digest::of(word);
        for (sum, &byte) in sum.iter_mut().zip(digest.as_bytes()) {
            *sum += f32::from(byte) - 127.5;
        }
    }
    sum
}

fn embedding(numbers: &serde_json::Value) -> Response {
    Response::json(&json!({ "data": [{ "index": 0, "embedding": numbers }] }))
}

/// A service that reads so many words, refuses the empty string, and has too much to do at first.
fn service(limit: usize) -> Loopback {
    let asked = AtomicUsize::new(0);
    Loopback::answering(move |request| {
        if asked.fetch_add(1, Ordering::Relaxed) == 0 {
            return Response::status(429).with_header("retry-after", "0");
        }
        let request = request.json();
        let texts = request["input"].as_array().expect("texts");
        assert_eq!(texts.len(), 1, "one text a request");
        match texts[0].as_str().expect("a text") {
            "" => Response {
                status: 400,
                ..Response::json(&json!({ "error": "input cannot be empty" }))
            },
            text => embedding(&json!(vector(text, limit))),
        }
    })
}

#[test]
fn a_service_is_the_same_as_itself_and_what_it_refuses_is_kept() {
    let server = service(usize::MAX);
    let (a, b) = (read(&server.url()), read(&server.url()));
    let (a, b) = (a.expect("embedded"), b.expect("embedded"));
    let n = CanarySet::current().canaries().len();
    assert_eq!(
        server.requests().len(),
        2 * 3 * n + 1,
        "and once more for who was busy"
    );
    assert_eq!((a.model.as_str(), a.repeats, a.dim()), ("m", 3, Some(16)));
    assert_eq!(a, b);
    let parity = compare(Some(&a), Some(&b));
    assert_eq!(parity.status, CanaryStatus::Same);
    assert_eq!(parity.count(CanaryVerdict::RefusedByBoth), 1);
    let side = describe(&a).expect("sound");
    assert_eq!(side.refused, ["empty"]);
    let empty = parity.canaries.iter().find(|found| found.canary == "empty");
    assert_eq!(
        empty.expect("a canary").refused_a.as_deref(),
        Some("http_400")
    );
}

#[test]
fn a_service_that_reads_fewer_words_drifts_on_long_texts_alone() {
    let (long, short) = (service(usize::MAX), service(500));
    let long = read(&long.url()).expect("embedded");
    let short = read(&short.url()).expect("embedded");
    let parity = compare(Some(&long), Some(&short));
    assert_eq!(parity.status, CanaryStatus::Drifted);
    assert_eq!(parity.points_to, [DriftKind::Truncation]);
    let side = parity.b.expect("described");
    assert_eq!(side.cut_off_before_words, Some(512));
    assert_eq!(side.reads_beyond_words, Some(256));
    assert_eq!(parity.a.expect("described").cut_off_before_words, None);
}

#[test]
fn a_number_that_is_none_is_a_bad_reply_and_not_a_vector() {
    let server = Loopback::answering(|request| {
        let text = &request.json()["input"][0];
        if text == "certificate" {
            return embedding(&json!([1.0, null, 2.0]));
        }
        embedding(&json!(vector(text.as_str().expect("a text"), usize::MAX)))
    });
    let ill = read(&server.url()).expect("the rest is sound");
    let sound = read(&service(usize::MAX).url()).expect("embedded");
    let parity = compare(Some(&sound), Some(&ill));
    assert_eq!(parity.status, CanaryStatus::Drifted);
    let word = parity.canaries.iter().find(|found| found.canary == "word");
    let word = word.expect("a canary");
    assert_eq!(word.verdict, CanaryVerdict::RefusedByOne);
    assert_eq!(word.refused_b.as_deref(), Some("bad_reply"));
    assert_eq!(parity.points_to, [DriftKind::Refusal]);
}

#[test]
fn a_service_that_serves_nobody_gives_no_reading() {
    let busy = Loopback::answering(|_| Response::status(503).with_header("retry-after", "0"));
    let error = read(&busy.url()).expect_err("busy");
    assert!(
        matches!(&error, CanaryError::Unreachable { class, .. } if class == "http_503"),
        "{error}"
    );
    let locked = Loopback::answering(|_| Response::status(401));
    let error = read(&locked.url()).expect_err("no key");
    assert!(
        matches!(&error, CanaryError::Refused { class, .. } if class == "http_401"),
        "{error}"
    );
    assert_eq!(compare(None, None).status, CanaryStatus::NotChecked);
}

/// For instance `python3 ../shared/tools/minilm.py serve`, which reads 256 tokens.
#[test]
#[ignore = "needs an embedding service at RAGSTONE_LIVE_EMBEDDINGS_URL"]
fn a_real_service_is_the_same_as_itself() {
    let url = std::env::var("RAGSTONE_LIVE_EMBEDDINGS_URL").expect("an address without /v1");
    // Such a service is slow: twice to know its noise, and once to be held against that.
    let a = read_times(&url, NonZeroUsize::new(2).expect("positive")).expect("embedded");
    let b = read_times(&url, NonZeroUsize::MIN).expect("embedded");
    let parity = compare(Some(&a), Some(&b));
    let side = parity.a.as_ref().expect("described");
    assert_eq!(parity.status, CanaryStatus::Same, "{:#?}", parity.canaries);
    assert!(side.reads_beyond_words.is_some(), "{side:?}");
    // What the service is like is for the reader.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{side:#?}\n").as_bytes());
}
