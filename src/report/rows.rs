//! How rows differ, as every report says it. Ids and keys are left as they are: the renderer makes
//! them harmless.

use crate::parity::{Ids, RowDiff, VectorDiff};

/// Metadata keys named.
const KEYS: usize = 12;

/// The lists of ids that are not empty, sections first, each with its title: `2 rows missing`.
pub(super) fn lists(rows: &RowDiff) -> Vec<(String, &Ids)> {
    let sections = &rows.sections;
    let mut lists = vec![
        ("section", "missing", &sections.missing),
        ("section", "edited", &sections.edited),
        ("section", "duplicated", &sections.duplicated),
        ("section", "that the control does not have", &sections.extra),
    ];
    lists.extend(row_lists(rows));
    if let Some(vectors) = &rows.vectors {
        lists.extend([
            ("vector", "different", &vectors.different),
            ("vector", "perturbed", &vectors.perturbed),
            ("vector", "equivalent", &vectors.equivalent),
            ("vector", "of another length", &vectors.rescaled),
        ]);
    }
    let lists = lists.into_iter().filter(|(_, _, ids)| ids.n > 0);
    lists
        .map(|(noun, how, ids)| (titled(ids.n, noun, how), ids))
        .collect()
}

fn row_lists(rows: &RowDiff) -> [(&'static str, &'static str, &Ids); 6] {
    [
        ("row", "missing", &rows.missing),
        ("row", "with another text", &rows.text_changed),
        (
            "row",
            "with a text in another normal form only (NFC)",
            &rows.normalisation_only,
        ),
        ("row", "with other metadata", &rows.metadata_changed),
        ("row", "duplicated", &rows.duplicated),
        ("row", "that the control does not have", &rows.extra),
    ]
}

fn titled(n: usize, noun: &str, how: &str) -> String {
    format!("{n} {noun}{} {how}", if n == 1 { "" } else { "s" })
}

/// `3 rows missing, 1 row duplicated`; nothing if no row differs.
pub(super) fn classes(rows: &RowDiff) -> Option<String> {
    let lists = row_lists(rows).into_iter().filter(|(_, _, ids)| ids.n > 0);
    let parts: Vec<String> = lists
        .map(|(noun, how, ids)| titled(ids.n, noun, how))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Metadata keys that differ, each with the number of rows, the most frequent first, and how many more
/// there are.
pub(super) fn keys(rows: &RowDiff) -> (Vec<(&str, usize)>, usize) {
    let keys = rows.metadata_keys.iter();
    let mut keys: Vec<(&str, usize)> = keys.map(|(key, n)| (key.as_str(), *n)).collect();
    keys.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let more = keys.len().saturating_sub(KEYS);
    keys.truncate(KEYS);
    (keys, more)
}

/// How the vectors differ, in a sentence. What was not compared is not called the same.
pub(super) fn vectors(rows: &RowDiff) -> String {
    let Some(vectors) = &rows.vectors else {
        return "Vectors were not compared: no row that both have came with one.".to_owned();
    };
    let VectorDiff {
        equivalent,
        perturbed,
        different,
        rescaled,
        ..
    } = vectors;
    let mut parts = vec![format!("{} identical", vectors.n_identical)];
    let classes = [
        (equivalent, "equivalent (1 − cos ≤ 1e-6)"),
        (perturbed, "perturbed (1 − cos ≤ 1e-3)"),
        (different, "different"),
    ];
    let found = classes.into_iter().filter(|(ids, _)| ids.n > 0);
    parts.extend(found.map(|(ids, class)| format!("{} {class}", ids.n)));
    let mut sentence = format!("Vectors: {}", parts.join(", "));
    let mut also = |words: String| {
        sentence.push_str("; ");
        sentence.push_str(&words);
    };
    if rescaled.n > 0 {
        also(format!("{} of another length", rescaled.n));
    }
    let measured = [
        ("1 − cos", vectors.max_distance),
        ("difference of a coordinate", vectors.max_delta),
    ];
    for (what, value) in measured {
        if let Some(value) = value.filter(|value| *value > 0.0) {
            also(format!("largest {what} {value:.1e}"));
        }
    }
    if vectors.n_estimated > 0 {
        let n = vectors.n_estimated;
        also(format!("{n} estimated from projections"));
    }
    sentence.push('.');
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(n: usize) -> Ids {
        let mut ids = Ids::default();
        for id in 0..n {
            ids.add(&id.to_string());
        }
        ids
    }

    #[test]
    fn vectors_that_were_not_compared_are_not_the_same() {
        let none = vectors(&RowDiff::default());
        assert!(none.contains("not compared") && !none.contains("identical"));
    }

    #[test]
    fn each_class_of_vectors_has_its_count_and_the_largest_distance() {
        let rows = RowDiff {
            vectors: Some(VectorDiff {
                n_identical: 5,
                equivalent: ids(2),
                perturbed: ids(1),
                different: ids(3),
                rescaled: ids(4),
                max_distance: Some(0.25),
                max_delta: Some(0.0),
                n_estimated: 1,
            }),
            ..RowDiff::default()
        };
        assert_eq!(
            vectors(&rows),
            "Vectors: 5 identical, 2 equivalent (1 − cos ≤ 1e-6), 1 perturbed (1 − cos ≤ 1e-3), 3 different; \
             4 of another length; largest 1 − cos 2.5e-1; 1 estimated from projections."
        );
        let titles: Vec<String> = lists(&rows).into_iter().map(|(title, _)| title).collect();
        let expected = [
            "3 vectors different",
            "1 vector perturbed",
            "2 vectors equivalent",
            "4 vectors of another length",
        ];
        assert_eq!(titles, expected);
        assert_eq!(classes(&rows), None);
    }

    #[test]
    fn the_most_frequent_keys_come_first_and_the_rest_is_counted() {
        let mut rows = RowDiff::default();
        for key in 0..15 {
            rows.metadata_keys.insert(format!("k{key:02}"), key % 3 + 1);
        }
        let (named, more) = keys(&rows);
        assert_eq!((named.len(), more), (KEYS, 3));
        assert_eq!(named[..2], [("k02", 3), ("k05", 3)]);
    }
}
