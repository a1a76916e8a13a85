//! Files of nothing but vectors: `.npy` (NumPy's format, versions 1 to 3) and `.fvecs` (of INRIA's
//! TEXMEX: before each row of f32 its length as i32, all little-endian).

use arrow::buffer::ScalarBuffer;
use half::f16;

use super::ExportError;
use super::arrow_vectors::beyond_f32;
use super::chunk::Vectors;
use super::description::Format;
use super::error::shown;
use super::input::{Input, Opened};

const NPY: &str = "a .npy file of two dimensions, in C order, of little-endian f2, f4 or f8";
const FVECS: &str =
    "an .fvecs file: each row its length as i32 and so many f32, all rows of one length";

/// A file of vectors of one length.
#[derive(Debug)]
pub(super) struct VectorFile {
    pub(super) input: Input,
    pub(super) rows: u64,
    dim: usize,
    /// Where the first row begins.
    start: u64,
    word: Word,
}

/// How a number is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    F16,
    F32,
    F64,
    /// As f32, and before each row its length.
    Fvecs,
}

impl Word {
    fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 | Self::Fvecs => 4,
            Self::F64 => 8,
        }
    }
}

impl VectorFile {
    /// Reads the header of a `.npy` file.
    pub(super) fn npy(input: Input) -> Result<Self, ExportError> {
        let wrong = |found: String| unlike(&input, NPY, found);
        let short = || wrong("the file ends in its header".to_owned());
        let opened = input.open()?;
        let mut prefix = [0; 12];
        let n_prefix = input.len.min(12) as usize;
        let read = opened.read_into(0, &mut prefix[..n_prefix]);
        read.map_err(|source| input.failed(source))?;
        let [.., major, _, a, b, c, d] = prefix;
        let (at, len) = match major {
            1 => (10, u32::from(u16::from_le_bytes([a, b]))),
            2 | 3 => (12, u32::from_le_bytes([a, b, c, d])),
            other => return Err(wrong(format!("version {other} of the format"))),
        };
        if at + u64::from(len) > input.len {
            return Err(short());
        }
        let mut header = vec![0; len as usize];
        let read = opened.read_into(at, &mut header);
        read.map_err(|source| input.failed(source))?;
        let header = String::from_utf8_lossy(&header).into_owned();
        let (word, rows, dim) = parsed(&header).map_err(wrong)?;
        let start = at + u64::from(len);
        let bytes = u128::from(rows) * (dim as u128) * word.bytes() as u128;
        if u128::from(start) + bytes != u128::from(input.len) {
            let found = format!(
                "{rows} rows of {dim} numbers are {bytes} bytes and the file has {} after its header",
                input.len - start
            );
            return Err(wrong(found));
        }
        Ok(Self {
            input,
            rows,
            dim,
            start,
            word,
        })
    }

    /// Reads the first row's length of an `.fvecs` file; an empty file has no rows.
    pub(super) fn fvecs(input: Input) -> Result<Self, ExportError> {
        let mut length = [0; 4];
        let n = input.len.min(4) as usize;
        let read = input.open()?.read_into(0, &mut length[..n]);
        read.map_err(|source| input.failed(source))?;
        let wrong = |found: String| unlike(&input, FVECS, found);
        let dim = match i32::from_le_bytes(length) {
            _ if input.len == 0 => 0,
            dim if dim > 0 && n == 4 => dim.unsigned_abs(),
            dim => return Err(wrong(format!("a first row of {dim} numbers"))),
        };
        let row = 4 + 4 * u64::from(dim);
        if !input.len.is_multiple_of(row) {
            let found = format!("{} bytes are no whole rows of {dim} numbers", input.len);
            return Err(wrong(found));
        }
        Ok(Self {
            rows: input.len / row,
            input,
            dim: dim as usize,
            start: 0,
            word: Word::Fvecs,
        })
    }

    /// What it is beside lines.
    pub(super) fn format(&self) -> Format {
        match self.word {
            Word::Fvecs => Format::TsvFvecs,
            _ => Format::TsvNpy,
        }
    }

    /// For a description.
    pub(super) fn kind(&self) -> String {
        let word = match self.word {
            Word::F16 => "f16, converted to f32",
            Word::F32 | Word::Fvecs => "f32",
            Word::F64 => "f64, rounded to f32",
        };
        format!("row of {} {word}", self.dim)
    }

