//! How much data a verdict needs: the chance that a rule passes what is good enough, and the
//! smallest effect it can decide at a given size.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};
use statrs::function::gamma::ln_gamma;

use crate::stats::Alternative;
use crate::stats::normal::normal_cdf;
use crate::stats::order::votes_needed;
use crate::stats::solve::{student_quantile, where_it_reaches};
use crate::units::Confidence;

/// The chance that a rule passes what should pass, in (0, 1).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Power(f64);

impl Power {
    /// The 80 % of STATISTICS.md.
    pub const P80: Self = Self(0.8);

    /// `None` outside (0, 1).
    pub fn new(chance: f64) -> Option<Self> {
        (chance > 0.0 && chance < 1.0).then_some(Self(chance))
    }

    /// The chance, in (0, 1).
    pub fn get(self) -> f64 {
        self.0
    }
}

/// The chance that [`median_bounds`](crate::stats::median_bounds) puts its upper bound within a
/// limit, when a share `within` of all questions is.
///
/// `within` in `[0, 1]`; returns `[0, 1]`, and 0 when `n` questions can never be enough.
///
/// ```
/// use ragstone::{stats::median_power, units::Confidence};
/// // 59 of 100 must be within: two questions in three usually give that.
/// let power = median_power(100, 0.67, Confidence::P95);
/// assert!((power - 0.963).abs() < 0.001);
/// ```
///
/// # Panics
/// If `within` is outside `[0, 1]`.
pub fn median_power(n: usize, within: f64, confidence: Confidence) -> f64 {
    let count = Binomial::new(within, n as u64).expect("a share of questions lies in [0, 1]");
    votes_needed(n, confidence).map_or(0.0, |votes| count.sf(votes as u64 - 1))
}

/// The smallest share of all questions within the limit that the bound of the median passes with
/// `power`. `None` when `n` questions can never be enough.
///
/// ```
/// use ragstone::{stats::{Power, detectable_median_share}, units::Confidence};
/// let share = detectable_median_share(100, Power::P80, Confidence::P95).unwrap();
/// assert!((share - 0.6256).abs() < 1e-4);
/// assert_eq!(detectable_median_share(4, Power::P80, Confidence::P95), None);
/// ```
pub fn detectable_median_share(n: usize, power: Power, confidence: Confidence) -> Option<f64> {
    votes_needed(n, confidence)?;
    Some(where_it_reaches(power.get(), 0.0, 1.0, |within| {
        median_power(n, within, confidence)
    }))
}

/// A paired comparison of means that is to show equivalence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedDesign {
    /// The number of pairs (questions), at least 2.
    pub n: usize,
    /// The true standard deviation of the differences, above 0.
    pub standard_deviation: f64,
    /// The true mean difference.
    pub shift: f64,
    /// Half the width of the margin about 0, above 0.
    pub margin: f64,
}

