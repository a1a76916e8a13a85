//! Replay: asks every target every planned question and writes down what came back.
//!
//! A [`Plan`] is the list of probes; [`replay`] carries it out and gives one [`Observation`] for
//! each, in plan order, whatever happened: `planned = scored + failed + skipped`. The contract of
//! every target is read before the first probe and after the last.

mod cache;
mod observation;
mod open;
mod plan;
mod record;
mod run;

use std::sync::Arc;
use std::time::Duration;

use crate::ids::Seed;
use crate::parity::Contract;
use crate::target::Target;
use crate::units::Cutoff;

pub use cache::{CacheSettings, Cached};
pub use observation::{Counts, HitRecord, Observation, Outcome, Purpose, accept};
pub use open::{ContractReading, Side};
pub use plan::{Plan, Probe};
pub use record::{
    RecordError, read_observations, read_table, read_texts, write_observations, write_table,
    write_texts,
};
pub use run::{Run, replay};

/// How fast one target is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Probes under way at once, at most.
    pub concurrency: usize,
    /// Probes begun in a second, at most.
    pub per_second: Option<f64>,
    /// Probes asked before the run and not measured.
    pub warm_up: usize,
}

/// One target with what the replay must know about it.
#[derive(Clone)]
pub struct Arm {
    /// Who is asked.
    pub target: Arc<dyn Target>,
    /// Contract fields that it does not say of itself.
    pub stated: Contract,
    /// How fast it is asked.
    pub pace: Pace,
}

/// How a gold set is replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// At least one; each form is asked once a seed.
    pub seeds: Vec<Seed>,
    /// Paraphrases asked beside the original wording, as far as a question has them.
    pub paraphrases: usize,
    /// Hits asked for.
    pub k: Cutoff,
    /// Cut-offs of the ΔS(k) curve, asked for with the original wording and the first seed.
    pub k_sweep: Vec<Cutoff>,
    /// Probes under way at once, per target.
    pub concurrency: usize,
    /// Longest time of one attempt.
    pub timeout: Duration,
    /// Attempts after the first, for faults that may pass.
    pub retries: u32,
}

impl Default for Settings {
    fn default() -> Self {
        let cutoff = |k| Cutoff::new(k).expect("positive");
        Self {
            seeds: vec![Seed(1), Seed(2)],
            paraphrases: 3,
            k: cutoff(10),
            k_sweep: [5, 10, 20].map(cutoff).to_vec(),
            concurrency: 16,
            timeout: Duration::from_secs(10),
            retries: 2,
        }
    }
}
