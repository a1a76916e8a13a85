//! Files that appear whole or not at all.

use std::io::{self, Write};
use std::path::Path;

/// Writes a file under a temporary name beside it, flushes it to the disk and renames it into
/// place, so that no reader and no crash ever sees half of it.
///
/// # Errors
/// If the folder does not exist or cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = beside(path, bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The same without waiting for the disk: for what can be had again, and says itself whether it is whole.
///
/// # Errors
/// As [`write_whole`].
pub fn write_lightly(path: &Path, bytes: &[u8]) -> io::Result<()> {
    beside(path, bytes)?.persist(path)?;
    Ok(())
}

/// The bytes under a temporary name in the same folder.
fn beside(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".ragstone-")
        .permissions(readable())
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    Ok(file)
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
