//! One index that can be changed in one place, and what `parity` says of it beside the unchanged one.

use std::path::{Path, PathBuf};

use ragstone::export::{IpcWriter, WrittenRow};
use ragstone::stats::stream;
use rand::RngExt;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::{ragstone, stderr};

const ROWS: usize = 240;
/// All rows, as reports count them.
pub(crate) const ALL: u64 = ROWS as u64;
const DIM: usize = 64;

#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) vector: Option<Vec<f32>>,
}

/// An index and what it says of itself.
#[derive(Clone)]
pub(crate) struct Index {
    pub(crate) rows: Vec<Row>,
    pub(crate) contract: Map<String, Value>,
}

impl Index {
    pub(crate) fn new() -> Self {
        let row = |i: usize| Row {
            id: format!("handbook/s{}#{}", i / 3, i % 3),
            text: format!(
                "Step {i}: drain the café queue before région {} is promoted.",
                i % 7
            ),
            metadata: Map::from_iter([
                ("rev".to_owned(), json!("4")),
                ("page".to_owned(), json!(i)),
                ("weight".to_owned(), json!(i as f64 * 0.123_456_789_1 + 0.1)),
            ]),
            vector: Some(unit(7, i)),
        };
        let fields = [
            ("METRIC", "cosine"),
            ("ANALYZER", "en_stem, stop words en"),
            ("MODEL_TAG", "m-1"),
            ("SCHEMA_REV", "12"),
            ("SECRETS_REV", "s3"),
            ("RERANKER", "none"),
            ("CHUNKER", "sentences 3"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), json!(value)));
        Self {
            rows: (0..ROWS).map(row).collect(),
            contract: fields.into_iter().collect(),
        }
    }

    pub(crate) fn state(&mut self, field: &str, value: &str) {
        self.contract.insert(field.to_owned(), json!(value));
    }

    pub(crate) fn each_number(&mut self, change: impl Fn(f32, usize) -> f32) {
        for (i, row) in self.rows.iter_mut().enumerate() {
            for (j, x) in row.vector.iter_mut().flatten().enumerate() {
                *x = change(*x, i * DIM + j);
            }
        }
    }

    pub(crate) fn vector(&mut self, row: usize) -> &mut Vec<f32> {
        self.rows[row].vector.as_mut().expect("a vector")
    }
}

pub(crate) fn unit(seed: u64, row: usize) -> Vec<f32> {
    let mut rng = stream(seed, row as u64);
    let mut numbers: Vec<f32> = (0..DIM).map(|_| rng.random_range(-1.0..1.0)).collect();
    let length = numbers.iter().map(|x| x * x).sum::<f32>().sqrt();
    for x in &mut numbers {
        *x /= length;
    }
    numbers
}

/// About as large as `scale`, the same for the same place.
pub(crate) fn noise(place: usize, scale: f32) -> f32 {
    stream(99, place as u64).random_range(-1.0..1.0) * scale * 1.7
}

/// Writes an index as Arrow files of so many rows each, and its contract.
pub(crate) fn write(
    index: &Index,
    folder: &Path,
    name: &str,
    rows_a_file: usize,
) -> (PathBuf, PathBuf) {
    let export = folder.join(name);
    std::fs::create_dir(&export).expect("a folder");
    let first = index.rows.len().min(rows_a_file);
    let (first, rest) = index.rows.split_at(first);
    for (i, rows) in [first]
        .into_iter()
        .chain(rest.chunks(rows_a_file))
        .enumerate()
    {
        let mut writer = IpcWriter::create(&export.join(format!("{i:03}.arrow"))).expect("a file");
        let rows = rows.iter().map(|row| {
            let (doc, section) = row.id.split_once('/').expect("a document");
            WrittenRow {
                id: &row.id,
                section: (doc, section.split('#').next().expect("a section")),
                text: &row.text,
                metadata: &row.metadata,
                vector: row.vector.as_deref(),
            }
        });
        writer.write(rows).expect("a disk");
        writer.finish().expect("a disk");
    }
    let contract = folder.join(format!("{name}.contract.json"));
    std::fs::write(&contract, Value::from(index.contract.clone()).to_string()).expect("a file");
    (export, contract)
}

/// What one change must come to.
#[derive(Default)]
pub(crate) struct Expected {
    /// The classes of content that ids are in, with how many.
    pub(crate) content: &'static [(&'static str, u64)],
    /// The classes of vectors beside `identical`, with how many.
    pub(crate) vectors: &'static [(&'static str, u64)],
    /// The rung that fails first.
    pub(crate) cause: Option<&'static str>,
    pub(crate) exit: i32,
}

pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) base: Index,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            base: Index::new(),
        }
    }

    pub(crate) fn compare(&self, name: &str, a: &Index, b: &Index, flags: &[&str]) -> (Value, i32) {
        let folder = self.folder.path().join(name.replace([' ', '/'], "-"));
        std::fs::create_dir(&folder).expect("each case has a name of its own");
        let (a, contract_a) = write(a, &folder, "a", ROWS);
        let (b, contract_b) = write(b, &folder, "b", 97);
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let mut args = vec![
            "parity".to_owned(),
            text(&a),
            text(&b),
            "--format=json".to_owned(),
            format!("--contract-a={}", text(&contract_a)),
            format!("--contract-b={}", text(&contract_b)),
        ];
        args.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = ragstone(&args);
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{name}: {error}: {}", stderr(&output)));
        (report, output.status.code().expect("a code"))
    }

    #[track_caller]
    pub(crate) fn check(
        &self,
        name: &str,
        flags: &[&str],
        change: impl Fn(&mut Index),
        expected: &Expected,
    ) -> Value {
        let mut changed = self.base.clone();
        change(&mut changed);
        let (report, exit) = self.compare(name, &self.base, &changed, flags);
        assert_eq!(
            of_content(&report),
            expected.content,
            "{name}: classes of content"
        );
        assert_eq!(
            of_vectors(&report),
            expected.vectors,
            "{name}: classes of vectors"
        );
        let cause = report["ladder"]["cause"].as_str();
        assert_eq!(cause, expected.cause, "{name}: {}", report["sentence"]);
        assert_eq!(exit, expected.exit, "{name}: {}", report["sentence"]);
        assert_eq!(report["exit_code"], exit, "{name}");
        report
    }
}

pub(crate) fn counts<'a>(of: &'a Value, classes: &[&'a str]) -> Vec<(&'a str, u64)> {
    let count = |class: &&'a str| Some((*class, of[class]["n"].as_u64().expect("a count")));
    let counts = classes.iter().filter_map(count);
    counts.filter(|(_, n)| *n > 0).collect()
}

pub(crate) fn of_content(report: &Value) -> Vec<(&str, u64)> {
    const CLASSES: [&str; 6] = [
        "missing",
        "extra",
        "duplicated",
        "text_changed",
        "normalisation_only",
        "metadata_changed",
    ];
    counts(&report["rows"], &CLASSES)
}

pub(crate) fn of_vectors(report: &Value) -> Vec<(&str, u64)> {
    const CLASSES: [&str; 4] = ["equivalent", "perturbed", "different", "rescaled"];
    let vectors = &report["rows"]["vectors"];
    if vectors.is_null() {
        Vec::new()
    } else {
        counts(vectors, &CLASSES)
    }
}
