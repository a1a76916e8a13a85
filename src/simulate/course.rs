//! How a drill goes: what happens when, and what requests meet meanwhile.

use crate::simulate::{Plan, Scenario};

/// The region that is left, and the one that takes over, by their place among the arms.
pub(super) const EVACUATED: usize = 0;
pub(super) const SURVIVOR: usize = 1;

/// The weights of the evacuated region on its return, as the plan beside the logs has them.
pub(super) const RETURN_WEIGHTS: [f64; 4] = [10.0, 30.0, 60.0, 100.0];

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// The times of a drill, in milliseconds from the beginning of its log.
#[derive(Clone, Debug)]
pub(super) struct Course {
    scenario: Scenario,
    /// The region is to be left.
    pub(super) decided: i64,
    /// All traffic is with the survivor.
    pub(super) cutover: i64,
    /// When the caches of both regions are purged, by region.
    pub(super) purged: [i64; 2],
    /// The region is to be served from again.
    pub(super) returned: i64,
    /// The last event.
    pub(super) ended: i64,
    /// Each weight of the evacuated region in percent, and from when on.
    pub(super) weights: Vec<(i64, f64)>,
}

impl Course {
    pub(super) fn of(plan: &Plan) -> Self {
        let ended = plan.length_ms();
        let decided = ended * 2 / 5 / SECOND * SECOND + 250;
        // Hysteresis and propagation take so long for each step down.
        let (first, step, cutover) = match plan.scenario {
            Scenario::SlowCutover => (20, 20, 75),
            _ => (3, 5, 18),
        };
        let after = |seconds: i64| decided + seconds * SECOND;
        let mut weights = vec![(0, 100.0)];
        for (place, weight) in (0..).zip([60.0, 30.0, 0.0]) {
            weights.push((after(first + place * step), weight));
        }
        if plan.scenario == Scenario::Flapping {
            weights.extend([(after(120), 20.0), (after(150), 0.0)]);
        }
        let returned = decided + 10 * MINUTE;
        let mut back = RETURN_WEIGHTS;
        if plan.scenario == Scenario::WrongReturnOrder {
            back.swap(1, 2);
        }
        for (minute, weight) in (0..).zip(back) {
            weights.push((returned + 15 * SECOND + minute * MINUTE, weight));
        }
        Self {
            scenario: plan.scenario,
            decided,
            cutover: after(cutover),
            purged: [returned + 5 * SECOND, after(cutover + 12)],
            returned,
            ended,
            weights,
        }
    }

    /// The share of its usual traffic that the evacuated region gets, in `[0, 1]`.
    pub(super) fn weight_at(&self, at: i64) -> f64 {
        let mut before = self.weights.iter().rev();
        let last = before.find(|(since, _)| *since <= at);
        last.map_or(1.0, |(_, weight)| weight / 100.0)
    }

    /// Whether both regions take writes.
    pub(super) fn is_split(&self, at: i64) -> bool {
        self.scenario == Scenario::SplitBrain && at >= self.cutover
    }

    /// The region that takes writes; from the cutover on the survivor keeps them.
    pub(super) fn writer(&self, at: i64) -> usize {
        if at < self.cutover {
            EVACUATED
        } else {
            SURVIVOR
        }
    }

    /// Messages that the drill leaves in a region's queue: up to 400 in the survivor's.
    pub(super) fn backlog(&self, region: usize, at: i64) -> u64 {
        const PEAK: f64 = 400.0;
        let drained = match self.scenario {
            Scenario::SlowDrain => self.decided + 14 * MINUTE,
            _ => self.decided + 5 * MINUTE,
        };
        let full = self.cutover + 30 * SECOND;
        if region != SURVIVOR || at < self.decided || at >= drained {
            return 0;
        }
        let part = if at < full {
            (at - self.decided) as f64 / (full - self.decided) as f64
        } else {
            (drained - at) as f64 / (drained - full) as f64
        };
        (PEAK * part).ceil() as u64
    }

    /// The share of its usual hits that a region's cache has, in `[0, 1]`.
    pub(super) fn warmth(&self, region: usize, at: i64) -> f64 {
        let late = self.scenario == Scenario::LateRewarm && region == SURVIVOR;
        let time = if late { 400.0 } else { 60.0 } * SECOND as f64;
        let since = at - self.purged[region];
        if since < 0 {
            return 1.0;
        }
        1.0 - (-(since as f64) / time).exp()
    }

    /// The share of requests that end with status 503: some for the first seconds after the cutover.
    pub(super) fn failing(&self, region: usize, at: i64) -> f64 {
        let (share, seconds) = match self.scenario {
            Scenario::ServerErrorBurst => (0.33, 90),
            _ => (0.15, 12),
        };
        let during = self.cutover..self.cutover + seconds * SECOND;
        if region == SURVIVOR && during.contains(&at) {
            share
        } else {
            0.0
        }
    }

    /// How many times as long as usual a region's requests take.
    pub(super) fn slowness(&self, region: usize, at: i64) -> f64 {
        let slow = self.scenario == Scenario::SlowSurvivor && region == SURVIVOR;
        if slow && at >= self.cutover { 1.8 } else { 1.0 }
    }

    /// The status of a region's health endpoint.
    pub(super) fn health(&self, region: usize, at: i64) -> u16 {
        let flapping = self.scenario == Scenario::Flapping && region == EVACUATED;
        let away = self.decided + 60 * SECOND..self.decided + 120 * SECOND;
        if flapping && away.contains(&at) {
            503
        } else {
            200
        }
    }
}
