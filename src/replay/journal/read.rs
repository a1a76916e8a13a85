//! Reading a journal back: by the place of a probe in the plan.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::ids::{Digest, SectionKey, TargetName};
use crate::parity::Contract;
use crate::replay::journal::line::record;
use crate::replay::journal::{Came, Ended, Found, Head, JournalError, Record};
use crate::replay::{HitRecord, Observation, Outcome};
use crate::target::Texts;

/// Where a line stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) offset: u64,
    pub(super) len: u32,
}

/// Where everything stands: a few bytes a probe, whatever came back.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    probes: Vec<Option<Span>>,
    failed: Vec<usize>,
    hits: Vec<Span>,
    n_probes: usize,
    pub(super) contracts: BTreeMap<TargetName, Contract>,
}

impl Index {
    pub(super) fn probe(&self, probe: usize) -> Option<Span> {
        self.probes.get(probe).copied().flatten()
    }

    pub(super) fn n_probes(&self) -> usize {
        self.n_probes
    }

    pub(super) fn n_hits(&self) -> usize {
        self.hits.len()
    }

    pub(super) fn push_hit(&mut self, span: Span) {
        self.hits.push(span);
    }

    /// A later line about the same probe counts.
    pub(super) fn set_probe(&mut self, probe: usize, span: Span) {
        if self.probes.len() <= probe {
            self.probes.resize(probe + 1, None);
        }
        if self.probes[probe].replace(span).is_none() {
            self.n_probes += 1;
        }
    }

    pub(super) fn forget_failures(&mut self) {
        for probe in std::mem::take(&mut self.failed) {
            if self.probes[probe].take().is_some() {
                self.n_probes -= 1;
            }
        }
    }

    /// Reads a whole journal: its head, where everything stands, and where its sound part ends.
    pub(super) fn scan(path: &Path) -> Result<(Head, Self, u64), JournalError> {
        let io = |source| JournalError::Io {
            path: path.to_owned(),
            source,
        };
        let mut lines = BufReader::new(File::open(path).map_err(io)?);
        let (mut index, mut head) = (Self::default(), None);
        let (mut offset, mut number) = (0, 0);
        let mut torn: Option<usize> = None;
        let mut line = Vec::new();
        loop {
            line.clear();
            let len = lines.read_until(b'\n', &mut line).map_err(io)?;
            if len == 0 {
                break;
            }
            number += 1;
            match (record(&line), torn) {
                (None, _) => torn = torn.or(Some(number)),
                // Something sound after something broken: that is no torn end.
                (Some(_), Some(line)) => {
                    return Err(JournalError::Damaged {
                        path: path.to_owned(),
                        line,
                    });
                }
                (Some(record), None) => {
                    let span = Span {
                        offset,
                        len: u32::try_from(len).unwrap_or(u32::MAX),
                    };
                    index.take(record, span, &mut head);
                    offset += len as u64;
                }
            }
        }
        match head {
            Some(head) if head.format == Head::FORMAT => Ok((head, index, offset)),
            Some(head) => Err(JournalError::Format {
                path: path.to_owned(),
                found: head.format,
            }),
            None => Err(JournalError::Damaged {
                path: path.to_owned(),
                line: 1,
            }),
        }
    }

    fn take(&mut self, record: Record, span: Span, head: &mut Option<Head>) {
        match record {
            Record::Head(found) => *head = head.take().or(Some(found)),
            Record::Contract(first) => {
                self.contracts.entry(first.side).or_insert(first.contract);
            }
            Record::Hit(_) => self.push_hit(span),
            Record::Probe(came) => {
                self.failed.retain(|probe| *probe != came.probe);
                if matches!(came.outcome, Ended::Failed { .. }) {
                    self.failed.push(came.probe);
                }
                self.set_probe(came.probe, span);
            }
        }
    }
}

/// A journal that is complete, read probe by probe.
///
/// Holds the lock of the journal that it was.
pub struct Kept {
    path: PathBuf,
    file: Mutex<File>,
    index: Index,
    /// Hits read lately, since many probes find the same.
    hits: Mutex<HashMap<usize, Arc<(HitRecord, String)>>>,
    _lock: Option<File>,
}

/// Hits remembered at most.
const REMEMBERED: usize = 1 << 16;

