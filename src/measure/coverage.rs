//! Coverage: how much of the target sections was retrieved.

use std::collections::HashMap;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::goldset::Section;
use crate::ids::{Digest, SectionKey};
use crate::target::{OffsetUnit, Offsets};

/// Consecutive tokens that must reappear before a token counts as retrieved.
const RUN: usize = 4;

/// How a coverage was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CoverageMode {
    /// By offsets: every hit in a target section said where it stands, and the section reads so
    /// there.
    Span,
    /// By the words of at least one hit.
    Text,
}

/// Coverage of one reply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoverageOf {
    /// Retrieved tokens of the target sections ÷ tokens of the target sections, in `[0, 1]`.
    pub sections: f64,
    /// The same over the spans that carry the evidence; sections without spans count whole.
    pub evidence: f64,
    /// How it was found.
    pub mode: CoverageMode,
}

/// A word (UAX #29), lowercased and in NFC, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    word: String,
    /// Characters within the text, half-open.
    start: usize,
    end: usize,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut chars_before = 0;
    let mut bytes_before = 0;
    let mut tokens = Vec::new();
    let mut folded = String::new();
    for (byte, word) in text.unicode_word_indices() {
        chars_before += text[bytes_before..byte].chars().count();
        bytes_before = byte;
        fold(word, &mut folded);
        tokens.push(Token {
            word: folded.clone(),
            start: chars_before,
            end: chars_before + word.chars().count(),
        });
    }
    tokens
}

/// Writes a word in NFC and lower case.
fn fold(word: &str, folded: &mut String) {
    folded.clear();
    if word.is_ascii() {
        folded.push_str(word);
        folded.make_ascii_lowercase();
    } else {
        *folded = word.nfc().collect::<String>().to_lowercase();
    }
}

/// The number of a word among those of a question's target sections.
type Word = u32;
/// A word that no target section has.
const UNKNOWN: Word = Word::MAX;

/// Retrieved texts as numbered words: the probes of one question find the same texts again and again.
#[derive(Default)]
pub(super) struct ReadTexts(HashMap<Digest, Rc<[Word]>>);

/// One hit, as coverage looks at it.
pub(super) struct Retrieved<'a> {
    pub(super) section: &'a SectionKey,
    pub(super) text: &'a str,
    /// Digest of the text.
    pub(super) digest: Digest,
    pub(super) offsets: Option<Offsets>,
}

/// The tokens of a question's target sections, prepared once for all its probes.
#[derive(Clone, Debug)]
pub struct TargetTokens {
    sections: Vec<TargetSectionTokens>,
    words: HashMap<String, Word>,
}

#[derive(Clone, Debug)]
struct TargetSectionTokens {
    key: SectionKey,
    characters: Vec<char>,
    tokens: Vec<Token>,
    /// Whether each token lies in an evidence span.
    evidence: Vec<bool>,
    /// Where each run of tokens begins.
    runs: HashMap<[Word; RUN], Vec<usize>>,
}

