//! Measures of overlap with published values.

use ragstone::ranking::{Ranking, Ties, rbo, rbo_ext};

use crate::support::shared_data;

/// `(i5 i9) i3` is a tie of two, then one item.
fn ranking(text: &str) -> Ranking<String> {
    let mut scored = Vec::new();
    let (mut rank, mut tied) = (0.0, false);
    for word in text.split_whitespace() {
        tied |= word.starts_with('(');
        scored.push((word.trim_matches(['(', ')']).to_owned(), -rank));
        if word.ends_with(')') {
            tied = false;
        }
        if !tied {
            rank += 1.0;
        }
    }
    Ranking::from_scores(scored)
}

/// `ext`, `min`, `max` and `res` of one variant.
#[track_caller]
fn check(a: &str, b: &str, p: f64, ties: Ties, expected: [f64; 4]) {
    let (a, b) = (ranking(a), ranking(b));
    let found = rbo(&a, &b, p, ties).expect("not empty");
    let values = [found.ext, found.min, found.max, found.res];
    for (found, expected) in values.iter().zip(expected) {
        let far = (found - expected).abs();
        assert!(far < 1e-6, "{ties:?}: {values:?}, expected {expected}");
    }
    if ties == Ties::A {
        assert_eq!(rbo_ext(&a, &b, p).to_bits(), found.ext.to_bits());
    }
}

#[test]
fn rbo_agrees_with_the_authors_of_its_tie_variants() {
    let Some(folder) = shared_data("rbo") else {
        return;
    };
    let table = std::fs::read_to_string(folder.join("rbo_2000.csv")).expect("readable");
    let mut compared = 0;
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let number = |column: usize| columns[column].parse::<f64>().expect("a number");
        for (first, ties) in [(3, Ties::W), (7, Ties::A), (11, Ties::B)] {
            let expected = [0, 1, 2, 3].map(|value| number(first + value));
            check(columns[0], columns[1], number(2), ties, expected);
            compared += expected.len();
        }
    }
    assert_eq!(compared, 24_000);
}
