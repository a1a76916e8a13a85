//! ΔS and cosine over 1,000,000 vectors of 384 dimensions.
//!
//! Measures one thread over seeded unit vectors: the cosine of 1,000,000 pairs, and ΔS of 100,000
//! probes with ten hits each (1,000,000 probe–hit cosines: centroid, then distance).
//! Run: `cargo bench --bench delta_s`. The peer, in the same minute on the same machine:
//! `python3 benches/peers/cosine.py` (`NumPy`).

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ragstone::measure::{Centroid, delta_s};
use ragstone::stats::stream;
use ragstone::vector::{cosine, dot};
use rand::RngExt;

const DIM: usize = 384;
const VECTORS: usize = 1_000_000;
const HITS: usize = 10;

/// Unit vectors, row by row, from the seed.
fn vectors(seed: u64, n: usize) -> Vec<f32> {
    let mut rng = stream(seed, 0);
    let mut numbers: Vec<f32> = (0..n * DIM).map(|_| rng.random_range(-1.0..1.0)).collect();
    for row in numbers.chunks_exact_mut(DIM) {
        let length = dot(row, row).sqrt() as f32;
        for number in row {
            *number /= length;
        }
    }
    numbers
}

fn benches(criterion: &mut Criterion) {
    let (a, b) = (vectors(1, VECTORS), vectors(2, VECTORS));
    let questions = vectors(3, VECTORS / HITS);
    let mut group = criterion.benchmark_group("384 dimensions");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(VECTORS as u64));
    group.bench_function("cosine of 1,000,000 pairs", |bencher| {
        bencher.iter(|| {
            let pairs = a.chunks_exact(DIM).zip(b.chunks_exact(DIM));
            pairs
                .map(|(a, b)| cosine(a, b).expect("a direction"))
                .fold(0.0, |sum, value| sum + black_box(value))
        });
    });
    group.bench_function("ΔS of 100,000 probes with ten hits", |bencher| {
        bencher.iter(|| {
            let probes = questions.chunks_exact(DIM).zip(a.chunks_exact(DIM * HITS));
            probes
                .map(|(question, hits)| {
                    let centroid = Centroid::of(hits.chunks_exact(DIM)).expect("a direction");
                    delta_s(question, &centroid)
                })
                .fold(0.0, |sum, value| sum + black_box(value))
        });
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
