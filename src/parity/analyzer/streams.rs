//! What one side's analysis made of the probes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::Digest;
use crate::parity::analyzer::ProbeSet;

/// The tokens of one text, in the order in which the side gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenStream {
    /// The tokens as they are indexed or looked up.
    pub tokens: Vec<String>,
    /// The place of each among the words of the text, from 0, as many as tokens; absent where the
    /// side does not say. A dropped word leaves a gap, synonyms share a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<Vec<u32>>,
}

impl TokenStream {
    /// Tokens whose places are not known.
    pub fn of_tokens(tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            tokens: tokens.into_iter().map(Into::into).collect(),
            positions: None,
        }
    }
}

/// What one side's analysis made of a probe set: a reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenStreams {
    /// The digest of the probe set.
    pub probe_set: Digest,
    /// What the side calls its analysis: `english`, or `english/standard` where questions are cut in
    /// another way. For people; no comparison reads it.
    pub analyzer: String,
    /// The engine and its version, where the side tells: `PostgreSQL 16.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// One stream a probe, in the order of the set, as a text is cut when it is indexed.
    pub index: Vec<TokenStream>,
    /// The same as a question is cut, where the side can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Vec<TokenStream>>,
}

/// Why a reading cannot be what it claims.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MalformedStreams {
    /// The reading has more or fewer streams than its set has probes.
    #[error("{found} token streams for {expected} probes")]
    Count {
        /// Probes of the set.
        expected: usize,
        /// Streams of the reading.
        found: usize,
    },
    /// A stream does not have one position a token.
    #[error("probe {probe} has {n_tokens} tokens and {n_positions} positions")]
    Positions {
        /// Index of the probe, from 0.
        probe: usize,
        /// Tokens of the stream.
        n_tokens: usize,
        /// Positions of the stream.
        n_positions: usize,
    },
}

const TOKENS: &str = "ragstone 2026 analyzer token streams v1";
const POSITIONS: &str = "ragstone 2026 analyzer token positions v1";

impl TokenStreams {
    /// Checks the reading against the probes that it is of. A reading from a file may be anything.
    ///
    /// # Errors
    /// If a stream is missing or has positions for other tokens than its own.
    pub fn check(&self, set: &ProbeSet) -> Result<(), MalformedStreams> {
        for streams in std::iter::once(&self.index).chain(&self.search) {
            if streams.len() != set.probes().len() {
                return Err(MalformedStreams::Count {
                    expected: set.probes().len(),
                    found: streams.len(),
                });
            }
            for (probe, stream) in streams.iter().enumerate() {
                let n_tokens = stream.tokens.len();
                let n_positions = stream.positions.as_ref().map_or(n_tokens, Vec::len);
                if n_positions != n_tokens {
                    return Err(MalformedStreams::Positions {
                        probe,
                        n_tokens,
                        n_positions,
                    });
                }
            }
        }
        Ok(())
    }

    /// A digest of the behaviour alone: equal exactly if the probe set and every token of every
    /// stream are, at index time and at search time. Names, versions and positions are not in it,
    /// positions because not every side gives them: see [`TokenStreams::positions_fingerprint`].
    ///
    /// BLAKE3 `derive_key` over the 32 bytes of the probe set's digest, then for index time and for
    /// search time: one byte, 0 if not known and 1 if it follows, the number of streams, and for
    /// each the number of tokens and every token with its length in bytes before it. All integers
    /// are 8 bytes, little-endian. Time and memory `O(bytes)`.
    pub fn fingerprint(&self) -> Digest {
        let mut bytes = self.probe_set.as_bytes().to_vec();
        for streams in [Some(&self.index), self.search.as_ref()] {
            bytes.push(u8::from(streams.is_some()));
            let Some(streams) = streams else { continue };
            push(&mut bytes, streams.len());
            for stream in streams {
                push(&mut bytes, stream.tokens.len());
                for token in &stream.tokens {
                    push(&mut bytes, token.len());
                    bytes.extend(token.as_bytes());
                }
            }
        }
        Digest::derive(TOKENS, bytes)
    }

