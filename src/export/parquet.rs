//! Parquet: row groups, or stretches of them, by several threads.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::{ChunkReader, Length};

use super::chunk::Chunk;
use super::columns::Columns;
use super::description::Format;
use super::input::{Input, Opened};
use super::layout::Layout;
use super::{ExportError, Take, guarded};

/// What a Parquet file begins and ends with.
pub(super) const MAGIC: &[u8] = b"PAR1";
/// The same if its footer is encrypted.
pub(super) const ENCRYPTED: &[u8] = b"PARE";
/// Rows of a row group that one thread reads at a stretch, if the file has an index of its pages:
/// without one, what stands before a stretch would have to be decoded only to be passed over.
const STRETCH: u64 = 8 * Chunk::ROWS as u64;
/// Bytes that one batch of a thread should decode to, so that they stay in its cache.
const BATCH: u64 = 1 << 20;
/// The fewest rows of a batch.
const FEWEST_ROWS: u64 = 256;

/// A Parquet file, opened.
#[derive(Debug)]
pub(super) struct Parquet {
    input: Input,
    pub(super) layout: Layout,
    metadata: ArrowReaderMetadata,
    stretches: Vec<Stretch>,
    pub(super) n_rows: u64,
}

/// Rows of a row group that one thread reads.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    group: usize,
    /// Rows of the group before them.
    skip: usize,
    n: usize,
    /// Number of the first in the file, from 1.
    first: u64,
    /// Rows that are decoded at once, at most [`Chunk::ROWS`].
    batch: usize,
}

impl Parquet {
    /// Reads the footer, but no row.
    pub(super) fn open(input: Input, columns: &Columns) -> Result<Self, ExportError> {
        let file = File(Arc::new(input.open()?));
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, options))
            .unwrap_or_else(|found| Err(ParquetError::General(found)))
            .map_err(|source| broken(&input, "its footer".to_owned(), source))?;
        let layout = Layout::of(metadata.schema(), columns, &input, Format::Parquet)?;
        let mut stretches = Vec::new();
        let mut n_rows = 0;
        for (group, described) in metadata.metadata().row_groups().iter().enumerate() {
            let rows = u64::try_from(described.num_rows()).unwrap_or(0);
            let pages = metadata.metadata().offset_index();
            let pages = pages.and_then(|groups| groups.get(group));
            let indexed = pages.is_some_and(|columns| !columns.is_empty());
            let stretch = if indexed { STRETCH } else { rows.max(1) };
            let bytes = u64::try_from(described.total_byte_size()).unwrap_or(0);
            let batch = BATCH
                .saturating_mul(rows)
                .checked_div(bytes)
                .unwrap_or(u64::MAX);
            let batch = batch.clamp(FEWEST_ROWS, Chunk::ROWS as u64) as usize;
            for skip in (0..rows).step_by(stretch as usize) {
                stretches.push(Stretch {
                    group,
                    skip: skip as usize,
                    n: stretch.min(rows - skip) as usize,
                    first: n_rows + skip + 1,
                    batch,
                });
            }
            n_rows += rows;
        }
        Ok(Self {
            input,
            layout,
            metadata,
            stretches,
            n_rows,
        })
    }

    /// How many stretches there are.
    pub(super) fn pieces(&self) -> usize {
        self.stretches.len()
    }

    /// Reads a stretch and hands on its rows.
    pub(super) fn read<E>(&self, stretch: usize, take: Take<'_, E>) -> Result<(), E>
    where
        E: From<ExportError>,
    {
        let stretch = self.stretches[stretch];
        let mut first = stretch.first;
        let place = |first| format!("row {first}");
        let failed = |first, source| broken(&self.input, place(first), source);
        let file = File(Arc::new(self.input.open()?));
        let metadata = self.metadata.clone();
        let mask = ProjectionMask::roots(
            metadata.parquet_schema(),
            self.layout.projection.iter().copied(),
        );
        let selectors = [
            RowSelector::skip(stretch.skip),
            RowSelector::select(stretch.n),
        ];
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_projection(mask)
            .with_row_groups(vec![stretch.group])
            .with_row_selection(RowSelection::from(selectors.to_vec()))
            .with_batch_size(stretch.batch);
        let reader = guarded(|| builder.build());
        let reader = reader.unwrap_or_else(|found| Err(ParquetError::General(found)));
        let mut reader = reader.map_err(|source| failed(first, source))?;
        loop {
            let rows = guarded(|| reader.next().transpose());
            let rows = rows.map_err(|found| failed(first, ParquetError::General(found)))?;
            let rows = rows.map_err(|source| failed(first, ParquetError::from(source)))?;
            let Some(rows) = rows else { break };
            take(self.layout.chunk(&rows, first)?)?;
            first += rows.num_rows() as u64;
        }
        Ok(())
    }
}

fn broken(input: &Input, place: String, source: ParquetError) -> ExportError {
    let path = input.path.to_path_buf();
    ExportError::Parquet {
        path,
        place,
        source,
    }
}

/// A file for the Parquet library, read at positions: its own reader moves one that threads share.
struct File(Arc<Opened>);

impl Length for File {
    fn len(&self) -> u64 {
        self.0.input.len
    }
}

impl ChunkReader for File {
    type T = Reader;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Reader> {
        let opened = Arc::clone(&self.0);
        Ok(Reader {
            opened,
            at: start,
            ahead: Bytes::new(),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let mut bytes = vec![0; length.min(self.0.input.len as usize)];
        if bytes.len() < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.0.read_into(start, &mut bytes)?;
        Ok(bytes.into())
    }
}

/// A file from a position on.
struct Reader {
    opened: Arc<Opened>,
    at: u64,
    ahead: Bytes,
}

/// What is read ahead.
const AHEAD: u64 = 8 << 10;

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            let len = AHEAD.min(self.opened.input.len.saturating_sub(self.at));
            let mut ahead = vec![0; len as usize];
            self.opened.read_into(self.at, &mut ahead)?;
            self.at += len;
            self.ahead = ahead.into();
        }
        let n = into.len().min(self.ahead.len());
        into[..n].copy_from_slice(&self.ahead.split_to(n));
        Ok(n)
    }
}
