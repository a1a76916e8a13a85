use std::path::Path;

use super::*;
use crate::ids::{Form, QuestionId, SectionKey, Seed};
use crate::replay::Purpose;
use crate::target::Texts;
use crate::units::Cutoff;

fn head() -> Head {
    Head {
        format: Head::FORMAT,
        run_id: "r".to_owned(),
        started_at: "2026-01-02T03:04:05Z".to_owned(),
        gold: Digest::of("gold"),
        policy: Digest::of("policy"),
        plan: Digest::of("plan"),
    }
}

fn blank(reason: &str) -> Observation {
    Observation {
        target: TargetName::new("t"),
        question: QuestionId::new("q"),
        form: Form(0),
        seed: Seed(1),
        k: Cutoff::new(10).expect("positive"),
        purpose: Purpose::Score,
        outcome: Outcome::Skipped {
            reason: reason.to_owned(),
        },
        attempts: 0,
        elapsed_ms: 0.0,
        timing: Timing::default(),
        status: None,
        cached: false,
        cold_start: None,
    }
}

/// A reply with two hits, one of which every reply has.
fn scored(index: usize) -> (Observation, Texts) {
    let text = |text: String| (Digest::of(&text), text);
    let answer = text(format!("answer {index}\nof two lines"));
    let hits = [("common", 0.1 + 0.2), ("own", 1.0 / 3.0)].map(|(kind, score)| {
        let id = if kind == "own" {
            format!("{kind}{index}")
        } else {
            kind.to_owned()
        };
        (id, score)
    });
    let mut texts: Texts = hits
        .iter()
        .map(|(id, _)| text(format!("the text of {id} \u{2028} \u{1}")))
        .collect();
    texts.insert(answer.0, answer.1);
    let hits = hits.map(|(id, score)| HitRecord {
        section: SectionKey::new("d", id.clone()),
        text: Digest::of(format!("the text of {id} \u{2028} \u{1}")),
        snippet_id: id,
        score,
        offsets: Some(Offsets {
            start: index,
            end: index + 3,
            unit: crate::target::OffsetUnit::Byte,
        }),
    });
    let seen = Observation {
        outcome: Outcome::Scored {
            hits: hits.to_vec(),
            answer: Some(answer.0),
            citations: vec!["[1]".to_owned()],
        },
        attempts: 2,
        elapsed_ms: 1.0 / 7.0,
        status: Some(200),
        cold_start: Some(false),
        timing: Timing {
            tffb_ms: Some(0.1),
            ..Timing::default()
        },
        ..blank("")
    };
    (seen, texts)
}

fn failed(index: usize) -> Observation {
    Observation {
        outcome: Outcome::Failed {
            class: "http_503".to_owned(),
            stage: Stage::Headers,
            message: format!("busy {index} \" \n"),
        },
        ..blank("")
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(work)
}

/// Ten probes, every third of which failed.
fn written(folder: &Path) -> Kept {
    let mut journal = Journal::create(folder, head()).expect("begun");
    block_on(async {
        for index in 0..10 {
            let (seen, texts) = came(index);
            journal.keep(index, &seen, &texts).await.expect("kept");
        }
    });
    journal.close().expect("written")
}

fn came(index: usize) -> (Observation, Texts) {
    if index % 3 == 2 {
        (failed(index), Texts::new())
    } else {
        scored(index)
    }
}

#[test]
fn what_is_kept_reads_back_to_the_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = written(folder.path());
    for index in 0..10 {
        let read = kept.observation(index, blank("")).expect("readable");
        assert_eq!(read, Some(came(index)));
    }
    assert_eq!(kept.observation(10, blank("")).expect("readable"), None);
    assert_eq!(kept.n_finished(), 10);
    kept.remove().expect("removed");
    assert!(!folder.path().join(JOURNAL).exists());
}

#[test]
fn a_tail_torn_at_any_byte_costs_the_last_lines_only() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(written(folder.path()));
    let path = folder.path().join(JOURNAL);
    let whole = std::fs::read(&path).expect("readable");
    let first_line = whole
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a head")
        + 1;
    for cut in (first_line..whole.len()).step_by(37) {
        std::fs::write(&path, &whole[..cut]).expect("written");
        let journal = Journal::reopen(folder.path(), Before::Keep).expect("mended");
        let n = journal.n_finished();
        assert!(n <= 10);
        let kept = journal.close().expect("written");
        for index in 0..n {
            let read = kept.observation(index, blank("")).expect("readable");
            assert_eq!(read, Some(came(index)), "cut at {cut}");
        }
        let len = std::fs::metadata(&path).expect("there").len();
        assert!(len <= cut as u64, "the torn end is cut off");
    }
}

#[test]
fn a_hole_in_the_middle_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(written(folder.path()));
    let path = folder.path().join(JOURNAL);
    let text = std::fs::read_to_string(&path).expect("readable");
    std::fs::write(&path, text.replacen("busy 2", "lazy 2", 1)).expect("written");
    let refused = Journal::reopen(folder.path(), Before::Keep)
        .err()
        .expect("refused");
    assert!(
        matches!(refused, JournalError::Damaged { line, .. } if line > 1),
        "{refused}"
    );
}

#[test]
fn two_processes_refuse_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Journal::create(folder.path(), head()).expect("begun");
    let second = Journal::reopen(folder.path(), Before::Keep).err();
    assert!(matches!(second, Some(JournalError::Locked { .. })));
    let kept = journal.close().expect("written");
    let second = Journal::reopen(folder.path(), Before::Keep).err();
    assert!(
        matches!(second, Some(JournalError::Locked { .. })),
        "still in use"
    );
    drop(kept);
    assert!(Journal::reopen(folder.path(), Before::Keep).is_ok());
}

#[test]
fn failures_are_forgotten_when_they_are_to_be_retried_and_a_later_line_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(written(folder.path()));
    let mut journal = Journal::reopen(folder.path(), Before::RetryErrors).expect("sound");
    assert_eq!(journal.n_finished(), 7);
    assert!(!journal.is_finished(2) && journal.is_finished(3));
    let (seen, texts) = scored(2);
    block_on(journal.keep(2, &seen, &texts)).expect("kept");
    drop(journal);
    let kept = Journal::reopen(folder.path(), Before::Keep).expect("sound");
    let kept = kept.close().expect("written");
    assert_eq!(
        kept.observation(2, blank("")).expect("readable"),
        Some((seen, texts))
    );
    assert_eq!(
        kept.observation(5, blank("")).expect("readable"),
        Some((failed(5), Texts::new()))
    );
}

#[test]
fn another_plan_is_named_with_all_that_moved() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Journal::create(folder.path(), head()).expect("begun");
    let other = Head {
        gold: Digest::of("x"),
        plan: Digest::of("y"),
        ..head()
    };
    let moved = journal.same_run(&other).expect_err("another");
    assert!(
        moved
            .to_string()
            .contains("the gold set is another; other questions"),
        "{moved}"
    );
    assert!(journal.same_run(&head()).is_ok());
}
