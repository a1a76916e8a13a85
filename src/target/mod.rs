//! Targets: anything that answers a question with ranked texts.
//!
//! A failed probe is data, never an abort: a target answers with a [`Reply`] or a [`Failure`] that
//! says at which stage it failed.

pub mod embedded;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Form, QuestionId, SectionKey, Seed, TargetName};
use crate::parity::{Contract, Inventory};
use crate::units::Cutoff;

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
}

/// Where a hit stands in its section: a half-open range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offsets {
    /// First unit, from 0.
    pub start: usize,
    /// One past the last unit.
    pub end: usize,
    /// What is counted.
    pub unit: OffsetUnit,
}

/// What offsets count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Best first.
    pub hits: Vec<Hit>,
    /// The generated answer, from targets that answer.
    pub answer: Option<String>,
    /// Whether the target had to start something before it could answer, where it says so.
    pub cold_start: Option<bool>,
}

/// Where in an attempt something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Turning the question into a query: its vector, its body.
    Query,
    /// Finding the address.
    Resolve,
    /// Opening the connection.
    Connect,
    /// Agreeing on encryption.
    Tls,
    /// Waiting for the status and headers.
    Headers,
    /// Reading the body.
    Body,
    /// Making sense of the body's bytes.
    Decode,
    /// The reply is not of the agreed form.
    Schema,
    /// A tool behind the target failed.
    Tool,
    /// The whole attempt took too long.
    Deadline,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Query => "query",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Decode => "decode",
            Self::Schema => "schema",
            Self::Tool => "tool",
            Self::Deadline => "deadline",
        };
        f.pad(name)
    }
}

/// Why an attempt has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A short stable name: `timeout`, `http_503`, `no_query_vector`.
    pub class: String,
    /// Where it happened.
    pub stage: Stage,
    /// For people.
    pub message: String,
    /// Whether another attempt could go better.
    pub retry: Retry,
}

/// Whether another attempt could go better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The fault may pass.
    Worthwhile,
    /// The same question would fail the same way.
    Pointless,
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
pub trait Target: Send + Sync {
    /// Its name in the policy.
    fn name(&self) -> &TargetName;

    /// Whether its latency means anything.
    fn locality(&self) -> Locality;

    /// What it says of itself now.
    fn contract(&self) -> Working<'_, Contract>;

    /// All its rows, if it can list them.
    fn inventory(&self) -> Working<'_, Option<Inventory>>;

    /// Answers one question.
    fn retrieve<'a>(&'a self, query: &'a Query) -> Working<'a, Reply>;
}

/// Each distinct text once, by digest, so that a run does not repeat what ten probes retrieved.
pub type Texts = BTreeMap<Digest, String>;
