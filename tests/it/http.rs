//! Targets of the kind `http`: what is sent, and how replies are read.

use std::fmt::Write as _;

use ragstone::ids::TargetName;
use ragstone::replay::{Observation, Outcome, read_observations, read_texts};
use serde_json::{Value, json};

use crate::loopback::{Loopback, Request, Response};
use crate::support::{SmallGold, gate, ragstone, stderr, verdict};

const REPLAY: &str = "
[replay]
seeds = [1]
paraphrases = 0
k = 3
k_sweep = []
";

/// A gold set of three questions with a policy whose candidate has these keys.
fn small(candidate: &str) -> SmallGold {
    let small = SmallGold::new(3);
    small.write("ragstone.toml", &policy("lexical", candidate));
    small
}

fn policy(referee: &str, candidate: &str) -> String {
    let mut policy = format!("gold = '.'\n[referee]\nkind = '{referee}'\n{REPLAY}");
    policy += "[[target]]\nname = 'us-east'\nrole = 'control'\nkind = 'embedded'\n";
    let _ = write!(
        policy,
        "[[target]]\nname = 'eu-west'\nrole = 'candidate'\nkind = 'http'\n{candidate}\n"
    );
    policy
}

/// What a gate made of the candidate: the verdict, observations, and every text.
struct Asked {
    verdict: Value,
    seen: Vec<Observation>,
    texts: Vec<String>,
}

fn ask(candidate: &str) -> Asked {
    ask_in(&small(candidate))
}

fn ask_in(small: &SmallGold) -> Asked {
    let (output, folder) = gate(&small.policy(), &[]);
    let run = folder.path().join("run");
    let verdict = verdict(&output);
    let mut seen = read_observations(&run.join("observations.parquet")).expect("observations");
    seen.retain(|seen| seen.target == TargetName::new("eu-west"));
    let texts = read_texts(&run.join("texts.parquet")).expect("texts");
    Asked {
        verdict,
        seen,
        texts: texts.into_values().collect(),
    }
}

impl Asked {
    #[track_caller]
    fn all_scored(&self) {
        for seen in &self.seen {
            assert!(matches!(seen.outcome, Outcome::Scored { .. }), "{seen:?}");
        }
    }

    #[track_caller]
    fn all_failed(&self, class: &str, needle: &str) {
        for seen in &self.seen {
            let Outcome::Failed {
                class: found,
                message,
                ..
            } = &seen.outcome
            else {
                panic!("{seen:?}");
            };
            assert_eq!(found, class, "{message}");
            assert!(message.contains(needle), "{message}");
        }
    }
}

fn hit() -> Value {
    json!({"id": "a", "doc_id": "d", "section_id": "s0", "text": "The queue.", "score": 1})
}

fn hits() -> Response {
    Response::json(&json!({ "hits": [hit()] }))
}

#[test]
fn a_question_is_put_into_body_and_headers_with_the_pins() {
    let server = Loopback::answering(|_| hits());
    let asked = ask(&format!(
        r#"url = "{}/v1/ask?lang=en"
method = "PUT"
headers = {{ x-question = "id={{question_id}}", x-tenant = "t" }}
body = '{{"q": "{{question}}", "k": {{k}}, "seed": {{seed}}, "form": {{form}}, "filter": {{}}}}'
[target.pins]
region = "eu-west"
release = "r42"
index_hash = "b3:00"
schema_rev = "sc-12"
canary = "1"
exp = "rerank-b"
"#,
        server.url()
    ));
    asked.all_scored();
    let (warming, requests): (Vec<_>, Vec<_>) = server
        .requests()
        .into_iter()
        .partition(|request| request.header("x-warm") == Some("1"));
    assert_eq!(warming.len(), 3, "asked in advance, and not measured");
    assert_eq!(requests.len(), asked.seen.len());
    let mut questions: Vec<String> = Vec::new();
    for request in requests {
        assert_eq!(request.method, "PUT");
        assert_eq!(request.path, "/v1/ask?lang=en");
        let sent = request.json();
        assert_eq!(
            (&sent["k"], &sent["seed"], &sent["form"], &sent["filter"]),
            (&json!(3), &json!(1), &json!(0), &json!({}))
        );
        questions.push(sent["q"].as_str().expect("a question").to_owned());
        for (name, value) in [
            ("x-region-pin", "eu-west"),
            ("x-release", "r42"),
            ("x-index-hash", "b3:00"),
            ("x-schema-rev", "sc-12"),
            ("x-canary", "1"),
            ("x-exp", "rerank-b"),
            ("x-tenant", "t"),
            ("content-type", "application/json"),
            ("accept", "application/json"),
        ] {
            assert_eq!(request.header(name), Some(value), "{name}");
        }
        let id = request.header("x-question").expect("a header");
        assert!(id.starts_with("id=q"), "{id}");
        assert_eq!(request.header("x-warm"), None, "none of these warms up");
    }
    questions.sort();
    questions.dedup();
    assert_eq!(questions[0], "When is cache number 1 drained?");
    assert_eq!(questions.len(), 3);
}