    /// So many rows from one on, counted from 0.
    pub(super) fn read(
        &self,
        opened: &Opened,
        first: u64,
        n: usize,
    ) -> Result<Vectors, ExportError> {
        let extra = if self.word == Word::Fvecs { 4 } else { 0 };
        let row = self.dim * self.word.bytes() + extra;
        let mut bytes = vec![0; n * row];
        let read = opened.read_into(self.start + first * row as u64, &mut bytes);
        read.map_err(|source| self.input.failed(source))?;
        let mut numbers: Vec<f32> = Vec::with_capacity(n * self.dim);
        // Rows of no numbers have no bytes in a .npy file, and nothing is to be read of them.
        for (at, row) in bytes.chunks_exact(row.max(1)).enumerate() {
            self.row(row, first + at as u64 + 1, &mut numbers)?;
        }
        Ok(Vectors::of_rows(numbers, self.dim, n))
    }

    /// A row's numbers; `number` is its own, from 1.
    fn row(&self, bytes: &[u8], number: u64, numbers: &mut Vec<f32>) -> Result<(), ExportError> {
        match self.word {
            Word::F16 => {
                let words = bytes.as_chunks::<2>().0.iter();
                numbers.extend(words.map(|word| f16::from_le_bytes(*word).to_f32()));
            }
            Word::F32 => {
                let words = bytes.as_chunks::<4>().0.iter();
                numbers.extend(words.map(|word| f32::from_le_bytes(*word)));
            }
            Word::Fvecs => {
                let (length, row) = bytes.split_first_chunk::<4>().expect("a length");
                let length = i32::from_le_bytes(*length);
                if usize::try_from(length).ok() != Some(self.dim) {
                    let found = format!("row {number} has {length} numbers, row 1 {}", self.dim);
                    return Err(unlike(&self.input, FVECS, found));
                }
                let words = row.as_chunks::<4>().0.iter();
                numbers.extend(words.map(|word| f32::from_le_bytes(*word)));
            }
            Word::F64 => {
                for word in bytes.as_chunks::<8>().0 {
                    let double = f64::from_le_bytes(*word);
                    let single = double as f32;
                    if single.is_infinite() && double.is_finite() {
                        let fault = beyond_f32(0, double);
                        return Err(ExportError::Row {
                            place: format!("{} row {number}", self.input.path.display()),
                            expected: fault.expected.to_owned(),
                            found: fault.found,
                        });
                    }
                    numbers.push(single);
                }
            }
        }
        Ok(())
    }
}

fn unlike(input: &Input, expected: &'static str, found: String) -> ExportError {
    ExportError::VectorFile {
        path: input.path.to_path_buf(),
        expected,
        found,
    }
}

/// The numbers' type, the rows and their length, from a `.npy` header such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (10, 384), }`.
fn parsed(header: &str) -> Result<(Word, u64, usize), String> {
    let after = |key: &str| {
        let at = header.find(&format!("'{key}'"))?;
        let rest = header[at + key.len() + 2..].trim_start();
        Some(rest.strip_prefix(':')?.trim_start())
    };
    let missing = |key| format!("a header without {key:?}: {}", shown(header.trim_end()));
    let word = match after("descr").ok_or_else(|| missing("descr"))? {
        word if word.starts_with("'<f2'") => Word::F16,
        word if word.starts_with("'<f4'") => Word::F32,
        word if word.starts_with("'<f8'") => Word::F64,
        word => {
            let end = word.find(',').unwrap_or(word.len());
            return Err(format!("numbers of the type {}", shown(&word[..end])));
        }
    };
    let order = after("fortran_order").ok_or_else(|| missing("fortran_order"))?;
    if !order.starts_with("False") {
        return Err("Fortran order: column after column".to_owned());
    }
    let shape = after("shape").and_then(|rest| rest.strip_prefix('(')?.split_once(')'));
    let (shape, _) = shape.ok_or_else(|| missing("shape"))?;
    let sizes = shape
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    let sizes: Vec<Option<u64>> = sizes.map(|size| size.parse().ok()).collect();
    match sizes.as_slice() {
        [Some(rows), Some(dim)] if u32::try_from(*dim).is_ok() => Ok((word, *rows, *dim as usize)),
        _ => Err(format!("the shape ({shape})")),
    }
}

impl Vectors {
    /// Rows of one length, which may be 0.
    fn of_rows(numbers: Vec<f32>, dim: usize, rows: usize) -> Self {
        let numbers = ScalarBuffer::from(numbers);
        if dim > 0 {
            Self::uniform(numbers, dim, None)
        } else {
            let offsets = arrow::buffer::OffsetBuffer::new_zeroed(rows);
            Self::ragged(numbers, offsets, None)
        }
    }
}
