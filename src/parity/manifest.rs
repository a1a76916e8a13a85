//! Blob manifests: which files a side has, how long they are and what their digests are.
//!
//! `BLOB_MANIFEST` is the digest of a manifest. Manifests come from elsewhere too, so an entry may lack
//! a size, and its digest may be of any named algorithm: two digests of different algorithms are not
//! comparable, which never reads as equal.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Digest;

const DOMAIN: &str = "ragstone 2026 blob manifest v1";

/// What an algorithm is called whose digest has a length that no other common one has.
const BY_LENGTH: [(usize, &str); 5] = [
    (8, "crc32"),
    (32, "md5"),
    (40, "sha1"),
    (56, "sha224"),
    (96, "sha384"),
];

/// A digest and what made it.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields, try_from = "WrittenDigest")]
pub struct BlobDigest {
    /// Small letters and digits: `blake3`, `sha256`.
    #[schemars(regex(pattern = "^[a-z0-9]+$"))]
    algorithm: String,
    /// Small hexadecimal digits, two for each byte.
    #[schemars(regex(pattern = "^([0-9a-f]{2})+$"))]
    hex: String,
}

/// As a file has it, not yet checked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenDigest {
    algorithm: String,
    hex: String,
}

impl TryFrom<WrittenDigest> for BlobDigest {
    type Error = ManifestProblem;

    fn try_from(written: WrittenDigest) -> Result<Self, ManifestProblem> {
        Self::new(&written.algorithm, &written.hex)
    }
}

impl BlobDigest {
    /// A digest by the name of its algorithm, in which capitals and hyphens mean nothing (`SHA-256` is
    /// `sha256`), and its bytes in hexadecimal.
    ///
    /// # Errors
    /// If either is not written so.
    pub fn new(algorithm: &str, hex: &str) -> Result<Self, ManifestProblem> {
        let name = algorithm.replace(['-', '_'], "").to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ManifestProblem::Algorithm(algorithm.to_owned()));
        }
        let even = !hex.is_empty() && hex.len().is_multiple_of(2);
        if !even || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ManifestProblem::NotHex(hex.to_owned()));
        }
        Ok(Self {
            algorithm: name,
            hex: hex.to_ascii_lowercase(),
        })
    }

    /// The BLAKE3 digest of a file.
    pub fn blake3(digest: Digest) -> Self {
        let text = digest.to_string();
        Self {
            algorithm: "blake3".to_owned(),
            hex: text.trim_start_matches("b3:").to_owned(),
        }
    }

    /// What made it, as `sha256`.
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// Its bytes, as small hexadecimal digits.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

/// `sha256:9f86…`.
impl fmt::Display for BlobDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex)
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// Relative to the folder, with `/`.
    pub path: String,
    /// Bytes, where the manifest says so.
    pub size: Option<u64>,
    /// Of its bytes.
    pub digest: BlobDigest,
}

/// Why something is no manifest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ManifestProblem {
    /// A path stands in it twice.
    #[error("`{0}` stands in it twice")]
    Twice(String),
    /// A name of an algorithm is none.
    #[error("`{0}` is no name of an algorithm: letters and digits were expected")]
    Algorithm(String),
    /// A digest is no digest.
    #[error("`{0}` is no digest: two hexadecimal digits for each byte were expected")]
    NotHex(String),
    /// A line has not the form `HEX  path`.
    #[error("line {line}: `HEX  path` was expected, as sha256sum and b3sum print it")]
    Line {
        /// Which, from 1.
        line: u64,
    },
    /// A line is wrong in itself.
    #[error("line {line}: {problem}")]
    At {
        /// Which, from 1.
        line: u64,
        /// What is wrong.
        problem: Box<Self>,
    },
    /// Several algorithms have digests of this length.
    #[error("line {line}: digests of {digits} hexadecimal digits are made by several algorithms")]
    Ambiguous {
        /// Which, from 1.
        line: u64,
        /// How long the digest is.
        digits: usize,
    },
}

/// The files of a folder, sorted by path; none stands in it twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    blobs: Vec<Blob>,
}

