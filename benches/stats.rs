//! The bootstrap.
//!
//! Measures, at 10,000 resamples and 95 % BCa bounds: the median of the 1,200 values of
//! `tests/data/normal_1200.json` and, beside it, their mean and their median by drawing every value;
//! and the ratio of two p95 over 100 questions of 6 calls. The peer is `SciPy`'s `bootstrap` of
//! `numpy.median` on the same values, on the same machine: `python3 benches/peers/bootstrap.py`.
//! The median is drawn by the law of its ranks (two random numbers a resample), which has the same
//! distribution as drawing 1,200 indices, as `SciPy` does. Run: `cargo bench --bench stats`.

use criterion::{Criterion, criterion_group, criterion_main};
use ragstone::stats::{
    BootstrapMethod, Resamples, bootstrap, bootstrap_mean, bootstrap_median,
    bootstrap_quantile_ratio, median,
};
use ragstone::units::Confidence;

fn normal_1200() -> Vec<f64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/normal_1200.json");
    let text = std::fs::read_to_string(path).expect("the committed values");
    let mut file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    serde_json::from_value(file["values"].take()).expect("numbers")
}

/// 100 questions of six calls, all different.
fn latencies_ms(factor: f64) -> Vec<Vec<f64>> {
    let call = |i: u32| factor * (20.0 + f64::from(i.wrapping_mul(2_654_435_761) >> 16) / 300.0);
    (0..100)
        .map(|question| (0..6).map(|n| call(question * 6 + n + 1)).collect())
        .collect()
}

fn benches(criterion: &mut Criterion) {
    let values = normal_1200();
    let (bca, resamples) = (BootstrapMethod::Bca, Resamples::default());
    let level = Confidence::new(0.975).expect("a level");
    let mut group = criterion.benchmark_group("bootstrap of 1,200 values, 10,000 resamples");
    group.bench_function("median", |bencher| {
        bencher.iter(|| bootstrap_median(&values, bca, resamples, level));
    });
    group.sample_size(10);
    group.bench_function("mean", |bencher| {
        bencher.iter(|| bootstrap_mean(&values, bca, resamples, level));
    });
    group.bench_function("median, every value drawn", |bencher| {
        bencher.iter(|| bootstrap(&values, median, bca, resamples, level));
    });
    group.finish();
    let (control, candidate) = (latencies_ms(1.0), latencies_ms(1.1));
    criterion.bench_function("p95 ratio of 100 questions, 10,000 resamples", |bencher| {
        let ratio = || bootstrap_quantile_ratio(&control, &candidate, 0.95, bca, resamples, level);
        bencher.iter(ratio);
    });
}

criterion_group!(all, benches);
criterion_main!(all);
