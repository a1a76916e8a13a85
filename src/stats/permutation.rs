//! Permutation tests of means: nothing is assumed of the law, only that labels could be swapped.

use rand::RngExt;
use rayon::prelude::*;

use crate::stats::moments::mean;
use crate::stats::{Alternative, Resamples, TestResult, stream};

/// Up to how many differences [`sign_flip`] is exact: 2³² sign patterns, counted in milliseconds.
pub const EXACT_SIGN_FLIPS: usize = 32;

/// The most ways of splitting two samples that [`permutation_of_means`] goes through.
const MOST_SPLITS: f64 = 1e7;

/// Whether the mean of paired differences is zero, by flipping every sign: exact up to
/// [`EXACT_SIGN_FLIPS`] differences, `None` above, and for no values or one that is not finite.
///
/// The statistic is the mean difference; p is the share of the 2ⁿ sign patterns at least as
/// extreme, the observed one included, so never 0. Sums equal up to rounding count as equal.
///
/// ```
/// use ragstone::stats::{Alternative, sign_flip};
/// let test = sign_flip(&[1.0, 2.0, 3.0], Alternative::Greater).unwrap();
/// assert_eq!((test.statistic, test.p), (2.0, 0.125));
/// ```
///
/// Source: Fisher (1935), *The Design of Experiments*, section 21. Two halves of the differences
/// meet in the middle: time `O(n · 2^(n/2))`.
pub fn sign_flip(differences: &[f64], alternative: Alternative) -> Option<TestResult> {
    let n = differences.len();
    if n > EXACT_SIGN_FLIPS {
        return None;
    }
    let statistic = mean(differences)?;
    let (sum, slack) = sum_and_slack(differences);
    // The sums are symmetric about zero, so each tail is an upper one.
    let reach = match alternative {
        Alternative::Greater => sum,
        Alternative::Less => -sum,
        Alternative::TwoSided => sum.abs(),
    };
    let (first, second) = differences.split_at(n / 2);
    let mut others = signed_sums(second);
    others.sort_by(f64::total_cmp);
    let extreme: usize = signed_sums(first)
        .iter()
        .map(|sum| others.len() - others.partition_point(|other| sum + other < reach - slack))
        .sum();
    let share = extreme as f64 / (1_u64 << n) as f64;
    let tails = if alternative == Alternative::TwoSided {
        2.0
    } else {
        1.0
    };
    Some(TestResult {
        statistic,
        p: (tails * share).min(1.0),
    })
}

/// The same by drawing sign patterns at random, with `p = (b + 1) / (resamples + 1)` for `b`
/// patterns at least as extreme: valid at any number of resamples, and never 0.
///
/// `None` for no values or one that is not finite. Resample `i` owns random stream `i`, and counts
/// are whole numbers, so that threads cannot change the result.
///
/// ```
/// use ragstone::stats::{Alternative, Resamples, sign_flip_resampled};
/// let differences: Vec<f64> = (0..60).map(|i| f64::from(i) - 5.0).collect();
/// let test = sign_flip_resampled(&differences, Alternative::Greater, Resamples { n: 999, seed: 1 });
/// assert_eq!(test.unwrap().p, 0.001);
/// ```
///
/// Source: Phipson and Smyth (2010), *Permutation p-values should never be zero*. Time
/// `O(n · resamples)`, parallel.
pub fn sign_flip_resampled(
    differences: &[f64],
    alternative: Alternative,
    resamples: Resamples,
) -> Option<TestResult> {
    let statistic = mean(differences)?;
    let (sum, slack) = sum_and_slack(differences);
    let extreme = (0..u64::from(resamples.n))
        .into_par_iter()
        .map(|index| flipped_sum(differences, resamples.seed, index))
        .filter(|flipped| is_as_extreme(*flipped, sum, slack, alternative))
        .count();
    Some(TestResult {
        statistic,
        p: (extreme + 1) as f64 / (f64::from(resamples.n) + 1.0),
    })
}

/// Whether the means of two samples differ, over every way of splitting all values in two; the
/// statistic is `mean(x) − mean(y)`.
///
/// `None` if a sample is empty, a value is not finite, or there are more than ten million splits.
/// Two-sided means at least as far from zero.
///
/// ```
/// use ragstone::stats::{Alternative, permutation_of_means};
/// let test = permutation_of_means(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], Alternative::Less).unwrap();
/// assert_eq!((test.statistic, test.p), (-3.0, 0.05)); // 1 of 20.
/// ```
///
/// Source: Pitman (1937), *Significance tests which may be applied to samples from any
/// populations*.
pub fn permutation_of_means(x: &[f64], y: &[f64], alternative: Alternative) -> Option<TestResult> {
    let (mean_x, mean_y) = (mean(x)?, mean(y)?);
    let all = [x, y].concat();
    let splits: f64 = (1..=x.len())
        .map(|i| (y.len() + i) as f64 / i as f64)
        .product();
    if splits > MOST_SPLITS {
        return None;
    }
    // About a common centre, a larger sum of x is a larger difference of means, and its sign too.
    let centre = mean(&all)?;
    let centred: Vec<f64> = all.iter().map(|value| value - centre).collect();
    let sum: f64 = centred[..x.len()].iter().sum();
    let (_, slack) = sum_and_slack(&centred);
    let (mut extreme, mut counted) = (0_u64, 0_u64);
    each_sum(&centred, x.len(), 0.0, &mut |other| {
        counted += 1;
        extreme += u64::from(is_as_extreme(other, sum, slack, alternative));
    });
    Some(TestResult {
        statistic: mean_x - mean_y,
        p: extreme as f64 / counted as f64,
    })
}

