//! One query's results in the order that counts, each document once.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::ranking::Judged;
use crate::trec::{Hit, QueryJudgments, QueryResults, TrecError};

/// How scores are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreMode {
    /// As numbers of 64 bits, as `trec_eval` 10 does.
    #[default]
    F64,
    /// As numbers of 32 bits, as `trec_eval` 9 did: more of them are equal.
    F32,
}

/// Equal scores of a query or of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Ties {
    /// Groups of documents with one score.
    pub groups: usize,
    /// Documents in them.
    pub documents: usize,
    /// Groups whose documents differ in grade, so that their order decides the value.
    pub mixed: usize,
}

impl std::iter::Sum for Ties {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            groups: sum.groups + one.groups,
            documents: sum.documents + one.documents,
            mixed: sum.mixed + one.mixed,
        })
    }
}

/// Results of a query: by score, highest first, and by name, highest first as bytes, where scores are equal.
#[derive(Debug)]
pub struct RankedHits<'a> {
    hits: Vec<Hit<'a>>,
}

impl<'a> RankedHits<'a> {
    /// Sorts the results of a query.
    pub fn new(results: QueryResults<'a>, mode: ScoreMode) -> Self {
        let mut hits: Vec<Hit<'a>> = results.hits().collect();
        if mode == ScoreMode::F32 {
            for hit in &mut hits {
                hit.score = f64::from(hit.score as f32);
            }
        }
        let in_order = |a: &Hit<'_>, b: &Hit<'_>| {
            a.score > b.score || (a.score == b.score && a.document >= b.document)
        };
        if !hits.is_sorted_by(in_order) {
            // Scores are finite, so that they have an order.
            hits.sort_unstable_by(|a, b| {
                let scores = b.score.partial_cmp(&a.score);
                scores
                    .unwrap_or(std::cmp::Ordering::Equal)
                    .then_with(|| b.document.cmp(a.document))
            });
        }
        Self { hits }
    }

    /// The documents with their scores, best first.
    pub fn scored(&self) -> impl Iterator<Item = (&'a str, f64)> {
        self.hits.iter().map(|hit| (hit.document, hit.score))
    }

    /// What is known of each document, best first.
    ///
    /// # Errors
    /// If a document stands twice.
    pub fn judged(
        &self,
        results: QueryResults<'a>,
        judgments: QueryJudgments<'_>,
        places: &mut Places,
    ) -> Result<Vec<Judged>, TrecError> {
        places.clear(self.hits.len());
        for (index, hit) in self.hits.iter().enumerate() {
            if let Some(first) = places.insert(&self.hits, index) {
                let twice = [self.hits[first].place, hit.place];
                return Err(results.duplicate(hit.document, twice));
            }
        }
        let mut judged = vec![Judged::Unpooled; self.hits.len()];
        for (document, grade) in judgments.grades() {
            if let Some(index) = places.find(&self.hits, document) {
                judged[index] = Judged::of(Some(grade));
            }
        }
        Ok(judged)
    }

    /// The ties among the first `depth` documents, given what is known of each.
    pub fn ties(&self, judged: &[Judged], depth: usize) -> Ties {
        let depth = depth.min(self.hits.len());
        let mut ties = Ties::default();
        let mut start = 0;
        for group in self.hits[..depth].chunk_by(|a, b| a.score == b.score) {
            let grades = &judged[start..start + group.len()];
            start += group.len();
            if group.len() > 1 {
                ties.groups += 1;
                ties.documents += group.len();
                let gain = |judged: &Judged| judged.grade().unwrap_or(0);
                ties.mixed += usize::from(grades.iter().any(|one| gain(one) != gain(&grades[0])));
            }
        }
        ties
    }
}

/// Where the documents of a query stand: a table of hashes with open addressing, made for one query after
/// another, since a million documents pass through it.
#[derive(Debug, Default)]
pub struct Places {
    /// The upper half of a document's hash and its index; the latter is [`FREE`] where nothing stands.
    slots: Vec<(u32, u32)>,
    mask: usize,
}

const FREE: u32 = u32::MAX;

impl Places {
    /// Makes room for `n` documents.
    fn clear(&mut self, n: usize) {
        let size = (2 * n).next_power_of_two().max(16);
        self.slots.clear();
        self.slots.resize(size, (0, FREE));
        self.mask = size - 1;
    }

    /// Puts a document in; gives the index of the one of the same name that stands there already.
    fn insert(&mut self, hits: &[Hit<'_>], index: usize) -> Option<usize> {
        let document = hits[index].document;
        match self.slot(hits, document) {
            Ok(first) => Some(first),
            Err((slot, tag)) => {
                self.slots[slot] = (tag, index as u32);
                None
            }
        }
    }

    fn find(&self, hits: &[Hit<'_>], document: &str) -> Option<usize> {
        self.slot(hits, document).ok()
    }

    /// The index of a document, or the free slot and the tag that it would have.
    fn slot(&self, hits: &[Hit<'_>], document: &str) -> Result<usize, (usize, u32)> {
        let mut hasher = FxHasher::default();
        hasher.write(document.as_bytes());
        let hash = hasher.finish();
        let tag = (hash >> 32) as u32;
        let mut slot = hash as usize & self.mask;
        loop {
            let (found, index) = self.slots[slot];
            if index == FREE {
                return Err((slot, tag));
            }
            if found == tag && hits[index as usize].document == document {
                return Ok(index as usize);
            }
            slot = (slot + 1) & self.mask;
        }
    }
}
