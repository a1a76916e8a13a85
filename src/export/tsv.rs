//! Lines of `id<TAB>text`, as TREC collections have them, and the file of vectors beside them.
//!
//! A line goes to its first tab, which ends the id; the rest is the text, further tabs included.
//! Every line is a row, so the vector of line `n` is row `n` of the file of vectors. The columns
//! are called `id`, `text` and `vector`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::LargeStringBuilder;
use rayon::prelude::*;

use super::chunk::{Chunk, Metadata, Place, Strings};
use super::columns::Columns;
use super::description::{ColumnRead, Format, Part};
use super::error::shown;
use super::input::{Hands, Input, Opened};
use super::lines::{blocks, hands};
use super::vector_file::VectorFile;
use super::{ExportError, Take};
use crate::lines::{Block, Packing};

/// A file of lines, and the file of vectors beside it.
#[derive(Debug)]
pub(super) struct Tsv {
    input: Input,
    packing: Packing,
    vectors: Option<VectorFile>,
    pub(super) part: Part,
}

impl Tsv {
    /// Puts the two together. Their counts are compared when they are read.
    pub(super) fn open(
        input: Input,
        packing: Packing,
        vectors: Option<VectorFile>,
        columns: &Columns,
    ) -> Result<Self, ExportError> {
        let mut names = vec!["id".to_owned(), "text".to_owned()];
        names.extend(vectors.as_ref().map(|_| "vector".to_owned()));
        let present = columns.among(&names, &input.path)?;
        let read = |column: &String| ColumnRead {
            column: column.clone(),
            kind: match (column.as_str(), &vectors) {
                ("id", _) => "text before the first tab".to_owned(),
                ("vector", Some(vectors)) => vectors.kind(),
                _ => "text after the first tab".to_owned(),
            },
        };
        let mut files = vec![input.name()];
        files.extend(vectors.iter().map(|vectors| vectors.input.name()));
        let part = Part {
            format: vectors.as_ref().map_or(Format::Tsv, VectorFile::format),
            files,
            id: read(&present.id),
            text: present.text.as_ref().map(read),
            vector: present.vector.as_ref().map(read),
            metadata: Vec::new(),
            doc_id: None,
            section_id: None,
        };
        Ok(Self {
            input,
            packing,
            vectors,
            part,
        })
    }

    /// Rows, if there is a file of vectors that says so.
    pub(super) fn n_rows(&self) -> Option<u64> {
        self.vectors.as_ref().map(|vectors| vectors.rows)
    }

    /// Whether it is worth all threads.
    pub(super) fn hands(&self) -> Hands {
        hands(&self.input, self.packing)
    }

    /// Reads all lines and vectors and hands on their rows.
    pub(super) fn read<E>(&self, hands: Hands, take: Take<'_, E>) -> Result<(), E>
    where
        E: From<ExportError> + Send,
    {
        let vectors = self.vectors.as_ref();
        let opened = vectors.map(|vectors| vectors.input.open()).transpose()?;
        let n_lines = AtomicU64::new(0);
        let mut blocks = blocks(&self.input, self.packing)?;
        let work = |block: Result<Block, ExportError>| {
            n_lines.fetch_add(
                self.block(&block?, opened.as_ref(), take)?,
                Ordering::Relaxed,
            );
            Ok::<(), E>(())
        };
        match hands {
            Hands::One => blocks.try_for_each(work)?,
            Hands::All => blocks.par_bridge().try_for_each(work)?,
        }
        let n_lines = n_lines.into_inner();
        match vectors {
            Some(vectors) if vectors.rows != n_lines => Err(self.unequal(vectors, n_lines).into()),
            _ => Ok(()),
        }
    }

    /// Hands on the rows of a block; how many there are.
    fn block<E: From<ExportError>>(
        &self,
        block: &Block,
        opened: Option<&Opened>,
        take: Take<'_, E>,
    ) -> Result<u64, E> {
        let mut lines = block.lines().peekable();
        let mut n_lines = 0;
        while let Some((first, _)) = lines.peek().copied() {
            let (mut ids, mut texts) = (LargeStringBuilder::new(), LargeStringBuilder::new());
            let mut n = 0;
            for (number, line) in lines.by_ref().take(Chunk::ROWS) {
                let (id, text) = self.line(number, line)?;
                ids.append_value(id);
                texts.append_value(text);
                n += 1;
            }
            n_lines += n as u64;
            let beside = self.vectors.as_ref().zip(opened);
            let vectors = beside.map(|(vectors, opened)| {
                if first - 1 + n as u64 > vectors.rows {
                    let n_lines = self.n_lines()?;
                    return Err(self.unequal(vectors, n_lines));
                }
                vectors.read(opened, first - 1, n)
            });
            take(Chunk {
                ids: Strings::Large(ids.finish()),
                texts: Some(Strings::Large(texts.finish())),
                metadata: Metadata::None,
                sections: None,
                vectors: vectors.transpose()?,
                place: Place {
                    file: Arc::clone(&self.input.path),
                    unit: "line",
                    first,
                },
            })?;
        }
        Ok(n_lines)
    }

    fn line<'a>(&self, number: u64, line: &'a [u8]) -> Result<(&'a str, &'a str), ExportError> {
        let wrong = |found| ExportError::Row {
            place: format!("{} line {number}", self.input.path.display()),
            expected: "`id<TAB>text` in UTF-8".to_owned(),
            found,
        };
        let text = str::from_utf8(line).map_err(|error| {
            wrong(format!(
                "no UTF-8 at byte {} of the line",
                error.valid_up_to() + 1
            ))
        })?;
        match text.split_once('\t') {
            Some(("", _)) => Err(wrong("a line without an id".to_owned())),
            Some((id, text)) => Ok((id, text)),
            None => Err(wrong(format!("a line without a tab: {}", shown(text)))),
        }
    }

    fn n_lines(&self) -> Result<u64, ExportError> {
        let blocks = blocks(&self.input, self.packing)?;
        let counts = blocks.map(|block| Ok(block?.lines().count() as u64));
        counts.sum()
    }

    fn unequal(&self, vectors: &VectorFile, n_lines: u64) -> ExportError {
        ExportError::Counts {
            lines: self.input.path.to_path_buf(),
            n_lines,
            vectors: vectors.input.path.to_path_buf(),
            n_vectors: vectors.rows,
        }
    }
}
