//! The schemas: current, accepting what the repository holds, and of one mind with the readers.
//!
//! `RAGSTONE_UPDATE_SCHEMAS=1 cargo test` rewrites the copies in `docs/schema`; the diff is the review.

use std::path::{Path, PathBuf};

use ragstone::exchange::run::Line;
use ragstone::goldset::{Manifest, Question, Section};
use ragstone::judge::Verdict;
use ragstone::parity::stamp::Stamp;
use ragstone::plan;
use ragstone::traffic::{Event, Happening};
use serde_json::{Value, json};

use crate::drill_log;
use crate::exports::json_lines;
use crate::support::{SmallGold, gate, ragstone, root, stderr, stdout, verdict};

/// Every name with the words that the list must say of it.
const NAMES: [(&str, &str); 10] = [
    ("policy", "ragstone.toml"),
    ("gold", "gold.toml"),
    ("questions", "questions.jsonl"),
    ("corpus", "corpus.jsonl"),
    ("verdict", "verdict.json"),
    ("import-run", "import-run"),
    ("manifest", "what manifest writes"),
    ("stamp", "NAME.stamp.json"),
    ("parity", "parity --out"),
    ("drill-event", "drill log"),
];

fn printed(name: &str) -> String {
    let output = ragstone(&["schema", name]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

/// A schema, compiled.
pub(crate) struct Schema {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
    pub(crate) raw: Value,
}

impl Schema {
    /// Formats are asserted, as editors do. The address is only a name: nothing is fetched.
    pub(crate) fn of(name: &str) -> Self {
        let raw: Value = serde_json::from_str(&printed(name)).expect("JSON");
        let address = format!("http://ragstone.invalid/{name}.schema.json");
        let mut compiler = boon::Compiler::new();
        compiler.enable_format_assertions();
        compiler
            .add_resource(&address, raw.clone())
            .expect("a resource");
        let mut schemas = boon::Schemas::new();
        let index = compiler
            .compile(&address, &mut schemas)
            .unwrap_or_else(|error| panic!("{name} is no schema: {error}"));
        Self {
            schemas,
            index,
            raw,
        }
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        let checked = self.schemas.validate(value, self.index);
        checked.map_err(|error| format!("{error:#}"))
    }

    #[track_caller]
    pub(crate) fn accepts(&self, what: impl std::fmt::Display, value: &Value) {
        if let Err(error) = self.check(value) {
            panic!("{what}: {error}");
        }
    }

    #[track_caller]
    pub(crate) fn refuses(&self, what: impl std::fmt::Display, value: &Value) {
        assert!(self.check(value).is_err(), "{what} is accepted: {value}");
    }
}

/// A TOML text as JSON, as validators of TOML see it. NaN and infinity become null.
pub(crate) fn from_toml(text: &str) -> Value {
    let table: toml::Table = toml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    serde_json::to_value(table).expect("a table is JSON")
}

/// Files below a folder whose name ends so.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    assert!(!found.is_empty(), "{folder} has some {ending}");
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_schema_is_listed_with_its_file() {
    let list = stdout(&ragstone(&["schema"]));
    assert_eq!(list.lines().count(), NAMES.len());
    for (line, (name, file)) in list.lines().zip(NAMES) {
        assert!(line.starts_with(name) && line.contains(file), "{line}");
    }
    let list: Value = serde_json::from_slice(&ragstone(&["schema", "--format", "json"]).stdout)
        .expect("JSON on request");
    assert_eq!(list[0]["name"], "policy");
    let unknown = ragstone(&["schema", "polcy"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        stderr(&unknown).contains("'policy'"),
        "{}",
        stderr(&unknown)
    );
}

#[test]
fn the_committed_copies_are_current() {
    for (name, _) in NAMES {
        let printed = printed(name);
        let path = root().join(format!("docs/schema/{name}.schema.json"));
        if std::env::var_os("RAGSTONE_UPDATE_SCHEMAS").is_some() {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, &printed).expect("written");
        }
        assert!(
            text(&path) == printed,
            "docs/schema/{name}.schema.json is old: RAGSTONE_UPDATE_SCHEMAS=1 cargo test"
        );
        let schema: Value = serde_json::from_str(&printed).expect("JSON");
        assert_eq!(schema["$id"], Value::Null);
        for key in ["title", "description"] {
            assert!(schema[key].is_string(), "{name} has a {key}");
        }
    }
}

#[test]
fn every_file_of_the_repository_is_accepted() {
    let (policy, gold) = (Schema::of("policy"), Schema::of("gold"));
    policy.accepts("the starter", &from_toml(plan::STARTER));
    for path in files("goldsets", ".toml") {
        let schema = if path.ends_with("gold.toml") {
            &gold
        } else {
            &policy
        };
        schema.accepts(path.display(), &from_toml(&text(&path)));
    }
    for (name, ending) in [
        ("questions", "questions.jsonl"),
        ("corpus", "corpus.jsonl"),
        ("corpus", "older-editions.jsonl"),
    ] {
        let schema = Schema::of(name);
        for path in files("goldsets", ending) {
            for (number, line) in (1..).zip(text(&path).lines()) {
                let value = serde_json::from_str(line).expect("JSON");
                schema.accepts(format!("{} line {number}", path.display()), &value);
            }
        }
    }
    let schema = Schema::of("verdict");
    for path in files("reports", "verdict.json") {
        let value = serde_json::from_str(&text(&path)).expect("JSON");
        schema.accepts(path.display(), &value);
    }
}

#[test]
fn every_verdict_that_a_gate_reaches_is_accepted() {
    let schema = Schema::of("verdict");
    let handbook = root().join("goldsets/handbook");
    for (policy, step) in [
        ("ragstone.toml", ["canary", "shadow"]),
        ("drills/stale-follower.toml", ["canary", "promotion"]),
        ("drills/wrong-metric.toml", ["blue-green", "pre-flight"]),
        ("drills/wrong-analyzer.toml", ["comparison", "pair"]),
    ] {
        let [runbook, stage] = step;
        // A slice, since the numbers do not matter here.
        let slice = ["--topic", "routing", "--runbook", runbook, "--stage", stage];
        let (output, _folder) = gate(&handbook.join(policy), &slice);
        schema.accepts(policy, &verdict(&output));
    }
    let small = SmallGold::new(8);
    let waiver = "check = 'CA-LAM'\nreason = 'r'\napprover = 'a'\nexpires_at = '2099-12-31'\nmax_value = 0.5\n";
    let policy = text(&small.policy());
    small.write("ragstone.toml", &format!("{policy}[[waiver]]\n{waiver}"));
    let (output, _folder) = gate(&small.policy(), &[]);
    let verdict = verdict(&output);
    assert_eq!(verdict["waivers"][0]["check"], "CA-LAM");
    schema.accepts("a waived verdict", &verdict);
}

#[test]
fn the_schema_of_an_import_and_its_reader_agree() {
    let schema = Schema::of("import-run");
    let probe = json!({
        "target": "us-east", "question": "q1", "form": 0, "seed": 1, "k": 5,
        "hits": [{"doc_id": "d", "section_id": "s1", "id": "a", "score": 1.5, "text": "x",
            "start": 0, "end": 1, "unit": "byte"}],
        "purpose": "score", "skipped": "x", "elapsed_ms": 2.5, "cached": true,
        "answer": "a", "citations": ["d/s1"], "status": 200, "attempts": 2, "cold_start": false,
        "latency_ms": {"resolve": 0.1, "connect": 0.2, "headers": 0.5, "tffb": 1.0, "tusable": 1.5,
            "tfinal": 2.0, "decode": 0.1},
        "metrics": {"topic": "t", "answerable": true, "delta_s": 0.5, "delta_s_anchor": 0.5,
            "delta_s_decoy": 0.5, "coverage": 1.0, "evidence_coverage": 1.0, "coverage_mode": "span",
            "target_rank": 1, "agreement": 1.0, "lambda": "convergent"},
        "error": {"class": "timeout", "stage": "headers", "message": "m"},
    });
    let contract = json!({ "target": "us-east", "contract": {"METRIC": "dot"}, "at": "end" });
    let read = |value: &Value| Line::parse(value.to_string().as_bytes());
    for line in [probe, contract] {
        schema.accepts("a whole line", &line);
        read(&line).expect("and it is read");
        let mut all = Vec::new();
        places(&line, "", &mut all);
        for place in all {
            for stranger in strangers() {
                let mut changed = line.clone();
                *changed.pointer_mut(&place).expect("a place") = stranger;
                // What takes a meaning, such as a blank name or a length of time below zero, is
                // refused after reading; what is read is never refused for anything else.
                if schema.check(&changed).is_ok() {
                    read(&changed).unwrap_or_else(|error| panic!("{error}: {changed}"));
                }
            }
        }
    }
}

/// What may stand somewhere instead of what does.
fn strangers() -> Vec<Value> {
    vec![
        json!("x"),
        json!(""),
        json!("NaN"),
        json!("CA-S0"),
        json!("2026-02-30"),
        json!("20261231"),
        json!(0),
        json!(1),
        json!(-1),
        json!(999),
        json!(5_000_000_000_u64),
        json!(0.5),
        json!(true),
        json!([]),
        json!([1, 1]),
        json!(["x"]),
        json!([[0, 1, 2]]),
        json!({}),
        json!({ "key": "x" }),
    ]
}

/// Where every part of a value stands.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut go = |key: &str, inner: &Value| {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        places(inner, &at, found);
        found.push(at);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, inner)| go(key, inner)),
        Value::Array(array) => {
            for (index, inner) in array.iter().enumerate() {
                go(&index.to_string(), inner);
            }
        }
        _ => {}
    }
}

