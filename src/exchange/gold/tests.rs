//! An import followed by an export, on collections drawn at random.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::goldset;

/// Judgments by query and document; ids and texts are made of the numbers.
type Judged = BTreeMap<(u8, u8), i32>;

const DOCUMENTS: u8 = 12;

fn sources(folder: &Path, format: Format, input: &str) -> Sources {
    Sources {
        format,
        input: folder.join(input),
        corpus: (format == Format::Trec).then(|| folder.join("corpus.jsonl")),
        qrels: (format == Format::Trec).then(|| folder.join("qrels.txt")),
        split: None,
        map: Vec::new(),
        map_corpus: Vec::new(),
        group_by: None,
        group_separator: None,
        list_separator: None,
    }
}

fn naming() -> Naming {
    Naming {
        name: "drawn".to_owned(),
        model: "m".to_owned(),
    }
}

/// A collection in TREC's files. Even documents have no text if `with_blank` says so.
fn write(folder: &Path, judged: &Judged, with_blank: bool) {
    let (mut topics, mut qrels, mut corpus) = (String::new(), String::new(), String::new());
    let mut queries: Vec<u8> = judged.keys().map(|(query, _)| *query).collect();
    queries.dedup();
    for query in queries {
        writeln!(topics, "q{query}\tasks for {query}").expect("a string");
    }
    for ((query, document), grade) in judged {
        writeln!(qrels, "q{query} 0 d#{document} {grade}").expect("a string");
    }
    for document in 0..DOCUMENTS {
        let text = if with_blank && document % 2 == 0 {
            String::new()
        } else {
            format!("says {document}")
        };
        writeln!(
            corpus,
            r#"{{"id":"d#{document}","title":"t","text":"{text}"}}"#
        )
        .expect("a string");
    }
    for (name, text) in [
        ("topics.tsv", topics),
        ("qrels.txt", qrels),
        ("corpus.jsonl", corpus),
    ] {
        std::fs::write(folder.join(name), text).expect("written");
    }
}

/// The judgments of a file, each line once.
fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("readable");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What is left of the judgments where documents without text are gone, and then questions without
/// a target.
fn expected(judged: &Judged, with_blank: bool) -> Vec<String> {
    let mut kept = judged.clone();
    kept.retain(|(_, document), _| !with_blank || document % 2 == 1);
    let answered: Vec<u8> = kept
        .iter()
        .filter(|(_, grade)| **grade > 0)
        .map(|((query, _), _)| *query)
        .collect();
    kept.retain(|(query, _), _| answered.contains(query));
    let lines = kept
        .iter()
        .map(|((query, document), grade)| format!("q{query} 0 d#{document} {grade}"));
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn trec_and_beir_give_back_every_judgment_of_the_questions_that_survive(
        judged in proptest::collection::btree_map((0..5_u8, 0..DOCUMENTS), -1..=3_i32, 1..30),
        with_blank: bool,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        write(folder.path(), &judged, with_blank);
        let expected = expected(&judged, with_blank);
        let first = import(&sources(folder.path(), Format::Trec, "topics.tsv"), &naming(), &at("one"));
        if expected.is_empty() {
            let is_refused = matches!(first, Err(ExchangeError::Nothing { .. }));
            prop_assert!(is_refused);
            return Ok(());
        }
        let n_lost = first.expect("imported").left_out.iter().filter(|entry| entry.reason == Reason::UnknownDocument).count();
        let n_blank = judged.keys().filter(|(_, document)| with_blank && document % 2 == 0).count();
        prop_assert_eq!(n_lost, n_blank, "every judgment of a blank document is listed");
        let gold = goldset::load(&at("one")).expect("it loads");
        export(&gold, Target::Trec, &at("trec")).expect("exported");
        prop_assert_eq!(lines(&at("trec/qrels.txt")), expected.clone());

        export(&gold, Target::Beir, &at("beir")).expect("exported");
        import(&sources(folder.path(), Format::Beir, "beir"), &naming(), &at("two")).expect("imported");
        let again = goldset::load(&at("two")).expect("it loads");
        prop_assert_eq!(gold.digest(), again.digest());
    }
}