#[test]
fn a_question_is_put_into_the_address() {
    let server = Loopback::answering(|_| hits());
    let url = format!(
        "{}/ask/{{question_id}}?q={{question}}&k={{k}}",
        server.url()
    );
    let asked = ask(&format!("url = \"{url}\"\nmethod = \"GET\""));
    asked.all_scored();
    let mut paths: Vec<String> = server.requests().into_iter().map(|r| r.path).collect();
    paths.sort();
    assert_eq!(
        paths[0],
        "/ask/q0?q=When%20is%20queue%20number%200%20drained%3F&k=3"
    );
    assert!(
        server
            .requests()
            .iter()
            .all(|r| r.method == "GET" && r.body.is_empty())
    );
}

#[test]
fn health_states_the_contract_and_gets_credentials_only_at_home() {
    let health = |_: &Request| {
        Response::json(&json!({
            "index": { "hash": "b3:77", "dim": 384, "ready": true }, "analyzer": null, "rev": " ",
        }))
    };
    let elsewhere = Loopback::answering(health);
    let home = Loopback::answering(move |request| match request.path.as_str() {
        "/health" => health(request),
        _ => hits(),
    });
    let candidate = |health: &str| {
        format!(
            r#"url = "{}/ask"
headers = {{ x-tenant = "t" }}
header_env = {{ x-key = "PATH" }}
body = '{{"q": "{{question}}"}}'
stated = {{ ANALYZER = "en_stem" }}
[target.pins]
region = "eu-west"
[target.health]
url = "{health}/health"
fields = {{ INDEX_HASH = "/index/hash", DIM = "/index/dim", READY = "/index/ready", METRIC = "/metric", SCHEMA_REV = "/rev" }}
"#,
            home.url()
        )
    };
    for server in [&home, &elsewhere] {
        let asked = ask(&candidate(&server.url()));
        asked.all_scored();
        let targets = asked.verdict["targets"].as_array().expect("targets");
        let side = targets.iter().find(|side| side["name"] == "eu-west");
        assert_eq!(
            side.expect("the candidate")["contract"],
            json!({"INDEX_HASH": "b3:77", "DIM": "384", "READY": "true", "ANALYZER": "en_stem"})
        );
    }
    let is_health = |request: &Request| request.path == "/health";
    let at_home = home.requests().into_iter().find(is_health).expect("asked");
    assert!(at_home.header("x-key").is_some() && at_home.header("x-tenant").is_some());
    for request in elsewhere.requests() {
        assert_eq!(request.header("x-region-pin"), Some("eu-west"));
        assert_eq!(
            (request.header("x-key"), request.header("x-tenant")),
            (None, None)
        );
    }
}

