//! The search: blocks of rows come in, lists go out.

use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::buffer::BooleanBuffer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::export::{Strings, Vectors};
use crate::knn::bound::{self, QueryLimit, RowLimit};
use crate::knn::kept::{Kept, Neighbor};
use crate::knn::kernel::{Candidates, GROUP, Group, Pass};
use crate::knn::queries::Queries;
use crate::units::Cutoff;

/// Rows that a thread takes at a time: about a millisecond's work for a thousand queries.
const PIECE_ROWS: usize = 256;

/// Some rows of an index.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Their ids, one for each row.
    pub ids: &'a Strings,
    /// Their vectors, one for each row or none.
    pub vectors: &'a Vectors,
    /// Which rows a filter lets pass; without it, all.
    pub allowed: Option<&'a BooleanBuffer>,
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// Rows that were compared with every query.
    pub rows: u64,
    /// Rows that the filter kept out; nothing else is known of them.
    pub filtered: u64,
    /// Rows without a vector.
    pub absent: u64,
    /// Rows whose vector has another length.
    pub wrong_dim: u64,
    /// Rows whose vector has a NaN or an infinity.
    pub not_finite: u64,
    /// Rows without an id.
    pub unnamed: u64,
}

impl Searched {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.filtered += other.filtered;
        self.absent += other.absent;
        self.wrong_dim += other.wrong_dim;
        self.not_finite += other.not_finite;
        self.unnamed += other.unnamed;
    }
}

/// The nearest rows of every query.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbors {
    /// One list for each query, in their order: at most k rows, nearest first, equal scores by id. An id
    /// that several rows have stands there as often.
    pub lists: Vec<Vec<Neighbor>>,
    /// What became of the rows.
    pub searched: Searched,
}

/// A search under way. Its lists do not depend on the order and the cut of the blocks, on the number of
/// threads, or on the processor.
pub struct Nearest<'q> {
    queries: &'q Queries,
    k: Cutoff,
    /// One for each thread.
    parts: Vec<Part<'q>>,
}

impl<'q> Nearest<'q> {
    /// Begins a search for the `k` nearest rows of each query.
    pub fn new(queries: &'q Queries, k: Cutoff) -> Self {
        Self {
            queries,
            k,
            parts: Vec::new(),
        }
    }

    /// Searches some rows, on the threads of the current pool.
    ///
    /// Time `O(rows · queries · dim)`. Memory: for each thread, `k` ids and scores a query.
    ///
    /// # Panics
    /// If the block has not as many ids, vectors and, where there is a filter, marks of it.
    pub fn add(&mut self, block: Block<'_>) {
        let rows = block.vectors.len();
        assert_eq!(block.ids.len(), rows, "one id for each vector");
        assert!(block.allowed.is_none_or(|allowed| allowed.len() == rows));
        while self.parts.len() < rayon::current_num_threads() {
            self.parts.push(Part::new(self.queries, self.k));
        }
        let next = AtomicUsize::new(0);
        self.parts.par_iter_mut().for_each(|part| {
            loop {
                let from = next.fetch_add(PIECE_ROWS, Ordering::Relaxed);
                if from >= rows {
                    break;
                }
                part.search(block, from..rows.min(from + PIECE_ROWS));
            }
        });
    }

    /// Takes over what another search for the same queries found in other rows.
    ///
    /// # Panics
    /// If it searches for other queries or another k.
    pub fn merge(&mut self, other: Self) {
        let same = std::ptr::eq(self.queries, other.queries) && self.k == other.k;
        assert!(same, "searches for the same");
        for part in other.parts {
            match self.parts.first_mut() {
                Some(first) => first.merge(part),
                None => self.parts.push(part),
            }
        }
    }

    /// The lists.
    pub fn finish(self) -> Neighbors {
        let whole = Part::new(self.queries, self.k);
        let whole = self.parts.into_iter().fold(whole, |mut whole, part| {
            whole.merge(part);
            whole
        });
        Neighbors {
            lists: whole.kept.into_iter().map(Kept::into_list).collect(),
            searched: whole.searched,
        }
    }
}

/// The `k` nearest rows of each query, with all rows at hand.
///
/// # Panics
/// As [`Nearest::add`].
///
/// ```
/// use ragstone::export::{Strings, Vectors};
/// use ragstone::knn::{Block, Queries, nearest};
/// use ragstone::units::Cutoff;
/// use ragstone::vector::Metric;
///
/// let ids: Strings = ["c", "a", "b"].into_iter().map(Some).collect();
/// let vectors = Vectors::uniform(vec![0.0, 3.0, 4.0, 0.0, 2.0, 0.0].into(), 2, None);
/// let block = Block { ids: &ids, vectors: &vectors, allowed: None };
/// let queries = Queries::new(Metric::Cosine, 2, vec![1.0, 0.0])?;
/// let found = nearest(&queries, Cutoff::new(2).expect("not 0"), [block]);
/// let ids: Vec<&str> = found.lists[0].iter().map(|near| near.id.as_str()).collect();
/// assert_eq!(ids, ["a", "b"]); // Both point the same way: a tie, by id.
/// # Ok::<(), ragstone::knn::QueriesError>(())
/// ```
pub fn nearest<'a>(
    queries: &Queries,
    k: Cutoff,
    blocks: impl IntoIterator<Item = Block<'a>>,
) -> Neighbors {
    let mut search = Nearest::new(queries, k);
    for block in blocks {
        search.add(block);
    }
    search.finish()
}

