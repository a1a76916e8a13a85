//! `gold embed` against a scripted endpoint on loopback.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::loopback::{Loopback, Request, Response};
use crate::support::{SmallGold, policy, ragstone, stderr, stdout};

/// What the endpoint does with one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// One vector a text.
    Vectors,
    /// This status, with these headers.
    Status(u16, &'static [(&'static str, &'static str)]),
    /// This body.
    Body(Value),
}

/// An endpoint that follows a script, one reply a request, and remembers what it was asked.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    server: Loopback,
}

impl Endpoint {
    pub(crate) fn start(script: Vec<Reply>) -> Self {
        let script = Mutex::new(script.into_iter());
        let server = Loopback::answering(move |request| {
            let next = script.lock().expect("no panic").next();
            // Nothing asks beyond the script; 410 is not worth another attempt.
            next.map_or(Response::status(410), |reply| answer(request, &reply))
        });
        let url = format!("{}/v1", server.url());
        Self { url, server }
    }

    /// What was asked so far.
    pub(crate) fn asked(self) -> Vec<Request> {
        self.server.requests()
    }
}

fn answer(request: &Request, reply: &Reply) -> Response {
    match reply {
        Reply::Vectors => {
            let request = request.json();
            let texts = request["input"].as_array().expect("texts").iter();
            let vectors = texts.enumerate().map(|(index, text)| {
                json!({"index": index, "embedding": vector(text.as_str().expect("a text"))})
            });
            Response::json(&json!({ "data": vectors.collect::<Vec<_>>() }))
        }
        Reply::Status(status, headers) => {
            let refused = Response {
                status: *status,
                ..Response::json(&json!({"error": "no"}))
            };
            headers.iter().fold(refused, |refused, (name, value)| {
                refused.with_header(name, value)
            })
        }
        Reply::Body(body) => Response::json(body),
    }
}

/// Some direction that depends on the text.
fn vector(text: &str) -> Vec<f32> {
    let digest = ragstone::ids::Digest::of(text);
    digest
        .as_bytes()
        .iter()
        .take(8)
        .map(|&byte| f32::from(byte) + 1.0)
        .collect()
}

fn embed(small: &SmallGold, endpoint: &str, more: &[&str]) -> std::process::Output {
    let mut args = vec![
        "gold",
        "embed",
        small.folder.path().to_str().expect("UTF-8"),
        "--endpoint",
        endpoint,
    ];
    args.extend(more);
    ragstone(&args)
}