impl Kept {
    pub(super) fn open(
        path: &Path,
        index: Index,
        lock: Option<File>,
    ) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(|source| JournalError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            index,
            hits: Mutex::default(),
            _lock: lock,
        })
    }

    /// How many probes are finished.
    pub fn n_finished(&self) -> usize {
        self.index.n_probes()
    }

    /// Every text that was retrieved.
    ///
    /// # Errors
    /// If the file was changed meanwhile.
    pub fn retrieved(&self) -> Result<Texts, JournalError> {
        let one = |number| {
            let (hit, text) = &*self.hit(number)?;
            Ok((hit.text, text.clone()))
        };
        (0..self.index.n_hits()).map(one).collect()
    }

    /// Deletes the file: what it held is kept elsewhere.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn remove(self) -> Result<(), JournalError> {
        std::fs::remove_file(&self.path).map_err(|source| JournalError::Io {
            path: self.path.clone(),
            source,
        })
    }

    /// What came of a probe, put into its blank observation, with the texts it brought; `None` if it
    /// was never asked.
    ///
    /// # Errors
    /// If the file was changed meanwhile.
    pub fn observation(
        &self,
        probe: usize,
        blank: Observation,
    ) -> Result<Option<(Observation, Texts)>, JournalError> {
        let Some(span) = self.index.probe(probe) else {
            return Ok(None);
        };
        let Record::Probe(came) = self.record(span)? else {
            return Err(self.damaged());
        };
        let mut texts = Texts::new();
        let Came {
            attempts,
            elapsed_ms,
            timing,
            status,
            cached,
            cold_start,
            outcome,
            ..
        } = came;
        let outcome = match outcome {
            Ended::Scored {
                hits,
                answer,
                citations,
            } => Outcome::Scored {
                hits: hits
                    .into_iter()
                    .map(|(number, score)| {
                        let (hit, text) = &*self.hit(number)?;
                        texts.entry(hit.text).or_insert_with(|| text.clone());
                        Ok(HitRecord {
                            score,
                            ..hit.clone()
                        })
                    })
                    .collect::<Result<_, JournalError>>()?,
                answer: answer.map(|text| {
                    let digest = Digest::of(&text);
                    texts.insert(digest, text);
                    digest
                }),
                citations,
            },
            Ended::Failed {
                class,
                stage,
                message,
            } => Outcome::Failed {
                class,
                stage,
                message,
            },
        };
        let seen = Observation {
            outcome,
            attempts,
            elapsed_ms,
            timing,
            status,
            cached,
            cold_start,
            ..blank
        };
        Ok(Some((seen, texts)))
    }

    /// A hit by its number, without a score, and its text.
    pub(super) fn hit(&self, number: usize) -> Result<Arc<(HitRecord, String)>, JournalError> {
        const CALM: &str = "nobody panics while looking up";
        if let Some(hit) = self.hits.lock().expect(CALM).get(&number) {
            return Ok(Arc::clone(hit));
        }
        let span = self.index.hits.get(number).copied();
        let Record::Hit(found) = self.record(span.ok_or_else(|| self.damaged())?)? else {
            return Err(self.damaged());
        };
        let Found {
            doc_id,
            section_id,
            id,
            text,
            offsets,
        } = found;
        let hit = HitRecord {
            section: SectionKey::new(doc_id, section_id),
            snippet_id: id,
            score: 0.0,
            text: Digest::of(&text),
            offsets,
        };
        let hit = Arc::new((hit, text));
        let mut hits = self.hits.lock().expect(CALM);
        if hits.len() >= REMEMBERED {
            hits.clear();
        }
        hits.insert(number, Arc::clone(&hit));
        Ok(hit)
    }

    fn record(&self, span: Span) -> Result<Record, JournalError> {
        let mut line = vec![0; span.len as usize];
        let read = {
            let mut file = self.file.lock().expect("nobody panics while reading");
            file.seek(SeekFrom::Start(span.offset))
                .and_then(|_| file.read_exact(&mut line))
        };
        read.map_err(|source| JournalError::Io {
            path: self.path.clone(),
            source,
        })?;
        record(&line).ok_or_else(|| self.damaged())
    }

    fn damaged(&self) -> JournalError {
        JournalError::Changed {
            path: self.path.clone(),
        }
    }
}
