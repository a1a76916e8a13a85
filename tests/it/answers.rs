//! `ragstone answers`: two files of answers, every rung, and everything that can be wrong with
//! them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Output;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use ragstone::answers::{AnswerFile, AnswersReport, FieldNames, Ids, compare, load};
use ragstone::embed::{VectorTable, write_cache};
use ragstone::judge::RunVerdict;
use ragstone::measure::Rung;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::embed::{Endpoint, Reply};
use crate::support::{ragstone, shared_data, stderr, stdout};

/// Two files in a folder of their own.
struct Sides {
    folder: TempDir,
}

impl Sides {
    fn new(a: impl AsRef<[u8]>, b: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.jsonl"), a).expect("written");
        std::fs::write(folder.path().join("b.jsonl"), b).expect("written");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, more: &[&str]) -> Output {
        let paths = [self.path("a.jsonl"), self.path("b.jsonl")];
        let paths = paths.each_ref().map(|path| path.to_str().expect("UTF-8"));
        ragstone(&[&["answers"], &paths[..], more].concat())
    }

    fn report(&self, more: &[&str]) -> Value {
        let output = self.run(&[&["--format", "json"], more].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)))
    }

    #[track_caller]
    fn refused(&self, more: &[&str], code: i32, needles: &[&str]) {
        let output = self.run(more);
        let folded = |text: &str| -> String {
            text.split(|c: char| c.is_whitespace() || c == '│')
                .collect()
        };
        let text = folded(&stderr(&output));
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert_eq!(stdout(&output), "", "nothing on stdout");
        assert!(!text.contains("panicked"), "{text}");
        for needle in needles {
            assert!(text.contains(&folded(needle)), "`{needle}` in: {text}");
        }
    }
}

fn lines(values: impl IntoIterator<Item = Value>) -> String {
    let lines = values.into_iter();
    lines.fold(String::new(), |text, line| format!("{text}{line}\n"))
}

/// `n` questions with answers of their own.
fn many(n: usize) -> Vec<Value> {
    let line = |i| json!({"id": format!("q{i}"), "question": format!("How long is step {i}?"), "answer": format!("It takes {i} minutes [guide.md#{i}].")});
    (0..n).map(line).collect()
}

fn with_answer(mut line: Value, answer: &str) -> Value {
    line["answer"] = json!(answer);
    line
}

fn question<'a>(report: &'a Value, id: &str) -> &'a Value {
    let questions = report["questions"].as_array().expect("questions");
    questions
        .iter()
        .find(|question| question["id"] == id)
        .unwrap_or_else(|| panic!("no question {id}"))
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("in memory");
    encoder.finish().expect("in memory")
}

