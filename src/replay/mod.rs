//! Replay: asks every target every planned question and writes down what came back.
//!
//! A [`Plan`] is the list of probes; [`replay`] carries it out and gives one [`Observation`] for
//! each, in plan order, whatever happened: `planned = scored + failed + skipped`. The contract of
//! every target is read before the first probe and after the last. What comes back goes to a
//! [`Journal`] at once, so that a run that is killed goes on where it was, and so that memory does not
//! grow with what came back.

mod cache;
mod finished;
mod journal;
mod observation;
mod open;
mod pace;
mod plan;
mod record;
mod run;
mod table;

use std::sync::Arc;
use std::time::Duration;

use crate::ids::Seed;
use crate::parity::Contract;
use crate::target::Target;
use crate::units::Cutoff;

pub use cache::{CacheSettings, Cached};
pub use finished::{Finished, Run};
pub use journal::{Before, Head, JOURNAL, Journal, JournalError, Kept};
pub use observation::{Counts, HitRecord, Observation, Outcome, Purpose, accept};
pub use open::{ContractReading, Side};
pub(crate) use open::{Pages, patiently};
pub use pace::{Backoff, Pace};
pub use plan::{Plan, Probe};
pub use record::{ObservationsWriter, TextsWriter, read_observations, read_texts};
pub use run::{ReplayError, Stop, replay};
pub use table::{NumberColumn, RecordError, TableWriter, read_table, read_table_beside};

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
    /// Waits between attempts.
    pub backoff: Backoff,
    /// Longest time of the whole run, if there is a limit.
    pub budget: Option<Duration>,
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
            backoff: Backoff::default(),
            budget: None,
        }
    }
}

#[cfg(test)]
mod tests;
