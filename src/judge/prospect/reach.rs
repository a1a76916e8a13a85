//! The smallest effect that a check decides, and what decides it, in words.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::judge::paired::SHARE;
use crate::judge::{Basis, Comparator, Definition, Method};
use crate::stats::{
    Moments, Power, bounded_mean, detectable_mean, detectable_median_share, detectable_rate,
    detectable_standard_deviation, events_allowed, votes_needed, where_it_reaches,
};

use super::chance::Chances;
use super::{Effect, Law};

impl Chances<'_> {
    /// By bound only: by point the smallest effect is the limit itself, with a chance of one half.
    pub(super) fn effect(&self, definition: &Definition, n: usize) -> Effect {
        let (limit, healthy) = (self.limit(definition), self.healthy);
        if self.settings.basis == Basis::Point {
            return Effect::default();
        }
        match definition.method {
            Method::DeltaS | Method::ShadowStop | Method::Block => self.of_median(n, limit),
            Method::Coverage => self.of_mean(n, healthy.coverage.moments(), limit),
            Method::Rank(measure) => {
                let (law, turned) = self.ranked(definition, measure);
                let Effect { passes, fails } = self.of_mean(n, law, turned);
                let back = |mean: f64| match definition.comparator {
                    Comparator::AtMost => 1.0 - mean,
                    _ => mean,
                };
                Effect {
                    passes: passes.map(back),
                    fails: fails.map(back),
                }
            }
            Method::Convergence | Method::AnswersEqual => {
                let misses = self.of_rate(n, 1.0 - limit);
                Effect {
                    passes: misses.passes.map(|rate| 1.0 - rate),
                    fails: misses.fails.map(|rate| 1.0 - rate),
                }
            }
            Method::Shifts | Method::Flips => self.of_rate(n, limit),
            Method::LatencyRatio => {
                let z = |level| Normal::standard().inverse_cdf(level);
                let reach = (z(self.settings.confidence.get()) + z(Power::P80.get()))
                    * self.latency(n).standard_error();
                Effect {
                    passes: Some(limit * (-reach).exp()),
                    fails: Some(limit * reach.exp()),
                }
            }
            Method::Drift | Method::DriftAndConvergence | Method::MeanDrift => {
                self.of_shift(definition, n, healthy.shift_deviation)
            }
            Method::CoverageDrift => self.of_shift(definition, n, healthy.coverage_deviation),
            _ => Effect::default(),
        }
    }

    /// A share that must be large, of laws of the same shape.
    fn of_mean(&self, n: usize, law: Moments, limit: f64) -> Effect {
        let confidence = self.settings.confidence;
        let above = detectable_mean(n, law, Power::P80, confidence);
        let below = detectable_mean(n, law.mirrored(), Power::P80, confidence);
        Effect {
            passes: Some(limit + above).filter(|mean| *mean <= 1.0),
            fails: Some(limit - below).filter(|mean| *mean >= 0.0),
        }
    }

    /// The medians of laws of the same shape, moved until the share within the limit is just enough.
    fn of_median(&self, n: usize, limit: f64) -> Effect {
        let Some(share) = detectable_median_share(n, Power::P80, self.settings.confidence) else {
            return Effect::default();
        };
        let at = |share| {
            self.healthy
                .delta_s
                .above_median(share)
                .map(|above| limit - above)
        };
        Effect {
            passes: at(share),
            fails: at(1.0 - share),
        }
    }

    /// Shares that must be small; to fail is to show that the others are too few.
    fn of_rate(&self, n: usize, limit: f64) -> Effect {
        let reach =
            |limit: f64| detectable_rate(n as u64, limit, Power::P80, self.settings.confidence);
        Effect {
            passes: reach(limit),
            fails: reach(1.0 - limit).map(|others| 1.0 - others),
        }
    }

    fn of_shift(&self, definition: &Definition, n: usize, deviation: f64) -> Effect {
        let limit = self.limit(definition);
        let chance = |shift| self.shifted_by(definition, n, shift);
        let missed = 1.0 - Power::P80.get();
        let passes = (chance(0.0) >= Power::P80.get())
            .then(|| where_it_reaches(missed, 0.0, limit, |shift| 1.0 - chance(shift)));
        let law = Moments::normal(0.0, deviation);
        let beyond = detectable_mean(n, law, Power::P80, self.settings.confidence);
        Effect {
            passes,
            fails: Some(limit + beyond),
        }
    }

    /// What decides, with the numbers that a reader can count.
    pub(super) fn why(&self, definition: &Definition, n: usize) -> String {
        let (limit, healthy) = (self.limit(definition), self.healthy);
        let confidence = self.settings.confidence;
        let percent = |share: f64| 100.0 * share;
        let allowed = |limit: f64| events_allowed(n as u64, limit.clamp(0.0, 1.0), confidence);
        let at_most = |what: &str, limit: f64, usual: f64| match allowed(limit) {
            Some(most) => format!(
                "at most {most} of {n} may {what}; {:.1} % usually do",
                percent(usual)
            ),
            None => format!(
                "even none of {n} leaves more than {:.0} % possible",
                percent(limit)
            ),
        };
        let drift = |deviation: f64| {
            let largest = detectable_standard_deviation(n, limit, Power::P80, confidence);
            format!(
                "SD of the differences {deviation:.3}, up to {largest:.3} would pass four times in five"
            )
        };
        let votes = || match votes_needed(n, confidence) {
            Some(votes) => format!(
                "{votes} of {n} must be within {limit:.2}; {:.1} % usually are",
                percent(healthy.delta_s.share_within(limit))
            ),
            None => format!("{n} questions bound no median"),
        };
        let spread = |law: &Law| format!("mean {:.3}, SD {:.3}", law.mean(), law.deviation());
        match definition.method {
            Method::DeltaS | Method::ShadowStop => votes(),
            Method::Block => format!("{}; coverage {}", votes(), spread(&healthy.coverage)),
            Method::Coverage => format!("{} over questions", spread(&healthy.coverage)),
            Method::Rank(measure) => match healthy.rank.get(&measure) {
                Some(law) => format!("{} over questions", spread(law)),
                None => "how it varies over questions is not known, at worst as all or nothing: give a finished run that has it with --from".to_owned(),
            },
            Method::Convergence => self.why_convergence(n, limit),
            Method::LatencyRatio => format!(
                "{} warm calls of each question; standard error of the ratio {:.1} %",
                self.outlook.calls(),
                percent(self.latency(n).standard_error())
            ),
            Method::NewErrorClass => {
                // θ^k ≤ α, both sides being asked as often.
                let questions = (confidence.alpha().ln() / 0.5_f64.ln()).ceil();
                format!(
                    "one event blocks a PASS, {questions:.0} questions here and none on the control FAIL (θ = 0.50)"
                )
            }
            Method::TopicCoverage => self.why_topics(n, limit),
            Method::ParaphraseFlips => format!(
                "one question is too many; {:.1} % usually flip, and more questions find more",
                percent(healthy.paraphrases_flip)
            ),
            Method::Drift | Method::DriftAndConvergence => format!(
                "{}; {}",
                drift(healthy.shift_deviation),
                at_most("shift", SHARE, healthy.shifted)
            ),
            Method::MeanDrift => drift(healthy.shift_deviation),
            Method::CoverageDrift => drift(healthy.coverage_deviation),
            Method::Shifts => at_most("shift", limit, healthy.shifted),
            Method::Flips => at_most("flip", limit, healthy.flips),
            Method::AnswersEqual => at_most("differ", 1.0 - limit, 1.0 - healthy.equal_answers),
            _ => String::new(),
        }
    }

    fn why_convergence(&self, n: usize, limit: f64) -> String {
        let misses = events_allowed(n as u64, 1.0 - limit, self.settings.confidence);
        let usual = 100.0 * self.healthy.converges;
        match misses {
            Some(misses) => format!(
                "{} of {n} must converge, {usual:.1} % usually do; no ×; <> mean {:.3}",
                n as u64 - misses,
                self.healthy.recursive.mean()
            ),
            None => format!("even all of {n} do not show {limit:.2}"),
        }
    }

    fn why_topics(&self, n: usize, limit: f64) -> String {
        let sizes = self.topic_sizes(n);
        let (least, most) = (sizes.iter().min(), sizes.iter().max());
        let (least, most) = (least.copied().unwrap_or(0), most.copied().unwrap_or(0));
        let range = if least == most {
            least.to_string()
        } else {
            format!("{least} to {most}")
        };
        let shows = |size: &usize| {
            let covered = vec![1.0; *size];
            bounded_mean(&covered, self.settings.confidence).is_some_and(|mean| mean.low >= limit)
        };
        let covered = (1..=1000).find(shows);
        format!(
            "{} topics of {range} questions; {} fully covered ones prove a topic",
            sizes.len(),
            covered.map_or_else(|| "no number of".to_owned(), |n| n.to_string())
        )
    }
}
