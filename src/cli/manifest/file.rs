//! Manifests in files.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::Digest;
use crate::parity::{Blob, Manifest, ManifestProblem};

/// Of what this program writes.
const FORMAT: u32 = 1;

/// What a file name says of the digests in it, the more telling first.
const BY_NAME: [(&str, &str); 8] = [
    ("blake3", "blake3"),
    ("b3sum", "blake3"),
    ("sha512", "sha512"),
    ("sha256", "sha256"),
    ("sha1", "sha1"),
    ("blake2", "blake2b"),
    ("md5", "md5"),
    (".b3", "blake3"),
];

/// Why there is no manifest.
#[derive(Debug, Error, Diagnostic)]
pub enum ManifestError {
    /// A file or folder cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(
        code(manifest::read),
        help("a manifest leaves nothing out: make it readable, or take it away")
    )]
    Read {
        /// Which.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The manifest cannot be written.
    #[error("{}: cannot be written", path.display())]
    #[diagnostic(code(manifest::write), help("name another place with --out"))]
    Write {
        /// Where.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A name is no text.
    #[error("{}: the name is no UTF-8", path.display())]
    #[diagnostic(
        code(manifest::name),
        help("a manifest holds names as text: rename it")
    )]
    Name {
        /// Which, with what can be shown.
        path: PathBuf,
    },
    /// A symbolic link leads to nothing that can be listed.
    #[error("{}: the link leads {whither}", path.display())]
    #[diagnostic(
        code(manifest::link),
        help("a link must lead to a file in the folder; name the folder that holds both")
    )]
    Link {
        /// Which.
        path: PathBuf,
        /// `out of the folder`, `to a folder` or `nowhere`.
        whither: &'static str,
    },
    /// Neither a file nor a folder.
    #[error("{}: is neither a file nor a folder", path.display())]
    #[diagnostic(
        code(manifest::special),
        help("sockets, pipes and devices have no digest")
    )]
    Special {
        /// Which.
        path: PathBuf,
    },
    /// The manifest would lie in the folder that it describes.
    #[error("{}: the manifest would lie in the folder that it describes", path.display())]
    #[diagnostic(
        code(manifest::inside),
        help("name a place outside of the folder with --out")
    )]
    Inside {
        /// Where.
        path: PathBuf,
    },
    /// A file is no manifest.
    #[error("{}: {problem}", path.display())]
    #[diagnostic(
        code(manifest::content),
        help(
            "expected lines `HEX  path`, or JSON of `ragstone manifest`; --algorithm says what made digests whose length does not tell"
        )
    )]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: ManifestProblem,
    },
    /// A file is no JSON of this command.
    #[error("{}: is no manifest of this program", path.display())]
    #[diagnostic(
        code(manifest::json),
        help("`ragstone schema manifest` says what was expected")
    )]
    Json {
        /// Which file.
        path: PathBuf,
        /// The reason, with line and column.
        source: serde_json::Error,
    },
    /// A manifest of a later version.
    #[error("{}: format {found} was not known when this program was made", path.display())]
    #[diagnostic(
        code(manifest::format),
        help("this one reads format 1: use a newer program")
    )]
    Format {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// What a manifest says of itself is not what its files come to.
    #[error("{}: its files come to {computed}, and it states {stated}", path.display())]
    #[diagnostic(
        code(manifest::changed),
        help("the manifest was changed after it was made: make it again")
    )]
    Changed {
        /// Which file.
        path: PathBuf,
        /// What it states.
        stated: Digest,
        /// What was computed.
        computed: Digest,
    },
}

/// A manifest as JSON.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Version of this layout: 1.
    pub format: u32,
    /// The digest of the manifest: the contract field `BLOB_MANIFEST`.
    pub blob_manifest: Digest,
    /// How many files there are.
    pub files: u64,
    /// Their size in all, if every size is known.
    pub bytes: Option<u64>,
    /// The files, sorted by path.
    pub blobs: Vec<Blob>,
}

impl ManifestFile {
    /// A manifest with what it comes to.
    pub fn of(manifest: &Manifest) -> Self {
        let blobs = manifest.blobs();
        Self {
            format: FORMAT,
            blob_manifest: manifest.digest(),
            files: blobs.len() as u64,
            bytes: blobs.iter().map(|blob| blob.size).sum(),
            blobs: blobs.to_vec(),
        }
    }
}

/// Reads a manifest: JSON if it begins with a brace, lines otherwise.
pub(super) fn read(path: &Path, algorithm: Option<&str>) -> Result<Manifest, ManifestError> {
    let text = std::fs::read_to_string(path).map_err(|source| ManifestError::Read {
        path: path.to_owned(),
        source,
    })?;
    let wrong = |problem| ManifestError::Content {
        path: path.to_owned(),
        problem,
    };
    if !text.trim_start().starts_with('{') {
        let algorithm = algorithm.or_else(|| algorithm_of(path));
        return Manifest::from_lines(&text, algorithm).map_err(wrong);
    }
    let file: ManifestFile = serde_json::from_str(&text).map_err(|source| ManifestError::Json {
        path: path.to_owned(),
        source,
    })?;
    if file.format != FORMAT {
        return Err(ManifestError::Format {
            path: path.to_owned(),
            found: file.format,
        });
    }
    let manifest = Manifest::new(file.blobs).map_err(wrong)?;
    let computed = manifest.digest();
    if computed != file.blob_manifest {
        return Err(ManifestError::Changed {
            path: path.to_owned(),
            stated: file.blob_manifest,
            computed,
        });
    }
    Ok(manifest)
}

/// What the file's name says of its digests: `SHA256SUMS`, `files.b3`.
fn algorithm_of(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let known = BY_NAME.iter().find(|(part, _)| name.contains(part));
    known.map(|(_, algorithm)| *algorithm)
}
