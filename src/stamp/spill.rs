//! Packed rows by part, in memory up to a limit and in one temporary file beyond it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::parity::stamp::PARTS;

/// Packed rows by part.
pub(super) struct Spill {
    parts: Vec<Mutex<Part>>,
    /// Bytes in memory.
    held: AtomicUsize,
    /// How many bytes may be.
    limit: usize,
    disk: Mutex<Disk>,
}

/// One part: what is in memory, and where the rest lies.
#[derive(Default)]
struct Part {
    pieces: Vec<Vec<u8>>,
    /// Offset and length of each run in the file.
    runs: Vec<(u64, usize)>,
}

struct Disk {
    file: Option<File>,
    end: u64,
}

impl Spill {
    /// Nothing yet; up to `limit` bytes stay in memory.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            held: AtomicUsize::new(0),
            limit,
            disk: Mutex::new(Disk { file: None, end: 0 }),
        }
    }

    /// Adds rows, one piece for each part. What goes beyond the limit is written to a temporary file in
    /// `folder`.
    pub(super) fn add(&self, pieces: Vec<Vec<u8>>, folder: &Path) -> io::Result<()> {
        let mut added = 0;
        for (part, piece) in self.parts.iter().zip(pieces) {
            if !piece.is_empty() {
                added += piece.capacity();
                locked(part).pieces.push(piece);
            }
        }
        if self.held.fetch_add(added, Ordering::Relaxed) + added > self.limit {
            self.empty(folder)?;
        }
        Ok(())
    }

    fn empty(&self, folder: &Path) -> io::Result<()> {
        let mut disk = locked(&self.disk);
        // Another thread may have done it while this one waited.
        if self.held.load(Ordering::Relaxed) <= self.limit {
            return Ok(());
        }
        let mut file = match disk.file.take() {
            Some(file) => file,
            None => tempfile::tempfile_in(folder)?,
        };
        for part in &self.parts {
            let pieces = std::mem::take(&mut locked(part).pieces);
            let length: usize = pieces.iter().map(Vec::len).sum();
            let run = pieces.concat();
            file.write_all(&run)?;
            locked(part).runs.push((disk.end, length));
            disk.end += length as u64;
            let freed: usize = pieces.iter().map(Vec::capacity).sum();
            self.held.fetch_sub(freed, Ordering::Relaxed);
        }
        disk.file = Some(file);
        Ok(())
    }

    /// All rows of a part, in no order, which are then no longer kept in memory.
    pub(super) fn take(&self, part: usize) -> io::Result<Vec<Vec<u8>>> {
        let Part { mut pieces, runs } = std::mem::take(&mut *locked(&self.parts[part]));
        for (offset, length) in runs {
            let mut run = vec![0; length];
            let mut disk = locked(&self.disk);
            let file = disk.file.as_mut().expect("runs lie in a file");
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(&mut run)?;
            pieces.push(run);
        }
        Ok(pieces)
    }

    /// Bytes that were written to a disk.
    pub(super) fn spilled(&self) -> u64 {
        locked(&self.disk).end
    }
}

/// A thread that panicked while it held a lock ends the program anyway.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_beyond_the_limit_comes_back_from_the_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let spill = Spill::new(3_000);
        let piece = |part: usize, round: u8| vec![round; part % 7];
        for round in 0..20 {
            let pieces = (0..PARTS).map(|part| piece(part, round)).collect();
            spill.add(pieces, folder.path()).expect("a disk");
        }
        assert!(spill.spilled() > 0);
        for part in 0..PARTS {
            let mut bytes = spill.take(part).expect("the file").concat();
            bytes.sort_unstable();
            let expected: Vec<u8> = (0..20).flat_map(|round| piece(part, round)).collect();
            assert_eq!(bytes, expected);
        }
    }
}
