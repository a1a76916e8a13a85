//! Carries out a plan.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::goldset::GoldSet;
use crate::ids::{Digest, TargetName};
use crate::parity::{Contract, Inventory};
use crate::replay::observation::accept;
use crate::replay::{Counts, HitRecord, Observation, Outcome, Plan, Probe, Purpose, Settings};
use crate::target::{Failure, Locality, Query, Reply, Retry, Stage, Target, Texts, Working};

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
}

/// Everything that was observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// In the order of the targets.
    pub sides: Vec<Side>,
    /// One for each planned probe, in plan order.
    pub observations: Vec<Observation>,
    /// Every text that came back.
    pub texts: Texts,
}

impl Run {
    /// The probes of the verdict; the sweep is not counted.
    pub fn counts(&self) -> Counts {
        Counts::of(
            self.observations
                .iter()
                .filter(|seen| seen.purpose == Purpose::Score)
                .map(|seen| &seen.outcome),
        )
    }
}

/// Asks every probe of the plan, at most `settings.concurrency` per target at once, and reads contracts before and after.
/// `progress` is told `(done, planned)`.
///
/// Nothing that a target does ends the run: what fails becomes a failed observation, and the probes of a target whose contract cannot be
/// read are skipped with that reason.
///
/// # Panics
/// If the plan was made for another gold set or number of targets.
pub async fn replay(
    gold: &GoldSet,
    targets: &[Arc<dyn Target>],
    plan: &Plan,
    settings: &Settings,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Run {
    let mut sides = Vec::new();
    for target in targets {
        sides.push(open(target.as_ref(), settings).await);
    }
    let mut slots: Vec<Option<(Observation, Texts)>> = vec![None; plan.probes.len()];
    let mut under_way = JoinSet::new();
    let limit = settings.concurrency.max(1) * targets.len().max(1);
    let mut done = 0;
    for (index, probe) in plan.probes.iter().enumerate() {
        if let Err(reason) = &sides[probe.target].contract_at_start {
            slots[index] = Some((
                observe(
                    gold,
                    targets,
                    probe,
                    Outcome::Skipped {
                        reason: reason.clone(),
                    },
                ),
                Texts::new(),
            ));
            done += 1;
            continue;
        }
        if under_way.len() >= limit {
            take(under_way.join_next().await, &mut slots);
            done += 1;
            progress(done, plan.probes.len());
        }
        let blank = observe(
            gold,
            targets,
            probe,
            Outcome::Skipped {
                reason: "not asked".to_owned(),
            },
        );
        under_way.spawn(ask(
            index,
            Arc::clone(&targets[probe.target]),
            query(gold, probe),
            blank,
            settings.clone(),
        ));
    }
    while let Some(finished) = under_way.join_next().await {
        take(Some(finished), &mut slots);
        done += 1;
        progress(done, plan.probes.len());
    }
    for (side, target) in sides.iter_mut().zip(targets) {
        side.contract_at_end = patiently(target.contract(), settings)
            .await
            .map_err(|failure| failure.message);
    }
    let mut texts = Texts::new();
    let observations = slots.into_iter().map(|slot| {
        let (observation, found) = slot.expect("every probe was asked or skipped");
        texts.extend(found);
        observation
    });
    let observations = observations.collect();
    Run {
        sides,
        observations,
        texts,
    }
}

async fn open(target: &dyn Target, settings: &Settings) -> Side {
    let contract = patiently(target.contract(), settings)
        .await
        .map_err(|failure| failure.message);
    let inventory = if contract.is_ok() {
        patiently(target.inventory(), settings).await.ok().flatten()
    } else {
        None
    };
    Side {
        name: target.name().clone(),
        locality: target.locality(),
        contract_at_end: contract.clone(),
        contract_at_start: contract,
        inventory,
    }
}

async fn patiently<T>(work: Working<'_, T>, settings: &Settings) -> Result<T, Failure> {
    tokio::time::timeout(settings.timeout, work)
        .await
        .unwrap_or_else(|_| Err(too_late(settings)))
}

fn too_late(settings: &Settings) -> Failure {
    Failure {
        class: "timeout".to_owned(),
        stage: Stage::Deadline,
        message: format!("no reply within {} ms", settings.timeout.as_millis()),
        retry: Retry::Worthwhile,
    }
}

fn query(gold: &GoldSet, probe: &Probe) -> Query {
    let question = &gold.questions[probe.question];
    let (_, text) = question
        .forms()
        .nth(usize::from(probe.form.0))
        .expect("the plan asks forms that exist");
    Query {
        question: question.id.clone(),
        form: probe.form,
        seed: probe.seed,
        k: probe.k,
        text: text.to_owned(),
    }
}

fn observe(
    gold: &GoldSet,
    targets: &[Arc<dyn Target>],
    probe: &Probe,
    outcome: Outcome,
) -> Observation {
    Observation {
        target: targets[probe.target].name().clone(),
        question: gold.questions[probe.question].id.clone(),
        form: probe.form,
        seed: probe.seed,
        k: probe.k,
        purpose: probe.purpose,
        outcome,
        attempts: 0,
        elapsed_ms: 0.0,
    }
}

/// One probe with its retries.
async fn ask(
    index: usize,
    target: Arc<dyn Target>,
    query: Query,
    blank: Observation,
    settings: Settings,
) -> (usize, Observation, Texts) {
    let started = Instant::now();
    let mut attempts = 0;
    let reply = loop {
        attempts += 1;
        let reply = patiently(target.retrieve(&query), &settings)
            .await
            .and_then(|reply| accept(reply, query.k));
        match reply {
            Err(Failure {
                retry: Retry::Worthwhile,
                ..
            }) if attempts <= settings.retries => {}
            reply => break reply,
        }
    };
    let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
    let (outcome, texts) = match reply {
        Ok(reply) => scored(&reply),
        Err(Failure {
            class,
            stage,
            message,
            ..
        }) => (
            Outcome::Failed {
                class,
                stage,
                message,
            },
            Texts::new(),
        ),
    };
    (
        index,
        Observation {
            outcome,
            attempts,
            elapsed_ms,
            ..blank
        },
        texts,
    )
}

fn scored(reply: &Reply) -> (Outcome, Texts) {
    let hits: Vec<HitRecord> = reply.hits.iter().map(HitRecord::of).collect();
    let mut texts: Texts = hits
        .iter()
        .zip(&reply.hits)
        .map(|(record, hit)| (record.text, hit.text.clone()))
        .collect::<BTreeMap<_, _>>();
    let answer = reply.answer.as_ref().map(Digest::of);
    texts.extend(answer.zip(reply.answer.clone()));
    (Outcome::Scored { hits, answer }, texts)
}

fn take(
    finished: Option<Result<(usize, Observation, Texts), tokio::task::JoinError>>,
    slots: &mut [Option<(Observation, Texts)>],
) {
    // A task is never cancelled here, so it can only fail by a panic, which is ours and must be heard.
    let (index, observation, texts) = finished
        .expect("a probe is under way")
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    slots[index] = Some((observation, texts));
}
