//! Arrow IPC: the file format by its footer, the stream format by a walk over its messages.
//!
//! A record batch is the smallest part that can be read: each is read by one large read into an
//! Arrow buffer and decoded in place, so that uncompressed columns are never copied, and then
//! handed on in slices. A file of one huge batch thus needs the memory of that batch.

use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block, Message, MessageHeader, MetadataVersion, root_as_footer, root_as_message};

use super::chunk::Chunk;
use super::columns::Columns;
use super::description::Format;
use super::input::{Hands, Input, Opened};
use super::layout::Layout;
use super::{ExportError, Take, guarded};

/// What an Arrow IPC file begins with.
pub(super) const FILE: &[u8] = b"ARROW1";
/// What each message of a stream begins with.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];
/// A batch of more bytes than this is read by all threads together, and no other beside it.
const ALONE: i64 = 64 << 20;
/// The longest description of a message or file that is believed.
const LONGEST_METADATA: i32 = 1 << 30;

/// An Arrow IPC file or stream, opened.
#[derive(Debug)]
pub(super) struct Ipc {
    input: Input,
    pub(super) layout: Layout,
    schema: Arc<Schema>,
    version: MetadataVersion,
    batches: Vec<Batch>,
    /// The dictionaries that hold for a batch; a stream may replace them on its way.
    dictionaries: Vec<Dictionaries>,
    pub(super) n_rows: u64,
}

/// A record batch, not yet read.
#[derive(Clone, Copy, Debug)]
struct Batch {
    block: Block,
    /// Number of its first row, from 1.
    first: u64,
    /// Which dictionaries hold.
    dictionaries: usize,
}

/// Dictionaries, read when the first batch needs them.
#[derive(Debug, Default)]
struct Dictionaries {
    blocks: Vec<Block>,
    decoder: OnceLock<FileDecoder>,
}

/// What is found by a walk over a file.
struct Found {
    schema: Schema,
    version: MetadataVersion,
    /// Batches and dictionaries in their order.
    blocks: Vec<(Block, Kind)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rows { n: u64 },
    Dictionary { id: i64, delta: bool },
}

impl Ipc {
    /// Reads the footer, or the heads of all messages, but no row.
    pub(super) fn open(
        input: Input,
        columns: &Columns,
        format: Format,
    ) -> Result<Self, ExportError> {
        let opened = input.open()?;
        let walk = Walk { opened };
        let found = match format {
            Format::ArrowFile => walk.footer(),
            _ => walk.messages(),
        }?;
        let layout = Layout::of(&found.schema, columns, &input, format)?;
        let mut current: Vec<(i64, Block)> = Vec::new();
        let mut fresh = true;
        let (mut batches, mut dictionaries) = (Vec::new(), Vec::new());
        let mut n_rows = 0;
        for (block, kind) in found.blocks {
            match kind {
                Kind::Dictionary { id, delta } => {
                    if !delta {
                        current.retain(|(other, _)| *other != id);
                    }
                    current.push((id, block));
                    fresh = true;
                }
                Kind::Rows { n } => {
                    if std::mem::take(&mut fresh) {
                        dictionaries.push(Dictionaries {
                            blocks: current.iter().map(|(_, block)| *block).collect(),
                            decoder: OnceLock::new(),
                        });
                    }
                    batches.push(Batch {
                        block,
                        first: n_rows + 1,
                        dictionaries: dictionaries.len() - 1,
                    });
                    n_rows += n;
                }
            }
        }
        Ok(Self {
            input,
            layout,
            schema: Arc::new(found.schema),
            version: found.version,
            batches,
            dictionaries,
            n_rows,
        })
    }

