//! The two-sample test of Kolmogorov and Smirnov.

use crate::stats::{NullLaw, TestResult};

/// Whether two samples come from one law; the statistic is the largest distance between their
/// cumulative shares, in `[0, 1]`. Two-sided.
///
/// `None` if a sample is empty or holds NaN. [`NullLaw::Exact`] counts the arrangements of two
/// samples without ties in time `O(n · m)` (with ties its p-value is too large rather than too
/// small); both normal laws stand for Kolmogorov's limit. The exact p-value is right to about
/// 1e-13 absolutely, so a smaller one may read as 0.
///
/// ```
/// use ragstone::stats::{NullLaw, kolmogorov_smirnov};
/// let test = kolmogorov_smirnov(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], NullLaw::Exact).unwrap();
/// assert_eq!(test.statistic, 1.0);
/// assert!((test.p - 0.1).abs() < 1e-12); // 2 of 20 arrangements.
/// ```
///
/// Source: Hodges (1958), *The significance probability of the Smirnov two-sample test*; the
/// recursion on probabilities is that of Kim and Jennrich (1973).
pub fn kolmogorov_smirnov(x: &[f64], y: &[f64], law: NullLaw) -> Option<TestResult> {
    if x.is_empty() || y.is_empty() || x.iter().chain(y).any(|value| value.is_nan()) {
        return None;
    }
    let steps = largest_distance(x, y);
    let pairs = (x.len() * y.len()) as f64;
    let statistic = steps as f64 / pairs;
    let tail = match law {
        NullLaw::Exact => 1.0 - probability_below(steps, x.len(), y.len()),
        NullLaw::Normal | NullLaw::NormalWithContinuity => {
            kolmogorov_tail(statistic * (pairs / (x.len() + y.len()) as f64).sqrt())
        }
    };
    Some(TestResult {
        statistic,
        p: tail.clamp(0.0, 1.0),
    })
}

/// The largest distance of the cumulative shares, in units of `1 / (n · m)`: a whole number.
fn largest_distance(x: &[f64], y: &[f64]) -> usize {
    let ascending = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let (x, y) = (ascending(x), ascending(y));
    let (mut below_x, mut below_y, mut largest) = (0, 0, 0);
    while below_x < x.len() && below_y < y.len() {
        let value = x[below_x].min(y[below_y]);
        below_x += x[below_x..].iter().take_while(|&&v| v == value).count();
        below_y += y[below_y..].iter().take_while(|&&v| v == value).count();
        largest = largest.max((below_x * y.len()).abs_diff(below_y * x.len()));
    }
    largest
}

/// The probability that the distance stays below `steps`, over all arrangements: a walk from
/// (0, 0) to (n, m) that stays near the diagonal.
fn probability_below(steps: usize, n: usize, m: usize) -> f64 {
    let inside = |i: usize, j: usize| (i * m).abs_diff(j * n) < steps;
    // `row[j]` is the share, of the walks to (i, j), that stayed inside.
    let mut row: Vec<f64> = vec![1.0];
    for j in 1..=m {
        row.push(if inside(0, j) { row[j - 1] } else { 0.0 });
    }
    for i in 1..=n {
        for j in 0..=m {
            let from_x = row[j] * i as f64;
            let from_y = if j == 0 { 0.0 } else { row[j - 1] * j as f64 };
            row[j] = if inside(i, j) {
                (from_x + from_y) / (i + j) as f64
            } else {
                0.0
            };
        }
    }
    row[m]
}

/// The tail of Kolmogorov's law: `2 Σ (−1)^(k−1) exp(−2 k² t²)`.
fn kolmogorov_tail(t: f64) -> f64 {
    // Below 0.2 the tail is 1 to twelve digits and the series converges too slowly to say so.
    if t < 0.2 {
        return 1.0;
    }
    let terms = (1..=100).map(|k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * t * t).exp()
    });
    terms.sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every arrangement of `n` values of x among `n + m`, tried one by one.
    fn by_enumeration(steps: usize, n: usize, m: usize) -> f64 {
        let (mut extreme, mut all) = (0, 0);
        for mask in 0_u32..1 << (n + m) {
            if mask.count_ones() as usize != n {
                continue;
            }
            let place = |of_x: bool| {
                let places = (0..n + m).filter(|&i| (mask >> i & 1 == 1) == of_x);
                places.map(|i| i as f64).collect::<Vec<_>>()
            };
            all += 1;
            extreme += usize::from(largest_distance(&place(true), &place(false)) >= steps);
        }
        f64::from(u32::try_from(extreme).expect("small")) / f64::from(all)
    }

    proptest! {
        #[test]
        fn the_exact_law_counts_every_arrangement(n in 1_usize..6, m in 1_usize..6, share in 0.0..=1.0_f64) {
            let steps = (share * (n * m) as f64) as usize;
            let fast = 1.0 - probability_below(steps, n, m);
            prop_assert!((fast - by_enumeration(steps, n, m)).abs() < 1e-12);
        }
    }

    #[test]
    fn equal_samples_are_no_evidence() {
        let same = kolmogorov_smirnov(&[1.0, 2.0], &[1.0, 2.0], NullLaw::Exact).expect("values");
        assert_eq!((same.statistic, same.p), (0.0, 1.0));
        assert_eq!(kolmogorov_smirnov(&[], &[1.0], NullLaw::Exact), None);
        assert_eq!(
            kolmogorov_smirnov(&[f64::NAN], &[1.0], NullLaw::Exact),
            None
        );
    }
}
