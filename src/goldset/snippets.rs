//! Cuts a section into the snippets that an index holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

/// How sections are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snippets {
    /// Sentences (UAX #29) in a snippet; 0 keeps sections whole.
    pub sentences: usize,
}

/// The name a contract states: `section` or `sentences:3`.
impl std::fmt::Display for Snippets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.sentences {
            0 => f.write_str("section"),
            n => write!(f, "sentences:{n}"),
        }
    }
}

/// A piece of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snippet<'a> {
    /// The piece, without white space at its ends.
    pub text: &'a str,
    /// First character within the section, from 0.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// Cuts a text into consecutive snippets. Nothing but white space at their ends is left out.
///
/// ```
/// use ragstone::goldset::{Snippets, snippets};
/// let cut = snippets("Freeze. Drain. Promote.", Snippets { sentences: 2 });
/// assert_eq!(cut.iter().map(|s| s.text).collect::<Vec<_>>(), ["Freeze. Drain.", "Promote."]);
/// assert_eq!((cut[1].start, cut[1].end), (15, 23));
/// ```
pub fn snippets(text: &str, how: Snippets) -> Vec<Snippet<'_>> {
    let sentences: Vec<&str> = text.split_sentence_bounds().collect();
    let per_snippet = if how.sentences == 0 {
        sentences.len().max(1)
    } else {
        how.sentences
    };
    let (mut bytes, mut chars) = (0, 0);
    let mut cut = Vec::new();
    for group in sentences.chunks(per_snippet) {
        let length: usize = group.iter().map(|sentence| sentence.len()).sum();
        let piece = &text[bytes..bytes + length];
        let lead = piece.chars().take_while(|c| c.is_whitespace()).count();
        let trimmed = piece.trim();
        let start = chars + lead;
        if !trimmed.is_empty() {
            cut.push(Snippet {
                text: trimmed,
                start,
                end: start + trimmed.chars().count(),
            });
        }
        bytes += length;
        chars += piece.chars().count();
    }
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_snippet_is_the_text_at_its_offsets_and_no_word_is_lost(text in "(([A-Zé]{1,3}[a-zü]{0,5}[.!? ]{1,2}){0,4}[ 漢\n]{0,2}){0,4}", sentences in 0_usize..4) {
            let characters: Vec<char> = text.chars().collect();
            let cut = snippets(&text, Snippets { sentences });
            let mut covered = vec![false; characters.len()];
            for snippet in &cut {
                let slice: String = characters[snippet.start..snippet.end].iter().collect();
                prop_assert_eq!(slice.as_str(), snippet.text);
                covered[snippet.start..snippet.end].iter_mut().for_each(|c| *c = true);
            }
            for (character, covered) in characters.iter().zip(covered) {
                prop_assert!(covered || character.is_whitespace());
            }
        }
    }
}
