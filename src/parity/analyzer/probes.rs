//! The texts that every side is asked to cut into tokens.

use std::fmt;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Digest;

/// Declares the kinds of probes with the names that files and reports use.
macro_rules! probe_kinds {
    ($($(#[doc = $doc:literal])* $kind:ident = $name:literal;)*) => {
        /// What a probe tries out.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        pub enum ProbeKind {
            $($(#[doc = $doc])* #[serde(rename = $name)] $kind,)*
        }

        impl ProbeKind {
            /// Every kind, in the order of the probe set.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name in files and reports: `stop_words`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

probe_kinds! {
    /// Endings that stemmers take off, each in its own way.
    Stemming = "stemming";
    /// Plurals and tenses that only a dictionary knows.
    Irregular = "irregular";
    /// Words that many analyzers drop.
    StopWords = "stop_words";
    /// Capitals within and across words.
    Case = "case";
    /// Letters whose lower or upper case depends on the language.
    TurkishAndGermanCase = "turkish_and_german_case";
    /// Words in composed form (NFC).
    Composed = "composed";
    /// The same words in decomposed form (NFD).
    Decomposed = "decomposed";
    /// Accents that are folded, or not.
    Accents = "accents";
    /// Ligatures and other compatibility characters.
    Ligatures = "ligatures";
    /// Marks out of order, doubled, or alone.
    CombiningMarks = "combining_marks";
    /// Chinese.
    Chinese = "chinese";
    /// Japanese, with half-width and long vowels.
    Japanese = "japanese";
    /// Korean.
    Korean = "korean";
    /// Scripts of south-east Asia that write no spaces.
    ThaiLaoKhmer = "thai_lao_khmer";
    /// Arabic script: diacritics, tatweel, variants of a letter.
    Arabic = "arabic";
    /// Hebrew: points, prefixes, final letters.
    Hebrew = "hebrew";
    /// Scripts of India with conjuncts.
    Indic = "indic";
    /// Cyrillic.
    Cyrillic = "cyrillic";
    /// Greek, with the final sigma and accents.
    Greek = "greek";
    /// Other languages of Europe.
    European = "european";
    /// Compounds.
    GermanCompounds = "german_compounds";
    /// Emoji, joined, with skin tones, flags.
    Emoji = "emoji";
    /// Numbers in many spellings.
    Numbers = "numbers";
    /// Versions and names with digits.
    Versions = "versions";
    /// Dates and times.
    DatesAndTimes = "dates_and_times";
    /// Quantities with a unit or a currency.
    UnitsAndMoney = "units_and_money";
    /// Hyphens, dashes and minus signs.
    Hyphens = "hyphens";
    /// Apostrophes and quotation marks.
    Apostrophes = "apostrophes";
    /// Addresses of pages and objects.
    Urls = "urls";
    /// E-mail addresses and handles.
    EMail = "e_mail";
    /// File paths.
    Paths = "paths";
    /// Names in source code.
    Identifiers = "identifiers";
    /// UUIDs, IP addresses and other codes.
    Codes = "codes";
    /// Full-width and squared forms.
    FullWidth = "full_width";
    /// Characters that nobody sees.
    Invisible = "invisible";
    /// Nothing, or nothing but white space, and white space of many kinds.
    WhiteSpace = "white_space";
    /// Punctuation, alone and inside words.
    Punctuation = "punctuation";
    /// Words around and beyond 40, 64 and 255 characters.
    LongWords = "long_words";
    /// Words that synonym lists like to join.
    Synonyms = "synonyms";
    /// The same word more than once.
    Repeats = "repeats";
    /// Whole sentences and markup.
    Sentences = "sentences";
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One text to be cut into tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What it tries out.
    pub kind: ProbeKind,
    /// The text itself; never with a NUL, which some stores cannot take.
    pub text: String,
}

/// The texts, in a fixed order, with a version and a digest.
///
/// A set never changes once it was released: a new one gets the next version, and the old ones stay
/// known, so that two readings made long ago can still be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSet {
    version: u32,
    probes: Vec<Probe>,
    digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    kind: ProbeKind,
    texts: Vec<String>,
}

const DOMAIN: &str = "ragstone 2026 analyzer probe set v1";

static CURRENT: LazyLock<ProbeSet> =
    LazyLock::new(|| ProbeSet::read(include_str!("probes.json")).expect("the file is our own"));

impl ProbeSet {
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

    /// The texts, in the order in which readings list what came of them.
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// BLAKE3 `derive_key` over the version and, for each probe in order, its kind's name and its
    /// text, each with its length in bytes before it (all integers as 8 bytes, little-endian).
    pub fn digest(&self) -> Digest {
        self.digest
    }

    fn read(json: &str) -> serde_json::Result<Self> {
        let Written { version, groups } = serde_json::from_str(json)?;
        let of_group = |Group { kind, texts }: Group| {
            let texts = texts.into_iter();
            texts.map(move |text| Probe { kind, text })
        };
        let probes: Vec<Probe> = groups.into_iter().flat_map(of_group).collect();
        let mut bytes = u64::from(version).to_le_bytes().to_vec();
        for probe in &probes {
            for part in [probe.kind.name(), &probe.text] {
                bytes.extend((part.len() as u64).to_le_bytes());
                bytes.extend(part.as_bytes());
            }
        }
        Ok(Self {
            version,
            probes,
            digest: Digest::derive(DOMAIN, bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    #[test]
    fn the_set_is_large_and_every_kind_is_in_it_once() {
        let set = ProbeSet::current();
        assert!(set.probes().len() >= 200, "{}", set.probes().len());
        let texts: BTreeSet<&str> = set.probes().iter().map(|p| p.text.as_str()).collect();
        assert_eq!(texts.len(), set.probes().len(), "no text stands twice");
        assert!(texts.iter().all(|text| !text.contains('\0')));
        let mut kinds: Vec<ProbeKind> = set.probes().iter().map(|probe| probe.kind).collect();
        kinds.dedup();
        assert_eq!(kinds, ProbeKind::ALL);
    }

    #[test]
    fn a_changed_set_needs_another_version() {
        // Our own: a change here without a new version would make two readings of different texts
        // look comparable.
        let set = ProbeSet::current();
        assert_eq!(set.version(), 1);
        assert_eq!(
            set.digest().to_string(),
            "b3:e63a3ba821abadbf772b2a520d21de76e59b813a78450dbad7a407f4f992e691"
        );
        assert_eq!(ProbeSet::known(&set.digest()), Some(set));
        assert_eq!(ProbeSet::known(&Digest::of("another")), None);
    }

    #[test]
    fn decomposed_words_are_the_composed_ones() {
        let of = |kind| {
            let probes = ProbeSet::current().probes().iter();
            let probes = probes.filter(move |probe| probe.kind == kind);
            probes.map(|probe| probe.text.clone()).collect::<Vec<_>>()
        };
        let composed = of(ProbeKind::Composed);
        let decomposed = of(ProbeKind::Decomposed);
        for (composed, decomposed) in composed.iter().zip(&decomposed) {
            assert_ne!(composed, decomposed);
            assert_eq!(*composed, decomposed.nfc().collect::<String>());
        }
        assert_eq!(composed.len(), decomposed.len());
    }
}
