//! The tails of the normal law to thirteen digits; those of `statrs` 0.19 are good to ten.

use statrs::function::gamma::gamma_ur;

/// The probability of a standard normal value of at most `z`.
pub(super) fn normal_cdf(z: f64) -> f64 {
    normal_tail(-z)
}

/// The probability of a standard normal value of at least `z`: half of `erfc(z / √2)`, which is an
/// incomplete gamma function.
pub(super) fn normal_tail(z: f64) -> f64 {
    let half_square = z * z / 2.0;
    let beyond = if half_square == 0.0 {
        0.5
    } else if half_square.is_infinite() {
        0.0
    } else {
        gamma_ur(0.5, half_square) / 2.0
    };
    if z < 0.0 { 1.0 - beyond } else { beyond }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tails_are_those_of_scipy() {
        // Source: SciPy 1.17.1, scipy.stats.norm.sf.
        for (z, expected) in [
            (0.0, 0.5),
            (1e-200, 0.5),
            (0.3, 0.382_088_577_811_047_4),
            (1.0, 0.158_655_253_931_457_07),
            (-1.0, 0.841_344_746_068_542_9),
            (2.5, 0.006_209_665_325_776_132),
            (8.0, 6.220_960_574_271_74e-16),
            (f64::INFINITY, 0.0),
            (f64::NEG_INFINITY, 1.0),
        ] {
            let found = normal_tail(z);
            assert!(
                (found - expected).abs() <= 1e-13 * expected,
                "{z}: {found} {expected}"
            );
            assert_eq!(normal_cdf(-z), found);
        }
    }
}
