//! The journal: what came back so far, so that nothing is asked twice and nothing is lost.
//!
//! `journal.jsonl` grows while a run is replayed and is gone when the run is complete. Its first line
//! says what is asked of whom; then come hits, numbered from 0 as they first appear, and probes, which
//! name their hits by number. Every line carries a checksum, and a tail that a crash has torn is cut
//! off. Probes are named by their place in the plan, of which the head holds a digest.

mod line;
mod read;
mod write;

use std::path::PathBuf;

use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::{Digest, TargetName};
use crate::net::{Stage, Timing};
use crate::parity::Contract;
use crate::replay::{HitRecord, Observation, Outcome};
use crate::target::Offsets;

pub use read::Kept;
pub use write::{Before, Journal};

/// The file's name in a run folder.
pub const JOURNAL: &str = "journal.jsonl";

/// What is asked of whom: a run goes on only under the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Version of this format.
    pub format: u32,
    /// Which run.
    pub run_id: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Digest of the gold set.
    pub gold: Digest,
    /// Digest of the checked policy.
    pub policy: Digest,
    /// Digest of the plan.
    pub plan: Digest,
}

impl Head {
    /// The format this version writes.
    pub const FORMAT: u32 = 1;
}

/// Why a journal cannot be kept or read.
#[derive(Debug, Error, Diagnostic)]
pub enum JournalError {
    /// The file cannot be opened, read or written.
    #[error("{}: cannot be read or written", path.display())]
    #[diagnostic(
        code(journal::io),
        help("free some space, or name another folder with --out")
    )]
    Io {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Another process writes this run.
    #[error("{}: another process is writing this run", path.display())]
    #[diagnostic(
        code(journal::locked),
        help("wait for it or stop it; two processes would ask every question twice")
    )]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// There is no journal, so there is no run to go on with.
    #[error("{}: there is no unfinished run here", folder.display())]
    #[diagnostic(
        code(journal::none),
        help("a finished run has no {JOURNAL} any more; leave out --resume to begin a run")
    )]
    None {
        /// The run folder.
        folder: PathBuf,
    },
    /// A line in the middle is damaged.
    #[error("{} line {line}: damaged", path.display())]
    #[diagnostic(
        code(journal::damaged),
        help("a torn end is mended by itself, a hole in the middle is not: begin a new run")
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// The file is not as this process wrote it.
    #[error("{}: was changed while it was in use", path.display())]
    #[diagnostic(
        code(journal::changed),
        help("leave run folders alone until the run has ended")
    )]
    Changed {
        /// Which file.
        path: PathBuf,
    },
    /// A journal of the future.
    #[error("{}: format {found}, but this version reads {}", path.display(), Head::FORMAT)]
    #[diagnostic(
        code(journal::format),
        help("go on with the version that began the run")
    )]
    Format {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The run was begun under something else.
    #[error("{}: the run cannot go on: {}", path.display(), moved.join("; "))]
    #[diagnostic(
        code(journal::moved),
        help("its replies would not belong together; begin a new run")
    )]
    Moved {
        /// Which file.
        path: PathBuf,
        /// What is not as it was.
        moved: Vec<String>,
    },
    /// A side says something else of itself than when the run began.
    #[error("{}: the run cannot go on: {}", path.display(), moved.join("; "))]
    #[diagnostic(
        code(journal::contract_moved),
        help("no number would belong to one index; begin a new run")
    )]
    ContractMoved {
        /// Which file.
        path: PathBuf,
        /// Which fields of which side.
        moved: Vec<String>,
    },
}

/// A contract as it was first read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FirstContract {
    side: TargetName,
    contract: Contract,
}

/// A hit without its score: many probes find it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Found {
    doc_id: String,
    section_id: String,
    id: String,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offsets: Option<Offsets>,
}

/// What came of one probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Came {
    /// Place in the plan, from 0.
    probe: usize,
    attempts: u32,
    elapsed_ms: f64,
    timing: Timing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cached: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cold_start: Option<bool>,
    #[serde(flatten)]
    outcome: Ended,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ended {
    Scored {
        /// Numbers of the hits with their scores, best first.
        hits: Vec<(usize, f64)>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        citations: Vec<String>,
    },
    Failed {
        class: String,
        stage: Stage,
        message: String,
    },
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Record {
    Head(Head),
    Contract(FirstContract),
    Hit(Found),
    Probe(Came),
}

impl Ended {
    /// `None` for a probe that was never asked: it is not kept, so that it can still be.
    fn of(
        outcome: &Outcome,
        answer: Option<&str>,
        mut number: impl FnMut(&HitRecord) -> usize,
    ) -> Option<Self> {
        match outcome {
            Outcome::Scored {
                hits, citations, ..
            } => Some(Self::Scored {
                hits: hits.iter().map(|hit| (number(hit), hit.score)).collect(),
                answer: answer.map(str::to_owned),
                citations: citations.clone(),
            }),
            Outcome::Failed {
                class,
                stage,
                message,
            } => Some(Self::Failed {
                class: class.clone(),
                stage: *stage,
                message: message.clone(),
            }),
            Outcome::Skipped { .. } => None,
        }
    }
}

impl Came {
    fn of(probe: usize, seen: &Observation, outcome: Ended) -> Self {
        Self {
            probe,
            attempts: seen.attempts,
            elapsed_ms: seen.elapsed_ms,
            timing: seen.timing,
            status: seen.status,
            cached: seen.cached,
            cold_start: seen.cold_start,
            outcome,
        }
    }
}

#[cfg(test)]
mod tests;
