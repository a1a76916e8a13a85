//! `gold import`: what every format becomes, what is listed, and what is refused.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{ragstone, stderr, stdout};

/// A folder of inputs, and one of the gold set made of them.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let desk = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        for (name, text) in files {
            let path = desk.path(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `gold import --from FORMAT …`; words that name a file of the desk become its path.
    pub(crate) fn import(&self, format: &str, words: &[&str]) -> std::process::Output {
        let gold = self.path("gold");
        let mut args: Vec<String> = ["gold", "import", "--format", "json", "--from", format]
            .map(str::to_owned)
            .to_vec();
        args.extend(["--out".to_owned(), gold.to_str().expect("UTF-8").to_owned()]);
        args.extend(words.iter().map(|word| self.word(word)));
        ragstone(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn word(&self, word: &str) -> String {
        let path = self.path(word);
        if !word.is_empty() && path.exists() {
            path.to_str().expect("UTF-8").to_owned()
        } else {
            word.to_owned()
        }
    }

    /// The same, which succeeds; the gold set loads, and its list is what was printed.
    #[track_caller]
    pub(crate) fn imported(&self, format: &str, words: &[&str]) -> Gold {
        let output = self.import(format, words);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let kept = std::fs::read(self.path("gold/import.json")).expect("a list");
        assert_eq!(
            serde_json::from_slice::<Value>(&kept).expect("JSON"),
            report
        );
        Gold {
            set: ragstone::goldset::load(&self.path("gold")).expect("it loads"),
            report,
        }
    }

    /// The same into a fresh folder.
    fn imported_elsewhere(&self, format: &str, words: &[&str]) -> Gold {
        std::fs::remove_dir_all(self.path("gold")).expect("removed");
        self.imported(format, words)
    }

    /// An import that is refused with 2 and these words.
    #[track_caller]
    fn refused(&self, format: &str, words: &[&str], message: &[&str]) {
        let output = self.import(format, words);
        assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
        let shown = stderr(&output).replace("\n  │ ", " ").replace('\n', " ");
        for words in message {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        assert!(!self.path("gold/gold.toml").exists());
    }
}

/// What an import came to.
pub(crate) struct Gold {
    pub(crate) set: ragstone::goldset::GoldSet,
    pub(crate) report: Value,
}

impl Gold {
    /// How many things are listed under a reason.
    pub(crate) fn n(&self, reason: &str) -> u64 {
        let counts = self.report["counts"].as_array().expect("counts");
        let count = counts.iter().find(|count| count["reason"] == reason);
        count.map_or(0, |count| count["n"].as_u64().expect("a count"))
    }

    /// The place, id or field, and reason of everything that is listed.
    fn listed(&self) -> Vec<(u64, String, String)> {
        let list = self.report["left_out"].as_array().expect("a list");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        list.iter()
            .map(|entry| {
                let what = if entry["field"].is_null() {
                    &entry["id"]
                } else {
                    &entry["field"]
                };
                let line = entry["line"].as_u64().unwrap_or_default();
                (line, text(what), text(&entry["reason"]))
            })
            .collect()
    }

    /// Every question as JSON, without the members that are empty.
    fn questions(&self) -> Vec<Value> {
        let questions = self.set.questions.iter();
        questions
            .map(|question| {
                let mut value = serde_json::to_value(question).expect("JSON");
                let members = value.as_object_mut().expect("an object");
                members.retain(|_, value| !matches!(value, Value::Array(list) if list.is_empty()));
                value
            })
            .collect()
    }
}

fn whole(doc_id: &str) -> Value {
    json!({"doc_id": doc_id, "section_id": "0"})
}

const DOCUMENTS: &str = "{\"id\": \"d1\", \"title\": \"Dams\", \"text\": \"A dam holds water.\", \"year\": 1}\n\
    {\"id\": \"d 2\", \"title\": \"\", \"text\": \"A weir is low.\"}\n\
    {\"id\": \"d3\", \"title\": \"\", \"text\": \"  \"}\n\
    {\"id\": \"d4\", \"title\": \"\", \"text\": \"A dam holds water.\"}\n";

#[test]
fn trec_topics_judgments_and_documents_become_graded_questions() {
    let desk = Desk::with(&[
        (
            "topics.tsv",
            "\u{feff}1\twhat holds water\r\n2\twhat is low\r\n3\twhat is dry",
        ),
        (
            "qrels.txt",
            "# judged by hand\n1 0 d4 2\n1 0 d1 1\n2 0 d1 -1\n2 0 d3 1\n9 0 d1 1\n3 0 d3 1",
        ),
        ("docs.jsonl", DOCUMENTS),
    ]);
    let gold = desk.imported(
        "trec",
        &[
            "topics.tsv",
            "--qrels",
            "qrels.txt",
            "--corpus",
            "docs.jsonl",
        ],
    );
    let expected = json!({"id": "1", "topic": "all", "question": "what holds water", "answerable": true,
        "target": [{"doc_id": "d1", "section_id": "0", "grade": 2}]});
    assert_eq!(gold.questions(), [expected]);
    let expected = [
        (1, "/year", "no-place"),
        (3, "d3", "blank-document"),
        (4, "d4", "equal-text"),
        (6, "9", "unknown-question"),
        (3, "1", "judged-twice"),
        (5, "2", "unknown-document"),
        (2, "2", "no-target"),
        (7, "3", "unknown-document"),
        (3, "3", "no-target"),
    ];
    let expected = expected.map(|(line, what, why)| (line, what.to_owned(), why.to_owned()));
    assert_eq!(gold.listed(), expected);
    assert_eq!(gold.report["n_sections"], 2);
    let inputs = gold.report["inputs"].as_array().expect("inputs");
    let digests: Vec<&Value> = inputs.iter().map(|input| &input["digest"]).collect();
    let documents = ragstone::ids::Digest::of(DOCUMENTS).to_string();
    assert_eq!((digests.len(), digests[0]), (3, &json!(documents)));
}

#[test]
fn negative_grades_are_kept_as_not_relevant() {
    let desk = Desk::with(&[
        (
            "topics.txt",
            "<top>\n<num> Number: 7\n<title> low\n<desc> Description:\nwhat is low\n</top>\n",
        ),
        ("qrels.txt", "7 0 d1 -1\n7 0 x 3\n"),
        ("docs.csv", "docno,text\nd1,\"A dam, tall.\"\nx,A weir.\n"),
    ]);
    let words = ["topics.txt", "--qrels", "qrels.txt", "--corpus", "docs.csv"];
    let gold = desk.imported("trec", &words);
    assert_eq!(gold.set.questions[0].not_relevant[0].grade, -1);
    assert_eq!(gold.set.questions[0].target[0].grade, 3);
    assert_eq!(gold.set.questions[0].question, "low");
    assert_eq!(
        gold.listed(),
        [(1, "/desc".to_owned(), "no-place".to_owned())]
    );
}

#[test]
fn beir_is_a_folder_with_splits() {
    let files = |qrels| {
        Desk::with(&[
            (
                "set/corpus.jsonl",
                "{\"_id\": \"a\", \"title\": \"T\", \"text\": \"One.\", \"metadata\": {}}\n",
            ),
            (
                "set/queries.jsonl",
                "{\"_id\": \"q\", \"text\": \"which\"}\n{\"_id\": \"r\", \"text\": \"what\"}\n",
            ),
            ("set/qrels/dev.tsv", "query-id\tcorpus-id\tscore\nr\ta\t1\n"),
            (qrels, "query-id\tcorpus-id\tscore\nq\ta\t2\n"),
        ])
    };
    let gold = files("set/qrels/test.tsv").imported("beir", &["set"]);
    assert_eq!(gold.set.questions[0].id.as_str(), "q");
    assert_eq!(gold.listed(), [(2, "r".to_owned(), "no-target".to_owned())]);
    let desk = files("set/qrels/train.tsv");
    desk.refused("beir", &["set"], &["the name of a split", "--split"]);
    let gold = desk.imported("beir", &["set", "--split", "dev"]);
    assert_eq!(gold.set.questions[0].id.as_str(), "r");
}

#[test]
fn ragas_references_are_gold_and_what_was_retrieved_is_not() {
    let second = r#"{"user_input": "why", "reference_contexts": ["Because.", "So."], "reference_context_ids": ["a", "b"], "reference": "it is so", "response": "dunno", "retrieved_contexts": ["No."], "synthesizer_name": "single"}"#;
    let desk = Desk::with(&[("x.jsonl", second)]);
    let gold = desk.imported("ragas", &["x.jsonl"]);
    let expected = json!({"id": "q1", "topic": "all", "question": "why", "answerable": true, "target": [whole("a"), whole("b")],
        "reference": "it is so", "tags": ["single"]});
    assert_eq!(gold.questions(), [expected]);
    assert_eq!(gold.n("of-a-run"), 2);

    let first = r#"[{"question": "why", "contexts": ["Because."], "ground_truths": ["it is so", "or so"]},
        {"question": "how", "contexts": ["Thus."], "answer": "thus", "ground_truth": "so"}]"#;
    let desk = Desk::with(&[("x.json", first)]);
    let gold = desk.imported("ragas", &["x.json"]);
    let digest = ragstone::ids::Digest::of("Because.").short(16);
    assert_eq!(gold.questions()[0]["target"], json!([whole(&digest)]));
    let expected = [
        (2, "/answer", "of-a-run"),
        (2, "/contexts", "of-a-run"),
        (1, "q1", "second-reference"),
        (2, "q2", "no-target"),
    ];
    assert_eq!(
        gold.listed(),
        expected.map(|(line, what, why)| (line, what.to_owned(), why.to_owned()))
    );
}

#[test]
fn deepeval_is_read_in_both_spellings_and_from_tables() {
    let json = r#"{"goldens": [{"input": "why", "expectedOutput": "so", "context": ["Because."], "actualOutput": "no"}], "by": "me"}"#;
    let desk = Desk::with(&[("x.json", json)]);
    let gold = desk.imported("deepeval", &["x.json"]);
    assert_eq!(gold.set.questions[0].reference.as_deref(), Some("so"));
    assert_eq!((gold.n("of-a-run"), gold.n("no-place")), (1, 1));

    let table = "input,expected_output,context\nwhy,so,Because.;Thus.\nhow,,Thus.\n";
    let desk = Desk::with(&[("x.csv", table)]);
    let gold = desk.imported("deepeval", &["x.csv"]);
    assert_eq!(gold.set.questions[0].target.len(), 2);
    assert_eq!(gold.set.corpus.len(), 2, "one text is one section");
    let gold_again = desk.imported_elsewhere("deepeval", &["x.csv", "--list-separator", "|"]);
    assert_eq!(gold_again.set.questions[0].target.len(), 1);
}

#[test]
fn promptfoo_tests_are_read_from_yaml_with_their_lines() {
    let yaml = "prompts: [p]\ntests:\n  - description: first\n    vars:\n      question: why\n      context: Because.\n    assert:\n      - type: equals\n        value: so\n      - type: contains\n        value: s\n    metadata:\n      category: causes\n";
    let desk = Desk::with(&[("x.yaml", yaml)]);
    let gold = desk.imported("promptfoo", &["x.yaml"]);
    let question = &gold.questions()[0];
    assert_eq!(
        (&question["topic"], &question["reference"]),
        (&json!("causes"), &json!("so"))
    );
    let expected = [
        (3, "/assert/*[type=contains]", "no-place"),
        (3, "/description", "no-place"),
        (1, "/prompts", "no-place"),
    ];
    assert_eq!(
        gold.listed(),
        expected.map(|(line, what, why)| (line, what.to_owned(), why.to_owned()))
    );
}

#[test]
fn ragchecker_brings_the_corpus_and_judgments_come_beside_it() {
    let results = r#"{"results": [
        {"query_id": "1", "query": "why", "gt_answer": "so", "response": "no", "retrieved_context": [
            {"doc_id": "a", "text": "Because."}, {"doc_id": "b", "text": "Thus."}]}]}"#;
    let desk = Desk::with(&[
        ("x.json", results),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\n1\tb\t1\n"),
    ]);
    desk.refused(
        "ragchecker",
        &["x.json"],
        &["no question can be made", "no-target", "--qrels"],
    );
    let gold = desk.imported("ragchecker", &["x.json", "--qrels", "qrels.tsv"]);
    assert_eq!(gold.questions()[0]["target"], json!([whole("b")]));
    assert_eq!(gold.set.corpus.len(), 2);
    assert_eq!(
        gold.listed(),
        [(2, "/response".to_owned(), "of-a-run".to_owned())]
    );
}

