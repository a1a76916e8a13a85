//! Two stamps beside each other, read bucket by bucket, against a slow and obvious comparison of all rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float32Builder, ListBuilder, StringArray};
use proptest::prelude::*;
use ragstone::export::{Columns, Source};
use ragstone::ids::Digest;
use ragstone::parity::stamp::{Digester, GivenRow, SEED, bucket_of};
use ragstone::parity::{
    Behaviour, Contract, IdFinding, Ids, RowClass, RowDiff, StampRow, VectorClass, VectorDiff,
    VectorFinding,
};
use ragstone::stamp::{Making, Numbers, Said, Saved, difference, make};
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization as _;

use crate::exports::{arrow, batch};

/// Ids of which many share a bucket: equal rows stand beside rows that differ.
static IDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let bucket = |id: &String| {
        let digest = Digest::of(id);
        bucket_of(u64::from_be_bytes(
            *digest.as_bytes().first_chunk().expect("32 bytes"),
        ))
    };
    let ids = (0..).map(|i| format!("i{i}")).filter(|id| bucket(id) < 4);
    ids.take(24).collect()
});
const TEXTS: [Option<&str>; 6] = [
    None,
    Some(""),
    Some("a"),
    Some("b"),
    Some("\u{e9}"),
    Some("e\u{301}"),
];
const METADATA: [&str; 5] = [
    "{}",
    "{\"k\":1}",
    "{\"k\":1.0,\"j\":\"x\"}",
    "{\"k\":2}",
    "{\"j\":\"x\"}",
];

/// Vectors that are near, far, stretched and unsound.
fn vector(i: usize) -> Option<Vec<f32>> {
    let base = [0.1, -0.2, 0.3, 0.4, -0.5];
    let with =
        |change: &dyn Fn(usize, f32) -> f32| Some((0..5).map(|i| change(i, base[i])).collect());
    match i {
        0 => None,
        1 => with(&|_, x| x),
        2 => with(&|i, x| if i == 1 { x + 1e-5 } else { x }),
        3 => with(&|i, x| if i == 1 { x + 1e-2 } else { x }),
        4 => with(&|_, x| -x),
        5 => with(&|_, x| 2.0 * x),
        6 => Some(vec![0.0; 5]),
        7 => with(&|i, x| if i == 2 { f32::NAN } else { x }),
        _ => Some(vec![0.5; 6]),
    }
}
const VECTORS: usize = 9;

/// One row by the places of what it holds.
#[derive(Clone, Copy, Debug)]
struct Row {
    id: usize,
    text: usize,
    metadata: usize,
    vector: usize,
}

impl Row {
    fn id(&self) -> &'static str {
        &IDS[self.id]
    }

    /// Every third id was cut from no section that is known.
    fn section(&self) -> Option<String> {
        (!self.id.is_multiple_of(3)).then(|| format!("d/s{}", self.id / 2))
    }

    fn metadata(&self) -> Map<String, Value> {
        serde_json::from_str(METADATA[self.metadata]).expect("an object")
    }

    fn stamp(&self, digester: &Digester, compared: Compared) -> StampRow {
        let vector = vector(self.vector).filter(|_| compared.vectors);
        let given = GivenRow {
            id: self.id(),
            section: None,
            text: TEXTS[self.text]
                .filter(|_| compared.texts)
                .unwrap_or_default(),
            metadata: &self.metadata(),
            vector: vector.as_deref(),
        };
        digester.row(&given).expect("canonical")
    }
}

fn any_row() -> impl Strategy<Value = Row> {
    (0..IDS.len(), 0..TEXTS.len(), 0..METADATA.len(), 0..VECTORS).prop_map(
        |(id, text, metadata, vector)| Row {
            id,
            text,
            metadata,
            vector,
        },
    )
}

/// What becomes of a row on the other side.
fn changed(row: Row, how: u8, other: Row) -> Vec<Row> {
    match how {
        0 => vec![],
        1 => vec![row, row],
        2 => vec![Row {
            text: other.text,
            ..row
        }],
        3 => vec![Row {
            metadata: other.metadata,
            ..row
        }],
        4 => vec![Row {
            vector: other.vector,
            ..row
        }],
        5 => vec![row, other],
        6 => vec![other],
        _ => vec![row],
    }
}

