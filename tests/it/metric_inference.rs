//! Metric inference on real vectors that are not of unit length.

use std::io::Read as _;

use ragstone::parity::metric_inference::{Inference, Inferred, ScoreSample, infer};
use ragstone::target::Metric;

use crate::support::shared_data;

const DIM: usize = 128;

/// Rows of numbers between tabs, as far as a vector goes: the last column of the documents is none.
fn vectors(text: &str) -> Vec<Vec<f32>> {
    let row = |line: &str| {
        let numbers = line.split('\t').take(DIM).map(str::parse);
        numbers.collect::<Result<Vec<f32>, _>>().expect("numbers")
    };
    text.lines().map(row).collect()
}

/// What a store of these vectors would give for a query, by its own arithmetic in f32.
fn score(metric: Metric, query: &[f32], document: &[f32]) -> f32 {
    let pairs = || query.iter().zip(document);
    let dot: f32 = pairs().map(|(a, b)| a * b).sum();
    let norm = |vector: &[f32]| vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    match metric {
        Metric::Cosine => dot / (norm(query) * norm(document)),
        Metric::Dot => dot,
        Metric::L2 => -pairs().map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt(),
    }
}

#[test]
fn the_metric_of_real_vectors_is_found_from_their_scores() {
    let (Some(documents), Some(queries)) = (
        shared_data("vectors/sift-dataset-5k.tsv.gz"),
        shared_data("vectors/sift-query-3.tsv"),
    ) else {
        return;
    };
    let mut text = String::new();
    let file = std::fs::File::open(documents).expect("readable");
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("text");
    let documents = vectors(&text);
    let queries = vectors(&std::fs::read_to_string(queries).expect("readable"));
    assert_eq!((documents.len(), queries.len()), (5_000, 3));
    // SIFT vectors are stretched to about 512 and rounded to whole numbers: uneven by 1e-3.
    let found = |metric, bend: fn(f32) -> f32| -> Inference {
        let samples = queries.iter().flat_map(|query| {
            documents.iter().map(move |document| ScoreSample {
                query,
                document,
                score: f64::from(bend(score(metric, query, document))),
                scaled: false,
            })
        });
        infer(samples)
    };
    let as_is: fn(f32) -> f32 = |score| score;
    for (metric, bend, expected) in [
        (Metric::Cosine, as_is, Inferred::Cosine),
        (
            Metric::Cosine,
            |score| f32::midpoint(1.0, score),
            Inferred::Cosine,
        ),
        (Metric::Dot, as_is, Inferred::Dot),
        (Metric::Dot, |score| 1.0 - score, Inferred::Dot),
        (Metric::L2, as_is, Inferred::L2),
        (Metric::L2, |score| score * score, Inferred::SquaredL2),
        (
            Metric::L2,
            |score| 1.0 / (1.0 + score * score),
            Inferred::L2,
        ),
    ] {
        let inference = found(metric, bend);
        assert_eq!(inference.metric, expected, "{}", inference.why);
        let residual = inference.closest.expect("it fits").residual;
        assert!(residual.max < 1e-5, "{residual:?}");
    }
}
