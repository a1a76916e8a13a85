//! Judgments: which documents answer which query, and how well.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;

use crate::trec::TrecError;
use crate::trec::line::{Layout, judgment};
use crate::trec::table::{Query, Table};

/// The judgments of a file: no document is judged twice for a query.
#[derive(Debug)]
pub struct Qrels {
    table: Table<i32>,
}

/// One judgment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgment<'a> {
    /// The query.
    pub query: &'a str,
    /// The document.
    pub document: &'a str,
    /// How well it answers; below 0 it was pooled and not judged.
    pub grade: i32,
}

/// The judgments of one query.
pub type QueryJudgments<'a> = Query<'a, i32>;

impl Qrels {
    /// Reads `query iteration document grade`, or BEIR's `query-id corpus-id score` below a line of names. The
    /// iteration is passed over.
    ///
    /// # Errors
    /// If the file cannot be read, has no rows, or has lines that are none.
    pub fn read(path: &Path) -> Result<Self, TrecError> {
        let table = Table::read(path, |first| {
            let layout = Layout::of(first);
            let names = (layout == Layout::Beir).then(|| first.to_owned());
            move |line: &str| match &names {
                Some(names) if line == names => Ok(None),
                _ => judgment(line, layout).map(Some),
            }
        })?;
        let qrels = Self { table };
        qrels.unique()?;
        Ok(qrels)
    }

    /// The queries, by name as bytes.
    pub fn queries(&self) -> impl Iterator<Item = QueryJudgments<'_>> {
        self.table.queries()
    }

    /// The judgments of a query, by its name.
    pub fn query(&self, name: &str) -> Option<QueryJudgments<'_>> {
        self.table.query(name)
    }

    /// All judgments, query by query; those of one query in the order of the file.
    pub fn rows(&self) -> impl Iterator<Item = Judgment<'_>> {
        self.queries().flat_map(|judged| {
            let query = judged.name();
            judged.grades().map(move |(document, grade)| Judgment {
                query,
                document,
                grade,
            })
        })
    }

    /// All judgments with their lines, in the order of the file.
    pub fn in_file_order(&self) -> impl Iterator<Item = (u64, Judgment<'_>)> {
        let rows = self.table.in_file_order();
        rows.map(|(line, query, document, grade)| {
            let judgment = Judgment {
                query,
                document,
                grade,
            };
            (line, judgment)
        })
    }

    /// Whether each document stands once for each query.
    fn unique(&self) -> Result<(), TrecError> {
        let of_query = |query: &QueryJudgments<'_>| {
            let mut seen = HashMap::new();
            for entry in query.rows() {
                if let Some(first) = seen.insert(entry.document, entry.place()) {
                    return Err(query.duplicate(entry.document, [first, entry.place()]));
                }
            }
            Ok(())
        };
        let queries: Vec<QueryJudgments<'_>> = self.queries().collect();
        let found: Vec<_> = queries.par_iter().map(of_query).collect();
        found.into_iter().collect()
    }
}

impl<'a> Query<'a, i32> {
    /// Its documents with their grades, in the order of the file.
    pub fn grades(&self) -> impl Iterator<Item = (&'a str, i32)> + use<'a> {
        self.rows().map(|entry| (entry.document, entry.value))
    }
}