    /// The batches, each with whether it needs all hands.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (usize, Hands)> {
        let hands = |batch: &Batch| {
            if batch.block.bodyLength() > ALONE {
                Hands::All
            } else {
                Hands::One
            }
        };
        self.batches.iter().map(hands).enumerate()
    }

    /// Reads a batch and hands on its rows.
    pub(super) fn read<E>(&self, batch: usize, hands: Hands, take: Take<'_, E>) -> Result<(), E>
    where
        E: From<ExportError> + Send,
    {
        let batch = &self.batches[batch];
        let rows = self.decode(batch, hands)?;
        let n = rows.num_rows();
        super::each(n.div_ceil(Chunk::ROWS), hands, |chunk| {
            let start = chunk * Chunk::ROWS;
            let slice = rows.slice(start, Chunk::ROWS.min(n - start));
            take(self.layout.chunk(&slice, batch.first + start as u64)?)
        })
    }

    fn decode(&self, batch: &Batch, hands: Hands) -> Result<RecordBatch, ExportError> {
        let opened = self.input.open()?;
        let walk = Walk { opened };
        let place = || format!("the record batch at row {}", batch.first);
        let dictionaries = &self.dictionaries[batch.dictionaries];
        if dictionaries.decoder.get().is_none() {
            let decoder = self.decoder(&walk, &dictionaries.blocks)?;
            // Another thread may have been faster; either decoder will do.
            drop(dictionaries.decoder.set(decoder));
        }
        let decoder = dictionaries.decoder.get().expect("it was set");
        let bytes = walk.block(&batch.block, hands, place)?;
        let rows = guarded(|| decoder.read_record_batch(&batch.block, &bytes));
        let rows = rows.map_err(|found| walk.unlike(place(), &found))?;
        let rows = rows.map_err(|source| walk.broken(place(), source))?;
        rows.ok_or_else(|| walk.unlike(place(), "a message without a header"))
    }

    fn decoder(&self, walk: &Walk, blocks: &[Block]) -> Result<FileDecoder, ExportError> {
        let schema = Arc::clone(&self.schema);
        let mut decoder =
            FileDecoder::new(schema, self.version).with_projection(self.layout.projection.clone());
        let place = || "a dictionary".to_owned();
        for block in blocks {
            let bytes = walk.block(block, Hands::One, place)?;
            let read = guarded(|| decoder.read_dictionary(block, &bytes));
            let read = read.map_err(|found| walk.unlike(place(), &found))?;
            read.map_err(|source| walk.broken(place(), source))?;
        }
        Ok(decoder)
    }
}

/// A walk over a file's messages.
struct Walk {
    opened: Opened,
}

impl Walk {
    fn broken(&self, place: String, source: ArrowError) -> ExportError {
        let path = self.opened.input.path.to_path_buf();
        ExportError::Arrow {
            path,
            place,
            source,
        }
    }

    fn unlike(&self, place: impl Into<String>, found: &str) -> ExportError {
        self.broken(place.into(), ArrowError::IpcError(found.to_owned()))
    }

    /// Bytes that the file says to have; if it has not, it was cut.
    fn bytes(&self, offset: u64, len: u64, place: &str) -> Result<Buffer, ExportError> {
        if offset.saturating_add(len) > self.opened.input.len {
            let found = format!(
                "it goes to byte {} and the file has {}",
                offset.saturating_add(len),
                self.opened.input.len
            );
            return Err(self.unlike(place, &found));
        }
        let read = self.opened.read(offset, len as usize, Hands::One);
        read.map_err(|source| self.opened.input.failed(source))
    }

    /// The schema, batches and dictionaries by the footer.
    fn footer(&self) -> Result<Found, ExportError> {
        const TAIL: u64 = 10;
        let place = "its footer";
        let len = self.opened.input.len;
        let end = len
            .checked_sub(TAIL)
            .ok_or_else(|| self.unlike(place, "the file ends before it"))?;
        let tail = self.bytes(end, TAIL, place)?;
        let tail: [u8; TAIL as usize] = tail.as_slice().try_into().expect("so many bytes");
        let footer_len =
            read_footer_length(tail).map_err(|source| self.broken(place.to_owned(), source))?;
        let start = end
            .checked_sub(footer_len as u64)
            .ok_or_else(|| self.unlike(place, "it is longer than the file"))?;
        let bytes = self.bytes(start, footer_len as u64, place)?;
        let footer =
            root_as_footer(&bytes).map_err(|source| self.unlike(place, &source.to_string()))?;
        let schema = footer
            .schema()
            .ok_or_else(|| self.unlike(place, "it has no schema"))?;
        let schema = self.schema(schema)?;
        let listed = footer.dictionaries().into_iter().flatten();
        let listed = listed.chain(footer.recordBatches().into_iter().flatten());
        let blocks = listed.map(|block| self.head(*block));
        Ok(Found {
            schema,
            version: footer.version(),
            blocks: blocks.collect::<Result<_, _>>()?,
        })
    }

    /// A message's kind, after a look at its head.
    fn head(&self, block: Block) -> Result<(Block, Kind), ExportError> {
        let place = "a record batch";
        let (offset, len) = (block.offset(), i64::from(block.metaDataLength()));
        let body = block.bodyLength();
        if offset < 0 || len < 8 || body < 0 {
            return Err(self.unlike(place, "its place in the file is negative"));
        }
        let end = (offset as u64 + len as u64).saturating_add(body as u64);
        if end > self.opened.input.len {
            let found = format!("it ends at byte {end}, beyond the end of the file");
            return Err(self.unlike(place, &found));
        }
        let bytes = self.bytes(offset as u64, len as u64, place)?;
        let prefix = if bytes[..4] == CONTINUATION { 8 } else { 4 };
        let message = root_as_message(&bytes[prefix..])
            .map_err(|source| self.unlike(place, &source.to_string()))?;
        let kind = self.kind(&message, body, place)?;
        let kind = kind.ok_or_else(|| self.unlike(place, "it holds something else"))?;
        Ok((block, kind))
    }

