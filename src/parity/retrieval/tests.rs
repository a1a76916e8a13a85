use super::*;
use crate::parity::metric_inference::{Inferred, ScoreSample, infer};

fn list(rows: &[(&str, f64)]) -> Vec<Ranked> {
    let ranked = |(id, score): &(&str, f64)| Ranked {
        id: (*id).to_owned(),
        score: *score,
    };
    rows.iter().map(ranked).collect()
}

const NEAR: [(&str, f64); 3] = [("a", 1.0), ("b", 0.9), ("c", 0.8)];

fn query(id: &str, found: &[(&str, f64)], exact: &[(&str, f64)], repeated: f64) -> QueryReading {
    let (found, exact) = (list(found), list(exact));
    let score = |id: &str| exact.iter().find(|row| row.id == id).map(|row| row.score);
    let scored = found.iter().map(|row| (row.id.as_str(), score(&row.id)));
    QueryReading {
        id: id.to_owned(),
        recall: recall(&exact, scored),
        repeated: Some(repeated),
        should_find_itself: true,
        finds_itself: found.iter().any(|row| row.id == "a"),
        failure: None,
        found,
        exact,
    }
}

/// The scores of a store that ranks by product, or by the cosine.
fn inference(dot: bool) -> Inference {
    let queries: Vec<[f32; 2]> = (1_u8..=9).map(|x| [f32::from(x), 1.0]).collect();
    infer(queries.iter().map(|query| {
        let product = f64::from(query[0]) * 0.6 + 0.8;
        let length = f64::from(query[0]).hypot(1.0);
        ScoreSample {
            query,
            document: &[0.6, 0.8],
            score: if dot { product } else { product / length },
            scaled: false,
        }
    }))
}

fn k() -> Cutoff {
    Cutoff::new(3).expect("not 0")
}

fn reading(queries: Vec<QueryReading>) -> RetrievalReading {
    let inference = inference(true);
    RetrievalReading {
        k: 3,
        dim: 2,
        stated_metric: Some("dot".to_owned()),
        agreement: inference.beside(Some("dot")),
        inference,
        exact_metric: Some(Metric::Dot),
        recall_by_inferred: None,
        scaled_refused: None,
        plain: ConditionReading::new(BTreeMap::new(), 9, k(), queries, |id| id != "stranger"),
        filtered: None,
    }
}

fn healthy() -> RetrievalReading {
    reading(
        (0..8)
            .map(|i| query(&i.to_string(), &NEAR, &NEAR, 1.0))
            .collect(),
    )
}

#[track_caller]
fn check(
    control: &RetrievalReading,
    side: &RetrievalReading,
    expected: &[(Aspect, RetrievalOutcome)],
) {
    let comparison = compare_retrieval(Some(control), Some(side));
    for (aspect, outcome) in expected {
        let finding = comparison.of(*aspect).expect("looked at");
        assert_eq!(finding.outcome, *outcome, "{aspect:?}: {}", finding.why);
    }
}

use RetrievalOutcome::{Fails, NotChecked, Same, Warns};

#[test]
fn like_readings_are_the_same_and_survive_being_saved() {
    let reading = healthy();
    assert_eq!(
        reading.plain.quality.recall,
        ShareAt::of(k(), [Some(1.0); 8])
    );
    let comparison = compare_retrieval(Some(&reading), Some(&reading));
    assert_eq!(comparison.worst(), Same, "{comparison:?}");
    let saved = serde_json::to_string(&reading).expect("JSON");
    assert_eq!(
        serde_json::from_str::<RetrievalReading>(&saved).expect("read"),
        reading
    );
}

#[test]
fn what_was_not_read_is_not_checked() {
    let comparison = compare_retrieval(Some(&healthy()), None);
    assert_eq!(comparison.worst(), NotChecked);
    assert!(
        comparison
            .findings
            .iter()
            .all(|finding| finding.outcome == NotChecked)
    );
}

#[test]
fn another_metric_fails() {
    let mut other = healthy();
    other.inference = inference(false);
    other.agreement = other.inference.beside(Some("dot"));
    assert_eq!(other.inference.metric, Inferred::Cosine);
    check(
        &healthy(),
        &other,
        &[
            (Aspect::Metric, Fails),
            (Aspect::ControlMetric, Same),
            (Aspect::SideMetric, Fails),
        ],
    );
    let mut unread = healthy();
    unread.inference = Inference::undetermined("not a distance: ranking is hybrid");
    unread.agreement = unread.inference.beside(Some("dot"));
    check(
        &healthy(),
        &unread,
        &[
            (Aspect::Metric, NotChecked),
            (Aspect::SideMetric, NotChecked),
        ],
    );
}

