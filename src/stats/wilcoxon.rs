//! Wilcoxon's signed-rank test of paired differences, and the bounds it implies.

use crate::stats::order::median;
use crate::stats::ranks::{doubled_midranks, in_whole_steps};
use crate::stats::test_result::Tails;
use crate::stats::{Alternative, Interval, NullLaw, TestResult};
use crate::units::Confidence;

/// What happens to pairs without a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// They are dropped before ranking.
    Wilcox,
    /// They take the lowest ranks, which then count for neither side: many ties at zero weaken
    /// the evidence of the rest less than dropping them would suggest.
    Pratt,
}

/// Whether differences are symmetric about zero; the statistic is W⁺, the sum of the ranks of the
/// positive ones by absolute size.
///
/// `None` for a value that is NaN or when no difference is left. [`NullLaw::Exact`] flips every
/// sign over the ranks that were seen, ties and zeros included, in time `O(n³)`: milliseconds at a
/// hundred differences. Infinite differences are legal and tie with each other.
///
/// ```
/// use ragstone::stats::{Alternative, NullLaw, Zeros, wilcoxon_signed_rank};
/// let differences = [1.1, 2.0, 0.3, -0.2];
/// let test = wilcoxon_signed_rank(&differences, Alternative::Greater, Zeros::Wilcox, NullLaw::Exact);
/// let test = test.unwrap();
/// assert_eq!((test.statistic, test.p), (9.0, 0.125)); // 2 of 16 sign patterns.
/// ```
///
/// Source: Wilcoxon (1945); Pratt (1959), *Remarks on zeros and ties in the Wilcoxon signed rank
/// procedures*.
pub fn wilcoxon_signed_rank(
    differences: &[f64],
    alternative: Alternative,
    zeros: Zeros,
    law: NullLaw,
) -> Option<TestResult> {
    if differences.iter().any(|difference| difference.is_nan()) {
        return None;
    }
    let ranked: Vec<f64> = differences
        .iter()
        .copied()
        .filter(|&difference| zeros == Zeros::Pratt || difference != 0.0)
        .collect();
    let sizes: Vec<f64> = ranked.iter().map(|difference| difference.abs()).collect();
    let (ranks, step) = in_whole_steps(&doubled_midranks(&sizes));
    let (mut signed, mut positive) = (Vec::new(), 0);
    for (&difference, &rank) in ranked.iter().zip(&ranks).filter(|(d, _)| **d != 0.0) {
        signed.push(rank);
        positive += if difference > 0.0 { rank } else { 0 };
    }
    if signed.is_empty() {
        return None;
    }
    let statistic = positive as f64 * step;
    let tails = if law == NullLaw::Exact {
        Tails::of_law(&signed_sum_law(&signed), positive)
    } else {
        // Each rank counts or does not, by a fair coin: mean r/2, variance r²/4.
        let sizes = signed.iter().map(|&rank| rank as f64 * step);
        let (sum, squares) = sizes.fold((0.0, 0.0), |(sum, squares), rank| {
            (sum + rank, squares + rank * rank)
        });
        Tails::normal(statistic, sum / 2.0, squares / 4.0, law.continuity())?
    };
    Some(TestResult {
        statistic,
        p: tails.p(alternative),
    })
}

