//! Two saved stamps beside each other: only what differs is read.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use crate::ids::Digest;
use crate::parity::stamp::{BUCKETS, Channel, StampRow, Tree, content_row, vector_row};
use crate::parity::{Diffing, IdFinding, RowDiff, VectorClass, VectorFinding};
use crate::stamp::{Numbers, Saved, StampError};

/// Buckets that are read at once.
const WINDOW: usize = 64;

/// Which parts of rows are compared: what one side does not have at all is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Compared {
    texts: bool,
    metadata: bool,
    vectors: bool,
}

/// How the rows of `b` differ from those of `a`. Reads the buckets whose digests differ and no others,
/// so that the time depends on how much changed. `numbers` gives the vectors themselves where both
/// exports are at hand; otherwise they are compared by their projections. Every id that differs in any
/// way is told to `each`, in no order that means anything.
///
/// # Errors
/// If a file cannot be read or was changed, or projections with different seeds would have to be
/// compared.
pub fn difference(
    a: &Saved,
    b: &Saved,
    numbers: Option<&Numbers>,
    each: &mut dyn FnMut(&IdFinding) -> Result<(), StampError>,
) -> Result<RowDiff, StampError> {
    let (ours, theirs) = (a.stamp.covers, b.stamp.covers);
    let compared = Compared {
        texts: ours.texts && theirs.texts,
        metadata: ours.metadata == theirs.metadata,
        vectors: ours.vectors && theirs.vectors,
    };
    let changed = changed(a, b, compared);
    let exact = match numbers {
        Some(numbers) if compared.vectors => {
            let mut wanted = Vec::new();
            findings(a, b, compared, &changed, &mut |finding| {
                wanted.extend(wants_numbers(finding).then(|| key(&finding.id)));
                Ok(())
            })?;
            numbers.compare(wanted)?
        }
        _ => HashMap::new(),
    };
    let seeds_differ = a.stamp.sketch != b.stamp.sketch;
    let mut diffing = Diffing::new(count(a.stamp.health.rows), count(b.stamp.health.rows));
    findings(a, b, compared, &changed, &mut |finding| {
        let by_number = exact.get(&key(&finding.id)).copied();
        if wants_numbers(finding) && by_number.is_none() && seeds_differ {
            return Err(StampError::Seeds {
                a: a.rows.path().to_owned(),
                b: b.rows.path().to_owned(),
            });
        }
        finding.vector = by_number.or(finding.vector);
        diffing.add(finding);
        if finding.is_same() {
            Ok(())
        } else {
            each(finding)
        }
    })?;
    if compared.vectors {
        let changed: HashSet<usize> = changed.into_iter().collect();
        let unchanged = (0..BUCKETS).filter(|bucket| !changed.contains(bucket));
        let n = if a.stamp.health.absent_vectors == 0 {
            unchanged.map(|i| a.rows.buckets()[i].ids as usize).sum()
        } else {
            a.rows.ids_with_vector(&unchanged.collect::<Vec<_>>())?
        };
        diffing.add_identical_vectors(n);
    }
    let (ours, theirs) = (sections(a, &diffing)?, sections(b, &diffing)?);
    Ok(diffing.finish(|section| (ours.contains(section), theirs.contains(section))))
}

fn count(n: u64) -> usize {
    usize::try_from(n).expect("rows that were counted one by one")
}

/// What an id is recognised by while vectors are fetched.
pub(super) fn key(id: &str) -> u64 {
    Digest::of(id).prefix()
}

fn wants_numbers(finding: &IdFinding) -> bool {
    let differs = |vector: VectorFinding| vector.class != VectorClass::Identical;
    finding.vector.is_some_and(differs)
}

/// The buckets that differ in what is compared.
fn changed(a: &Saved, b: &Saved, compared: Compared) -> Vec<usize> {
    let whole = compared.texts && compared.metadata;
    let differs = |i: &usize| {
        let (ours, theirs) = (&a.rows.buckets()[*i], &b.rows.buckets()[*i]);
        let content = !whole || ours.content != theirs.content;
        content || (compared.vectors && ours.vectors != theirs.vectors)
    };
    (0..BUCKETS).filter(differs).collect()
}

