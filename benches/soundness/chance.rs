//! Random numbers of the laws that a question follows.

use std::f64::consts::TAU;

use rand::{Rng, RngExt};

/// A standard normal number. Source: Box and Muller (1958), one of the two.
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (TAU * rng.random::<f64>()).cos()
}

/// A share with exactly this mean, by the beta law whose parameters add up to `sum`, above 0: its
/// variance is `mean · (1 − mean) / (sum + 1)`.
pub(crate) fn share(mean: f64, sum: f64, rng: &mut impl Rng) -> f64 {
    let (hits, misses) = (mean * sum, (1.0 - mean) * sum);
    if hits <= 0.0 || misses <= 0.0 {
        return mean;
    }
    // The share of one gamma number in two, by their logarithms, as either may be too small for a
    // number.
    let odds = log_gamma_number(misses, rng) - log_gamma_number(hits, rng);
    1.0 / (1.0 + odds.exp())
}

/// The logarithm of a gamma number. Source: Marsaglia and Tsang (2000), *A simple method for
/// generating gamma variables*, with their step from a shape below 1 to the one above.
fn log_gamma_number(shape: f64, rng: &mut impl Rng) -> f64 {
    if shape < 1.0 {
        let below = (1.0 - rng.random::<f64>()).ln() / shape;
        return below + log_gamma_number(shape + 1.0, rng);
    }
    let centre = shape - 1.0 / 3.0;
    let spread = 1.0 / (9.0 * centre).sqrt();
    loop {
        let drawn = normal(rng);
        let root = 1.0 + spread * drawn;
        if root <= 0.0 {
            continue;
        }
        let log_cube = 3.0 * root.ln();
        let accepted = drawn * drawn / 2.0 + centre * (1.0 - root.powi(3) + log_cube);
        if (1.0 - rng.random::<f64>()).ln() < accepted {
            return centre.ln() + log_cube;
        }
    }
}
