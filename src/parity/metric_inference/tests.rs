use proptest::prelude::*;
use rand::RngExt;

use super::*;
use crate::stats::stream;

/// What a store holds, what it is asked with, and by which way it scores.
struct Store {
    documents: Vec<Vec<f32>>,
    queries: Vec<Vec<f32>>,
    value: Value,
    transform: Transform,
}

fn norm(vector: &[f32]) -> f64 {
    let squares = vector.iter().map(|x| f64::from(*x).powi(2));
    squares.sum::<f64>().sqrt()
}

fn stretched(vector: &[f32], factor: f64) -> Vec<f32> {
    let numbers = vector.iter().map(|x| (f64::from(*x) * factor) as f32);
    numbers.collect()
}

/// A value by its definition.
fn value_of(value: Value, query: &[f32], document: &[f32]) -> f64 {
    let wide = |vector: &[f32]| -> Vec<f64> { vector.iter().map(|x| f64::from(*x)).collect() };
    let (q, d) = (wide(query), wide(document));
    let dot: f64 = q.iter().zip(&d).map(|(a, b)| a * b).sum();
    let squared: f64 = q.iter().zip(&d).map(|(a, b)| (a - b).powi(2)).sum();
    let cosine = dot / (norm(query) * norm(document));
    match value {
        Value::Cosine => cosine,
        Value::Dot => dot,
        Value::L2 => squared.sqrt(),
        Value::SquaredL2 => squared,
        Value::L2OfDirections => (2.0 - 2.0 * cosine).max(0.0).sqrt(),
        Value::SquaredL2OfDirections => (2.0 - 2.0 * cosine).max(0.0),
    }
}

impl Store {
    /// Twelve documents and six queries of eight numbers, with lengths about 0.3 to 0.9, or all 1.
    fn of(value: Value, transform: Transform, unit: bool) -> Self {
        let mut random = stream(7, 0);
        let mut vector = || {
            // Near a common direction, as embeddings are, so that cosines are well above 0.
            let numbers: Vec<f32> = (0..8).map(|_| random.random_range(-0.4..1.0)).collect();
            let length = if unit {
                1.0
            } else {
                random.random_range(0.3..0.9)
            };
            stretched(&numbers, length / norm(&numbers))
        };
        Self {
            documents: (0..12).map(|_| vector()).collect(),
            queries: (0..6).map(|_| vector()).collect(),
            value,
            transform,
        }
    }

    fn score(&self, query: &[f32], document: &[f32]) -> f64 {
        let score = self.transform.bend(value_of(self.value, query, document));
        // Stores give scores as f32.
        f64::from(score as f32)
    }

    fn pair(&self, query: &[f32], document: &[f32]) -> Owned {
        (
            query.to_vec(),
            document.to_vec(),
            self.score(query, document),
            false,
        )
    }

    /// The inference over all pairs, and over those with doubled queries if they are wanted.
    fn infer(&self, scaled: bool) -> Inference {
        let doubled: Vec<Vec<f32>> = self
            .queries
            .iter()
            .map(|query| stretched(query, 2.0))
            .collect();
        let asked =
            |queries: &'_ [Vec<f32>], scaled: bool| -> Vec<(Vec<f32>, Vec<f32>, f64, bool)> {
                let of = |query: &Vec<f32>| {
                    let pair = |document: &Vec<f32>| {
                        (
                            query.clone(),
                            document.clone(),
                            self.score(query, document),
                            scaled,
                        )
                    };
                    self.documents.iter().map(pair).collect::<Vec<_>>()
                };
                queries.iter().flat_map(of).collect()
            };
        let mut samples = asked(&self.queries, false);
        if scaled {
            samples.extend(asked(&doubled, true));
        }
        infer_owned(&samples)
    }
}

type Owned = (Vec<f32>, Vec<f32>, f64, bool);

fn infer_owned(samples: &[Owned]) -> Inference {
    infer(
        samples
            .iter()
            .map(|(query, document, score, scaled)| ScoreSample {
                query,
                document,
                score: *score,
                scaled: *scaled,
            }),
    )
}

#[test]
fn every_way_is_found_from_vectors_of_uneven_length() {
    for (value, transform) in HYPOTHESES {
        let found = Store::of(value, transform, false).infer(false);
        assert_eq!(
            found.metric,
            value.metric().into(),
            "{value:?} {transform:?}: {found:?}"
        );
        let closest = found.closest.expect("a candidate");
        assert_eq!((closest.value, closest.transform), (value, transform));
        assert_eq!(found.precision, Some(Precision::Single));
        assert!(
            closest.residual.max < 1e-6 && closest.n_off == 0,
            "{closest:?}"
        );
        assert_eq!(found.standing.len(), 1);
    }
}

