//! Reciprocal rank fusion.

use std::collections::BTreeMap;

use crate::target::embedded::best_first;

/// Damping of the first ranks. Source: Cormack, Clarke and Büttcher (2009), who found 60 good on
/// every collection they tried.
const K: f64 = 60.0;

/// Fuses rankings of rows: a row scores Σ 1 / (60 + rank) over the rankings that hold it. Best
/// first, ties by row.
pub(super) fn reciprocal_rank(rankings: &[Vec<(usize, f64)>]) -> Vec<(usize, f64)> {
    let mut scores: BTreeMap<usize, f64> = BTreeMap::new();
    for ranking in rankings {
        for (rank, (row, _)) in (1_u32..).zip(ranking) {
            *scores.entry(*row).or_default() += 1.0 / (K + f64::from(rank));
        }
    }
    let mut fused: Vec<(usize, f64)> = scores.into_iter().collect();
    best_first(&mut fused);
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_high_in_both_beats_a_row_first_in_one() {
        let fused = reciprocal_rank(&[vec![(7, 0.9), (3, 0.8)], vec![(5, 12.0), (3, 11.0)]]);
        let order: Vec<usize> = fused.iter().map(|(row, _)| *row).collect();
        assert_eq!(order, [3, 5, 7]);
        assert!((fused[0].1 - 2.0 / 62.0).abs() < 1e-15);
    }
}