impl Manifest {
    /// Of these files, in any order. A leading `./` of a path is left out.
    ///
    /// # Errors
    /// If a path stands in it twice.
    pub fn new(mut blobs: Vec<Blob>) -> Result<Self, ManifestProblem> {
        for blob in &mut blobs {
            while let Some(rest) = blob.path.strip_prefix("./") {
                blob.path = rest.to_owned();
            }
        }
        blobs.sort_by(|a, b| a.path.cmp(&b.path));
        match blobs.windows(2).find(|pair| pair[0].path == pair[1].path) {
            Some(pair) => Err(ManifestProblem::Twice(pair[0].path.clone())),
            None => Ok(Self { blobs }),
        }
    }

    /// Reads lines as `sha256sum`, `b3sum` and their kin print them: `HEX  path`, `HEX *path`, or
    /// `NAME (path) = HEX`; a line that begins with `\` has `\n` and `\\` in its path escaped. Empty
    /// lines and lines that begin with `#` say nothing. `algorithm` is what made the digests of lines
    /// that do not name it; without it only a length that one common algorithm has tells.
    ///
    /// # Errors
    /// With the first line that is not so.
    ///
    /// ```
    /// use ragstone::parity::Manifest;
    /// let text = "900150983cd24fb0d6963f7d28e17f72  docs/a.txt\n";
    /// let manifest = Manifest::from_lines(text, None)?;
    /// assert_eq!(manifest.blobs()[0].digest.to_string(), "md5:900150983cd24fb0d6963f7d28e17f72");
    /// # Ok::<(), ragstone::parity::ManifestProblem>(())
    /// ```
    pub fn from_lines(text: &str, algorithm: Option<&str>) -> Result<Self, ManifestProblem> {
        let written = (1..).zip(text.lines()).filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        });
        let blobs = written.map(|(line, words)| blob_of_line(line, words, algorithm));
        Self::new(blobs.collect::<Result<_, _>>()?)
    }

    /// The files, sorted by path.
    pub fn blobs(&self) -> &[Blob] {
        &self.blobs
    }

    /// `BLOB_MANIFEST`: `Digest::derive` over every file by path, each as path, name of the algorithm and
    /// hexadecimal digest, and each of these as its length in bytes (u64, little-endian) and its UTF-8.
    ///
    /// Sizes are no part of it: a digest settles the size, and a manifest that lacks sizes has the same
    /// `BLOB_MANIFEST` as one that has them.
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        for blob in &self.blobs {
            for part in [&blob.path, &blob.digest.algorithm, &blob.digest.hex] {
                bytes.extend((part.len() as u64).to_le_bytes());
                bytes.extend(part.as_bytes());
            }
        }
        Digest::derive(DOMAIN, bytes)
    }
}

fn blob_of_line(line: u64, words: &str, algorithm: Option<&str>) -> Result<Blob, ManifestProblem> {
    let (name, hex, path) = parts_of_line(words).ok_or(ManifestProblem::Line { line })?;
    let at = |problem| ManifestProblem::At {
        line,
        problem: Box::new(problem),
    };
    let known = BY_LENGTH.iter().find(|(digits, _)| *digits == hex.len());
    let Some(name) = name.or(algorithm).or(known.map(|(_, name)| *name)) else {
        // What is no digest at all is said first.
        BlobDigest::new("any", hex).map_err(at)?;
        let digits = hex.len();
        return Err(ManifestProblem::Ambiguous { line, digits });
    };
    Ok(Blob {
        path,
        size: None,
        digest: BlobDigest::new(name, hex).map_err(at)?,
    })
}

/// The name of the algorithm, the digest, and the path.
fn parts_of_line(words: &str) -> Option<(Option<&str>, &str, String)> {
    let (escaped, words) = match words.strip_prefix('\\') {
        Some(rest) => (true, rest),
        None => (false, words),
    };
    let tagged = words.split_once(" (").and_then(|(name, rest)| {
        let (path, hex) = rest.rsplit_once(") = ")?;
        (!name.contains(' ')).then_some((Some(name), hex.trim_end(), path))
    });
    let (name, hex, path) = if let Some(parts) = tagged {
        parts
    } else {
        let (hex, rest) = words.split_once(' ')?;
        (None, hex, rest.strip_prefix([' ', '*']).unwrap_or(rest))
    };
    let path = if escaped {
        unescaped(path)
    } else {
        path.to_owned()
    };
    (!path.is_empty()).then_some((name, hex, path))
}