#[test]
fn equal_files_pass_and_the_report_is_kept() {
    let sides = Sides::new(lines(many(60)), lines(many(60)));
    let out = sides.path("report.json");
    let output = sides.run(&["--out", out.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("PASS answers_equal: 60 of 60 questions"));
    let bytes = std::fs::read(&out).expect("written");
    let report: AnswersReport = serde_json::from_slice(&bytes).expect("the documented form");
    assert_eq!(report.by_rung[&Rung::Identical], 60);
    assert_eq!(report.verdict, RunVerdict::Pass);
    // Nothing is overwritten.
    sides.refused(
        &["--out", out.to_str().expect("UTF-8")],
        2,
        &["exists already"],
    );
}

#[test]
fn too_few_questions_decide_nothing_even_if_all_are_equal() {
    let output = Sides::new(lines(many(58)), lines(many(58))).run(&[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stdout(&output).contains("at least 59 questions are needed"));
}

#[test]
fn every_rung_is_counted_and_named() {
    let a = many(60);
    let mut b = many(60);
    b[0] = with_answer(b[0].clone(), "it takes 0 minutes[guide.md#0] .");
    b[1] = with_answer(b[1].clone(), "Allow 1 minute [guide.md#1].");
    for line in &mut b[2..22] {
        *line = with_answer(line.clone(), "That depends.");
    }
    let sides = Sides::new(lines(a), lines(b));
    let report = sides.report(&[]);
    assert_eq!(
        report["by_rung"],
        json!({"identical": 38, "normalised": 1, "same_citations_and_numbers": 1, "within_noise": 0, "different": 20})
    );
    assert_eq!(report["verdict"], "FAIL");
    assert_eq!(question(&report, "q0")["rung"], "normalised");
    assert_eq!(
        question(&report, "q1")["rung"],
        "same_citations_and_numbers"
    );
    assert_eq!(question(&report, "q2")["semantic"], "gold_unknown");
    assert_eq!(report["semantic"]["n_unchecked"], 20);
    let output = sides.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(text.contains("not checked on 20"), "{text}");
    assert!(
        text.contains("A:3  It takes 2 minutes") && text.contains("B:3  That depends."),
        "{text}"
    );
    assert!(text.contains("and 10 more"), "{text}");
}

/// 30 questions, each with a repeat, whose answers stand at these angles (radians) on the circle of
/// the referee; no two state the same numbers.
fn at_angles(angles: [f32; 4]) -> (Sides, PathBuf) {
    let mut files = [Vec::new(), Vec::new()];
    let mut table = VectorTable::new("circle");
    for i in 0..30 {
        for (place, angle) in angles.into_iter().enumerate() {
            let answer = format!("Wording {place} of step {i} [guide.md#{i}].");
            table
                .insert_text(&answer, &[angle.cos(), angle.sin()])
                .expect("a direction");
            files[place / 2].push(json!({"question": format!("Step {i}?"), "answer": answer, "seed": place % 2, "gold": [format!("guide.md#{i}")]}));
        }
    }
    let [a, b] = files.map(lines);
    let sides = Sides::new(a, b);
    let cache = sides.path("vectors.parquet");
    write_cache(&cache, &table).expect("written");
    (sides, cache)
}

#[test]
fn answers_within_the_noise_of_both_sides_are_equal() {
    let (sides, cache) = at_angles([0.0, 0.1, 0.05, 0.15]);
    let referee = [
        "--cache",
        cache.to_str().expect("UTF-8"),
        "--model",
        "circle",
    ];
    let report = sides.report(&referee);
    assert_eq!(report["by_rung"]["within_noise"], 30, "{report}");
    assert_eq!(report["noise_a"]["n_equal"], 30);
    let noise = report["noise_b"]["distance_p95"].as_f64().expect("known");
    assert!((noise - (1.0 - 0.1_f64.cos())).abs() < 1e-6, "{noise}");
    assert_eq!(report["semantic"]["referee"]["model"], "circle");
    assert_eq!(report["semantic"]["n_checked"], 30);

    let (sides, cache) = at_angles([0.0, 0.1, 0.5, 0.6]);
    let referee = [
        "--cache",
        cache.to_str().expect("UTF-8"),
        "--model",
        "circle",
    ];
    let report = sides.report(&referee);
    assert_eq!(report["by_rung"]["different"], 30);
    assert_eq!(report["verdict"], "FAIL");
    assert_eq!(report["questions"][0]["semantic"], "beyond_noise");
}

#[test]
fn a_side_that_differs_from_its_own_repeat_decides_nothing() {
    // Without vectors the repeats of either side are only different texts.
    let (sides, _) = at_angles([0.0, 0.1, 0.5, 0.6]);
    let report = sides.report(&[]);
    assert_eq!(report["verdict"], "INCONCLUSIVE");
    assert_eq!(report["reason_code"], "unsteady_side");
    assert_eq!(report["noise_a"]["n_equal"], 0);
    assert_eq!(report["questions"][0]["semantic"], "distance_unknown");
}

#[test]
fn an_endpoint_is_asked_for_each_answer_once() {
    let sides = Sides::new(lines(many(60)), lines(many(60)));
    let endpoint = Endpoint::start(vec![Reply::Vectors]);
    let report = sides.report(&["--endpoint", &endpoint.url.clone(), "--model", "m"]);
    assert_eq!(report["semantic"]["referee"]["kind"], "endpoint");
    assert_eq!(report["questions"][0]["distance"], 0.0);
    let asked = endpoint.asked();
    assert_eq!(
        asked[0].json()["input"].as_array().expect("texts").len(),
        60
    );
    sides.refused(&["--endpoint", "http://127.0.0.1:1/v1"], 2, &["--model"]);
    sides.refused(&["--model", "m"], 2, &["needs --endpoint or --cache"]);
}

#[test]
fn a_question_that_stands_twice_is_one_question() {
    let mut a = many(60);
    a.push(a[4].clone());
    let mut b = a.clone();
    b[60] = with_answer(b[60].clone(), "That depends.");
    let report = Sides::new(lines(a.clone()), lines(b)).report(&[]);
    assert_eq!(report["n_questions"], 60);
    assert_eq!(report["n_equal"], 59);
    assert_eq!(
        report["duplicates"],
        json!([{"question": "q4", "seed": 1, "lines_a": [5, 61], "lines_b": [5, 61]}])
    );
    assert_eq!(
        question(&report, "q4")["line_b"],
        61,
        "the pair that differs"
    );

    let sides = Sides::new(lines(a), lines(many(60)));
    let report = sides.report(&[]);
    assert_eq!(question(&report, "q4")["unmatched"], "uneven_duplicates");
    let text = stdout(&sides.run(&[]));
    assert!(
        text.contains("q4 (seed 1; lines 5, 61 of A, 5 of B)"),
        "{text}"
    );
    assert!(text.contains("it stands more often on one side"), "{text}");
}

#[test]
fn a_question_of_one_side_is_different() {
    let (mut a, mut b) = (many(62), many(61));
    b.remove(0);
    a.remove(1);
    let sides = Sides::new(lines(a), lines(b));
    let report = sides.report(&[]);
    assert_eq!(report["n_questions"], 62);
    assert_eq!(report["n_equal"], 59);
    assert_eq!(report["only_in_a"], json!(["q0", "q61"]));
    assert_eq!(report["only_in_b"], json!(["q1"]));
    assert!(stdout(&sides.run(&[])).contains("2 questions only in A, counted as different"));
}

#[test]
fn an_answer_that_never_came_is_different_even_if_neither_came() {
    let mut a = many(60);
    let mut b = many(60);
    a[0]["answer"] = Value::Null;
    b[0]["answer"] = Value::Null;
    b[1]["answer"] = Value::Null;
    let report = Sides::new(lines(a), lines(b)).report(&[]);
    assert_eq!(report["by_rung"]["different"], 2);
    assert_eq!(question(&report, "q0")["unanswered"], "by_both");
    assert_eq!(question(&report, "q1")["unanswered"], "by_b");
}

#[test]
fn seeds_that_only_one_side_has_are_repeats_and_are_counted() {
    let mut a = many(60);
    for line in &mut a {
        line["seed"] = json!(2);
    }
    let both = [many(60), a.clone()].concat();
    let report = Sides::new(lines(both), lines(many(60))).report(&[]);
    assert_eq!(report["verdict"], "PASS", "{report}");
    assert_eq!(
        (&report["a"]["n_unpaired"], &report["b"]["n_unpaired"]),
        (&json!(60), &json!(0))
    );
    assert_eq!(report["noise_a"]["n_equal"], 60);
    assert_eq!(report["noise_b"], Value::Null);
    let report = Sides::new(lines(a), lines(many(60))).report(&[]);
    assert_eq!(report["by_rung"]["different"], 60);
    assert_eq!(report["questions"][0]["unmatched"], "no_common_seed");
}

#[test]
fn bad_lines_are_refused_all_at_once_with_file_and_line() {
    let bad = "{\"question\":\"q\"}\n\n{\"question\":\"q\",\"answer\":\"\"}\nno json\n";
    let sides = Sides::new(lines(many(60)), bad);
    sides.refused(
        &[],
        2,
        &[
            "3 problems",
            "b.jsonl:1: `answer` is missing",
            "b.jsonl:3: `answer` is blank",
            "b.jsonl:4: not readable as one",
            "help:",
        ],
    );
    Sides::new(lines(many(60)), b"\xff\xfe{}\n").refused(&[], 2, &["b.jsonl:1"]);
}

#[test]
fn an_empty_file_is_refused() {
    for empty in ["", "\n\r\n", "\u{feff}"] {
        Sides::new(empty, empty).refused(&[], 2, &["a.jsonl: no lines"]);
        Sides::new(lines(many(60)), empty).refused(&[], 2, &["b.jsonl: no lines"]);
    }
    Sides::new(gzipped(""), gzipped("")).refused(&[], 2, &["no lines"]);
}

#[test]
fn what_cannot_be_read_has_its_own_code() {
    let sides = Sides::new(lines(many(60)), lines(many(60)));
    std::fs::remove_file(sides.path("b.jsonl")).expect("removed");
    sides.refused(&[], 4, &["b.jsonl: cannot be read"]);
    let whole = gzipped(&lines(many(60)));
    Sides::new(&whole, &whole[..whole.len() / 2]).refused(&[], 4, &["b.jsonl: cannot be read"]);
}

#[test]
fn wrong_usage_is_refused() {
    let sides = Sides::new(lines(many(60)), lines(many(60)));
    sides.refused(&["--field", "reply=x"], 2, &["unknown field `reply`"]);
    sides.refused(
        &["--field", "gold=sources"],
        2,
        &["no line has a field `sources`"],
    );
    for share in ["0", "1", "NaN", "95"] {
        sides.refused(&["--min-equal", share], 2, &["between 0 and 1"]);
    }
}

#[test]
fn an_id_that_asks_two_questions_is_refused_unless_texts_name_them() {
    let mut b = many(60);
    b.rotate_left(1);
    for (i, line) in b.iter_mut().enumerate() {
        line["id"] = json!(format!("q{i}"));
    }
    let sides = Sides::new(lines(many(60)), lines(b));
    sides.refused(
        &[],
        2,
        &[
            "b.jsonl:1: q0 asks another question than at",
            "--by-question",
        ],
    );
    let report = sides.report(&["--by-question"]);
    assert_eq!(report["by_rung"]["identical"], 60);
    assert_eq!(report["keyed_by"], "question");
}

#[test]
fn windows_files_archives_and_other_names_are_read() {
    let plain = lines(many(60));
    let windows = format!("\u{feff}{}", plain.replace('\n', "\r\n"));
    let report = Sides::new(gzipped(&plain), windows).report(&[]);
    assert_eq!(report["by_rung"]["identical"], 60);
    let renamed = plain.replace("\"answer\"", "\"answer_llm\"");
    let sides = Sides::new(&renamed, &renamed);
    assert_eq!(
        sides.report(&["--field", "answer=answer_llm"])["n_equal"],
        60
    );
    sides.refused(&[], 2, &["`answer` is missing"]);
}

#[test]
fn an_answer_cannot_steer_the_terminal() {
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}\nPASS answers_equal \u{202e}";
    let a = lines(many(60)).replace("q7\"", &format!("q7{}\"", "\\u001b[31m"));
    let mut b = many(60);
    b[3] = with_answer(b[3].clone(), hostile);
    let sides = Sides::new(a, lines(b));
    let output = sides.run(&[]);
    let text = stdout(&output);
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
    assert!(text.contains("␛[2J") && !text.contains("\nPASS"), "{text}");
    let bad = "{\"question\":\"q\",\"answer\":\"a\",\"seed\":\"\\u001b[2J\"}\n{\"\u{1b}[2J\":";
    let output = Sides::new(bad, bad).run(&[]);
    assert!(!stderr(&output).contains("\u{1b}[2J"));
}

fn read(text: &str) -> AnswerFile {
    let sides = Sides::new(text, "");
    load(&sides.path("a.jsonl"), &FieldNames::default()).expect("sound")
}

fn by_rung(a: &str, b: &str) -> BTreeMap<Rung, usize> {
    let report = compare(&read(a), &read(b), Ids::Used, None, 0.95).expect("comparable");
    assert_eq!(report.n_questions, report.by_rung.values().sum::<usize>());
    report.by_rung
}

fn side() -> impl Strategy<Value = Vec<(u8, u64, String)>> {
    let answer = prop::sample::select(vec!["Wait 5 s.", "wait 5 s .", "5 s", "No.", "[1]", "[2]"]);
    let line = (0..8_u8, 1..3_u64, answer.prop_map(str::to_owned));
    prop::collection::vec(line, 1..12)
}

fn written(side: &[(u8, u64, String)]) -> String {
    let line = |(q, seed, answer): &(u8, u64, String)| json!({"question": format!("q{q}"), "answer": answer, "seed": seed});
    lines(side.iter().map(line))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_equals_itself(side in side()) {
        let text = written(&side);
        let counts = by_rung(&text, &text);
        prop_assert_eq!(counts[&Rung::Identical], counts.values().sum::<usize>());
    }

    #[test]
    fn sides_may_change_places(a in side(), b in side()) {
        let (a, b) = (written(&a), written(&b));
        prop_assert_eq!(by_rung(&a, &b), by_rung(&b, &a));
    }

    #[test]
    fn the_order_of_questions_does_not_matter(a in side(), b in side()) {
        let mut sorted = a.clone();
        // Stable: replies to one question with one seed keep their order, by which they are paired.
        sorted.sort_by_key(|(question, seed, _)| (*question, *seed));
        prop_assert_eq!(by_rung(&written(&a), &written(&b)), by_rung(&written(&sorted), &written(&b)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let sides = Sides::new(&bytes, "");
        let _ = load(&sides.path("a.jsonl"), &FieldNames::default());
    }
}

fn unpacked(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("readable");
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .expect("gzip");
    text
}

#[test]
fn two_runs_of_one_real_system_are_not_equal() {
    let Some(data) = shared_data("rag_results") else {
        return;
    };
    let file = |name: &str| {
        std::fs::read(data.join(format!("{name}.eval_results.jsonl.gz"))).expect("readable")
    };
    let sides = Sides::new(file("azure-baseline"), file("azure-baseline2"));
    let report = sides.report(&[]);
    assert_eq!(report["a"]["n_replies"], 200);
    assert_eq!(report["n_questions"], 198);
    assert_eq!(report["duplicates"].as_array().expect("a list").len(), 2);
    assert_eq!(report["verdict"], "FAIL");
    // Counted outside of this program: 56 questions with the same bytes, 147 on the first three
    // rungs.
    assert_eq!(report["by_rung"]["identical"], 56);
    assert_eq!(report["n_equal"], 147);
    let itself = Sides::new(file("azure-baseline"), file("azure-baseline")).report(&[]);
    assert_eq!(itself["by_rung"]["identical"], 198);
    assert_eq!(itself["verdict"], "PASS");
}

/// The records of a CSV file as RFC 4180 has it: fields in quotes may hold commas, line breaks and
/// doubled quotes.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                field.extend(characters.next());
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            _ => field.push(character),
        }
    }
    records
}

