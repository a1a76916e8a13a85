//! Replies on disk: one small file each.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::files::write_lightly;
use crate::ids::{Digest, SectionKey};
use crate::target::{Hit, Offsets, Origin, Reply};

const CHECKSUM: &str = "ragstone 2026 kept reply checksum v1";
/// Folders that nobody wrote to for so long are removed; what they hold is too old for anyone.
const FORGOTTEN: Duration = Duration::from_hours(30 * 24);

/// A reply as it is kept. When it came and of which run it is decides whether it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    run_id: String,
    /// Seconds since 1970.
    at: u64,
    hits: Vec<KeptHit>,
    answer: Option<String>,
    citations: Vec<String>,
    status: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct KeptHit {
    section: SectionKey,
    snippet_id: String,
    /// The bits of the score, which decimal digits might lose.
    score: u64,
    text: String,
    offsets: Option<Offsets>,
}

impl Kept {
    pub(super) fn of(reply: &Reply, run_id: &str) -> Self {
        let hit = |hit: &Hit| KeptHit {
            section: hit.section.clone(),
            snippet_id: hit.snippet_id.clone(),
            score: hit.score.to_bits(),
            text: hit.text.clone(),
            offsets: hit.offsets,
        };
        Self {
            run_id: run_id.to_owned(),
            at: now(),
            hits: reply.hits.iter().map(hit).collect(),
            answer: reply.answer.clone(),
            citations: reply.citations.clone(),
            status: reply.status,
        }
    }

    /// What was cold when it came says nothing of now.
    pub(super) fn reply(self) -> Reply {
        let hit = |hit: KeptHit| Hit {
            section: hit.section,
            snippet_id: hit.snippet_id,
            score: f64::from_bits(hit.score),
            text: hit.text,
            offsets: hit.offsets,
        };
        Reply {
            hits: self.hits.into_iter().map(hit).collect(),
            answer: self.answer,
            citations: self.citations,
            cold_start: None,
            status: self.status,
            origin: Origin::Cached,
        }
    }

    /// Whether a target that gives this reply now answers as it did: the same texts under the same ids
    /// in the same order, and the same answer.
    pub(super) fn says(&self, reply: &Reply) -> bool {
        let same = |(kept, hit): (&KeptHit, &Hit)| {
            (&kept.section, &kept.snippet_id, &kept.text)
                == (&hit.section, &hit.snippet_id, &hit.text)
        };
        self.answer == reply.answer
            && self.hits.len() == reply.hits.len()
            && self.hits.iter().zip(&reply.hits).all(same)
    }
}

/// The kept replies of one target under one contract.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// Of the folder of all targets.
    pub(super) fn of(replies: &Path, context: Digest) -> Self {
        remove_forgotten(replies);
        Self {
            folder: replies.join(name(context)),
        }
    }

    /// The reply under a key, unless it is damaged, too old, or of the run itself: a run that is taken up
    /// again must not hear its own echo.
    pub(super) fn find(&self, key: Digest, max_age: Duration, run_id: &str) -> Option<Kept> {
        let bytes = std::fs::read(self.file(key)).ok()?;
        let (checksum, entry) = bytes.split_at_checked(CHECKSUM_LENGTH)?;
        if checksum != checksum_of(entry).as_bytes() {
            return None;
        }
        let kept: Kept = serde_json::from_slice(entry).ok()?;
        // A reply of the future comes of a clock that was set, and has no known age.
        let age = now().checked_sub(kept.at)?;
        (age < max_age.as_secs() && kept.run_id != run_id).then_some(kept)
    }

    /// Keeps a reply. A folder that cannot be written keeps none, which costs time and nothing else.
    pub(super) fn keep(&self, key: Digest, kept: &Kept) -> io::Result<()> {
        make_private(&self.folder)?;
        let entry = serde_json::to_vec(kept)?;
        let mut bytes = checksum_of(&entry).into_bytes();
        bytes.extend(entry);
        write_lightly(&self.file(key), &bytes)
    }

    /// Drops every reply.
    pub(super) fn clear(&self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    fn file(&self, key: Digest) -> PathBuf {
        self.folder.join(format!("{}.json", name(key)))
    }
}

/// `b3:`, 64 digits and a line break.
const CHECKSUM_LENGTH: usize = 68;

fn checksum_of(entry: &[u8]) -> String {
    format!("{}\n", Digest::derive(CHECKSUM, entry))
}

/// A digest as a file name, which no system refuses for its colon.
fn name(digest: Digest) -> String {
    digest.short(64)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn remove_forgotten(replies: &Path) {
    let Ok(folders) = std::fs::read_dir(replies) else {
        return;
    };
    for folder in folders.flatten() {
        let written = folder.metadata().and_then(|metadata| metadata.modified());
        let age = written.ok().and_then(|written| written.elapsed().ok());
        if age.is_some_and(|age| age > FORGOTTEN) {
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
}

/// What targets retrieved is theirs to show, not this program's.
#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}
