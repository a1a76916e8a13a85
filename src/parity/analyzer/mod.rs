//! Analyzer fingerprint: what a side's text analysis *does*, whatever it is called.
//!
//! Two indexes with the same rows and an analyzer of the same name still rank differently when one
//! has another stemmer, another Unicode library or other synonyms. So every side cuts the same
//! committed texts ([`ProbeSet`]) into tokens, as it does when it indexes and as it does when it
//! searches; what came of it is a [`TokenStreams`], and [`compare`] puts two of them beside each
//! other. Only behaviour is compared: another engine version with equal streams is a warning, and
//! other streams are a difference whatever the names say.

mod compare;
mod probes;
mod streams;

pub use compare::{
    AnalyzerParity, AnalyzerStatus, Engines, FirstDifference, StreamPart, StreamsParity,
    TimeParity, Unchecked, Uneven, compare, index_against_search,
};
pub use probes::{Probe, ProbeKind, ProbeSet};
pub use streams::{MalformedStreams, TokenStream, TokenStreams};
