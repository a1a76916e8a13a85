//! The fault matrix: whatever a server does, the gate says what happened and where, loses no probe and
//! comes to the verdict that the fault deserves.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ragstone::ids::TargetName;
use ragstone::measure::MetricTable;
use ragstone::replay::{Observation, Outcome, read_observations, read_texts};
use serde_json::{Value, json};

use crate::loopback::{Loopback, Request, Response};
use crate::support::{SmallGold, check};

/// What no output may show.
const TOKEN: &str = "sesame-4711-token";
/// Bytes that the program may need at most, whatever a server sends.
const MOST_MEMORY: usize = 200 << 20;
/// Probes of the candidate: each question once, and once more to learn its noise.
const N_PROBES: usize = 6;
/// Time limits of an attempt: one that a slow machine keeps, and one that a silent server costs.
const PATIENT: Duration = Duration::from_secs(20);
const IMPATIENT: Duration = Duration::from_millis(250);
/// What a second attempt waits for at most. A target that seems dead is tried after 5, 10 and 20 times as long, and
/// with the usual 200 ms a server that is known to stay dead would be waited for through seven seconds.
const BACKOFF_MS: u64 = 10;

/// A chunk of a body that says nothing.
static BLANKS: [u8; 0x10000] = [b' '; 0x10000];

/// A run of the gate against a server that may be faulty.
struct Gated {
    code: Option<i32>,
    verdict: Value,
    /// Of the candidate.
    seen: Vec<Observation>,
    /// Everything that was printed or written, decompressed where the format is our own.
    texts: String,
    peak_memory: usize,
    table: MetricTable,
}

/// A gate whose control is embedded and whose candidate is at this address.
fn gated(url: &str) -> Gated {
    gated_in(&SmallGold::new(3), url, PATIENT, "")
}

fn gated_in(small: &SmallGold, url: &str, timeout: Duration, more: &str) -> Gated {
    let timeout_ms = timeout.as_millis();
    small.write(
        "ragstone.toml",
        &format!(
            r#"
gold = "."
[referee]
kind = "lexical"
[replay]
seeds = [1]
paraphrases = 0
k = 3
k_sweep = []
concurrency = 4
timeout_ms = {timeout_ms}
retries = 1
backoff_ms = {BACKOFF_MS}
[[target]]
name = "us-east"
role = "control"
kind = "embedded"
[[target]]
name = "eu-west"
role = "candidate"
kind = "http"
warm_up = 0
url = "{url}/search"
auth_env = "RAGSTONE_TEST_TOKEN"
body = '{{"id": "{{question_id}}", "question": "{{question}}", "k": {{k}}}}'
{more}
"#
        ),
    );
    let out = tempfile::tempdir().expect("a folder");
    let run = out.path().join("run");
    let file = |name: &str| std::fs::File::create(out.path().join(name)).expect("a file");
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("ragstone"))
        .arg("gate")
        .arg(small.policy())
        .args(["--format", "json", "--out"])
        .arg(&run)
        .env("RAGSTONE_TEST_TOKEN", TOKEN)
        .stdin(Stdio::null())
        .stdout(file("stdout"))
        .stderr(file("stderr"))
        .spawn()
        .expect("the program runs");
    let mut peak_memory = 0;
    let status = loop {
        // A peak only grows, so the last one counts: at first the process may still share the memory of
        // these tests, and at last it has none.
        if let Some(peak) = peak(child.id()) {
            peak_memory = peak;
        }
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let texts = everything(out.path());
    let stdout = std::fs::read(out.path().join("stdout")).expect("readable");
    let verdict = serde_json::from_slice(&stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&stdout) + &*texts));
    let mut seen = read_observations(&run.join("observations.parquet")).expect("observations");
    let found = read_texts(&run.join("texts.parquet")).expect("texts");
    seen.retain(|seen| seen.target == TargetName::new("eu-west"));
    Gated {
        code: status.code(),
        verdict,
        texts: texts + &format!("{seen:?}{found:?}"),
        seen,
        peak_memory,
        table: MetricTable::read(&run.join("metrics.parquet")).expect("metrics"),
    }
}

/// The most memory that a process has had so far, where the system says so.
fn peak(pid: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: usize = line.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// The bytes of every file below a folder, as text.
fn everything(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text += &everything(&path);
        } else {
            text += &String::from_utf8_lossy(&std::fs::read(path).expect("readable"));
        }
    }
    text
}

