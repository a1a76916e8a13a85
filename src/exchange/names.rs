//! What sections are called in formats that know only documents.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use miette::Diagnostic;
use thiserror::Error;

use crate::ids::{DocId, SectionKey};

/// Names of sections: the document's id where it has one section, else `doc_id#section_id`.
#[derive(Clone, Debug)]
pub struct DocumentNames {
    /// Documents of several sections.
    several: BTreeSet<DocId>,
    spelling: Spelling,
}

/// How a name is spelled in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As it is.
    AsIs,
    /// For TREC's files: white space parts their fields, and `#` begins a comment. Both are percent-encoded.
    Trec,
}

/// Two sections with one name.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[error("the sections {first} and {second} would both be called {name}")]
#[diagnostic(code(exchange::clash), help("rename one of the two documents"))]
pub struct NameClash {
    /// One of them.
    pub first: SectionKey,
    /// The other.
    pub second: SectionKey,
    /// Their common name.
    pub name: String,
}

impl DocumentNames {
    /// Of all sections that there are; each may come more than once.
    ///
    /// ```
    /// use ragstone::exchange::{DocumentNames, Spelling};
    /// use ragstone::ids::SectionKey;
    /// let sections = [("guide", "1"), ("guide", "2"), ("note", "1")];
    /// let sections = sections.map(|(doc, section)| SectionKey::new(doc, section));
    /// let names = DocumentNames::of(&sections, Spelling::AsIs).expect("no clash");
    /// assert_eq!(sections.each_ref().map(|key| names.name(key)), ["guide#1", "guide#2", "note"]);
    /// ```
    ///
    /// # Errors
    /// If two sections would have one name, such as `b` of the document `a` and the document `a#b`.
    pub fn of<'a>(
        sections: impl IntoIterator<Item = &'a SectionKey>,
        spelling: Spelling,
    ) -> Result<Self, NameClash> {
        let sections: BTreeSet<&SectionKey> = sections.into_iter().collect();
        let mut documents: BTreeMap<&DocId, usize> = BTreeMap::new();
        for section in &sections {
            *documents.entry(&section.doc_id).or_default() += 1;
        }
        let several = documents.into_iter().filter(|(_, n)| *n > 1);
        let names = Self {
            several: several.map(|(document, _)| document.clone()).collect(),
            spelling,
        };
        let mut taken: BTreeMap<String, &SectionKey> = BTreeMap::new();
        for section in sections {
            let name = names.name(section);
            if let Some(first) = taken.insert(name.clone(), section) {
                return Err(NameClash {
                    first: first.clone(),
                    second: section.clone(),
                    name,
                });
            }
        }
        Ok(names)
    }

    /// The name of a section.
    pub fn name(&self, section: &SectionKey) -> String {
        if self.several.contains(&section.doc_id) {
            let both = format!("{}#{}", section.doc_id, section.section_id);
            self.spelling.of(&both)
        } else {
            self.spelling.of(section.doc_id.as_str())
        }
    }
}

impl Spelling {
    /// A name as it is spelled. An empty one is `%` in TREC's files.
    pub fn of(self, name: &str) -> String {
        match self {
            Self::AsIs => name.to_owned(),
            Self::Trec if name.is_empty() => "%".to_owned(),
            Self::Trec => without_spaces(name),
        }
    }
}

fn without_spaces(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for (at, c) in name.char_indices() {
        if c.is_whitespace() || c.is_control() || (at == 0 && c == '#') {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(encoded, "%{byte:02X}");
            }
        } else {
            encoded.push(c);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(Spelling::Trec.of(name), expected);
    }

    #[test]
    fn white_space_and_a_leading_hash_are_encoded_and_nothing_else() {
        check("doc#3.1", "doc#3.1");
        check("a b\tc\n", "a%20b%09c%0A");
        check("a\u{a0}b", "a%C2%A0b");
        check("#1#2", "%231#2");
        check("100%20", "100%20");
        check("", "%");
    }

    #[test]
    fn two_sections_of_one_name_are_refused() {
        let clash = |sections: [(&str, &str); 2], spelling| {
            let sections = sections.map(|(doc, section)| SectionKey::new(doc, section));
            DocumentNames::of(&sections, spelling)
                .err()
                .map(|clash| clash.name)
        };
        let spaced = [("a b", "0"), ("a%20b", "0")];
        assert_eq!(clash(spaced, Spelling::AsIs), None);
        assert_eq!(clash(spaced, Spelling::Trec), Some("a%20b".to_owned()));
        let three = [("a", "b"), ("a", "c"), ("a#b", "0")];
        let three = three.map(|(doc, section)| SectionKey::new(doc, section));
        let clash = DocumentNames::of(&three, Spelling::AsIs).expect_err("a clash");
        assert_eq!(clash.name, "a#b");
    }
}