/// The chance that two one-sided tests of a paired mean both reject, in `[0, 1]`.
///
/// ```
/// use ragstone::{stats::{PairedDesign, tost_power}, units::Confidence};
/// let design = PairedDesign { n: 100, standard_deviation: 0.102, shift: 0.0, margin: 0.03 };
/// assert!((tost_power(design, Confidence::P95) - 0.8).abs() < 0.005);
/// ```
///
/// # Panics
/// If there are fewer than two pairs, or the deviation or the margin is not above 0.
///
/// Source: exact for normal differences, as in Owen (1965), *A special case of a bivariate
/// non-central t-distribution*: the normal chance that the mean falls inside, given the sample's
/// deviation, over the law of that deviation, by Simpson's rule (2,000 steps, 1e-9).
pub fn tost_power(design: PairedDesign, confidence: Confidence) -> f64 {
    assert!(design.n >= 2, "a deviation needs two pairs");
    assert!(
        design.standard_deviation > 0.0 && design.margin > 0.0,
        "a deviation and a margin are above 0"
    );
    let degrees = design.n as f64 - 1.0;
    let quantile = student_quantile(degrees, confidence.get());
    // Everything in standard errors of the mean.
    let error = design.standard_deviation / (design.n as f64).sqrt();
    let (margin, shift) = (design.margin / error, design.shift / error);
    let inside = |deviation: f64| {
        let reach = margin - quantile * deviation;
        (normal_cdf(reach - shift) - normal_cdf(-reach - shift)).max(0.0)
    };
    // The sample's deviation over the true one: a chi over the root of its degrees.
    let log_scale = degrees / 2.0 * (degrees / 2.0).ln() + 2.0_f64.ln() - ln_gamma(degrees / 2.0);
    let density = |deviation: f64| {
        if deviation <= 0.0 && degrees > 1.0 {
            return 0.0;
        }
        let power = if degrees > 1.0 {
            (degrees - 1.0) * deviation.ln()
        } else {
            0.0
        };
        (log_scale + power - degrees * deviation * deviation / 2.0).exp()
    };
    // Twelve deviations to either side, and not past where the mean can no longer be inside.
    let reach = 12.0 / (2.0 * degrees).sqrt();
    let (from, to) = ((1.0 - reach).max(0.0), (1.0 + reach).min(margin / quantile));
    if to <= from {
        return 0.0;
    }
    let total = simpson(from, to, |deviation| inside(deviation) * density(deviation));
    total.clamp(0.0, 1.0)
}

/// The largest standard deviation of paired differences at which two one-sided tests with `margin`
/// pass a shift of 0 with `power`.
///
/// The smallest margin that a given deviation allows is the deviation times `margin` over this, as
/// only their ratio matters.
///
/// ```
/// use ragstone::{stats::{Power, detectable_standard_deviation}, units::Confidence};
/// let deviation = detectable_standard_deviation(100, 0.03, Power::P80, Confidence::P95);
/// assert!((deviation - 0.102).abs() < 0.0005);
/// ```
///
/// # Panics
/// If there are fewer than two pairs, or the margin is not above 0.
pub fn detectable_standard_deviation(
    n: usize,
    margin: f64,
    power: Power,
    confidence: Confidence,
) -> f64 {
    // Power rises with the margin over the deviation; a thousand root n of it is certain to do.
    let per_deviation = where_it_reaches(power.get(), 0.0, 1e3, |margin| {
        if margin <= 0.0 {
            return 0.0;
        }
        let (standard_deviation, shift) = (1.0, 0.0);
        let design = PairedDesign {
            n,
            standard_deviation,
            shift,
            margin,
        };
        tost_power(design, confidence)
    });
    margin / per_deviation
}

/// The chance that the exact upper bound of a rate is within `limit`, when the rate is `rate`.
///
/// Both in `[0, 1]`; returns `[0, 1]`, and 0 when even no event in `trials` would not do.
///
/// ```
/// use ragstone::{stats::rate_power, units::Confidence};
/// assert_eq!(rate_power(58, 0.0, 0.05, Confidence::P95), 0.0);
/// assert_eq!(rate_power(59, 0.0, 0.05, Confidence::P95), 1.0);
/// // "300 for comfort": a rate of 2 % then passes a limit of 5 % more often than not.
/// assert!(rate_power(300, 0.02, 0.05, Confidence::P95) > 0.8);
/// ```
///
/// # Panics
/// If `rate` or `limit` is outside `[0, 1]`.
pub fn rate_power(trials: u64, rate: f64, limit: f64, confidence: Confidence) -> f64 {
    let events = Binomial::new(rate, trials).expect("a rate lies in [0, 1]");
    let allowed = events_allowed(trials, limit, confidence);
    allowed.map_or(0.0, |allowed| events.cdf(allowed))
}

