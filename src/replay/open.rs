//! What a target says of itself: its contract, and its rows where they can be listed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::TargetName;
use crate::net::{Attempt, Failure, Retry, Stage};
use crate::parity::stamp::{Digester, Lie, SEED, lies};
use crate::parity::{Contract, Inventory};
use crate::replay::{Arm, Settings};
use crate::target::{Export, Listing, Locality, Page, StoredRow, Working};

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
    /// Where its claims contradict what was computed of its rows.
    pub stamp_lies: Vec<Lie>,
    /// Why it was not asked to the end, if it was not.
    pub given_up: Option<String>,
}

/// Reads a target's contract and lists its rows.
pub(super) async fn open(arm: &Arm, settings: &Settings) -> Side {
    let (contract, inventory, stamp_lies) = match read(arm, settings).await {
        Ok(Opened {
            contract,
            inventory,
            stamp_lies,
        }) => (Ok(contract), inventory, stamp_lies),
        Err(failure) => (Err(failure.to_string()), None, Vec::new()),
    };
    Side {
        name: arm.target.name().clone(),
        locality: arm.target.locality(),
        contract_at_end: contract.clone(),
        contract_at_start: contract,
        inventory,
        stamp_lies,
        given_up: None,
    }
}

/// Reads the contract once more.
pub(super) async fn reopen(arm: &Arm, settings: &Settings) -> ContractReading {
    let opened = read(arm, settings).await;
    Ok(opened.map_err(|failure| failure.to_string())?.contract)
}

/// What a target says of itself, and what its rows say.
struct Opened {
    contract: Contract,
    inventory: Option<Inventory>,
    stamp_lies: Vec<Lie>,
}

/// The contract, with `COUNT` and `INDEX_HASH` of the rows where they are listed page by page: what was
/// counted outweighs what is claimed, and what the target says outweighs what the policy states.
async fn read(arm: &Arm, settings: &Settings) -> Result<Opened, Failure> {
    let target = arm.target.as_ref();
    let contract = patiently(settings, |attempt| target.contract(attempt)).await?;
    let claimed = contract.or(&arm.stated);
    let (contract, inventory) = match target.listing() {
        Listing::None => (contract, None),
        Listing::Known(inventory, _) => (contract, Some(inventory.clone())),
        Listing::Paged(export) => {
            let inventory = enumerate(export, settings).await?;
            (inventory.stated(contract), Some(inventory))
        }
    };
    target.opened(&contract);
    Ok(Opened {
        stamp_lies: lies(&claimed, &contract),
        contract: contract.or(&arm.stated),
        inventory,
    })
}

async fn enumerate(export: &dyn Export, settings: &Settings) -> Result<Inventory, Failure> {
    let mut inventory = Inventory::default();
    let digester = Digester::new(SEED);
    let mut pages = Pages::of(export);
    while let Some(rows) = pages.next(settings).await? {
        for row in rows {
            let row = row.stamped(&digester).map_err(|error| {
                Failure::lasting("row_without_identity", Stage::Schema, error.to_string())
            })?;
            inventory.rows.push(row);
        }
    }
    Ok(inventory)
}

/// Which page comes next.
enum Next {
    First,
    /// The one after this mark.
    After(String),
    None,
}

/// The pages of a store, one after another.
pub(crate) struct Pages<'a> {
    export: &'a dyn Export,
    next: Next,
    given: HashSet<String>,
}

impl<'a> Pages<'a> {
    /// From the first page on.
    pub(crate) fn of(export: &'a dyn Export) -> Self {
        Self {
            export,
            next: Next::First,
            given: HashSet::new(),
        }
    }

    /// The rows of the next page; `None` after the last.
    ///
    /// # Errors
    /// If the store does not give it, or would be listed for ever.
    pub(crate) async fn next(
        &mut self,
        settings: &Settings,
    ) -> Result<Option<Vec<StoredRow>>, Failure> {
        let mark = match std::mem::replace(&mut self.next, Next::None) {
            Next::First => None,
            Next::After(mark) => Some(mark),
            Next::None => return Ok(None),
        };
        let after = mark.as_deref();
        let page = patiently(settings, |attempt| self.export.page(after, attempt));
        let Page { rows, next } = page.await?;
        if let Some(next) = next {
            // A store that gives the same mark twice would be listed for ever.
            if !self.given.insert(next.clone()) {
                let message = "the store gave the same page mark twice";
                return Err(Failure::lasting("endless_listing", Stage::Schema, message));
            }
            self.next = Next::After(next);
        }
        Ok(Some(rows))
    }
}

/// One call with the time limit and the retries of the settings.
///
/// # Errors
/// The failure of the last attempt.
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
