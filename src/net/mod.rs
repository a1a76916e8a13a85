//! The network: what every target, health endpoint and embedding service is reached through.
//!
//! A call either comes back or fails at a named [`Stage`]. An [`Attempt`] is the clock of one call,
//! shared between the code that makes it and the code that waits for it, so that a time limit knows
//! which stage it cut short. A [`Secret`] is read when it is needed, and [`Secrets::scrub`] removes it
//! from whatever a server echoes.

mod attempt;
mod client;
mod connection;
mod failure;
mod fault;
mod secret;
mod socket;
mod trust;

pub use attempt::{Attempt, Taken, Timing};
pub(crate) use client::decode;
pub use client::{Client, ClientSettings, NetError, Opened};
pub use connection::{Auth, AuthScheme, Connection, ConnectionError, ConnectionSettings};
pub use failure::{Failure, Retry, Stage};
pub use secret::{Secret, SecretError, SecretSource, Secrets};

pub(crate) use attempt::Mark;
pub(crate) use fault::{conversation, is_encryption};
pub(crate) use socket::{Meter, Metered, Reach, connect};
pub(crate) use trust::trust;
