//! The policy file: as written, then checked.
//!
//! [`load()`] reads `ragstone.toml` into a [`Policy`] with defaults in, or says by file and line
//! what is wrong. Unknown keys are errors that name the nearest known key. Nothing here touches a
//! network or a target.

mod checked;
mod error;
mod lines;
mod ranking;
mod targets;
mod traffic;
mod written;

use std::path::{Path, PathBuf};

pub use checked::{Policy, RefereeSpec};
pub use error::PolicyError;
pub use lines::PolicyLines;
pub use targets::{
    ChromaSpec, ElasticSpec, EmbeddedSpec, EmbeddingSpec, HttpSpec, PgvectorSpec, QdrantSpec,
    RecordedSpec, TargetSettings, TargetSpec,
};
pub use written::STARTER;

use schemars::Schema;

use crate::goldset::Filter;
use crate::judge::{Runbook, RunbookStage};
use crate::replay::CacheSettings;

/// What the command line may set over the policy file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Another runbook.
    pub runbook: Option<Runbook>,
    /// Another stage.
    pub stage: Option<RunbookStage>,
    /// A slice of the questions.
    pub filter: Filter,
    /// A run from before the change.
    pub baseline: Option<PathBuf>,
    /// Earlier runs of the same step, beside those that the policy names.
    pub history: Vec<PathBuf>,
    /// Where replies are kept for later runs, if they are.
    pub cache: Option<CacheSettings>,
}

/// The JSON Schema of a policy file. It refuses nothing that [`load()`] accepts, and leaves to it what
/// takes two values at once.
pub fn schema() -> Schema {
    crate::schema::of_toml::<written::Written>()
}

/// Reads and checks a policy file.
///
/// # Errors
/// If it cannot be read, is not TOML, has an unknown key or value, or contradicts itself.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Policy, PolicyError> {
    let text = std::fs::read_to_string(path).map_err(|source| PolicyError::Read {
        path: path.to_owned(),
        source,
    })?;
    let mut written: written::Written =
        toml::from_str(&text).map_err(|error| PolicyError::from_toml(path, &text, &error))?;
    if let Some(runbook) = overrides.runbook {
        // Another runbook has other stages, so that the policy's stage goes with its runbook.
        if runbook != written.gate.runbook {
            written.gate.stage = None;
        }
        written.gate.runbook = runbook;
    }
    written.gate.stage = overrides.stage.or(written.gate.stage);
    let mut policy = checked::check(path, written, overrides.filter.clone())?;
    policy.cache.clone_from(&overrides.cache);
    policy.baseline = overrides.baseline.clone().or(policy.baseline);
    if !overrides.history.is_empty() {
        policy
            .history
            .get_or_insert_default()
            .extend(overrides.history.clone());
    }
    Ok(policy)
}
