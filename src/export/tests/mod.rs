//! Every format gives the same rows.

mod refusals;
mod shared;
mod values;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, RecordBatch};
use arrow::datatypes::Int32Type;
use arrow::ipc::CompressionType;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::sample::{
    self, Row, arrow_file, arrow_stream, batch, json_lines, npy, packed_arrow_file, parquet,
    parquet_with, read, rows, tsv,
};
use super::{Columns, Format, Source};

/// Text in gzip, as two parts after one another.
fn packed(text: &str) -> Vec<u8> {
    let (first, second) = text.split_at(text.len() / 2 - text.len() / 2 % 2);
    let gzip = |part: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(part.as_bytes()).expect("packed");
        encoder.finish().expect("packed")
    };
    [gzip(first), gzip(second)].concat()
}

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
    fs::write(path("a.jsonl"), json_lines(&rows)).expect("written");
    same(&[path("a.jsonl")], &expected);
    let source = Source::open(&[path("a.jsonl")], &Columns::default()).expect("an export");
    assert_eq!(source.n_rows(), None);
    assert_eq!(source.left_out(), ["extra"]);
}

#[test]
fn compressed_columns_and_files_without_an_index_of_pages_are_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a");
    let rows = rows(70_000, 2);
    let batches = [batch(&rows, 2, true)];
    let expected = sorted(rows);
    for how in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        packed_arrow_file(&path, &batches, how);
        same(std::slice::from_ref(&path), &expected);
    }
    for indexed in [true, false] {
        parquet_with(&path, &batches, 100_000, indexed);
        same(std::slice::from_ref(&path), &expected);
    }
}

/// Every batch of a stream may bring a dictionary of its own.
#[test]
fn a_stream_may_replace_its_dictionaries() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.arrows");
    let batches = [["a", "b"], ["c", "a"], ["b", "b"]].map(|texts| {
        let ids: DictionaryArray<Int32Type> = texts.into_iter().collect();
        let ids: ArrayRef = Arc::new(ids);
        RecordBatch::try_from_iter([("id", ids)]).expect("a column")
    });
    arrow_stream(&path, &batches);
    let rows = read(&[path]).expect("readable");
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["a", "a", "b", "b", "b", "c"]);
}

#[test]
fn bytes_in_memory_are_read_in_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.arrow");
    let rows = rows(10_000, 4);
    arrow_file(&path, &[batch(&rows, 4, true)]);
    let bytes = fs::read(&path).expect("read");
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

#[test]
fn lines_are_read_compressed_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let rows = rows(9_000, 2);
    let ascii = json_lines(&rows).replace(['é', '“', '”'], "e");
    fs::write(path("plain.jsonl"), &ascii).expect("written");
    let expected = read(&[path("plain.jsonl")]).expect("readable");
    assert_eq!(expected.len(), 9_000);
    fs::write(path("a.jsonl.gz"), packed(&ascii)).expect("written");
    fs::write(path("no-name"), packed(&ascii)).expect("written");
    let zst = zstd::encode_all(ascii.as_bytes(), 1).expect("packed");
    fs::write(path("a.zst"), zst).expect("written");
    let windows = format!("\u{feff}{}", ascii.replace('\n', "\r\n\r\n"));
    fs::write(path("windows.jsonl"), windows).expect("written");
    for name in ["a.jsonl.gz", "no-name", "a.zst", "windows.jsonl"] {
        same(&[path(name)], &expected);
    }
}