impl TargetTokens {
    /// Prepares sections with their evidence spans (none means the whole section).
    pub fn new<'a>(targets: impl IntoIterator<Item = (&'a Section, &'a [(usize, usize)])>) -> Self {
        let mut words: HashMap<String, Word> = HashMap::new();
        let prepare = |(section, spans): (&Section, &[(usize, usize)])| {
            let tokens = tokens(&section.text);
            let mut number = |token: &Token| {
                let next = Word::try_from(words.len()).expect("fewer words than that");
                *words.entry(token.word.clone()).or_insert(next)
            };
            let numbers: Vec<Word> = tokens.iter().map(&mut number).collect();
            let in_span = |token: &Token| {
                spans.is_empty()
                    || spans
                        .iter()
                        .any(|&(start, end)| start <= token.start && token.end <= end)
            };
            let evidence = tokens.iter().map(in_span).collect();
            TargetSectionTokens {
                key: section.key(),
                characters: section.text.chars().collect(),
                tokens,
                evidence,
                runs: runs(&numbers),
            }
        };
        Self {
            sections: targets.into_iter().map(prepare).collect(),
            words,
        }
    }

    /// A text as numbers of the targets' words.
    fn read(&self, text: &str) -> Rc<[Word]> {
        let mut folded = String::new();
        let number = |word: &str| {
            fold(word, &mut folded);
            self.words.get(folded.as_str()).copied().unwrap_or(UNKNOWN)
        };
        text.unicode_words().map(number).collect()
    }

    /// Coverage by these hits. `None` if the targets hold no token, as for an unanswerable
    /// question.
    ///
    /// A hit that says where it stands covers the tokens that lie wholly there, provided the gold
    /// section reads so at that place; a hit from an older edition does not. Any other hit covers a
    /// target token when both hold a run of four consecutive tokens (or the whole target, if
    /// shorter) that includes it.
    ///
    /// `read` is shared by all probes of the question, and by no other's.
    pub(super) fn coverage(&self, hits: &[Retrieved], read: &mut ReadTexts) -> Option<CoverageOf> {
        let total: usize = self
            .sections
            .iter()
            .map(|section| section.tokens.len())
            .sum();
        let total_evidence: usize = self
            .sections
            .iter()
            .map(|section| section.evidence.iter().filter(|&&inside| inside).count())
            .sum();
        if total == 0 {
            return None;
        }
        let mut by_text: Vec<Rc<[Word]>> = Vec::new();
        let mut by_span: HashMap<&SectionKey, Vec<(usize, usize)>> = HashMap::new();
        for hit in hits {
            match self.place(hit) {
                Place::Elsewhere => {}
                Place::At(start, end) => by_span.entry(hit.section).or_default().push((start, end)),
                Place::Unknown => {
                    let known = read.0.entry(hit.digest);
                    by_text.push(Rc::clone(known.or_insert_with(|| self.read(hit.text))));
                }
            }
        }
        let (mut covered, mut covered_evidence) = (0_usize, 0_usize);
        for section in &self.sections {
            let spans = merged(by_span.get(&section.key).cloned().unwrap_or_default());
            let runs = section.covered_by_text(&by_text);
            for (index, token) in section.tokens.iter().enumerate() {
                if runs[index]
                    || spans
                        .iter()
                        .any(|&(start, end)| start <= token.start && token.end <= end)
                {
                    covered += 1;
                    covered_evidence += usize::from(section.evidence[index]);
                }
            }
        }
        // Spans so narrow that they hold no whole token leave the section itself as the evidence.
        let evidence = if total_evidence == 0 {
            covered as f64 / total as f64
        } else {
            covered_evidence as f64 / total_evidence as f64
        };
        let mode = if by_text.is_empty() {
            CoverageMode::Span
        } else {
            CoverageMode::Text
        };
        Some(CoverageOf {
            sections: covered as f64 / total as f64,
            evidence,
            mode,
        })
    }

    fn place(&self, hit: &Retrieved) -> Place {
        let section = self
            .sections
            .iter()
            .find(|section| section.key == *hit.section);
        match (hit.offsets, section) {
            (None, _) => Place::Unknown,
            (Some(_), None) => Place::Elsewhere,
            (Some(offsets), Some(section)) => section
                .range(offsets)
                .filter(|&(start, end)| section.reads(start, end, hit.text))
                .map_or(Place::Unknown, |(start, end)| Place::At(start, end)),
        }
    }
}

enum Place {
    /// In a section that is no target, and known to be there.
    Elsewhere,
    /// At these characters of a target section.
    At(usize, usize),
    /// Only its words can tell.
    Unknown,
}

impl TargetSectionTokens {
    /// Offsets as characters; `None` if they do not fall on the section's characters.
    fn range(&self, offsets: Offsets) -> Option<(usize, usize)> {
        if offsets.start > offsets.end {
            return None;
        }
        match offsets.unit {
            OffsetUnit::Char => {
                (offsets.end <= self.characters.len()).then_some((offsets.start, offsets.end))
            }
            OffsetUnit::Byte => Some((
                self.character_at(offsets.start)?,
                self.character_at(offsets.end)?,
            )),
        }
    }

