//! Observations of another harness become a run that recorded targets answer from.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;

use ragstone::replay::{Observation, Outcome, Purpose, read_observations, read_texts};
use serde_json::{Value, json};

use crate::support::{SmallGold, check, gate, ragstone, stderr, stdout, verdict};

const QUESTIONS: usize = 60;

/// A gold set whose policy serves for importing and for judging, with the live targets beside it.
fn small() -> SmallGold {
    let small = SmallGold::new(QUESTIONS);
    let live = std::fs::read_to_string(small.policy()).expect("a policy");
    small.write("live.toml", &live);
    let saved = live.replace("kind = 'embedded'", "kind = 'recorded'\nrun = 'imported'");
    small.write("ragstone.toml", &saved);
    small
}

fn import(small: &SmallGold, file: &Path, out: &str) -> (Output, PathBuf) {
    let out = small.folder.path().join(out);
    let [policy, file, folder] =
        [&small.policy(), file, out.as_path()].map(|path| path.to_str().expect("UTF-8").to_owned());
    (
        ragstone(&["import-run", &policy, &file, "--out", &folder]),
        out,
    )
}

/// What the live targets observed, as another harness would write it.
fn observed(small: &SmallGold) -> Vec<Value> {
    let run = small.folder.path().join("live");
    let policy = small.folder.path().join("live.toml");
    let [policy, folder] = [&policy, &run].map(|path| path.to_str().expect("UTF-8"));
    let output = ragstone(&["probe", policy, "--out", folder]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let seen = read_observations(&run.join("observations.parquet")).expect("readable");
    let texts = read_texts(&run.join("texts.parquet")).expect("readable");
    let record = std::fs::read(run.join("run.json")).expect("readable");
    let record: Value = serde_json::from_slice(&record).expect("JSON");
    let targets = record["targets"].as_array().expect("targets");
    let contracts = targets
        .iter()
        .map(|target| json!({ "target": target["name"], "contract": target["contract_at_start"] }));
    let line = |seen: &Observation| {
        let Outcome::Scored { hits, .. } = &seen.outcome else {
            panic!("a healthy index answers");
        };
        let hits = hits.iter().map(|hit| {
            json!({
                "doc_id": hit.section.doc_id,
                "section_id": hit.section.section_id,
                "id": hit.snippet_id,
                "score": hit.score,
                "text": texts[&hit.text],
                "start": hit.offsets.map(|offsets| offsets.start),
                "end": hit.offsets.map(|offsets| offsets.end),
            })
        });
        json!({
            "target": seen.target, "question": seen.question, "form": seen.form,
            "seed": seen.seed, "k": seen.k.get(), "hits": hits.collect::<Vec<_>>(),
        })
    };
    contracts.chain(seen.iter().map(line)).collect()
}

fn write(small: &SmallGold, name: &str, lines: &[Value]) -> PathBuf {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    small.write(name, &(lines.join("\n") + "\n"));
    small.folder.path().join(name)
}

#[test]
fn what_another_harness_observed_is_judged_as_if_it_were_asked() {
    let small = small();
    let file = write(&small, "seen.jsonl", &observed(&small));
    let (output, run) = import(&small, &file, "imported");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("0 failed, 0 skipped"),
        "{}",
        stdout(&output)
    );
    let (saved, _folder) = gate(&small.policy(), &[]);
    let (live, _folder) = gate(&small.folder.path().join("live.toml"), &[]);
    let (saved, live) = (verdict(&saved), verdict(&live));
    for id in ["CA-DS", "CA-COV", "CA-LAM", "CA-NEWERR", "CA-PAR", "CA-S0"] {
        for key in ["verdict", "estimate", "ci_low", "ci_high"] {
            assert_eq!(check(&saved, id)[key], check(&live, id)[key], "{id} {key}");
        }
    }
    assert_eq!(check(&saved, "CA-P95")["reason_code"], "field_missing");
    // The same from a pipe, compressed.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed
        .write_all(&std::fs::read(&file).expect("readable"))
        .expect("memory");
    let again = small.folder.path().join("again");
    let piped = assert_cmd::Command::cargo_bin("ragstone")
        .expect("the program is built")
        .args([
            "import-run",
            small.policy().to_str().expect("UTF-8"),
            "-",
            "--out",
        ])
        .arg(&again)
        .write_stdin(packed.finish().expect("memory"))
        .output()
        .expect("runs");
    assert_eq!(piped.status.code(), Some(0), "{}", stderr(&piped));
    let read = |run: &Path| std::fs::read(run.join("observations.parquet")).expect("kept");
    assert!(read(&again) == read(&run));
}