    /// What a message holds; `None` if it is no rows and no dictionary. Its buffers lie within it.
    fn kind(
        &self,
        message: &Message<'_>,
        body: i64,
        place: &str,
    ) -> Result<Option<Kind>, ExportError> {
        let (kind, rows) = match message.header_type() {
            MessageHeader::RecordBatch => {
                let rows = message.header_as_record_batch();
                let n = rows.map_or(0, |rows| rows.length());
                let n = u64::try_from(n)
                    .map_err(|_| self.unlike(place, "it has a negative number of rows"))?;
                (Kind::Rows { n }, rows)
            }
            MessageHeader::DictionaryBatch => {
                let dictionary = message.header_as_dictionary_batch();
                let dictionary =
                    dictionary.ok_or_else(|| self.unlike(place, "it holds nothing"))?;
                let (id, delta) = (dictionary.id(), dictionary.isDelta());
                (Kind::Dictionary { id, delta }, dictionary.data())
            }
            _ => return Ok(None),
        };
        let rows = rows.ok_or_else(|| self.unlike(place, "it holds nothing"))?;
        for buffer in rows.buffers().into_iter().flatten() {
            let end = buffer.offset().checked_add(buffer.length());
            let within = end.is_some_and(|end| end <= body);
            if buffer.offset() < 0 || buffer.length() < 0 || !within {
                return Err(self.unlike(place, "a column goes beyond its end"));
            }
        }
        Ok(Some(kind))
    }

    /// The schema, batches and dictionaries of a stream, by the heads of its messages.
    fn messages(&self) -> Result<Found, ExportError> {
        let len = self.opened.input.len;
        let mut offset = 0;
        let mut schema: Option<(Schema, MetadataVersion)> = None;
        let mut blocks = Vec::new();
        let mut n_rows = 0;
        while offset < len {
            let place = format!("the message after row {n_rows}");
            let prefix = self.bytes(offset, 8, &place)?;
            let word = |at: usize| <[u8; 4]>::try_from(&prefix[at..at + 4]).expect("four bytes");
            if word(0) != CONTINUATION {
                return Err(self.unlike(place, "it does not begin like a message"));
            }
            let size = i32::from_le_bytes(word(4));
            if size == 0 {
                break;
            }
            if !(0..LONGEST_METADATA).contains(&size) {
                return Err(self.unlike(place, "its head is impossibly long"));
            }
            let head_len = u64::from(size.unsigned_abs());
            let head = self.bytes(offset + 8, head_len, &place)?;
            let message = root_as_message(&head)
                .map_err(|source| self.unlike(&*place, &source.to_string()))?;
            let body = u64::try_from(message.bodyLength())
                .map_err(|_| self.unlike(&*place, "its length is negative"))?;
            let end = (offset + 8 + head_len).saturating_add(body);
            if end > len {
                let found = format!("it ends at byte {end}, beyond the end of the file");
                return Err(self.unlike(place, &found));
            }
            match (message.header_as_schema(), &schema) {
                (Some(read), None) => schema = Some((self.schema(read)?, message.version())),
                (Some(_), Some(_)) => return Err(self.unlike(place, "a second schema")),
                (None, None) => return Err(self.unlike(place, "no schema comes first")),
                (None, Some(_)) => {
                    let block = Block::new(offset.cast_signed(), size + 8, body.cast_signed());
                    if let Some(kind) = self.kind(&message, body.cast_signed(), &place)? {
                        if let Kind::Rows { n } = kind {
                            n_rows += n;
                        }
                        blocks.push((block, kind));
                    }
                }
            }
            offset = end;
        }
        let (schema, version) =
            schema.ok_or_else(|| self.unlike("its first message", "it has no schema"))?;
        Ok(Found {
            schema,
            version,
            blocks,
        })
    }

    fn schema(&self, schema: arrow::ipc::Schema<'_>) -> Result<Schema, ExportError> {
        if schema.endianness().equals_to_target_endianness() {
            guarded(|| fb_to_schema(schema)).map_err(|found| self.unlike("its schema", &found))
        } else {
            Err(self.unlike("its schema", "its numbers are big-endian"))
        }
    }

    /// A message with its body.
    fn block(
        &self,
        block: &Block,
        hands: Hands,
        place: impl Fn() -> String,
    ) -> Result<Buffer, ExportError> {
        let len = u64::from(block.metaDataLength().unsigned_abs())
            .saturating_add(block.bodyLength().unsigned_abs());
        let read = self
            .opened
            .read(block.offset().unsigned_abs(), len as usize, hands);
        read.map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => self.unlike(place(), "the file ends in it"),
            _ => self.opened.input.failed(source),
        })
    }
}
