//! Packed rows, in memory up to a limit and in one temporary file beyond it.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::parity::stamp::{PARTS, PackedRows};

/// Packed rows while they are collected.
pub(super) struct Spill {
    held: Mutex<Vec<PackedRows>>,
    /// Bytes in memory.
    bytes: AtomicUsize,
    /// How many bytes may be.
    limit: usize,
    disk: Mutex<Disk>,
}

/// What was written, part by part.
struct Disk {
    file: Option<File>,
    end: u64,
    /// Offset and length of each part's runs.
    runs: Vec<Vec<(u64, usize)>>,
}

impl Spill {
    /// Nothing yet; up to `limit` bytes stay in memory.
    pub(super) fn new(limit: usize) -> Self {
        let disk = Disk {
            file: None,
            end: 0,
            runs: vec![Vec::new(); PARTS],
        };
        Self {
            held: Mutex::default(),
            bytes: AtomicUsize::new(0),
            limit,
            disk: Mutex::new(disk),
        }
    }

    /// Adds rows. What goes beyond the limit is written to a temporary file in `folder`.
    pub(super) fn add(&self, rows: PackedRows, folder: &Path) -> io::Result<()> {
        let added = rows.held();
        locked(&self.held).push(rows);
        if self.bytes.fetch_add(added, Ordering::Relaxed) + added > self.limit {
            self.empty(folder)?;
        }
        Ok(())
    }

    fn empty(&self, folder: &Path) -> io::Result<()> {
        let mut disk = locked(&self.disk);
        // Another thread may have done it while this one waited.
        if self.bytes.load(Ordering::Relaxed) <= self.limit {
            return Ok(());
        }
        let held = std::mem::take(&mut *locked(&self.held));
        let file = match disk.file.take() {
            Some(file) => file,
            None => tempfile::tempfile_in(folder)?,
        };
        let mut to = BufWriter::with_capacity(1 << 20, file);
        for part in 0..PARTS {
            let mut length = 0;
            for rows in &held {
                length += rows.write_part(part, &mut to)?;
            }
            let start = disk.end;
            disk.runs[part].push((start, length));
            disk.end += length as u64;
        }
        disk.file = Some(to.into_inner().map_err(io::IntoInnerError::into_error)?);
        let freed: usize = held.iter().map(PackedRows::held).sum();
        self.bytes.fetch_sub(freed, Ordering::Relaxed);
        Ok(())
    }

    /// Bytes that were written to a disk.
    pub(super) fn spilled(&self) -> u64 {
        locked(&self.disk).end
    }

    /// No more rows come.
    pub(super) fn finish(self) -> Collected {
        let disk = self
            .disk
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Collected {
            held: self
                .held
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            file: disk.file.map(Mutex::new),
            runs: disk.runs,
        }
    }
}

/// All rows, to be read part by part.
pub(super) struct Collected {
    pub(super) held: Vec<PackedRows>,
    file: Option<Mutex<File>>,
    runs: Vec<Vec<(u64, usize)>>,
}

impl Collected {
    /// The runs of a part that lie on the disk.
    pub(super) fn runs(&self, part: usize) -> io::Result<Vec<Vec<u8>>> {
        let Some(file) = &self.file else {
            return Ok(Vec::new());
        };
        let read = |&(offset, length): &(u64, usize)| {
            let mut run = vec![0; length];
            let mut file = locked(file);
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(&mut run)?;
            Ok(run)
        };
        self.runs[part].iter().map(read).collect()
    }
}

/// A thread that panicked while it held a lock ends the program anyway.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
