//! The gate on questions, paraphrases and passages that nobody here wrote.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{check, gate, shared_data, stderr, verdict};

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("readable");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The wordings of one kind.
fn wordings(question: &Value, kind: &str) -> Vec<String> {
    let variants = question["variants"].as_array().expect("variants");
    let of_kind = variants.iter().filter(|variant| variant["kind"] == kind);
    of_kind
        .map(|variant| variant["text"].as_str().expect("a text").to_owned())
        .collect()
}

/// The first 100 questions with a human paraphrase, over all passages, as a gold set.
fn write_gold_set(data: &Path, folder: &Path) {
    let mut seen = HashSet::new();
    let mut questions = String::new();
    for question in lines(&data.join("questions.jsonl")) {
        let original = wordings(&question, "original").remove(0);
        let paraphrases = wordings(&question, "paraphrase");
        let fresh = std::iter::once(&original)
            .chain(&paraphrases)
            .all(|text| seen.insert(text.clone()));
        if paraphrases.is_empty() || !fresh {
            continue;
        }
        let target = json!([{"doc_id": "squad", "section_id": question["gold"]}]);
        let line = json!({"id": question["id"], "topic": "squad", "question": original, "paraphrases": paraphrases, "target": target});
        writeln!(questions, "{line}").expect("a string");
        if questions.lines().count() == 100 {
            break;
        }
    }
    let corpus: String = lines(&data.join("passages.jsonl"))
        .iter()
        .map(|passage| json!({"doc_id": "squad", "section_id": passage["id"], "title": "", "text": passage["text"], "rev": "1"}))
        .fold(String::new(), |text, line| format!("{text}{line}\n"));
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
    write(
        "gold.toml",
        "name = 'squad'\nversion = '1'\nmodel = 'all-MiniLM-L6-v2'\n",
    );
    write("questions.jsonl", &questions);
    write("corpus.jsonl", &corpus);
    let target = |name: &str, role: &str| {
        format!(
            "[[target]]\nname = '{name}'\nrole = '{role}'\nkind = 'embedded'\nranking = 'dense'\n"
        )
    };
    let cache = data.join("embeddings.parquet");
    let referee = format!("[referee]\nkind = 'cache'\npath = '{}'\n", cache.display());
    write(
        "ragstone.toml",
        &format!(
            "gold = '.'\n{referee}{}{}",
            target("us-east", "control"),
            target("eu-west", "candidate")
        ),
    );
}

#[test]
fn a_healthy_index_over_real_questions_passes_with_the_published_figures() {
    let Some(data) = shared_data("squad_variants") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    write_gold_set(&data, folder.path());
    let (output, _run) = gate(&folder.path().join("ragstone.toml"), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let verdict = verdict(&output);
    // DESIGN.md: the median of a healthy index on real SQuAD questions is 0.38 at k = 10.
    let estimate = |id| {
        check(&verdict, id)["estimate"]
            .as_f64()
            .expect("an estimate")
    };
    assert!(
        (estimate("CA-DS") - 0.38).abs() < 0.03,
        "{}",
        estimate("CA-DS")
    );
    // Dense search alone finds nineteen of twenty gold passages among 965.
    let (coverage, converging) = (estimate("CA-COV"), estimate("CA-LAM"));
    assert!(
        coverage > 0.85 && converging > 0.85,
        "{coverage} {converging}"
    );
}
