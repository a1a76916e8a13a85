//! Mann and Whitney's test, and effect sizes from the same pairs.
//!
//! It does not decide latency (STATISTICS.md: it misses a tail fault and flags a harmless shift);
//! Cliff's δ is printed as a diagnostic.

use crate::stats::order::median;
use crate::stats::ranks::{doubled_midranks, in_whole_steps};
use crate::stats::test_result::Tails;
use crate::stats::{Alternative, NullLaw, TestResult};

/// Whether a value of `x` tends to be above one of `y`; the statistic is U of `x`: how many pairs
/// `(x, y)` have `x > y`, a tie counting one half.
///
/// `None` if a sample is empty or holds NaN, or if every value is the same under a normal law.
/// [`NullLaw::Exact`] runs over every way of dealing the ranks that were seen, ties included; its
/// time is `O(n · N · n N)` for `n` values of `x` in `N`, fine up to some hundred.
///
/// ```
/// use ragstone::stats::{Alternative, NullLaw, mann_whitney};
/// let test = mann_whitney(&[4.0, 5.0], &[1.0, 2.0, 3.0], Alternative::Greater, NullLaw::Exact);
/// let test = test.unwrap();
/// assert_eq!(test.statistic, 6.0);
/// assert!((test.p - 0.1).abs() < 1e-12); // 1 of 10 arrangements.
/// ```
///
/// Source: Mann and Whitney (1947); variance with ties as in Conover, *Practical Nonparametric
/// Statistics*, section 5.1.
pub fn mann_whitney(
    x: &[f64],
    y: &[f64],
    alternative: Alternative,
    law: NullLaw,
) -> Option<TestResult> {
    let doubled = joint_doubled_ranks(x, y)?;
    let (n, m) = (x.len(), y.len());
    let statistic = u_of(&doubled, n);
    let tails = if law == NullLaw::Exact {
        let (ranks, _) = in_whole_steps(&doubled);
        let observed = ranks[..n].iter().sum();
        Tails::of_law(&rank_sum_law(&ranks, n), observed)
    } else {
        let all = (n + m) as f64;
        let centre = f64::midpoint(all, 1.0);
        let squares: f64 = doubled
            .iter()
            .map(|&rank| (rank as f64 / 2.0 - centre).powi(2))
            .sum();
        let pairs = (n * m) as f64;
        let variance = pairs * squares / (all * (all - 1.0));
        Tails::normal(statistic, pairs / 2.0, variance, law.continuity())?
    };
    Some(TestResult {
        statistic,
        p: tails.p(alternative),
    })
}

/// The probability that U is at most `u` for samples of `n` and `m` values without ties.
///
/// ```
/// assert!((ragstone::stats::mann_whitney_cdf(1, 3, 2) - 0.2).abs() < 1e-12);
/// ```
///
/// Source: Mann and Whitney (1947), whose tables start on page 52.
pub fn mann_whitney_cdf(u: usize, n: usize, m: usize) -> f64 {
    let ranks: Vec<usize> = (1..=n + m).collect();
    let law = rank_sum_law(&ranks, n);
    let lowest = n * (n + 1) / 2;
    law.iter().take(lowest + u + 1).sum::<f64>().min(1.0)
}

/// Cliff's δ: how much more often a value of `x` is above one of `y` than below, in `[-1, 1]`.
///
/// `None` if a sample is empty or holds NaN.
///
/// ```
/// assert_eq!(ragstone::stats::cliffs_delta(&[2.0, 3.0], &[1.0, 2.0]), Some(0.75));
/// ```
///
/// Source: Cliff (1993), *Dominance statistics*; here as `2U / (n m) − 1`. Time `O(N log N)`.
pub fn cliffs_delta(x: &[f64], y: &[f64]) -> Option<f64> {
    let u = u_of(&joint_doubled_ranks(x, y)?, x.len());
    Some(2.0 * u / (x.len() * y.len()) as f64 - 1.0)
}

/// The Hodges–Lehmann shift: the median of all differences `x − y`.
///
/// `None` if a sample is empty or a value is not finite. Time and memory `O(n · m)`.
///
/// ```
/// assert_eq!(ragstone::stats::hodges_lehmann(&[3.0, 4.0, 9.0], &[1.0, 2.0, 2.5]), Some(2.0));
/// ```
///
/// Source: Hodges and Lehmann (1963), *Estimates of location based on rank tests*.
pub fn hodges_lehmann(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.iter().chain(y).any(|value| !value.is_finite()) {
        return None;
    }
    let differences: Vec<f64> = x
        .iter()
        .flat_map(|x| y.iter().map(move |y| x - y))
        .collect();
    median(&differences)
}

