//! Reading a log of requests: its files, block by block, by all threads.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

use miette::Diagnostic;
use rustc_hash::FxBuildHasher;
use thiserror::Error;

use crate::lines::{Block, Blocks, Packing};
use crate::traffic::counts::fingerprint;
use crate::traffic::fields::{Field, FieldMap, Sources, Tree};
use crate::traffic::gather::Gathering;
use crate::traffic::parquet::{self, RowGroup, Rows};
use crate::traffic::request::Requests;
use crate::traffic::scan::{Raw, Scanner};
use crate::traffic::{ArmField, BadLine, TrafficTable};

/// How a log is read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadOptions {
    /// What tells arms apart.
    pub arm_by: ArmField,
    /// Length of a window in seconds, at least 1.
    pub window_s: u32,
    /// The share of lines that may be bad, in `[0, 1]`.
    pub most_bad_share: f64,
    /// Where fields stand that are not in their places.
    pub fields: FieldMap,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            arm_by: ArmField::Variant,
            window_s: 60,
            most_bad_share: 0.001,
            fields: FieldMap::default(),
        }
    }
}

/// Why a log cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum TrafficError {
    /// A file cannot be opened or read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(code(traffic::read))]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A pattern that names no file.
    #[error("`{pattern}` names no file")]
    #[diagnostic(code(traffic::no_file), help("`-` reads standard input"))]
    NoFile {
        /// The pattern.
        pattern: String,
    },
    /// Parquet that cannot be read.
    #[error("{}: {problem}", path.display())]
    #[diagnostic(
        code(traffic::parquet),
        help(
            "columns have the names of the JSON fields, nested or with dots; --map FIELD=COLUMN reads another"
        )
    )]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Too many lines that cannot be read.
    #[error(
        "{n_bad} of {n_lines} lines cannot be read, more than {most:.2} %; the first:\n{}",
        shown(first)
    )]
    #[diagnostic(
        code(traffic::bad_lines),
        help("mend the log, map its fields with --map, or allow more with --most-bad SHARE")
    )]
    BadLines {
        /// Lines that cannot be read.
        n_bad: u64,
        /// All lines.
        n_lines: u64,
        /// The share that may be bad, in percent.
        most: f64,
        /// The first few of them.
        first: Vec<BadLine>,
    },
    /// No request at all.
    #[error("the log holds no request")]
    #[diagnostic(code(traffic::empty))]
    Empty,
    /// A field by which nothing can be grouped.
    #[error("field `{field}` has more than 10000 values, so it names no group")]
    #[diagnostic(
        code(traffic::too_many_groups),
        help(
            "map another field to it with --map {field}=FIELD, or a value for all lines with --map {field}==VALUE"
        )
    )]
    TooManyGroups {
        /// Which field.
        field: Field,
    },
}

fn shown(lines: &[BadLine]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .take(3)
        .map(|line| format!("  {}: {}", line.place, line.problem))
        .collect();
    lines.join("\n")
}

/// Reads logs of requests: JSON lines, plain or compressed by gzip or Zstandard, and Parquet; `-` is
/// standard input, and a path that is no file is a pattern such as `logs/*.jsonl.gz`.
///
/// # Errors
/// If a file cannot be read, too many lines are bad, or there is no request.
pub fn read(sources: &[PathBuf], options: &ReadOptions) -> Result<TrafficTable, TrafficError> {
    let files = files(sources)?;
    let whole = gather(&files, options)?;
    whole_table(whole, options)
}

/// Reads a log of JSON lines from memory; `name` stands in messages.
///
/// # Errors
/// As [`read()`].
pub fn read_lines(
    name: &str,
    bytes: Vec<u8>,
    options: &ReadOptions,
) -> Result<TrafficTable, TrafficError> {
    whole_table(gather_lines(name, bytes, options)?, options)
}