#[test]
fn nothing_is_lost_and_everything_said_is_kept() {
    let small = small();
    let file = write(
        &small,
        "seen.jsonl",
        &[
            json!({"target": "us-east", "question": "q1", "form": 0, "seed": 1,
                "hits": [{"doc_id": "d", "section_id": "s1", "snippet_id": "a", "score": 2.5, "text": "The cache."}],
                "answer": "At once.", "citations": ["d/s1"], "status": 200, "attempts": 2,
                "latency_ms": {"tffb": 1.5, "tfinal": 2.5}, "cold_start": false}),
            json!({"target": "us-east", "question": "q1", "form": 0, "seed": 2, "attempts": 3, "status": 503,
                "error": {"class": "http_503", "stage": "headers", "message": "busy"}}),
            json!({"target": "us-east", "question": "q1", "form": 1, "seed": 1, "hits": []}),
            json!({"target": "us-east", "contract": {"INDEX_HASH": "b3:1"}, "at": "start"}),
        ],
    );
    let (output, run) = import(&small, &file, "imported");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // Two targets, two forms, two seeds.
    let planned = QUESTIONS * 8;
    let counts = format!(
        "{planned} probes: 1 scored, 2 failed, {} skipped",
        planned - 3
    );
    assert!(stdout(&output).contains(&counts), "{}", stdout(&output));
    let seen = read_observations(&run.join("observations.parquet")).expect("kept");
    let score: Vec<&Observation> = seen
        .iter()
        .filter(|seen| seen.purpose == Purpose::Score)
        .collect();
    assert_eq!(score.len(), planned);
    let of = |form, seed| {
        let mut own = score.iter().filter(|one| {
            one.target.as_str() == "us-east"
                && one.question.as_str() == "q1"
                && one.form.0 == form
                && one.seed.0 == seed
        });
        *own.next().expect("planned")
    };
    let first = of(0, 1);
    assert_eq!(
        (first.status, first.attempts, first.cold_start),
        (Some(200), 2, Some(false))
    );
    assert_eq!(
        (first.timing.tffb_ms, first.latency_ms()),
        (Some(1.5), Some(2.5))
    );
    let texts = read_texts(&run.join("texts.parquet")).expect("kept");
    let Outcome::Scored {
        hits,
        answer,
        citations,
    } = &first.outcome
    else {
        panic!("{first:?}");
    };
    assert_eq!(texts[&hits[0].text], "The cache.");
    assert_eq!(texts[&answer.expect("an answer")], "At once.");
    assert_eq!(citations, &["d/s1"]);
    let failed = |one: &Observation, wanted: &str| matches!(&one.outcome, Outcome::Failed { class, .. } if class == wanted);
    assert!(failed(of(0, 2), "http_503") && of(0, 2).status == Some(503));
    assert!(failed(of(1, 1), "no_hits"));
    let skipped = Outcome::Skipped {
        reason: "not in seen.jsonl".to_owned(),
    };
    assert_eq!(of(1, 2).outcome, skipped);
    let record = std::fs::read(run.join("run.json")).expect("kept");
    let record: Value = serde_json::from_slice(&record).expect("JSON");
    assert_eq!(
        record["targets"][0]["contract_at_start"]["INDEX_HASH"],
        "b3:1"
    );
    assert_eq!(record["targets"][0]["contract_at_end"], Value::Null);
    assert_eq!(record["targets"][1]["contract_at_start"], json!({}));
    let (output, _) = gate(&small.policy(), &[]);
    assert_ne!(verdict(&output)["verdict"], "PASS");
}

/// A line that is sound but for what is put over it.
fn line(over: Value) -> Value {
    let mut line = json!({"target": "us-east", "question": "q1", "form": 0, "seed": 1,
        "hits": [{"doc_id": "d", "section_id": "s1", "id": "a", "score": 2.0, "text": "x"}]});
    for (key, value) in over.as_object().expect("an object") {
        line[key] = value.clone();
    }
    line
}