#[test]
fn lines_with_vectors_beside_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let rows: Vec<Row> = rows(20_000, 3)
        .into_iter()
        .map(|row| Row {
            text: Some(row.text.unwrap_or_default()),
            metadata: "{}".to_owned(),
            vector: Some(row.vector.unwrap_or_else(|| vec![0; 3])),
            section: None,
            ..row
        })
        .collect();
    let numbers = || {
        rows.iter()
            .map(|row| row.vector.as_ref().expect("a vector"))
    };
    let floats = numbers().flatten().map(|bits| f32::from_bits(*bits));
    let single: Vec<u8> = floats.clone().flat_map(f32::to_le_bytes).collect();
    let double: Vec<u8> = floats.flat_map(|x| f64::from(x).to_le_bytes()).collect();
    let prefixed = numbers().flat_map(|row| std::iter::once(&3).chain(row));
    let fvecs: Vec<u8> = prefixed.flat_map(|bits| bits.to_le_bytes()).collect();
    fs::write(path("a.tsv"), tsv(&rows)).expect("written");
    let zst = zstd::encode_all(tsv(&rows).as_bytes(), 1).expect("packed");
    fs::write(path("b.tsv.zst"), zst).expect("written");
    fs::write(path("4.npy"), npy("<f4", "20000, 3", &single)).expect("written");
    fs::write(path("8.npy"), npy("<f8", "20000,3", &double)).expect("written");
    fs::write(path("a.fvecs"), fvecs).expect("written");
    let expected = sorted(rows);
    for lines in ["a.tsv", "b.tsv.zst"] {
        for vectors in ["4.npy", "8.npy", "a.fvecs"] {
            let paths = [path(vectors), path(lines)];
            same(&paths, &expected);
            let source = Source::open(&paths, &Columns::default()).expect("an export");
            assert_eq!(source.n_rows(), Some(20_000));
            assert_eq!(source.description().parts[0].files, [lines, vectors]);
        }
    }
    let source = Source::open(&[path("a.tsv")], &Columns::default()).expect("an export");
    assert_eq!(source.description().parts[0].format, Format::Tsv);
    let bare = sample::all(&source).expect("readable");
    assert!(bare.len() == 20_000 && bare.iter().all(|row| row.vector.is_none()));
}

#[test]
fn files_without_rows_are_fine() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let none = [batch(&[], 2, true)];
    parquet(&path("a.parquet"), &none, 1);
    arrow_file(&path("a.arrow"), &none);
    arrow_stream(&path("a.arrows"), &none);
    fs::write(path("a.jsonl"), "").expect("written");
    fs::write(path("b.jsonl"), "\n\n").expect("written");
    fs::write(path("a.tsv"), "").expect("written");
    fs::write(path("a.npy"), npy("<f4", "0, 4", &[])).expect("written");
    fs::write(path("a.fvecs"), "").expect("written");
    for name in [
        "a.parquet",
        "a.arrow",
        "a.arrows",
        "a.jsonl",
        "b.jsonl",
        "a.tsv",
    ] {
        same(&[path(name)], &[]);
    }
    same(&[path("a.tsv"), path("a.npy")], &[]);
    same(&[path("a.tsv"), path("a.fvecs")], &[]);
    fs::remove_file(path("a.npy")).expect("removed");
    same(&[folder.path().to_owned()], &[]);
}

#[test]
fn several_files_are_one_export() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let rows = rows(300, 2);
    fs::create_dir(path("part")).expect("a folder");
    fs::write(path("_SUCCESS"), "").expect("written");
    parquet(&path("part/b.parquet"), &[batch(&rows[..100], 2, true)], 30);
    parquet(
        &path("part/a.parquet"),
        &[batch(&rows[100..150], 2, true)],
        30,
    );
    arrow_file(&path("part/c.arrow"), &[batch(&rows[150..200], 2, false)]);
    fs::write(path("z.jsonl"), json_lines(&rows[200..])).expect("written");
    same(&[folder.path().to_owned()], &sorted(rows));
    let source = Source::open(&[folder.path().to_owned()], &Columns::default());
    let source = source.expect("an export");
    let parts = &source.description().parts;
    let files: Vec<&[String]> = parts.iter().map(|part| part.files.as_slice()).collect();
    assert_eq!(files.len(), 3);
    assert_eq!(files[0], ["a.parquet", "b.parquet"]);
    let kind = |part: usize| parts[part].vector.as_ref().map(|read| read.kind.as_str());
    assert_eq!(kind(0), Some("fixed-size list of 2 f32"));
    assert_eq!(kind(1), Some("list of f32"));
    assert_eq!(source.n_rows(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn no_division_of_the_rows_changes_them(
        n in 0usize..12_000,
        cuts in prop::collection::vec(0usize..20_000, 0..4),
        group in 700usize..20_000,
        threads in 1usize..4,
        fixed: bool,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let rows = rows(n, 2);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(n)).collect();
        cuts.extend([0, n]);
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|cut| batch(&rows[cut[0]..cut[1]], 2, fixed));
        let parts: Vec<_> = parts.collect();
        let path = |name: &str| folder.path().join(name);
        parquet(&path("a.parquet"), &parts, group);
        arrow_file(&path("a.arrow"), &parts);
        arrow_stream(&path("a.arrows"), &parts);
        fs::write(path("a.jsonl"), json_lines(&rows)).expect("written");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let expected = sorted(rows);
        for name in ["a.parquet", "a.arrow", "a.arrows", "a.jsonl"] {
            let found = pool.install(|| read(&[path(name)])).expect("readable");
            prop_assert!(found == expected, "{}", name);
        }
    }
}
