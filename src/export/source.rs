//! An export as a whole: its files, opened, and the work of reading them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::buffer::Buffer;
use rayon::prelude::*;

use super::columns::Columns;
use super::description::{Description, Format, Part};
use super::format::{Kind, kind};
use super::input::{Hands, Input};
use super::ipc::Ipc;
use super::json_lines::JsonLines;
use super::parquet::Parquet;
use super::tsv::Tsv;
use super::vector_file::VectorFile;
use super::{Chunk, ExportError, Take};
use crate::lines::Packing;

/// An export: one or several files of one index, opened but not read.
///
/// What a file is, is told by what it begins with, and by its name where that does not say it:
///
/// | format | vectors | told by |
/// |---|---|---|
/// | Parquet | lists of any kind of f16, f32, f64; binary of little-endian f32 | content |
/// | Arrow IPC, file or stream, plain or with lz4 or zstd | the same | content |
/// | JSON lines, plain, gzip or zstd | an array of numbers | `.jsonl`, `.ndjson`, or `{` |
/// | `id<TAB>text` lines, plain, gzip or zstd | none, or a `.npy` or `.fvecs` file | `.tsv` |
/// | `.npy` of f16, f32 or f64, beside such lines | row by row | content |
/// | `.fvecs`, beside such lines | row by row | `.fvecs` |
///
/// Files of lines and files of vectors belong together in their order: the first to the first.
///
/// Memory is bounded by the chunks that the threads have under way: some blocks of lines, batches
/// of Parquet, and record batches of Arrow, of which those beyond 64 MiB are read one at a time.
#[derive(Debug)]
pub struct Source {
    files: Vec<File>,
    description: Description,
}

/// An opened file.
#[derive(Debug)]
enum File {
    Parquet(Parquet),
    Ipc(Ipc),
    JsonLines(JsonLines),
    Tsv(Tsv),
}

/// A part of a file that is read at a stretch.
#[derive(Clone, Copy)]
struct Piece<'a> {
    file: &'a File,
    /// Which part of the file.
    index: usize,
    hands: Hands,
}

impl Source {
    /// Opens one or several files, or folders (all files below them in the order of their names,
    /// but for names that begin with `.` or `_`), all of one index. Reads footers and first lines,
    /// but no rows.
    ///
    /// # Errors
    /// If there is no file, one cannot be read, is in no format that is read here, or has not the
    /// columns that it should have.
    pub fn open(paths: &[PathBuf], columns: &Columns) -> Result<Self, ExportError> {
        let mut found = Vec::new();
        for path in paths {
            let before = found.len();
            walk(path, &mut found)?;
            if found.len() == before {
                return Err(ExportError::NoFiles { path: path.clone() });
            }
        }
        if found.is_empty() {
            let path = PathBuf::new();
            return Err(ExportError::NoFiles { path });
        }
        let (mut files, mut lines, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
        for path in found {
            let input = Input::file(path)?;
            match kind(&input)? {
                Kind::Parquet => files.push(Parquet::open(input, columns).map(File::Parquet)?),
                Kind::ArrowFile => files.push(File::ipc(input, columns, Format::ArrowFile)?),
                Kind::ArrowStream => files.push(File::ipc(input, columns, Format::ArrowStream)?),
                Kind::JsonLines(packing) => {
                    files.push(JsonLines::open(input, packing, columns).map(File::JsonLines)?);
                }
                Kind::Tsv(packing) => lines.push((input, packing)),
                Kind::Npy => vectors.push(VectorFile::npy(input)?),
                Kind::Fvecs => vectors.push(VectorFile::fvecs(input)?),
            }
        }
        files.extend(paired(lines, vectors, columns)?);
        Ok(Self::of(files))
    }

    /// An Arrow IPC file or stream that is in memory already. Its rows are slices of these bytes,
    /// if they are not compressed and begin at a multiple of 64 in memory.
    ///
    /// # Errors
    /// If it is not whole, or has not the columns that it should have.
    pub fn of_ipc_bytes(name: &str, bytes: Buffer, columns: &Columns) -> Result<Self, ExportError> {
        let format = if bytes.starts_with(super::ipc::FILE) {
            Format::ArrowFile
        } else {
            Format::ArrowStream
        };
        let ipc = Ipc::open(Input::memory(name, bytes), columns, format)?;
        Ok(Self::of(vec![File::Ipc(ipc)]))
    }

    fn of(files: Vec<File>) -> Self {
        let mut description = Description::default();
        for file in &files {
            description.add(file.part().clone());
        }
        Self { files, description }
    }

    /// Rows, where all files say so without being read: Parquet and Arrow do, lines do not.
    pub fn n_rows(&self) -> Option<u64> {
        self.files.iter().map(File::n_rows).sum()
    }

    /// Columns that nothing covers, by name, sorted: what is not looked at is said. Of JSON lines,
    /// the keys of the first MiB, and after [`Source::read`] those of all lines.
    pub fn left_out(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.files.iter().flat_map(File::left_out).collect();
        names.into_iter().collect()
    }

    /// What each channel is read from.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Reads every row once, in parallel on the current pool of threads, chunk by chunk in no
    /// particular order; `take` is called from several threads. The first error stops it.
    ///
    /// # Errors
    /// If a file cannot be read to its end, a row does not hold what it should, or `take` fails.
    pub fn read<E>(&self, take: &(dyn Fn(Chunk) -> Result<(), E> + Sync)) -> Result<(), E>
    where
        E: From<ExportError> + Send,
    {
        let pieces = self.files.iter().flat_map(File::pieces);
        let (large, small): (Vec<Piece<'_>>, Vec<Piece<'_>>) =
            pieces.partition(|piece| piece.hands == Hands::All);
        large.into_iter().try_for_each(|piece| piece.read(take))?;
        small
            .into_par_iter()
            .with_max_len(1)
            .try_for_each(|piece| piece.read(take))
    }
}

impl File {
    fn ipc(input: Input, columns: &Columns, format: Format) -> Result<Self, ExportError> {
        Ipc::open(input, columns, format).map(Self::Ipc)
    }

