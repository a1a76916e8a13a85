//! Carries out a plan.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::goldset::GoldSet;
use crate::ids::Digest;
use crate::net::{Attempt, Failure, Retry, Timing};
use crate::replay::observation::{accept, taken};
use crate::replay::open::{open, reopen, within};
use crate::replay::{
    Arm, Counts, HitRecord, Observation, Outcome, Plan, Probe, Purpose, Settings, Side,
};
use crate::target::{Origin, Query, Reply, Target, Texts};

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

/// Asks every probe of the plan, at most `settings.concurrency` per target at once, and reads
/// contracts before and after. `progress` is told `(done, planned)`.
///
/// Nothing that a target does ends the run: what fails becomes a failed observation, and the probes
/// of a target whose contract cannot be read are skipped with that reason.
///
/// # Panics
/// If the plan was made for another gold set or number of targets.
pub async fn replay(
    gold: &GoldSet,
    arms: &[Arm],
    plan: &Plan,
    settings: &Settings,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Run {
    let mut sides = Vec::new();
    for arm in arms {
        sides.push(open(arm, settings).await);
    }
    let mut slots: Vec<Option<Seen>> = vec![None; plan.probes.len()];
    let mut under_way = JoinSet::new();
    let limit = settings.concurrency.max(1) * arms.len().max(1);
    let mut done = 0;
    for (index, probe) in plan.probes.iter().enumerate() {
        let blank = skipped(gold, arms, probe);
        if let Err(reason) = &sides[probe.target].contract_at_start {
            let outcome = Outcome::Skipped {
                reason: reason.clone(),
            };
            slots[index] = Some((Observation { outcome, ..blank }, Texts::new()));
            done += 1;
            continue;
        }
        if under_way.len() >= limit {
            take(under_way.join_next().await, &mut slots);
            done += 1;
            progress(done, plan.probes.len());
        }
        let target = Arc::clone(&arms[probe.target].target);
        under_way.spawn(ask(
            index,
            target,
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
    for (side, arm) in sides.iter_mut().zip(arms) {
        side.contract_at_end = reopen(arm, settings).await;
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

/// One observation with the texts it brought.
type Seen = (Observation, Texts);

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
        repeat: probe.purpose == Purpose::Repeat,
        warm_up: false,
    }
}

/// The observation of a probe that has not been asked yet.
fn skipped(gold: &GoldSet, arms: &[Arm], probe: &Probe) -> Observation {
    Observation {
        target: arms[probe.target].target.name().clone(),
        question: gold.questions[probe.question].id.clone(),
        form: probe.form,
        seed: probe.seed,
        k: probe.k,
        purpose: probe.purpose,
        outcome: Outcome::Skipped {
            reason: "not asked".to_owned(),
        },
        attempts: 0,
        elapsed_ms: 0.0,
        timing: Timing::default(),
        status: None,
        cached: false,
        cold_start: None,
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
    let (reply, timing) = loop {
        attempts += 1;
        let attempt = Attempt::begin();
        let reply = within(
            settings.timeout,
            &attempt,
            target.retrieve(&query, Arc::clone(&attempt)),
        )
        .await
        .and_then(|reply| accept(reply, query.k));
        match reply {
            Err(failure) if failure.retry != Retry::Pointless && attempts <= settings.retries => {}
            reply => break (reply, attempt.timing()),
        }
    };
    let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
    let blank = Observation {
        attempts,
        elapsed_ms,
        timing,
        ..blank
    };
    let taken = taken(&reply);
    let (observation, texts) = match reply {
        Ok(reply) => scored(blank, &reply),
        Err(failure) => (failed(blank, failure), Texts::new()),
    };
    (index, observation.when_taken(taken), texts)
}

fn failed(blank: Observation, failure: Failure) -> Observation {
    Observation {
        status: failure.status,
        outcome: Outcome::Failed {
            class: failure.class,
            stage: failure.stage,
            message: failure.message,
        },
        ..blank
    }
}

fn scored(blank: Observation, reply: &Reply) -> (Observation, Texts) {
    let hits: Vec<HitRecord> = reply.hits.iter().map(HitRecord::of).collect();
    let mut texts: Texts = hits
        .iter()
        .zip(&reply.hits)
        .map(|(record, hit)| (record.text, hit.text.clone()))
        .collect::<BTreeMap<_, _>>();
    let answer = reply.answer.as_ref().map(Digest::of);
    texts.extend(answer.zip(reply.answer.clone()));
    let observation = Observation {
        cold_start: reply.cold_start,
        status: reply.status,
        cached: reply.origin == Origin::Cached,
        timing: match reply.origin {
            Origin::Asked | Origin::Recorded(_) => blank.timing,
            Origin::Cached => Timing::default(),
        },
        outcome: Outcome::Scored {
            hits,
            answer,
            citations: reply.citations.clone(),
        },
        ..blank
    };
    (observation, texts)
}

fn take(
    finished: Option<Result<(usize, Observation, Texts), tokio::task::JoinError>>,
    slots: &mut [Option<Seen>],
) {
    // A task is never cancelled here, so it can only fail by a panic, which is ours and must be
    // heard.
    let (index, observation, texts) = finished
        .expect("a probe is under way")
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    slots[index] = Some((observation, texts));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::goldset::load;
    use crate::ids::{SectionKey, TargetName};
    use crate::net::Stage;
    use crate::parity::{Contract, ContractField};
    use crate::replay::Pace;
    use crate::target::{Hit, Listing, Locality, Working};

    /// A target that follows a script.
    struct Scripted {
        name: TargetName,
        asked: AtomicUsize,
        contracts_read: AtomicUsize,
        behaviour: Behaviour,
    }

    #[derive(Clone, Copy, PartialEq)]
    enum Behaviour {
        Healthy,
        /// Every first attempt of a probe fails, every second one succeeds.
        FailsOnce,
        AlwaysFails,
        Hangs,
        Empty,
        TooMany,
        NotANumber,
        NoContract,
        ContractMoves,
    }

    impl Target for Scripted {
        fn name(&self) -> &TargetName {
            &self.name
        }

        fn locality(&self) -> Locality {
            Locality::Network
        }

        fn contract(&self, _: Arc<Attempt>) -> Working<'_, Contract> {
            let reads = self.contracts_read.fetch_add(1, Ordering::SeqCst);
            let failure =
                || Failure::passing("connection_refused", Stage::Connect, "connection refused");
            let hash = if self.behaviour == Behaviour::ContractMoves {
                reads.to_string()
            } else {
                "same".to_owned()
            };
            let contract = Contract::default().with(ContractField::IndexHash, hash);
            let reading = if self.behaviour == Behaviour::NoContract {
                Err(failure())
            } else {
                Ok(contract)
            };
            Box::pin(std::future::ready(reading))
        }

        fn listing(&self) -> Listing<'_> {
            Listing::None
        }

        fn retrieve<'a>(&'a self, query: &'a Query, _: Arc<Attempt>) -> Working<'a, Reply> {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            let hit = |score: f64| Hit {
                section: SectionKey::new("d", "s"),
                snippet_id: "d/s#0".into(),
                score,
                text: query.text.clone(),
                offsets: None,
            };
            let fault = || Failure::passing("http_503", Stage::Headers, "busy");
            let reply = match self.behaviour {
                Behaviour::AlwaysFails => Err(fault()),
                Behaviour::FailsOnce if asked.is_multiple_of(2) => Err(fault()),
                Behaviour::Hangs => return Box::pin(std::future::pending()),
                Behaviour::Empty => Ok(vec![]),
                Behaviour::TooMany => Ok(vec![hit(1.0); query.k.get() + 1]),
                Behaviour::NotANumber => Ok(vec![hit(f64::NAN)]),
                _ => Ok(vec![hit(1.0)]),
            };
            Box::pin(std::future::ready(reply.map(|hits| Reply {
                hits,
                answer: Some("an answer".into()),
                ..Reply::default()
            })))
        }
    }

    fn gold() -> GoldSet {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("written");
        };
        write("gold.toml", "name = 'g'\nversion = '1'\nmodel = 'm'\n");
        write(
            "corpus.jsonl",
            r#"{"doc_id":"d","section_id":"s","title":"T","text":"Purge the cache.","rev":"1"}"#,
        );
        write(
            "questions.jsonl",
            r#"{"id":"q","topic":"t","question":"When?","paraphrases":["At what time?"],"target":[{"doc_id":"d","section_id":"s"}]}"#,
        );
        load(folder.path()).expect("sound")
    }

    /// Two forms and two seeds at one cut-off: four probes, one at a time so that scripts are in
    /// order.
    fn run(behaviour: Behaviour) -> (Run, usize) {
        let settings = Settings {
            k_sweep: vec![],
            concurrency: 1,
            timeout: Duration::from_millis(20),
            retries: 1,
            ..Settings::default()
        };
        let target = Arc::new(Scripted {
            name: TargetName::new("t"),
            asked: AtomicUsize::new(0),
            contracts_read: AtomicUsize::new(0),
            behaviour,
        });
        let arms = [Arm {
            target: Arc::clone(&target) as Arc<dyn Target>,
            stated: Contract::default(),
            pace: Pace {
                concurrency: 1,
                per_second: None,
                warm_up: 0,
            },
        }];
        let gold = gold();
        let plan = Plan::new(&gold, 1, &settings);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let run = runtime.block_on(replay(&gold, &arms, &plan, &settings, &mut |_, _| {}));
        let asked = target.asked.load(Ordering::SeqCst);
        (run, asked)
    }

    #[track_caller]
    fn fails(behaviour: Behaviour, class: &str, stage: Stage, asked: usize) {
        let (run, attempts) = run(behaviour);
        assert_eq!(
            run.counts(),
            Counts {
                planned: 4,
                scored: 0,
                failed: 4,
                skipped: 0
            }
        );
        for seen in &run.observations {
            assert!(
                matches!(&seen.outcome, Outcome::Failed { class: found, stage: at, .. } if found == class && *at == stage),
                "{seen:?}"
            );
        }
        assert_eq!(attempts, asked);
    }

    #[test]
    fn every_probe_has_its_observation_and_every_text_is_kept_once() {
        let (run, asked) = run(Behaviour::Healthy);
        assert_eq!(
            run.counts(),
            Counts {
                planned: 4,
                scored: 4,
                failed: 0,
                skipped: 0
            }
        );
        assert_eq!(asked, 4);
        assert_eq!(
            run.texts.len(),
            3,
            "two wordings came back as texts, and one answer"
        );
    }

    #[test]
    fn a_fault_that_passes_is_tried_again() {
        let (run, asked) = run(Behaviour::FailsOnce);
        assert_eq!(run.counts().scored, 4);
        assert_eq!(asked, 8);
        assert!(run.observations.iter().all(|seen| seen.attempts == 2));
    }

    #[test]
    fn what_fails_is_data_with_its_class_and_stage() {
        fails(Behaviour::AlwaysFails, "http_503", Stage::Headers, 8);
        fails(Behaviour::Hangs, "timeout", Stage::Deadline, 8);
        fails(Behaviour::Empty, "no_hits", Stage::Tool, 4);
        fails(Behaviour::TooMany, "hits_beyond_k", Stage::Schema, 4);
        fails(Behaviour::NotANumber, "score_not_finite", Stage::Schema, 4);
    }

    #[test]
    fn a_target_without_a_contract_is_not_asked_and_its_probes_are_not_lost() {
        let (run, asked) = run(Behaviour::NoContract);
        assert_eq!(
            run.counts(),
            Counts {
                planned: 4,
                scored: 0,
                failed: 0,
                skipped: 4
            }
        );
        assert_eq!(asked, 0);
    }

    #[test]
    fn the_contract_is_read_before_and_after() {
        let (run, _) = run(Behaviour::ContractMoves);
        assert_ne!(run.sides[0].contract_at_start, run.sides[0].contract_at_end);
    }

    #[test]
    fn observations_and_texts_read_back_as_written() {
        let folder = tempfile::tempdir().expect("a folder");
        for behaviour in [
            Behaviour::Healthy,
            Behaviour::AlwaysFails,
            Behaviour::NoContract,
        ] {
            let (run, _) = run(behaviour);
            let (observations, texts) = (
                folder.path().join("observations.parquet"),
                folder.path().join("texts.parquet"),
            );
            crate::replay::write_observations(&observations, &run.observations).expect("written");
            crate::replay::write_texts(&texts, &run.texts).expect("written");
            assert_eq!(
                crate::replay::read_observations(&observations).expect("readable"),
                run.observations
            );
            assert_eq!(
                crate::replay::read_texts(&texts).expect("readable"),
                run.texts
            );
        }
    }
}
