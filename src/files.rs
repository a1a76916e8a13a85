//! Files that appear whole or not at all.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Writes a file under a temporary name beside it, flushes it to the disk and renames it into
/// place, so that no reader and no crash ever sees half of it.
///
/// # Errors
/// If the folder does not exist or cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes)?;
    file.persist()
}

/// The same without waiting for the disk: for what can be had again, and says itself whether it is whole.
///
/// # Errors
/// As [`write_whole`].
pub fn write_lightly(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes)?;
    file.into_file()?.persist(path)?;
    Ok(())
}

/// A file that is written bit by bit under a temporary name, and gone if it is not finished.
pub struct WholeFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl WholeFile {
    /// Begins a file.
    ///
    /// # Errors
    /// If the folder does not exist or cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".ragstone-")
            .permissions(readable())
            .tempfile_in(folder)?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
        })
    }

    /// Flushes it to the disk and renames it into place.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn persist(self) -> io::Result<()> {
        let path = self.path.clone();
        let file = self.into_file()?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    }

    fn into_file(self) -> io::Result<NamedTempFile> {
        self.file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What a file made by `File::create` would get: temporary files are private by default, and
/// reports are read by others.
#[cfg(unix)]
fn readable() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o666)
}

#[cfg(not(unix))]
fn readable() -> std::fs::Permissions {
    std::fs::metadata(".")
        .expect("the current folder exists")
        .permissions()
}