#[test]
fn squad_answers_become_spans_and_impossible_questions_keep_their_paragraph() {
    let squad = json!({"version": "v2.0", "data": [{"title": "Dams", "paragraphs": [{
    "context": "Ein Wehr staut Wasser.", "qas": [
        {"id": "1", "question": "was staut", "answers": [{"text": "Wehr", "answer_start": 4}, {"text": "Ein Wehr", "answer_start": 0}]},
        {"id": "2", "question": "wann", "is_impossible": true, "answers": [], "plausible_answers": [{"text": "Wasser", "answer_start": 15}]},
        {"id": "3", "question": "was wird gestaut", "answers": [{"text": "Wasser", "answer_start": 3}]},
    ]}]}]});
    let desk = Desk::with(&[("x.json", &squad.to_string())]);
    let gold = desk.imported("squad", &["x.json"]);
    assert_eq!(gold.set.questions[0].target[0].spans, [(0, 8)]);
    assert_eq!(gold.set.questions[0].reference.as_deref(), Some("Wehr"));
    let impossible = &gold.set.questions[1];
    assert!(!impossible.answerable && impossible.decoy.is_some());
    assert_eq!(impossible.answers_not_allowed, ["Wasser"]);
    assert!(gold.set.questions[2].target[0].spans.is_empty());
    let reasons: Vec<String> = gold.listed().into_iter().map(|(_, _, why)| why).collect();
    assert_eq!(
        reasons,
        ["no-place", "overlapping-spans", "answer-elsewhere"]
    );
}

