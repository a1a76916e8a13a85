//! From the chunks of an export to roots, counts and sorted rows.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::export::{Chunk, Metadata};
use crate::ids::Digest;
use crate::parity::stamp::{
    BUCKETS, Channel, Covers, Digester, Health, PARTS, PackedRow, Tree, bucket_of, packed_rows,
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
        let spilled = self.spill.add(digested.parts, folder);
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
        let parts: Vec<usize> = (0..PARTS).collect();
        for window in parts.chunks(at_once) {
            let sorted: Vec<Sorted> = window
                .par_iter()
                .map(|&part| {
                    let pieces = self.spill.take(part);
                    let pieces = pieces.map_err(StampError::io(&self.making.spill_to))?;
                    Ok(Sorted::of(part, &pieces, &content, &vectors, wanted))
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

impl Sorted {
    fn of(part: usize, pieces: &[Vec<u8>], content: &Tree, vectors: &Tree, wanted: bool) -> Self {
        let mut rows: Vec<PackedRow> = pieces.iter().flat_map(|piece| packed_rows(piece)).collect();
        rows.sort_unstable_by(PackedRow::order);
        let (mut ids, mut repeated) = (0, 0);
        let mut buckets = Vec::with_capacity(BUCKETS_A_PART);
        let mut rest = &rows[..];
        for bucket in part * BUCKETS_A_PART..(part + 1) * BUCKETS_A_PART {
            let end = rest.partition_point(|row| bucket_of(&row.id_hash()) <= bucket);
            let (here, after) = rest.split_at(end);
            rest = after;
            let of = |tree: &Tree, digest: fn(&PackedRow) -> Digest| {
                tree.bucket(&mut here.iter().map(digest).collect::<Vec<_>>())
            };
            let bucket = Bucket {
                content: of(content, |row| row.content()),
                vectors: of(vectors, |row| row.vector_row()),
                rows: here.len() as u32,
                ids: {
                    let same = here.chunk_by(|a, b| a.id() == b.id());
                    same.inspect(|rows| repeated += u64::from(rows.len() > 1))
                        .count() as u32
                },
            };
            ids += u64::from(bucket.ids);
            buckets.push(bucket);
        }
        Self {
            buckets,
            ids,
            repeated,
            batch: wanted.then(|| RowBatch::of(&rows)),
        }
    }
}
