//! `kind = "recorded"`.

use std::path::PathBuf;

use crate::ids::TargetName;
use crate::plan::PolicyError;
use crate::plan::targets::Place;
use crate::plan::written::Target;

/// A target of a saved run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedSpec {
    /// The run folder. It need not exist before it is read.
    pub run: PathBuf,
    /// The target's name in that run.
    pub side: TargetName,
}

pub(super) const KEYS: [&str; 2] = ["run", "side"];

/// Which target of which run.
///
/// # Errors
/// If no run is named, or if it says how fast a record is to be asked.
pub(super) fn spec(place: &Place, target: &mut Target) -> Result<RecordedSpec, PolicyError> {
    let Some(run) = target.run.take() else {
        return place.wrong("a run is missing", "add run = \"reports/…\", a run folder");
    };
    if target.concurrency.is_some() || target.rate.is_some() || target.warm_up.is_some() {
        let help = "leave out concurrency, rate and warm_up: what was recorded is only read";
        return place.wrong("says how fast it is asked, and is not asked", help);
    }
    Ok(RecordedSpec {
        run: place.folder.join(run),
        side: TargetName::new(target.side.take().unwrap_or_else(|| target.name.clone())),
    })
}
