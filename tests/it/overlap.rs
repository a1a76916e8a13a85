//! Rank-biased overlap with its authors' published values.

use ragstone::ranking::{Ranking, rbo_ext};

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

#[test]
fn rbo_agrees_with_the_authors_of_its_tie_variants() {
    let Some(folder) = shared_data("rbo") else {
        return;
    };
    let table = std::fs::read_to_string(folder.join("rbo_2000.csv")).expect("readable");
    let mut compared = 0;
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let (p, expected): (f64, f64) = (
            columns[2].parse().expect("p"),
            columns[7].parse().expect("a.ext"),
        );
        let found = rbo_ext(&ranking(columns[0]), &ranking(columns[1]), p);
        assert!((found - expected).abs() < 1e-6, "{line}: {found}");
        compared += 1;
    }
    assert_eq!(compared, 2000);
}
