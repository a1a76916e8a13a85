//! How fast a server is replayed, beside what `wrk` reaches on the same server.
//!
//! Measures: probes a second of a whole replay over HTTP (asking, decoding, journal, measuring), against
//! requests a second of wrk with as many connections, the same method, path and bodies; and the largest
//! resident size of `ragstone probe` at a fifth of the probes and at all of them. On: a loopback server
//! of two threads that answers with ten hits, about 8 KB, in three manners: `hybrid` ranks 2,000 sections
//! by vectors and by BM25 for each request, `bm25` by BM25 alone, `table` looks a ready answer up. Two targets, 16 connections in all. Needs
//! wrk on the path. Run: `cargo bench --bench throughput` (100,000 probes each; `-- 20000` for fewer).

#![expect(clippy::print_stdout, reason = "a bench reports what it measured")]

mod gold;
mod server;

use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use ragstone::pipeline::{Occasion, Session};
use ragstone::plan::{self, Overrides};
use ragstone::replay::Journal;

/// Connections in all, half of them for each target.
const CONNECTIONS: usize = 16;
/// Forms, seeds and targets of each question.
const PROBES_A_QUESTION: usize = 2 * 2 * 2;
/// Runs of each; the median counts.
const RUNS: usize = 3;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(place) = args.iter().position(|arg| arg == "--serve") {
        let n_questions = args[place + 2].parse().expect("a number of questions");
        server::serve(&args[place + 1], n_questions);
        return;
    }
    let n_probes = args.iter().find_map(|arg| arg.parse().ok());
    let n_questions = n_probes.unwrap_or(100_000) / PROBES_A_QUESTION;
    let folder = tempfile::tempdir().expect("a folder");
    gold::write(folder.path(), n_questions);
    for manner in ["hybrid", "bm25", "table"] {
        let (_server, url) = start(manner, n_questions);
        gold::write_policy(folder.path(), &url, CONNECTIONS / 2);
        let mut ratios = Vec::new();
        for _ in 0..RUNS {
            let theirs = wrk(folder.path(), &url);
            let ours = replay(folder.path(), n_questions);
            println!("{manner}: wrk {theirs:.0} requests/s, ragstone {ours:.0} probes/s");
            ratios.push(ours / theirs);
        }
        ratios.sort_by(f64::total_cmp);
        println!("{manner}: median ratio {:.2}", ratios[RUNS / 2]);
        if manner == "table" {
            memory(folder.path(), n_questions);
        }
    }
}

/// A server that ends with its owner.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts this program again as a server, and learns its address.
fn start(manner: &str, n_questions: usize) -> (Server, String) {
    let program = std::env::current_exe().expect("this program");
    let mut server = Command::new(program)
        .args(["--serve", manner, &n_questions.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("piped");
    std::io::BufReader::new(stdout)
        .read_line(&mut line)
        .expect("an address");
    (Server(server), line.trim().to_owned())
}

/// Requests a second, with the bodies that the replay sends.
fn wrk(folder: &Path, url: &str) -> f64 {
    let script = folder.join("wrk.lua");
    std::fs::write(&script, gold::wrk_script(folder)).expect("written");
    let connections = format!("-c{CONNECTIONS}");
    let output = Command::new("wrk")
        .args(["-t2", &connections, "-d6s", "-s"])
        .arg(&script)
        .arg(format!("{url}/search"))
        .output()
        .expect("wrk is on the path");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "{text}");
    let line = text.lines().find(|line| line.starts_with("Requests/sec:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.unwrap_or_else(|| panic!("no rate in: {text}"))
}

/// Probes a second, from the first question to the last cell of the metric table.
fn replay(folder: &Path, n_questions: usize) -> f64 {
    let policy = plan::load(&folder.join("ragstone.toml"), &Overrides::default()).expect("sound");
    let occasion = Occasion {
        run_id: "bench".to_owned(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        day: "2026-01-01".parse().expect("a day"),
    };
    let run = tempfile::tempdir_in(folder).expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let session = Session::prepare(policy, &occasion).await.expect("sound");
        let journal = Journal::create(run.path(), session.head(&occasion)).expect("begun");
        let (_stop, stopping) = tokio::sync::watch::channel(false);
        let mut quiet = |_, _| {};
        let begun = Instant::now();
        let replayed = session.replay(&occasion, journal, stopping, &mut quiet);
        let replayed = replayed.await.expect("nobody stops it");
        let asked = begun.elapsed();
        let table = replayed.measure().await.expect("measured");
        let elapsed = begun.elapsed();
        let measuring = elapsed.saturating_sub(asked);
        let n_probes = n_questions * PROBES_A_QUESTION;
        assert_eq!(table.cells.len(), n_probes);
        assert!(table.cells.iter().all(|cell| cell.delta_s.is_some()));
        println!("  asked in {asked:.2?}, measured in {measuring:.2?}");
        n_probes as f64 / elapsed.as_secs_f64()
    })
}

/// The largest resident size of `ragstone probe`, at a fifth of the questions and at all of them.
fn memory(folder: &Path, n_questions: usize) {
    for sample in [n_questions / 5, n_questions] {
        let run = folder.join(format!("memory-{sample}"));
        let mut probe = Command::new(env!("CARGO_BIN_EXE_ragstone"))
            .arg("probe")
            .arg(folder.join("ragstone.toml"))
            .args(["--sample", &sample.to_string(), "--out"])
            .arg(&run)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let status = format!("/proc/{}/status", probe.id());
        let mut largest = 0;
        while probe.try_wait().expect("a child").is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
            largest = largest.max(kib.unwrap_or(0));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        println!(
            "probe of {} probes: {} MiB",
            sample * PROBES_A_QUESTION,
            largest / 1024
        );
    }
}
