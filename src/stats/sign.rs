//! The sign test.

use statrs::distribution::{Binomial, DiscreteCDF};

use crate::stats::test_result::Tails;
use crate::stats::{Alternative, TestResult};

/// Whether differences are as often above zero as below; the statistic is how many are above.
///
/// Exact: a fair coin for each difference that is not zero. `None` when there is no such
/// difference, or a NaN. Infinite differences are legal.
///
/// ```
/// use ragstone::stats::{Alternative, sign_test};
/// let test = sign_test(&[0.2, 0.4, 0.1, 0.3, 0.0], Alternative::Greater).unwrap();
/// assert_eq!(test.statistic, 4.0);
/// assert!((test.p - 0.0625).abs() < 1e-12); // ½⁴
/// ```
///
/// Source: Dixon and Mood (1946), *The statistical sign test*.
pub fn sign_test(differences: &[f64], alternative: Alternative) -> Option<TestResult> {
    if differences.iter().any(|difference| difference.is_nan()) {
        return None;
    }
    let count = |keep: fn(&f64) -> bool| differences.iter().copied().filter(keep).count() as u64;
    let (above, below) = (count(|&d| d > 0.0), count(|&d| d < 0.0));
    if above + below == 0 {
        return None;
    }
    let coin = Binomial::new(0.5, above + below).expect("one half is a probability");
    let tails = Tails {
        lower: coin.cdf(above),
        // As many above, or more, is the mirror image of as few below, or fewer.
        upper: coin.cdf(below),
    };
    Some(TestResult {
        statistic: above as f64,
        p: tails.p(alternative),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // Source: SciPy 1.17.1, binomtest(14, 20).pvalue two-sided and greater.
        let differences: Vec<f64> = (0..20).map(|i| if i < 14 { 1.0 } else { -1.0 }).collect();
        let p = |alternative| sign_test(&differences, alternative).expect("signs").p;
        assert!((p(Alternative::TwoSided) - 0.115_318_298_339_843_75).abs() < 1e-12);
        assert!((p(Alternative::Greater) - 0.057_659_149_169_921_875).abs() < 1e-12);
        assert!((p(Alternative::Less) - 0.979_305_267_333_984_4).abs() < 1e-12);
    }

    #[test]
    fn no_difference_gives_no_answer() {
        assert_eq!(sign_test(&[0.0, 0.0], Alternative::TwoSided), None);
        assert_eq!(sign_test(&[1.0, f64::NAN], Alternative::TwoSided), None);
    }
}
