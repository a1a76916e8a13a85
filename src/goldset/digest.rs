//! The identity of a gold set: what it asks and what it holds, whatever the order of lines or the
//! spelling of the JSON.

use crate::goldset::GoldSet;
use crate::ids::Digest;

const DOMAIN: &str = "ragstone 2026 gold set v1";

impl GoldSet {
    /// BLAKE3 of the canonical form: questions by id, then sections by key, each as RFC 8785 JSON
    /// with defaults written out, less spans, grades and judgments where a question has none: these came
    /// later, and a gold set without them keeps its digest.
    ///
    /// Name, version and vectors are left out, so that a copy under another name has the same
    /// digest.
    ///
    /// ```no_run
    /// let gold = ragstone::goldset::load("goldsets/handbook".as_ref())?;
    /// println!("{}", gold.digest());
    /// # Ok::<(), ragstone::goldset::GoldSetError>(())
    /// ```
    pub fn digest(&self) -> Digest {
        let mut questions: Vec<_> = self.questions.iter().collect();
        questions.sort_by(|a, b| a.id.cmp(&b.id));
        let mut sections: Vec<_> = self.corpus.iter().collect();
        sections.sort_by_key(|section| section.key());
        let canonical = serde_json_canonicalizer::to_vec(&(questions, sections))
            .expect("strings and integers have a canonical form");
        Digest::derive(DOMAIN, canonical)
    }
}
