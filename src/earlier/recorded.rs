//! A target of a saved run, asked again: it answers as it did then.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use miette::Diagnostic;
use thiserror::Error;

use crate::earlier::NotComparable;
use crate::ids::{Digest, Form, QuestionId, Seed, TargetName};
use crate::net::{Attempt, Failure, Retry, Stage};
use crate::parity::Contract;
use crate::replay::{HitRecord, Observation, Outcome, Purpose};
use crate::report::{AskedIn, Probes};
use crate::target::{Hit, Listing, Locality, Origin, Query, Reply, Target, Texts, Working};
use crate::units::Cutoff;

/// A run without the target that was named.
#[derive(Debug, Error, Diagnostic)]
#[error("target `{target}`: {run} has no target `{side}`")]
#[diagnostic(
    code(earlier::no_side),
    help("its targets: {known}; name one of them with side = \"…\"")
)]
pub struct NoSide {
    target: TargetName,
    run: String,
    side: TargetName,
    known: String,
}

/// A target of a saved run.
///
/// A probe is found by question, form, seed, k and whether it is a repeat. A repeat that was not recorded
/// is not answered with the first reply: that would say of the target that it never differs from itself.
/// What failed fails again, with its class, stage and message, and is not worth another try;
/// what was never asked fails with the class `not_recorded`.
pub struct Recorded {
    name: TargetName,
    asked_in: AskedIn,
    locality: Locality,
    /// Before the first probe, and after the last.
    contracts: [Result<Contract, Failure>; 2],
    readings: AtomicUsize,
    seen: HashMap<Key, Observation>,
    texts: Arc<Texts>,
}

/// What tells probes apart; last, whether it is a repeat.
type Key = (QuestionId, Form, Seed, Cutoff, bool);

/// The class of a probe, or a contract, that the run does not have.
const NOT_RECORDED: &str = "not_recorded";

impl Probes {
    /// Whether the run asked about the same gold set.
    ///
    /// # Errors
    /// If it did not: its sections and questions mean nothing here.
    pub fn asked_about(&self, gold: Digest) -> Result<(), NotComparable> {
        if self.record.gold_digest == gold {
            return Ok(());
        }
        let reason = format!(
            "the gold sets differ ({} and {gold})",
            self.record.gold_digest
        );
        Err(NotComparable {
            first: self.record.run_id.clone(),
            second: "this run".to_owned(),
            reasons: vec![reason],
        })
    }
}

impl Recorded {
    /// The target `side` of a saved run, under another name. `run` is for messages.
    ///
    /// # Errors
    /// If the run has no such target.
    pub fn new(
        name: &TargetName,
        side: &TargetName,
        run: &Path,
        probes: &Probes,
        texts: Arc<Texts>,
    ) -> Result<Self, NoSide> {
        let targets = &probes.record.targets;
        let Some(target) = targets.iter().find(|target| target.name == *side) else {
            let known: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
            return Err(NoSide {
                target: name.clone(),
                run: run.display().to_string(),
                side: side.clone(),
                known: known.join(", "),
            });
        };
        let contract = |contract: &Option<Contract>| {
            let reason = target.contract_error.as_deref();
            contract
                .clone()
                .ok_or_else(|| not_recorded(reason.unwrap_or("the run does not hold its contract")))
        };
        let own = probes.observations.iter().filter(|one| one.target == *side);
        let keyed = own.map(|one| {
            let repeat = one.purpose == Purpose::Repeat;
            let key = (one.question.clone(), one.form, one.seed, one.k, repeat);
            (key, one.clone())
        });
        let seen = keyed.collect();
        Ok(Self {
            name: name.clone(),
            // What stood in that run for a still earlier one is known by where it was asked.
            asked_in: target.asked_in.clone().unwrap_or_else(|| AskedIn {
                run_id: probes.record.run_id.clone(),
                name: side.clone(),
            }),
            locality: target.locality,
            contracts: [
                contract(&target.contract_at_start),
                contract(&target.contract_at_end),
            ],
            readings: AtomicUsize::new(0),
            seen,
            texts,
        })
    }

    /// The run in which it was asked, and its name there.
    pub fn asked_in(&self) -> &AskedIn {
        &self.asked_in
    }

    fn answer(&self, query: &Query) -> Result<Reply, Failure> {
        let question = query.question.clone();
        let key = (question, query.form, query.seed, query.k, query.repeat);
        let seen = self.seen.get(&key).ok_or_else(|| {
            let twice = if query.repeat { " twice" } else { "" };
            not_recorded(format!(
                "form {} of {} was not asked{twice} under seed {} for {} hits in run {}",
                query.form.0, query.question, query.seed.0, query.k, self.asked_in.run_id
            ))
        })?;
        match &seen.outcome {
            Outcome::Scored {
                hits,
                answer,
                citations,
            } => Ok(Reply {
                hits: hits
                    .iter()
                    .map(|hit| self.hit(hit))
                    .collect::<Result<_, _>>()?,
                answer: answer.as_ref().map(|text| self.text(text)).transpose()?,
                citations: citations.clone(),
                cold_start: seen.cold_start,
                status: seen.status,
                origin: Origin::Recorded(seen.taken()),
            }),
            Outcome::Failed {
                class,
                stage,
                message,
            } => Err(Failure {
                class: class.clone(),
                stage: *stage,
                message: message.clone(),
                retry: Retry::Pointless,
                status: seen.status,
                taken: Some(Box::new(seen.taken())),
            }),
            Outcome::Skipped { reason } => Err(not_recorded(format!(
                "skipped in run {}: {reason}",
                self.asked_in.run_id
            ))),
        }
    }

    fn hit(&self, hit: &HitRecord) -> Result<Hit, Failure> {
        Ok(Hit {
            section: hit.section.clone(),
            snippet_id: hit.snippet_id.clone(),
            score: hit.score,
            text: self.text(&hit.text)?,
            offsets: hit.offsets,
        })
    }

    fn text(&self, digest: &Digest) -> Result<String, Failure> {
        self.texts.get(digest).cloned().ok_or_else(|| {
            not_recorded(format!(
                "texts.parquet of run {} does not hold {digest}",
                self.asked_in.run_id
            ))
        })
    }
}

impl Target for Recorded {
    fn name(&self) -> &TargetName {
        &self.name
    }

    fn locality(&self) -> Locality {
        self.locality
    }

    /// As it was read before the first probe, and from the second reading on as after the last, so
    /// that a contract that moved is seen to have moved.
    fn contract(&self, _: Arc<Attempt>) -> Working<'_, Contract> {
        let reading = self.readings.fetch_add(1, Ordering::Relaxed).min(1);
        Box::pin(std::future::ready(self.contracts[reading].clone()))
    }

    fn listing(&self) -> Listing<'_> {
        Listing::None
    }

    fn retrieve<'a>(&'a self, query: &'a Query, _: Arc<Attempt>) -> Working<'a, Reply> {
        Box::pin(std::future::ready(self.answer(query)))
    }
}

fn not_recorded(message: impl Into<String>) -> Failure {
    Failure::lasting(NOT_RECORDED, Stage::Query, message)
}
