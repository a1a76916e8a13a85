//! What a run observed, handed on in the formats of other tools, and read again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use ragstone::exchange::run::{FlatRow, Line};
use ragstone::measure::MetricTable;
use ragstone::replay::{
    Observation, Outcome, Purpose, TableWriter, read_observations, read_table_beside,
};
use ragstone::trec;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::judged::{HANDBOOK, said, shared, text};
use crate::support::{SmallGold, ragstone, stderr, stdout};

/// `ragstone export`, and what it printed.
fn export(run: &Path, more: &[&str]) -> Output {
    ragstone(&[&["export", text(run)], more].concat())
}

#[track_caller]
fn exported(run: &Path, more: &[&str]) -> String {
    let output = export(run, more);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

#[track_caller]
fn refused(run: &Path, more: &[&str], code: i32, needles: &[&str]) {
    let output = export(run, more);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    for needle in needles {
        assert!(
            said(&output).contains(needle),
            "{needle}: {}",
            said(&output)
        );
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// A run of a small gold set in which much is odd: a section that was hit twice, equal scores, a name with
/// spaces, an error, and probes that were never made.
struct Odd {
    small: SmallGold,
    run: PathBuf,
    folder: TempDir,
}

fn odd() -> Odd {
    let small = SmallGold::new(4);
    let hit = |doc: &str, section: &str, id: &str, score: f64| {
        json!({"doc_id": doc, "section_id": section, "id": id, "score": score,
            "text": format!("Text of {id}."), "start": 1, "end": 9, "unit": "byte"})
    };
    let hits = [
        hit("d", "s0", "a", 2.0),
        hit("d", "s1", "b", 0.1 + 0.2),
        hit("d", "s2", "c", 0.1 + 0.2),
        hit("d", "s0", "e", 0.25),
        hit("two words", "1", "f", 0.125),
    ];
    let seen = [
        json!({"target": "us-east", "contract": {"METRIC": "dot"}, "at": "start"}),
        json!({"target": "us-east", "question": "q0", "form": 0, "seed": 1, "hits": hits,
            "answer": "At once.", "citations": ["d/s0"], "status": 200, "attempts": 2, "elapsed_ms": 7.5,
            "latency_ms": {"connect": 0.5, "tffb": 1.5, "tfinal": 2.5, "decode": 0.25}, "cold_start": true}),
        json!({"target": "us-east", "question": "q1", "form": 0, "seed": 1, "status": 503, "attempts": 3,
            "error": {"class": "http_503", "stage": "headers", "message": "busy\u{1b}[2J"}}),
        json!({"target": "us-east", "question": "q2", "form": 0, "seed": 1, "skipped": "given up"}),
    ];
    let seen: Vec<String> = seen.iter().map(ToString::to_string).collect();
    small.write("seen.jsonl", &seen.join("\n"));
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    imported(&small, &small.folder.path().join("seen.jsonl"), &run);
    Odd { small, run, folder }
}

fn imported(small: &SmallGold, file: &Path, run: &Path) {
    let policy = small.policy();
    let output = ragstone(&["import-run", text(&policy), text(file), "--out", text(run)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

fn observed(run: &Path) -> Vec<Observation> {
    read_observations(&run.join("observations.parquet")).expect("a run")
}

#[test]
fn a_trec_run_has_the_ranking_that_was_seen() {
    let run = &shared(HANDBOOK, &[]).run;
    let folder = tempfile::tempdir().expect("a folder");
    for scores in ["target", "rank"] {
        let out = folder.path().join(scores);
        exported(
            run,
            &["--as", "trec-run", "--scores", scores, "--out", text(&out)],
        );
        for target in ["us-east", "eu-west"] {
            let read = trec::Run::read(&out.join(format!("{target}.run"))).expect("a TREC run");
            assert_eq!(read.tag(), target);
            let mut n = 0;
            for seen in observed(run) {
                let asked = (seen.form.0, seen.seed.0, seen.purpose) == (0, 1, Purpose::Score);
                if seen.target.as_str() == target && asked {
                    same_ranking(&seen, &read, scores == "rank");
                    n += 1;
                }
            }
            assert_eq!(
                read.rows()
                    .map(|row| row.query)
                    .collect::<std::collections::BTreeSet<_>>()
                    .len(),
                n
            );
        }
    }
}

/// The handbook has one name a section: what follows `#` is the section, and its document has several.
#[track_caller]
fn same_ranking(seen: &Observation, read: &trec::Run, by_rank: bool) {
    let Outcome::Scored { hits, .. } = &seen.outcome else {
        panic!("{seen:?}");
    };
    let mut expected: Vec<(String, f64)> = Vec::new();
    for hit in hits {
        let name = format!("{}#{}", hit.section.doc_id, hit.section.section_id);
        if expected.iter().all(|(known, _)| *known != name) {
            expected.push((name, hit.score));
        }
    }
    let mut rows: Vec<(String, f64)> = read
        .rows()
        .filter(|row| row.query == seen.question.as_str())
        .map(|row| (row.document.to_owned(), row.score))
        .collect();
    if by_rank {
        rows.sort_by(|a, b| b.1.total_cmp(&a.1));
        let names =
            |of: &[(String, f64)]| of.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&rows), names(&expected));
    } else {
        assert_eq!(rows, expected);
    }
}

#[test]
fn what_a_trec_run_cannot_hold_is_counted_and_named() {
    let Odd { run, folder, .. } = odd();
    let output = export(&run, &["--as", "trec-run", "--target", "us-east"]);
    let expected = "q0 Q0 d#s0 1 2 us-east\n\
        q0 Q0 d#s1 2 0.30000000000000004 us-east\n\
        q0 Q0 d#s2 3 0.30000000000000004 us-east\n\
        q0 Q0 two%20words 4 0.125 us-east\n";
    assert_eq!(stdout(&output), expected);
    let said = said(&output);
    for needle in [
        "failed probes, with no hits and no place for the reason: 1 (q1 on us-east (http_503))",
        "never made, with no hits and no place for the reason: 2 (q2 on us-east, q3 on us-east)",
        "hits in a section that stands above already: 1",
        "equal scores by name (--scores rank keeps the order): 1 (q0 on us-east)",
        "names with white space, which are percent-encoded: 1",
        "generated answers: 1",
        "texts of hits: 5",
        "probes in another wording (--form): 8",
        "probes under another seed (--seed): 4",
        "probes of the k-sweep: 8",
    ] {
        assert!(said.contains(needle), "{needle}: {said}");
    }
    let out = folder.path().join("by-rank.run");
    let args = [
        "--as", "trec-run", "--target", "us-east", "--scores", "rank",
    ];
    let output = export(
        &run,
        &[&args[..], &["--format", "json", "--out", text(&out)]].concat(),
    );
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(summary["files"][0]["rows"], 4);
    let left_out = summary["left_out"].as_array().expect("a list");
    let of = |what: &str| left_out.iter().find(|entry| entry["what"] == what);
    assert!(of("order-changed").is_none());
    assert_eq!(
        of("skipped").expect("listed")["named"],
        json!(["q2 on us-east", "q3 on us-east"])
    );
    let written = std::fs::read_to_string(&out).expect("written");
    let scores: Vec<&str> = written
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .collect();
    assert_eq!(scores, ["3", "2", "1", "0"]);
}

#[test]
fn judgments_are_those_of_the_gold_set() {
    let Odd { small, run, folder } = odd();
    let out = folder.path().join("judgments");
    let gold = small.folder.path();
    exported(
        &run,
        &[
            "--as",
            "trec-qrels",
            "--gold",
            text(gold),
            "--out",
            text(&out),
        ],
    );
    let qrels = trec::Qrels::read(&out).expect("TREC judgments");
    let rows: Vec<(&str, &str, i32)> = qrels
        .rows()
        .map(|row| (row.query, row.document, row.grade))
        .collect();
    let expected = [
        ("q0", "d#s0", 1),
        ("q1", "d#s1", 1),
        ("q2", "d#s2", 1),
        ("q3", "d#s3", 1),
    ];
    assert_eq!(rows, expected);
    let ranked = folder.path().join("us-east.run");
    let args = ["--as", "trec-run", "--target", "us-east"];
    exported(&run, &[&args[..], &["--out", text(&ranked)]].concat());
    let measured = ragstone(&["rank", text(&out), text(&ranked), "-m", "recip_rank"]);
    assert_eq!(measured.status.code(), Some(0), "{}", stderr(&measured));
    assert!(
        stdout(&measured).starts_with("recip_rank"),
        "{}",
        stdout(&measured)
    );
    refused(&run, &["--as", "trec-qrels"], 2, &["--gold", "gold export"]);
    small.edit("questions.jsonl", "When is", "At what time is");
    refused(
        &run,
        &["--as", "ragas", "--target", "us-east", "--gold", text(gold)],
        2,
        &["the run asked the gold set b3:"],
    );
}

#[test]
fn samples_for_ragas_keep_every_question() {
    let Odd {
        small,
        run,
        folder: _folder,
    } = odd();
    let gold = text(small.folder.path()).to_owned();
    let args = ["--as", "ragas", "--target", "us-east"];
    let output = export(&run, &[&args[..], &["--gold", &gold]].concat());
    let samples = lines(&stdout(&output));
    assert_eq!(samples.len(), 4);
    let first = &samples[0];
    assert_eq!(first["user_input"], "When is queue number 0 drained?");
    assert_eq!(first["response"], "At once.");
    assert_eq!(
        first["retrieved_contexts"]
            .as_array()
            .expect("a list")
            .len(),
        5
    );
    assert_eq!(
        first["retrieved_context_ids"],
        json!(["d#s0", "d#s1", "d#s2", "d#s0", "two words"])
    );
    assert_eq!(first["reference_context_ids"], json!(["d#s0"]));
    assert_eq!(
        first["reference_contexts"],
        json!(["The queue number 0 is drained after 0 minutes."])
    );
    assert_eq!(samples[1]["retrieved_contexts"], json!([]));
    assert!(samples[1].get("response").is_none());
    assert!(
        said(&output).contains("q1 on us-east (http_503)"),
        "{}",
        said(&output)
    );
    let without = lines(&exported(&run, &args));
    assert!(without[0].get("reference_contexts").is_none());
    assert_eq!(without[0]["reference_context_ids"], json!(["d#s0"]));
}

#[test]
fn results_for_ragchecker_keep_every_question() {
    let Odd {
        run,
        folder: _folder,
        ..
    } = odd();
    let output = export(&run, &["--as", "ragchecker", "--target", "us-east"]);
    let whole: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let results = whole["results"].as_array().expect("results");
    assert_eq!(results.len(), 4);
    let keys: Vec<&String> = results[0].as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        [
            "gt_answer",
            "query",
            "query_id",
            "response",
            "retrieved_context"
        ]
    );
    assert_eq!(results[0]["response"], "At once.");
    assert_eq!(
        results[0]["retrieved_context"][4],
        json!({"doc_id": "two words", "text": "Text of f."})
    );
    assert_eq!(results[1]["retrieved_context"], json!([]));
    for needle in [
        "without a generated answer: 3",
        "without a reference answer (in the gold set: --gold): 4",
    ] {
        assert!(said(&output).contains(needle), "{}", said(&output));
    }
}

#[test]
fn probes_that_are_exported_and_imported_are_the_same_run() {
    let Odd { small, run, folder } = odd();
    let file = folder.path().join("probes.jsonl");
    let output = export(&run, &["--as", "jsonl", "--out", text(&file)]);
    assert!(
        said(&output).contains("contracts that could not be read: 1 (us-east: "),
        "{}",
        said(&output)
    );
    let again = folder.path().join("again");
    imported(&small, &file, &again);
    assert_eq!(observed(&again), observed(&run));
    let bytes = |run: &Path| std::fs::read(run.join("texts.parquet")).expect("texts");
    assert!(bytes(&again) == bytes(&run));
    let contracts = |run: &Path| {
        let record = std::fs::read(run.join("run.json")).expect("a record");
        let record: Value = serde_json::from_slice(&record).expect("JSON");
        let target = &record["targets"][0];
        [
            target["contract_at_start"].clone(),
            target["contract_at_end"].clone(),
        ]
    };
    assert_eq!(contracts(&again), contracts(&run));
}

#[test]
fn an_exported_run_gives_the_same_numbers_when_it_is_judged_again() {
    let small = SmallGold::new(12);
    let folder = tempfile::tempdir().expect("a folder");
    let [live, saved, file, again] =
        ["live", "saved", "probes.jsonl", "again"].map(|name| folder.path().join(name));
    let gate = |out: &Path| ragstone(&["gate", text(&small.policy()), "--out", text(out)]);
    let asked = gate(&live);
    assert!(live.join("verdict.json").exists(), "{}", stderr(&asked));
    exported(&live, &["--as", "jsonl", "--out", text(&file)]);
    imported(&small, &file, &saved);
    let same =
        |name: &str| std::fs::read(live.join(name)).ok() == std::fs::read(saved.join(name)).ok();
    assert!(same("observations.parquet") && same("texts.parquet"));
    let policy = std::fs::read_to_string(small.policy()).expect("a policy");
    let recorded = format!("kind = 'recorded'\nrun = '{}'", text(&saved));
    small.write(
        "ragstone.toml",
        &policy.replace("kind = 'embedded'", &recorded),
    );
    let judged = gate(&again);
    let table = |run: &Path| MetricTable::read(&run.join("metrics.parquet"));
    let (first, second) = (
        table(&live).expect("numbers"),
        table(&again).expect("numbers"),
    );
    assert!(!first.cells.is_empty());
    assert_eq!(first, second, "{}", stderr(&judged));
    let verified = ragstone(&["verify", text(&again)]);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
}

#[test]
fn the_flat_table_holds_what_the_lines_hold() {
    let run = &shared(HANDBOOK, &[]).run;
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("probes.parquet");
    let some = ["--form", "0", "--target", "eu-west"];
    exported(
        run,
        &[&some[..], &["--as", "parquet", "--out", text(&out)]].concat(),
    );
    let ranks = |name: &str| name.starts_with("rank.");
    let (rows, columns) = read_table_beside::<FlatRow>(&out, &ranks).expect("a table");
    let text = exported(run, &[&some[..], &["--as", "jsonl"]].concat());
    let probes: Vec<_> = text
        .lines()
        .filter_map(|line| match Line::parse(line.as_bytes()).expect("a line") {
            Line::Probe(probe) => Some(probe),
            Line::Contract(_) => None,
        })
        .collect();
    assert_eq!(rows.len(), probes.len());
    assert!(rows.len() > 100);
    for (index, (row, probe)) in rows.iter().zip(&probes).enumerate() {
        let metrics = probe.metrics.as_ref().expect("it was judged");
        let values = columns.iter().filter_map(|(name, values)| {
            let measure = name.strip_prefix("rank.")?.to_owned();
            Some((measure, values[index]?))
        });
        assert_eq!(values.collect::<BTreeMap<_, _>>(), metrics.rank);
        assert_eq!(metrics.rank.contains_key("judged_10"), row.k >= 10);
        assert_eq!(
            (&row.question, row.seed, row.purpose),
            (&probe.question, probe.seed, probe.purpose.expect("told"))
        );
        assert_eq!(
            (row.delta_s, row.coverage, row.agreement),
            (metrics.delta_s, metrics.coverage, metrics.agreement)
        );
        assert_eq!(
            (row.lambda, row.target_rank),
            (metrics.lambda, metrics.target_rank.map(|rank| rank as u64))
        );
        let scores: Vec<f64> = probe.hits.iter().map(|hit| hit.score).collect();
        assert_eq!(row.hit_scores, scores);
        let texts: Vec<&str> = probe.hits.iter().map(|hit| hit.text.as_str()).collect();
        assert_eq!(row.hit_texts, texts);
        assert_eq!(
            row.elapsed_ms.to_bits(),
            probe.elapsed_ms.expect("told").to_bits()
        );
    }
}

#[test]
fn spans_are_those_of_the_specification() {
    let Odd {
        run,
        folder: _folder,
        ..
    } = odd();
    let output = export(
        &run,
        &[
            "--as",
            "openinference",
            "--target",
            "us-east",
            "--form",
            "0",
            "--seed",
            "1",
        ],
    );
    assert!(
        said(&output).contains("reason: 10 (q0 on us-east, form 0, seed 1, k 5, sweep"),
        "{}",
        said(&output)
    );
    let spans = lines(&stdout(&output));
    assert_eq!(spans.len(), 2);
    let (answered, failed) = (&spans[0], &spans[1]);
    assert_eq!(answered["span_kind"], "CHAIN");
    let of = |key: &str| &answered["attributes"][key];
    assert_eq!(of("openinference.span.kind"), "CHAIN");
    assert_eq!(of("input.value"), "When is queue number 0 drained?");
    assert_eq!(of("output.value"), "At once.");
    assert_eq!(of("retrieval.documents.1.document.id"), "d#s1");
    assert_eq!(of("retrieval.documents.1.document.score"), 0.1 + 0.2);
    assert_eq!(of("retrieval.documents.1.document.content"), "Text of b.");
    let metadata = of("retrieval.documents.1.document.metadata")
        .as_str()
        .expect("a text");
    let metadata: Value = serde_json::from_str(metadata).expect("JSON within");
    assert_eq!(metadata["snippet_id"], "b");
    let ids = |span: &Value| {
        let of = |key: &str| span["context"][key].as_str().expect("an id").to_owned();
        (of("trace_id"), of("span_id"))
    };
    assert_eq!((ids(answered).0.len(), ids(answered).1.len()), (32, 16));
    assert_ne!(ids(answered), ids(failed));
    assert_eq!(failed["status_code"], "ERROR");
    assert_eq!(failed["attributes"]["exception.type"], "http_503");
    assert_eq!(failed["span_kind"], "RETRIEVER");
    let times = ["start_time", "end_time"].map(|key| {
        answered[key]
            .as_str()
            .expect("a time")
            .parse::<jiff::Timestamp>()
            .expect("a time")
    });
    let took = times[1].duration_since(times[0]);
    assert_eq!(took.as_micros(), 7500);
}

#[test]
fn what_cannot_be_exported_is_said_with_what_to_do() {
    let Odd { run, folder, .. } = odd();
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "x").expect("written");
    refused(
        &run,
        &["--as", "ragas", "--target", "ap"],
        2,
        &["no target `ap`", "us-east, eu-west"],
    );
    refused(
        &run,
        &["--as", "ragas"],
        2,
        &["2 files", "--target", "--out"],
    );
    refused(
        &run,
        &["--as", "parquet"],
        2,
        &["parquet needs a file", "--out"],
    );
    refused(
        &run,
        &["--as", "jsonl", "--format", "json"],
        2,
        &["needs a file"],
    );
    refused(
        &run,
        &["--as", "jsonl", "--out", text(&taken)],
        2,
        &["exists already"],
    );
    refused(
        &run,
        &["--as", "ragas", "--out", text(&taken)],
        2,
        &["exists already"],
    );
    refused(
        &run,
        &["--as", "jsonl", "--form", "9"],
        2,
        &["no probe in wording 9", "2 wordings"],
    );
    refused(
        &run,
        &["--as", "trec-run", "--seed", "7"],
        2,
        &["under seed 7", "seeds: 1, 2"],
    );
    refused(&run, &["--as", "csv"], 2, &["trec-run", "openinference"]);
    refused(
        &run,
        &["--as", "ragas", "--scores", "rank"],
        2,
        &["ragas makes nothing of --scores"],
    );
    refused(
        &run,
        &["--as", "trec-qrels", "--form", "0"],
        2,
        &["makes nothing of --form"],
    );
    refused(Path::new("no/such"), &["--as", "jsonl"], 4, &["run.json"]);
}

#[test]
fn a_folder_that_was_changed_is_not_exported() {
    let Odd { run, folder, .. } = odd();
    let into = run.join("texts.parquet");
    std::fs::copy(&into, folder.path().join("texts")).expect("copied");
    let none = TableWriter::<Texts>::create(&into).and_then(TableWriter::finish);
    none.expect("written");
    refused(&run, &["--as", "jsonl"], 4, &["has no text b3:"]);
    std::fs::copy(folder.path().join("texts"), &into).expect("copied");
    let judged = shared(HANDBOOK, &[]).run.join("metrics.parquet");
    std::fs::copy(judged, run.join("metrics.parquet")).expect("copied");
    refused(&run, &["--as", "jsonl"], 4, &["not of the same probes"]);
}

/// A row of `texts.parquet`.
#[derive(serde::Serialize, serde::Deserialize)]
struct Texts {
    digest: String,
    text: String,
}
