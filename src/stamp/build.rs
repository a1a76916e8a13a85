//! From the chunks of an export to roots, counts and sorted rows.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::export::{Chunk, Metadata};
use crate::ids::Digest;
use crate::parity::stamp::{
    BUCKETS, Channel, Covers, Digester, Health, PARTS, RowKey, Tree, UnreadRow, bucket_of,
    rows_of_run,
};
use crate::stamp::StampError;
use crate::stamp::rows::{RowBatch, RowsWriter};
use crate::stamp::spill::Spill;

/// Buckets of one part.
const BUCKETS_A_PART: usize = BUCKETS / PARTS;

/// How a stamp is made.
#[derive(Clone, Debug)]
pub struct Making {
    /// The seed of the sketches.
    pub seed: u64,
    /// Bytes of rows that are kept in memory before they are spilled.
    pub memory: usize,
    /// Where rows are spilled to.
    pub spill_to: PathBuf,
}

/// A stamp in the making: chunks are added from any thread, in any order.
pub struct Building {
    making: Making,
    digester: Digester,
    spill: Spill,
    counted: Mutex<Counted>,
    covers: [AtomicBool; 4],
}

#[derive(Default)]
struct Counted {
    health: Health,
    /// The first bytes of each vector's digest.
    vectors: Vec<u64>,
}

/// What came of all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// What was counted.
    pub health: Health,
    /// Which parts of rows there were at all.
    pub covers: Covers,
    /// The root of the content channel.
    pub content: Digest,
    /// The root of the vector channel, if any row has a vector.
    pub vectors: Option<Digest>,
    /// The digests and counts of the buckets.
    pub buckets: Vec<Bucket>,
}

/// One bucket of both channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its digest in the content channel.
    pub content: Digest,
    /// Its digest in the vector channel.
    pub vectors: Digest,
    /// Its rows.
    pub rows: u32,
    /// Its different ids.
    pub ids: u32,
}

impl Building {
    /// Begins a stamp.
    pub fn new(making: Making) -> Self {
        Self {
            digester: Digester::new(making.seed),
            spill: Spill::new(making.memory),
            making,
            counted: Mutex::default(),
            covers: Default::default(),
        }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// If a row has no canonical metadata, or rows cannot be spilled.
    pub fn add(&self, chunk: &Chunk) -> Result<(), StampError> {
        let has = [
            chunk.texts.is_some(),
            !matches!(chunk.metadata, Metadata::None),
            chunk.vectors.is_some(),
            chunk.sections.is_some(),
        ];
        for (covers, has) in self.covers.iter().zip(has) {
            covers.fetch_or(has && !chunk.is_empty(), Ordering::Relaxed);
        }
        let digested = self.digester.chunk(chunk)?;
        let folder = &self.making.spill_to;
        let spilled = self.spill.add(digested.rows, folder);
        spilled.map_err(StampError::io(folder))?;
        let mut counted = self
            .counted
            .lock()
            .expect("no thread panics with the counts");
        counted.health.add(&digested.health);
        counted.vectors.extend(digested.vectors);
        Ok(())
    }

    /// Bytes that went to a disk.
    pub fn spilled(&self) -> u64 {
        self.spill.spilled()
    }

    /// Sorts and joins everything. The rows go to `rows`, if it is given, in the order of a stamp.
    ///
    /// # Errors
    /// If spilled rows cannot be read, or rows cannot be written.
    pub fn finish(self, mut rows: Option<&mut RowsWriter>) -> Result<Totals, StampError> {
        let (content, vectors) = (Tree::new(Channel::Content), Tree::new(Channel::Vectors));
        let mut buckets = Vec::with_capacity(BUCKETS);
        let (mut ids, mut repeated) = (0, 0);
        let wanted = rows.is_some();
        let at_once = 2 * rayon::current_num_threads();
        let collected = self.spill.finish();
        let parts: Vec<usize> = (0..PARTS).collect();
        for window in parts.chunks(at_once) {
            let sorted: Vec<Sorted> = window
                .par_iter()
                .map(|&part| {
                    let runs = collected.runs(part);
                    let runs = runs.map_err(StampError::io(&self.making.spill_to))?;
                    let mut rows: Vec<Row> = runs.iter().flat_map(|run| rows_of_run(run)).collect();
                    rows.extend(collected.held.iter().flat_map(|held| held.of_part(part)));
                    Ok(Sorted::of(part, rows, &content, &vectors, wanted))
                })
                .collect::<Result<_, StampError>>()?;
            for part in sorted {
                ids += part.ids;
                repeated += part.repeated;
                buckets.extend(part.buckets);
                if let Some((writer, batch)) = rows.as_mut().zip(part.batch) {
                    writer.write(batch)?;
                }
            }
        }
        // Giving hundreds of megabytes back takes time as well.
        collected.held.into_par_iter().for_each(drop);
        let Counted {
            mut health,
            vectors: prefixes,
        } = self
            .counted
            .into_inner()
            .expect("no thread panics with the counts");
        health.finish(ids, repeated, prefixes);
        let [texts, metadata, with_vectors, sections] = self.covers.map(AtomicBool::into_inner);
        let root = |tree: Tree, digest: fn(&Bucket) -> Digest| {
            tree.root(&buckets.iter().map(digest).collect::<Vec<_>>())
        };
        Ok(Totals {
            covers: Covers {
                texts: texts && health.absent_texts < health.rows,
                metadata,
                vectors: with_vectors && health.vectors() > 0,
                sections,
            },
            content: root(content, |bucket| bucket.content),
            vectors: (health.vectors() > 0).then(|| root(vectors, |bucket| bucket.vectors)),
            health,
            buckets,
        })
    }
}

/// One part, sorted.
struct Sorted {
    buckets: Vec<Bucket>,
    ids: u64,
    repeated: u64,
    batch: Option<RowBatch>,
}

/// A row with what the trees need of it.
type Row<'a> = (RowKey, UnreadRow<'a>);