/// Tells every id of the buckets.
fn findings(
    a: &Saved,
    b: &Saved,
    compared: Compared,
    buckets: &[usize],
    take: &mut dyn FnMut(&mut IdFinding) -> Result<(), StampError>,
) -> Result<(), StampError> {
    for window in buckets.chunks(WINDOW) {
        let (ours, theirs) = rayon::join(|| a.rows_of(window), || b.rows_of(window));
        let pairs: Vec<_> = ours?.into_iter().zip(theirs?).collect();
        let found: Vec<Vec<IdFinding>> = pairs
            .into_par_iter()
            .map(|(ours, theirs)| of_bucket(ours, theirs, compared))
            .collect();
        for mut finding in found.into_iter().flatten() {
            take(&mut finding)?;
        }
    }
    Ok(())
}

fn of_bucket(ours: Vec<StampRow>, theirs: Vec<StampRow>, compared: Compared) -> Vec<IdFinding> {
    let mut ids: BTreeMap<String, (Vec<StampRow>, Vec<StampRow>)> = BTreeMap::new();
    for row in ours {
        let row = compared.only(row);
        ids.entry(row.id.clone()).or_default().0.push(row);
    }
    for row in theirs {
        let row = compared.only(row);
        ids.entry(row.id.clone()).or_default().1.push(row);
    }
    let pairs = ids.into_values();
    pairs
        .map(|(ours, theirs)| IdFinding::of(&ours, &theirs))
        .collect()
}

impl Compared {
    /// The row without what is not compared.
    fn only(self, mut row: StampRow) -> StampRow {
        let nothing = Digest::from_bytes([0; 32]);
        if !self.texts {
            row.text = nothing;
            row.normalised = nothing;
        }
        if !self.metadata {
            row.metadata = nothing;
            row.keys = Vec::new();
        }
        if !self.vectors {
            row.vector = None;
        }
        row
    }
}

/// The sections of changed ids that the side still has a row of.
fn sections(side: &Saved, diffing: &Diffing) -> Result<HashSet<String>, StampError> {
    let touched: HashSet<&str> = diffing.touched().collect();
    let mut found = HashSet::new();
    if !touched.is_empty() {
        side.rows.each_section(&mut |section| {
            if touched.contains(section) && !found.contains(section) {
                found.insert(section.to_owned());
            }
        })?;
    }
    Ok(found)
}

impl Saved {
    /// The rows of some buckets, each proved to be the bucket's.
    fn rows_of(&self, buckets: &[usize]) -> Result<Vec<Vec<StampRow>>, StampError> {
        let found = self.rows.of(buckets)?;
        let (content, vectors) = (Tree::new(Channel::Content), Tree::new(Channel::Vectors));
        for (&bucket, rows) in buckets.iter().zip(&found) {
            let stated = &self.rows.buckets()[bucket];
            let ids: Vec<Digest> = rows.iter().map(|row| Digest::of(&row.id)).collect();
            let contents = rows
                .iter()
                .map(|row| content_row(&row.text, &row.metadata, &row.id));
            let vector = |row: &StampRow| row.vector.as_ref().map(|vector| vector.digest);
            let vector_rows = rows.iter().zip(&ids);
            let vector_rows =
                vector_rows.map(|(row, id)| vector_row(id, vector(row).as_ref()).to_vec());
            let of = |tree: &Tree, rows: Vec<Vec<u8>>| {
                let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
                tree.bucket(&mut tree.rows(&rows))
            };
            if of(&content, contents.collect()) != stated.content
                || of(&vectors, vector_rows.collect()) != stated.vectors
            {
                return Err(StampError::Changed {
                    path: self.rows.path().to_owned(),
                    problem: "rows of a bucket do not give the bucket's digest",
                });
            }
        }
        Ok(found)
    }
}
