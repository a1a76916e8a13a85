//! Whether a paraphrase still asks what the original asks: by its words and by its vector.
//!
//! The limits were chosen on 2,001 query variants of ANTIQUE that people had labelled valid or not,
//! so that at most 4 % of the valid ones are doubted, and then tried on 429 variants of TREC 2019:
//! of those doubted there, nine of ten are not valid, and of those not valid, three of five are
//! doubted. `tests/it/paraphrase_labels.rs` measures both.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation;

use crate::goldset::Rule;

/// Cosine below which a paraphrase has probably become another question (MiniLM). Misspellings,
/// which move a vector as far, are not doubted.
pub const TOO_FAR: f64 = 0.60;
/// Cosine below which a word that was replaced in an otherwise equal wording has changed the
/// question (MiniLM).
pub const SWAPPED: f64 = 0.84;
/// Share of words that an otherwise equal wording keeps at least. A bolder paraphrase replaces
/// words by right, and only its distance tells.
pub const MOSTLY_EQUAL: f64 = 2.0 / 3.0;
/// Letters of the shortest word that carries meaning, so that no list of a language's small words
/// is needed.
const CONTENT_LETTERS: usize = 4;
/// Likeness of two words from which one is a spelling or another form of the other: 1 less the
/// share of letters that differ (optimal string alignment).
const SAME_WORD: f64 = 0.6;

/// Why a paraphrase should be looked at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Which rule.
    pub rule: Rule,
    /// What is the matter with it, as the end of a sentence.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

/// What is doubtful about a paraphrase, if anything. `cosine` is that of the two vectors, if there
/// are any.
///
/// ```
/// use ragstone::goldset::{Rule, paraphrase};
/// let doubt = |wording| paraphrase::doubt("how long is the journal", wording, Some(0.8));
/// assert_eq!(doubt("How long is the journal?").expect("a copy").rule, Rule::TooClose);
/// assert_eq!(doubt("how long is the queue").expect("a swap").rule, Rule::SwappedWord);
/// assert_eq!(doubt("what length does that journal have"), None);
/// ```
pub fn doubt(original: &str, wording: &str, cosine: Option<f64>) -> Option<Doubt> {
    let (own, other) = (words(original), words(wording));
    if own == other {
        return Some(Doubt {
            rule: Rule::TooClose,
            message: "has the words of the original in their order".to_owned(),
            help: "change words and syntax: a copy is no second opinion",
        });
    }
    let cosine = cosine?;
    let (lost, new) = (without(&own, &other), without(&other, &own));
    if let (Some(lost), Some(new)) = (lost.first(), new.first())
        && cosine < SWAPPED
        && kept(&own, &other) >= MOSTLY_EQUAL
    {
        return Some(Doubt {
            rule: Rule::SwappedWord,
            message: format!("says `{new}` where the original says `{lost}` (cosine {cosine:.2})"),
            help: "replace a word only by one that means the same here",
        });
    }
    let is_respelt = lost.is_empty() && new.is_empty();
    (cosine < TOO_FAR && !is_respelt).then(|| Doubt {
        rule: Rule::TooFar,
        message: format!("is far from the original wording (cosine {cosine:.2})"),
        help: "name the same subject and ask for the same facts",
    })
}

fn words(text: &str) -> Vec<String> {
    text.unicode_words().map(str::to_lowercase).collect()
}

/// The words with meaning that the others have in no spelling.
fn without<'a>(words: &'a [String], others: &[String]) -> Vec<&'a str> {
    let carries = |word: &&String| word.chars().count() >= CONTENT_LETTERS;
    let is_there = |word: &str| {
        others
            .iter()
            .any(|other| likeness(word, other) >= SAME_WORD)
    };
    words
        .iter()
        .filter(carries)
        .map(String::as_str)
        .filter(|word| !is_there(word))
        .collect()
}

fn likeness(a: &str, b: &str) -> f64 {
    let longer = a.chars().count().max(b.chars().count());
    1.0 - strsim::osa_distance(a, b) as f64 / longer as f64
}

/// Share of the words of the longer wording that both have.
fn kept(own: &[String], other: &[String]) -> f64 {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in own {
        *counts.entry(word).or_default() += 1;
    }
    let mut common = 0;
    for word in other {
        if let Some(count) = counts.get_mut(word.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            common += 1;
        }
    }
    f64::from(common) / own.len().max(other.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wording: &str, cosine: impl Into<Option<f64>>, rule: Option<Rule>) {
        let original = "why is the old dam leaking water";
        let found = doubt(original, wording, cosine.into());
        assert_eq!(found.map(|doubt| doubt.rule), rule);
    }

    #[test]
    fn a_copy_is_doubted_whatever_its_vector() {
        check(
            "Why is the old dam leaking water?",
            None,
            Some(Rule::TooClose),
        );
        check(
            "why is the old dam leaking water",
            1.0,
            Some(Rule::TooClose),
        );
        check("water is leaking - why, the old dam", 0.995, None);
    }

    #[test]
    fn one_word_may_be_replaced_by_another_of_its_meaning_only() {
        check(
            "why is the old dam leaking wine",
            0.83,
            Some(Rule::SwappedWord),
        );
        check("why is the old dam leaking liquid", 0.9, None);
        check("why is the old dam leaking watr", 0.5, None);
        check(
            "for what reason does that ancient dam lose its contents",
            0.7,
            None,
        );
        check("why is the old dam leaking wine", None, None);
    }

    #[test]
    fn what_is_far_is_doubted_unless_it_is_only_misspelt() {
        check("how are bridges painted in spring", 0.2, Some(Rule::TooFar));
        check("why is teh old dma leakign watre", 0.4, None);
        check("dam", 0.59, Some(Rule::TooFar));
        check("dam", 0.61, None);
    }

    #[test]
    fn wordings_without_a_word_are_compared_too() {
        assert_eq!(doubt("?", "!", None).expect("a copy").rule, Rule::TooClose);
        assert_eq!(doubt("?", "why", Some(0.9)), None);
    }
}
