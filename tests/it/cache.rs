//! Replies of earlier runs, over a server that counts what it is asked.

use std::path::PathBuf;
use std::process::Output;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::loopback::{Loopback, Request, Response};
use crate::support::{SmallGold, check, root, stderr, verdict};

/// What the server says: its index hash, if it has one, and a word in every text.
#[derive(Clone, Copy)]
struct Says {
    hash: Option<&'static str>,
    word: &'static str,
}

/// A server with two targets, the gold set and the cache folder beside it.
struct Bench {
    server: Loopback,
    says: Arc<Mutex<Says>>,
    small: SmallGold,
}

const QUESTIONS: usize = 40;
/// Two targets, two forms, two seeds.
const PROBES: usize = QUESTIONS * 8;

fn answer(request: &Request, says: Says) -> Response {
    if request.path == "/health" {
        return Response::json(&says.hash.map_or(json!({}), |hash| json!({ "hash": hash })));
    }
    let id = request.json()["id"].clone();
    let section = id.as_str().unwrap_or_default().replace('q', "s");
    let text = format!("The thing of {section} is drained {}.", says.word);
    Response::json(&json!({
        "cold": false,
        "hits": [{"id": "a", "doc_id": "d", "section_id": section, "score": 0.5, "text": text}],
    }))
}

impl Bench {
    fn new() -> Self {
        let says = Arc::new(Mutex::new(Says {
            hash: Some("b3:1"),
            word: "soon",
        }));
        let said = Arc::clone(&says);
        let server = Loopback::answering(move |request| {
            let says = *said.lock().expect("calm");
            answer(request, says)
        });
        let small = SmallGold::new(QUESTIONS);
        let url = server.url();
        let target = |name: &str, role: &str| {
            format!(
                r#"
[[target]]
name = "{name}"
role = "{role}"
kind = "http"
warm_up = 0
url = "{url}/{name}"
body = '{{"id":"{{question_id}}","q":"{{question}}"}}'
[target.reply]
cold_start = "/cold"
[target.health]
url = "{url}/health"
fields = {{ INDEX_HASH = "/hash" }}
"#
            )
        };
        small.write(
            "ragstone.toml",
            &format!(
                "gold = '.'\n[referee]\nkind = 'lexical'\n[replay]\nk_sweep = []\n{}{}",
                target("us-east", "control"),
                target("eu-west", "candidate")
            ),
        );
        Self {
            server,
            says,
            small,
        }
    }

    fn say(&self, hash: Option<&'static str>, word: &'static str) {
        *self.says.lock().expect("calm") = Says { hash, word };
    }

    fn cache(&self) -> PathBuf {
        self.small.folder.path().join("cache")
    }

    /// One gate; how often the server was asked a question, and the verdict.
    fn gate(&self, more: &[&str]) -> (usize, Value) {
        let asked = || {
            let requests = self.server.requests();
            requests.iter().filter(|one| one.path != "/health").count()
        };
        let before = asked();
        let folder = tempfile::tempdir().expect("a folder");
        let output: Output = assert_cmd::Command::cargo_bin("ragstone")
            .expect("the program is built")
            .current_dir(root())
            .env("XDG_CACHE_HOME", self.cache())
            .args(["gate", "--format", "json", "--out"])
            .arg(folder.path().join("run"))
            .arg(self.small.policy())
            .args(more)
            .output()
            .expect("runs");
        assert!(!output.stdout.is_empty(), "{}", stderr(&output));
        (asked() - before, verdict(&output))
    }
}

/// What does not depend on when it was asked, latency left out.
fn found(verdict: &Value) -> Vec<Value> {
    ["CA-DS", "CA-COV", "CA-LAM", "CA-PAR", "CA-S0"]
        .map(|id| {
            let check = check(verdict, id);
            json!([id, check["verdict"], check["estimate"], check["ci_low"]])
        })
        .to_vec()
}

#[test]
fn a_second_run_under_the_same_contract_asks_a_tenth_and_says_so() {
    let bench = Bench::new();
    let (asked, first) = bench.gate(&[]);
    assert_eq!(asked, PROBES);
    assert!(!first["notes"].to_string().contains("kept from earlier"));
    let (asked, second) = bench.gate(&[]);
    assert!((PROBES / 40..PROBES / 4).contains(&asked), "{asked}");
    assert_eq!(found(&second), found(&first));
    let notes = second["notes"].to_string();
    for side in ["us-east", "eu-west"] {
        let note = format!("of 160 replies of {side} were kept from earlier runs");
        assert!(notes.contains(&note), "{notes}");
    }
    let latency = check(&second, "CA-P95")["detail"]
        .as_str()
        .expect("a detail");
    let kept = format!("{} replies of both sides", PROBES - asked);
    assert!(latency.contains(&kept), "{kept}: {latency}");
    assert_eq!(bench.gate(&["--no-cache"]).0, PROBES);
    assert_eq!(bench.gate(&["--cache-hours", "0"]).0, PROBES);
}

#[test]
fn another_index_is_asked_anew_and_one_without_a_hash_always() {
    let bench = Bench::new();
    bench.gate(&[]);
    bench.say(Some("b3:2"), "soon");
    assert_eq!(bench.gate(&[]).0, PROBES);
    bench.say(None, "soon");
    assert_eq!(bench.gate(&[]).0, PROBES);
    assert_eq!(bench.gate(&[]).0, PROBES);
    bench.say(Some("b3:1"), "soon");
    assert!(bench.gate(&[]).0 < PROBES / 4);
}

#[test]
fn a_service_that_changed_under_its_contract_is_found_out() {
    let bench = Bench::new();
    bench.gate(&[]);
    bench.say(Some("b3:1"), "never");
    let (asked, verdict) = bench.gate(&[]);
    assert!(asked > PROBES / 2, "{asked} asked");
    let notes = verdict["notes"].to_string();
    for side in ["us-east", "eu-west"] {
        let note = format!("the kept replies of {side} were dropped: a fresh reply to form");
        assert!(notes.contains(&note), "{notes}");
    }
    let undecided = check(&verdict, "CA-LAM");
    assert_eq!(
        undecided["verdict"], "INCONCLUSIVE",
        "old and new replies are no sample"
    );
    assert_eq!(undecided["reason_code"], "replies_stale");
    // Nothing of before is left.
    let (asked, verdict) = bench.gate(&[]);
    assert_eq!(asked, PROBES);
    assert!(!verdict["notes"].to_string().contains("dropped"));
}
