//! The strings that every side is asked to embed.

use std::fmt;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Digest;

/// What a canary tries out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CanaryKind {
    /// Plain lower-case English: it drifts only if the model itself does, or a prefix is added.
    Plain,
    /// Capitals.
    Case,
    /// Composed against decomposed accents.
    Normalisation,
    /// Scripts that tokenizers cut very differently.
    Script,
    /// Emoji, joined and flags.
    Emoji,
    /// Words in no vocabulary.
    Rare,
    /// Numbers, dates and amounts.
    Numbers,
    /// Source code.
    Code,
    /// Nothing at all.
    Empty,
    /// White space alone, at the edges and as line breaks.
    WhiteSpace,
    /// The prefix of a role before plain text.
    Role,
    /// Longer than a usual limit of tokens.
    Long,
}

impl CanaryKind {
    /// Its name in files and reports: `white_space`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Case => "case",
            Self::Normalisation => "normalisation",
            Self::Script => "script",
            Self::Emoji => "emoji",
            Self::Rare => "rare",
            Self::Numbers => "numbers",
            Self::Code => "code",
            Self::Empty => "empty",
            Self::WhiteSpace => "white_space",
            Self::Role => "role",
            Self::Long => "long",
        }
    }
}

impl fmt::Display for CanaryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One string to be embedded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// Its name in reports, unique in its set: `long-256-a`.
    pub name: String,
    /// What it tries out.
    pub kind: CanaryKind,
    /// The string itself.
    pub text: String,
}

/// What makes the two strings of a pair equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Lower-casing.
    CaseFolding,
    /// A Unicode normal form.
    Normalisation,
    /// Taking white space off the ends.
    Trimming,
    /// Turning line breaks into spaces.
    LineJoining,
    /// Putting the second one's prefix before the first.
    Prefixing,
    /// Reading no more than so many words.
    CuttingOff {
        /// Words that both strings begin with.
        shared_words: usize,
    },
}

/// Two canaries that one treatment makes equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Index of the one canary.
    pub first: usize,
    /// Index of the other.
    pub second: usize,
    /// What makes them equal.
    pub by: Treatment,
}

/// The strings, in a fixed order, with a version and a digest. A set never changes once it was
/// released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanarySet {
    version: u32,
    canaries: Vec<Canary>,
    pairs: Vec<Pair>,
    digest: Digest,
}

const VERSION: u32 = 1;
const DOMAIN: &str = "ragstone 2026 embedding canary set v1";

static CURRENT: LazyLock<CanarySet> = LazyLock::new(CanarySet::build);

/// Words that a pair of long canaries shares. A word is at least one token, so that a model that
/// reads no more tokens than that reads nothing of where the two differ.
const SHARED_WORDS: [usize; 5] = [128, 256, 512, 2048, 8192];
/// What follows is a quarter as long as what is shared, so that it shows in a mean over all tokens,
/// but no shorter than this many words.
const SHORTEST_TAIL: usize = 64;

const FROZEN: &str = "writes are frozen before the follower is promoted";
const RESTORE: &str = "how do i restore a database from a backup";
const ACCENTS: &str = "le caf\u{e9} fran\u{e7}ais \u{e0} g\u{f6}teborg et \u{e5}rhus est tr\u{e8}s fr\u{e9}quent\u{e9}";
/// [`ACCENTS`] in NFD.
const MARKS: &str = "le cafe\u{301} franc\u{327}ais a\u{300} go\u{308}teborg et a\u{30a}rhus est tre\u{300}s fre\u{301}quente\u{301}";

/// Common words of one token in every usual vocabulary.
const SHARED: [&str; 31] = [
    "the", "day", "a", "house", "and", "water", "was", "people", "in", "city", "for", "light",
    "with", "school", "on", "paper", "from", "music", "by", "book", "at", "road", "this", "work",
    "that", "field", "not", "hand", "but", "door", "time",
];
const TAIL_A: [&str; 13] = [
    "rain", "storm", "cold", "winter", "snow", "wind", "cloud", "ice", "river", "sea", "ship",
    "island", "coast",
];
const TAIL_B: [&str; 13] = [
    "bread", "kitchen", "sugar", "dinner", "oil", "salt", "fruit", "table", "wine", "meat", "fire",
    "plate", "cook",
];