impl Gated {
    /// What holds whatever the server did.
    #[track_caller]
    fn sound(&self) {
        assert!(!self.texts.contains("panicked"), "{}", self.texts);
        assert!(!self.texts.contains(TOKEN), "the token is shown");
        let probes = &self.verdict["probes"];
        let n = |key: &str| probes[key].as_u64().expect("a count");
        assert_eq!(n("planned"), n("scored") + n("failed") + n("skipped"));
        assert_eq!(self.seen.len(), N_PROBES, "no probe is lost");
        assert!(
            self.peak_memory < MOST_MEMORY,
            "{} MiB at the peak",
            self.peak_memory >> 20
        );
    }

    /// Every probe that was asked failed so; a target given up as dead is not asked on.
    #[track_caller]
    fn failed(&self, class: &str, stage: &str) {
        let mut n_failed = 0;
        for seen in &self.seen {
            match &seen.outcome {
                Outcome::Failed {
                    class: found,
                    stage: at,
                    message,
                } => {
                    assert_eq!((found.as_str(), at.name()), (class, stage), "{message}");
                    n_failed += 1;
                }
                Outcome::Skipped { .. } => {}
                Outcome::Scored { .. } => panic!("{seen:?}"),
            }
        }
        assert!(n_failed > 0, "{:?}", self.seen);
    }
}

/// How the gate ends.
#[derive(Clone, Copy)]
enum Ending {
    /// Nothing could be measured: ERROR.
    Unmeasured,
    /// A reply was not of the agreed form: CA-S0 stops the rollout.
    Stopped,
}

#[track_caller]
fn ends(url: &str, (class, stage): (&str, &str), ending: Ending) {
    ends_within(PATIENT, url, (class, stage), ending);
}

#[track_caller]
fn ends_within(limit: Duration, url: &str, (class, stage): (&str, &str), ending: Ending) {
    let gated = gated_in(&SmallGold::new(3), url, limit, "");
    gated.sound();
    gated.failed(class, stage);
    let stop = check(&gated.verdict, "CA-S0");
    match ending {
        Ending::Unmeasured => {
            assert_eq!(gated.code, Some(4), "{}", gated.verdict);
            assert_eq!(gated.verdict["verdict"], "ERROR");
            assert_eq!(stop["verdict"], "ERROR", "{stop}");
        }
        Ending::Stopped => {
            assert_eq!(gated.code, Some(5), "{}", gated.verdict);
            assert_eq!(stop["verdict"], "FAIL", "{stop}");
            assert_eq!(stop["reason_code"], "schema_violation");
        }
    }
}

/// One test a row: what the server does, the class and stage that it comes to, and how the gate ends.
macro_rules! matrix {
    ($($name:ident: $server:expr => $class:literal at $stage:literal, $ending:ident;)*) => {
        $(#[test]
        fn $name() {
            let server = $server;
            ends(&server.url(), ($class, $stage), Ending::$ending);
        })*
    };
}

