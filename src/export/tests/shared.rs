//! Real exports, where they are at hand.

use std::path::{Path, PathBuf};

use super::super::sample::{Row, all};
use super::super::{Columns, Source};

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/vectors");
    let path = path.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: there is no {}", path.display());
    None
}

fn read(path: PathBuf, columns: &Columns) -> Vec<Row> {
    let source = Source::open(&[path], columns).expect("an export");
    all(&source).expect("readable")
}

fn largest_difference(left: &[Row], right: &[Row]) -> f32 {
    let numbers = |rows: &[Row]| -> Vec<f32> {
        let vectors = rows
            .iter()
            .map(|row| row.vector.as_ref().expect("a vector"));
        vectors
            .flatten()
            .map(|bits| f32::from_bits(*bits))
            .collect()
    };
    let (left, right) = (numbers(left), numbers(right));
    assert_eq!(left.len(), right.len());
    left.iter()
        .zip(right)
        .map(|(left, right)| (left - right).abs())
        .fold(0.0, f32::max)
}

#[test]
fn the_same_vectors_as_float_and_as_double() {
    let (Some(float), Some(double)) = (shared("float.parquet"), shared("double.parquet")) else {
        return;
    };
    let columns = Columns {
        id: "docid".to_owned(),
        ..Columns::default()
    };
    let (float, double) = (read(float, &columns), read(double, &columns));
    assert_eq!(float.len(), 10);
    let ids = |rows: &[Row]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&float), ids(&double));
    assert!(
        float
            .iter()
            .all(|row| row.vector.as_ref().is_some_and(|v| v.len() == 768))
    );
    assert!(largest_difference(&float, &double) < 1e-6);
}

#[test]
fn json_lines_of_a_real_encoder() {
    let Some(path) = shared("ada2-docs100.jsonl.gz") else {
        return;
    };
    let columns = Columns {
        id: "docid".to_owned(),
        text: Some("contents".to_owned()),
        ..Columns::default()
    };
    let rows = read(path, &columns);
    assert_eq!(rows.len(), 100);
    assert!(
        rows.iter()
            .all(|row| row.vector.as_ref().is_some_and(|v| v.len() == 1536))
    );
    assert!(rows.iter().all(|row| row.text.is_some()));
}