    /// A digest of where the tokens stand, beside [`TokenStreams::fingerprint`]; `None` unless every
    /// stream gives positions.
    ///
    /// BLAKE3 `derive_key` over the number of streams, and for each the number of positions and the
    /// positions, first at index time and then, if known, at search time; integers as above.
    pub fn positions_fingerprint(&self) -> Option<Digest> {
        let mut bytes = Vec::new();
        for streams in std::iter::once(&self.index).chain(&self.search) {
            push(&mut bytes, streams.len());
            for stream in streams {
                let positions = stream.positions.as_ref()?;
                push(&mut bytes, positions.len());
                for &position in positions {
                    bytes.extend(u64::from(position).to_le_bytes());
                }
            }
        }
        Some(Digest::derive(POSITIONS, bytes))
    }
}

fn push(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend((number as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(index: Vec<Vec<String>>, search: Option<Vec<Vec<String>>>) -> TokenStreams {
        let streams = |tokens: Vec<Vec<String>>| {
            let tokens = tokens.into_iter();
            tokens.map(TokenStream::of_tokens).collect::<Vec<_>>()
        };
        TokenStreams {
            probe_set: ProbeSet::current().digest(),
            analyzer: "any".to_owned(),
            engine: None,
            index: streams(index),
            search: search.map(streams),
        }
    }

    /// Few letters and short lists, so that boundaries can move and streams can be equal.
    fn streams() -> impl Strategy<Value = Vec<Vec<String>>> {
        prop::collection::vec(prop::collection::vec("[ab]{0,2}", 0..3), 0..3)
    }

    proptest! {
        #[test]
        fn fingerprints_are_equal_exactly_if_the_streams_are(
            a in (streams(), prop::option::of(streams())),
            b in (streams(), prop::option::of(streams())),
        ) {
            let same = a == b;
            let (mut a, b) = (reading(a.0, a.1), reading(b.0, b.1));
            prop_assert_eq!(a.fingerprint() == b.fingerprint(), same);
            let before = a.fingerprint();
            a.analyzer = "another name".to_owned();
            a.engine = Some("another engine".to_owned());
            prop_assert_eq!(a.fingerprint(), before);
        }

        #[test]
        fn a_reading_survives_its_json(index in streams(), search in prop::option::of(streams())) {
            let reading = reading(index, search);
            let json = serde_json::to_string(&reading).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<TokenStreams>(&json).expect("its own"), reading);
        }
    }

    #[test]
    fn another_probe_set_has_another_fingerprint() {
        let ours = reading(vec![], None);
        let other = TokenStreams {
            probe_set: Digest::of("another"),
            ..ours.clone()
        };
        assert_ne!(ours.fingerprint(), other.fingerprint());
    }

    #[test]
    fn positions_have_a_fingerprint_where_every_stream_gives_them() {
        let at = |positions: Option<Vec<u32>>| {
            let mut reading = reading(vec![vec!["a".to_owned(), "b".to_owned()]], None);
            reading.index[0].positions = positions;
            (reading.fingerprint(), reading.positions_fingerprint())
        };
        let (tokens, first) = at(Some(vec![0, 1]));
        let (same_tokens, gap) = at(Some(vec![0, 2]));
        assert_eq!(tokens, same_tokens);
        assert!(first.is_some() && first != gap);
        assert_eq!(at(None), (tokens, None));
    }

    #[test]
    fn a_reading_must_have_a_stream_for_every_probe() {
        let set = ProbeSet::current();
        let n = set.probes().len();
        let mut whole = reading(vec![vec!["a".to_owned()]; n], None);
        whole.check(set).expect("sound");
        whole.index[3].positions = Some(vec![]);
        let malformed = whole.check(set).expect_err("no position for a token");
        assert_eq!(
            malformed.to_string(),
            "probe 3 has 1 tokens and 0 positions"
        );
        let short = reading(vec![vec![]; n - 1], None);
        assert!(matches!(
            short.check(set),
            Err(MalformedStreams::Count { .. })
        ));
    }
}
