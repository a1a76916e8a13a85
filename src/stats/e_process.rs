//! Evidence of harm that may be looked at as often as one likes.

/// How many times as often as the control a candidate may err before it counts as harm.
pub const TOLERATED_RATIO: f64 = 1.2;

/// The error ratios that harm is imagined at, each with an equal share of the mixture.
pub const HARM_RATIOS: [f64; 5] = [1.5, 2.0, 3.0, 5.0, 10.0];

/// The evidence at which a release stops: a candidate within [`TOLERATED_RATIO`] ever reaches it at
/// most once in a hundred runs.
pub const HARM_EVIDENCE: f64 = 100.0;

/// The errors of both arms since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmErrors {
    /// Of the candidate (canary).
    pub candidate: u64,
    /// Of the control.
    pub control: u64,
}

/// The evidence that a candidate errs more than [`TOLERATED_RATIO`] times as often as its control.
///
/// An e-process: under any ratio up to the tolerated one its expectation never exceeds 1, so by
/// Ville's inequality it ever reaches `E` with a chance of at most `1 / E`, no matter how often and
/// when it is looked at. Given that an error happened, it fell on the candidate, which sees a share
/// `θ` of the requests, with probability `rθ / (rθ + 1 − θ)` under ratio `r`; the evidence is the
/// mean, over [`HARM_RATIOS`], of the likelihood ratio of all errors so far against the tolerated
/// ratio. The number of requests cancels, so errors alone are counted, and errors must arrive
/// independently of each other.
///
/// ```
/// use ragstone::stats::{ArmErrors, EProcess};
/// let mut evidence = EProcess::new();
/// for _ in 0..10 {
///     evidence.observe(ArmErrors { candidate: 4, control: 1 }, 0.5);
/// }
/// assert!(evidence.shows_harm());
/// ```
///
/// Source: Ville (1939); Ramdas, Grünwald, Vovk and Shafer (2023), *Game-theoretic statistics and
/// safe anytime-valid inference*, sections 3 and 5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EProcess {
    /// The logarithm of the likelihood ratio of each of [`HARM_RATIOS`].
    log_ratios: [f64; HARM_RATIOS.len()],
    /// The logarithm of the most evidence at any look.
    log_largest: f64,
}

impl Default for EProcess {
    fn default() -> Self {
        Self::new()
    }
}

impl EProcess {
    /// Before the first error: evidence of 1.
    pub const fn new() -> Self {
        Self {
            log_ratios: [0.0; HARM_RATIOS.len()],
            log_largest: 0.0,
        }
    }

    /// Takes in the errors since the last look, while the candidate saw `exposure` of the requests.
    ///
    /// The share may change between looks, as long as it does not depend on the errors it is given
    /// with.
    ///
    /// # Panics
    /// If `exposure` is outside `(0, 1)`: an arm without requests compares with nothing.
    pub fn observe(&mut self, errors: ArmErrors, exposure: f64) {
        assert!(
            exposure > 0.0 && exposure < 1.0,
            "both arms see a share of the requests"
        );
        let tolerated = share_on_candidate(TOLERATED_RATIO, exposure);
        for (log_ratio, harm) in self.log_ratios.iter_mut().zip(HARM_RATIOS) {
            let share = share_on_candidate(harm, exposure);
            *log_ratio += errors.candidate as f64 * (share / tolerated).ln()
                + errors.control as f64 * ((1.0 - share) / (1.0 - tolerated)).ln();
        }
        self.log_largest = self.log_largest.max(self.log_evidence());
    }

    /// The evidence now, in `(0, f64::MAX]`; 1 says nothing either way.
    pub fn evidence(&self) -> f64 {
        self.log_evidence().exp().clamp(f64::MIN_POSITIVE, f64::MAX)
    }

    /// Whether the evidence has ever reached [`HARM_EVIDENCE`]. Harm once shown stays shown.
    pub fn shows_harm(&self) -> bool {
        self.log_largest >= HARM_EVIDENCE.ln()
    }

    /// A p-value that holds at every look at once: one over the most evidence so far, in `[0, 1]`.
    pub fn anytime_p(&self) -> f64 {
        (-self.log_largest).exp()
    }

    /// The logarithm of the mean likelihood ratio, safe from overflow.
    fn log_evidence(&self) -> f64 {
        let largest = self
            .log_ratios
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self
            .log_ratios
            .iter()
            .map(|log| (log - largest).exp())
            .sum();
        largest + (sum / HARM_RATIOS.len() as f64).ln()
    }
}

/// How likely an error is the candidate's.
fn share_on_candidate(ratio: f64, exposure: f64) -> f64 {
    ratio * exposure / (ratio * exposure + 1.0 - exposure)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::stats::stream;

    /// How many of 1,000 runs of up to 200 errors, looked at after every one, show harm; and the
    /// mean number of errors until they do.
    fn runs_with_harm(ratio: f64, exposure: f64) -> (usize, f64) {
        let share = share_on_candidate(ratio, exposure);
        let stops: Vec<usize> = (0..1000)
            .filter_map(|run| {
                let (mut rng, mut evidence) = (stream(5, run), EProcess::new());
                (1..=200).find(|_| {
                    let candidate = u64::from(rng.random_bool(share));
                    let control = 1 - candidate;
                    evidence.observe(ArmErrors { candidate, control }, exposure);
                    evidence.shows_harm()
                })
            })
            .collect();
        let errors = stops.iter().sum::<usize>() as f64 / stops.len().max(1) as f64;
        (stops.len(), errors)
    }

    #[test]
    fn looking_after_every_error_keeps_the_false_alarms_below_one_in_a_hundred() {
        for exposure in [0.5, 0.1] {
            let (alarms, _) = runs_with_harm(TOLERATED_RATIO, exposure);
            assert!(alarms <= 10, "{alarms} of 1000 at exposure {exposure}");
            let (alarms, _) = runs_with_harm(1.0, exposure);
            assert!(alarms <= 2, "{alarms} of 1000 at exposure {exposure}");
        }
    }

    #[test]
    fn three_times_the_errors_are_found_soon() {
        let (found, errors) = runs_with_harm(3.0, 0.5);
        assert!(found > 970 && errors < 80.0, "{found} after {errors}");
    }

    #[test]
    fn its_expectation_after_one_error_is_one_at_the_tolerated_ratio() {
        let after = |candidate, control| {
            let mut evidence = EProcess::new();
            evidence.observe(ArmErrors { candidate, control }, 0.3);
            evidence.evidence()
        };
        let share = share_on_candidate(TOLERATED_RATIO, 0.3);
        let expected = share * after(1, 0) + (1.0 - share) * after(0, 1);
        assert!((expected - 1.0).abs() < 1e-12, "{expected}");
    }

    #[test]
    fn a_million_errors_stay_finite() {
        let mut evidence = EProcess::default();
        let (candidate, control) = (1_000_000, 0);
        evidence.observe(ArmErrors { candidate, control }, 0.01);
        assert_eq!(evidence.evidence(), f64::MAX);
        assert_eq!(evidence.anytime_p(), 0.0);
        evidence.observe(
            ArmErrors {
                candidate: 0,
                control: u64::MAX,
            },
            0.5,
        );
        assert!(evidence.shows_harm() && evidence.evidence() == f64::MIN_POSITIVE);
    }
}