fn two_indexes() -> impl Strategy<Value = (Vec<Row>, Vec<Row>)> {
    let rows = prop::collection::vec((any_row(), 0_u8..16, any_row()), 0..30);
    rows.prop_map(|rows| {
        let ours = rows.iter().map(|(row, _, _)| *row).collect();
        let theirs = rows.into_iter().rev();
        let theirs = theirs.flat_map(|(row, how, other)| changed(row, how, other));
        (ours, theirs.collect())
    })
}

/// An export of the rows.
fn export(rows: &[Row], path: &Path) -> Source {
    let texts = |of: &dyn Fn(&Row) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    };
    let part = |row: &Row, at: usize| {
        let section = row.section()?;
        section.split('/').nth(at).map(str::to_owned)
    };
    let mut vectors = ListBuilder::new(Float32Builder::new());
    for row in rows {
        let vector = vector(row.vector);
        vectors
            .values()
            .append_slice(vector.as_deref().unwrap_or_default());
        vectors.append(vector.is_some());
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", texts(&|row| Some(row.id().to_owned()))),
        ("text", texts(&|row| TEXTS[row.text].map(str::to_owned))),
        (
            "metadata",
            texts(&|row| Some(METADATA[row.metadata].to_owned())),
        ),
        ("doc_id", texts(&|row| part(row, 0))),
        ("section_id", texts(&|row| part(row, 1))),
        ("vector", Arc::new(vectors.finish())),
    ];
    arrow(path, &batch(columns));
    Source::open(&[path.to_owned()], &Columns::default()).expect("an export")
}

/// What both sides have of rows.
#[derive(Clone, Copy)]
struct Compared {
    texts: bool,
    vectors: bool,
}

/// The comparison that anybody would write: every id of both sides, one after another.
struct Slow<'a> {
    ours: &'a [Row],
    theirs: &'a [Row],
    compared: Compared,
    numbers: bool,
    digester: Digester,
}

impl<'a> Slow<'a> {
    fn new(ours: &'a [Row], theirs: &'a [Row], numbers: bool) -> Self {
        let both = |has: fn(&Row) -> bool| ours.iter().any(has) && theirs.iter().any(has);
        let compared = Compared {
            texts: both(|row| TEXTS[row.text].is_some()),
            vectors: both(|row| row.vector > 0),
        };
        let digester = Digester::new(SEED);
        Self {
            ours,
            theirs,
            compared,
            numbers,
            digester,
        }
    }

