//! The bound of a topic's mean, by itself: few questions, and laws made to break it.

use rand::{Rng, RngExt};
use rayon::prelude::*;

use ragstone::stats::{bounded_mean, stream};
use ragstone::units::Confidence;

use super::chance::share;

/// What a topic must be shown to cover.
const LIMIT: f64 = 0.70;

/// A law of coverage whose mean is exactly the limit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TopicLaw {
    /// Nothing or all.
    Coin,
    /// Nothing or this much.
    NothingOr(f64),
    /// All or this much.
    AllOr(f64),
    /// Beta, by the sum of its two parameters.
    Beta(f64),
}

impl TopicLaw {
    /// Every law that is tried.
    pub(crate) const ALL: [Self; 8] = [
        Self::Coin,
        Self::NothingOr(0.99),
        Self::NothingOr(0.98),
        Self::NothingOr(0.95),
        Self::AllOr(0.2),
        Self::AllOr(0.5),
        Self::Beta(0.2),
        Self::Beta(1.5),
    ];

    /// In words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Coin => "0 or 1".to_owned(),
            Self::NothingOr(most) => format!("0 or {most}"),
            Self::AllOr(least) => format!("{least} or 1"),
            Self::Beta(sum) => format!("beta, parameters adding up to {sum}"),
        }
    }

    fn draw(self, rng: &mut impl Rng) -> f64 {
        let (least, most) = match self {
            Self::Coin => (0.0, 1.0),
            Self::NothingOr(most) => (0.0, most),
            Self::AllOr(least) => (least, 1.0),
            Self::Beta(sum) => return share(LIMIT, sum, rng),
        };
        if rng.random_bool((LIMIT - least) / (most - least)) {
            most
        } else {
            least
        }
    }
}

/// How often the lower bound of `n` questions shows the limit, which it should not, in `[0, 1]`.
pub(crate) fn shows_the_limit(law: TopicLaw, n: usize, runs: u64, seed: u64) -> f64 {
    let shown = (0..runs)
        .into_par_iter()
        .filter(|&run| {
            let mut rng = stream(seed, run);
            let values: Vec<f64> = (0..n).map(|_| law.draw(&mut rng)).collect();
            bounded_mean(&values, Confidence::P95).is_some_and(|mean| mean.low >= LIMIT)
        })
        .count();
    shown as f64 / runs as f64
}
