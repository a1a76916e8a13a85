//! Writing a journal: lines in their order, flushed to the disk batch by batch.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use crate::ids::{Digest, SectionKey};
use crate::parity::Contract;
use crate::replay::journal::line::line;
use crate::replay::journal::read::{Index, Span};
use crate::replay::journal::{
    Came, Ended, FirstContract, Found, Head, JOURNAL, JournalError, Kept, Record,
};
use crate::replay::{HitRecord, Observation, Outcome, Side};
use crate::target::{Offsets, Texts};

/// Lines that may wait for the disk before the replay does.
const WAITING: usize = 4096;

/// What to do with probes that failed in an earlier sitting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// A failure is a result.
    Keep,
    /// Ask again what failed.
    RetryErrors,
}

/// An open journal. While it is open no other process can open it.
pub struct Journal {
    path: PathBuf,
    head: Head,
    /// Bytes handed to the writer.
    len: u64,
    index: Index,
    numbers: HashMap<HitKey, usize>,
    lock: Option<File>,
    lines: Option<mpsc::Sender<Vec<u8>>>,
    writer: Option<JoinHandle<io::Result<()>>>,
}

/// What makes a hit the same hit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct HitKey {
    section: SectionKey,
    id: String,
    text: Digest,
    offsets: Option<Offsets>,
}

impl HitKey {
    fn of(hit: &HitRecord) -> Self {
        Self {
            section: hit.section.clone(),
            id: hit.snippet_id.clone(),
            text: hit.text,
            offsets: hit.offsets,
        }
    }
}

impl Journal {
    /// Begins a journal in a folder that exists.
    ///
    /// # Errors
    /// If there is one already, or the folder cannot be written.
    pub fn create(folder: &Path, head: Head) -> Result<Self, JournalError> {
        let path = folder.join(JOURNAL);
        let file = open(&path, OpenOptions::new().create_new(true))?;
        let mut journal = Self::over(path, file, head.clone(), Index::default(), 0)?;
        journal.write_now(&Record::Head(head))?;
        Ok(journal)
    }

    /// Opens the journal of an unfinished run, and cuts off a torn end.
    ///
    /// # Errors
    /// If there is none, another process has it open, or it is damaged in the middle.
    pub fn reopen(folder: &Path, before: Before) -> Result<Self, JournalError> {
        let path = folder.join(JOURNAL);
        if !path.exists() {
            return Err(JournalError::None {
                folder: folder.to_owned(),
            });
        }
        let file = open(&path, &mut OpenOptions::new())?;
        let (head, mut index, len) = Index::scan(&path)?;
        if before == Before::RetryErrors {
            index.forget_failures();
        }
        let io = |source| JournalError::Io {
            path: path.clone(),
            source,
        };
        file.set_len(len).map_err(io)?;
        let mut file = file;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let mut journal = Self::over(path.clone(), file, head, index, len)?;
        let kept = Kept::open(&path, journal.index.clone(), None)?;
        for number in 0..journal.index.n_hits() {
            let key = HitKey::of(&kept.hit(number)?.0);
            journal.numbers.insert(key, number);
        }
        Ok(journal)
    }

    fn over(
        path: PathBuf,
        file: File,
        head: Head,
        index: Index,
        len: u64,
    ) -> Result<Self, JournalError> {
        // A second handle on the same lock, which outlives the writer.
        let lock = file.try_clone().map_err(|source| JournalError::Io {
            path: path.clone(),
            source,
        })?;
        let (lines, waiting) = mpsc::channel(WAITING);
        let writer = std::thread::spawn(move || write_batches(file, waiting));
        Ok(Self {
            path,
            head,
            len,
            index,
            numbers: HashMap::new(),
            lock: Some(lock),
            lines: Some(lines),
            writer: Some(writer),
        })
    }

    /// What is asked of whom.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Demands that a run goes on as it began.
    ///
    /// # Errors
    /// With everything that is not as it was.
    pub fn same_run(&self, now: &Head) -> Result<(), JournalError> {
        let then = &self.head;
        let parts = [
            ("the gold set is another", then.gold != now.gold),
            ("the policy is another", then.policy != now.policy),
            (
                "other questions, forms, seeds or cut-offs would be asked",
                then.plan != now.plan,
            ),
        ];
        let moved: Vec<String> = parts
            .iter()
            .filter(|(_, moved)| *moved)
            .map(|(words, _)| (*words).to_owned())
            .collect();
        if moved.is_empty() {
            return Ok(());
        }
        Err(JournalError::Moved {
            path: self.path.clone(),
            moved,
        })
    }

    /// Demands that every side still says of itself what it said first, and keeps what a side says for
    /// the first time.
    ///
    /// # Errors
    /// With every field that moved, or if the journal cannot be written.
    pub async fn same_contracts(&mut self, sides: &[Side]) -> Result<(), JournalError> {
        let mut moved = Vec::new();
        for side in sides {
            let Ok(now) = &side.contract_at_start else {
                continue;
            };
            if let Some(then) = self.index.contracts.get(&side.name) {
                let fields = differences(then, now);
                moved.extend(fields.map(|field| format!("{field} of {} moved", side.name)));
            } else {
                let first = FirstContract {
                    side: side.name.clone(),
                    contract: now.clone(),
                };
                self.index.contracts.insert(side.name.clone(), now.clone());
                self.write(&Record::Contract(first)).await?;
            }
        }
        if moved.is_empty() {
            return Ok(());
        }
        Err(JournalError::ContractMoved {
            path: self.path.clone(),
            moved,
        })
    }

