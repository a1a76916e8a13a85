//! Logs of requests and of drills that never happened: for training, for tests, and for trying a policy.
//!
//! A [`Plan`] says what is simulated. [`requests`] and [`events`] yield its lines one after the other:
//! pure, a seed in and lines out, the same for the same plan, and in the memory of one request.
//! [`write_folder`] puts them on disk. Two plans that differ in the scenario alone tell of the same
//! requests, but for what is planted: those draws come from a stream of their own.
//!
//! Every line says `"simulated": true`, and judging takes none of them for evidence unless it is told
//! to.

mod cast;
mod course;
mod event;
mod folder;
mod law;
mod line;
mod queue;
mod request;
mod scenario;
mod table;

use miette::Diagnostic;
use thiserror::Error;

use crate::judge::{Runbook, RunbookStage};
use crate::units::Moment;

pub use event::events;
pub use folder::{Form, SimulateError, Written, write_folder};
pub use line::LineWriter;
pub use request::{
    Answered, CacheUse, Call, DedupeKey, PinsStated, Queue, Release, Request, Requests, requests,
};
pub use scenario::{Scenario, UnknownScenario};

/// What is simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is wrong.
    pub scenario: Scenario,
    /// Which arms there are, and whether there is a drill.
    pub runbook: Runbook,
    /// Names the random numbers.
    pub seed: u64,
    /// How long the log is, above 0 minutes.
    pub minutes: f64,
    /// Requests a second, of both arms together, above 0.
    pub rate: f64,
    /// The candidate's share of the requests, in `(0, 1)`.
    pub share: f64,
    /// The share of requests that fail where nothing is wrong, in `[0, 0.1]`.
    pub error_rate: f64,
    /// When it begins.
    pub start: Moment,
}

/// Why a plan cannot be simulated.
#[derive(Debug, Error, Diagnostic)]
pub enum PlanError {
    /// The scenario is of other runbooks.
    #[error("{scenario} cannot be played at {runbook}")]
    #[diagnostic(code(simulate::runbook), help("it can be played at {known}"))]
    Runbook {
        /// Which scenario.
        scenario: Scenario,
        /// Which runbook.
        runbook: Runbook,
        /// Where it can be played.
        known: String,
    },
    /// A number is out of its range.
    #[error("{what} is {value}")]
    #[diagnostic(code(simulate::range), help("{expected}"))]
    Range {
        /// Which number.
        what: &'static str,
        /// What was given.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
}

impl Plan {
    /// An hour of 20 requests a second from a fixed moment on, half of them the candidate's.
    pub fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            runbook: scenario.runbooks().next().expect("one at least"),
            seed: 1,
            minutes: 60.0,
            rate: 20.0,
            share: 0.5,
            error_rate: 0.002,
            start: Moment::from_millisecond(START_MS).expect("a moment of this century"),
        }
    }

    /// The candidate's share of the requests at a stage; half where the stage has none.
    pub fn share_at(stage: RunbookStage) -> f64 {
        match stage {
            RunbookStage::One => 0.01,
            RunbookStage::Five => 0.05,
            RunbookStage::Ten => 0.10,
            RunbookStage::TwentyFive => 0.25,
            // Some requests stay with the control, so that there is one to stand beside.
            RunbookStage::Hundred => 0.97,
            _ => 0.5,
        }
    }

    /// Whether it can be simulated.
    ///
    /// # Errors
    /// If the scenario is of other runbooks, or a number is out of its range.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.scenario.turns_red(self.runbook).is_none() {
            let names: Vec<&str> = self.scenario.runbooks().map(Runbook::name).collect();
            return Err(PlanError::Runbook {
                scenario: self.scenario,
                runbook: self.runbook,
                known: names.join(", "),
            });
        }
        let drill = self.runbook == Runbook::FailoverDrill;
        let minutes = if drill {
            (25.0..=1440.0).contains(&self.minutes)
        } else {
            self.minutes > 0.0 && self.minutes <= 100_000.0
        };
        let expected = if drill {
            "a drill takes 25 to 1440 minutes"
        } else {
            "between 0 and 100000"
        };
        let ranges = [
            ("minutes", self.minutes, minutes, expected),
            (
                "rate",
                self.rate,
                self.rate > 0.0 && self.rate <= 1e6,
                "requests a second, between 0 and 1000000",
            ),
            (
                "share",
                self.share,
                self.share > 0.0 && self.share < 1.0,
                "between 0 and 1, such as 0.05",
            ),
            (
                "error-rate",
                self.error_rate,
                (0.0..=0.1).contains(&self.error_rate),
                "between 0 and 0.1",
            ),
        ];
        let wrong = ranges.into_iter().find(|(_, _, fits, _)| !fits);
        wrong.map_or(Ok(()), |(what, value, _, expected)| {
            Err(PlanError::Range {
                what,
                value,
                expected,
            })
        })
    }

    /// How many requests there are.
    pub fn n_requests(&self) -> u64 {
        (self.minutes * 60.0 * self.rate).round() as u64
    }

    fn length_ms(&self) -> i64 {
        (self.minutes * 60_000.0).round() as i64
    }
}

/// 2026-01-05T09:00:00Z, a Monday.
const START_MS: i64 = 1_767_603_600_000;

/// What each stream of random numbers is for.
#[derive(Clone, Copy)]
enum Stream {
    Requests = 0,
    Planted = 1,
    Queues = 2,
    Events = 3,
}

#[cfg(test)]
mod tests;