/// The sum, and how far rounding can move a sum of the same sizes.
fn sum_and_slack(values: &[f64]) -> (f64, f64) {
    let sizes: f64 = values.iter().map(|value| value.abs()).sum();
    let slack = 4.0 * f64::EPSILON * values.len() as f64 * sizes;
    (values.iter().sum(), slack)
}

fn is_as_extreme(other: f64, observed: f64, slack: f64, alternative: Alternative) -> bool {
    match alternative {
        Alternative::Greater => other >= observed - slack,
        Alternative::Less => other <= observed + slack,
        Alternative::TwoSided => other.abs() >= observed.abs() - slack,
    }
}

/// The sums of `values` under every sign pattern.
fn signed_sums(values: &[f64]) -> Vec<f64> {
    values.iter().fold(vec![0.0], |sums, value| {
        sums.iter()
            .flat_map(|sum| [sum - value, sum + value])
            .collect()
    })
}

/// The sum of `values` under the sign pattern that stream `index` draws.
fn flipped_sum(values: &[f64], seed: u64, index: u64) -> f64 {
    let mut rng = stream(seed, index);
    let mut sum = 0.0;
    for some in values.chunks(64) {
        let signs: u64 = rng.random();
        for (place, value) in some.iter().enumerate() {
            // The sign bit of the value, turned or not.
            sum += f64::from_bits(value.to_bits() ^ (signs >> place << 63));
        }
    }
    sum
}

/// Calls `visit` with the sum of every choice of `chosen` values.
fn each_sum(values: &[f64], chosen: usize, sum: f64, visit: &mut impl FnMut(f64)) {
    if chosen == 0 {
        visit(sum);
        return;
    }
    for first in 0..=values.len() - chosen {
        each_sum(&values[first + 1..], chosen - 1, sum + values[first], visit);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALTERNATIVES: [Alternative; 3] = [
        Alternative::TwoSided,
        Alternative::Less,
        Alternative::Greater,
    ];

    fn by_enumeration(differences: &[f64], alternative: Alternative) -> f64 {
        let (observed, slack) = sum_and_slack(differences);
        let extreme = (0_u32..1 << differences.len())
            .filter(|mask| {
                let signed = differences.iter().enumerate();
                let sum: f64 = signed
                    .map(|(i, d)| if mask >> i & 1 == 1 { -d } else { *d })
                    .sum();
                is_as_extreme(sum, observed, slack, alternative)
            })
            .count();
        extreme as f64 / f64::from(1_u32 << differences.len())
    }

    proptest! {
        #[test]
        fn meeting_in_the_middle_counts_every_pattern(
            // Tenths, whose sums are equal only up to rounding.
            differences in prop::collection::vec((-5_i8..6).prop_map(|i| f64::from(i) / 10.0), 1..11),
        ) {
            for alternative in ALTERNATIVES {
                let fast = sign_flip(&differences, alternative).expect("finite");
                prop_assert_eq!(fast.p, by_enumeration(&differences, alternative));
            }
        }
    }

    #[test]
    fn drawing_patterns_comes_near_to_all_of_them() {
        let differences: Vec<f64> = (0..20).map(|i| f64::from(i * 7 % 11) - 4.0).collect();
        for alternative in ALTERNATIVES {
            let exact = sign_flip(&differences, alternative).expect("finite").p;
            let resamples = Resamples { n: 20_000, seed: 3 };
            let drawn = sign_flip_resampled(&differences, alternative, resamples).expect("finite");
            assert!((drawn.p - exact).abs() < 0.012, "{exact} {drawn:?}");
        }
    }

    #[test]
    fn one_thread_and_two_give_the_same_bytes() {
        let differences: Vec<f64> = (0..90).map(|i| f64::from(i * 37 % 90) - 40.0).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            let test =
                || sign_flip_resampled(&differences, Alternative::TwoSided, Resamples::default());
            pool.install(test)
        };
        assert_eq!(run(1), run(2));
    }

    #[test]
    fn what_cannot_be_counted_has_no_answer() {
        assert_eq!(sign_flip(&[1.0; 33], Alternative::Less), None);
        assert_eq!(sign_flip(&[], Alternative::Less), None);
        assert_eq!(sign_flip(&[f64::NAN], Alternative::Less), None);
        assert_eq!(
            permutation_of_means(&[1.0; 40], &[2.0; 40], Alternative::Less),
            None
        );
        let flat = sign_flip(&[0.0; 32], Alternative::TwoSided).expect("finite");
        assert_eq!(flat.p, 1.0);
    }
}
