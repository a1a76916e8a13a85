//! A file, or bytes in memory, read at any position by any thread.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::buffer::{Buffer, MutableBuffer};
use rayon::prelude::*;

use super::ExportError;
use crate::lines::Packing;

/// A file, or bytes in memory. A file is opened anew for each piece of work, so that an export may
/// have more files than a process may hold open.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) path: Arc<PathBuf>,
    pub(super) len: u64,
    memory: Option<Buffer>,
}

impl Input {
    /// A file.
    pub(super) fn file(path: PathBuf) -> Result<Self, ExportError> {
        let len = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(source) => return Err(ExportError::Read { path, source }),
        };
        Ok(Self {
            path: Arc::new(path),
            len,
            memory: None,
        })
    }

    /// Bytes in memory, with a name for messages.
    pub(super) fn memory(name: &str, bytes: Buffer) -> Self {
        Self {
            path: Arc::new(PathBuf::from(name)),
            len: bytes.len() as u64,
            memory: Some(bytes),
        }
    }

    /// The file's own name, without folders.
    pub(super) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Opens it, and makes sure that it still has the length that it had.
    pub(super) fn open(&self) -> Result<Opened, ExportError> {
        let bytes = match &self.memory {
            Some(buffer) => Bytes::Memory(buffer.clone()),
            None => Bytes::File(self.plain()?),
        };
        let input = self.clone();
        Ok(Opened { input, bytes })
    }

    /// The file, to be read from its start.
    ///
    /// # Panics
    /// If it is not a file: only Arrow IPC is read from memory.
    fn plain(&self) -> Result<File, ExportError> {
        assert!(self.memory.is_none(), "a file on disk");
        let file = File::open(&*self.path).map_err(|source| self.failed(source))?;
        let is = file.metadata().map_err(|source| self.failed(source))?.len();
        if is == self.len {
            Ok(file)
        } else {
            Err(ExportError::Changed {
                path: self.path.to_path_buf(),
                was: self.len,
                is,
            })
        }
    }

    /// The file's bytes, unpacked.
    pub(super) fn unpacked(&self, packing: Packing) -> Result<Box<dyn Read + Send>, ExportError> {
        let file = self.plain()?;
        packing.unpack(file).map_err(|source| self.failed(source))
    }

    pub(super) fn failed(&self, source: io::Error) -> ExportError {
        let path = self.path.to_path_buf();
        ExportError::Read { path, source }
    }
}

/// An opened [`Input`].
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) input: Input,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    File(File),
    Memory(Buffer),
}

/// Who works on a piece of an export: the thread that took it, or all threads together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hands {
    One,
    All,
}

/// What one call asks of the disk at most, when several threads read one range.
const STRIDE: usize = 16 << 20;

impl Opened {
    /// Bytes of a range, from memory without a copy.
    pub(super) fn read(&self, offset: u64, len: usize, hands: Hands) -> io::Result<Buffer> {
        self.check(offset, len)?;
        match &self.bytes {
            Bytes::Memory(buffer) => Ok(buffer.slice_with_length(offset as usize, len)),
            Bytes::File(file) => {
                let mut buffer = MutableBuffer::from_len_zeroed(len);
                match hands {
                    Hands::One => read_exact_at(file, buffer.as_slice_mut(), offset)?,
                    Hands::All => {
                        let strides = buffer.as_slice_mut().par_chunks_mut(STRIDE).enumerate();
                        strides.try_for_each(|(index, stride)| {
                            read_exact_at(file, stride, offset + (index * STRIDE) as u64)
                        })?;
                    }
                }
                Ok(buffer.into())
            }
        }
    }

    /// The same into one's own memory.
    pub(super) fn read_into(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.check(offset, into.len())?;
        match &self.bytes {
            Bytes::Memory(buffer) => {
                let start = offset as usize;
                into.copy_from_slice(&buffer[start..start + into.len()]);
                Ok(())
            }
            Bytes::File(file) => read_exact_at(file, into, offset),
        }
    }

    fn check(&self, offset: u64, len: usize) -> io::Result<()> {
        let end = offset.checked_add(len as u64);
        if end.is_some_and(|end| end <= self.input.len) {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    file.read_exact_at(into, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut into: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !into.is_empty() {
        match file.seek_read(into, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                into = &mut into[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}