#[test]
fn llamaindex_is_read_by_its_ids() {
    let text = "{\"queries\": {\"q\": \"why\", \"r\": \"how\"},\n\"corpus\": {\"n/1\": \"Because.\"},\n\"relevant_docs\": {\"q\": [\"n/1\"],\n \"r\": [\"n2\"]}, \"mode\": \"text\"}";
    let desk = Desk::with(&[("x.json", text)]);
    let gold = desk.imported("llamaindex", &["x.json"]);
    assert_eq!(gold.questions()[0]["target"], json!([whole("n/1")]));
    let expected = [(4, "r", "unknown-document"), (1, "r", "no-target")];
    assert_eq!(
        gold.listed(),
        expected.map(|(line, what, why)| (line, what.to_owned(), why.to_owned()))
    );
}

#[test]
fn rows_are_mapped_filtered_and_grouped() {
    let variants = r#"{"gold": "a", "answers": ["x"], "variants": [{"kind": "original", "text": "why"}, {"kind": "zh", "text": "?"}, {"kind": "para", "text": "how come"}]}"#;
    let corpus = "id,text\na,Because.\nb,Thus.\n";
    let desk = Desk::with(&[("x.jsonl", variants), ("docs.csv", corpus)]);
    let words = [
        "x.jsonl",
        "--corpus",
        "docs.csv",
        "--map",
        "question=/variants/*[kind=original]/text",
        "--map",
        "paraphrases=/variants/*[kind=para]/text",
        "--map",
        "target=/gold",
    ];
    let gold = desk.imported("rows", &words);
    assert_eq!(gold.set.questions[0].paraphrases, ["how come"]);
    let expected = [
        (1, "/answers", "not-mapped"),
        (1, "/variants/*[kind=zh]", "not-mapped"),
    ];
    assert_eq!(
        gold.listed(),
        expected.map(|(line, what, why)| (line, what.to_owned(), why.to_owned()))
    );

    let rows = "id,question,target\n301-u1-1,why,a\n301-u2-1,how come,a\n301-u2-2,why,a\n302-u1-1,how,b\n303-u1-1,why,b\n";
    let desk = Desk::with(&[("x.csv", rows), ("docs.csv", corpus)]);
    let words = [
        "x.csv",
        "--corpus",
        "docs.csv",
        "--group-by",
        "id",
        "--group-separator",
        "-",
    ];
    let gold = desk.imported("rows", &words);
    let ids: Vec<&str> = gold
        .set
        .questions
        .iter()
        .map(|question| question.id.as_str())
        .collect();
    assert_eq!(ids, ["301", "302"]);
    assert_eq!(gold.set.questions[0].paraphrases, ["how come"]);
    assert_eq!(
        (gold.n("repeated-wording"), gold.n("equal-wording")),
        (1, 1)
    );
    let gold = desk.imported_elsewhere(
        "rows",
        &["x.csv", "--corpus", "docs.csv", "--group-by", "target"],
    );
    assert_eq!(gold.set.questions.len(), 2);
}