    fn character_at(&self, byte: usize) -> Option<usize> {
        let mut bytes = 0;
        for (index, character) in self.characters.iter().enumerate() {
            if bytes >= byte {
                return (bytes == byte).then_some(index);
            }
            bytes += character.len_utf8();
        }
        (bytes == byte).then_some(self.characters.len())
    }

    fn reads(&self, start: usize, end: usize, text: &str) -> bool {
        self.characters[start..end].iter().copied().eq(text.chars())
    }

    /// For each token, whether it lies in a run that some text repeats.
    fn covered_by_text(&self, texts: &[Rc<[Word]>]) -> Vec<bool> {
        let mut covered = vec![false; self.tokens.len()];
        let run = RUN.min(self.tokens.len());
        if run == 0 {
            return covered;
        }
        for window in texts.iter().flat_map(|text| text.windows(run)) {
            if window.contains(&UNKNOWN) {
                continue;
            }
            for &start in self.runs.get(&key(window)).into_iter().flatten() {
                covered[start..start + run].fill(true);
            }
        }
        covered
    }
}

/// Where each run begins; the whole is one run if it is shorter.
fn runs(words: &[Word]) -> HashMap<[Word; RUN], Vec<usize>> {
    let mut runs: HashMap<_, Vec<usize>> = HashMap::new();
    for (start, window) in words.windows(RUN.min(words.len()).max(1)).enumerate() {
        runs.entry(key(window)).or_default().push(start);
    }
    runs
}

/// A run of at most [`RUN`] words, made up to that length.
fn key(window: &[Word]) -> [Word; RUN] {
    let mut key = [UNKNOWN; RUN];
    key[..window.len()].copy_from_slice(window);
    key
}

