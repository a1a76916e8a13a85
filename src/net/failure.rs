//! What a call came to when it did not come back.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::net::Taken;

/// Where in an attempt something went wrong.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
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
    /// The target declined to answer.
    Refused,
    /// The whole attempt took too long, and nobody knows where.
    Deadline,
}

impl Stage {
    /// Every stage, in the order in which a call meets them.
    pub const ALL: &[Self] = &[
        Self::Query,
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::Headers,
        Self::Body,
        Self::Decode,
        Self::Schema,
        Self::Tool,
        Self::Refused,
        Self::Deadline,
    ];

    /// Its name in tables and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Decode => "decode",
            Self::Schema => "schema",
            Self::Tool => "tool",
            Self::Refused => "refused",
            Self::Deadline => "deadline",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why an attempt has no reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// A short stable name: `timeout`, `http_503`, `no_query_vector`.
    pub class: String,
    /// Where it happened.
    pub stage: Stage,
    /// For people.
    pub message: String,
    /// Whether another attempt could go better.
    pub retry: Retry,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
    /// What it took when it happened, if it is read from a saved run.
    pub taken: Option<Box<Taken>>,
}

/// `http_503 at headers: busy`.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.class, self.stage, self.message)
    }
}

/// Whether another attempt could go better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The fault may pass.
    Worthwhile,
    /// The target has too much to do, and may say how long it wants to be left alone.
    Later(Option<Duration>),
    /// The same question would fail the same way.
    Pointless,
}

impl Failure {
    /// A fault that may pass.
    pub fn passing(class: impl Into<String>, stage: Stage, message: impl Into<String>) -> Self {
        Self {
            class: class.into(),
            stage,
            message: message.into(),
            retry: Retry::Worthwhile,
            status: None,
            taken: None,
        }
    }

    /// A fault that the same question would meet again.
    pub fn lasting(class: impl Into<String>, stage: Stage, message: impl Into<String>) -> Self {
        Self {
            retry: Retry::Pointless,
            ..Self::passing(class, stage, message)
        }
    }

    /// The same, with the status that came.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    /// Whether the target asked to be asked less: 429, 503, or no reply in time.
    pub fn is_overload(&self) -> bool {
        matches!(self.retry, Retry::Later(_)) || self.class == TIMEOUT
    }

    /// Nothing came within the time limit; `stage` is what it was waiting for.
    pub fn timeout(stage: Stage, limit: Duration) -> Self {
        let message = format!("no reply within {} ms", limit.as_millis());
        Self::passing(TIMEOUT, stage, message)
    }
}

/// The class of a call that ran out of time.
const TIMEOUT: &str = "timeout";
