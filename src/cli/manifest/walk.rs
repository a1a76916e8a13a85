//! The files of a folder, and their digests.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::file::ManifestError;
use crate::ids::Digest;
use crate::parity::{Blob, BlobDigest, Manifest};

/// What a folder holds.
pub(super) struct Found {
    /// Paths to open, with their names relative to the folder.
    pub(super) files: Vec<(PathBuf, String)>,
    /// Hidden files and folders that were left out.
    pub(super) skipped: u64,
}

/// Every file of a folder, in no particular order.
pub(super) fn files(folder: &Path, skip_hidden: bool) -> Result<Found, ManifestError> {
    let root = folder.canonicalize().map_err(reading(folder))?;
    let mut found = Found {
        files: Vec::new(),
        skipped: 0,
    };
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(reading(&folder))? {
            let entry = entry.map_err(reading(&folder))?;
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                return Err(ManifestError::Name { path });
            };
            if skip_hidden && name.starts_with('.') {
                found.skipped += 1;
                continue;
            }
            let kind = entry.file_type().map_err(reading(&path))?;
            let name = format!("{prefix}{name}");
            if kind.is_dir() {
                open.push((path, format!("{name}/")));
                continue;
            }
            if kind.is_symlink() {
                check_link(&path, &root)?;
            } else if !kind.is_file() {
                return Err(ManifestError::Special { path });
            }
            found.files.push((path, name));
        }
    }
    Ok(found)
}

/// A link must lead to a file in the folder.
fn check_link(path: &Path, root: &Path) -> Result<(), ManifestError> {
    let leads = |whither| {
        let path = path.to_owned();
        Err(ManifestError::Link { path, whither })
    };
    let target = match path.canonicalize() {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return leads("nowhere"),
        Err(error) => return Err(reading(path)(error)),
    };
    if !target.starts_with(root) {
        return leads("out of the folder");
    }
    let kind = fs::metadata(&target).map_err(reading(path))?;
    if kind.is_dir() {
        return leads("to a folder");
    }
    if !kind.is_file() {
        let path = path.to_owned();
        return Err(ManifestError::Special { path });
    }
    Ok(())
}

/// The manifest of these files: they are read side by side, each bit by bit.
pub(super) fn hashed(
    folder: &Path,
    files: Vec<(PathBuf, String)>,
) -> Result<Manifest, ManifestError> {
    let blobs: Result<Vec<Blob>, ManifestError> = files
        .into_par_iter()
        .map(|(path, name)| {
            let mut hasher = blake3::Hasher::new();
            File::open(&path)
                .and_then(|file| hasher.update_reader(file).map(|_| ()))
                .map_err(reading(&path))?;
            Ok(Blob {
                path: name,
                // What was read, and not what the folder says: the two differ if the file grows.
                size: Some(hasher.count()),
                digest: BlobDigest::blake3(Digest::from_bytes(*hasher.finalize().as_bytes())),
            })
        })
        .collect();
    Manifest::new(blobs?).map_err(|problem| ManifestError::Content {
        path: folder.to_owned(),
        problem,
    })
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> ManifestError {
    let path = path.to_owned();
    move |source| ManifestError::Read { path, source }
}
