//! The linter's doubts beside the judgment of people: query variants labelled valid or not.
//!
//! ```text
//! ~/minilm/bin/python ../shared/tools/minilm.py serve --port 8089 &
//! RAGSTONE_MINILM=http://127.0.0.1:8089/v1 cargo test --test it paraphrase_labels -- --nocapture
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use ragstone::embed::{Endpoint, VectorTable, embed_missing};
use ragstone::goldset::paraphrase::doubt;
use ragstone::vector::cosine;

use crate::support::shared_data;

const MODEL: &str = "all-MiniLM-L6-v2";

struct Variant {
    family: String,
    original: String,
    wording: String,
    is_valid: bool,
}

fn variants(path: &Path) -> Vec<Variant> {
    let mut reader = csv::Reader::from_path(path).expect("a table");
    let header = reader.headers().expect("a header").clone();
    let column = |name| header.iter().position(|column| column == name).expect(name);
    let [family, original, wording, valid] = [
        "transformation_type",
        "original_query",
        "variation",
        "valid",
    ]
    .map(column);
    let row = |row: csv::StringRecord| Variant {
        family: row[family].to_owned(),
        original: row[original].to_owned(),
        wording: row[wording].to_owned(),
        is_valid: &row[valid] == "True",
    };
    reader
        .records()
        .map(|record| row(record.expect("a row")))
        .collect()
}

/// Doubted and not valid, not valid, doubted and valid, valid.
#[derive(Clone, Copy, Default)]
struct Counts {
    hits: f64,
    invalid: f64,
    alarms: f64,
    valid: f64,
}

impl Counts {
    fn count(&mut self, variant: &Variant, is_doubted: bool) {
        let one = f64::from(u8::from(is_doubted));
        if variant.is_valid {
            (self.alarms, self.valid) = (self.alarms + one, self.valid + 1.0);
        } else {
            (self.hits, self.invalid) = (self.hits + one, self.invalid + 1.0);
        }
    }

    fn precision(self) -> f64 {
        self.hits / (self.hits + self.alarms)
    }

    fn recall(self) -> f64 {
        self.hits / self.invalid
    }

    fn false_alarms(self) -> f64 {
        self.alarms / self.valid
    }
}

/// Straight to stderr, since the test harness would swallow it.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Precision, recall and false alarms, of all and of each family.
fn measured(name: &str, variants: &[Variant], vectors: &VectorTable) -> Counts {
    let mut all = Counts::default();
    let mut families: BTreeMap<&str, Counts> = BTreeMap::new();
    for variant in variants {
        let of = |text: &str| vectors.of_text(text).expect("embedded");
        let cosine = cosine(of(&variant.original), of(&variant.wording));
        let is_doubted = doubt(&variant.original, &variant.wording, cosine).is_some();
        all.count(variant, is_doubted);
        families
            .entry(&variant.family)
            .or_default()
            .count(variant, is_doubted);
    }
    let families = families.into_iter().chain([("all", all)]);
    for (family, counts) in families {
        say(&format!(
            "{name:<9} {family:<11} precision {:.3} recall {:.3} false alarms {:.3} of {} valid and {} not\n",
            counts.precision(),
            counts.recall(),
            counts.false_alarms(),
            counts.valid,
            counts.invalid
        ));
    }
    all
}

#[tokio::test]
async fn the_linter_finds_three_of_five_invalid_variants_and_rarely_doubts_a_valid_one() {
    let Some(data) = shared_data("query_variants") else {
        return;
    };
    let Ok(url) = std::env::var("RAGSTONE_MINILM") else {
        say(&format!(
            "SKIPPED: RAGSTONE_MINILM names no endpoint of {MODEL}\n"
        ));
        return;
    };
    let sets = ["antique", "trec2019"];
    let read = |name| variants(&data.join(format!("variations_{name}_labeled.csv")));
    let [chosen, tried] = sets.map(read);
    let both = chosen.iter().chain(&tried);
    let texts: BTreeSet<String> = both
        .flat_map(|variant| [variant.original.clone(), variant.wording.clone()])
        .collect();
    let texts: Vec<String> = texts.into_iter().collect();
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = Endpoint::new(&url, MODEL.to_owned(), None).expect("an endpoint");
    let path = folder.path().join("vectors.parquet");
    let vectors = embed_missing(&path, &endpoint, &texts, &mut |_, _| {})
        .await
        .expect("embedded");
    for (name, variants) in sets.into_iter().zip([&chosen, &tried]) {
        let counts = measured(name, variants, &vectors);
        assert!(counts.precision() > 0.8, "{name}");
        assert!(counts.recall() > 0.5, "{name}");
        assert!(counts.false_alarms() < 0.05, "{name}");
    }
}
