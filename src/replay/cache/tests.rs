use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::ids::{Form, SectionKey, Seed};
use crate::net::Stage;
use crate::target::{Hit, Origin};
use crate::units::Cutoff;

/// A target that answers with the text that it was given, and counts how often it was asked.
struct Scripted {
    name: TargetName,
    says: &'static str,
    asked: AtomicUsize,
}

impl Target for Scripted {
    fn name(&self) -> &TargetName {
        &self.name
    }

    fn locality(&self) -> Locality {
        Locality::Network
    }

    fn contract(&self, _: Arc<Attempt>) -> Working<'_, Contract> {
        Box::pin(std::future::ready(Ok(Contract::default())))
    }

    fn listing(&self) -> Listing<'_> {
        Listing::None
    }

    fn retrieve<'a>(&'a self, query: &'a Query, _: Arc<Attempt>) -> Working<'a, Reply> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let reply = match self.says {
            "fails" => Err(Failure::passing("http_503", Stage::Headers, "busy")),
            "nothing" => Ok(Reply::default()),
            says => Ok(Reply {
                hits: vec![Hit {
                    section: SectionKey::new("d", "s"),
                    snippet_id: query.question.to_string(),
                    score: 0.1 + 0.2,
                    text: says.to_owned(),
                    offsets: None,
                }],
                answer: Some("an answer".to_owned()),
                citations: vec!["a.pdf".to_owned()],
                cold_start: Some(true),
                status: Some(200),
                origin: Origin::Asked,
            }),
        };
        Box::pin(std::future::ready(reply))
    }
}

const N: usize = 40;

/// A cache folder, and runs against it.
struct Runs {
    folder: tempfile::TempDir,
    hash: Option<&'static str>,
    target: &'static str,
    says: &'static str,
    settings: &'static str,
    run_id: &'static str,
    max_age: Duration,
    repeat: bool,
    warm_up: bool,
}

/// What a run came to: the calls that the target saw, the kept replies that were used, and why they were
/// dropped.
#[derive(Debug, PartialEq)]
struct Came {
    asked: usize,
    used: usize,
    abandoned: Option<String>,
}

impl Runs {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            hash: Some("b3:1"),
            target: "eu-west",
            says: "Drain it.",
            settings: "settings",
            run_id: "run-1",
            max_age: Duration::from_hours(24),
            repeat: false,
            warm_up: false,
        }
    }

    fn cached(&self) -> (Arc<Scripted>, Cached) {
        let target = Arc::new(Scripted {
            name: TargetName::new(self.target),
            says: self.says,
            asked: AtomicUsize::new(0),
        });
        let cache = CacheSettings {
            folder: self.folder.path().join("replies"),
            max_age: self.max_age,
        };
        let settings = Digest::of(self.settings);
        let cached = Cached::new(target.clone(), settings, self.run_id, &cache);
        cached.opened(&self.contract());
        (target, cached)
    }

    fn contract(&self) -> Contract {
        let empty = Contract::default();
        match self.hash {
            Some(hash) => empty.with(ContractField::IndexHash, hash),
            None => empty,
        }
    }

    fn query(&self, index: usize) -> Query {
        Query {
            question: QuestionId::new(format!("q{index}")),
            form: Form::ORIGINAL,
            seed: Seed(1),
            k: Cutoff::new(10).expect("positive"),
            text: format!("When is {index} drained?"),
            repeat: self.repeat,
            warm_up: self.warm_up,
        }
    }

    /// Asks `N` questions.
    fn run(&self) -> Came {
        let (target, cached) = self.cached();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let mut used = 0;
        for index in 0..N {
            let query = self.query(index);
            let reply = runtime.block_on(cached.retrieve(&query, Attempt::begin()));
            used += usize::from(reply.is_ok_and(|reply| reply.origin == Origin::Cached));
        }
        Came {
            asked: target.asked.load(Ordering::SeqCst),
            used,
            abandoned: cached.abandoned(),
        }
    }

    #[track_caller]
    fn uses_nothing(&self) {
        let came = self.run();
        assert_eq!((came.asked, came.used, came.abandoned), (N, 0, None));
    }
}

#[test]
fn a_later_run_under_the_same_contract_asks_a_tenth_again() {
    let mut runs = Runs::new();
    runs.uses_nothing();
    runs.uses_nothing();
    runs.run_id = "run-2";
    let came = runs.run();
    assert_eq!((came.asked + came.used, &came.abandoned), (N, &None));
    assert!((1..N / 3).contains(&came.asked), "{came:?}");
    assert_eq!(runs.run(), came, "the same tenth each time");
}

