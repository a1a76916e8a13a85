//! A log that is still written: what has been added since the last look, through rotation and
//! truncation.

use std::fs::File;
use std::io::{self, Read as _, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Follows one file.
///
/// Lines are handed on when they are whole. A file that was renamed is read to its end before the new
/// one of its name is begun; one that was cut short is read again from its beginning.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: Option<Opened>,
    /// The beginning of a line that is not whole yet.
    rest: Vec<u8>,
}

#[derive(Debug)]
struct Opened {
    file: File,
    at: u64,
    id: FileId,
}

/// What one look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Whole lines.
    pub bytes: Vec<u8>,
    /// Whether another file has taken the name.
    pub rotated: bool,
    /// Whether the file was cut short.
    pub truncated: bool,
}

/// Bytes that are read at one look, at most.
const MOST: u64 = 64 << 20;
/// The longest line that is waited for.
const LONGEST_LINE: usize = 64 << 20;

impl Follower {
    /// Follows a path; the file need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            rest: Vec::new(),
        }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what was added since the last look, up to 64 MiB of it.
    ///
    /// # Errors
    /// If the file is there and cannot be read, or a line is longer than 64 MiB.
    pub fn look(&mut self) -> io::Result<Read> {
        let mut found = Read::default();
        if self.file.is_none() {
            self.file = open(&self.path)?;
        }
        let Some(opened) = &mut self.file else {
            return Ok(found);
        };
        if opened.file.metadata()?.len() < opened.at {
            found.truncated = true;
            opened.at = 0;
            self.rest.clear();
        }
        opened.file.seek(SeekFrom::Start(opened.at))?;
        let mut bytes = std::mem::take(&mut self.rest);
        let n = (&mut opened.file).take(MOST).read_to_end(&mut bytes)? as u64;
        opened.at += n;
        // The old file is read to its end before the one that has its name now.
        let moved = n < MOST && self.is_elsewhere()?;
        if moved {
            found.rotated = true;
            self.file = None;
            if !bytes.is_empty() && !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
        }
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        self.rest = bytes.split_off(whole.map_or(0, |end| end + 1));
        if self.rest.len() > LONGEST_LINE {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("a line is longer than {LONGEST_LINE} bytes"),
            ));
        }
        found.bytes = bytes;
        Ok(found)
    }

    /// What was written of a line that was never ended, when nothing more will come.
    pub fn end(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }

    /// Whether the name belongs to another file now. A name without a file may get one yet.
    fn is_elsewhere(&self) -> io::Result<bool> {
        let Some(opened) = &self.file else {
            return Ok(false);
        };
        match std::fs::metadata(&self.path) {
            Ok(metadata) => Ok(FileId::of(&metadata) != opened.id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn open(path: &Path) -> io::Result<Option<Opened>> {
    match File::open(path) {
        Ok(file) => {
            let id = FileId::of(&file.metadata()?);
            Ok(Some(Opened { file, at: 0, id }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(metadata.dev(), metadata.ino())
    }

    /// Elsewhere a file is told by when it was made.
    #[cfg(not(unix))]
    fn of(metadata: &std::fs::Metadata) -> Self {
        let since = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).ok();
        let made = metadata.created().ok().and_then(since).unwrap_or_default();
        Self(made.as_secs(), u64::from(made.subsec_nanos()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn append(path: &Path, text: &str) {
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(path)
            .expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }

    #[track_caller]
    fn sees(follower: &mut Follower, text: &str) -> Read {
        let found = follower.look().expect("readable");
        assert_eq!(String::from_utf8_lossy(&found.bytes), text);
        found
    }

    #[test]
    fn lines_are_handed_on_once_and_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut follower = Follower::new(path.clone());
        sees(&mut follower, "");
        append(&path, "one\ntw");
        sees(&mut follower, "one\n");
        sees(&mut follower, "");
        append(&path, "o\nthree\n");
        sees(&mut follower, "two\nthree\n");
        append(&path, "open");
        sees(&mut follower, "");
        assert_eq!(follower.end(), b"open");
    }

    #[test]
    fn a_rotated_log_is_read_to_its_end_and_then_the_new_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut follower = Follower::new(path.clone());
        append(&path, "one\n");
        sees(&mut follower, "one\n");
        append(&path, "two\nunended");
        std::fs::rename(&path, folder.path().join("log.1")).expect("renamed");
        sees(&mut follower, "two\n");
        append(&path, "three\n");
        assert!(sees(&mut follower, "unended\n").rotated);
        sees(&mut follower, "three\n");
    }

    #[test]
    fn a_truncated_log_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut follower = Follower::new(path.clone());
        append(&path, "one\ntwo\nhalf");
        sees(&mut follower, "one\ntwo\n");
        std::fs::write(&path, "three\n").expect("written");
        assert!(sees(&mut follower, "three\n").truncated);
    }
}