#[test]
fn other_exact_neighbours_are_other_data() {
    let mut side = healthy();
    let mut queries = side.plain.queries.clone();
    queries[2] = query(
        "2",
        &[("a", 1.0), ("b", 0.9), ("x", 0.85)],
        &[("a", 1.0), ("b", 0.9), ("x", 0.85)],
        1.0,
    );
    side = reading(queries);
    check(
        &healthy(),
        &side,
        &[
            (Aspect::ExactNeighbours, Fails),
            (Aspect::FoundNeighbours, NotChecked),
            (Aspect::Recall, Same),
        ],
    );
}

#[test]
fn another_graph_over_the_same_data_is_noise_as_far_as_recall_bounds_it() {
    let missed = [("a", 1.0), ("b", 0.9), ("z", 0.1)];
    let spoilt = |n: usize| {
        let of = |i: usize| {
            let found = if i < n { &missed } else { &NEAR };
            query(&i.to_string(), found, &NEAR, 1.0)
        };
        reading((0..8).map(of).collect())
    };
    // A third of one list of eight is 4.2 %.
    let expected = [
        (Aspect::ExactNeighbours, Same),
        (Aspect::FoundNeighbours, Warns),
        (Aspect::Recall, Warns),
    ];
    check(&healthy(), &spoilt(1), &expected);
    check(&healthy(), &spoilt(2), &[(Aspect::Recall, Fails)]);
    check(&spoilt(2), &healthy(), &[(Aspect::Recall, Same)]);
}

#[test]
fn what_a_side_does_not_find_again_itself_is_no_difference() {
    let missed = [("a", 1.0), ("b", 0.9), ("z", 0.1)];
    let noisy = |found: &[(&str, f64)]| {
        reading(
            (0..8)
                .map(|i| query(&i.to_string(), found, &NEAR, 2.0 / 3.0))
                .collect(),
        )
    };
    let expected = [(Aspect::FoundNeighbours, Same), (Aspect::Recall, Same)];
    check(&noisy(&NEAR), &noisy(&missed), &expected);
}

#[test]
fn a_row_that_does_not_find_itself_is_seen() {
    let lost = [("b", 0.9), ("c", 0.8), ("z", 0.1)];
    let side = reading(
        (0..8)
            .map(|i| query(&i.to_string(), &lost, &NEAR, 1.0))
            .collect(),
    );
    assert_eq!(
        side.plain
            .quality
            .self_retrieval
            .map(|itself| itself.rate()),
        Some(0.0)
    );
    check(&healthy(), &side, &[(Aspect::SelfRetrieval, Fails)]);
}

#[test]
fn filters_are_compared_only_if_they_are_one() {
    let filtered = |name: &str| {
        let mut reading = healthy();
        let filter = BTreeMap::from([(name.to_owned(), Value::from("en"))]);
        let queries = reading.plain.queries.clone();
        reading.filtered = Some(ConditionReading::new(filter, 4, k(), queries, |_| true));
        reading
    };
    check(
        &filtered("lang"),
        &filtered("lang"),
        &[(Aspect::FilteredRecall, Same)],
    );
    check(
        &filtered("lang"),
        &filtered("rev"),
        &[(Aspect::FilteredRecall, NotChecked)],
    );
    check(
        &filtered("lang"),
        &healthy(),
        &[(Aspect::FilteredRecall, NotChecked)],
    );
}

#[test]
fn ties_stand_for_each_other_and_nothing_else_does() {
    let tied = list(&[("a", 1.0), ("b", 0.8), ("c", 0.8)]);
    let other = list(&[("a", 1.0), ("c", 0.8), ("d", 0.800_000_000_1)]);
    assert_eq!(overlap(&tied, &other), 1.0);
    let nearer = list(&[("d", 1.0), ("a", 1.0), ("b", 0.8)]);
    assert_eq!(
        overlap(&tied, &nearer),
        2.0 / 3.0,
        "a nearer row is another list"
    );
    assert_eq!(overlap(&[], &[]), 1.0);
    assert_eq!(overlap(&tied, &[]), 0.0);
    assert_eq!(recall(&[], []), None);
    assert_eq!(
        recall(&tied, [("a", None), ("a", None), ("stranger", None)]),
        Some(1.0 / 3.0)
    );
    // Distances: the nearest is at 0, and the rest tells the scale.
    let distances = list(&[("a", 0.0), ("b", -0.5)]);
    assert_eq!(
        recall(&distances, [("a", Some(0.0)), ("c", Some(-0.500_000_1))]),
        Some(1.0)
    );
    assert_eq!(
        recall(&distances, [("a", Some(0.0)), ("c", Some(-0.501))]),
        Some(0.5)
    );
}

#[test]
fn failures_and_strangers_are_counted() {
    let mut queries = healthy().plain.queries;
    queries[0].failure = Some("timeout".to_owned());
    queries[0].found.clear();
    queries[1].found[2].id = "stranger".to_owned();
    let search = reading(queries).plain;
    assert_eq!((search.n_failed, search.n_strangers), (1, 1));
    assert_eq!(search.quality.recall.map(|share| share.n), Some(7));
}