fn unescaped(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match (character, characters.clone().next()) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some('r')) => plain.push('\r'),
            ('\\', Some('\\')) => plain.push('\\'),
            _ => {
                plain.push(character);
                continue;
            }
        }
        characters.next();
    }
    plain
}

/// What two manifests come to beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ManifestStatus {
    /// Every file is on both sides, under equal digests.
    Equal,
    /// A file is missing, extra or different.
    Differs,
    /// No difference was seen, and not everything could be compared, or there was nothing to compare.
    NotComparable,
}

/// A file that both manifests have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlobPair {
    /// Where it is.
    pub path: String,
    /// Its size in the first.
    pub a_size: Option<u64>,
    /// Its size in the second.
    pub b_size: Option<u64>,
    /// Its digest in the first.
    pub a_digest: BlobDigest,
    /// Its digest in the second.
    pub b_digest: BlobDigest,
}

/// Where two manifests differ; every list is sorted by path, and no file is in two of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestDiff {
    /// Files that are equal on both sides.
    pub equal: u64,
    /// Files that the second lacks.
    pub missing: Vec<String>,
    /// Files that only the second has.
    pub extra: Vec<String>,
    /// Files of different sizes, whatever their digests.
    pub size_differs: Vec<BlobPair>,
    /// Files of different digests by the same algorithm.
    pub digest_differs: Vec<BlobPair>,
    /// Files whose digests are of different algorithms, which says nothing.
    pub not_comparable: Vec<BlobPair>,
}

impl ManifestDiff {
    /// Puts a second manifest beside a first.
    pub fn of(a: &Manifest, b: &Manifest) -> Self {
        let mut diff = Self::default();
        let mut others: BTreeMap<&str, &Blob> = b
            .blobs
            .iter()
            .map(|blob| (blob.path.as_str(), blob))
            .collect();
        for blob in &a.blobs {
            match others.remove(blob.path.as_str()) {
                None => diff.missing.push(blob.path.clone()),
                Some(other) => diff.add(blob, other),
            }
        }
        diff.extra = others.into_keys().map(str::to_owned).collect();
        diff
    }

    fn add(&mut self, a: &Blob, b: &Blob) {
        let sizes_differ = matches!((a.size, b.size), (Some(a), Some(b)) if a != b);
        let list = if sizes_differ {
            &mut self.size_differs
        } else if a.digest.algorithm != b.digest.algorithm {
            &mut self.not_comparable
        } else if a.digest.hex != b.digest.hex {
            &mut self.digest_differs
        } else {
            self.equal += 1;
            return;
        };
        list.push(BlobPair {
            path: a.path.clone(),
            a_size: a.size,
            b_size: b.size,
            a_digest: a.digest.clone(),
            b_digest: b.digest.clone(),
        });
    }