#[test]
fn a_target_whose_health_cannot_be_read_is_not_asked() {
    let server = Loopback::answering(|_| Response::status(404));
    let url = server.url();
    let candidate = format!(
        "url = \"{url}/ask\"\nbody = '{{\"q\": \"{{question}}\"}}'\n[target.health]\nurl = \"{url}/health\"\nfields = {{ INDEX_HASH = \"/hash\" }}"
    );
    let (output, _folder) = gate(&small(&candidate).policy(), &[]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(verdict(&output)["probes"]["skipped"], 3);
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.path == "/health")
    );
}

#[test]
fn a_query_vector_comes_from_the_referee_or_from_a_model_of_its_own() {
    let server = Loopback::answering(|_| hits());
    let candidate = format!(
        "url = \"{}/ask\"\nbody = '{{\"vector\": {{vector}}, \"top\": {{k}}}}'",
        server.url()
    );
    ask(&candidate).all_scored();
    let sent = server.requests()[0].json();
    let vector = sent["vector"].as_array().expect("a vector");
    assert_eq!(vector.len(), ragstone::embed::LEXICAL_DIM);
    let model = Loopback::answering(|_| {
        Response::json(&json!({"data": [{"index": 0, "embedding": [0.25, -1.0]}]}))
    });
    let own = format!(
        "{candidate}\n[target.embedding]\nurl = \"{}/v1\"\nmodel = \"own\"",
        model.url()
    );
    ask(&own).all_scored();
    let sent = server.requests().pop().expect("asked").json();
    assert_eq!(sent["vector"], json!([0.25, -1.0]));
    assert!(
        model
            .requests()
            .iter()
            .all(|request| request.json()["model"] == "own")
    );
}

