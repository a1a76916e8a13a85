//! How the requests of an arm behave.

use crate::judge::Runbook;
use crate::simulate::{Plan, Scenario};

/// The chances that a request of an arm draws from. Shares are in `[0, 1]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Law {
    /// Requests that fail in one of the classes that both arms have.
    pub(super) error_rate: f64,
    /// Requests that end with status 503.
    pub(super) server_error_rate: f64,
    /// Requests that end with status 500 and a class of their own.
    pub(super) new_class_rate: f64,
    /// Requests that meet a cold instance.
    pub(super) cold_share: f64,
    /// Warm requests that take `slow_factor` times as long.
    pub(super) slow_share: f64,
    /// How much longer those take.
    pub(super) slow_factor: f64,
    /// Look-ups that the cache answers.
    pub(super) hit_ratio: f64,
    /// Look-ups under the other arm's prefix.
    pub(super) foreign_look_ups: f64,
    /// Whether a purge takes out the other arm's prefix.
    pub(super) purges_other: bool,
    /// Writes that repeat an earlier one of this arm and take effect again.
    pub(super) repeated_writes: f64,
    /// Writes that the other arm has made before.
    pub(super) shared_writes: f64,
    /// By how many times its age the queue grows over the whole log.
    pub(super) queue_growth: f64,
    /// Requests without `MODEL_TAG`.
    pub(super) unpinned: f64,
    /// Requests that are answered from another index than the pinned one.
    pub(super) mixed: f64,
    /// Whether another analyzer made that index.
    pub(super) skewed: bool,
}

impl Law {
    /// Where nothing is wrong.
    fn healthy(plan: &Plan) -> Self {
        Self {
            error_rate: plan.error_rate,
            server_error_rate: 0.0,
            new_class_rate: 0.0,
            cold_share: 0.01,
            slow_share: 0.0,
            slow_factor: 1.0,
            hit_ratio: 0.6,
            foreign_look_ups: 0.0,
            purges_other: false,
            repeated_writes: 0.0,
            shared_writes: 0.0,
            queue_growth: 0.0,
            unpinned: 0.0,
            mixed: 0.0,
            skewed: false,
        }
    }

    /// Of the control and of the candidate. What goes wrong in the course of a drill is not here.
    pub(super) fn of(plan: &Plan) -> [Self; 2] {
        let healthy = Self::healthy(plan);
        let (mut control, mut candidate) = (healthy, healthy);
        match plan.scenario {
            Scenario::TailFault => {
                (candidate.slow_share, candidate.slow_factor) = (0.2, 3.0);
            }
            Scenario::ColdStorm => candidate.cold_share = 0.15,
            Scenario::NewErrorClass => candidate.new_class_rate = 0.01,
            Scenario::CachePoison => candidate.foreign_look_ups = 0.03,
            Scenario::HitRatioDrop => candidate.hit_ratio = 0.45,
            Scenario::PurgeCollision => candidate.purges_other = true,
            Scenario::ErrorRate => candidate.error_rate *= 3.0,
            Scenario::ServerErrors => {
                control.server_error_rate = 0.001;
                candidate.server_error_rate = 0.015;
            }
            Scenario::DuplicateWrites => candidate.repeated_writes = 0.05,
            Scenario::QueueGrowth => candidate.queue_growth = 2.0,
            Scenario::MissingPins => candidate.unpinned = 0.005,
            Scenario::MixedPins => candidate.mixed = 0.005,
            Scenario::IndexSkew => {
                candidate.mixed = 1.0;
                candidate.skewed = true;
            }
            Scenario::SplitBrain if plan.runbook != Runbook::FailoverDrill => {
                candidate.shared_writes = 0.05;
            }
            // Nothing, or what a drill's course tells.
            Scenario::Healthy
            | Scenario::SplitBrain
            | Scenario::LostWrite
            | Scenario::DuplicateWebhook
            | Scenario::SlowDrain
            | Scenario::SlowCutover
            | Scenario::LateRewarm
            | Scenario::Flapping
            | Scenario::WrongReturnOrder
            | Scenario::SlowSurvivor
            | Scenario::ServerErrorBurst => {}
        }
        [control, candidate]
    }
}
