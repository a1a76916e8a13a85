//! The vectors themselves, of the ids whose bits differ, where both exports are at hand.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use crate::export::{Chunk, Source};
use crate::parity::VectorFinding;
use crate::stamp::StampError;
use crate::stamp::difference::key;

/// Bytes that a vector costs beside its numbers.
const OVERHEAD: usize = 64;

/// Two exports to fetch vectors from, and how much memory one of them may take at a time.
pub struct Numbers<'a> {
    /// The control's.
    pub a: &'a Source,
    /// The side's.
    pub b: &'a Source,
    /// Bytes of vectors held at once. More are fetched by reading the exports again.
    pub memory: usize,
    /// Numbers in a vector, about.
    pub dim: usize,
}

/// The vectors of some ids, and which of these stand on several rows.
#[derive(Default)]
struct Fetched {
    vectors: HashMap<u64, Vec<f32>>,
    several: HashSet<u64>,
}

impl Numbers<'_> {
    /// Compares the vectors of ids, given by [`key`]. An id that stands on several rows is left out, since
    /// only a stamp says which belong together; so is one that either side has no vector for.
    ///
    /// # Errors
    /// If an export cannot be read.
    pub(super) fn compare(
        &self,
        mut wanted: Vec<u64>,
    ) -> Result<HashMap<u64, VectorFinding>, StampError> {
        wanted.sort_unstable();
        wanted.dedup();
        let at_once = (self.memory / (4 * self.dim + OVERHEAD)).max(1);
        let mut found = HashMap::with_capacity(wanted.len());
        for batch in wanted.chunks(at_once) {
            let ours = Mutex::new(Fetched::default());
            each(self.a, batch, &|id, vector| {
                let mut ours = ours.lock().expect("no thread panics with the vectors");
                if ours.vectors.insert(id, vector.to_vec()).is_some() {
                    ours.several.insert(id);
                }
            })?;
            let ours = ours
                .into_inner()
                .expect("no thread panics with the vectors");
            let compared: Mutex<(HashMap<u64, VectorFinding>, HashSet<u64>)> = Mutex::default();
            each(self.b, batch, &|id, vector| {
                let Some(our) = ours.vectors.get(&id) else {
                    return;
                };
                let finding = VectorFinding::of_numbers(our, vector);
                let mut compared = compared.lock().expect("no thread panics with the findings");
                if compared.0.insert(id, finding).is_some() {
                    compared.1.insert(id);
                }
            })?;
            let (findings, several) = compared
                .into_inner()
                .expect("no thread panics with the findings");
            let once = |id: &u64| !several.contains(id) && !ours.several.contains(id);
            found.extend(findings.into_iter().filter(|(id, _)| once(id)));
        }
        Ok(found)
    }
}

/// Tells the vector of each row whose id is wanted.
fn each(
    source: &Source,
    wanted: &[u64],
    take: &(dyn Fn(u64, &[f32]) + Sync),
) -> Result<(), StampError> {
    source.read(&|chunk: Chunk| {
        let Some(vectors) = &chunk.vectors else {
            return Ok(());
        };
        for row in 0..chunk.len() {
            let id = key(chunk.ids.get(row).unwrap_or_default());
            if wanted.binary_search(&id).is_ok()
                && let Some(vector) = vectors.get(row)
            {
                take(id, vector);
            }
        }
        Ok::<_, StampError>(())
    })
}
