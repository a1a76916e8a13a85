//! `gold export`: an import followed by an export gives back what both sides hold.

use std::path::Path;

use ragstone::trec;
use serde_json::{Value, json};

use crate::gold_import::Desk;
use crate::judged::{HANDBOOK, shared, text};
use crate::support::{ragstone, stderr, stdout};

/// Runs `gold export` on the desk's gold set.
fn export(desk: &Desk, format: &str) -> Value {
    let (gold, out) = (desk.path("gold"), desk.path("out"));
    let [gold, out] = [&gold, &out].map(|path| path.to_str().expect("UTF-8"));
    let args = [
        "gold", "export", gold, "--as", format, "--out", out, "--format", "json",
    ];
    let output = ragstone(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("readable")
}

/// One JSON document comes back as it was.
#[track_caller]
fn document_comes_back(format: &str, name: &str, document: &Value) {
    let desk = Desk::with(&[(name, &document.to_string())]);
    desk.imported(format, &[name]);
    let report = export(&desk, format);
    let back: Value = serde_json::from_str(&read(&desk.path("out"))).expect("JSON");
    assert_eq!(back, *document);
    assert_eq!(report["left_out"], json!([]), "{format}");
}

/// Every row of JSON Lines comes back as it was, and nothing is listed.
#[track_caller]
fn rows_come_back(format: &str, rows: &[Value]) {
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    let desk = Desk::with(&[("x.jsonl", &lines.join("\n"))]);
    desk.imported(format, &["x.jsonl"]);
    let report = export(&desk, format);
    let text = read(&desk.path("out"));
    let back: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(back, rows);
    assert_eq!(report["left_out"], json!([]), "{format}");
}

#[test]
fn documents_of_json_come_back() {
    let squad = json!({"version": "v2.0", "data": [{"title": "Dams", "paragraphs": [
        {"context": "Ein Wehr staut Wasser.", "qas": [
            {"id": "1", "question": "was", "answers": [{"text": "Wasser", "answer_start": 15}, {"text": "Wehr", "answer_start": 4}]},
            {"id": "2", "question": "wann", "is_impossible": true, "answers": [], "plausible_answers": [{"text": "Ein", "answer_start": 0}]}]},
        {"context": "Überlauf ist selten.", "qas": []}]}]});
    document_comes_back("squad", "x.json", &squad);
    let llamaindex = json!({"queries": {"q 1": "why"}, "corpus": {"a": "So.", "b#2": "Thus."}, "relevant_docs": {"q 1": ["b#2", "a"]}, "mode": "text"});
    document_comes_back("llamaindex", "x.json", &llamaindex);
    let deepeval = json!([{"input": "why", "expected_output": "so", "context": ["Because.", "Thus."]}, {"input": "how", "context": ["Thus."]}]);
    document_comes_back("deepeval", "x.json", &deepeval);
}

#[test]
fn rows_of_json_come_back() {
    let ragas = json!({"user_input": "why", "reference": "so", "reference_contexts": ["B.", "A."], "reference_context_ids": ["b", "a"]});
    rows_come_back("ragas", &[ragas]);
    let row = json!({"id": "1", "topic": "t", "question": "why", "paraphrases": ["how come"], "target": ["a"], "context": ["A."], "reference": "so", "tags": ["x"]});
    let other = json!({"id": "2", "topic": "t", "question": "how", "target": ["a", "b"], "context": ["A.", "B."]});
    let desk = Desk::with(&[("x.jsonl", &format!("{row}\n{other}\n"))]);
    desk.imported("rows", &["x.jsonl"]);
    export(&desk, "jsonl");
    let text = read(&desk.path("out"));
    let back: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(back, [row, other]);
}

#[test]
fn ragchecker_gives_back_questions_and_answers() {
    let results = json!({"results": [{"query_id": "1", "query": "why", "gt_answer": "so", "response": "",
        "retrieved_context": [{"doc_id": "a", "text": "A."}]}]});
    let desk = Desk::with(&[("x.json", &results.to_string()), ("q.txt", "1 0 a 1\n")]);
    desk.imported("ragchecker", &["x.json", "--qrels", "q.txt"]);
    let report = export(&desk, "ragchecker");
    let back: Value = serde_json::from_str(&read(&desk.path("out"))).expect("JSON");
    let mut expected = results;
    expected["results"][0]["retrieved_context"] = json!([]);
    assert_eq!(back, expected);
    assert_eq!(report["left_out"][0]["field"], "target");
}

#[test]
fn sections_of_one_document_and_ids_with_spaces_get_names_of_their_own() {
    let documents = "{\"id\": \"a b\", \"section_id\": \"1\", \"text\": \"One.\"}\n{\"id\": \"a b\", \"section_id\": \"2\", \"text\": \"Two.\"}\n{\"id\": \"c\", \"text\": \"Three.\"}\n";
    let rows = "{\"id\": \"#1\", \"question\": \"why\\nnot\", \"target\": [\"a b\"], \"section_id\": [\"2\"]}\n";
    let desk = Desk::with(&[("x.jsonl", rows), ("d.jsonl", documents)]);
    desk.imported("rows", &["x.jsonl", "--corpus", "d.jsonl"]);
    let report = export(&desk, "trec");
    assert_eq!(read(&desk.path("out/qrels.txt")), "%231 0 a%20b#2 1\n");
    assert_eq!(read(&desk.path("out/topics.tsv")), "%231\twhy not\n");
    assert_eq!(report["left_out"][0]["reason"], "white-space");
    let corpus = read(&desk.path("out/corpus.jsonl"));
    let ids: Vec<Value> = corpus
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone())
        .collect();
    assert_eq!(ids, ["a%20b#1", "a%20b#2", "c"]);
}