#[test]
fn texts_are_embedded_once_and_a_cache_gate_needs_no_endpoint() {
    let small = SmallGold::new(60);
    let endpoint = Endpoint::start(vec![Reply::Vectors; 4]);
    let first = embed(&small, &endpoint.url, &[]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert!(
        stdout(&first).contains("240 texts have a vector of m (8 numbers); 240 are new"),
        "{}",
        stdout(&first)
    );
    let asked = endpoint.asked();
    assert!(asked.iter().all(|request| request.method == "POST"
        && request.path == "/v1/embeddings"
        && request.json()["model"] == "m"));
    let bytes = std::fs::read(small.folder.path().join("embeddings.parquet")).expect("a cache");
    let nobody = embed(&small, "http://127.0.0.1:9/v1", &[]);
    assert_eq!(
        nobody.status.code(),
        Some(0),
        "nothing was missing, so nobody was asked: {}",
        stderr(&nobody)
    );
    assert_eq!(
        std::fs::read(small.folder.path().join("embeddings.parquet")).expect("a cache"),
        bytes
    );
    small.write("ragstone.toml", &policy("cache"));
    let (gated, _folder) = crate::support::gate(&small.policy(), &[]);
    assert_eq!(
        crate::support::verdict(&gated)["referee"],
        json!({"kind": "cache", "model": "m", "dim": 8})
    );
}

#[test]
fn a_gate_may_embed_as_it_goes_and_writes_through() {
    let small = SmallGold::new(8);
    let endpoint = Endpoint::start(vec![Reply::Vectors]);
    let referee = |url: &str| {
        policy("endpoint").replacen("[[target]]", &format!("url = '{url}'\n[[target]]"), 1)
    };
    small.write("ragstone.toml", &referee(&endpoint.url));
    let (first, _folder) = crate::support::gate(&small.policy(), &[]);
    assert_eq!(first.status.code(), Some(3), "{}", stderr(&first));
    assert_eq!(
        crate::support::verdict(&first)["referee"]["kind"],
        "endpoint"
    );
    assert_eq!(endpoint.asked().len(), 1);
    small.write("ragstone.toml", &referee("http://127.0.0.1:9/v1"));
    let (again, _folder) = crate::support::gate(&small.policy(), &[]);
    assert_eq!(
        again.status.code(),
        Some(3),
        "everything is in the cache: {}",
        stderr(&again)
    );
    small.edit(
        "questions.jsonl",
        "When is cache number 1 drained?",
        "At what time is cache number 1 drained?",
    );
    let (unreachable, _folder) = crate::support::gate(&small.policy(), &[]);
    assert_eq!(
        unreachable.status.code(),
        Some(4),
        "{}",
        stderr(&unreachable)
    );
}

#[test]
fn a_busy_endpoint_gets_a_second_chance() {
    let small = SmallGold::new(8);
    let endpoint = Endpoint::start(vec![
        Reply::Status(429, &[("retry-after", "0")]),
        Reply::Status(503, &[("retry-after", "0")]),
        Reply::Vectors,
    ]);
    let output = embed(&small, &endpoint.url, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(endpoint.asked().len(), 3);
}

#[track_caller]
fn refused(reply: Reply, needle: &str) {
    let small = SmallGold::new(8);
    let endpoint = Endpoint::start(vec![reply]);
    let output = embed(&small, &endpoint.url, &[]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let text: String = stderr(&output)
        .split(|c: char| c.is_whitespace() || c == '│')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    assert!(text.contains(needle), "{needle} in {text}");
    assert!(
        !small.folder.path().join("embeddings.parquet").exists(),
        "no half cache"
    );
}

#[test]
fn replies_that_are_no_vectors_are_refused() {
    let vectors = |n: usize| {
        (0..n)
            .map(|index| json!({"index": index, "embedding": [1.0, 2.0]}))
            .collect::<Vec<_>>()
    };
    refused(Reply::Status(401, &[]), "HTTP status 401");
    refused(Reply::Body(json!({"hello": 1})), "not a list of embeddings");
    refused(
        Reply::Body(json!({"data": vectors(3)})),
        "no embedding with index 3",
    );
    refused(
        Reply::Body(json!({"data": vectors(99)})),
        "an embedding with index 32 of 32 texts",
    );
    refused(
        Reply::Body(
            json!({"data": (0..32).map(|index| json!({"index": index, "embedding": [0.0, 0.0]})).collect::<Vec<_>>()}),
        ),
        "a vector of zeros has no direction",
    );
}

#[test]
fn the_key_is_sent_and_never_shown() {
    let small = SmallGold::new(8);
    let endpoint = Endpoint::start(vec![Reply::Status(403, &[])]);
    let mut command = assert_cmd::Command::cargo_bin("ragstone").expect("the program is built");
    let folder = small.folder.path().to_str().expect("UTF-8");
    let url = endpoint.url.replace("http://", "http://user:hunter2@");
    let output = command
        .env("TEST_EMBEDDINGS_KEY", "sesame-4711")
        .args([
            "gold",
            "embed",
            folder,
            "--endpoint",
            &url,
            "--key-env",
            "TEST_EMBEDDINGS_KEY",
        ])
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        endpoint.asked()[0].header("authorization"),
        Some("Bearer sesame-4711")
    );
    for secret in ["sesame-4711", "hunter2"] {
        assert!(
            !stderr(&output).contains(secret) && !stdout(&output).contains(secret),
            "{}",
            stderr(&output)
        );
    }
    let unset = embed(
        &small,
        "http://127.0.0.1:9/v1",
        &["--key-env", "TEST_NO_SUCH_KEY"],
    );
    assert_eq!(unset.status.code(), Some(2));
    assert!(stderr(&unset).contains("TEST_NO_SUCH_KEY"));
}