#[test]
fn unit_vectors_alone_never_name_a_metric() {
    for (value, transform) in HYPOTHESES {
        let found = Store::of(value, transform, true).infer(false);
        assert_eq!(
            found.metric,
            Inferred::Undetermined,
            "{value:?} {transform:?}"
        );
        let standing: Vec<ScoreMetric> = found.standing.iter().map(|found| found.metric).collect();
        assert!(
            standing.len() > 1 && standing.contains(&value.metric()),
            "{standing:?}"
        );
        assert!(found.why.contains("twice their length"), "{}", found.why);
    }
}

#[test]
fn doubled_queries_tell_unit_vectors_apart() {
    for (value, transform) in HYPOTHESES {
        // A root has no score for products above 1.
        if (value, transform) == (Value::Dot, Transform::NegatedRoot) {
            continue;
        }
        let found = Store::of(value, transform, true).infer(true);
        assert_eq!(
            found.metric,
            value.metric().into(),
            "{value:?} {transform:?}: {found:?}"
        );
        assert_eq!((found.n_samples, found.n_scaled), (144, 72));
    }
}

/// A few doubled queries among many plain ones weigh as much as all.
#[test]
fn one_doubled_query_is_not_outvoted() {
    let store = Store::of(Value::Cosine, Transform::Identity, true);
    let mut samples: Vec<Owned> = Vec::new();
    for _ in 0..40 {
        for (query, document) in store.queries.iter().zip(&store.documents) {
            samples.push(store.pair(query, document));
        }
    }
    assert_eq!(infer_owned(&samples).metric, Inferred::Undetermined);
    let doubled = stretched(&store.queries[0], 2.0);
    let mut asked = store.pair(&doubled, &store.documents[0]);
    asked.3 = true;
    samples.push(asked);
    assert_eq!(infer_owned(&samples).metric, Inferred::Cosine);
}

#[test]
fn vectors_that_a_store_rounds_fit_less_closely() {
    let check = |round: &dyn Fn(f32) -> f32, precision: Precision, says: &str| {
        let store = Store::of(Value::Dot, Transform::OneMinus, false);
        let mut samples: Vec<Owned> = Vec::new();
        for query in &store.queries {
            for document in &store.documents {
                let held: Vec<f32> = document.iter().map(|x| round(*x)).collect();
                samples.push((
                    query.clone(),
                    document.clone(),
                    store.score(query, &held),
                    false,
                ));
            }
        }
        let found = infer_owned(&samples);
        assert_eq!(found.precision, Some(precision), "{found:?}");
        assert_eq!(found.metric, Inferred::Dot, "{}", found.why);
        assert!(found.why.contains(says), "{}", found.why);
    };
    check(
        &|x| x,
        Precision::Single,
        "1 - x with x = the inner product",
    );
    check(
        &|x| half::f16::from_f32(x).to_f32(),
        Precision::Half,
        "half precision",
    );
    check(
        &|x| half::bf16::from_f32(x).to_f32(),
        Precision::Half,
        "half precision",
    );
    check(
        &|x| (x * 48.0).round() / 48.0,
        Precision::Quantised,
        "quantised",
    );
}

#[test]
fn some_rows_that_the_index_ranks_by_another_vector_are_no_other_metric() {
    let store = Store::of(Value::L2, Transform::ReciprocalOfSquare, false);
    let mut samples: Vec<Owned> = Vec::new();
    for query in &store.queries {
        for document in &store.documents {
            samples.push(store.pair(query, document));
        }
    }
    for sample in &mut samples[..3] {
        sample.2 *= 0.9;
    }
    let found = infer_owned(&samples);
    assert_eq!(found.metric, Inferred::L2);
    assert_eq!(found.closest.expect("it fits").n_off, 3);
    assert!(
        found.why.contains("3 scores are off by more"),
        "{}",
        found.why
    );
    for sample in &mut samples[..6] {
        sample.2 *= 0.8;
    }
    assert_eq!(infer_owned(&samples).metric, Inferred::NoneFits, "too many");
}

#[test]
fn a_metric_of_another_kind_fits_none() {
    let store = Store::of(Value::L2, Transform::Identity, false);
    let mut samples: Vec<Owned> = Vec::new();
    for query in &store.queries {
        for document in &store.documents {
            let manhattan: f32 = query.iter().zip(document).map(|(a, b)| (a - b).abs()).sum();
            samples.push((
                query.clone(),
                document.clone(),
                f64::from(-manhattan),
                false,
            ));
        }
    }
    let found = infer_owned(&samples);
    assert_eq!((found.metric, found.precision), (Inferred::NoneFits, None));
    assert!(found.standing.is_empty());
    assert!(found.closest.expect("the nearest").residual.median > 0.01);
    assert_eq!(found.beside(Some("l2")), Agreement::Contradicts);
    assert_eq!(found.beside(Some("manhattan")), Agreement::NotStated);
}

