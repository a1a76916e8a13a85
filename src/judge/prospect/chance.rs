//! The chance of a PASS, rule by rule.

use crate::goldset::lint::PROBE_SET;
use crate::judge::paired::{COVERAGE_MARGIN, SHARE};
use crate::judge::quality::RECURSIVE;
use crate::judge::{Basis, Comparator, Definition, Method, Runbook, Settings};
use crate::measure::RankMeasure;
use crate::stats::{
    Moments, PairedDesign, QuantileRatioDesign, bounded_mean_power, mean_power, median_power,
    median_power_by_point, quantile_ratio_power, rate_power, rate_power_by_point, tost_power,
};
use crate::units::Confidence;

use super::{Healthy, Outlook};

/// The percentile of the latency clauses.
pub(super) const TAIL: f64 = 0.95;

/// The chances of each check, under one set of assumptions.
pub(super) struct Chances<'a> {
    pub(super) settings: &'a Settings,
    pub(super) outlook: &'a Outlook,
    pub(super) healthy: &'a Healthy,
}

/// The fewest questions with which a rule says anything.
pub(super) fn least_questions(method: Method) -> usize {
    match method {
        Method::NewErrorClass | Method::ParaphraseFlips => 1,
        _ => *PROBE_SET.start(),
    }
}

impl<'a> Chances<'a> {
    pub(super) fn new(settings: &'a Settings, outlook: &'a Outlook, healthy: &'a Healthy) -> Self {
        Self {
            settings,
            outlook,
            healthy,
        }
    }

    pub(super) fn limit(&self, definition: &Definition) -> f64 {
        self.settings.limit(definition).value
    }

    /// The chance that a check passes `n` questions of a side with which nothing is wrong.
    ///
    /// A rule of several conditions passes with the product of their chances. The conditions look at
    /// the same questions and rise and fall together, so that the product is on the careful side.
    pub(super) fn of(&self, definition: &Definition, n: usize) -> f64 {
        self.shifted_by(definition, n, 0.0)
    }

    /// The same when the sides differ by a true mean `shift`, which only paired means ask for.
    pub(super) fn shifted_by(&self, definition: &Definition, n: usize, shift: f64) -> f64 {
        if n < least_questions(definition.method) {
            return 0.0;
        }
        let (limit, healthy) = (self.limit(definition), self.healthy);
        let drift = |margin| self.mean_within(n, shift, healthy.shift_deviation, margin);
        let shifts = |limit| self.rate(n, healthy.shifted, limit);
        let chance = match definition.method {
            Method::DeltaS | Method::ShadowStop => {
                self.median(n, healthy.delta_s.share_within(limit))
            }
            Method::Coverage => self.mean_at_least(n, healthy.coverage.moments(), limit),
            Method::Rank(measure) => {
                let (law, limit) = self.ranked(definition, measure);
                self.mean_at_least(n, law, limit)
            }
            Method::Block => {
                let coverage = self.settings.block_coverage();
                self.median(n, healthy.delta_s.share_within(limit))
                    * self.mean_at_least(n, healthy.coverage.moments(), coverage)
            }
            Method::Convergence => self.convergence(n, limit),
            Method::LatencyRatio => quantile_ratio_power(self.latency(n), 1.0, limit, self.level()),
            Method::TopicCoverage => self.topics(n, limit),
            Method::ParaphraseFlips => power(1.0 - healthy.paraphrases_flip, n),
            Method::Drift => drift(limit) * shifts(SHARE),
            Method::DriftAndConvergence => {
                let definition = Runbook::MultiRegion
                    .check_by(Method::Convergence)
                    .expect("multi-region asks for convergence");
                drift(limit) * shifts(SHARE) * self.convergence(n, definition.limit)
            }
            Method::MeanDrift => drift(limit),
            Method::Shifts => shifts(limit),
            Method::CoverageDrift => self.mean_within(n, shift, healthy.coverage_deviation, limit),
            Method::Flips => self.rate(n, healthy.flips, limit),
            Method::AnswersEqual => self.rate(n, 1.0 - healthy.equal_answers, 1.0 - limit),
            Method::AfterCutover => {
                drift(limit)
                    * shifts(SHARE)
                    * self.mean_within(n, 0.0, healthy.coverage_deviation, COVERAGE_MARGIN)
                    * self.rate(n, healthy.flips, SHARE)
            }
            // No error class is new when nothing is wrong; the others are decided without chance.
            Method::NewErrorClass
            | Method::Parity(_)
            | Method::BothState(..)
            | Method::PreFlight
            | Method::GreenHour
            | Method::FailedTwice => 1.0,
            method => {
                debug_assert!(method.is_observed(), "{method:?}");
                1.0
            }
        };
        chance * self.control_is_quiet(definition.method, n)
    }