matrix! {
    reset_before_headers: Loopback::raw(|stream| unread(&stream))
        => "connection_reset" at "headers", Unmeasured;
    closed_before_headers: Loopback::raw(|stream| drop(asked(&stream)))
        => "connection_closed" at "headers", Unmeasured;
    something_else_than_http: said(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        => "not_http" at "headers", Unmeasured;
    reset_in_the_body: Loopback::raw(reset_in_body)
        => "connection_reset" at "body", Unmeasured;
    body_cut_short: said(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"hits\"")
        => "truncated_body" at "body", Unmeasured;
    chunks_cut_short: said(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{\"hits\"\r\n")
        => "truncated_body" at "body", Unmeasured;
    truncated_json: body("application/json", r#"{"hits": [{"id": "#)
        => "truncated_json" at "decode", Unmeasured;
    nan_scores: body("application/json", r#"{"hits": [{"id": "a", "doc_id": "d", "section_id": "s0", "text": "t", "score": NaN}]}"#)
        => "not_json" at "decode", Unmeasured;
    invalid_utf8: body("application/json", b"{\"hits\": \"\xff\xfe\"}")
        => "not_utf8" at "decode", Unmeasured;
    wrong_content_type: body("text/html", r#"{"hits": []}"#)
        => "content_type" at "decode", Unmeasured;
    body_of_10_gib: Loopback::raw(|stream| endless(stream, "content-length: 10737418240\r\n", |stream| stream.write_all(&BLANKS)))
        => "body_too_large" at "body", Unmeasured;
    body_without_end: Loopback::raw(|stream| endless(stream, "transfer-encoding: chunked\r\n", spaces))
        => "body_too_large" at "body", Unmeasured;
    gzip_bomb: Loopback::raw(zipped_spaces)
        => "body_too_large" at "body", Unmeasured;
    what_is_no_gzip: encoded(b"this is no gzip at all")
        => "bad_encoding" at "decode", Unmeasured;
    answer_of_50_mb: body("application/json", vec![b' '; 50_000_000])
        => "body_too_large" at "body", Unmeasured;
    redirect_loop: Loopback::answering(|_| Response::status(307).with_header("location", "/search"))
        => "redirect_loop" at "headers", Unmeasured;
    status_401: Loopback::answering(|_| Response::status(401))
        => "http_401" at "headers", Unmeasured;
    status_404: Loopback::answering(|_| Response::status(404))
        => "http_404" at "headers", Unmeasured;
    status_429_with_retry_after: Loopback::answering(|_| Response::status(429).with_header("retry-after", "0"))
        => "http_429" at "headers", Unmeasured;
    status_429: Loopback::answering(|_| Response::status(429))
        => "http_429" at "headers", Unmeasured;
    storm_of_503: Loopback::answering(|_| Response::status(503))
        => "http_503" at "headers", Unmeasured;
    no_hits: hits(|_| vec![])
        => "no_hits" at "tool", Unmeasured;
    no_list_of_hits: Loopback::answering(|_| Response::json(&json!({ "results": [] })))
        => "field_missing" at "schema", Stopped;
    hits_that_are_no_list: Loopback::answering(|_| Response::json(&json!({ "hits": "none" })))
        => "field_type" at "schema", Stopped;
    a_score_in_quotes: hits(|id| vec![with(hit(id), "score", json!("NaN"))])
        => "field_type" at "schema", Stopped;
    a_hit_without_text: hits(|id| vec![with(hit(id), "text", json!(null))])
        => "field_missing" at "schema", Stopped;
    duplicate_hits: hits(|id| vec![hit(id), hit(id)])
        => "duplicate_hit" at "schema", Stopped;
    hits_beyond_k: hits(|id| (0..4).map(|n| with(hit(id), "id", json!(n))).collect())
        => "hits_beyond_k" at "schema", Stopped;
    scores_that_rise: hits(|id| vec![hit(id), with(with(hit(id), "id", json!("x")), "score", json!(2))])
        => "scores_not_descending" at "schema", Stopped;
}

/// Reads one request.
fn asked(stream: &TcpStream) -> Option<Request> {
    Request::read(&mut BufReader::new(stream))
}

/// Waits for a request and leaves it unread, so that closing the connection resets it.
fn unread(stream: &TcpStream) {
    let _ = stream.peek(&mut [0; 1]);
}

fn reset_in_body(mut stream: TcpStream) {
    unread(&stream);
    let _ = stream.write_all(head("content-length: 1000\r\n").as_bytes());
    let _ = stream.write_all(b"{\"hits\":");
    // What is on its way must arrive before the reset overtakes it.
    std::thread::sleep(Duration::from_millis(30));
}

fn head(more: &str) -> String {
    format!("HTTP/1.1 200 X\r\ncontent-type: application/json\r\n{more}\r\n")
}

/// Says these bytes to every request, and closes the connection.
fn said(bytes: &'static [u8]) -> Loopback {
    Loopback::raw(move |mut stream| {
        asked(&stream);
        let _ = stream.write_all(bytes);
    })
}

/// One byte now and then, as long as somebody listens.
fn slowly(mut stream: TcpStream) {
    asked(&stream);
    for byte in head("x-slow: yes\r\n").bytes().cycle() {
        if stream.write_all(&[byte]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(40));
    }
}

fn stall(mut stream: TcpStream) {
    asked(&stream);
    let _ = stream.write_all((head("content-length: 1000\r\n") + "{\"hits\":").as_bytes());
    // Until the other side has had enough.
    let _ = stream.read(&mut [0; 1]);
}

/// Never stops by itself.
fn endless(
    mut stream: TcpStream,
    headers: &str,
    more: impl Fn(&mut TcpStream) -> std::io::Result<()>,
) {
    asked(&stream);
    let _ = stream.write_all(head(headers).as_bytes());
    while more(&mut stream).is_ok() {}
}

fn spaces(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"10000\r\n")?;
    stream.write_all(&BLANKS)?;
    stream.write_all(b"\r\n")
}

/// Gigabytes of spaces, a thousand to the byte.
fn zipped_spaces(mut stream: TcpStream) {
    asked(&stream);
    let head = head("content-encoding: gzip\r\nconnection: close\r\n");
    let _ = stream.write_all(head.as_bytes());
    let mut packed = flate2::write::GzEncoder::new(stream, flate2::Compression::fast());
    for _ in 0..40_000 {
        if packed.write_all(&BLANKS).is_err() {
            break;
        }
    }
}

/// A success with this body.
fn body(content_type: &'static str, body: impl AsRef<[u8]>) -> Loopback {
    let body = body.as_ref().to_vec();
    Loopback::answering(move |_| Response {
        body: body.clone(),
        ..Response::status(200).with_header("content-type", content_type)
    })
}

fn encoded(body: &'static [u8]) -> Loopback {
    Loopback::answering(move |_| Response {
        body: body.to_vec(),
        ..Response::json(&Value::Null).with_header("content-encoding", "gzip")
    })
}

/// The right hit for a question.
fn hit(question: &str) -> Value {
    let number = question.trim_start_matches('q');
    json!({
        "id": format!("d/s{number}#0"), "doc_id": "d", "section_id": format!("s{number}"),
        "text": format!("It is drained after {number} minutes."), "score": 1,
    })
}

fn with(mut hit: Value, key: &str, value: Value) -> Value {
    hit[key] = value;
    hit
}

fn sound(request: &Request) -> Response {
    let asked = request.json();
    let id = asked["id"].as_str().expect("an id");
    Response::json(&json!({ "hits": [hit(id)] }))
}

/// Hits for a question's id.
fn hits(of: fn(&str) -> Vec<Value>) -> Loopback {
    Loopback::answering(move |request| {
        let asked = request.json();
        Response::json(&json!({ "hits": of(asked["id"].as_str().expect("an id")) }))
    })
}

#[test]
fn slow_loris() {
    let server = Loopback::raw(slowly);
    let expected = ("timeout", "headers");
    ends_within(IMPATIENT, &server.url(), expected, Ending::Unmeasured);
}

#[test]
fn stalled_body() {
    let server = Loopback::raw(stall);
    let expected = ("timeout", "body");
    ends_within(IMPATIENT, &server.url(), expected, Ending::Unmeasured);
}

#[test]
fn connection_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let expected = ("connection_refused", "connect");
    ends(&url, expected, Ending::Unmeasured);
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let other = Arc::new(Loopback::answering(sound));
    let location = format!("{}/search", other.url());
    let server =
        Loopback::answering(move |_| Response::status(307).with_header("location", &location));
    let expected = ("redirect_elsewhere", "headers");
    ends(&server.url(), expected, Ending::Unmeasured);
    assert!(other.requests().is_empty(), "nothing arrives there");
    let authorised = |request: &Request| request.header("authorization").is_some();
    assert!(server.requests().iter().all(authorised));
}

/// A TLS server with a certificate for `name`, and the authority that signed it.
fn tls(name: &str) -> (Loopback, String) {
    let authority = rcgen::KeyPair::generate().expect("a key");
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = parameters.self_signed(&authority).expect("a certificate");
    let issuer = rcgen::Issuer::new(parameters, authority);
    let key = rcgen::KeyPair::generate().expect("a key");
    let leaf = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("a certificate with its key");
    let config = Arc::new(config);
    let server = Loopback::raw(move |stream| {
        let session = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
        let mut reader = BufReader::new(rustls::StreamOwned::new(session, stream));
        while let Some(request) = Request::read(&mut reader) {
            if sound(&request).write(reader.get_mut()).is_err() {
                break;
            }
        }
    });
    (server, root.pem())
}

#[test]
fn a_certificate_is_verified_always() {
    let trusting = |server: &Loopback, authority: &str| {
        let small = SmallGold::new(3);
        small.write("ca.pem", authority);
        let url = server.url().replace("http://", "https://");
        gated_in(&small, &url, PATIENT, "ca_file = \"ca.pem\"")
    };
    let (other, authority) = tls("other.example");
    let gated = trusting(&other, &authority);
    gated.sound();
    gated.failed("tls_name_mismatch", "tls");
    assert_eq!(gated.code, Some(4));
    let (server, authority) = tls("127.0.0.1");
    let url = server.url().replace("http://", "https://");
    let expected = ("tls_unknown_issuer", "tls");
    ends(&url, expected, Ending::Unmeasured);
    let gated = trusting(&server, &authority);
    gated.sound();
    assert!(gated.seen.iter().all(scored), "{:?}", gated.seen);
}

#[test]
fn a_server_without_encryption_fails_the_handshake() {
    for answer in ["HTTP/1.1 400 X\r\n\r\n", ""] {
        let server = Loopback::raw(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        });
        let url = server.url().replace("http://", "https://");
        ends(&url, ("tls_handshake", "tls"), Ending::Unmeasured);
    }
}

fn scored(seen: &Observation) -> bool {
    matches!(seen.outcome, Outcome::Scored { .. })
}

#[test]
fn a_fault_that_passes_costs_an_attempt_and_nothing_else() {
    let n_asked = Arc::new(AtomicUsize::new(0));
    let server = Loopback::answering(
        move |request| match n_asked.fetch_add(1, Ordering::SeqCst) {
            0 => Response::status(500),
            _ => sound(request),
        },
    );
    let gated = gated(&server.url());
    gated.sound();
    assert!(gated.seen.iter().all(scored), "{:?}", gated.seen);
    let mut attempts: Vec<u32> = gated.seen.iter().map(|seen| seen.attempts).collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 1, 1, 1, 1, 2]);
    assert!(gated.seen.iter().all(|seen| seen.status == Some(200)));
    // Nothing is red: a stand-in for a referee cannot show that all is well.
    assert_eq!(gated.code, Some(3), "{}", gated.verdict);
}

