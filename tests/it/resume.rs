//! A replay that is stopped, killed and gone on with, against a server that counts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ragstone::replay::{Observation, Outcome, read_observations};
use serde_json::{Value, json};

use crate::loopback::{Loopback, Request, Response};
use crate::support::{SmallGold, ragstone, root, stderr, stdout};

/// What makes a probe the same probe: target, question, form, seed.
type Asked = (String, String, u64, u64);

/// A server with two targets, each of which answers every question with its own section first.
struct Server {
    loopback: Loopback,
    asked: Arc<Mutex<Vec<Asked>>>,
    hash: Arc<Mutex<String>>,
    broken: Arc<AtomicBool>,
    delay_ms: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let hash = Arc::new(Mutex::new("0x1".to_owned()));
        let broken = Arc::new(AtomicBool::new(false));
        let delay_ms = Arc::new(AtomicUsize::new(0));
        let (seen, said, is_broken, delay) = (
            Arc::clone(&asked),
            Arc::clone(&hash),
            Arc::clone(&broken),
            Arc::clone(&delay_ms),
        );
        let loopback = Loopback::answering(move |request| {
            if request.path == "/health" {
                return Response::json(&json!({ "index_hash": *said.lock().expect("calm") }));
            }
            seen.lock().expect("calm").push(key(request));
            let delay = delay.load(Ordering::SeqCst) as u64;
            if delay > 0 {
                std::thread::sleep(Duration::from_millis(delay));
            }
            if is_broken.load(Ordering::SeqCst) {
                return Response::json(&json!({ "hits": [] }));
            }
            answer(&request.json())
        });
        Self {
            loopback,
            asked,
            hash,
            broken,
            delay_ms,
        }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("calm").clone()
    }

    fn n_asked(&self) -> usize {
        self.asked.lock().expect("calm").len()
    }

    /// A policy of two http targets on this server.
    fn policy(&self) -> String {
        let url = self.loopback.url();
        let target = |name: &str, role: &str| {
            format!(
                r#"
[[target]]
name = "{name}"
role = "{role}"
kind = "http"
url = "{url}/{name}"
body = '{{"id":"{{question_id}}","q":"{{question}}","k":{{k}},"seed":{{seed}},"form":{{form}}}}'
warm_up = 0
[target.health]
url = "{url}/health"
fields = {{ INDEX_HASH = "/index_hash" }}
"#
            )
        };
        format!(
            "gold = '.'\n[referee]\nkind = 'lexical'\n[replay]\nk_sweep = []\nretries = 0\n{}{}",
            target("us-east", "control"),
            target("eu-west", "candidate")
        )
    }
}

fn key(request: &Request) -> Asked {
    let body = request.json();
    (
        request.path.trim_start_matches('/').to_owned(),
        body["id"].as_str().unwrap_or_default().to_owned(),
        body["form"].as_u64().unwrap_or(99),
        body["seed"].as_u64().unwrap_or(99),
    )
}

fn answer(body: &Value) -> Response {
    let index: usize = body["id"]
        .as_str()
        .and_then(|id| id.trim_start_matches('q').parse().ok())
        .unwrap_or(0);
    let hit = |rank: usize| {
        let section = format!("s{}", index + rank);
        json!({
            "id": format!("d/{section}#0"), "doc_id": "d", "section_id": section,
            "score": 1.0 / (rank + 3) as f64, "text": format!("Text of {section} \u{1F512}, quoted \"so\"."),
        })
    };
    Response::json(&json!({ "hits": [hit(0), hit(1), hit(2)] }))
}

fn gold(n: usize, server: &Server) -> SmallGold {
    let small = SmallGold::new(n);
    small.write("ragstone.toml", &server.policy());
    small
}