    /// Whether a probe needs not be asked any more.
    pub fn is_finished(&self, probe: usize) -> bool {
        self.index.probe(probe).is_some()
    }

    /// How many probes are finished.
    pub fn n_finished(&self) -> usize {
        self.index.n_probes()
    }

    /// Keeps what came of a probe, with the texts it brought. A probe that was not asked is not kept.
    ///
    /// # Errors
    /// If an earlier line could not be written.
    pub async fn keep(
        &mut self,
        probe: usize,
        seen: &Observation,
        texts: &Texts,
    ) -> Result<(), JournalError> {
        let answer = match &seen.outcome {
            Outcome::Scored { answer, .. } => answer.and_then(|digest| texts.get(&digest)),
            _ => None,
        };
        let mut new = Vec::new();
        let ended = Ended::of(&seen.outcome, answer.map(String::as_str), |hit| {
            let next = self.numbers.len();
            let number = *self.numbers.entry(HitKey::of(hit)).or_insert(next);
            if number == next {
                new.push(found(hit, texts));
            }
            number
        });
        let Some(ended) = ended else {
            return Ok(());
        };
        for hit in new {
            let span = self.write(&Record::Hit(hit)).await?;
            self.index.push_hit(span);
        }
        let span = self
            .write(&Record::Probe(Came::of(probe, seen, ended)))
            .await?;
        self.index.set_probe(probe, span);
        Ok(())
    }

    /// Hands a record to the writer and says where it will stand.
    async fn write(&mut self, record: &Record) -> Result<Span, JournalError> {
        let line = line(record);
        let span = self.place(&line);
        let sent = match &self.lines {
            Some(lines) => lines.send(line).await.is_ok(),
            None => false,
        };
        if sent { Ok(span) } else { Err(self.broken()) }
    }

    /// The same where nothing can wait yet.
    fn write_now(&mut self, record: &Record) -> Result<(), JournalError> {
        let line = line(record);
        self.place(&line);
        let lines = self.lines.as_ref().map(|lines| lines.try_send(line));
        match lines {
            Some(Ok(())) => Ok(()),
            _ => Err(self.broken()),
        }
    }

    fn place(&mut self, line: &[u8]) -> Span {
        let span = Span {
            offset: self.len,
            len: u32::try_from(line.len()).unwrap_or(u32::MAX),
        };
        self.len += line.len() as u64;
        span
    }

    /// Why the writer is gone.
    fn broken(&mut self) -> JournalError {
        self.finish()
            .err()
            .unwrap_or_else(|| self.io(io::Error::other("the journal is closed")))
    }

    fn io(&self, source: io::Error) -> JournalError {
        JournalError::Io {
            path: self.path.clone(),
            source,
        }
    }

    /// Waits until every line is on the disk.
    fn finish(&mut self) -> Result<(), JournalError> {
        self.lines = None;
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        let written = writer
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.map_err(|source| self.io(source))
    }

    /// Ends the writing: every line is on the disk, and can be read.
    ///
    /// # Errors
    /// If it cannot be written or read.
    pub fn close(mut self) -> Result<Kept, JournalError> {
        self.finish()?;
        Kept::open(
            &self.path,
            std::mem::take(&mut self.index),
            self.lock.take(),
        )
    }
}

/// What nobody closed is still written to the end.
impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

fn found(hit: &HitRecord, texts: &Texts) -> Found {
    Found {
        doc_id: hit.section.doc_id.to_string(),
        section_id: hit.section.section_id.to_string(),
        id: hit.snippet_id.clone(),
        text: texts.get(&hit.text).cloned().unwrap_or_default(),
        offsets: hit.offsets,
    }
}

fn differences<'a>(then: &'a Contract, now: &'a Contract) -> impl Iterator<Item = &'static str> {
    crate::parity::ContractField::ALL
        .iter()
        .filter(|field| then.get(**field) != now.get(**field))
        .map(|field| field.name())
}

/// Opens and locks.
fn open(path: &Path, how: &mut OpenOptions) -> Result<File, JournalError> {
    let io = |source| JournalError::Io {
        path: path.to_owned(),
        source,
    };
    let file = how.read(true).write(true).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Writes whatever waits, then flushes it to the disk: while the disk is busy the next batch gathers.
fn write_batches(mut file: File, mut lines: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    while let Some(first) = lines.blocking_recv() {
        let mut batch = first;
        while let Ok(line) = lines.try_recv() {
            batch.extend_from_slice(&line);
            if batch.len() > 1 << 20 {
                break;
            }
        }
        file.write_all(&batch)?;
        file.sync_data()?;
    }
    Ok(())
}