/// A stream with this media type, cut into chunks of seven bytes.
fn streaming(media: &'static str, text: &str) -> Loopback {
    let mut body = String::new().into_bytes();
    for chunk in text.as_bytes().chunks(7) {
        body.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        body.extend(chunk);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    Loopback::raw(move |mut stream| {
        use std::io::{BufReader, Write as _};
        let Ok(reading) = stream.try_clone() else {
            return;
        };
        let mut reader = BufReader::new(reading);
        while Request::read(&mut reader).is_some() {
            let head = format!(
                "HTTP/1.1 200 X\r\ncontent-type: {media}; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&body);
        }
    })
}

fn stream_target(server: &Loopback, kind: &str) -> String {
    format!(
        "url = \"{}/ask\"\nbody = '{{\"q\": \"{{question}}\"}}'\nstream = \"{kind}\"\n[target.reply]\nhits = \"/hits\"\ndelta = \"/delta\"\ncitations = \"/sources\"",
        server.url()
    )
}

#[test]
fn an_answer_that_comes_in_parts_is_put_together() {
    let parts = [
        json!({"hits": [hit()]}),
        json!({"delta": "Nach "}),
        json!({"delta": "zwölf Minuten."}),
        json!({"sources": ["d/s0"]}),
    ];
    let lines = parts.iter().map(|part| format!("{part}\r\n"));
    let ndjson = streaming("application/x-ndjson", &lines.collect::<String>());
    let events = parts
        .iter()
        .map(|part| format!("event: part\r\ndata: {part}\r\n\r\n"));
    let events = events.collect::<String>() + "data: [DONE]\r\n\r\n";
    let sse = streaming("text/event-stream", &events);
    for (server, kind) in [(&ndjson, "ndjson"), (&sse, "sse")] {
        let asked = ask(&stream_target(server, kind));
        asked.all_scored();
        assert!(asked.texts.contains(&"Nach zwölf Minuten.".to_owned()));
        for seen in &asked.seen {
            let times = seen.timing;
            let (first, usable) = (
                times.tffb_ms.expect("a byte"),
                times.tusable_ms.expect("a part"),
            );
            let last = times.tfinal_ms.expect("an end");
            assert!(first <= usable && usable <= last, "{times:?}");
            let Outcome::Scored { citations, .. } = &seen.outcome else {
                panic!("{seen:?}");
            };
            assert_eq!(citations, &["d/s0"]);
        }
    }
    ask(&stream_target(&ndjson, "sse")).all_failed("content_type", "expected text/event-stream");
}

#[test]
fn a_reply_that_breaks_the_schema_of_its_service_is_named_by_its_place() {
    let server = Loopback::answering(|_| hits());
    let candidate = format!(
        "url = \"{}/ask\"\nbody = '{{\"q\": \"{{question}}\"}}'\nreply_schema = \"reply.schema.json\"",
        server.url()
    );
    let small = small(&candidate);
    small.write(
        "reply.schema.json",
        r#"{"properties": {"hits": {"items": {"properties": {"score": {"maximum": 0.9}}}}}}"#,
    );
    ask_in(&small).all_failed("schema_violation", "/hits/0/score");
    small.write("reply.schema.json", r#"{"type": "thing"}"#);
    let (output, _folder) = gate(&small.policy(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("no usable JSON Schema"),
        "{}",
        stderr(&output)
    );
}

#[track_caller]
fn refused(candidate: &str, needle: &str) {
    let small = small(candidate);
    let output = ragstone(&["plan", small.policy().to_str().expect("UTF-8")]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{candidate}: {text}");
    let words = text.split(|c: char| c.is_whitespace() || c == '│');
    let text = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    assert!(text.contains(needle), "{needle} in {text}");
}

#[test]
fn a_target_that_cannot_be_meant_is_refused_before_anything_is_sent() {
    let url = "url = \"http://127.0.0.1:9/ask\"\n";
    let body = "body = '{\"q\": \"{question}\"}'\n";
    let sound = format!("{url}{body}");
    let reply = |line: &str| format!("{sound}[target.reply]\n{line}");
    for (candidate, needle) in [
        (body.to_owned(), "a url is missing"),
        (url.to_owned(), "the question is never sent"),
        (
            format!("{url}body = '{{\"k\": {{k}}}}'"),
            "the question is never sent",
        ),
        (
            format!("{url}body = '{{\"q\": {{question}}}}'"),
            "no JSON once a question is put in",
        ),
        (
            format!("{url}body = '{{\"q\": \"{{question}}\"'"),
            "no JSON once a question is put in",
        ),
        (
            format!("url = \"http://{{question}}/\"\n{body}"),
            "in the scheme, host or port",
        ),
        (
            format!("{sound}metric = \"cosine\""),
            "`metric` means nothing to this kind of target",
        ),
        (
            format!("{sound}headers = {{ Authorization = \"x\" }}"),
            "carries credentials",
        ),
        (
            format!("{sound}headers = {{ \"x y\" = \"{{k}}\" }}"),
            "cannot be sent",
        ),
        (
            format!("{sound}headers = {{ X-CANARY = \"1\" }}\n[target.pins]\ncanary = \"2\""),
            "is set twice",
        ),
        (
            format!("{sound}headers = {{ X-Warm = \"1\" }}"),
            "is set twice",
        ),
        (
            format!("{sound}[target.pins]\nregion = \"a\\nb\""),
            "cannot be sent",
        ),
        (
            format!("{sound}[target.embedding]\nurl = \"http://h\"\nmodel = \"m\""),
            "is never sent",
        ),
        (reply("hits = \"hits\""), "is no JSON pointer"),
        (reply("delta = \"/d\""), "is a piece of a stream"),
        (reply("start = \"/s\""), "go together"),
        (
            reply("section = \"/s\"\ndoc_id = \"/d\""),
            "names the section twice",
        ),
        (
            reply("score = \"\"\nhigher_is_better = false"),
            "where there are no scores",
        ),
        (
            format!("{sound}[target.health]\nurl = \"/health\"\nfields = {{}}"),
            "[target.health] the url",
        ),
        (
            format!(
                "{sound}stated = {{ DIM = \"3\" }}\n[target.health]\nurl = \"http://h/\"\nfields = {{ DIM = \"/d\" }}"
            ),
            "DIM is found in the target itself",
        ),
    ] {
        refused(&candidate, needle);
    }
}