/// The same, before it is made a table: what several parts of a log have gathered may be merged. A
/// line that is delivered twice is recognised within its part only.
///
/// # Errors
/// If a field has too many values to group by.
pub fn gather_lines(
    name: &str,
    bytes: Vec<u8>,
    options: &ReadOptions,
) -> Result<Gathering, TrafficError> {
    let mut reader = LogReader::new(vec![name.to_owned()], options.clone());
    reader.push(0, bytes)?;
    Ok(reader.gathering)
}

/// Reads logs of JSON lines that come bit by bit.
pub struct LogReader {
    options: ReadOptions,
    sources: Sources,
    names: Vec<String>,
    /// For each log, the number of its next line.
    next: Vec<u64>,
    seen: Seen,
    gathering: Gathering,
}

impl LogReader {
    /// Of logs with these names.
    pub fn new(names: Vec<String>, options: ReadOptions) -> Self {
        Self {
            sources: options.fields.sources(options.arm_by),
            next: vec![1; names.len()],
            names,
            seen: Seen::default(),
            gathering: Gathering::new(options.arm_by, options.window_s),
            options,
        }
    }

    /// Reads whole lines that were added to a log.
    ///
    /// # Errors
    /// If a field has too many values to group by, or a line is too long.
    ///
    /// # Panics
    /// If there is no such log.
    pub fn push(&mut self, log: usize, bytes: Vec<u8>) -> Result<(), TrafficError> {
        let tree = self.sources.tree();
        let so_far = Gathering::new(self.options.arm_by, self.options.window_s);
        let shared = Shared {
            names: std::mem::take(&mut self.names),
            seen: std::mem::take(&mut self.seen),
            tree: &tree,
        };
        let mut worker = Worker::new(&shared, &self.sources, &self.options);
        worker.gathering = std::mem::replace(&mut self.gathering, so_far);
        let mut blocks = Blocks::new(Box::new(io::Cursor::new(bytes))).starting_at(self.next[log]);
        let mut read = || -> io::Result<()> {
            for block in &mut blocks {
                worker.block(log, &block?);
            }
            Ok(())
        };
        let read = read();
        self.next[log] = blocks.next_line();
        let gathered = worker.finish();
        self.names = shared.names;
        self.seen = shared.seen;
        self.gathering = gathered?;
        read.map_err(|source| TrafficError::Read {
            path: self.names[log].clone().into(),
            source,
        })
    }

    /// Counts the lines of a log from 1 again, since another file has its name now.
    ///
    /// # Panics
    /// If there is no such log.
    pub fn begin_again(&mut self, log: usize) {
        self.next[log] = 1;
    }

    /// The table so far, however many lines are bad; none without a request.
    pub fn so_far(&self) -> Option<TrafficTable> {
        let (n_bad, n_lines) = self.gathering.n_bad();
        (n_lines > n_bad).then(|| self.gathering.clone().finish())
    }

    /// The table of everything.
    ///
    /// # Errors
    /// As [`whole_table`].
    pub fn whole(self) -> Result<TrafficTable, TrafficError> {
        whole_table(self.gathering, &self.options)
    }
}

/// The table of what was gathered, if enough of it could be read.
///
/// # Errors
/// If too many lines are bad, or there is no request.
pub fn whole_table(
    gathering: Gathering,
    options: &ReadOptions,
) -> Result<TrafficTable, TrafficError> {
    let (n_bad, n_lines) = gathering.n_bad();
    if n_bad as f64 > options.most_bad_share * n_lines as f64 {
        return Err(TrafficError::BadLines {
            n_bad,
            n_lines,
            most: options.most_bad_share * 100.0,
            first: gathering.first_bad(),
        });
    }
    if n_lines == 0 {
        return Err(TrafficError::Empty);
    }
    Ok(gathering.finish())
}

/// The files that paths and patterns name, each pattern's in the order of their names.
fn files(sources: &[PathBuf]) -> Result<Vec<PathBuf>, TrafficError> {
    let mut files = Vec::new();
    for source in sources {
        let text = source.to_string_lossy();
        if source.exists() || *text == *"-" || !text.contains(['*', '?', '[']) {
            files.push(source.clone());
            continue;
        }
        let no_file = || TrafficError::NoFile {
            pattern: text.clone().into_owned(),
        };
        let found = glob::glob(&text).map_err(|_| no_file())?;
        let before = files.len();
        files.extend(found.flatten());
        if files.len() == before {
            return Err(no_file());
        }
    }
    Ok(files)
}

