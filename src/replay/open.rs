//! What a target says of itself: its contract, and its rows where they can be listed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::TargetName;
use crate::net::{Attempt, Failure, Retry, Stage};
use crate::parity::{Contract, ContractField, Inventory};
use crate::replay::{Arm, Settings};
use crate::target::{Export, Listing, Locality, Page, Working};

/// A contract as read, or why it could not be.
pub type ContractReading = Result<Contract, String>;

/// One target's part of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// Its name.
    pub name: TargetName,
    /// Whether its latency means anything.
    pub locality: Locality,
    /// Read before the first probe.
    pub contract_at_start: ContractReading,
    /// Read after the last probe.
    pub contract_at_end: ContractReading,
    /// Its rows, if it can list them.
    pub inventory: Option<Inventory>,
    /// Why it was not asked to the end, if it was not.
    pub given_up: Option<String>,
}

/// Reads a target's contract and lists its rows.
pub(super) async fn open(arm: &Arm, settings: &Settings) -> Side {
    let (contract, inventory) = match read(arm, settings).await {
        Ok((contract, inventory)) => (Ok(contract), inventory),
        Err(failure) => (Err(words(&failure)), None),
    };
    Side {
        name: arm.target.name().clone(),
        locality: arm.target.locality(),
        contract_at_end: contract.clone(),
        contract_at_start: contract,
        inventory,
        given_up: None,
    }
}

/// Reads the contract once more.
pub(super) async fn reopen(arm: &Arm, settings: &Settings) -> ContractReading {
    let (contract, _) = read(arm, settings)
        .await
        .map_err(|failure| words(&failure))?;
    Ok(contract)
}

fn words(failure: &Failure) -> String {
    format!(
        "{} at {}: {}",
        failure.class, failure.stage, failure.message
    )
}

/// The contract, with `COUNT` and `INDEX_HASH` of the rows where they are listed page by page: what was
/// counted outweighs what is claimed, and what the target says outweighs what the policy states.
async fn read(arm: &Arm, settings: &Settings) -> Result<(Contract, Option<Inventory>), Failure> {
    let target = arm.target.as_ref();
    let contract = patiently(settings, |attempt| target.contract(attempt)).await?;
    let (contract, inventory) = match target.listing() {
        Listing::None => (contract, None),
        Listing::Known(inventory) => (contract, Some(inventory.clone())),
        Listing::Paged(export) => {
            let inventory = enumerate(export, settings).await?;
            let contract = contract
                .with(ContractField::Count, inventory.rows.len().to_string())
                .with(ContractField::IndexHash, inventory.index_hash().to_string());
            (contract, Some(inventory))
        }
    };
    target.opened(&contract);
    Ok((contract.or(&arm.stated), inventory))
}

async fn enumerate(export: &dyn Export, settings: &Settings) -> Result<Inventory, Failure> {
    let mut inventory = Inventory::default();
    let mut mark: Option<String> = None;
    let mut given = HashSet::new();
    loop {
        let after = mark.as_deref();
        let Page { rows, next } =
            patiently(settings, |attempt| export.page(after, attempt)).await?;
        for row in rows {
            let identity = row.identity().map_err(|error| {
                Failure::lasting("row_without_identity", Stage::Schema, error.to_string())
            })?;
            inventory.rows.push(identity);
        }
        match next {
            None => return Ok(inventory),
            // A store that gives the same mark twice would be listed for ever.
            Some(next) if !given.insert(next.clone()) => {
                let message = "the store gave the same page mark twice";
                return Err(Failure::lasting("endless_listing", Stage::Schema, message));
            }
            next => mark = next,
        }
    }
}

/// One call with the time limit and the retries of the settings.
pub(crate) async fn patiently<'a, T>(
    settings: &Settings,
    call: impl Fn(Arc<Attempt>) -> Working<'a, T>,
) -> Result<T, Failure> {
    let mut tries = 1;
    loop {
        let attempt = Attempt::begin();
        let reply = within(settings.timeout, &attempt, call(Arc::clone(&attempt))).await;
        match reply {
            Err(failure) if failure.retry != Retry::Pointless && tries <= settings.retries => {
                let asked_for = match failure.retry {
                    Retry::Later(wait) => wait,
                    _ => None,
                };
                let wait = asked_for.unwrap_or_else(|| settings.backoff.wait(0, tries));
                tokio::time::sleep(wait).await;
                tries += 1;
            }
            reply => return reply,
        }
    }
}

/// Waits for a call, and says at which stage the limit cut it short.
pub(super) async fn within<T>(
    limit: Duration,
    attempt: &Attempt,
    work: Working<'_, T>,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(Failure::timeout(attempt.stage(), limit)))
}
