//! Exact nearest neighbours: 1,000 queries, 200,000 rows of 384 dimensions, k = 10.
//!
//! Measures, on two threads over seeded unit vectors, the whole search of rows at hand by inner product,
//! cosine and Euclidean distance: scores as `Metric::score` gives them, ties by id.
//! The peer is faiss-cpu's `IndexFlatIP` on the same shapes and two threads, in the same minute on the
//! same machine: `python3 benches/peers/knn_faiss.py`. Run: `cargo bench --bench knn`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ragstone::export::{Strings, Vectors};
use ragstone::knn::{Block, Queries, nearest};
use ragstone::stats::stream;
use ragstone::units::Cutoff;
use ragstone::vector::{Metric, norm};
use rand::RngExt;

const DIM: usize = 384;
const ROWS: usize = 200_000;
const QUERIES: usize = 1_000;
const K: usize = 10;
const THREADS: usize = 2;

/// Unit vectors, row by row, from the seed: sums of four uniform numbers, which are near to normal.
fn vectors(seed: u64, n: usize) -> Vec<f32> {
    let mut rng = stream(seed, 0);
    let mut number = || (0..4).map(|_| rng.random_range(-1.0..1.0_f32)).sum();
    let mut numbers: Vec<f32> = (0..n * DIM).map(|_| number()).collect();
    for row in numbers.chunks_exact_mut(DIM) {
        let length = norm(row) as f32;
        for number in row {
            *number /= length;
        }
    }
    numbers
}

fn benches(criterion: &mut Criterion) {
    let ids: Vec<String> = (0..ROWS).map(|row| format!("row-{row}")).collect();
    let ids: Strings = ids.iter().map(|id| Some(id.as_str())).collect();
    let rows = Vectors::uniform(vectors(1, ROWS).into(), DIM, None);
    let queries = vectors(2, QUERIES);
    let block = Block {
        ids: &ids,
        vectors: &rows,
        allowed: None,
    };
    let k = Cutoff::new(K).expect("not 0");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build();
    let pool = pool.expect("threads");
    let mut group =
        criterion.benchmark_group("1,000 queries, 200,000 rows, 384 dimensions, k = 10");
    group
        .sample_size(10)
        .throughput(Throughput::Elements((QUERIES * ROWS) as u64));
    for metric in [Metric::Dot, Metric::Cosine, Metric::L2] {
        group.bench_function(metric.name(), |bencher| {
            let search = || {
                let queries = Queries::new(metric, DIM, queries.clone()).expect("finite");
                nearest(&queries, k, [block])
            };
            bencher.iter(|| pool.install(search));
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
