//! `ragstone manifest`.

mod file;
mod walk;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::output::{Output, remark};
use crate::cli::{ExitStatus, Failure};
use crate::files::write_whole;
use crate::ids::Digest;
use crate::parity::{BlobPair, Manifest, ManifestDiff, ManifestStatus};
use crate::report::plain;

pub use file::{ManifestError, ManifestFile};

/// Differences of one kind that are shown to people.
const SHOWN: usize = 20;

/// Lists the files of a folder with their BLAKE3 digests, or compares two such lists.
///
/// A is a folder or a manifest: JSON of this command, or lines of sha256sum, b3sum and their kin. With
/// B, the two are compared: exit code 0 if they are equal, 1 if a file is missing, extra or different, 3
/// if digests of different algorithms leave it open. The digest of a manifest is what a contract states as
/// `BLOB_MANIFEST`, for MR-BLOB.
///
/// Every file counts, hidden ones too. A symbolic link counts as the file that it leads to, which must be
/// in the folder; a link that leads elsewhere, to a folder or nowhere is refused.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A folder, or a manifest.
    #[arg(value_name = "A")]
    a: PathBuf,
    /// A second one, to compare with.
    #[arg(value_name = "B", conflicts_with = "out")]
    b: Option<PathBuf>,
    /// Write the manifest of A here, as JSON. The file must not exist, nor lie in the folder.
    #[arg(long, value_name = "FILE.json")]
    out: Option<PathBuf>,
    /// Leave out what has a name that begins with a dot.
    #[arg(long)]
    skip_hidden: bool,
    /// What made the digests of lines that do not say it: sha256, blake3, … Without it the file's name
    /// tells, or the length.
    #[arg(long, value_name = "NAME")]
    algorithm: Option<String>,
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    if let Some(out) = &args.out {
        refuse_place(out, &args.a)?;
    }
    let a = manifest(&args.a, args)?;
    match &args.b {
        Some(b) => compare(&a, &manifest(b, args)?, output),
        None => show(a, args, output),
    }
}

/// The manifest of a folder, or the one that a file holds.
fn manifest(path: &Path, args: &Args) -> Result<Manifest, Failure> {
    if !path.is_dir() {
        return Ok(file::read(path, args.algorithm.as_deref())?);
    }
    let found = walk::files(path, args.skip_hidden)?;
    if found.skipped > 0 {
        let path = plain(&path.display().to_string());
        remark(&format!("{path}: {} hidden left out", found.skipped));
    }
    Ok(walk::hashed(path, found.files)?)
}

/// A manifest would describe itself if it lay in its folder, and nothing is overwritten.
fn refuse_place(out: &Path, folder: &Path) -> Result<(), Failure> {
    if out.exists() {
        return Err(Failure::Exists {
            path: out.to_owned(),
        });
    }
    let parent = out
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if let (Ok(parent), Ok(folder)) = (parent.canonicalize(), folder.canonicalize())
        && parent.starts_with(folder)
    {
        let path = out.to_owned();
        return Err(ManifestError::Inside { path }.into());
    }
    Ok(())
}

fn show(manifest: Manifest, args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let file = ManifestFile::of(&manifest);
    if let Some(out) = &args.out {
        let mut json = serde_json::to_vec_pretty(&file).map_err(io::Error::from)?;
        json.push(b'\n');
        write_whole(out, &json).map_err(|source| ManifestError::Write {
            path: out.clone(),
            source,
        })?;
    }
    output.result(&file, |text| {
        let bytes = match file.bytes {
            Some(bytes) => format!("{bytes} bytes"),
            None => "sizes not stated".to_owned(),
        };
        writeln!(text, "BLOB_MANIFEST {}", file.blob_manifest)?;
        writeln!(text, "files         {}, {bytes}", file.files)
    })?;
    Ok(ExitStatus::Success)
}

/// Two manifests beside each other, for machines.
#[derive(Serialize)]
struct Comparison<'a> {
    status: ManifestStatus,
    a_blob_manifest: Digest,
    b_blob_manifest: Digest,
    #[serde(flatten)]
    diff: &'a ManifestDiff,
}

fn compare(a: &Manifest, b: &Manifest, output: Output) -> Result<ExitStatus, Failure> {
    let diff = ManifestDiff::of(a, b);
    let comparison = Comparison {
        status: diff.status(),
        a_blob_manifest: a.digest(),
        b_blob_manifest: b.digest(),
        diff: &diff,
    };
    output.result(&comparison, |text| written(&comparison, text))?;
    Ok(match comparison.status {
        ManifestStatus::Equal => ExitStatus::Success,
        ManifestStatus::Differs => ExitStatus::Fail,
        ManifestStatus::NotComparable => ExitStatus::Inconclusive,
    })
}

fn written(comparison: &Comparison<'_>, text: &mut dyn Write) -> io::Result<()> {
    let diff = comparison.diff;
    let words = match comparison.status {
        ManifestStatus::Equal => "EQUAL",
        ManifestStatus::Differs => "DIFFERENT",
        ManifestStatus::NotComparable => "NOT COMPARABLE",
    };
    writeln!(text, "{words}: {} files are equal", diff.equal)?;
    writeln!(text, "A {}", comparison.a_blob_manifest)?;
    writeln!(text, "B {}", comparison.b_blob_manifest)?;
    let paths = |list: &[String]| list.iter().map(|path| plain(path)).collect::<Vec<_>>();
    let pairs = |list: &[BlobPair]| list.iter().map(pair).collect::<Vec<_>>();
    list(text, "missing in B", &paths(&diff.missing))?;
    list(text, "extra in B", &paths(&diff.extra))?;
    list(text, "size differs", &pairs(&diff.size_differs))?;
    list(text, "digest differs", &pairs(&diff.digest_differs))?;
    let heading = "digests of different algorithms, not comparable";
    list(text, heading, &pairs(&diff.not_comparable))
}

fn pair(pair: &BlobPair) -> String {
    let path = plain(&pair.path);
    match (pair.a_size, pair.b_size) {
        (Some(a), Some(b)) if a != b => format!("{path}: {a} and {b} bytes"),
        _ if pair.a_digest.algorithm() != pair.b_digest.algorithm() => {
            let (a, b) = (pair.a_digest.algorithm(), pair.b_digest.algorithm());
            format!("{path}: {a} and {b}")
        }
        _ => path,
    }
}

fn list(text: &mut dyn Write, heading: &str, lines: &[String]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(text, "{heading}: {}", lines.len())?;
    for line in lines.iter().take(SHOWN) {
        writeln!(text, "  {line}")?;
    }
    match lines.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(text, "  and {more} more; --format json has them all"),
    }
}