#[test]
fn a_kept_reply_is_the_reply_to_the_bit_but_says_nothing_of_cold() {
    let mut runs = Runs::new();
    runs.run();
    runs.run_id = "run-2";
    let (target, cached) = runs.cached();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    for index in 0..N {
        let query = runs.query(index);
        let fresh = runtime.block_on(target.retrieve(&query, Attempt::begin()));
        let kept = runtime.block_on(cached.retrieve(&query, Attempt::begin()));
        let (fresh, kept) = (fresh.expect("answers"), kept.expect("answers"));
        if kept.origin == Origin::Cached {
            let expected = Reply {
                cold_start: None,
                origin: Origin::Cached,
                ..fresh
            };
            assert_eq!(kept, expected);
        }
    }
}

#[test]
fn whatever_could_change_the_reply_makes_it_another_one() {
    for other in [
        Runs {
            hash: Some("b3:2"),
            ..Runs::new()
        },
        Runs {
            target: "us-east",
            ..Runs::new()
        },
        Runs {
            settings: "other",
            ..Runs::new()
        },
        Runs {
            repeat: true,
            ..Runs::new()
        },
        Runs {
            warm_up: true,
            ..Runs::new()
        },
        Runs {
            hash: None,
            ..Runs::new()
        },
    ] {
        let usual = Runs::new();
        usual.run();
        let other = Runs {
            folder: usual.folder,
            run_id: "run-2",
            ..other
        };
        other.uses_nothing();
    }
}

#[test]
fn without_an_index_hash_nothing_is_kept() {
    let mut runs = Runs {
        hash: None,
        ..Runs::new()
    };
    runs.run();
    runs.run_id = "run-2";
    runs.uses_nothing();
    assert!(!runs.folder.path().join("replies").exists());
}

#[test]
fn failures_and_replies_without_a_hit_are_not_kept() {
    for says in ["fails", "nothing"] {
        let mut runs = Runs {
            says,
            ..Runs::new()
        };
        runs.run();
        runs.run_id = "run-2";
        assert_eq!(runs.run().asked, N, "{says}");
        assert!(!runs.folder.path().join("replies").exists(), "{says}");
    }
}

#[test]
fn old_and_damaged_entries_are_not_used_and_are_replaced() {
    let mut runs = Runs::new();
    runs.run();
    let shelf = |runs: &Runs| {
        let mut shelves = std::fs::read_dir(runs.folder.path().join("replies")).expect("kept");
        shelves.next().expect("one").expect("readable").path()
    };
    for entry in std::fs::read_dir(shelf(&runs)).expect("a shelf") {
        let path = entry.expect("readable").path();
        let text = std::fs::read_to_string(&path).expect("text");
        std::fs::write(&path, text.replace("Drain it.", "Leave it.")).expect("written");
    }
    runs.run_id = "run-2";
    runs.uses_nothing();
    runs.run_id = "run-3";
    assert!(runs.run().used > 0, "replaced");
    for entry in std::fs::read_dir(shelf(&runs)).expect("a shelf") {
        std::fs::write(entry.expect("readable").path(), "b3:").expect("written");
    }
    runs.run_id = "run-4";
    runs.uses_nothing();
    runs.run_id = "run-5";
    runs.max_age = Duration::ZERO;
    runs.uses_nothing();
}

#[test]
fn a_target_that_answers_otherwise_loses_all_that_was_kept() {
    let mut runs = Runs::new();
    runs.run();
    runs.run_id = "run-2";
    runs.says = "Never drain it.";
    let came = runs.run();
    let reason = came.abandoned.expect("it was seen");
    assert!(reason.contains("is not the kept one"), "{reason}");
    let before = reason.contains(&format!("{} kept replies had been used", came.used));
    assert!(before || came.used == 0, "{reason}");
    assert_eq!(came.asked + came.used, N);
    // What was dropped is asked in full.
    runs.run_id = "run-3";
    runs.uses_nothing();
}

#[test]
fn a_contract_that_moves_during_the_run_drops_what_was_kept_under_it() {
    let mut runs = Runs::new();
    runs.run();
    runs.run_id = "run-2";
    let (_, cached) = runs.cached();
    cached.opened(&runs.contract());
    assert_eq!(cached.abandoned(), None);
    cached.opened(&Contract::default().with(ContractField::IndexHash, "b3:2"));
    let reason = cached.abandoned().expect("it moved");
    assert!(reason.contains("moved"), "{reason}");
    runs.uses_nothing();
}