/// The largest rate that the exact upper bound passes at `limit` with `power`.
///
/// `None` when even no event in `trials` would not do.
///
/// ```
/// use ragstone::{stats::{Power, detectable_rate}, units::Confidence};
/// let rate = detectable_rate(300, 0.05, Power::P80, Confidence::P95).unwrap();
/// assert!((rate - 0.021485).abs() < 1e-6);
/// ```
///
/// # Panics
/// If `limit` is outside `[0, 1]`.
pub fn detectable_rate(
    trials: u64,
    limit: f64,
    power: Power,
    confidence: Confidence,
) -> Option<f64> {
    let allowed = events_allowed(trials, limit, confidence)?;
    // The chance of too many events rises with the rate.
    Some(where_it_reaches(1.0 - power.get(), 0.0, 1.0, |rate| {
        let events = Binomial::new(rate, trials).expect("a rate lies in [0, 1]");
        events.sf(allowed)
    }))
}

/// The most events in `trials` whose upper bound is within `limit`: the test that the rate is at
/// the limit still rejects.
pub(crate) fn events_allowed(trials: u64, limit: f64, confidence: Confidence) -> Option<u64> {
    let at_limit = Binomial::new(limit, trials).expect("a limit lies in [0, 1]");
    // No bound is above 1, which the test below cannot say.
    if limit >= 1.0 {
        return Some(trials);
    }
    if at_limit.cdf(0) > confidence.alpha() {
        return None;
    }
    let (mut fits, mut too_many) = (0, trials);
    while too_many - fits > 1 {
        let middle = u64::midpoint(fits, too_many);
        if at_limit.cdf(middle) <= confidence.alpha() {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    Some(fits)
}

/// How many trials without an event show a rate below `limit`.
///
/// ```
/// use ragstone::{stats::trials_needed_without_event, units::Confidence};
/// assert_eq!(trials_needed_without_event(0.05, Confidence::P95), 59);
/// assert_eq!(trials_needed_without_event(0.001, Confidence::P95), 2995);
/// ```
///
/// # Panics
/// If `limit` is outside `(0, 1)`.
pub fn trials_needed_without_event(limit: f64, confidence: Confidence) -> u64 {
    assert!(limit > 0.0 && limit < 1.0, "a limit to show lies in (0, 1)");
    (confidence.alpha().ln() / (-limit).ln_1p()).ceil() as u64
}

/// How many errors each arm must have before two equal error rates are shown to differ by less
/// than the factor `ratio`, with `power`.
///
/// ```
/// use ragstone::{stats::{Power, errors_needed_per_arm}, units::Confidence};
/// assert_eq!(errors_needed_per_arm(1.2, Power::P80, Confidence::P95), 372);
/// ```
///
/// # Panics
/// If `ratio` is not above 1.
///
/// Source: the logarithm of a ratio of two Poisson counts has variance `1/a + 1/b`. Rounded to the
/// nearest whole number, as the approximation is no better than that.
pub fn errors_needed_per_arm(ratio: f64, power: Power, confidence: Confidence) -> u64 {
    assert!(ratio > 1.0, "a ratio to rule out is above 1");
    let normal = Normal::standard();
    let reach = normal.inverse_cdf(confidence.get()) + normal.inverse_cdf(power.get());
    (2.0 * (reach / ratio.ln()).powi(2)).round() as u64
}

/// How many requests each arm needs before two equal rates near `rate` are shown to differ by less
/// than `margin`, with `power`: to one side, or ([`Alternative::TwoSided`]) to both, where either
/// test can miss and each gets half of what may go wrong.
///
/// ```
/// use ragstone::{stats::{Alternative, Power, requests_needed_per_arm}, units::Confidence};
/// let needed = |sides| requests_needed_per_arm(0.6, 0.05, sides, Power::P80, Confidence::P95);
/// assert_eq!((needed(Alternative::Less), needed(Alternative::TwoSided)), (1187, 1644));
/// ```
///
/// # Panics
/// If `rate` is outside `[0, 1]` or `margin` is not above 0.
///
/// Source: the normal approximation of the difference of two binomial rates. Rounded to the nearest
/// whole number.
pub fn requests_needed_per_arm(
    rate: f64,
    margin: f64,
    sides: Alternative,
    power: Power,
    confidence: Confidence,
) -> u64 {
    assert!((0.0..=1.0).contains(&rate), "a rate lies in [0, 1]");
    assert!(margin > 0.0, "a margin is above 0");
    let missed = match sides {
        Alternative::Less | Alternative::Greater => 1.0 - power.get(),
        Alternative::TwoSided => (1.0 - power.get()) / 2.0,
    };
    let normal = Normal::standard();
    let reach = normal.inverse_cdf(confidence.get()) - normal.inverse_cdf(missed);
    (2.0 * rate * (1.0 - rate) * (reach / margin).powi(2)).round() as u64
}

/// Simpson's rule in 2,000 steps.
fn simpson(from: f64, to: f64, function: impl Fn(f64) -> f64) -> f64 {
    const STEPS: usize = 2000;
    let width = (to - from) / STEPS as f64;
    let weighted = |i: usize| {
        let weight = match i {
            0 | STEPS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        weight * function(from + i as f64 * width)
    };
    (0..=STEPS).map(weighted).sum::<f64>() * width / 3.0
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::stats::{Difference, Margin, clopper_pearson, stream};

    #[test]
    fn the_deviations_are_those_of_the_statistics_page() {
        for (n, quoted) in [(50, 0.072), (100, 0.102), (200, 0.145)] {
            let found = detectable_standard_deviation(n, 0.03, Power::P80, Confidence::P95);
            assert!((found - quoted).abs() < 0.0006, "{n}: {found}");
        }
    }

    #[test]
    fn the_chance_of_equivalence_is_that_of_a_simulation() {
        let design = PairedDesign {
            n: 12,
            standard_deviation: 1.0,
            shift: 0.3,
            margin: 1.0,
        };
        let margin = Margin::symmetric(design.margin).expect("a margin");
        let runs = 4000;
        let passed = (0..runs)
            .filter(|&run| {
                let mut rng = stream(2, run);
                let values: Vec<f64> = (0..design.n)
                    .map(|_| {
                        let level = rng.random::<f64>().max(f64::MIN_POSITIVE);
                        design.shift + Normal::standard().inverse_cdf(level)
                    })
                    .collect();
                let difference = Difference::of_pairs(&values).expect("finite");
                difference.equivalence(margin, Confidence::P95).p <= 0.05
            })
            .count();
        let expected = tost_power(design, Confidence::P95);
        let found = passed as f64 / runs as f64;
        // Four standard errors.
        assert!((found - expected).abs() < 0.032, "{found} {expected}");
    }

    #[test]
    fn the_events_allowed_are_those_whose_bound_is_within_the_limit() {
        for (trials, limit) in [(59, 0.05), (100, 0.1), (300, 0.05), (40, 0.02)] {
            let within = |events: &u64| {
                clopper_pearson(*events, trials, Confidence::P95)
                    .expect("trials")
                    .high
                    <= limit
            };
            let slow = (0..=trials).take_while(within).last();
            assert_eq!(events_allowed(trials, limit, Confidence::P95), slow);
        }
        assert_eq!(events_allowed(10, 1.0, Confidence::P95), Some(10));
    }

    #[test]
    fn a_detectable_effect_has_the_power_asked_for() {
        let share = detectable_median_share(50, Power::P80, Confidence::P95).expect("enough");
        assert!((median_power(50, share, Confidence::P95) - 0.8).abs() < 1e-9);
        let rate = detectable_rate(300, 0.05, Power::P80, Confidence::P95).expect("enough");
        assert!((rate_power(300, rate, 0.05, Confidence::P95) - 0.8).abs() < 1e-9);
        assert_eq!(detectable_rate(40, 0.05, Power::P80, Confidence::P95), None);
    }
}
