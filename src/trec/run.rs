//! Runs: what a system retrieved, with scores.

use std::path::Path;
use std::sync::OnceLock;

use crate::trec::TrecError;
use crate::trec::line::result;
use crate::trec::table::{Place, Query, Table};

/// The results of a system.
#[derive(Debug)]
pub struct Run {
    table: Table<f64>,
    tag: String,
}

/// One result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored<'a> {
    /// The query.
    pub query: &'a str,
    /// The document.
    pub document: &'a str,
    /// Its score: the higher, the earlier. The file's own ranks are passed over.
    pub score: f64,
}

/// The results of one query.
pub type QueryResults<'a> = Query<'a, f64>;

/// A document with its score, and where its line stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit<'a> {
    pub(crate) document: &'a str,
    pub(crate) score: f64,
    pub(crate) place: Place,
}

impl Run {
    /// Reads `query Q0 document rank score tag`.
    ///
    /// That no document stands twice for a query is found where they are ranked, so that it is looked at once.
    ///
    /// # Errors
    /// If the file cannot be read, has no rows, or has lines that are none.
    pub fn read(path: &Path) -> Result<Self, TrecError> {
        let tag = OnceLock::new();
        let table = Table::read(path, |first| {
            if let Ok((_, (start, end))) = result(first) {
                tag.get_or_init(|| first[start..end].to_owned());
            }
            |line: &str| result(line).map(|(fields, _)| Some(fields))
        })?;
        Ok(Self {
            table,
            tag: tag.into_inner().unwrap_or_default(),
        })
    }

    /// What the first line calls the run.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The queries, by name as bytes.
    pub fn queries(&self) -> impl Iterator<Item = QueryResults<'_>> {
        self.table.queries()
    }

    /// The results of a query, by its name.
    pub fn query(&self, name: &str) -> Option<QueryResults<'_>> {
        self.table.query(name)
    }

    /// All results, query by query; those of one query in the order of the file.
    pub fn rows(&self) -> impl Iterator<Item = Scored<'_>> {
        self.queries().flat_map(|results| {
            let query = results.name();
            results.hits().map(move |hit| Scored {
                query,
                document: hit.document,
                score: hit.score,
            })
        })
    }
}

impl<'a> Query<'a, f64> {
    /// Its documents with their scores, in the order of the file.
    pub(crate) fn hits(&self) -> impl Iterator<Item = Hit<'a>> + use<'a> {
        self.rows().map(|entry| Hit {
            document: entry.document,
            score: entry.value,
            place: entry.place(),
        })
    }
}