    fn part(&self) -> &Part {
        match self {
            Self::Parquet(file) => &file.layout.part,
            Self::Ipc(file) => &file.layout.part,
            Self::JsonLines(file) => &file.part,
            Self::Tsv(file) => &file.part,
        }
    }

    fn n_rows(&self) -> Option<u64> {
        match self {
            Self::Parquet(file) => Some(file.n_rows),
            Self::Ipc(file) => Some(file.n_rows),
            Self::JsonLines(_) => None,
            Self::Tsv(file) => file.n_rows(),
        }
    }

    fn left_out(&self) -> Vec<String> {
        match self {
            Self::Parquet(file) => file.layout.left_out.clone(),
            Self::Ipc(file) => file.layout.left_out.clone(),
            Self::JsonLines(file) => file.left_out(),
            Self::Tsv(_) => Vec::new(),
        }
    }

    fn pieces(&self) -> Vec<Piece<'_>> {
        let piece = |(index, hands)| Piece {
            file: self,
            index,
            hands,
        };
        match self {
            Self::Parquet(file) => (0..file.pieces())
                .map(|index| piece((index, Hands::One)))
                .collect(),
            Self::Ipc(file) => file.pieces().map(piece).collect(),
            Self::JsonLines(file) => vec![piece((0, file.hands()))],
            Self::Tsv(file) => vec![piece((0, file.hands()))],
        }
    }
}

impl Piece<'_> {
    fn read<E>(self, take: Take<'_, E>) -> Result<(), E>
    where
        E: From<ExportError> + Send,
    {
        match self.file {
            File::Parquet(file) => file.read(self.index, take),
            File::Ipc(file) => file.read(self.index, self.hands, take),
            File::JsonLines(file) => file.read(self.hands, take),
            File::Tsv(file) => file.read(self.hands, take),
        }
    }
}

/// Files of lines with the files of vectors that belong to them, in their order.
fn paired(
    lines: Vec<(Input, Packing)>,
    vectors: Vec<VectorFile>,
    columns: &Columns,
) -> Result<Vec<File>, ExportError> {
    if let Some(first) = vectors.first()
        && vectors.len() != lines.len()
    {
        return Err(ExportError::Pairing {
            path: first.input.path.to_path_buf(),
            n_lines: lines.len(),
            n_vectors: vectors.len(),
        });
    }
    let vectors = vectors.into_iter().map(Some);
    let vectors = vectors.chain(std::iter::repeat_with(|| None));
    let files = lines.into_iter().zip(vectors);
    let files =
        files.map(|((input, packing), vectors)| Tsv::open(input, packing, vectors, columns));
    files.map(|file| file.map(File::Tsv)).collect()
}

/// The files that a path stands for.
fn walk(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), ExportError> {
    let failed = |source| ExportError::Read {
        path: path.to_owned(),
        source,
    };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).map_err(failed)?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names = names.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    names.retain(|name| {
        !name.as_encoded_bytes().starts_with(b".") && !name.as_encoded_bytes().starts_with(b"_")
    });
    names.sort();
    for name in names {
        walk(&path.join(name), found)?;
    }
    Ok(())
}