/// Every value that differs from this one in one place: left out, misnamed, or something else.
fn mutations(value: &Value) -> Vec<(String, Value)> {
    mutations_below("", value)
}

/// The same, in one place below another.
pub(crate) fn mutations_below(part: &str, value: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut at = Vec::new();
    places(value.pointer(part).expect("a part"), part, &mut at);
    for place in &at {
        let (parent, key) = place.rsplit_once('/').expect("a place has a parent");
        let change = |how: &dyn Fn(&mut Value)| {
            let mut changed = value.clone();
            how(&mut changed);
            changed
        };
        let left_out = change(&|changed| match changed.pointer_mut(parent) {
            Some(Value::Object(object)) => drop(object.remove(key)),
            Some(Value::Array(array)) => drop(array.remove(key.parse().expect("an index"))),
            _ => unreachable!("parents hold something"),
        });
        all.push((format!("{place} left out"), left_out));
        let found = value.pointer(place).expect("a place");
        for stranger in strangers() {
            // serde reads an array in the place of an object, by position, which is not documented.
            if found.is_object() && stranger.is_array() {
                continue;
            }
            let changed = change(&|changed| {
                *changed.pointer_mut(place).expect("a place") = stranger.clone();
            });
            all.push((format!("{place} = {stranger}"), changed));
        }
        if found.is_object() {
            let changed = change(&|changed| {
                changed.pointer_mut(place).expect("a place")["stranger"] = json!("x");
            });
            all.push((format!("{place} with a stranger"), changed));
        }
    }
    all
}