impl Sorted {
    fn of(part: usize, rows: Vec<Row>, content: &Tree, vectors: &Tree, wanted: bool) -> Self {
        let rows = sorted(rows);
        let (mut ids, mut repeated) = (0, 0);
        let mut buckets = Vec::with_capacity(BUCKETS_A_PART);
        let mut rest = &rows[..];
        for bucket in part * BUCKETS_A_PART..(part + 1) * BUCKETS_A_PART {
            let end = rest.partition_point(|(key, _)| bucket_of(key.prefix) <= bucket);
            let (here, after) = rest.split_at(end);
            rest = after;
            let of = |tree: &Tree, digest: fn(&RowKey) -> Digest| {
                tree.bucket(&mut here.iter().map(|(key, _)| digest(key)).collect::<Vec<_>>())
            };
            let same = here
                .chunk_by(|a, b| a.0.prefix == b.0.prefix && a.1.read().id() == b.1.read().id());
            let same = same.inspect(|rows| repeated += u64::from(rows.len() > 1));
            let bucket = Bucket {
                ids: same.count() as u32,
                rows: here.len() as u32,
                content: of(content, |key| key.content),
                vectors: of(vectors, |key| key.vector),
            };
            ids += u64::from(bucket.ids);
            buckets.push(bucket);
        }
        let rows = || rows.iter().map(|(_, row)| row.read()).collect::<Vec<_>>();
        Self {
            buckets,
            ids,
            repeated,
            batch: wanted.then(|| RowBatch::of(&rows())),
        }
    }
}

/// In the order of a stamp. Nearly all rows are told apart by the first bytes of their id's digest, which
/// lie side by side; the rows themselves are scattered over the memory.
fn sorted(rows: Vec<Row>) -> Vec<Row> {
    let mut order: Vec<(u64, u32)> = (0..)
        .zip(&rows)
        .map(|(index, (key, _))| (key.prefix, index))
        .collect();
    order.sort_unstable();
    let row = |index: u32| rows[index as usize].1.read();
    for same in order.chunk_by_mut(|a, b| a.0 == b.0) {
        same.sort_unstable_by(|a, b| row(a.1).order(&row(b.1)));
    }
    order
        .into_iter()
        .map(|(_, index)| rows[index as usize])
        .collect()
}