#[test]
fn what_a_format_does_not_hold_is_listed_and_two_sections_never_share_a_name() {
    let output = ragstone(&[
        "gold",
        "export",
        "goldsets/handbook",
        "--as",
        "trec",
        "--out",
        "Cargo.toml/x",
    ]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("beir");
    let out = out.to_str().expect("UTF-8");
    let args = [
        "gold",
        "export",
        "goldsets/handbook",
        "--as",
        "beir",
        "--out",
        out,
    ];
    let shown = stdout(&ragstone(&args));
    for reason in ["paraphrase", "anchor", "tags", "answers_not_allowed"] {
        assert!(shown.contains(reason), "{reason}: {shown}");
    }
    assert_eq!(ragstone(&args).status.code(), Some(2), "the folder is used");

    let documents = "{\"id\": \"a#2\", \"text\": \"One.\"}\n{\"id\": \"a\", \"section_id\": \"2\", \"text\": \"Two.\"}\n{\"id\": \"a\", \"section_id\": \"3\", \"text\": \"Three.\"}\n";
    let rows = "{\"question\": \"why\", \"target\": [\"a\"], \"section_id\": [\"2\"]}\n";
    let desk = Desk::with(&[("x.jsonl", rows), ("d.jsonl", documents)]);
    desk.imported("rows", &["x.jsonl", "--corpus", "d.jsonl"]);
    let (gold, out) = (desk.path("gold"), desk.path("out"));
    let [gold, out] = [&gold, &out].map(|path| path.to_str().expect("UTF-8"));
    let output = ragstone(&["gold", "export", gold, "--as", "llamaindex", "--out", out]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("both be called a#2"),
        "{}",
        stderr(&output)
    );
}

/// What other tools are handed is what the import reads: the questions, their targets and references are those of
/// the gold set.
#[test]
fn the_import_reads_ragas_and_ragchecker_again() {
    let run = &shared(HANDBOOK, &[]).run;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let export = |format: &str, more: &[&str]| {
        let out = path(format);
        let args = [
            more,
            &["--as", format, "--gold", "goldsets/handbook", "--out", &out],
        ]
        .concat();
        let output = ragstone(&[&["export", text(run)][..], &args].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        out
    };
    let qrels = export("trec-qrels", &[]);
    let samples = export("ragas", &["--target", "eu-west"]);
    let results = export("ragchecker", &["--target", "eu-west"]);
    for (from, input, more) in [
        ("ragas", samples, vec![]),
        ("ragchecker", results, vec!["--qrels", &qrels]),
    ] {
        let out = path(&format!("{from}-gold"));
        let args = [
            &["gold", "import", &input, "--from", from, "--out", &out][..],
            &more,
        ]
        .concat();
        let output = ragstone(&args);
        assert!(output.status.success(), "{}", stderr(&output));
        let again = path(&format!("{from}-trec"));
        let output = ragstone(&["gold", "export", &out, "--as", "trec", "--out", &again]);
        assert!(output.status.success(), "{}", stderr(&output));
        let judged = |path: &Path| {
            let qrels = trec::Qrels::read(path).expect("judgments");
            let rows = qrels.rows().map(|row| (row.document.to_owned(), row.grade));
            let mut rows: Vec<_> = rows.collect();
            rows.sort();
            rows
        };
        let found = judged(&Path::new(&again).join("qrels.txt"));
        assert_eq!(found, judged(Path::new(&qrels)), "{from}");
    }
}