/// The union of ranges, so that a token that spans two touching hits counts as retrieved.
fn merged(mut ranges: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    ranges.sort_unstable();
    let mut union: Vec<(usize, usize)> = Vec::new();
    for (start, end) in ranges {
        match union.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => union.push((start, end)),
        }
    }
    union
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{DocId, SectionId};

    fn section(id: &str, text: &str) -> Section {
        Section {
            doc_id: DocId::new("d"),
            section_id: SectionId::new(id),
            title: String::new(),
            text: text.to_owned(),
            rev: String::new(),
            line: 0,
        }
    }

    /// First character and one past the last.
    type Span = (usize, usize);

    #[track_caller]
    fn check(target: &str, hits: &[(&str, &str, Option<Span>)], expected: f64, mode: CoverageMode) {
        let target = section("t", target);
        let tokens = TargetTokens::new([(&target, [].as_slice())]);
        let keys: Vec<SectionKey> = hits
            .iter()
            .map(|(id, _, _)| SectionKey::new("d", *id))
            .collect();
        let hits: Vec<Retrieved> = hits
            .iter()
            .zip(&keys)
            .map(|((_, text, range), section)| Retrieved {
                section,
                text,
                digest: Digest::of(text),
                offsets: range.map(|(start, end)| Offsets {
                    start,
                    end,
                    unit: OffsetUnit::Char,
                }),
            })
            .collect();
        let found = tokens
            .coverage(&hits, &mut ReadTexts::default())
            .expect("tokens");
        assert!((found.sections - expected).abs() < 1e-12, "{found:?}");
        assert_eq!(found.mode, mode);
    }

    const TEXT: &str = "Freeze the writes, drain the queue, then promote";

    #[test]
    fn offsets_cover_the_tokens_between_them() {
        check(
            TEXT,
            &[("t", "Freeze the writes", Some((0, 17)))],
            3.0 / 8.0,
            CoverageMode::Span,
        );
        check(
            TEXT,
            &[
                ("t", "Freeze the wri", Some((0, 14))),
                ("t", "tes, drain", Some((14, 24))),
            ],
            4.0 / 8.0,
            CoverageMode::Span,
        );
        check(
            TEXT,
            &[("other", "Freeze the writes", Some((0, 17)))],
            0.0,
            CoverageMode::Span,
        );
    }

    #[test]
    fn offsets_into_an_older_edition_are_not_believed() {
        check(
            TEXT,
            &[("t", "Freeze all writes", Some((0, 17)))],
            0.0,
            CoverageMode::Text,
        );
    }

    #[test]
    fn four_tokens_in_a_row_cover_and_three_do_not() {
        check(
            TEXT,
            &[("t", "DRAIN the queue: then stop", None)],
            4.0 / 8.0,
            CoverageMode::Text,
        );
        check(
            TEXT,
            &[("t", "drain the queue now", None)],
            0.0,
            CoverageMode::Text,
        );
        check(
            "Purge caches",
            &[("t", "first purge caches", None)],
            1.0,
            CoverageMode::Text,
        );
    }

    #[test]
    fn normal_forms_are_one() {
        check(
            "caf\u{e9} is open",
            &[("t", "cafe\u{301} is open", None)],
            1.0,
            CoverageMode::Text,
        );
    }

    #[test]
    fn byte_offsets_count_bytes() {
        let target = section("t", "é à drain");
        let tokens = TargetTokens::new([(&target, [].as_slice())]);
        let key = SectionKey::new("d", "t");
        let at = |start, end, text| {
            let hit = Retrieved {
                section: &key,
                text,
                digest: Digest::of(text),
                offsets: Some(Offsets {
                    start,
                    end,
                    unit: OffsetUnit::Byte,
                }),
            };
            tokens
                .coverage(&[hit], &mut ReadTexts::default())
                .expect("tokens")
        };
        assert!((at(3, 11, "à drain").sections - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(
            at(4, 11, " drain").mode,
            CoverageMode::Text,
            "inside a character"
        );
    }

    #[test]
    fn spans_narrow_the_evidence_and_not_the_section() {
        let target = section("t", TEXT);
        let tokens = TargetTokens::new([(&target, [(0, 17)].as_slice())]);
        let key = SectionKey::new("d", "t");
        let hit = Retrieved {
            section: &key,
            text: "Freeze the writes",
            digest: Digest::of("Freeze the writes"),
            offsets: Some(Offsets {
                start: 0,
                end: 17,
                unit: OffsetUnit::Char,
            }),
        };
        let found = tokens
            .coverage(&[hit], &mut ReadTexts::default())
            .expect("tokens");
        assert!((found.sections - 3.0 / 8.0).abs() < 1e-12);
        assert!((found.evidence - 1.0).abs() < 1e-12);
    }

    /// For each token, look for any run of four or more that holds it and stands in the hit.
    fn slow(target: &[Token], hit: &[Token]) -> f64 {
        let n = target.len();
        let least = RUN.min(n);
        let occurs = |run: &[Token]| {
            hit.windows(run.len())
                .any(|window| window.iter().zip(run).all(|(a, b)| a.word == b.word))
        };
        let covered = (0..n)
            .filter(|&i| {
                (0..=i).any(|start| {
                    (i + 1..=n).any(|end| end - start >= least && occurs(&target[start..end]))
                })
            })
            .count();
        covered as f64 / n as f64
    }

    proptest! {
        #[test]
        fn text_mode_agrees_with_looking_for_every_run(target in "([abc] ){1,14}", hit in "([abc] ){0,20}") {
            let section = section("t", &target);
            let tokens_of_target = TargetTokens::new([(&section, [].as_slice())]);
            let key = SectionKey::new("d", "t");
            let found = tokens_of_target.coverage(&[Retrieved { section: &key, text: &hit, offsets: None, digest: Digest::of(&hit) }], &mut ReadTexts::default()).expect("tokens");
            prop_assert!((found.sections - slow(&tokens(&target), &tokens(&hit))).abs() < 1e-12);
        }

        #[test]
        fn more_hits_never_cover_less(target in "([abc] ){4,14}", first in "([abc] ){0,9}", second in "([abc] ){0,9}") {
            let section = section("t", &target);
            let tokens = TargetTokens::new([(&section, [].as_slice())]);
            let key = SectionKey::new("d", "t");
            let hit = |text| Retrieved { section: &key, text, digest: Digest::of(text), offsets: None };
            let one = tokens.coverage(&[hit(first.as_str())], &mut ReadTexts::default()).expect("tokens").sections;
            let two = tokens.coverage(&[hit(first.as_str()), hit(second.as_str())], &mut ReadTexts::default()).expect("tokens").sections;
            prop_assert!(two >= one);
        }
    }
}