impl CanarySet {
    /// The set that sides are asked now.
    pub fn current() -> &'static Self {
        &CURRENT
    }

    /// The set of this digest, if this program knows it.
    pub fn known(digest: &Digest) -> Option<&'static Self> {
        Some(Self::current()).filter(|set| set.digest == *digest)
    }

    /// Its version, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The strings, in the order in which readings list what came of them.
    pub fn canaries(&self) -> &[Canary] {
        &self.canaries
    }

    /// Which of them a treatment makes equal.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// BLAKE3 `derive_key` over the version and, for each canary in order, its name, its kind's name
    /// and its text, each with its length in bytes before it (all integers as 8 bytes,
    /// little-endian).
    pub fn digest(&self) -> Digest {
        self.digest
    }

    fn build() -> Self {
        let mut canaries: Vec<Canary> = SHORT
            .iter()
            .map(|&(name, kind, text)| Canary {
                name: name.to_owned(),
                kind,
                text: text.to_owned(),
            })
            .collect();
        for shared in SHARED_WORDS {
            for (letter, tail) in [("a", &TAIL_A), ("b", &TAIL_B)] {
                canaries.push(Canary {
                    name: format!("long-{shared}-{letter}"),
                    kind: CanaryKind::Long,
                    text: long(shared, tail),
                });
            }
        }
        let mut bytes = u64::from(VERSION).to_le_bytes().to_vec();
        for canary in &canaries {
            for part in [&canary.name, canary.kind.name(), &canary.text] {
                bytes.extend((part.len() as u64).to_le_bytes());
                bytes.extend(part.as_bytes());
            }
        }
        Self {
            version: VERSION,
            pairs: pairs(&canaries),
            canaries,
            digest: Digest::derive(DOMAIN, bytes),
        }
    }
}

/// The short canaries: name, kind and text.
const SHORT: &[(&str, CanaryKind, &str)] = &[
    ("frozen", CanaryKind::Plain, FROZEN),
    ("restore", CanaryKind::Plain, RESTORE),
    (
        "fox",
        CanaryKind::Plain,
        "the quick brown fox jumps over the lazy dog",
    ),
    ("word", CanaryKind::Plain, "certificate"),
    ("letter", CanaryKind::Plain, "a"),
    (
        "frozen-mixed",
        CanaryKind::Case,
        "Writes Are Frozen before the Follower is Promoted",
    ),
    (
        "frozen-upper",
        CanaryKind::Case,
        "WRITES ARE FROZEN BEFORE THE FOLLOWER IS PROMOTED",
    ),
    ("accents-nfc", CanaryKind::Normalisation, ACCENTS),
    ("accents-nfd", CanaryKind::Normalisation, MARKS),
    (
        "chinese",
        CanaryKind::Script,
        "数据库索引必须在切换之前重建",
    ),
    (
        "japanese",
        CanaryKind::Script,
        "切り替えの前に索引を再構築する",
    ),
    (
        "korean",
        CanaryKind::Script,
        "전환 전에 색인을 다시 만들어야 합니다",
    ),
    (
        "arabic",
        CanaryKind::Script,
        "يجب إعادة بناء الفهرس قبل التبديل",
    ),
    ("hindi", CanaryKind::Script, "बदलने से पहले सूचकांक फिर से बनाएँ"),
    (
        "russian",
        CanaryKind::Script,
        "индекс нужно перестроить до переключения",
    ),
    (
        "emoji",
        CanaryKind::Emoji,
        "deploy done 🚀 👩\u{200d}👩\u{200d}👧 🇯🇵 👍🏽",
    ),
    (
        "rare",
        CanaryKind::Rare,
        "xqzptlk vrumplefnarg \u{1f70f} \u{16a0}\u{16b1}",
    ),
    (
        "numbers",
        CanaryKind::Numbers,
        "invoice 20261121-0042 of 2026-11-21: 1,299.50 eur for 3.14e-5 m\u{b2}",
    ),
    (
        "code",
        CanaryKind::Code,
        "fn load_rows<T>(n: usize) -> Vec<T> { rows[..n].iter().map(|r| r.camelCase).collect() } // C++",
    ),
    ("empty", CanaryKind::Empty, ""),
    ("space", CanaryKind::WhiteSpace, " "),
    ("breaks", CanaryKind::WhiteSpace, "\n\t\n"),
    (
        "frozen-spaced",
        CanaryKind::WhiteSpace,
        "  writes are frozen before the follower is promoted \n",
    ),
    (
        "frozen-lines",
        CanaryKind::WhiteSpace,
        "writes are frozen\nbefore the follower\nis promoted",
    ),
    (
        "restore-query",
        CanaryKind::Role,
        "query: how do i restore a database from a backup",
    ),
    (
        "restore-passage",
        CanaryKind::Role,
        "passage: how do i restore a database from a backup",
    ),
    (
        "restore-search-query",
        CanaryKind::Role,
        "search_query: how do i restore a database from a backup",
    ),
    (
        "restore-search-document",
        CanaryKind::Role,
        "search_document: how do i restore a database from a backup",
    ),
];

