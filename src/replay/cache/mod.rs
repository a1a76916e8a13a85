//! Replies that are kept for later runs.

mod entries;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::ids::{Digest, QuestionId, TargetName};
use crate::net::{Attempt, Failure};
use crate::parity::{Contract, ContractField};
use crate::replay::accept;
use crate::target::{Analysis, Listing, Locality, Query, Reply, Target, Working};

use entries::{Kept, Shelf};

const CONTEXT: &str = "ragstone 2026 kept replies v1";
const KEY: &str = "ragstone 2026 kept reply v1";
/// One key in so many is asked afresh although a reply is there.
const ASKED_AFRESH: u64 = 10;

/// Where replies are kept, and how long they are good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Holds a folder for each target and contract. It need not exist.
    pub folder: PathBuf,
    /// Older replies are not used.
    pub max_age: Duration,
}

/// A target whose replies are kept, and which gives those of earlier runs while its contract is the same.
///
/// Nothing is kept unless the target itself, or the listing of its rows, states `INDEX_HASH`: otherwise
/// nobody knows whether the index changed. Nor are failures, replies that cannot be measured, and
/// questions that warm the target up. A repeat has a key of its own, so that it is never answered with the
/// reply that it is to be compared with.
///
/// What a target does may change under an unchanged contract. So the replies to a tenth of the keys are
/// asked for anyway, the same tenth each time, and when one of them differs from what was kept, all that
/// was kept of the target is dropped, and no more is used in this run.
pub struct Cached {
    target: Arc<dyn Target>,
    settings: Digest,
    run_id: String,
    cache: CacheSettings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    contract: Option<Contract>,
    /// Of that contract; none if nothing may be kept.
    shelf: Option<(Shelf, Digest)>,
    n_used: usize,
    abandoned: Option<String>,
}

/// What replies are kept under.
#[derive(Serialize)]
struct Context<'a> {
    target: &'a TargetName,
    settings: Digest,
    contract: &'a Contract,
}

/// What tells replies under it apart.
#[derive(Serialize)]
struct Key<'a> {
    context: Digest,
    question: &'a QuestionId,
    text: &'a str,
    form: u16,
    /// As text, since canonical JSON keeps no integer beyond 53 bits.
    seed: String,
    k: usize,
    repeat: bool,
}

impl Cached {
    /// Keeps the replies of a target. `settings` covers everything on this side that decides what it is
    /// asked, and no secret.
    pub fn new(
        target: Arc<dyn Target>,
        settings: Digest,
        run_id: &str,
        cache: &CacheSettings,
    ) -> Self {
        Self {
            target,
            settings,
            run_id: run_id.to_owned(),
            cache: cache.clone(),
            state: Mutex::default(),
        }
    }

    /// Why replies of earlier runs were no longer used, if that happened.
    pub fn abandoned(&self) -> Option<String> {
        self.state().abandoned.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the reply to a query is kept, if it may be.
    fn place(&self, query: &Query) -> Option<(Shelf, Digest)> {
        if query.warm_up {
            return None;
        }
        let (replies, context) = self.state().shelf.clone()?;
        let key = Key {
            context,
            question: &query.question,
            text: &query.text,
            form: query.form.0,
            seed: query.seed.0.to_string(),
            k: query.k.get(),
            repeat: query.repeat,
        };
        Some((replies, canonical(KEY, &key)))
    }

    async fn ask(&self, query: &Query, attempt: Arc<Attempt>) -> Result<Reply, Failure> {
        let Some((replies, key)) = self.place(query) else {
            return self.target.retrieve(query, attempt).await;
        };
        let kept = replies.find(key, self.cache.max_age, &self.run_id);
        if let Some(kept) = kept.as_ref().filter(|_| !is_asked_afresh(key)) {
            self.state().n_used += 1;
            return Ok(kept.clone().reply());
        }
        let fresh = self.target.retrieve(query, attempt).await?;
        if accept(fresh.clone(), query.k).is_err() {
            return Ok(fresh);
        }
        match kept {
            Some(kept) if !kept.says(&fresh) => self.abandon(&format!(
                "a fresh reply to form {} of {} is not the kept one, though the contract is the same",
                query.form.0, query.question
            )),
            _ => {
                // Nothing more is kept once the rest was dropped.
                if self.state().shelf.is_some() {
                    let _ = replies.keep(key, &Kept::of(&fresh, &self.run_id));
                }
            }
        }
        Ok(fresh)
    }

    fn abandon(&self, reason: &str) {
        let mut state = self.state();
        let Some((replies, _)) = state.shelf.take() else {
            return;
        };
        replies.clear();
        let n_used = state.n_used;
        state.abandoned = Some(if n_used == 0 {
            reason.to_owned()
        } else {
            format!(
                "{reason}; {n_used} kept replies had been used before that was seen: run again with --no-cache"
            )
        });
    }
}

impl Target for Cached {
    fn name(&self) -> &TargetName {
        self.target.name()
    }

    fn locality(&self) -> Locality {
        self.target.locality()
    }

    fn contract(&self, attempt: Arc<Attempt>) -> Working<'_, Contract> {
        self.target.contract(attempt)
    }

    fn opened(&self, contract: &Contract) {
        self.target.opened(contract);
        let before = self.state().contract.replace(contract.clone());
        match before {
            Some(before) if before != *contract => {
                self.abandon("the contract moved during the run");
            }
            Some(_) => {}
            None if contract.get(ContractField::IndexHash).is_none() => {}
            None => {
                let context = Context {
                    target: self.target.name(),
                    settings: self.settings,
                    contract,
                };
                let context = canonical(CONTEXT, &context);
                self.state().shelf = Some((Shelf::of(&self.cache.folder, context), context));
            }
        }
    }

    fn listing(&self) -> Listing<'_> {
        self.target.listing()
    }

    fn analysis(&self) -> Option<&dyn Analysis> {
        self.target.analysis()
    }

    fn retrieve<'a>(&'a self, query: &'a Query, attempt: Arc<Attempt>) -> Working<'a, Reply> {
        Box::pin(self.ask(query, attempt))
    }
}

fn canonical(domain: &str, value: &impl Serialize) -> Digest {
    let bytes = serde_json_canonicalizer::to_vec(value);
    Digest::derive(
        domain,
        bytes.expect("texts and small integers have canonical JSON"),
    )
}

/// By the key's own bits, so that every run checks the same tenth.
fn is_asked_afresh(key: Digest) -> bool {
    let bits = key.as_bytes().first_chunk().expect("a digest has 32 bytes");
    u64::from_be_bytes(*bits).is_multiple_of(ASKED_AFRESH)
}

#[cfg(test)]
mod tests;