/// How a reader takes a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Read {
    Taken,
    /// Readable, but it cannot be meant.
    Meaningless,
    Unreadable,
}

/// A schema may accept what makes no sense, but neither refuses what is taken nor accepts what is
/// unreadable.
#[track_caller]
pub(crate) fn agree(schema: &Schema, what: &str, value: &Value, read: Read) {
    match read {
        Read::Taken => schema.accepts(format!("{what}, which is read"), value),
        Read::Unreadable => schema.refuses(format!("{what}, which is unreadable"), value),
        Read::Meaningless => {}
    }
}

#[track_caller]
fn lines_agree<T: serde::de::DeserializeOwned>(name: &str, base: &Value) {
    let schema = Schema::of(name);
    schema.accepts(name, base);
    for (what, value) in mutations(base) {
        let read = match serde_json::from_value::<T>(value.clone()) {
            // The loader says of an empty text that it is blank, after reading it.
            Ok(_) if what.ends_with("= \"\"") => Read::Meaningless,
            Ok(_) => Read::Taken,
            Err(_) => Read::Unreadable,
        };
        agree(&schema, &what, &value, read);
    }
    schema.refuses("nothing", &json!({}));
    schema.refuses("another kind", &json!([base]));
}

#[test]
fn the_schemas_of_a_gold_set_and_its_readers_agree() {
    lines_agree::<Manifest>(
        "gold",
        &json!({
            "name": "n", "version": "1", "description": "d", "license": "MIT", "model": "m",
            "snippets": { "sentences": 3 }, "also_embed": ["older.jsonl"],
        }),
    );
    lines_agree::<Question>(
        "questions",
        &json!({
            "id": "q", "topic": "t", "question": "When?", "paraphrases": ["At what time?"],
            "answerable": true,
            "target": [{ "doc_id": "d", "section_id": "s", "spans": [[0, 5], [7, 9]] }],
            "decoy": { "doc_id": "d", "section_id": "x" }, "anchor": "a", "reference": null,
            "answers_not_allowed": ["never"], "tags": ["smoke"],
        }),
    );
    lines_agree::<Section>(
        "corpus",
        &json!({ "doc_id": "d", "section_id": "s", "title": "T", "text": "Text.", "rev": "1" }),
    );
}

#[test]
fn the_schema_of_a_drill_event_and_its_reader_agree() {
    let schema = Schema::of("drill-event");
    let mut kinds = std::collections::BTreeSet::new();
    for line in drill_log::example().lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        schema.accepts("the documented line", &event);
        if !kinds.insert(event["event"].as_str().map(str::to_owned)) {
            continue;
        }
        for (what, value) in mutations(&event) {
            let read = match serde_json::from_value::<Event>(value.clone()) {
                // The reader looks at the name first, and takes no number for it.
                Ok(_) if !value["event"].is_string() => Read::Unreadable,
                Ok(event) if event.problem().is_some() => Read::Meaningless,
                Ok(_) => Read::Taken,
                Err(_) => Read::Unreadable,
            };
            agree(&schema, &what, &value, read);
        }
    }
    assert_eq!(
        kinds.len(),
        Happening::NAMES.len(),
        "the document has every event"
    );
    let out_of_range = json!({ "ts": "2026-03-14T06:00:00Z", "event": "cache_sample", "prefix": "p:", "hit_ratio": 93 });
    schema.refuses("no share", &out_of_range);
}