fn start(small: &SmallGold, how: &[&str]) -> Child {
    let program = assert_cmd::cargo::cargo_bin!("ragstone");
    let mut command = Command::new(program);
    command
        .current_dir(root())
        .arg("probe")
        .arg(small.policy())
        .arg("--no-cache")
        .args(how)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// What was complained about, without the line breaks of a terminal's width.
fn words(output: &Output) -> String {
    let text = stderr(output);
    let words = text.split(|c: char| c.is_whitespace() || c == '│');
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .replace("us- east", "us-east")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Waits until the server was asked so often, or the program ended.
fn until(server: &Server, asked: usize, child: &mut Child) -> bool {
    let begun = Instant::now();
    while server.n_asked() < asked {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        assert!(
            begun.elapsed() < Duration::from_mins(2),
            "the program hangs"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// The places in the plan that a journal holds.
fn finished(run: &Path) -> BTreeSet<u64> {
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap_or_default();
    let place = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        line["record"]["probe"]["probe"].as_u64()
    };
    journal.lines().filter_map(place).collect()
}

/// Seeds of the run that is killed: many for its questions, since every sitting reads and embeds these again.
const SEEDS: u64 = 8;
/// Probes of each of its questions: targets, forms, seeds.
const PROBES: usize = 2 * 2 * SEEDS as usize;

/// Which probe of it stands at a place: questions, then forms, then seeds, then targets.
fn probe_at(place: u64) -> Asked {
    let target = ["us-east", "eu-west"][(place % 2) as usize];
    let (seed, form) = (place / 2 % SEEDS + 1, place / 2 / SEEDS % 2);
    let question = place / PROBES as u64;
    (target.to_owned(), format!("q{question}"), form, seed)
}

/// Observations without times and attempts, which no two runs share.
fn timeless(run: &Path) -> Vec<Observation> {
    let read = read_observations(&run.join("observations.parquet")).expect("observations");
    let timeless = |seen: Observation| Observation {
        elapsed_ms: 0.0,
        timing: ragstone::net::Timing::default(),
        ..seen
    };
    read.into_iter().map(timeless).collect()
}

/// Kills a run of so many questions at twenty moments that a seed chooses.
fn killed_at_twenty_moments(n_questions: usize) {
    let server = Server::start();
    let small = gold(n_questions, &server);
    let seeds: Vec<u64> = (1..=SEEDS).collect();
    let seeds = format!("k_sweep = []\nseeds = {seeds:?}\n");
    small.edit("ragstone.toml", "k_sweep = []\n", &seeds);
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let n_probes = n_questions * PROBES;
    let mut random: u64 = 20_261_121;
    let mut kills = 0;
    let mut begin = finished(&run);
    while kills < 20 {
        let from = server.n_asked();
        let how = if run.exists() { "--resume" } else { "--out" };
        let mut child = start(&small, &[how, text(&run)]);
        // A step of a linear congruential generator (Knuth, MMIX).
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = (random >> 40) as usize % (n_probes / 22);
        let killed = until(&server, from + 1 + share, &mut child);
        assert!(killed, "ended after {kills} kills, before the twentieth");
        child.kill().expect("killed with signal 9");
        child.wait().expect("gone");
        kills += 1;
        let again: Vec<Asked> = server.asked()[from..].to_vec();
        let kept: BTreeSet<Asked> = begin.iter().map(|place| probe_at(*place)).collect();
        let twice = again.iter().find(|asked| kept.contains(asked));
        assert_eq!(twice, None, "a finished probe was asked again");
        let end = finished(&run);
        assert!(end.is_superset(&begin), "nothing that was kept is lost");
        begin = end;
    }
    let kept: BTreeSet<Asked> = begin.into_iter().map(probe_at).collect();
    let from = server.n_asked();
    let mut last = start(&small, &["--resume", text(&run)]);
    let status = last.wait().expect("the last sitting ends");
    let mut words = String::new();
    if let Some(mut stderr) = last.stderr.take() {
        let _ = stderr.read_to_string(&mut words);
    }
    assert!(status.success(), "{words}");
    let again = server.asked()[from..].to_vec();
    assert!(!again.iter().any(|asked| kept.contains(asked)));
    assert!(
        !run.join("journal.jsonl").exists(),
        "a run that has ended needs none"
    );

    let straight = folder.path().join("straight");
    let undisturbed = start(&small, &["--out", text(&straight)]).wait();
    assert!(undisturbed.expect("ends").success());
    let (resumed, undisturbed) = (timeless(&run), timeless(&straight));
    assert_eq!(resumed.len(), n_probes);
    assert_eq!(resumed, undisturbed);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for seen in &resumed {
        let probe = format!(
            "{} {} {:?} {:?}",
            seen.target, seen.question, seen.form, seen.seed
        );
        *times.entry(probe).or_default() += 1;
        assert!(matches!(seen.outcome, Outcome::Scored { .. }));
    }
    assert_eq!(times.len(), n_probes, "each probe once");
}

#[test]
fn a_run_killed_at_twenty_moments_is_the_run_that_would_have_been() {
    killed_at_twenty_moments(5_000usize.div_ceil(PROBES));
}

#[test]
fn an_interrupt_says_how_to_go_on_and_the_gate_goes_on() {
    let server = Server::start();
    server.delay_ms.store(5, Ordering::SeqCst);
    let small = gold(60, &server);
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let mut child = start(&small, &["--out", text(&run)]);
    assert!(until(&server, 40, &mut child));
    let pid = child.id().to_string();
    let signalled = Command::new("kill").args(["-INT", &pid]).status();
    assert!(signalled.expect("kill").success());
    let output = child.wait_with_output().expect("ends");
    let said = words(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("interrupted:") && said.contains("of 480 probes are kept"),
        "{said}"
    );
    assert!(said.contains("--resume"), "{said}");

    // The run was begun by `probe`; the gate asks the same and may judge what it left.
    server.delay_ms.store(0, Ordering::SeqCst);
    let policy = small.policy();
    let gate = ragstone(&[
        "gate",
        text(&policy),
        "--resume",
        text(&run),
        "--format",
        "json",
    ]);
    let verdict: Value = serde_json::from_slice(&gate.stdout).expect("a verdict");
    assert_eq!(verdict["probes"]["planned"], 480, "{}", words(&gate));
    assert_eq!(verdict["probes"]["scored"], 480);
    let verified = ragstone(&["verify", text(&run)]);
    assert_eq!(verified.status.code(), Some(0), "{}", stdout(&verified));
}

#[test]
fn a_run_does_not_go_on_when_something_moved() {
    let server = Server::start();
    server.delay_ms.store(5, Ordering::SeqCst);
    let small = gold(40, &server);
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let mut child = start(&small, &["--out", text(&run)]);
    assert!(until(&server, 30, &mut child));
    let policy = small.policy();
    let resume = || ragstone(&["probe", text(&policy), "--resume", text(&run)]);

    let second = resume();
    assert_eq!(second.status.code(), Some(2), "{}", words(&second));
    assert!(words(&second).contains("another process is writing this run"));

    child.kill().expect("killed");
    child.wait().expect("gone");
    *server.hash.lock().expect("calm") = "0x2".to_owned();
    let moved = resume();
    assert_eq!(moved.status.code(), Some(3), "{}", words(&moved));
    assert!(
        words(&moved).contains("INDEX_HASH of us-east moved"),
        "{}",
        words(&moved)
    );
    *server.hash.lock().expect("calm") = "0x1".to_owned();

    let questions = "questions.jsonl";
    small.edit(questions, "drained?", "emptied?");
    let gold = resume();
    assert_eq!(gold.status.code(), Some(2));
    assert!(
        words(&gold).contains("the gold set is another"),
        "{}",
        words(&gold)
    );
    small.edit(questions, "emptied?", "drained?");
    small.edit("ragstone.toml", "retries = 0", "retries = 1");
    let changed = resume();
    assert!(
        words(&changed).contains("the policy is another"),
        "{}",
        words(&changed)
    );
    small.edit("ragstone.toml", "retries = 1", "retries = 0");
    assert_eq!(resume().status.code(), Some(0));
    let nothing: PathBuf = folder.path().join("nothing");
    let none = ragstone(&["probe", text(&policy), "--resume", text(&nothing)]);
    assert_eq!(none.status.code(), Some(2), "{}", words(&none));
}

#[test]
fn only_what_failed_is_asked_again() {
    let server = Server::start();
    let small = gold(20, &server);
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    server.broken.store(true, Ordering::SeqCst);
    server.delay_ms.store(2, Ordering::SeqCst);
    let mut child = start(&small, &["--out", text(&run)]);
    assert!(until(&server, 60, &mut child));
    server.broken.store(false, Ordering::SeqCst);
    child.wait().expect("ends");
    let first = server.n_asked();
    assert_eq!(first, 160);
    let broken = failed(&run);
    assert!((1..160).contains(&broken), "{broken} failed");

    let policy = small.policy();
    let retried = ragstone(&[
        "probe",
        text(&policy),
        "--resume",
        text(&run),
        "--retry-errors",
    ]);
    assert_eq!(retried.status.code(), Some(0), "{}", words(&retried));
    assert_eq!(server.n_asked() - first, broken, "and nothing else");
    assert_eq!(failed(&run), 0);
    let again = ragstone(&["probe", text(&policy), "--resume", text(&run)]);
    assert_eq!(again.status.code(), Some(0), "{}", words(&again));
    assert_eq!(
        server.n_asked() - first,
        broken,
        "there is nothing left to ask"
    );
}

fn failed(run: &Path) -> usize {
    let is_failed = |seen: &Observation| matches!(seen.outcome, Outcome::Failed { .. });
    timeless(run).iter().filter(|seen| is_failed(seen)).count()
}