/// `shared` words that every long canary begins with, and a tail of its own.
fn long(shared: usize, tail: &[&str]) -> String {
    // The stride has no factor in common with the number of words, and each round is turned by one.
    let word = |index: usize| SHARED[(index * 7 + index / SHARED.len()) % SHARED.len()];
    let n_tail = (shared / 4).max(SHORTEST_TAIL);
    let words = (0..shared).map(word);
    let words = words.chain(tail.iter().copied().cycle().take(n_tail));
    words.collect::<Vec<_>>().join(" ")
}

fn pairs(canaries: &[Canary]) -> Vec<Pair> {
    let at = |name: &str| {
        let found = canaries.iter().position(|canary| canary.name == name);
        found.expect("the pairs are of our own names")
    };
    let pair = |first: &str, second: &str, by: Treatment| Pair {
        first: at(first),
        second: at(second),
        by,
    };
    let mut pairs = vec![
        pair("frozen", "frozen-upper", Treatment::CaseFolding),
        pair("accents-nfc", "accents-nfd", Treatment::Normalisation),
        pair("frozen", "frozen-spaced", Treatment::Trimming),
        pair("frozen", "frozen-lines", Treatment::LineJoining),
    ];
    let roles = canaries
        .iter()
        .filter(|canary| canary.kind == CanaryKind::Role);
    pairs.extend(roles.map(|role| pair("restore", &role.name, Treatment::Prefixing)));
    pairs.extend(SHARED_WORDS.map(|shared_words| {
        let name = |letter: &str| format!("long-{shared_words}-{letter}");
        pair(
            &name("a"),
            &name("b"),
            Treatment::CuttingOff { shared_words },
        )
    }));
    pairs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    #[test]
    fn names_and_texts_are_unique_and_a_changed_set_needs_another_version() {
        let set = CanarySet::current();
        let names: BTreeSet<_> = set.canaries().iter().map(|canary| &canary.name).collect();
        let texts: BTreeSet<_> = set.canaries().iter().map(|canary| &canary.text).collect();
        assert_eq!(names.len(), set.canaries().len());
        assert_eq!(texts.len(), set.canaries().len());
        assert_eq!(set.version(), 1);
        assert_eq!(
            set.digest().to_string(),
            "b3:5ae501eca4f543b6488cb33511ff548f234205b0708c3e1177a7f27a04e12596"
        );
        assert_eq!(CanarySet::known(&set.digest()), Some(set));
    }

    #[test]
    fn each_pair_becomes_equal_by_its_treatment_alone() {
        let set = CanarySet::current();
        for pair in set.pairs() {
            let first = &set.canaries()[pair.first].text;
            let second = &set.canaries()[pair.second].text;
            let treated = |text: &str| match pair.by {
                Treatment::CaseFolding => text.to_lowercase(),
                Treatment::Normalisation => text.nfc().collect(),
                Treatment::Trimming => text.trim().to_owned(),
                Treatment::LineJoining => text.replace('\n', " "),
                Treatment::Prefixing => text
                    .split_once(": ")
                    .map_or(text, |(_, rest)| rest)
                    .to_owned(),
                Treatment::CuttingOff { shared_words } => {
                    let words: Vec<_> = text.split(' ').take(shared_words).collect();
                    words.join(" ")
                }
            };
            assert_ne!(first, second);
            assert_eq!(treated(first), treated(second), "{:?}", pair.by);
        }
    }

    #[test]
    fn long_canaries_differ_right_behind_what_they_share() {
        let (a, b) = (long(256, &TAIL_A), long(256, &TAIL_B));
        let shared = a.split(' ').zip(b.split(' ')).take_while(|(a, b)| a == b);
        assert_eq!(shared.count(), 256);
        assert_eq!(a.split(' ').count(), 320);
    }
}