#[test]
fn what_the_verdict_schema_accepts_can_be_read() {
    let schema = Schema::of("verdict");
    let mut sample: Value =
        serde_json::from_str(&text(&root().join("reports/sample/verdict.json"))).expect("JSON");
    // One of each is enough, and quicker.
    for list in ["checks", "parity", "targets", "notes"] {
        sample[list].as_array_mut().expect("a list").truncate(1);
    }
    schema.accepts("the sample", &sample);
    for (what, value) in mutations(&sample) {
        if schema.check(&value).is_ok() {
            let read = serde_json::from_value::<Verdict>(value);
            assert!(read.is_ok(), "{what} is accepted, and unreadable: {read:?}");
        }
    }
    for (place, wrong) in [
        ("/checks/0/id", json!("CA-XX")),
        ("/checks/0/limit", json!("NaN")),
        ("/checks/0/reason_code", json!("just_because")),
        ("/checks/0/verdict", json!("pass")),
        ("/policy_digest", json!("b3:12")),
        ("/probes/failed", json!(-1)),
        ("/format", json!(2)),
        ("/started_at", json!("yesterday")),
        ("/targets/0/contract/INDEX", json!("x")),
    ] {
        let mut changed = sample.clone();
        if let Some(found) = changed.pointer_mut(place) {
            *found = wrong;
        } else {
            let (parent, key) = place.rsplit_once('/').expect("a parent");
            changed.pointer_mut(parent).expect("there")[key] = wrong;
        }
        schema.refuses(place, &changed);
    }
    let checks = sample["checks"][0].as_object().expect("a check").clone();
    for key in checks.keys() {
        let mut changed = sample.clone();
        changed["checks"][0]
            .as_object_mut()
            .expect("a check")
            .remove(key);
        schema.refuses(format!("a check without {key}"), &changed);
    }
}

/// A stamp and a report of rows that differ in every way, vectors included.
fn stamp_and_parity() -> (Value, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let row = |id: usize, text: &str, x: f64| {
        json!({
            "id": format!("handbook/s{id}#0"), "doc_id": "handbook", "section_id": format!("s{id}"),
            "text": text, "metadata": { "rev": text }, "vector": [x, 0.5, -0.25], "other": 1,
        })
    };
    let write = |name: &str, rows: &[Value]| {
        std::fs::write(at(name), json_lines(rows)).expect("a disk");
    };
    write(
        "a.jsonl",
        &[
            row(1, "a", 0.5),
            row(2, "b", 0.5),
            row(3, "c", 0.5),
            row(3, "c", 0.5),
        ],
    );
    write(
        "b.jsonl",
        &[row(1, "x", 0.5), row(2, "b", 0.7), row(4, "d", 0.5)],
    );
    std::fs::write(at("claims.json"), r#"{"METRIC": "cosine", "COUNT": "9"}"#).expect("a disk");
    let claims = format!("--contract={}", at("claims.json"));
    let output = ragstone(&["stamp", &at("a.jsonl"), "--out", &at("a"), &claims]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let gold = "--gold=goldsets/handbook";
    let out = format!("--out={}", at("parity.json"));
    let output = ragstone(&["parity", &at("a"), &at("b.jsonl"), gold, &out]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let read = |name: &str| serde_json::from_str(&text(Path::new(&at(name)))).expect("JSON");
    (read("a.stamp.json"), read("parity.json"))
}

#[test]
fn what_the_stamp_schema_accepts_can_be_read_and_a_report_of_parity_is_accepted() {
    let (stamp, parity) = stamp_and_parity();
    let schema = Schema::of("stamp");
    schema.accepts("a stamp", &stamp);
    for (what, value) in mutations(&stamp) {
        if schema.check(&value).is_ok() {
            let read = serde_json::from_value::<Stamp>(value);
            assert!(read.is_ok(), "{what} is accepted, and unreadable: {read:?}");
        }
    }
    for place in [
        "/channels/content",
        "/health/rows",
        "/sketch/seed",
        "/contract/METRIC",
    ] {
        let mut changed = stamp.clone();
        *changed.pointer_mut(place).expect("there") = json!(-1);
        schema.refuses(place, &changed);
    }
    let schema = Schema::of("parity");
    schema.accepts("a report", &parity);
    for place in [
        "/verdict",
        "/ladder/cause",
        "/rows/missing/n",
        "/a/covers/texts",
        "/exit_code",
    ] {
        let mut changed = parity.clone();
        *changed.pointer_mut(place).expect("there") = json!("just because");
        schema.refuses(place, &changed);
    }
}
