//! Targets: anything that answers a question with ranked texts.
//!
//! A failed probe is data, never an abort: a target answers with a [`Reply`] or a [`Failure`] that
//! says at which stage it failed.

mod analysis;
pub mod chroma;
pub mod elastic;
pub mod embedded;
mod export;
pub mod http;
pub mod pgvector;
pub mod qdrant;
pub mod store;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Form, QuestionId, SectionKey, Seed, TargetName};
use crate::net::{Attempt, Taken};
use crate::parity::{Contract, Inventory};
use crate::units::Cutoff;

pub use crate::net::{Failure, Retry, Stage};
pub use crate::vector::Metric;
pub use analysis::{Analysis, AnalysisTime, AnalyzerId, SearchAnalysis};
pub use export::{Export, Page, StoredRow, Unidentified};

/// What a target is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Which gold question.
    pub question: QuestionId,
    /// Which wording of it.
    pub form: Form,
    /// Sent to targets whose answer may vary.
    pub seed: Seed,
    /// How many hits to return.
    pub k: Cutoff,
    /// The wording itself.
    pub text: String,
    /// Whether the same was asked in this run before, to learn how much the target differs from
    /// itself. No target is told.
    pub repeat: bool,
    /// Whether it is asked to warm the target up: the reply is not measured.
    pub warm_up: bool,
}

/// Where a hit stands in its section: a half-open range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Offsets {
    /// First unit, from 0.
    pub start: usize,
    /// One past the last unit.
    pub end: usize,
    /// What is counted.
    pub unit: OffsetUnit,
}

/// What offsets count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OffsetUnit {
    /// Unicode scalar values.
    Char,
    /// UTF-8 bytes.
    Byte,
}

/// One retrieved text. Its rank is its place in the reply, from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The section it belongs to.
    pub section: SectionKey,
    /// Its own id in the index.
    pub snippet_id: String,
    /// The target's score: larger is better, finite.
    pub score: f64,
    /// The text as returned.
    pub text: String,
    /// Where it stands in its section, if the target says so.
    pub offsets: Option<Offsets>,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// Best first.
    pub hits: Vec<Hit>,
    /// The generated answer, from targets that answer.
    pub answer: Option<String>,
    /// What the answer says it rests on, as the target names it; empty if it names nothing.
    pub citations: Vec<String>,
    /// Whether the target had to start something before it could answer, where it says so.
    pub cold_start: Option<bool>,
    /// The HTTP status, where there is one.
    pub status: Option<u16>,
    /// Where the reply comes from.
    pub origin: Origin,
}

/// Where a reply comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Origin {
    /// The target was asked just now, and the clock ran.
    #[default]
    Asked,
    /// It was asked earlier under the same contract, and says nothing about latency.
    Cached,
    /// It is the reply of a saved run, with what it took then.
    Recorded(Taken),
}

impl Origin {
    /// What the reply took when it was made, if it is one of a saved run.
    pub fn taken(self) -> Option<Taken> {
        match self {
            Self::Recorded(taken) => Some(taken),
            Self::Asked | Self::Cached => None,
        }
    }
}

/// What part a target plays in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// What the others are compared with.
    Control,
    /// A release on trial.
    Candidate,
    /// A region that copies another.
    Follower,
    /// The region that takes over.
    Survivor,
    /// The stack that serves: a control.
    Blue,
    /// The stack that will serve.
    Green,
    /// A side of an earlier run, beside which this one is judged. No policy names it.
    Baseline,
}

impl Role {
    /// Whether the others are compared with it.
    pub fn is_control(self) -> bool {
        matches!(self, Self::Control | Self::Blue)
    }

    /// Whether it is judged: neither what the others are compared with nor a side of an earlier run.
    pub fn is_judged(self) -> bool {
        !self.is_control() && self != Self::Baseline
    }
}

/// Whether a network lies between the target and the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locality {
    /// The target is part of this process: its latency says nothing about a service.
    InProcess,
    /// The target is reached over a network.
    Network,
}

/// Work that a target has begun.
pub type Working<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// One side of a comparison.
///
/// Every call is given the [`Attempt`] that it is part of, and says there which stage it is at, so that
/// whoever waits knows what a time limit cut short.
pub trait Target: Send + Sync {
    /// Its name in the policy.
    fn name(&self) -> &TargetName;

    /// Whether its latency means anything.
    fn locality(&self) -> Locality;

    /// What it says of itself now.
    fn contract(&self, attempt: Arc<Attempt>) -> Working<'_, Contract>;

    /// Is told what its contract came to whenever it was read, with what its rows say where they are
    /// listed, and without what only the policy states.
    fn opened(&self, _contract: &Contract) {}

    /// How its rows can be listed.
    fn listing(&self) -> Listing<'_>;

    /// How its text analysis can be tried out, if it can.
    fn analysis(&self) -> Option<&dyn Analysis> {
        None
    }

    /// Answers one question.
    fn retrieve<'a>(&'a self, query: &'a Query, attempt: Arc<Attempt>) -> Working<'a, Reply>;
}

/// How the rows of a target can be listed.
pub enum Listing<'a> {
    /// Not at all.
    None,
    /// They are at hand, and can be had page by page too.
    Known(&'a Inventory, &'a dyn Export),
    /// Page by page.
    Paged(&'a dyn Export),
}

/// Each distinct text once, by digest, so that a run does not repeat what ten probes retrieved.
pub type Texts = BTreeMap<Digest, String>;