/// The pseudomedian (the median of all pairwise means) with the exact bounds of the signed-rank
/// test, each one-sided at `confidence`.
///
/// Holds for differences that are symmetric about their centre. `None` for no values or one that
/// is not finite; a sample too small for a bound has an infinite one. Time `O(n² log n + n³)`.
///
/// ```
/// use ragstone::{stats::pseudomedian_bounds, units::Confidence};
/// let bounds = pseudomedian_bounds(&[1.0, 2.0, 3.0, 4.0, 6.0], Confidence::P95).unwrap();
/// assert_eq!((bounds.low, bounds.estimate, bounds.high), (1.0, 3.0, 6.0));
/// ```
///
/// Source: Tukey's bounds over the Walsh averages; Hollander and Wolfe, *Nonparametric Statistical
/// Methods*, section 3.3.
pub fn pseudomedian_bounds(differences: &[f64], confidence: Confidence) -> Option<Interval> {
    if differences.is_empty() || differences.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut averages: Vec<f64> = differences
        .iter()
        .enumerate()
        .flat_map(|(i, &a)| differences[i..].iter().map(move |&b| f64::midpoint(a, b)))
        .collect();
    averages.sort_by(f64::total_cmp);
    let ranks: Vec<usize> = (1..=differences.len()).collect();
    let law = signed_sum_law(&ranks);
    // How many sums, from 0 up, together stay within the error allowed: the bound's rank.
    let mut total = 0.0;
    let rank = law
        .iter()
        .take_while(|&&probability| {
            total += probability;
            total <= confidence.alpha()
        })
        .count();
    let (low, high) = match rank.checked_sub(1) {
        Some(index) => (averages[index], averages[averages.len() - 1 - index]),
        None => (f64::NEG_INFINITY, f64::INFINITY),
    };
    Some(Interval {
        estimate: median(&averages)?,
        low,
        high,
    })
}

/// The probability of each sum of ranks, each of which counts or does not by a fair coin.
fn signed_sum_law(ranks: &[usize]) -> Vec<f64> {
    let mut law = vec![0.0; ranks.iter().sum::<usize>() + 1];
    law[0] = 1.0;
    let mut reached = 0;
    for &rank in ranks {
        reached += rank;
        for sum in (0..=reached).rev() {
            let with = sum.checked_sub(rank).map_or(0.0, |before| law[before]);
            law[sum] = f64::midpoint(law[sum], with);
        }
    }
    law
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Both tails by flipping every sign and ranking anew.
    fn by_enumeration(differences: &[f64], zeros: Zeros) -> (f64, f64) {
        let w = |values: &[f64]| -> f64 {
            let kept: Vec<f64> = values
                .iter()
                .copied()
                .filter(|&v| zeros == Zeros::Pratt || v != 0.0)
                .collect();
            let rank = |value: f64| {
                let below = kept.iter().filter(|v| v.abs() < value).count() as f64;
                let same = kept.iter().filter(|v| v.abs() == value).count() as f64;
                below + f64::midpoint(same, 1.0)
            };
            kept.iter().filter(|&&v| v > 0.0).map(|&v| rank(v)).sum()
        };
        let observed = w(differences);
        let (mut lower, mut upper) = (0.0, 0.0);
        for mask in 0_u32..1 << differences.len() {
            let flipped: Vec<f64> = (differences.iter().enumerate())
                .map(|(i, &d)| if mask >> i & 1 == 1 { -d } else { d })
                .collect();
            lower += f64::from(u8::from(w(&flipped) <= observed));
            upper += f64::from(u8::from(w(&flipped) >= observed));
        }
        let all = f64::from(1_u32 << differences.len());
        (lower / all, upper / all)
    }

    proptest! {
        #[test]
        fn the_exact_law_flips_every_sign_with_ties_and_zeros(
            differences in prop::collection::vec((-4_i8..5).prop_map(f64::from), 1..9),
            pratt in any::<bool>(),
        ) {
            let zeros = if pratt { Zeros::Pratt } else { Zeros::Wilcox };
            let test = |alternative| wilcoxon_signed_rank(&differences, alternative, zeros, NullLaw::Exact);
            if differences.iter().all(|&difference| difference == 0.0) {
                prop_assert_eq!(test(Alternative::Less), None);
            } else {
                let (lower, upper) = by_enumeration(&differences, zeros);
                prop_assert!((test(Alternative::Less).expect("a difference").p - lower).abs() < 1e-12);
                prop_assert!((test(Alternative::Greater).expect("a difference").p - upper).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn too_few_differences_have_no_bound() {
        let bounds = pseudomedian_bounds(&[1.0, 2.0], Confidence::P95).expect("values");
        assert_eq!(
            (bounds.low, bounds.high),
            (f64::NEG_INFINITY, f64::INFINITY)
        );
        assert_eq!(pseudomedian_bounds(&[], Confidence::P95), None);
    }
}
