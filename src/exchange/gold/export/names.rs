//! What a section is called where documents have one id.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use crate::exchange::ExchangeError;
use crate::goldset::GoldSet;
use crate::ids::{DocId, SectionKey};

/// One name a section: its document's where that is one section, else `document#section`.
pub(super) struct Names {
    names: BTreeMap<SectionKey, String>,
}

impl Names {
    /// The names of a corpus, each passed through `spell`.
    ///
    /// # Errors
    /// If two sections would have one name.
    pub(super) fn of(gold: &GoldSet, spell: fn(&str) -> String) -> Result<Self, ExchangeError> {
        let mut sections: HashMap<&DocId, usize> = HashMap::new();
        for section in &gold.corpus {
            *sections.entry(&section.doc_id).or_default() += 1;
        }
        let mut taken: HashMap<String, SectionKey> = HashMap::new();
        let mut names = BTreeMap::new();
        for section in &gold.corpus {
            let name = match sections[&section.doc_id] {
                1 => spell(section.doc_id.as_str()),
                _ => spell(&format!("{}#{}", section.doc_id, section.section_id)),
            };
            let key = section.key();
            if let Some(first) = taken.insert(name.clone(), key.clone()) {
                return Err(ExchangeError::Clash {
                    first: first.to_string(),
                    second: key.to_string(),
                    id: name,
                });
            }
            names.insert(key, name);
        }
        Ok(Self { names })
    }

    /// The name of a section of the corpus.
    pub(super) fn name(&self, key: &SectionKey) -> &str {
        self.names
            .get(key)
            .expect("the gold set was checked when it was read")
    }
}

/// As it is.
pub(super) fn plain(name: &str) -> String {
    name.to_owned()
}

/// Without white space, which parts the fields of TREC's files, and without the `#` that begins a
/// comment: both percent-encoded.
pub(super) fn for_trec(name: &str) -> String {
    let mut spelled = String::with_capacity(name.len());
    for (index, character) in name.chars().enumerate() {
        if character.is_whitespace() || (index == 0 && character == '#') {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                write!(spelled, "%{byte:02X}").expect("a string takes all");
            }
        } else {
            spelled.push(character);
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trec_names_hold_no_white_space_and_begin_no_comment() {
        assert_eq!(for_trec("a b\u{a0}c"), "a%20b%C2%A0c");
        assert_eq!(for_trec("#1#2"), "%231#2");
        assert_eq!(for_trec("plain-1"), "plain-1");
    }
}