    /// The fewest questions from 50 on with which a check passes four times in five, and with a few
    /// more as well: an exact bound of a rate gives ground in teeth as wide as 20 questions. Beyond
    /// 200 in steps of 10, beyond 2,000 of 100.
    pub(super) fn n_needed(&self, definition: &Definition) -> Option<usize> {
        const MOST: usize = 20_000;
        const ENOUGH: f64 = 0.8;
        const TOOTH: usize = 20;
        let least = *PROBE_SET.start();
        let passes = |n: usize| self.of(definition, n) >= ENOUGH;
        // Nothing is new when nothing is wrong.
        if definition.method == Method::NewErrorClass {
            return None;
        }
        // Where more questions find more that is wrong, the fewest may still pass.
        if definition.method == Method::ParaphraseFlips {
            return passes(least).then_some(least);
        }
        let most = match definition.method {
            // The law of the sum of a topic is worked out step by step.
            Method::TopicCoverage => 60 * self.outlook.topics.len().max(1),
            _ => MOST,
        };
        if !passes(most) {
            return None;
        }
        let coarsely = (210..2_000).step_by(10);
        let ns = (least..200)
            .chain(coarsely)
            .chain((2_000..=most).step_by(100));
        let mut fewest = None;
        for n in ns {
            match fewest {
                Some(first) if n - first > TOOTH => return fewest,
                _ if !passes(n) => fewest = None,
                None => fewest = Some(n),
                Some(_) => {}
            }
        }
        fewest
    }

    /// By the point estimate alone, a mean or a ratio is judged as by a bound that is the median.
    pub(super) fn level(&self) -> Confidence {
        match self.settings.basis {
            Basis::Bound => self.settings.confidence,
            Basis::Point => Confidence::new(0.5).expect("one half is a level"),
        }
    }

    fn by_bound(&self) -> Option<Confidence> {
        (self.settings.basis == Basis::Bound).then_some(self.settings.confidence)
    }

    fn median(&self, n: usize, within: f64) -> f64 {
        match self.by_bound() {
            Some(confidence) => median_power(n, within, confidence),
            None => median_power_by_point(n, within),
        }
    }

    /// A share of questions that must be small.
    fn rate(&self, n: usize, rate: f64, limit: f64) -> f64 {
        match self.by_bound() {
            Some(confidence) => rate_power(n as u64, rate, limit.clamp(0.0, 1.0), confidence),
            None => rate_power_by_point(n as u64, rate, limit),
        }
    }

    fn mean_at_least(&self, n: usize, law: Moments, limit: f64) -> f64 {
        mean_power(n, law, limit, self.level())
    }

    /// How a ranking measure varies over questions, turned so that more is better: as a run measured it, or
    /// else as widely as a share can that has its limit as the mean, each question being all or nothing.
    pub(super) fn ranked(&self, definition: &Definition, measure: RankMeasure) -> (Moments, f64) {
        let limit = self.limit(definition);
        let law = match self.healthy.rank.get(&measure) {
            Some(law) => law.moments(),
            None => Moments::of_beta(limit, 1.0),
        };
        match definition.comparator {
            Comparator::AtMost => (law.mirrored(), 1.0 - limit),
            _ => (law, limit),
        }
    }

    fn mean_within(&self, n: usize, shift: f64, deviation: f64, margin: f64) -> f64 {
        if deviation <= 0.0 || margin <= 0.0 {
            return f64::from(u8::from(shift.abs() <= margin));
        }
        let design = PairedDesign {
            n,
            standard_deviation: deviation,
            shift,
            margin,
        };
        tost_power(design, self.level())
    }

    /// A question with a `<>` cell does not converge, so that one run of bad luck breaks both the rate
    /// and the share of `<>`: the smaller chance of the two is that of both.
    fn convergence(&self, n: usize, limit: f64) -> f64 {
        let healthy = self.healthy;
        let few_recursive =
            self.mean_at_least(n, healthy.recursive.moments().mirrored(), 1.0 - RECURSIVE);
        let rate = self.rate(n, 1.0 - healthy.converges, 1.0 - limit);
        rate.min(few_recursive) * power(1.0 - healthy.chaotic, n)
    }

    /// Topics are taken to be alike. They share no question, so that the product is exact.
    fn topics(&self, n: usize, limit: f64) -> f64 {
        let law = self.healthy.coverage.steps();
        let mut by_size = std::collections::BTreeMap::new();
        for size in self.topic_sizes(n) {
            *by_size.entry(size).or_insert(0) += 1;
        }
        by_size
            .into_iter()
            .map(|(size, times)| bounded_mean_power(size, &law, limit, self.by_bound()).powi(times))
            .product()
    }

    /// The sizes of the topics if there were `n` questions in all, spread as they are now.
    pub(super) fn topic_sizes(&self, n: usize) -> Vec<usize> {
        let topics = &self.outlook.topics;
        let all: usize = topics.values().sum();
        let scaled = |size: &usize| ((size * n) as f64 / all.max(1) as f64).round() as usize;
        topics.values().map(|size| scaled(size).max(1)).collect()
    }

    pub(super) fn latency(&self, n: usize) -> QuantileRatioDesign {
        QuantileRatioDesign {
            n,
            calls: self.outlook.calls(),
            between: self.healthy.latency_between,
            within: self.healthy.latency_within,
            quantile: TAIL,
        }
    }

    /// A paired check first asks whether the control is equivalent to its own repeat.
    fn control_is_quiet(&self, method: Method, n: usize) -> f64 {
        if !method.is_paired() {
            return 1.0;
        }
        let margin = Definition::of(crate::judge::CheckId::MrDrift).limit;
        self.mean_within(n, 0.0, self.healthy.repeat_deviation, margin)
    }
}

/// The chance that `n` independent events of this chance all happen.
fn power(chance: f64, n: usize) -> f64 {
    chance.powf(n as f64)
}
