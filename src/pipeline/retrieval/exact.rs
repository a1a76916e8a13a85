//! What the export says of the rows that were found, and of those that should have been.

use std::collections::{HashMap, HashSet};

use arrow::buffer::BooleanBuffer;

use crate::export::Chunk;
use crate::knn::{Block, Nearest, Neighbors, Queries};
use crate::parity::retrieval::Ranked;
use crate::pipeline::PipelineError;
use crate::pipeline::retrieval::sample::{metadata, section};
use crate::pipeline::retrieval::{Rows, Sample};
use crate::target::Metric;
use crate::target::store::RowFilter;
use crate::units::Cutoff;

/// Rows of the export that were found.
pub(super) struct Held {
    /// Those that the export has, with their vectors as far as it has them.
    vectors: HashMap<String, Option<Vec<f32>>>,
}

impl Held {
    /// Looks the wanted ids up. Of several rows with one id, the first counts.
    pub(super) fn of(rows: &dyn Rows, wanted: &HashSet<&str>) -> Result<Self, PipelineError> {
        let mut vectors = HashMap::new();
        rows.each(&mut |chunk| {
            for row in 0..chunk.len() {
                let Some(id) = chunk.ids.get(row).filter(|id| wanted.contains(id)) else {
                    continue;
                };
                let vector = chunk.vectors.as_ref().and_then(|vectors| vectors.get(row));
                vectors
                    .entry(id.to_owned())
                    .or_insert_with(|| vector.map(<[f32]>::to_vec));
            }
        })?;
        Ok(Self { vectors })
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.vectors.contains_key(id)
    }

    pub(super) fn vector(&self, id: &str) -> Option<&[f32]> {
        self.vectors.get(id)?.as_deref()
    }

    /// The exact score of a row, if its vector is at hand and of the right length.
    pub(super) fn score(&self, metric: Metric, query: &[f32], id: &str) -> Option<f64> {
        let vector = self
            .vector(id)
            .filter(|vector| vector.len() == query.len())?;
        Some(metric.score(query, vector)).filter(|score| score.is_finite())
    }
}

/// Exact neighbours of a sample.
pub(super) struct Exact {
    /// For each row of the sample, nearest first.
    pub(super) lists: Vec<Vec<Ranked>>,
    /// Rows that were compared.
    pub(super) n_rows: u64,
}

/// Searches every row for each metric and filter.
pub(super) fn search(
    rows: &dyn Rows,
    sample: &Sample,
    k: Cutoff,
    searches: &[(Metric, Option<&RowFilter>)],
) -> Result<Vec<Exact>, PipelineError> {
    if searches.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<f32> = sample
        .rows
        .iter()
        .flat_map(|row| row.vector.to_vec())
        .collect();
    let queries: Vec<Queries> = searches
        .iter()
        .map(|(metric, _)| {
            let queries = Queries::new(*metric, sample.dim, values.clone());
            queries.expect("a sample has sound vectors of one length")
        })
        .collect();
    let mut nearest: Vec<Nearest> = queries.iter().map(|one| Nearest::new(one, k)).collect();
    rows.each(&mut |chunk| {
        let Some(vectors) = &chunk.vectors else {
            return;
        };
        for (nearest, (_, filter)) in nearest.iter_mut().zip(searches) {
            let allowed = filter.map(|filter| allowed(chunk, filter));
            nearest.add(Block {
                ids: &chunk.ids,
                vectors,
                allowed: allowed.as_ref(),
            });
        }
    })?;
    Ok(nearest.into_iter().map(|one| exact(one.finish())).collect())
}

fn allowed(chunk: &Chunk, filter: &RowFilter) -> BooleanBuffer {
    let passes = |row| filter.passes(&metadata(chunk, row), section(chunk, row).as_ref());
    (0..chunk.len()).map(passes).collect()
}

fn exact(found: Neighbors) -> Exact {
    // A score beyond every number ranks nothing.
    let list = |list: Vec<crate::knn::Neighbor>| {
        let rows = list.into_iter().filter(|row| row.score.is_finite());
        let rows = rows.map(|row| Ranked {
            id: row.id,
            score: row.score,
        });
        rows.collect()
    };
    Exact {
        lists: found.lists.into_iter().map(list).collect(),
        n_rows: found.searched.rows,
    }
}