#[test]
fn a_hit_in_a_section_that_nobody_knows_is_a_miss() {
    let elsewhere = |id: &str| with(hit(id), "section_id", json!("nowhere"));
    let server = Loopback::answering(move |request| {
        let asked = request.json();
        let hit = elsewhere(asked["id"].as_str().expect("an id"));
        Response::json(&json!({ "hits": [with(hit, "text", json!("Other words."))] }))
    });
    let gated = gated(&server.url());
    gated.sound();
    assert!(gated.seen.iter().all(scored), "{:?}", gated.seen);
    let side = TargetName::new("eu-west");
    let cells = gated.table.cells.iter().filter(|cell| cell.target == side);
    let found: Vec<_> = cells
        .map(|cell| (cell.target_rank, cell.coverage))
        .collect();
    assert_eq!(found, [(None, Some(0.0)); N_PROBES]);
    let coverage = check(&gated.verdict, "CA-COV");
    assert_eq!(coverage["estimate"], 0.0, "{coverage}");
    assert_ne!(gated.code, Some(0));
}

#[test]
fn a_server_that_repeats_the_token_does_not_spread_it() {
    let echoing = Loopback::answering(|request| {
        let sent = request.header("authorization").expect("a token").to_owned();
        Response {
            status: 403,
            ..Response::json(&json!({ "error": format!("{sent} may not") }))
        }
    });
    let expected = ("http_403", "headers");
    ends(&echoing.url(), expected, Ending::Unmeasured);
    let inside = Loopback::answering(|request| {
        let sent = request.header("authorization").expect("a token").to_owned();
        let asked = request.json();
        let hit = hit(asked["id"].as_str().expect("an id"));
        Response::json(&json!({ "hits": [with(hit, "text", json!(sent))] }))
    });
    let gated = gated(&inside.url());
    gated.sound();
    assert!(gated.seen.iter().all(scored), "{:?}", gated.seen);
    assert!(
        gated.texts.contains("[secret]"),
        "what was said is still told"
    );
    let headers = inside.requests();
    let header = headers[0].header("authorization");
    assert_eq!(header, Some(format!("Bearer {TOKEN}").as_str()));
}