/// Twice the rank of each value of `x`, then of `y`, among all of them.
fn joint_doubled_ranks(x: &[f64], y: &[f64]) -> Option<Vec<usize>> {
    let all = [x, y].concat();
    if x.is_empty() || y.is_empty() || all.iter().any(|value| value.is_nan()) {
        return None;
    }
    Some(doubled_midranks(&all))
}

fn u_of(doubled: &[usize], n: usize) -> f64 {
    (doubled[..n].iter().sum::<usize>() - n * (n + 1)) as f64 / 2.0
}

/// The probability of each sum of `chosen` of these ranks, all choices being equally likely.
fn rank_sum_law(ranks: &[usize], chosen: usize) -> Vec<f64> {
    let mut largest = ranks.to_vec();
    largest.sort_unstable_by(|a, b| b.cmp(a));
    let longest: usize = largest[..chosen].iter().sum();
    // `law[j][s]`: j ranks taken so far, which sum to s.
    let mut law = vec![vec![0.0; longest + 1]; chosen + 1];
    law[0][0] = 1.0;
    for (seen, &rank) in ranks.iter().enumerate() {
        let left = (ranks.len() - seen) as f64;
        for taken in (0..=chosen.min(seen + 1)).rev() {
            // With j taken, this rank is one of the `left`, of which chosen − j are still to come.
            let kept_out = 1.0 - (chosen - taken) as f64 / left;
            for value in &mut law[taken] {
                *value *= kept_out.max(0.0);
            }
            if taken > 0 && rank <= longest {
                let let_in = (chosen - taken + 1) as f64 / left;
                let (before, after) = law.split_at_mut(taken);
                let from = &before[taken - 1][..=longest - rank];
                for (to, from) in after[0][rank..].iter_mut().zip(from) {
                    *to += from * let_in;
                }
            }
        }
    }
    law.swap_remove(chosen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Both tails by trying every way of choosing which values are x.
    fn by_enumeration(x: &[f64], y: &[f64]) -> (f64, f64) {
        let all = [x, y].concat();
        let u = |is_x: &dyn Fn(usize) -> bool| -> f64 {
            let mut u = 0.0;
            for i in (0..all.len()).filter(|&i| is_x(i)) {
                for j in (0..all.len()).filter(|&j| !is_x(j)) {
                    u += f64::from(u8::from(all[i] > all[j]));
                    u += f64::from(u8::from(all[i] == all[j])) / 2.0;
                }
            }
            u
        };
        let observed = u(&|i| i < x.len());
        let (mut lower, mut upper, mut count) = (0.0, 0.0, 0.0);
        for mask in (0_u32..1 << all.len()).filter(|m| m.count_ones() as usize == x.len()) {
            let other = u(&|i| mask >> i & 1 == 1);
            lower += f64::from(u8::from(other <= observed));
            upper += f64::from(u8::from(other >= observed));
            count += 1.0;
        }
        (lower / count, upper / count)
    }

    proptest! {
        #[test]
        fn the_exact_law_counts_every_arrangement_with_ties(
            x in prop::collection::vec((0_i8..6).prop_map(f64::from), 1..5),
            y in prop::collection::vec((0_i8..6).prop_map(f64::from), 1..6),
        ) {
            let (lower, upper) = by_enumeration(&x, &y);
            let p = |alternative| mann_whitney(&x, &y, alternative, NullLaw::Exact).expect("values").p;
            prop_assert!((p(Alternative::Less) - lower).abs() < 1e-12);
            prop_assert!((p(Alternative::Greater) - upper).abs() < 1e-12);
            prop_assert!((p(Alternative::TwoSided) - (2.0 * lower.min(upper)).min(1.0)).abs() < 1e-12);
        }

        #[test]
        fn cliffs_delta_counts_pairs(
            x in prop::collection::vec((0_i8..9).prop_map(f64::from), 1..9),
            y in prop::collection::vec((0_i8..9).prop_map(f64::from), 1..9),
        ) {
            let signs: f64 = x.iter().flat_map(|x| y.iter().map(move |y| {
                f64::from(i8::from(x > y) - i8::from(x < y))
            })).sum();
            let slow = signs / (x.len() * y.len()) as f64;
            prop_assert!((cliffs_delta(&x, &y).expect("values") - slow).abs() < 1e-12);
        }
    }

    #[test]
    fn one_value_everywhere_is_no_evidence() {
        let flat = [1.0; 4];
        let test = |law| mann_whitney(&flat, &flat, Alternative::TwoSided, law);
        assert_eq!(test(NullLaw::Normal), None);
        assert_eq!(test(NullLaw::Exact).map(|test| test.p), Some(1.0));
        assert_eq!(cliffs_delta(&flat, &[]), None);
        assert_eq!(hodges_lehmann(&flat, &[f64::INFINITY]), None);
    }
}
