//! The kernel against a slow, obvious scan.

use std::collections::BTreeMap;

use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use proptest::prelude::*;
use pulp::Arch;

use super::*;
use crate::export::{Strings, Vectors};
use crate::units::Cutoff;
use crate::vector::Metric;

const METRICS: [Metric; 3] = [Metric::Cosine, Metric::Dot, Metric::L2];

/// A row as a test writes it.
#[derive(Clone, Debug)]
struct Row {
    id: String,
    vector: Option<Vec<f32>>,
    allowed: bool,
}

/// Rows as a reader hands them on.
struct Rows {
    ids: Strings,
    vectors: Vectors,
    allowed: BooleanBuffer,
}

impl Rows {
    /// With a length of its own for each row.
    fn ragged(rows: &[Row]) -> Self {
        let lengths = rows
            .iter()
            .map(|row| row.vector.as_ref().map_or(0, Vec::len));
        let values: Vec<f32> = rows
            .iter()
            .flat_map(|row| row.vector.clone().unwrap_or_default())
            .collect();
        let offsets = OffsetBuffer::from_lengths(lengths);
        let present: NullBuffer = rows.iter().map(|row| row.vector.is_some()).collect();
        Self::of(rows, Vectors::ragged(values.into(), offsets, Some(present)))
    }

    /// All of one length.
    fn uniform(rows: &[Row], dim: usize) -> Self {
        let absent = vec![0.0; dim];
        let values: Vec<f32> = rows
            .iter()
            .flat_map(|row| row.vector.clone().unwrap_or(absent.clone()))
            .collect();
        let present: NullBuffer = rows.iter().map(|row| row.vector.is_some()).collect();
        Self::of(rows, Vectors::uniform(values.into(), dim, Some(present)))
    }

    fn of(rows: &[Row], vectors: Vectors) -> Self {
        Self {
            ids: rows.iter().map(|row| Some(row.id.as_str())).collect(),
            vectors,
            allowed: rows.iter().map(|row| row.allowed).collect(),
        }
    }

    fn block(&self) -> Block<'_> {
        Block {
            ids: &self.ids,
            vectors: &self.vectors,
            allowed: Some(&self.allowed),
        }
    }
}

/// Every score, sorted.
fn scan(metric: Metric, query: &[f32], rows: &[Row], k: Cutoff) -> Vec<Neighbor> {
    let usable = |row: &&Row| {
        let vector = row.vector.as_deref().unwrap_or_default();
        row.allowed && vector.len() == query.len() && vector.iter().all(|number| number.is_finite())
    };
    let mut all: Vec<Neighbor> = rows
        .iter()
        .filter(usable)
        .map(|row| Neighbor {
            id: row.id.clone(),
            score: metric.score(query, row.vector.as_deref().expect("usable")) + 0.0,
        })
        .filter(|neighbor| !neighbor.score.is_nan())
        .collect();
    all.sort_by(|a, b| {
        let by_score = b.score.partial_cmp(&a.score).expect("no NaN");
        by_score.then_with(|| a.id.as_bytes().cmp(b.id.as_bytes()))
    });
    all.truncate(k.get());
    all
}

/// Coordinates with ties, and of very different sizes.
fn number() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -1.0..1.0_f32,
        4 => prop::sample::select(vec![0.0_f32, -0.0, 1.0, -1.0, 0.5]),
        1 => prop::sample::select(vec![1e-30_f32, -1e-23, 1e-12, 1e12, -1e16, 3e19, -3e38]),
    ]
}

fn vector(dim: usize) -> impl Strategy<Value = Vec<f32>> {
    prop_oneof![
        3 => prop::collection::vec(-1.0..1.0_f32, dim),
        2 => prop::collection::vec(prop::sample::select(vec![0.0_f32, 1.0, -1.0]), dim),
        1 => prop::collection::vec(number(), dim),
        1 => Just(vec![0.0; dim]),
    ]
}