#[test]
fn two_real_models_do_not_answer_equally() {
    let Some(data) = shared_data("faq_zoomcamp") else {
        return;
    };
    let file = |model: &str| {
        let records = csv(&unpacked(
            &data.join(format!("results-{model}-cosine.csv.gz")),
        ));
        let (names, records) = records.split_first().expect("a header");
        let object = |record: &Vec<String>| {
            let fields = names
                .iter()
                .cloned()
                .zip(record.iter().map(|text| json!(text)));
            Value::Object(fields.collect())
        };
        assert_eq!(records.len(), 1830);
        lines(records.iter().map(object))
    };
    let (a, b) = (file("gpt4o"), file("gpt35"));
    let report = Sides::new(&a, &b).report(&["--field", "answer=answer_llm"]);
    assert_eq!(report["a"]["n_replies"], 1830);
    assert_eq!(report["verdict"], "FAIL");
    // Counted outside of this program.
    assert_eq!(report["n_questions"], 1801);
    assert_eq!(report["by_rung"]["identical"], 34);
    assert_eq!(report["duplicates"].as_array().expect("a list").len(), 6);
    let itself = Sides::new(&a, &a).report(&["--field", "answer=answer_llm"]);
    assert_eq!(itself["by_rung"]["identical"], itself["n_questions"]);
    assert_eq!(itself["verdict"], "PASS");
}