    fn text(&self, row: &Row) -> &'static str {
        TEXTS[row.text]
            .filter(|_| self.compared.texts)
            .unwrap_or_default()
    }

    fn content(&self, ours: &[Row], theirs: &[Row]) -> Option<RowClass> {
        fn multiset<T: Ord>(rows: &[Row], of: impl Fn(&Row) -> T) -> Vec<T> {
            let mut all: Vec<T> = rows.iter().map(of).collect();
            all.sort();
            all
        }
        let same = |of: &dyn Fn(&Row) -> String| multiset(ours, of) == multiset(theirs, of);
        match (ours.len(), theirs.len()) {
            (0, _) => Some(RowClass::Extra),
            (a, b) if a > b => Some(RowClass::Missing),
            (a, b) if a < b => Some(RowClass::Duplicated),
            _ if same(&|row| format!("{:?} {}", self.text(row), row.metadata)) => None,
            _ if same(&|row| self.text(row).to_owned()) => Some(RowClass::MetadataChanged),
            _ if same(&|row| self.text(row).nfc().collect()) => Some(RowClass::NormalisationOnly),
            _ => Some(RowClass::TextChanged),
        }
    }

    /// Rows of both sides as they stand beside each other: by digest of text, metadata and vector.
    fn pairs(&self, ours: &[Row], theirs: &[Row]) -> Vec<((Row, StampRow), (Row, StampRow))> {
        let sorted = |rows: &[Row]| {
            let stamp = |row: &Row| (*row, row.stamp(&self.digester, self.compared));
            let mut rows: Vec<(Row, StampRow)> = rows.iter().map(stamp).collect();
            rows.sort_by_key(|(_, row)| {
                (
                    row.text,
                    row.metadata,
                    row.vector.as_ref().map(|vector| vector.digest),
                )
            });
            rows
        };
        sorted(ours).into_iter().zip(sorted(theirs)).collect()
    }

    fn keys(&self, ours: &[Row], theirs: &[Row]) -> Vec<String> {
        let mut keys = BTreeSet::new();
        for ((a, _), (b, _)) in self.pairs(ours, theirs) {
            let number =
                |value: Option<&Value>| value.map(|x| x.as_f64().map_or(x.clone(), |x| json!(x)));
            for key in ["j", "k"] {
                if number(a.metadata().get(key)) != number(b.metadata().get(key)) {
                    keys.insert(key.to_owned());
                }
            }
        }
        keys.into_iter().collect()
    }

    fn vectors(&self, ours: &[Row], theirs: &[Row]) -> Option<VectorFinding> {
        if !self.compared.vectors || ours.len() != theirs.len() {
            return None;
        }
        let those = |rows: &[Row]| {
            let mut vectors: Vec<usize> = rows
                .iter()
                .map(|row| row.vector)
                .filter(|i| *i > 0)
                .collect();
            vectors.sort_unstable();
            vectors
        };
        let (a, b) = (those(ours), those(theirs));
        if a == b {
            return (!a.is_empty()).then_some(VectorFinding::IDENTICAL);
        }
        if self.numbers && a.len() == 1 && b.len() == 1 {
            let numbers = |i: usize| vector(i).expect("a vector");
            return Some(VectorFinding::of_numbers(&numbers(a[0]), &numbers(b[0])));
        }
        let pairs = self.pairs(ours, theirs);
        let found = pairs.iter().filter_map(|((_, a), (_, b))| {
            VectorFinding::of_stamps(a.vector.as_ref(), b.vector.as_ref())
        });
        found.max_by_key(|found| found.class)
    }

    fn findings(&self) -> Vec<IdFinding> {
        let mut ids: BTreeMap<&str, (Vec<Row>, Vec<Row>)> = BTreeMap::new();
        for row in self.ours {
            ids.entry(row.id()).or_default().0.push(*row);
        }
        for row in self.theirs {
            ids.entry(row.id()).or_default().1.push(*row);
        }
        let finding = |(id, (ours, theirs)): (&str, (Vec<Row>, Vec<Row>))| {
            let content = self.content(&ours, &theirs);
            IdFinding {
                id: id.to_owned(),
                section: ours.first().or(theirs.first()).and_then(Row::section),
                content,
                keys: match content {
                    Some(RowClass::MetadataChanged) => self.keys(&ours, &theirs),
                    _ => Vec::new(),
                },
                vector: self.vectors(&ours, &theirs),
            }
        };
        ids.into_iter().map(finding).collect()
    }

    fn diff(&self) -> RowDiff {
        let findings = self.findings();
        let of = |class: RowClass| listed(&findings, |found| found.content == Some(class));
        let mut diff = RowDiff {
            n_control: self.ours.len(),
            n_target: self.theirs.len(),
            n_changed: findings
                .iter()
                .filter(|found| found.content.is_some())
                .count(),
            missing: of(RowClass::Missing),
            extra: of(RowClass::Extra),
            text_changed: of(RowClass::TextChanged),
            normalisation_only: of(RowClass::NormalisationOnly),
            metadata_changed: of(RowClass::MetadataChanged),
            duplicated: of(RowClass::Duplicated),
            vectors: vector_diff(&findings),
            ..RowDiff::default()
        };
        for key in findings.iter().flat_map(|found| &found.keys) {
            *diff.metadata_keys.entry(key.clone()).or_default() += 1;
        }
        let sections = |rows: &[Row]| {
            rows.iter()
                .filter_map(Row::section)
                .collect::<BTreeSet<_>>()
        };
        let (ours, theirs) = (sections(self.ours), sections(self.theirs));
        let mut touched: BTreeMap<&String, bool> = BTreeMap::new();
        for found in findings.iter().filter(|found| found.content.is_some()) {
            if let Some(section) = &found.section {
                *touched.entry(section).or_default() |= found.content == Some(RowClass::Duplicated);
            }
        }
        for (section, duplicated) in touched {
            let list = match (ours.contains(section), theirs.contains(section)) {
                (false, _) => &mut diff.sections.extra,
                (true, false) => &mut diff.sections.missing,
                _ if duplicated => &mut diff.sections.duplicated,
                _ => &mut diff.sections.edited,
            };
            list.n += 1;
            list.first.push(section.clone());
        }
        diff
    }
}