fn row(dim: usize) -> impl Strategy<Value = Row> {
    let spoilt = prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    let vector = prop_oneof![
        12 => vector(dim).prop_map(Some),
        1 => (vector(dim), spoilt, 0..dim).prop_map(|(mut vector, spoilt, at)| {
            vector[at] = spoilt;
            Some(vector)
        }),
        1 => vector(dim + 1).prop_map(Some),
        1 => Just(None),
    ];
    ("[a-c]{1,2}", vector, prop::bool::weighted(0.9)).prop_map(|(id, vector, allowed)| Row {
        id,
        vector,
        allowed,
    })
}

fn case() -> impl Strategy<Value = (usize, Vec<Vec<f32>>, Vec<Row>, Vec<usize>)> {
    (1..70_usize).prop_flat_map(|dim| {
        let repeats = prop::collection::vec(0..60_usize, 0..12);
        let queries = prop::collection::vec(vector(dim), 1..60);
        (
            Just(dim),
            queries,
            prop::collection::vec(row(dim), 0..60),
            repeats,
        )
    })
}

/// What the processor of this machine can be told to do with.
fn processors() -> Vec<Arch> {
    let mut all = vec![Arch::Scalar, Arch::new()];
    #[cfg(target_arch = "x86_64")]
    all.extend(pulp::x86::V3::try_new().map(Arch::V3));
    all
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads").install(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_lists_are_those_of_a_scan(
        (dim, queries, mut rows, repeats) in case(),
        k in 1..15_usize,
        cut in 0..60_usize,
    ) {
        // The same vector under another id, and the same row once more.
        for at in repeats {
            if let Some(row) = rows.get(at).cloned() {
                rows.push(Row { id: format!("{}{at}", row.id), ..row.clone() });
                rows.push(row);
            }
        }
        let k = Cutoff::new(k).expect("not 0");
        let (first, second) = rows.split_at(cut.min(rows.len()));
        let (first, second) = (Rows::ragged(first), Rows::ragged(second));
        for metric in METRICS {
            let expected: Vec<_> = queries.iter().map(|query| scan(metric, query, &rows, k)).collect();
            for arch in processors() {
                let queries = Queries::on(arch, metric, dim, queries.concat()).expect("finite");
                let found = on_threads(1 + cut % 2, || nearest(&queries, k, [first.block(), second.block()]));
                prop_assert_eq!(&found.lists, &expected, "{:?} {:?}", metric, arch);
            }
        }
    }
}

/// 1,500 rows in coordinates of thirds, in which many scores are equal.
fn many() -> Vec<Row> {
    let row = |n: u32| {
        let number =
            |i: u32| (n.wrapping_mul(2_654_435_761).rotate_left(i * 5) % 7) as f32 / 3.0 - 1.0;
        Row {
            id: format!("{:04}", n * 7_919 % 1_500),
            vector: Some((0..37).map(number).collect()),
            allowed: !n.is_multiple_of(11),
        }
    };
    (0..1_500).map(row).collect()
}

#[test]
fn threads_blocks_and_merged_searches_change_nothing() {
    let rows = many();
    let queries: Vec<f32> = rows[..130]
        .iter()
        .flat_map(|row| row.vector.clone().expect("there"))
        .collect();
    let k = Cutoff::new(10).expect("not 0");
    for metric in METRICS {
        let queries = Queries::new(metric, 37, queries.clone()).expect("finite");
        let whole = Rows::uniform(&rows, 37);
        let found = on_threads(1, || nearest(&queries, k, [whole.block()]));
        let expected: Vec<_> = rows[..130]
            .iter()
            .map(|row| scan(metric, row.vector.as_deref().expect("there"), &rows, k))
            .collect();
        assert_eq!(found.lists, expected, "{metric:?}");
        assert_eq!(
            on_threads(3, || nearest(&queries, k, [whole.block()])),
            found
        );
        let (left, right) = rows.split_at(700);
        let (left, right) = (Rows::uniform(left, 37), Rows::uniform(right, 37));
        let mut one = Nearest::new(&queries, k);
        let mut other = Nearest::new(&queries, k);
        rayon::join(|| one.add(right.block()), || other.add(left.block()));
        one.merge(other);
        assert_eq!(one.finish(), found);
    }
}