/// What one thread found.
struct Part<'q> {
    queries: &'q Queries,
    k: Cutoff,
    kept: Vec<Kept>,
    /// The limits of the fast pass, for each place of each panel.
    a: Vec<f32>,
    b: Vec<f32>,
    /// Queries that the fast pass cannot speak for.
    wild: Vec<usize>,
    searched: Searched,
}

/// A row that can be a neighbour.
#[derive(Clone, Copy)]
struct Row<'a> {
    id: &'a str,
    vector: &'a [f32],
    norm: f64,
}

impl<'q> Part<'q> {
    fn new(queries: &'q Queries, k: Cutoff) -> Self {
        let places = queries.len().next_multiple_of(queries.width());
        let (tame, wild): (Vec<usize>, Vec<usize>) =
            (0..queries.len()).partition(|query| queries.is_tame(*query));
        let mut part = Self {
            queries,
            k,
            kept: vec![Kept::default(); queries.len()],
            a: vec![QueryLimit::ABOVE_ALL.a; places],
            b: vec![QueryLimit::ABOVE_ALL.b; places],
            wild,
            searched: Searched::default(),
        };
        for query in tame {
            part.limit(query, QueryLimit::BELOW_ALL);
        }
        part
    }

    fn limit(&mut self, query: usize, limit: QueryLimit) {
        self.a[query] = limit.a;
        self.b[query] = limit.b;
    }

    fn search(&mut self, block: Block<'_>, rows: std::ops::Range<usize>) {
        let (metric, dim) = (self.queries.metric(), self.queries.dim());
        let found = rows
            .filter_map(|row| self.row(block, row))
            .collect::<Vec<_>>();
        let is_tame = |row: &Row<'_>| bound::holds(metric, dim, row.norm);
        let (tame, wild): (Vec<Row<'_>>, Vec<Row<'_>>) = found.into_iter().partition(is_tame);
        for row in wild {
            for query in 0..self.queries.len() {
                self.offer(query, row);
            }
        }
        for at in 0..self.wild.len() {
            for row in &tame {
                self.offer(self.wild[at], *row);
            }
        }
        if self.wild.len() < self.queries.len() {
            for rows in tame.chunks(GROUP) {
                self.fast_pass(rows);
            }
        }
    }

    /// A row of the block, if it can be a neighbour; counts what it is.
    fn row<'a>(&mut self, block: Block<'a>, row: usize) -> Option<Row<'a>> {
        let count = &mut self.searched;
        if block.allowed.is_some_and(|allowed| !allowed.value(row)) {
            count.filtered += 1;
            return None;
        }
        let Some(id) = block.ids.get(row) else {
            count.unnamed += 1;
            return None;
        };
        let Some(vector) = block.vectors.get(row) else {
            count.absent += 1;
            return None;
        };
        if vector.len() != self.queries.dim() {
            count.wrong_dim += 1;
            return None;
        }
        let norm = crate::vector::norm(vector);
        // A finite length has finite numbers; an infinite one may have them too.
        if !norm.is_finite() && !vector.iter().all(|number| number.is_finite()) {
            count.not_finite += 1;
            return None;
        }
        count.rows += 1;
        Some(Row { id, vector, norm })
    }

    fn fast_pass(&mut self, rows: &[Row<'_>]) {
        let (metric, dim) = (self.queries.metric(), self.queries.dim());
        let last = rows[rows.len() - 1];
        let vector = |row: usize| rows.get(row).unwrap_or(&last).vector;
        let limit = |row: usize| match rows.get(row) {
            Some(row) => RowLimit::of(metric, dim, row.norm),
            None => RowLimit::ABOVE_ALL,
        };
        let group = Group {
            rows: std::array::from_fn(vector),
            limits: std::array::from_fn(limit),
        };
        let queries = self.queries;
        queries.arch.dispatch(Pass {
            group: &group,
            panels: queries.panels(),
            candidates: &mut Offered { part: self, rows },
        });
    }

    /// Scores a pair exactly, and raises the query's limit if that changed its list.
    fn offer(&mut self, query: usize, row: Row<'_>) {
        let queries = self.queries;
        let score = queries.score(query, row.vector, row.norm);
        if self.kept[query].offer(self.k, score, row.id)
            && queries.is_tame(query)
            && let Some(worst) = self.kept[query].worst(self.k)
        {
            let limit = QueryLimit::of(queries.metric(), queries.dim(), queries.norm(query), worst);
            self.limit(query, limit);
        }
    }

    fn merge(&mut self, other: Self) {
        for (mine, theirs) in self.kept.iter_mut().zip(other.kept) {
            mine.merge(self.k, theirs);
        }
        self.searched.add(other.searched);
    }
}

/// Candidates among some rows.
struct Offered<'a, 'q, 'r> {
    part: &'a mut Part<'q>,
    rows: &'a [Row<'r>],
}

impl Candidates for Offered<'_, '_, '_> {
    fn limits(&self) -> (&[f32], &[f32]) {
        (&self.part.a, &self.part.b)
    }

    fn take(&mut self, row: usize, place: usize) {
        self.part.offer(place, self.rows[row]);
    }
}
