//! Every format gives the same rows.

use std::path::PathBuf;

use super::sample::{self, Row, arrow_file, arrow_stream, batch, json_lines, parquet, read, rows};
use super::{Columns, Source};

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

#[track_caller]
fn same(paths: &[PathBuf], expected: &[Row]) {
    let found = read(paths).expect("readable");
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
}

#[test]
fn every_format_gives_the_same_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let expected = sorted(rows(20_000, 6));
    let rows = rows(20_000, 6);
    for fixed in [true, false] {
        let batches = [
            batch(&rows[..9_000], 6, fixed),
            batch(&rows[9_000..9_001], 6, fixed),
            batch(&rows[9_001..], 6, fixed),
        ];
        parquet(&path("a.parquet"), &batches, 12_345);
        arrow_file(&path("a.arrow"), &batches);
        arrow_stream(&path("a.arrows"), &batches);
        for name in ["a.parquet", "a.arrow", "a.arrows"] {
            same(&[path(name)], &expected);
            let source = Source::open(&[path(name)], &Columns::default()).expect("an export");
            assert_eq!(source.n_rows(), Some(20_000));
            assert_eq!(source.left_out(), ["extra"]);
        }
    }
    std::fs::write(path("a.jsonl"), json_lines(&rows)).expect("written");
    same(&[path("a.jsonl")], &expected);
    let source = Source::open(&[path("a.jsonl")], &Columns::default()).expect("an export");
    assert_eq!(source.n_rows(), None);
    assert_eq!(source.left_out(), ["extra"]);
}

#[test]
fn bytes_in_memory_are_read_in_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.arrow");
    let rows = rows(10_000, 4);
    arrow_file(&path, &[batch(&rows, 4, true)]);
    let bytes = std::fs::read(&path).expect("read");
    let mut aligned = arrow::buffer::MutableBuffer::new(bytes.len());
    aligned.extend_from_slice(&bytes);
    let buffer: arrow::buffer::Buffer = aligned.into();
    let start = buffer.as_ptr() as usize;
    let range = start..start + buffer.len();
    let columns = Columns::default();
    let source = Source::of_ipc_bytes("memory", buffer.clone(), &columns).expect("an export");
    assert_eq!(sample::all(&source).expect("readable"), sorted(rows));
    let within = |chunk: super::Chunk| {
        let vectors = chunk.vectors.expect("vectors");
        assert!(range.contains(&(vectors.values().as_ptr() as usize)));
        Ok::<_, super::ExportError>(())
    };
    source.read(&within).expect("readable");
}
