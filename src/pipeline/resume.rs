//! Going on with a run: from its journal, or from what a run that has ended left undone.

use std::path::Path;

use crate::ids::TargetName;
use crate::parity::Contract;
use crate::pipeline::PipelineError;
use crate::replay::{Before, Head, JOURNAL, Journal, JournalError, Observation, Outcome, Side};
use crate::report::{Probes, RunRecord, TargetRecord, load_probes};
use crate::target::Texts;

/// The journal of a run folder. A run that has ended gets a new one, with everything that was answered;
/// what was skipped is open again, and what failed too if it is to be retried.
///
/// # Errors
/// If there is no run, another process is at it, or a file is damaged.
pub async fn reopen(folder: &Path, before: Before) -> Result<Journal, PipelineError> {
    if folder.join(JOURNAL).exists() || !folder.join("run.json").exists() {
        return Ok(Journal::reopen(folder, before)?);
    }
    let Probes {
        record,
        observations,
        texts,
    } = load_probes(folder)?;
    let own = |name: &TargetName| {
        let mut targets = own_targets(&record);
        targets.any(|target| target.name == *name)
    };
    let head = head(&record).ok_or_else(|| JournalError::None {
        folder: folder.to_owned(),
    })?;
    let mut journal = Journal::create(folder, head)?;
    journal.same_contracts(&sides(&record)).await?;
    let asked = observations.iter().filter(|seen| own(&seen.target));
    for (place, seen) in asked.enumerate() {
        let failed = matches!(seen.outcome, Outcome::Failed { .. });
        if !(failed && before == Before::RetryErrors) {
            journal.keep(place, seen, &of(seen, &texts)).await?;
        }
    }
    Ok(journal)
}

/// `None` for a record that was put together from others, or by a version that did not say what was
/// planned.
fn head(record: &RunRecord) -> Option<Head> {
    Some(Head {
        format: Head::FORMAT,
        run_id: record.run_id.clone(),
        started_at: record.started_at.clone()?,
        gold: record.gold_digest,
        policy: record.policy_digest,
        plan: record.plan_digest?,
    })
}

fn sides(record: &RunRecord) -> Vec<Side> {
    let contract = |read: &Option<Contract>| read.clone().ok_or_else(|| "not read".to_owned());
    let side = |target: &TargetRecord| Side {
        name: target.name.clone(),
        locality: target.locality,
        contract_at_start: contract(&target.contract_at_start),
        contract_at_end: contract(&target.contract_at_end),
        inventory: None,
        stamp_lies: Vec::new(),
        given_up: None,
    };
    own_targets(record).map(side).collect()
}

/// The targets that were asked in the run itself, and not before it.
fn own_targets(record: &RunRecord) -> impl Iterator<Item = &TargetRecord> {
    let targets = record.targets.iter();
    targets.filter(|target| target.baseline_of.is_none())
}

/// The texts of one observation.
fn of(seen: &Observation, texts: &Texts) -> Texts {
    let Outcome::Scored { hits, answer, .. } = &seen.outcome else {
        return Texts::new();
    };
    let digests = hits.iter().map(|hit| hit.text).chain(*answer);
    digests
        .filter_map(|digest| Some((digest, texts.get(&digest)?.clone())))
        .collect()
}