/// Lines that were read before, told by their fingerprints. Only lines with a request id are held
/// here, since two requests may well be alike.
struct Seen {
    parts: [Mutex<HashSet<u64, FxBuildHasher>>; 64],
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            parts: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Seen {
    /// Whether a line is new.
    fn take(&self, fingerprint: u64) -> bool {
        let part = &self.parts[(fingerprint >> 58) as usize];
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        part.insert(fingerprint)
    }
}

/// What all workers share.
struct Shared<'t> {
    /// As which each file stands in messages.
    names: Vec<String>,
    seen: Seen,
    tree: &'t Tree,
}

/// Reads blocks of lines.
struct Worker<'t> {
    shared: &'t Shared<'t>,
    scanner: Scanner<'t>,
    requests: Requests<'t>,
    gathering: Gathering,
}

impl<'t> Worker<'t> {
    fn new(shared: &'t Shared<'t>, sources: &'t Sources, options: &ReadOptions) -> Self {
        let scale = options.fields.latency_scale.unwrap_or(1.0);
        Self {
            shared,
            scanner: Scanner::new(shared.tree),
            requests: Requests::new(sources, scale),
            gathering: Gathering::new(options.arm_by, options.window_s),
        }
    }

    fn block(&mut self, file: usize, block: &Block) {
        self.gathering.begin();
        let mut slots = vec![Raw::Absent; self.shared.tree.n_slots()];
        if let Some(texts) = block.texts() {
            for (number, text) in texts {
                self.line(file, number, text, &mut slots);
            }
            return;
        }
        for (number, line) in block.lines() {
            match str::from_utf8(line) {
                Ok(text) => self.line(file, number, text, &mut slots),
                Err(error) => {
                    let problem = format!("no UTF-8 at byte {}", error.valid_up_to() + 1);
                    self.bad(file, "", number, problem);
                }
            }
        }
    }

    #[inline]
    fn line<'a>(&mut self, file: usize, number: u64, line: &'a str, slots: &mut [Raw<'a>])
    where
        't: 'a,
    {
        let gathering = &mut self.gathering;
        let tree = self.shared.tree;
        let unknown = &mut |within, key: &str| gathering.unknown(&tree.path(within, key));
        if let Err(found) = self.scanner.scan(line, slots, unknown) {
            if !line.trim_ascii().is_empty() {
                let problem = format!("no JSON at byte {}: expected {}", found.at, found.expected);
                self.bad(file, "", number, problem);
            }
            return;
        }
        self.requests.settle(slots);
        match self.requests.read(slots) {
            Ok(request) => {
                if request.id.is_some() && !self.shared.seen.take(fingerprint(line.as_bytes())) {
                    self.gathering.duplicate(&request);
                } else {
                    self.gathering.push(&request);
                }
            }
            Err(unfit) => self.bad(file, "", number, unfit.0),
        }
    }

    /// Rows of Parquet.
    fn rows(&mut self, file: usize, rows: &Rows) {
        self.gathering.begin();
        let mut shared = vec![Raw::Absent; self.shared.tree.n_slots()];
        self.requests.settle(&mut shared);
        rows.each(&shared, |row, slots| match self.requests.read(slots) {
            Ok(request) => {
                let seen = &self.shared.seen;
                let is_new = || seen.take(fingerprint(&rows.bytes(row)));
                if request.id.is_none() || is_new() {
                    self.gathering.push(&request);
                } else {
                    self.gathering.duplicate(&request);
                }
            }
            Err(unfit) => self.bad(file, " row", rows.first + row as u64, unfit.0),
        });
        for name in rows.unknown.iter() {
            self.gathering.unknown_in(name, rows.len() as u64);
        }
    }

    #[cold]
    fn bad(&mut self, file: usize, unit: &str, number: u64, problem: String) {
        let name = &self.shared.names[file];
        self.gathering.bad((file, number), || BadLine {
            place: format!("{name}{unit}:{number}"),
            problem,
        });
    }

    fn finish(self) -> Result<Gathering, TrafficError> {
        match self.gathering.too_many {
            Some(field) => Err(TrafficError::TooManyGroups { field }),
            None => Ok(self.gathering),
        }
    }
}

/// A piece of a log for one worker.
enum Piece {
    Lines(Block),
    Rows(RowGroup),
}

/// The pieces of a file.
fn pieces(
    path: &Path,
    sources: &Sources,
) -> Result<Box<dyn Iterator<Item = Result<Piece, TrafficError>> + Send>, TrafficError> {
    let failed = {
        let path = path.to_owned();
        move |source| TrafficError::Read {
            path: path.clone(),
            source,
        }
    };
    let mut head = Vec::new();
    let mut bytes: Box<dyn Read + Send> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        let file = File::open(path).map_err(&failed)?;
        let mut start = (&file).take(4);
        start.read_to_end(&mut head).map_err(&failed)?;
        if head == parquet::MAGIC {
            let groups = parquet::row_groups(path, &file, sources)?;
            return Ok(Box::new(groups.map(|group| Ok(Piece::Rows(group)))));
        }
        Box::new(file)
    };
    if head.is_empty() {
        let mut start = (&mut bytes).take(4);
        start.read_to_end(&mut head).map_err(&failed)?;
        if head == parquet::MAGIC {
            return Err(TrafficError::Parquet {
                path: PathBuf::from("standard input"),
                problem: "Parquet is read from files, since its columns stand apart".to_owned(),
            });
        }
    }
    let packing = Packing::of(&head);
    let bytes = packing
        .unpack(io::Cursor::new(head).chain(bytes))
        .map_err(&failed)?;
    let blocks = Blocks::new(bytes);
    Ok(Box::new(blocks.map(move |block| {
        block.map(Piece::Lines).map_err(&failed)
    })))
}