#[track_caller]
fn refused(lines: &[String], needles: &[&str]) {
    let small = small();
    small.write("seen.jsonl", &lines.join("\n"));
    let (output, run) = import(&small, &small.folder.path().join("seen.jsonl"), "imported");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let words: Vec<String> = stderr(&output)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let text = words.join(" ").replace("│ ", "");
    for needle in needles {
        assert!(text.contains(needle), "{needle}: {text}");
    }
    assert!(!run.exists(), "a wrong file leaves nothing behind");
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_what_to_do() {
    let sound = line(json!({"seed": 2})).to_string();
    let second = |over: Value| [sound.clone(), line(over).to_string()];
    let hit = |score: &str, id: &str| {
        format!(r#"{{"doc_id":"d","section_id":"s1","id":"{id}","score":{score},"text":"x"}}"#)
    };
    let with_hits = |hits: &str| {
        format!(r#"{{"target":"us-east","question":"q1","form":0,"seed":1,"hits":[{hits}]}}"#)
    };
    refused(
        &second(json!({"question": "q99"})),
        &["seen.jsonl:2", "no question `q99`", "questions.jsonl"],
    );
    refused(
        &second(json!({"target": "ap"})),
        &[":2", "no target `ap`", "us-east, eu-west"],
    );
    refused(
        &second(json!({"form": 2})),
        &[":2", "form 2 of q1 is not planned", "2 forms"],
    );
    refused(
        &second(json!({"seed": 7})),
        &[":2", "seed 7 is not planned", "seeds are 1, 2"],
    );
    refused(&second(json!({"k": 7})), &[":2", "k 7 is not planned"]);
    refused(&second(json!({"k": 0})), &[":2", "k 0 is not planned"]);
    refused(
        &second(json!({"seed": 2})),
        &[":2", "stands on line 1 already"],
    );
    let rising = with_hits(&[hit("1.0", "a"), hit("2.0", "b")].join(","));
    refused(&[sound.clone(), rising], &[":2", "hit b scores more"]);
    let nan = with_hits(&hit("NaN", "a"));
    refused(
        &[sound.clone(), nan],
        &[":2", "column", "expected {\"target\""],
    );
    refused(
        &[with_hits(&hit("1e999", "a"))],
        &[":1", "out of range", "column"],
    );
    let twice = with_hits(&[hit("2.0", "a"), hit("2.0", "a")].join(","));
    refused(&[twice], &["hit a is there twice"]);
    let error = json!({"class": "timeout", "stage": "headers", "message": "m"});
    refused(
        &second(json!({"error": error})),
        &[":2", "a reply and an error"],
    );
    let stage = json!({"hits": [], "error": {"class": "t", "stage": "later", "message": "m"}});
    refused(
        &second(stage),
        &[":2", "unknown variant `later`", "headers"],
    );
    refused(
        &second(json!({"latncy_ms": {}})),
        &[":2", "unknown field `latncy_ms`", "latency_ms"],
    );
    refused(
        &second(json!({"latency_ms": {"tffb": 3.0, "tfinal": 2.0}})),
        &["out of order"],
    );
    refused(&["{".to_owned()], &["seen.jsonl:1", "column"]);
    refused(&[String::new()], &["no probes"]);
    let contract = json!({"target": "us-east", "contract": {"METRIC": "dot"}}).to_string();
    refused(
        &[sound.clone(), contract.clone(), contract],
        &[":3", "stands on line 2 already", "at"],
    );
    let unknown = json!({"target": "us-east", "contract": {"METRC": "dot"}}).to_string();
    refused(&[unknown], &["unknown variant `METRC`", "METRIC"]);
    let many: Vec<String> = (0..500).map(|_| "{".to_owned()).collect();
    refused(&many, &["100 problems", "more"]);
}

#[test]
fn a_file_that_is_not_there_is_said_to_be() {
    let small = small();
    let (output, _) = import(&small, Path::new("no/such.jsonl"), "imported");
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("such.jsonl"),
        "{}",
        stderr(&output)
    );
}
