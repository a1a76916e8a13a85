use super::*;
use crate::ids::{Form, QuestionId, Seed};
use crate::units::Cutoff;

fn corpus() -> Vec<Section> {
    let section = |id: &str, text: &str| Section {
        doc_id: crate::ids::DocId::new("d"),
        section_id: crate::ids::SectionId::new(id),
        title: id.to_owned(),
        text: text.to_owned(),
        rev: "2".to_owned(),
        line: 1,
    };
    vec![
        section("east", "Writes are frozen. Queues are drained."),
        section("north", "Certificates expire."),
        section("up", "Caches warm slowly."),
    ]
}

fn vectors() -> Arc<VectorTable> {
    let mut table = VectorTable::new("m");
    let texts = [
        ("Writes are frozen. Queues are drained.", [1.0, 0.0, 0.0]),
        ("Certificates expire.", [0.0, 1.0, 0.0]),
        ("Caches warm slowly.", [0.0, 0.0, 1.0]),
        ("Writes were frozen.", [0.9, 0.1, 0.0]),
        ("When does a certificate expire?", [0.3, 0.9, 0.1]),
    ];
    for (text, vector) in texts {
        table.insert_text(text, &vector).expect("a direction");
    }
    Arc::new(table)
}

fn ask(settings: &Settings, text: &str) -> Vec<String> {
    let index = Embedded::build(TargetName::new("t"), &corpus(), settings, vectors(), "now")
        .expect("built");
    let query = Query {
        question: QuestionId::new("q"),
        form: Form::ORIGINAL,
        seed: Seed(1),
        k: Cutoff::new(2).expect("positive"),
        text: text.to_owned(),
        repeat: false,
        warm_up: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime
        .block_on(index.search(&query, &Attempt::begin()))
        .expect("a reply")
        .hits
        .into_iter()
        .map(|hit| hit.snippet_id)
        .collect()
}

#[test]
fn each_ranking_finds_the_section_and_hybrid_does_too() {
    for ranking in [Ranking::Dense, Ranking::Bm25, Ranking::Hybrid] {
        let found = ask(
            &Settings {
                ranking,
                ..Settings::default()
            },
            "When does a certificate expire?",
        );
        assert_eq!(found[0], "d/north#0", "{ranking:?}");
    }
}

#[test]
fn without_stemming_another_number_is_another_word() {
    let ranking = Ranking::Bm25;
    let stemmed = ask(
        &Settings {
            ranking,
            ..Settings::default()
        },
        "When does a certificate expire?",
    );
    let exact = ask(
        &Settings {
            ranking,
            analyzer: Analyzer::Whitespace,
            ..Settings::default()
        },
        "When does a certificate expire?",
    );
    assert_eq!((stemmed.len(), exact.len()), (1, 0));
}

#[test]
fn a_filter_lets_only_its_rows_be_found() {
    let conditions = serde_json::json!({ "title": "up", "section_id": "up", "rev": "2" });
    let conditions = serde_json::from_value(conditions).expect("a table");
    let settings = Settings {
        ranking: Ranking::Dense,
        filter: Filter::new(conditions),
        ..Settings::default()
    };
    let found = ask(&settings, "When does a certificate expire?");
    assert_eq!(
        found,
        ["d/up#0"],
        "the farthest, and the only one that passes"
    );
    let hybrid = Settings {
        ranking: Ranking::Hybrid,
        ..settings
    };
    assert_eq!(ask(&hybrid, "When does a certificate expire?"), found);
}

#[test]
fn a_text_without_a_vector_is_named() {
    let settings = Settings {
        snippets: Snippets { sentences: 1 },
        ..Settings::default()
    };
    let built = Embedded::build(TargetName::new("t"), &corpus(), &settings, vectors(), "now");
    assert!(matches!(built, Err(BuildError::NoVector { row, .. }) if row == "d/east#0"));
}

#[test]
fn the_contract_covers_content_and_not_configuration() {
    let contract = |settings: &Settings| {
        Embedded::build(TargetName::new("t"), &corpus(), settings, vectors(), "now")
            .expect("built")
            .contract
    };
    let healthy = contract(&Settings::default());
    let other_analyzer = contract(&Settings {
        analyzer: Analyzer::Simple,
        ..Settings::default()
    });
    assert_eq!(
        healthy.get(ContractField::IndexHash),
        other_analyzer.get(ContractField::IndexHash)
    );
    assert_ne!(
        healthy.get(ContractField::Analyzer),
        other_analyzer.get(ContractField::Analyzer)
    );
    let missing = contract(&Settings {
        skew: Skew {
            missing: vec!["d/up".to_owned()],
            ..Skew::default()
        },
        ..Settings::default()
    });
    assert_ne!(
        healthy.get(ContractField::IndexHash),
        missing.get(ContractField::IndexHash)
    );
    assert_eq!(missing.get(ContractField::Count), Some("2"));
}