fn listed(findings: &[IdFinding], which: impl Fn(&IdFinding) -> bool) -> Ids {
    let ids = findings.iter().filter(|found| which(found));
    let first: Vec<String> = ids.map(|found| found.id.clone()).collect();
    Ids {
        n: first.len(),
        first,
    }
}

fn vector_diff(findings: &[IdFinding]) -> Option<VectorDiff> {
    let found: Vec<VectorFinding> = findings.iter().filter_map(|found| found.vector).collect();
    let of = |class| {
        listed(findings, |found| {
            found.vector.is_some_and(|v| v.class == class)
        })
    };
    let differing = || {
        found
            .iter()
            .filter(|found| found.class != VectorClass::Identical)
    };
    let largest =
        |of: fn(&VectorFinding) -> Option<f64>| differing().filter_map(of).reduce(f64::max);
    let rescaled = |found: &IdFinding| {
        let angle_and_stretch = found.vector.and_then(|v| v.distance.zip(v.stretch));
        angle_and_stretch.is_some_and(|(d, stretch)| stretch > 1e-3 && stretch > (2.0 * d).sqrt())
    };
    let estimated = |found: &&VectorFinding| found.basis == ragstone::parity::Basis::Projection;
    (!found.is_empty()).then(|| VectorDiff {
        n_identical: of(VectorClass::Identical).n,
        equivalent: of(VectorClass::Equivalent),
        perturbed: of(VectorClass::Perturbed),
        different: of(VectorClass::Different),
        rescaled: listed(findings, rescaled),
        max_distance: largest(|found| found.distance),
        max_delta: largest(|found| found.max_delta),
        n_estimated: differing().filter(estimated).count(),
    })
}

/// Both comparisons: the counts, and every id that differs.
type Both = [(RowDiff, Vec<IdFinding>); 2];

fn compared(ours: &[Row], theirs: &[Row], with_numbers: bool) -> Both {
    let folder = tempfile::tempdir().expect("a folder");
    let making = Making {
        seed: SEED,
        memory: 1 << 20,
        spill_to: folder.path().to_owned(),
    };
    let side = |rows: &[Row], name: &str| {
        let source = export(rows, &folder.path().join(format!("{name}.arrow")));
        let name = folder.path().join(name);
        let said = Said {
            claimed: Contract::default(),
            behaviour: Behaviour::not_read("rows only"),
        };
        make(&source, &name, &said, &making, &|_| {}).expect("a stamp");
        (source, Saved::open(&name).expect("a stamp"))
    };
    let ((a_rows, a), (b_rows, b)) = (side(ours, "a"), side(theirs, "b"));
    let numbers = Numbers {
        a: &a_rows,
        b: &b_rows,
        memory: 200,
        dim: 5,
    };
    let mut list = Vec::new();
    let fast = difference(&a, &b, with_numbers.then_some(&numbers), &mut |finding| {
        list.push(finding.clone());
        Ok(())
    });
    list.sort_by(|a, b| a.id.cmp(&b.id));
    let slow = Slow::new(ours, theirs, with_numbers);
    let mut all = slow.findings();
    all.retain(|finding| !finding.is_same());
    [(fast.expect("a difference"), list), (slow.diff(), all)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn reading_only_what_changed_finds_what_reading_everything_does((ours, theirs) in two_indexes(), with_numbers in any::<bool>()) {
        let [fast, slow] = compared(&ours, &theirs, with_numbers);
        prop_assert_eq!(&fast.1, &slow.1);
        prop_assert_eq!(&fast.0, &slow.0);
    }
}

#[test]
fn vectors_that_two_rows_of_one_id_swapped_are_the_same_vectors() {
    let row = |text, vector| Row {
        id: 1,
        text,
        metadata: 0,
        vector,
    };
    let [fast, slow] = compared(&[row(2, 1), row(3, 4)], &[row(2, 4), row(3, 1)], false);
    assert_eq!(fast, slow);
    assert!(fast.1.is_empty(), "no root differs either");
}
