//! Cranfield and SQuAD with its real paraphrases become gold sets, as docs/formats.md tells it.
//! These sets are not part of the project; `gold_import.rs` covers the same on inputs of our own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::gold_import::Desk;
use crate::support::{check, gate, policy, ragstone, shared_data, stderr, stdout};

fn utf8(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The first `n` lines of a shared file that hold `word`.
fn head(path: &Path, n: usize, word: &str) -> String {
    let text = std::fs::read_to_string(path).expect("readable");
    let lines = text.lines().filter(|line| line.contains(word)).take(n);
    lines.fold(String::new(), |mut head, line| {
        writeln!(head, "{line}").expect("a string");
        head
    })
}

/// Errors of the linter: none.
#[track_caller]
fn lints(gold: &Path) {
    let output = ragstone(&["gold", "lint", utf8(gold), "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// The gate on two like targets over the gold set, on a sample of its questions: each is measured,
/// and the targets are alike. What else it says depends on the set.
#[track_caller]
fn gates(gold: &Path, sample: &str) {
    std::fs::write(gold.join("ragstone.toml"), policy("lexical")).expect("written");
    let (output, _folder) = gate(&gold.join("ragstone.toml"), &["--sample", sample]);
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 3)),
        "{}",
        stderr(&output)
    );
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("a verdict");
    assert_eq!(
        check(&verdict, "CA-PAR")["verdict"],
        "PASS",
        "{}",
        stdout(&output)
    );
}

#[test]
fn cranfield_is_imported_linted_and_gated() {
    let Some(data) = shared_data("cranfield") else {
        return;
    };
    let file = |name: &str| data.join(name);
    let desk = Desk::with(&[]);
    let [queries, qrels, docs] = ["queries.jsonl", "qrels.graded.txt", "docs.jsonl"].map(file);
    let words = [
        utf8(&queries),
        "--qrels",
        utf8(&qrels),
        "--corpus",
        utf8(&docs),
    ];
    let gold = desk.imported("trec", &words);
    let counted = ["n_questions", "n_sections", "n_targets", "n_not_relevant"];
    assert_eq!(
        counted.map(|name| gold.report[name].as_u64()),
        [225, 1398, 1611, 225].map(Some)
    );
    assert_eq!(
        (gold.n("blank-document"), gold.n("unknown-document")),
        (2, 1)
    );
    lints(&desk.path("gold"));
    gates(&desk.path("gold"), "12");
    comes_back(&desk, &qrels);
}

/// The judgments that the gold set holds are those of the file, less the one of a document without
/// text.
#[track_caller]
fn comes_back(desk: &Desk, qrels: &Path) {
    let (gold, out) = (desk.path("gold"), desk.path("out"));
    let output = ragstone(&[
        "gold",
        "export",
        utf8(&gold),
        "--as",
        "trec",
        "--out",
        utf8(&out),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = |path: PathBuf| {
        let text = std::fs::read_to_string(path).expect("readable");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let mut expected = lines(qrels.to_owned());
    expected.retain(|line| line.split(' ').nth(2) != Some("995"));
    assert_eq!(lines(out.join("qrels.txt")), expected);
}

#[test]
fn squad_is_imported_with_its_real_paraphrases() {
    let Some(data) = shared_data("squad_variants") else {
        return;
    };
    let questions = data.join("questions.jsonl");
    let mut some = head(&questions, 60, "\"paraphrase\"");
    some.push_str(&head(&questions, 20, "\"disfluent\""));
    let desk = Desk::with(&[("some.jsonl", &some)]);
    let passages = data.join("passages.jsonl");
    let words = [
        "some.jsonl",
        "--corpus",
        utf8(&passages),
        "--map",
        "question=/variants/*[kind=original]/text",
        "--map",
        "paraphrases=/variants/*[kind=paraphrase|disfluent]/text",
        "--map",
        "target=/gold",
    ];
    let gold = desk.imported("rows", &words);
    assert_eq!(gold.set.questions.len(), 80);
    assert!(
        gold.set
            .questions
            .iter()
            .all(|question| question.paraphrases.len() == 1)
    );
    assert_eq!(gold.set.corpus.len(), 965);
    let vectors = desk.path("gold/embeddings.parquet");
    std::fs::copy(data.join("embeddings.parquet"), vectors).expect("copied");
    lints(&desk.path("gold"));
    gates(&desk.path("gold"), "12");
}