    /// What it comes to.
    pub fn status(&self) -> ManifestStatus {
        let differs = [&self.missing, &self.extra]
            .iter()
            .any(|list| !list.is_empty())
            || [&self.size_differs, &self.digest_differs]
                .iter()
                .any(|list| !list.is_empty());
        if differs {
            ManifestStatus::Differs
        } else if self.equal == 0 || !self.not_comparable.is_empty() {
            ManifestStatus::NotComparable
        } else {
            ManifestStatus::Equal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(path: &str, text: &str) -> Blob {
        Blob {
            path: path.to_owned(),
            size: Some(text.len() as u64),
            digest: BlobDigest::blake3(Digest::of(text)),
        }
    }

    fn manifest(blobs: &[(&str, &str)]) -> Manifest {
        let blobs = blobs.iter().map(|(path, text)| blob(path, text)).collect();
        Manifest::new(blobs).expect("each once")
    }

    #[test]
    fn the_digest_of_a_known_manifest_never_changes() {
        // Our own test vector, computed a second time in Python with the `blake3` package.
        let one = manifest(&[("a.txt", "one"), ("b/c.txt", "two")]);
        assert_eq!(
            one.digest().to_string(),
            "b3:473fb3200d0ff064f6b3f07ebbd3e5261c7f5f1bc9441f13aa453784b7ea3767"
        );
        let turned = manifest(&[("./b/c.txt", "two"), ("a.txt", "one")]);
        assert_eq!(turned.digest(), one.digest());
        let mut unsized_blobs = one.blobs().to_vec();
        for blob in &mut unsized_blobs {
            blob.size = None;
        }
        let without_sizes = Manifest::new(unsized_blobs).expect("each once");
        assert_eq!(without_sizes.digest(), one.digest());
    }

    #[test]
    fn no_part_can_pass_for_another() {
        let digests = [
            manifest(&[("a.txt", "one"), ("b/c.txt", "two")]),
            manifest(&[("a.txt", "two"), ("b/c.txt", "one")]),
            manifest(&[("a.txt", "one")]),
            manifest(&[("A.txt", "one")]),
            Manifest::default(),
        ]
        .map(|manifest| manifest.digest());
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
    }

    #[test]
    fn every_kind_of_difference_has_its_list() {
        let a = manifest(&[
            ("same", "s"),
            ("gone", "g"),
            ("longer", "l"),
            ("changed", "c"),
        ]);
        let b = manifest(&[
            ("same", "s"),
            ("new", "n"),
            ("longer", "ll"),
            ("changed", "d"),
        ]);
        let diff = ManifestDiff::of(&a, &b);
        assert_eq!(diff.equal, 1);
        assert_eq!(diff.missing, ["gone"]);
        assert_eq!(diff.extra, ["new"]);
        assert_eq!(diff.size_differs[0].path, "longer");
        assert_eq!(diff.digest_differs[0].path, "changed");
        assert!(diff.not_comparable.is_empty());
        assert_eq!(diff.status(), ManifestStatus::Differs);
    }

    #[test]
    fn different_algorithms_never_read_as_equal() {
        let digits = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let lines = format!("{digits}  a\n");
        let sha = Manifest::from_lines(&lines, Some("SHA-256")).expect("lines");
        let b3 = Manifest::from_lines(&lines, Some("blake3")).expect("lines");
        let status = |a, b| ManifestDiff::of(a, b).status();
        assert_eq!(status(&sha, &b3), ManifestStatus::NotComparable);
        assert_eq!(status(&sha, &sha), ManifestStatus::Equal);
        let nothing = Manifest::default();
        assert_eq!(status(&nothing, &nothing), ManifestStatus::NotComparable);
        assert_eq!(status(&sha, &nothing), ManifestStatus::Differs);
        assert_ne!(sha.digest(), b3.digest());
    }

    #[test]
    fn lines_are_read_as_the_programs_write_them() {
        let md5 = "900150983cd24fb0d6963f7d28e17f72";
        let text = format!(
            "# made elsewhere\n\n{md5}  ./one two\n{} *three\nMD5 (four (4)) = {md5}\n\\{md5}  fi\\nve\\\\\n",
            md5.to_uppercase()
        );
        let manifest = Manifest::from_lines(&text, None).expect("lines");
        let paths: Vec<&str> = manifest
            .blobs()
            .iter()
            .map(|blob| blob.path.as_str())
            .collect();
        assert_eq!(paths, ["fi\nve\\", "four (4)", "one two", "three"]);
        for blob in manifest.blobs() {
            assert_eq!(blob.digest.to_string(), format!("md5:{md5}"));
        }
    }

    #[test]
    fn what_is_no_manifest_says_where() {
        let says = |text: &str, words: &str| {
            let problem = Manifest::from_lines(text, None)
                .expect_err(text)
                .to_string();
            assert!(problem.contains(words), "{problem}");
        };
        let sha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        says("\nnonsense", "line 2: `HEX  path` was expected");
        says("nonsense here", "line 1: `nonsense` is no digest");
        says(&format!("{sha}  a"), "line 1: digests of 64");
        says(
            "900150983cd24fb0d6963f7d28e17f72  a\n900150983cd24fb0d6963f7d28e17f72  ./a",
            "`a` stands in it twice",
        );
        let json = r#"{"algorithm":"sha256","hex":"xyz"}"#;
        assert!(serde_json::from_str::<BlobDigest>(json).is_err());
    }
}
