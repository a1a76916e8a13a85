//! The rows of a file by query, over the bytes they were read from.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::lines::{Block, Blocks};
use crate::trec::line::{Fields, Span};
use crate::trec::{LineProblem, TrecError};

/// The rows of a file.
#[derive(Debug)]
pub(super) struct Table<V> {
    path: PathBuf,
    parts: Vec<Part<V>>,
    /// By name, as bytes.
    queries: Vec<QueryRows>,
}

/// A block of the file and its rows.
#[derive(Debug)]
struct Part<V> {
    text: String,
    /// Number of its first line, from 1.
    first: u64,
    n_lines: u64,
    rows: Vec<Row<V>>,
    stretches: Vec<Stretch>,
}

/// A row: where its document's name stands in its block, and its value.
#[derive(Clone, Copy, Debug)]
struct Row<V> {
    start: u32,
    len: u32,
    value: V,
}

/// Rows of one query, one after another.
#[derive(Debug)]
struct Stretch {
    query: Span,
    rows: Range<usize>,
}

/// All rows of a query.
#[derive(Debug)]
struct QueryRows {
    /// Part and rows, in the order of the file.
    stretches: Vec<(usize, Range<usize>)>,
    name: (usize, Span),
}

/// A document of a query, its value and its place in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a, V> {
    pub(super) document: &'a str,
    pub(super) value: V,
    place: Place,
}

/// Where a row stands: its part, and the start of its document's name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    part: u32,
    start: u32,
}

impl<V: Copy + Send> Table<V> {
    /// Reads a file by all threads. `reader` looks at the first line and gives what reads each: a row, or nothing that
    /// counts.
    pub(super) fn read<R>(path: &Path, reader: impl FnOnce(&str) -> R) -> Result<Self, TrecError>
    where
        R: Fn(&str) -> Result<Option<Fields<V>>, LineProblem> + Sync,
    {
        let open = |source| TrecError::Open {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(open)?;
        let mut blocks = Blocks::unpacked(Box::new(file)).map_err(open)?;
        let first = blocks.next();
        let beginning = match &first {
            Some(Ok(block)) => block.texts().map(head).unwrap_or_default(),
            _ => String::new(),
        };
        let fields = reader(&beginning);
        let parse = |(index, block): (usize, io::Result<Block>)| {
            (index, block.map(|block| Part::parse(block, &fields)))
        };
        let mut parsed: Vec<_> = first
            .into_iter()
            .chain(blocks)
            .enumerate()
            .par_bridge()
            .map(parse)
            .collect();
        parsed.sort_unstable_by_key(|(index, _)| *index);
        let mut parts: Vec<Part<V>> = Vec::with_capacity(parsed.len());
        let mut problems = Vec::new();
        for (_, part) in parsed {
            let line = parts.last().map_or(0, |part| part.first + part.n_lines - 1);
            let (part, wrong) = part.map_err(|source| TrecError::Unpack {
                path: path.to_owned(),
                line,
                source,
            })?;
            parts.push(part);
            problems.extend(wrong);
        }
        if !problems.is_empty() {
            return Err(TrecError::lines(path, problems));
        }
        let queries = by_query(&parts);
        if queries.is_empty() {
            return Err(TrecError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            parts,
            queries,
        })
    }
}

impl<V: Copy> Table<V> {
    /// The queries, by name as bytes.
    pub(super) fn queries(&self) -> impl Iterator<Item = Query<'_, V>> {
        (0..self.queries.len()).map(|index| Query { table: self, index })
    }

    /// The query of a name.
    pub(super) fn query(&self, name: &str) -> Option<Query<'_, V>> {
        let found = self.queries.binary_search_by(|query| {
            let (part, (start, end)) = query.name;
            self.parts[part].text[start..end].cmp(name)
        });
        found.ok().map(|index| Query { table: self, index })
    }

    /// All rows in the order of the file: line, query, document and value.
    pub(super) fn in_file_order(&self) -> impl Iterator<Item = (u64, &str, &str, V)> {
        self.parts.iter().flat_map(|part| {
            let text = &part.text;
            let queries = part.stretches.iter().flat_map(|stretch| {
                let query = &text[stretch.query.0..stretch.query.1];
                part.rows[stretch.rows.clone()]
                    .iter()
                    .map(move |row| (query, row))
            });
            let mut line = part.first;
            let mut counted = 0;
            queries.map(move |(query, row)| {
                let start = row.start as usize;
                let passed = &text.as_bytes()[counted..start];
                line += memchr::memchr_iter(b'\n', passed).count() as u64;
                counted = start;
                let document = &text[start..start + row.len as usize];
                (line, query, document, row.value)
            })
        })
    }

    /// The number of a row's line, from 1.
    fn line(&self, place: Place) -> u64 {
        let part = &self.parts[place.part as usize];
        let before = &part.text.as_bytes()[..place.start as usize];
        part.first + memchr::memchr_iter(b'\n', before).count() as u64
    }
}