#[test]
fn too_little_is_too_little() {
    let store = Store::of(Value::Dot, Transform::Identity, false);
    let query = &store.queries[0];
    let of = |document: &Vec<f32>| {
        (
            query.clone(),
            document.clone(),
            store.score(query, document),
            false,
        )
    };
    let few: Vec<Owned> = store.documents[..7].iter().map(of).collect();
    let found = infer_owned(&few);
    assert_eq!(found.metric, Inferred::Undetermined);
    assert!(found.why.contains("7 usable scores"), "{}", found.why);
    let same: Vec<Owned> = vec![of(&store.documents[0]); 20];
    let found = infer_owned(&same);
    assert_eq!(found.metric, Inferred::Undetermined, "{}", found.why);
    assert_eq!(infer_owned(&[]).n_samples, 0);
}

#[test]
fn what_cannot_be_compared_is_left_out_and_counted() {
    let store = Store::of(Value::Cosine, Transform::Half, false);
    let mut samples: Vec<Owned> = Vec::new();
    for query in &store.queries {
        for document in &store.documents {
            samples.push((
                query.clone(),
                document.clone(),
                store.score(query, document),
                false,
            ));
        }
    }
    let (query, document) = (store.queries[0].clone(), store.documents[0].clone());
    samples.push((query.clone(), document.clone(), f64::NAN, false));
    samples.push((query.clone(), document.clone(), f64::INFINITY, true));
    samples.push((vec![f32::NAN; 8], document.clone(), 0.5, false));
    samples.push((query.clone(), vec![f32::INFINITY; 8], 0.5, false));
    samples.push((vec![0.0; 8], document.clone(), 0.5, false));
    samples.push((Vec::new(), Vec::new(), 0.5, false));
    samples.push((query[..7].to_vec(), document, 0.5, false));
    let found = infer_owned(&samples);
    assert_eq!(found.metric, Inferred::Cosine);
    assert_eq!(found.n_samples, 72);
    let expected = LeftOut {
        bad_score: 2,
        bad_vector: 2,
        zero_vector: 2,
        wrong_dimension: 1,
    };
    assert_eq!(found.left_out, expected);
}

#[test]
fn an_inference_stands_beside_a_contract() {
    let of = |value, unit| Store::of(value, Transform::Negated, unit).infer(false);
    assert_eq!(
        of(Value::SquaredL2, false).beside(Some("l2")),
        Agreement::Agrees
    );
    assert_eq!(
        of(Value::Dot, false).beside(Some("cosine")),
        Agreement::Contradicts
    );
    assert_eq!(of(Value::Dot, false).beside(None), Agreement::NotStated);
    assert_eq!(of(Value::Dot, true).beside(Some("cosine")), Agreement::Open);
    let refuted = of(Value::Dot, true).beside(Some("l2"));
    assert_eq!(
        refuted,
        Agreement::Contradicts,
        "both that stand are others"
    );
    let unread = Inference::undetermined("ranking is hybrid");
    assert_eq!(unread.beside(Some("l2")), Agreement::Open);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn noise_never_makes_another_metric(
        hypothesis in 0..HYPOTHESES.len(),
        seed in any::<u64>(),
        dim in 1_usize..24,
        scale in prop::sample::select(vec![1e-4, 0.03, 1.0, 40.0, 1e6]),
        kind in prop::sample::select(vec!["any", "even", "nearly even", "like"]),
        scaled in any::<bool>(),
    ) {
        let (value, transform) = HYPOTHESES[hypothesis];
        let mut random = stream(seed, 0);
        let like = random.random_range(-1.0..1.0_f32);
        let mut vector = || {
            let spread = if kind == "like" { 0.01 } else { 1.0 };
            let numbers: Vec<f32> =
                (0..dim).map(|_| like + spread * random.random_range(-1.0..1.0_f32)).collect();
            let length = match kind {
                "even" => 1.0,
                "nearly even" => 1.0 + random.random_range(-1e-4..1e-4),
                _ => norm(&numbers),
            };
            stretched(&numbers, scale * length / norm(&numbers).max(1e-9))
        };
        let documents: Vec<Vec<f32>> = (0..10).map(|_| vector()).collect();
        let queries: Vec<Vec<f32>> = (0..4).map(|_| vector()).collect();
        let mut samples: Vec<Owned> = Vec::new();
        for (index, query) in queries.iter().enumerate() {
            let doubled = scaled && index % 2 == 1;
            let query = stretched(query, if doubled { 2.0 } else { 1.0 });
            for document in &documents {
                let score = transform.bend(value_of(value, &query, document));
                let noise = 1.0 + random.random_range(-1e-7..1e-7);
                samples.push((query.clone(), document.clone(), score * noise, doubled));
            }
        }
        let found = infer_owned(&samples);
        if let Some(metric) = found.metric.metric() {
            prop_assert_eq!(metric, value.metric(), "{}", found.why);
        }
        prop_assert!(found.metric != Inferred::NoneFits || transform == Transform::NegatedRoot);
    }
}
