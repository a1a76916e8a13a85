//! JSON lines: one object a line, plain or compressed, its keys the columns.
//!
//! Blank lines are passed over. A vector is an array of numbers, each read as f64 and rounded to
//! the nearest f32. Metadata is an object, or text that holds one; several keys make an object.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::chunk::{Chunk, Place};
use super::columns::Columns;
use super::description::{ColumnRead, Format, Part};
use super::input::{Hands, Input};
use super::json_row::{Rows, Wanted, keys};
use super::lines::{blocks, hands};
use super::{ExportError, Take};
use crate::lines::{Block, Packing};

/// What a line should hold.
const EXPECTED: &str = "one JSON object a line with the id as text or integer, the text as text, the vector as an array of numbers and the metadata as an object";

/// A file of JSON lines, opened.
#[derive(Debug)]
pub(super) struct JsonLines {
    input: Input,
    packing: Packing,
    wanted: Wanted,
    pub(super) part: Part,
    left_out: Mutex<BTreeSet<String>>,
}

impl JsonLines {
    /// Reads the first block of lines for the keys that there are.
    pub(super) fn open(
        input: Input,
        packing: Packing,
        columns: &Columns,
    ) -> Result<Self, ExportError> {
        let mut names: Vec<String> = Vec::new();
        let head = blocks(&input, packing)?.next().transpose()?;
        for (number, line) in head.iter().flat_map(Block::lines) {
            if !line.trim_ascii().is_empty() {
                let found = keys(line, &mut names);
                found.map_err(|found| unlike(&input, number, found))?;
            }
        }
        let wanted = if names.is_empty() {
            Wanted::of(columns, None)
        } else {
            Wanted::of(columns, Some(&columns.among(&names, &input.path)?))
        };
        let part = part(&wanted, &input);
        let left_out = names.into_iter().filter(|name| !wanted.covers(name));
        Ok(Self {
            left_out: Mutex::new(left_out.collect()),
            input,
            packing,
            wanted,
            part,
        })
    }

    /// Keys that nothing covers, as far as lines were read.
    pub(super) fn left_out(&self) -> Vec<String> {
        let names = self.left_out.lock();
        let names = names.unwrap_or_else(PoisonError::into_inner);
        names.iter().cloned().collect()
    }

    /// Whether it is worth all threads.
    pub(super) fn hands(&self) -> Hands {
        hands(&self.input, self.packing)
    }

    /// Reads all lines and hands on their rows.
    pub(super) fn read<E>(&self, hands: Hands, take: Take<'_, E>) -> Result<(), E>
    where
        E: From<ExportError> + Send,
    {
        let mut blocks = blocks(&self.input, self.packing)?;
        match hands {
            Hands::One => blocks.try_for_each(|block| self.block(&block?, take)),
            Hands::All => blocks
                .par_bridge()
                .try_for_each(|block| self.block(&block?, take)),
        }
    }

    fn block<E: From<ExportError>>(&self, block: &Block, take: Take<'_, E>) -> Result<(), E> {
        let mut rows = Rows::new(&self.wanted);
        let mut first = 0;
        for (number, line) in block.lines() {
            let blank = line.trim_ascii().is_empty();
            if !rows.is_empty() && (blank || rows.len() == Chunk::ROWS) {
                let full = std::mem::replace(&mut rows, Rows::new(&self.wanted));
                take(self.chunk(full, first))?;
            }
            if blank {
                continue;
            }
            if rows.is_empty() {
                first = number;
            }
            let pushed = rows.push(line);
            pushed.map_err(|found| unlike(&self.input, number, found))?;
        }
        if !rows.is_empty() {
            take(self.chunk(rows, first))?;
        }
        Ok(())
    }

    fn chunk(&self, mut rows: Rows<'_>, first: u64) -> Chunk {
        let others = std::mem::take(&mut rows.others);
        if !others.is_empty() {
            let names = self.left_out.lock();
            let mut names = names.unwrap_or_else(PoisonError::into_inner);
            names.extend(others);
        }
        rows.finish(Place {
            file: Arc::clone(&self.input.path),
            unit: "line",
            first,
        })
    }
}

fn unlike(input: &Input, number: u64, found: String) -> ExportError {
    ExportError::Row {
        place: format!("{} line {number}", input.path.display()),
        expected: EXPECTED.to_owned(),
        found,
    }
}

fn part(wanted: &Wanted, input: &Input) -> Part {
    let read = |column: &String, kind: &str| ColumnRead {
        column: column.clone(),
        kind: kind.to_owned(),
    };
    let id = "text, or integers, written in decimal";
    let metadata = wanted.present.metadata.iter();
    Part {
        format: Format::JsonLines,
        files: vec![input.name()],
        id: read(&wanted.present.id, id),
        text: wanted
            .present
            .text
            .as_ref()
            .map(|column| read(column, "text")),
        vector: wanted
            .present
            .vector
            .as_ref()
            .map(|column| read(column, "array of numbers, read as f64 and rounded to f32")),
        metadata: metadata
            .map(|column| read(column, if wanted.one() { "object" } else { "value" }))
            .collect(),
        doc_id: wanted
            .present
            .sections
            .as_ref()
            .map(|(column, _)| read(column, id)),
        section_id: wanted
            .present
            .sections
            .as_ref()
            .map(|(_, column)| read(column, id)),
    }
}