/// The rows of one query.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a, V> {
    table: &'a Table<V>,
    index: usize,
}

impl<'a, V: Copy> Query<'a, V> {
    /// The query.
    pub fn name(&self) -> &'a str {
        let (part, (start, end)) = self.table.queries[self.index].name;
        &self.table.parts[part].text[start..end]
    }

    /// Its rows, in the order of the file.
    pub(super) fn rows(&self) -> impl Iterator<Item = Entry<'a, V>> + use<'a, V> {
        let parts = &self.table.parts;
        let stretches = self.table.queries[self.index].stretches.iter();
        stretches.flat_map(|(index, rows)| {
            let part = &parts[*index];
            let text = &part.text;
            part.rows[rows.clone()].iter().map(move |row| Entry {
                document: &text[row.start as usize..(row.start + row.len) as usize],
                value: row.value,
                place: Place {
                    part: *index as u32,
                    start: row.start,
                },
            })
        })
    }

    /// The error of a document that stands twice.
    pub(crate) fn duplicate(&self, document: &str, places: [Place; 2]) -> TrecError {
        let mut lines = places.map(|place| self.table.line(place));
        lines.sort_unstable();
        TrecError::Duplicate {
            path: self.table.path.clone(),
            line: lines[1],
            first: lines[0],
            query: self.name().to_owned(),
            document: document.to_owned(),
        }
    }
}

impl<V> Entry<'_, V> {
    pub(super) fn place(&self) -> Place {
        self.place
    }
}

impl<V: Copy> Part<V> {
    fn parse(
        block: Block,
        fields: impl Fn(&str) -> Result<Option<Fields<V>>, LineProblem>,
    ) -> (Self, Vec<(u64, LineProblem)>) {
        let mut rows: Vec<Row<V>> = Vec::new();
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut problems = Vec::new();
        let first = block.first();
        let text = match block.into_text() {
            Ok(text) => text,
            Err(block) => {
                let wrong = block
                    .lines()
                    .filter(|(_, line)| str::from_utf8(line).is_err());
                problems.extend(wrong.map(|(line, _)| (line, LineProblem::NotText)));
                String::new()
            }
        };
        let mut n_lines = 0;
        let mut at = 0;
        let whole = text.strip_suffix('\n').unwrap_or(&text);
        let ends = memchr::memchr_iter(b'\n', whole.as_bytes()).chain([whole.len()]);
        for (line, end) in (first..).zip(ends) {
            n_lines += 1;
            let (start, content) = (at, &text[at..end]);
            at = end + 1;
            if is_nothing(content) {
                continue;
            }
            let Fields {
                query,
                document,
                value,
            } = match fields(content) {
                Ok(Some(fields)) => fields,
                Ok(None) => continue,
                Err(problem) => {
                    problems.push((line, problem));
                    continue;
                }
            };
            let query = (start + query.0, start + query.1);
            let name = &text[query.0..query.1];
            match stretches.last_mut() {
                Some(last) if text[last.query.0..last.query.1] == *name => {
                    last.rows.end += 1;
                }
                _ => stretches.push(Stretch {
                    query,
                    rows: rows.len()..rows.len() + 1,
                }),
            }
            rows.push(Row {
                start: (start + document.0) as u32,
                len: (document.1 - document.0) as u32,
                value,
            });
        }
        rows.shrink_to_fit();
        let part = Self {
            text,
            first,
            n_lines,
            rows,
            stretches,
        };
        (part, problems)
    }
}

/// The first line that says something.
fn head<'a>(mut lines: impl Iterator<Item = (u64, &'a str)>) -> String {
    let line = lines.find(|(_, line)| !is_nothing(line));
    line.map(|(_, line)| line.to_owned()).unwrap_or_default()
}

/// Whether a line is a comment or blank.
fn is_nothing(line: &str) -> bool {
    line.starts_with('#') || line.trim_ascii().is_empty()
}

/// The stretches of each query, by its name.
fn by_query<V: Copy>(parts: &[Part<V>]) -> Vec<QueryRows> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut queries: Vec<QueryRows> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        for stretch in &part.stretches {
            let name = &part.text[stretch.query.0..stretch.query.1];
            let place = *places.entry(name).or_insert(queries.len());
            if place == queries.len() {
                queries.push(QueryRows {
                    stretches: Vec::new(),
                    name: (index, stretch.query),
                });
            }
            queries[place].stretches.push((index, stretch.rows.clone()));
        }
    }
    let name = |query: &QueryRows| {
        let (part, (start, end)) = query.name;
        &parts[part].text[start..end]
    };
    queries.sort_by(|a, b| name(a).cmp(name(b)));
    queries
}