#[test]
fn what_is_no_neighbour_is_counted() {
    let row = |id: &str, vector: Option<Vec<f32>>, allowed: bool| Row {
        id: id.to_owned(),
        vector,
        allowed,
    };
    let rows = [
        row("far", Some(vec![0.0, 9.0]), true),
        row("zero", Some(vec![0.0, 0.0]), true),
        row("kept out", Some(vec![1.0, 0.0]), false),
        row("none", None, true),
        row("long", Some(vec![1.0, 0.0, 0.0]), true),
        row("nan", Some(vec![1.0, f32::NAN]), true),
        row("opposite", Some(vec![-3e38, -3e38]), true),
    ];
    let rows = Rows::ragged(&rows);
    let queries = Queries::new(Metric::Cosine, 2, vec![1.0, 1.0]).expect("finite");
    let found = nearest(&queries, Cutoff::new(9).expect("not 0"), [rows.block()]);
    let expected = Searched {
        rows: 3,
        filtered: 1,
        absent: 1,
        wrong_dim: 1,
        not_finite: 1,
        unnamed: 0,
    };
    assert_eq!(found.searched, expected);
    let list: BTreeMap<&str, f64> = found.lists[0]
        .iter()
        .map(|near| (near.id.as_str(), near.score))
        .collect();
    assert!((list["far"] - 0.5_f64.sqrt()).abs() < 1e-7, "{list:?}");
    // A row of zeros has no direction: it ranks last, beside what points the other way.
    assert_eq!((list["zero"], list["opposite"]), (-1.0, -1.0));
    assert_eq!(found.lists[0][1].id, "opposite");
}

/// Queries that the fast pass cannot speak for, beside one that it can: their products overflow.
#[test]
fn very_long_and_very_short_vectors_are_scored_all_the_same() {
    let row = |id: usize, length: f32| Row {
        id: format!("{id}"),
        vector: Some((0..40).map(|i| length * (1.0 + (i + id) as f32)).collect()),
        allowed: true,
    };
    let lengths = [1e-38, 1e-25, 1.0, 1e13, 1e15, 1e18, 1e36];
    let rows: Vec<Row> = lengths
        .into_iter()
        .enumerate()
        .map(|(id, length)| row(id, length))
        .collect();
    let whole = Rows::uniform(&rows, 40);
    let k = Cutoff::new(3).expect("not 0");
    let vectors: Vec<Vec<f32>> = rows
        .iter()
        .map(|row| row.vector.clone().expect("there"))
        .collect();
    for metric in METRICS {
        let queries = Queries::new(metric, 40, vectors.concat()).expect("finite");
        let expected: Vec<_> = vectors
            .iter()
            .map(|query| scan(metric, query, &rows, k))
            .collect();
        assert_eq!(
            nearest(&queries, k, [whole.block()]).lists,
            expected,
            "{metric:?}"
        );
    }
}

#[test]
fn what_cannot_be_searched_for_is_refused() {
    let refused = |dim, values| Queries::new(Metric::Dot, dim, values).err();
    assert_eq!(
        refused(2, vec![1.0; 3]),
        Some(QueriesError::NotRows { numbers: 3, dim: 2 })
    );
    assert_eq!(
        refused(0, vec![1.0; 3]),
        Some(QueriesError::NotRows { numbers: 3, dim: 0 })
    );
    assert_eq!(
        refused(2, vec![1.0, 0.0, 0.0, f32::NAN]),
        Some(QueriesError::NotFinite { query: 1 })
    );
    let none = Queries::new(Metric::Dot, 2, Vec::new()).expect("no query is no mistake");
    let rows = Rows::uniform(&many()[..4], 37);
    let found = nearest(&none, Cutoff::new(1).expect("not 0"), [rows.block()]);
    assert!(found.lists.is_empty());
    assert_eq!(found.searched.wrong_dim, 3);
}