/// Gathers all files, each piece by the worker that is free.
fn gather(files: &[PathBuf], options: &ReadOptions) -> Result<Gathering, TrafficError> {
    let sources = options.fields.sources(options.arm_by);
    let tree = sources.tree();
    let named = |path: &PathBuf| match path.to_string_lossy() {
        name if name == "-" => "standard input".to_owned(),
        name => name.into_owned(),
    };
    let shared = Shared {
        names: files.iter().map(named).collect(),
        seen: Seen::default(),
        tree: &tree,
    };
    let of_file = |(file, path): (usize, &PathBuf)| {
        let pieces: Box<dyn Iterator<Item = _> + Send> = match pieces(path, &sources) {
            Ok(pieces) => pieces,
            Err(error) => Box::new(std::iter::once(Err(error))),
        };
        pieces.map(move |piece| piece.map(|piece| (file, piece)))
    };
    let queue = Mutex::new(files.iter().enumerate().flat_map(of_file));
    let work = || -> Result<Gathering, TrafficError> {
        let mut worker = Worker::new(&shared, &sources, options);
        loop {
            // A worker that has failed leaves the queue as it is.
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            match next {
                None => return worker.finish(),
                Some(piece) => match piece? {
                    (file, Piece::Lines(block)) => worker.block(file, &block),
                    (file, Piece::Rows(group)) => {
                        group.read(&sources, |rows| worker.rows(file, rows))?;
                    }
                },
            }
            if worker.gathering.too_many.is_some() {
                return worker.finish();
            }
        }
    };
    let gathered: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..rayon::current_num_threads())
            .map(|_| scope.spawn(work))
            .collect();
        let joined = workers.into_iter().map(ScopedJoinHandle::join);
        joined
            .map(|gathered| gathered.expect("a worker reports what went wrong"))
            .collect()
    });
    let mut whole = Gathering::new(options.arm_by, options.window_s);
    for part in gathered {
        whole.merge(part?);
    }
    match whole.too_many {
        Some(field) => Err(TrafficError::TooManyGroups { field }),
        None => Ok(whole),
    }
}
