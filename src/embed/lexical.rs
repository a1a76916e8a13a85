//! A deterministic stand-in for a model: hashed words and character n-grams.
//!
//! It needs nothing and answers at once, which is good for trying a policy. Its distances have
//! another scale than those of a sentence embedder, so every ΔS check under it is INCONCLUSIVE.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::embed::VectorTable;

/// Numbers in a lexical vector.
pub const LEXICAL_DIM: usize = 512;
/// Length of the character n-grams, taken from `⟨word⟩` with its boundary marks.
const GRAM: usize = 3;
const MODEL: &str = "lexical-512-v1";

/// Embeds every text. A text without a word gets the direction of the empty feature, so that no
/// vector is zero.
pub(super) fn embed(texts: &[String]) -> VectorTable {
    let mut table = VectorTable::new(MODEL);
    for text in texts {
        table
            .insert_text(text, &vector(text))
            .expect("a lexical vector is finite and not zero");
    }
    table
}

/// Feature hashing with signs (Weinberger et al. 2009), each feature weighted by 1 + ln(count).
fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; LEXICAL_DIM];
    for (feature, count) in features(text) {
        let hash = blake3::hash(feature.as_bytes());
        let bytes = hash.as_bytes();
        let slot = usize::from(u16::from_le_bytes([bytes[0], bytes[1]])) % LEXICAL_DIM;
        let sign = if bytes[2] & 1 == 0 { 1.0 } else { -1.0 };
        vector[slot] += sign * (1.0 + (count as f32).ln());
    }
    if vector.iter().all(|&number| number.abs() < f32::EPSILON) {
        vector[0] = 1.0;
    }
    vector
}

fn features(text: &str) -> BTreeMap<String, usize> {
    let folded: String = text.nfc().collect::<String>().to_lowercase();
    let mut counts = BTreeMap::new();
    for word in folded.unicode_words() {
        *counts.entry(format!("w:{word}")).or_default() += 1;
        let marked: Vec<char> = std::iter::once('⟨')
            .chain(word.chars())
            .chain(std::iter::once('⟩'))
            .collect();
        for gram in marked.windows(GRAM) {
            *counts.entry(gram.iter().collect()).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::cosine;

    #[test]
    fn near_wordings_are_nearer_than_other_subjects() {
        let texts = [
            "How is a follower promoted?",
            "How do I promote the follower?",
            "Which cache prefix does green use?",
            "",
            "!!!",
        ]
        .map(String::from);
        let table = embed(&texts);
        let vector = |index: usize| table.of_text(&texts[index]).expect("embedded");
        assert!(cosine(vector(0), vector(1)) > cosine(vector(0), vector(2)));
        assert_eq!(table.dim(), LEXICAL_DIM);
    }
}
