//! Stamping 1,000,000 rows of 384 numbers, beside BLAKE3 over the same bytes.
//!
//! Measures, on as many threads as rayon has (`RAYON_NUM_THREADS=2`): BLAKE3 of an Arrow IPC file in
//! memory (`update_rayon`); the content and the vector channel of that file, from its bytes to both
//! roots, health and projections included; and the same from a Parquet file (snappy) on a disk. Each
//! row has an id, a text of 1,000 characters, no metadata or some, and 384 f32.
//! Run: `RAYON_NUM_THREADS=2 cargo bench --bench stamp`. The ratio that matters is throughput over
//! BLAKE3's, within one run.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::FileWriter;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use ragstone::export::{Columns, Source};
use ragstone::parity::stamp::SEED;
use ragstone::stamp::{Building, Making, Totals};
use ragstone::stats::stream;
use rand::RngExt;

const WIDTH: i32 = 384;
const DIM: usize = WIDTH as usize;
const ROWS: usize = 1_000_000;
const BATCH: usize = 8_192;
const TEXT: usize = 1_000;

/// Rows `first..`, from a seed of their own.
fn batch(first: usize, n: usize, metadata: bool) -> RecordBatch {
    let mut rng = stream(7, first as u64);
    let ids = StringArray::from_iter_values((first..first + n).map(|i| format!("doc-{i:07}#0")));
    let letters: Vec<u8> = (0..TEXT + n)
        .map(|_| rng.random_range(b'a'..=b'z'))
        .collect();
    let text = |i: usize| str::from_utf8(&letters[i..i + TEXT]).expect("letters");
    let texts = StringArray::from_iter_values((0..n).map(text));
    let numbers = Float32Array::from_iter_values((0..n * DIM).map(|_| rng.random_range(-1.0..1.0)));
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let vectors = FixedSizeListArray::new(item, WIDTH, Arc::new(numbers), None);
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(ids)),
        ("text", Arc::new(texts)),
        ("vector", Arc::new(vectors)),
    ];
    if metadata {
        let json =
            (first..first + n).map(|i| format!(r#"{{"lang":"en","page":{},"rev":"4"}}"#, i % 97));
        columns.push(("metadata", Arc::new(StringArray::from_iter_values(json))));
    }
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

fn ipc(metadata: bool) -> Buffer {
    let schema = batch(0, 1, metadata).schema();
    let mut writer = FileWriter::try_new(Vec::new(), &schema).expect("a file");
    for first in (0..ROWS).step_by(BATCH) {
        let rows = batch(first, BATCH.min(ROWS - first), metadata);
        writer.write(&rows).expect("in memory");
    }
    Buffer::from_vec(writer.into_inner().expect("in memory"))
}

fn parquet(path: &Path) {
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(65_536));
    let file = std::fs::File::create(path).expect("a file");
    let schema: Arc<Schema> = batch(0, 1, false).schema();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties.build())).expect("a file");
    for first in (0..ROWS).step_by(BATCH) {
        let rows = batch(first, BATCH.min(ROWS - first), false);
        writer.write(&rows).expect("a disk");
    }
    writer.close().expect("a disk");
}

fn channels(source: &Source) -> Totals {
    let building = Building::new(Making {
        seed: SEED,
        memory: 1 << 30,
        spill_to: std::env::temp_dir(),
    });
    let read = source.read(&|chunk| building.add(&chunk));
    read.expect("rows that can be stamped");
    building.finish(None).expect("nothing to write")
}

fn benches(criterion: &mut Criterion) {
    let columns = Columns::default();
    let mut group = criterion.benchmark_group("1,000,000 rows of 384 numbers");
    group.sample_size(10);
    for (name, metadata) in [("no metadata", false), ("metadata", true)] {
        let bytes = ipc(metadata);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("BLAKE3 of the file, {name}"), |bencher| {
            bencher.iter(|| {
                let mut hasher = blake3::Hasher::new();
                hasher.update_rayon(&bytes);
                black_box(hasher.finalize())
            });
        });
        let source = Source::of_ipc_bytes("rows.arrow", bytes.clone(), &columns).expect("a file");
        group.bench_function(format!("both channels from Arrow IPC, {name}"), |bencher| {
            bencher.iter(|| black_box(channels(&source)));
        });
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.parquet");
    parquet(&path);
    let source = Source::open(&[path], &columns).expect("a file");
    let decoded = ROWS * (4 * DIM + TEXT + 13);
    group.throughput(Throughput::Bytes(decoded as u64));
    group.bench_function("both channels from Parquet, decoded bytes", |bencher| {
        bencher.iter(|| black_box(channels(&source)));
    });
}

criterion_group!(all, benches);
criterion_main!(all);
