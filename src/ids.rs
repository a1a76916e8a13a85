//! Names of things: a bare string never travels through the pipeline.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares a newtype over `String` that orders, prints and (de)serialises as the string.
macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

string_id!(
    /// A gold question, unique in its gold set: `q-017`.
    QuestionId
);
string_id!(
    /// What a question is about; slices and per-topic tables group by it.
    Topic
);
string_id!(
    /// One side of a comparison, unique in its policy: `us-east`.
    TargetName
);
string_id!(
    /// A document of the corpus.
    DocId
);
string_id!(
    /// A section within its document.
    SectionId
);

/// A section of the corpus: the unit that is indexed, retrieved and counted.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct SectionKey {
    /// The document.
    pub doc_id: DocId,
    /// The section within it.
    pub section_id: SectionId,
}

impl SectionKey {
    /// Joins the two ids.
    pub fn new(doc_id: impl Into<String>, section_id: impl Into<String>) -> Self {
        Self {
            doc_id: DocId::new(doc_id),
            section_id: SectionId::new(section_id),
        }
    }
}

/// `doc_id/section_id`. A gold set in which two sections print alike is refused when it is read.
impl fmt::Display for SectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.doc_id, self.section_id)
    }
}

/// Which wording of a question: 0 is the original, 1…n are its paraphrases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Form(pub u16);

impl Form {
    /// The original wording.
    pub const ORIGINAL: Self = Self(0);
}

/// What is sent to a target as its seed, so that a stochastic stage can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

/// A BLAKE3 digest, written `b3:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^b3:[0-9a-f]{64}$"))]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of exactly these bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(*blake3::hash(bytes.as_ref()).as_bytes())
    }

    /// The digest of these bytes within a named purpose, so that two uses can never collide.
    ///
    /// Source: BLAKE3 `derive_key` mode; `domain` is a fixed string of this program.
    pub fn derive(domain: &str, bytes: impl AsRef<[u8]>) -> Self {
        Self(blake3::derive_key(domain, bytes.as_ref()))
    }

    /// A digest that was computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight bytes as a number, the most significant first: what sorts and finds digests fast.
    pub fn prefix(&self) -> u64 {
        let [bytes, ..] = self.0.as_chunks::<8>().0 else {
            unreachable!("32 bytes hold eight")
        };
        u64::from_be_bytes(*bytes)
    }

    /// The first `n` hexadecimal digits, for places where a person compares by eye.
    pub fn short(&self, n: usize) -> String {
        self.hex().chars().take(n).collect()
    }

    fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b3:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Why a text is not a digest.
#[derive(Debug, thiserror::Error)]
#[error("not a digest: expected `b3:` and 64 hexadecimal digits, found `{0}`")]
pub struct NotADigest(String);

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        text.strip_prefix("b3:")
            .and_then(|hex| blake3::Hash::from_hex(hex).ok())
            .map(|hash| Self(*hash.as_bytes()))
            .ok_or_else(|| NotADigest(text.to_owned()))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_as_written() {
        let digest = Digest::of("touchstone");
        assert_eq!(
            digest.to_string().parse::<Digest>().expect("own text"),
            digest
        );
        assert!("b3:12".parse::<Digest>().is_err());
        assert!("touchstone".parse::<Digest>().is_err());
    }

    #[test]
    fn the_empty_digest_is_the_published_one() {
        // Source: BLAKE3 test vectors, input length 0.
        let known = "b3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(Digest::of("").to_string(), known);
    }
}