#[test]
fn what_is_wrong_with_a_file_is_refused_with_its_line() {
    let trec = |topics: &str, qrels: &str, words: &[&str]| {
        let desk = Desk::with(&[("t.tsv", topics), ("q.txt", qrels), ("d.jsonl", DOCUMENTS)]);
        desk.refused(
            "trec",
            &["t.tsv", "--qrels", "q.txt", "--corpus", "d.jsonl"],
            words,
        );
    };
    trec(
        "1\twhy\n",
        "1 0 d1 1\n1 0 d1 2\n",
        &["q.txt", "2", "stands on line 1"],
    );
    trec("1\twhy\n", "1 0 d1 1.5\n", &["q.txt", "1", "1.5"]);
    trec("1\twhy\n", "1 0 d1 NaN\n", &["NaN"]);
    trec("1\twhy\n", "1 0 d 2 1\n", &["q.txt", "1"]);
    trec("1\twhy\nno tab\n", "1 0 d1 1\n", &["t.tsv:2", "no topic"]);
    let rows = |text: &str, words: &[&str]| {
        Desk::with(&[("x.jsonl", text)]).refused("rows", &["x.jsonl"], words);
    };
    rows(
        "{\"question\": \"why\"}\n{\"question\": {\"a\": 1}}\n",
        &["x.jsonl:2", "question is an object"],
    );
    rows(
        "{\"question\": \"why\", \"grade\": 1.5, \"target\": \"a\"}\n",
        &["x.jsonl:1", "`1.5` is no grade"],
    );
    rows(
        "{\"question\": \"why\"}\n{\"quest",
        &["x.jsonl:2", "not JSON"],
    );
    let desk = Desk::with(&[("t.tsv", "1\twhy\n")]);
    desk.refused("trec", &["t.tsv"], &["a file of documents", "--corpus"]);
    desk.refused(
        "rows",
        &["t.tsv", "--map", "answer=/x"],
        &["maps no field", "reference"],
    );
}

#[test]
fn a_used_folder_is_refused_and_strictness_is_about_what_is_lost() {
    let desk = Desk::with(&[(
        "x.jsonl",
        "{\"question\": \"why\", \"context\": [\"So.\"], \"note\": 1}\n",
    )]);
    let output = desk.import("rows", &["x.jsonl", "--strict"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "a field that was not asked for is not lost"
    );
    desk.import("rows", &["x.jsonl"]);
    assert_eq!(desk.import("rows", &["x.jsonl"]).status.code(), Some(2));
    let desk = Desk::with(&[(
        "x.jsonl",
        "{\"user_input\": \"why\", \"reference_contexts\": [\"So.\"], \"response\": \"no\"}\n",
    )]);
    let output = desk.import("ragas", &["x.jsonl", "--strict"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(desk.path("gold/gold.toml").exists());
}
