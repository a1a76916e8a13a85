//! What a replay makes of targets that follow a script.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::goldset::{GoldSet, load};
use crate::ids::{Digest, Form, SectionKey, Seed, TargetName};
use crate::net::{Attempt, Failure, Retry, Stage};
use crate::parity::{Contract, ContractField};
use crate::target::{Hit, Listing, Locality, Query, Reply, Target, Working};

/// A target that follows a script.
struct Scripted {
    name: TargetName,
    asked: AtomicUsize,
    contracts_read: AtomicUsize,
    behaviour: Behaviour,
    /// What was asked of it.
    seen: Mutex<HashSet<(Form, Seed)>>,
}

impl Scripted {
    fn is_new(&self, query: &Query) -> bool {
        let mut seen = self.seen.lock().expect("nobody panics");
        seen.insert((query.form, query.seed))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Behaviour {
    Healthy,
    /// Every first attempt at a probe fails, every second one succeeds.
    FailsOnce,
    AlwaysFails,
    /// Asks to be left alone for a minute.
    AsksForAMinute,
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
        self.asked.fetch_add(1, Ordering::SeqCst);
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
            Behaviour::AsksForAMinute => Err(Failure {
                retry: Retry::Later(Some(Duration::from_mins(1))),
                ..fault()
            }),
            Behaviour::FailsOnce if self.is_new(query) => Err(fault()),
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

fn settings() -> Settings {
    Settings {
        k_sweep: vec![],
        concurrency: 1,
        timeout: Duration::from_millis(20),
        retries: 1,
        backoff: Backoff {
            first: Duration::from_millis(1),
            ..Backoff::default()
        },
        ..Settings::default()
    }
}

fn scripted(name: &str, behaviour: Behaviour) -> Arc<Scripted> {
    Arc::new(Scripted {
        name: TargetName::new(name),
        asked: AtomicUsize::new(0),
        contracts_read: AtomicUsize::new(0),
        behaviour,
        seen: Mutex::default(),
    })
}

fn arm(target: &Arc<Scripted>, concurrency: usize) -> Arm {
    Arm {
        target: Arc::clone(target) as Arc<dyn Target>,
        stated: Contract::default(),
        pace: Pace {
            concurrency,
            per_second: None,
            warm_up: 0,
        },
    }
}

fn head(plan: &Plan, gold: &GoldSet) -> Head {
    Head {
        format: Head::FORMAT,
        run_id: "r".to_owned(),
        started_at: "2026-01-02T03:04:05Z".to_owned(),
        gold: gold.digest(),
        policy: Digest::of("policy"),
        plan: plan.digest(gold),
    }
}

/// Replays into a folder: begins there, or goes on.
fn into_folder(
    folder: &Path,
    gold: &GoldSet,
    arms: &[Arm],
    settings: &Settings,
    before: Before,
    stop_after: Option<usize>,
) -> Result<Run, ReplayError> {
    let plan = Plan::new(gold, arms.len(), settings);
    let head = head(&plan, gold);
    let journal = if folder.join(JOURNAL).exists() {
        Journal::reopen(folder, before)?
    } else {
        Journal::create(folder, head.clone())?
    };
    journal.same_run(&head)?;
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let finished = runtime.block_on(replay(
        gold,
        arms,
        plan,
        settings,
        journal,
        stopping,
        &mut |done, _| {
            if stop_after.is_some_and(|most| done >= most) {
                stop.send(true).expect("somebody listens");
            }
        },
    ))?;
    Ok(finished.run(gold)?)
}

/// Two forms and two seeds at one cut-off: four probes, one at a time so that scripts are in order.
fn run(behaviour: Behaviour) -> (Run, usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let target = scripted("t", behaviour);
    let run = into_folder(
        folder.path(),
        &gold(),
        &[arm(&target, 1)],
        &settings(),
        Before::Keep,
        None,
    );
    let asked = target.asked.load(Ordering::SeqCst);
    (run.expect("nobody stops it"), asked)
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
        let mut writer = ObservationsWriter::create(&observations).expect("a folder");
        writer.push(&run.observations).expect("written");
        writer.finish().expect("written");
        let mut writer = TextsWriter::create(&texts).expect("a folder");
        for (digest, text) in &run.texts {
            writer.push(digest, text).expect("written");
        }
        writer.finish().expect("written");
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

/// A gold set of so many questions, with one paraphrase each.
fn larger(n: usize) -> GoldSet {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("written");
    };
    write("gold.toml", "name = 'g'\nversion = '1'\nmodel = 'm'\n");
    write(
        "corpus.jsonl",
        r#"{"doc_id":"d","section_id":"s","title":"T","text":"Purge the cache.","rev":"1"}"#,
    );
    let question = |index| {
        format!(
            r#"{{"id":"q{index}","topic":"t","question":"When {index}?","paraphrases":["At what time {index}?"],"target":[{{"doc_id":"d","section_id":"s"}}]}}"#
        )
    };
    let questions: Vec<String> = (0..n).map(question).collect();
    write("questions.jsonl", &questions.join("\n"));
    load(folder.path()).expect("sound")
}

/// Observations without the times, which no two runs share.
fn timeless(run: &Run) -> Vec<Observation> {
    let timeless = |seen: &Observation| Observation {
        elapsed_ms: 0.0,
        timing: crate::net::Timing::default(),
        ..seen.clone()
    };
    run.observations.iter().map(timeless).collect()
}

#[test]
fn a_run_that_was_stopped_goes_on_and_asks_nothing_twice() {
    let gold = larger(10);
    let folder = tempfile::tempdir().expect("a folder");
    let target = scripted("t", Behaviour::Healthy);
    let arms = [arm(&target, 1)];
    let mut sittings = 0;
    let resumed = loop {
        sittings += 1;
        let stop_after = Some(7 * sittings);
        match into_folder(
            folder.path(),
            &gold,
            &arms,
            &settings(),
            Before::Keep,
            stop_after,
        ) {
            Ok(run) => break run,
            Err(ReplayError::Interrupted { finished, planned }) => {
                assert!(finished >= 7 * sittings && finished < planned);
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert!(sittings > 3, "{sittings}");
    let straight = tempfile::tempdir().expect("a folder");
    let undisturbed = into_folder(
        straight.path(),
        &gold,
        &arms,
        &settings(),
        Before::Keep,
        None,
    )
    .expect("a run");
    assert_eq!(timeless(&resumed), timeless(&undisturbed));
    assert_eq!(resumed.texts, undisturbed.texts);
    // Those that were under way when the word came are asked again: one a sitting at most.
    let asked = target.asked.load(Ordering::SeqCst);
    assert!(
        (80..80 + sittings).contains(&asked),
        "{asked} in {sittings} sittings"
    );
}

#[test]
fn a_run_does_not_go_on_under_another_contract_or_plan() {
    let gold = larger(4);
    let folder = tempfile::tempdir().expect("a folder");
    let stop = Some(3);
    let moving = [arm(&scripted("t", Behaviour::ContractMoves), 1)];
    let first = into_folder(
        folder.path(),
        &gold,
        &moving,
        &settings(),
        Before::Keep,
        stop,
    );
    assert!(matches!(first, Err(ReplayError::Interrupted { .. })));
    let again = into_folder(
        folder.path(),
        &gold,
        &moving,
        &settings(),
        Before::Keep,
        None,
    );
    let Err(ReplayError::Journal(JournalError::ContractMoved { moved, .. })) = again else {
        panic!("refused");
    };
    assert_eq!(moved, ["INDEX_HASH of t moved"]);
    let other = Settings {
        seeds: vec![Seed(9)],
        ..settings()
    };
    let healthy = [arm(&scripted("t", Behaviour::Healthy), 1)];
    let other = into_folder(folder.path(), &gold, &healthy, &other, Before::Keep, None);
    assert!(matches!(
        other,
        Err(ReplayError::Journal(JournalError::Moved { .. }))
    ));
}

#[test]
fn what_failed_is_asked_again_only_if_that_is_wanted() {
    let gold = larger(4);
    let folder = tempfile::tempdir().expect("a folder");
    let dead = [arm(&scripted("t", Behaviour::Empty), 1)];
    let stop = Some(3);
    let _ = into_folder(folder.path(), &gold, &dead, &settings(), Before::Keep, stop);
    let healthy = scripted("t", Behaviour::Healthy);
    let arms = [arm(&healthy, 1)];
    let _ = into_folder(
        folder.path(),
        &gold,
        &arms,
        &settings(),
        Before::Keep,
        Some(4),
    );
    let kept = healthy.asked.load(Ordering::SeqCst);
    let run = into_folder(
        folder.path(),
        &gold,
        &arms,
        &settings(),
        Before::RetryErrors,
        None,
    )
    .expect("a run");
    assert_eq!(
        run.counts().scored,
        run.counts().planned,
        "all of them mended"
    );
    assert!(kept <= 2, "the first three were not asked again: {kept}");
}

#[test]
fn a_target_that_died_is_given_up_and_its_probes_are_left_with_the_reason() {
    let gold = larger(50);
    let folder = tempfile::tempdir().expect("a folder");
    let (dead, alive) = (
        scripted("dead", Behaviour::AlwaysFails),
        scripted("alive", Behaviour::Healthy),
    );
    let arms = [arm(&dead, 4), arm(&alive, 4)];
    let run =
        into_folder(folder.path(), &gold, &arms, &settings(), Before::Keep, None).expect("a run");
    let of = |name: &str| {
        let seen = run
            .observations
            .iter()
            .filter(move |seen| seen.target.as_str() == name);
        Counts::of(seen.map(|seen| &seen.outcome))
    };
    assert_eq!((of("alive").scored, of("alive").planned), (200, 200));
    let counts = of("dead");
    assert_eq!(counts.failed + counts.skipped, 200);
    assert!(counts.failed <= 16, "not two hundred times: {counts:?}");
    assert!(dead.asked.load(Ordering::SeqCst) <= 20);
    let reason = run.sides[0].given_up.as_deref().expect("given up");
    assert!(
        reason.contains("failures in a row") && reason.contains("http_503"),
        "{reason}"
    );
    let skipped = run
        .observations
        .iter()
        .find_map(|seen| match &seen.outcome {
            Outcome::Skipped { reason } => Some(reason.clone()),
            _ => None,
        });
    assert_eq!(skipped.as_deref(), Some(reason));
}

#[test]
fn targets_are_asked_side_by_side() {
    let gold = larger(100);
    let folder = tempfile::tempdir().expect("a folder");
    let arms = [
        arm(&scripted("fast", Behaviour::Healthy), 2),
        Arm {
            pace: Pace {
                concurrency: 2,
                per_second: Some(2000.0),
                warm_up: 0,
            },
            ..arm(&scripted("slow", Behaviour::Healthy), 2)
        },
    ];
    into_folder(folder.path(), &gold, &arms, &settings(), Before::Keep, None).expect("a run");
    let text = std::fs::read_to_string(folder.path().join(JOURNAL)).expect("a journal");
    let mut ahead = 0_i64;
    let mut furthest = 0;
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON lines");
        if let Some(place) = line["record"]["probe"]["probe"].as_u64() {
            ahead += if place % 2 == 0 { 1 } else { -1 };
            furthest = furthest.max(ahead.abs());
        }
    }
    assert_eq!(ahead, 0, "both to the end");
    assert!(furthest <= 16, "the fast one was {furthest} probes ahead");
}

#[test]
fn a_spent_budget_ends_the_asking_and_says_so() {
    let gold = larger(20);
    let folder = tempfile::tempdir().expect("a folder");
    let slow = Arm {
        pace: Pace {
            concurrency: 1,
            per_second: Some(20.0),
            warm_up: 0,
        },
        ..arm(&scripted("t", Behaviour::Healthy), 1)
    };
    let short = Settings {
        budget: Some(Duration::from_millis(120)),
        ..settings()
    };
    let run =
        into_folder(folder.path(), &gold, &[slow], &short, Before::Keep, None).expect("a run");
    let counts = run.counts();
    assert!(counts.scored >= 1 && counts.skipped > 50, "{counts:?}");
    let reason = run.sides[0].given_up.as_deref().expect("given up");
    assert!(reason.contains("0.12 s"), "{reason}");
}

#[test]
fn a_pause_that_a_target_asks_for_does_not_outlast_the_budget() {
    let gold = larger(4);
    let folder = tempfile::tempdir().expect("a folder");
    let arms = [arm(&scripted("t", Behaviour::AsksForAMinute), 1)];
    let short = Settings {
        budget: Some(Duration::from_millis(100)),
        ..settings()
    };
    let begun = std::time::Instant::now();
    let run = into_folder(folder.path(), &gold, &arms, &short, Before::Keep, None).expect("a run");
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(run.counts().scored, 0);
    assert!(run.sides[0].given_up.is_some());
}
