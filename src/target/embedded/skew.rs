//! What can be made wrong with an embedded index on purpose, for drills and tests.

use miette::Diagnostic;
use thiserror::Error;

use crate::goldset::Section;
use crate::ids::Digest;

/// Faults planted into an index; the default plants none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skew {
    /// Sections (`doc/section`) or whole documents (`doc/*`) that the index lost.
    pub missing: Vec<String>,
    /// Sections that are still in their older edition.
    pub edited: Vec<String>,
    /// Sections whose older edition was left beside the current one.
    pub duplicated: Vec<String>,
    /// Where older editions come from.
    pub older_editions: Vec<Section>,
    /// Whether vectors keep their unit length.
    pub lengths: Lengths,
}

/// The length of the stored vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lengths {
    /// All 1.
    #[default]
    Unit,
    /// Between ½ and 2, fixed by the row's id: as if normalisation was left out.
    Uneven,
}

/// A skew that cannot be planted.
#[derive(Debug, Error, Diagnostic)]
pub enum SkewError {
    /// No such section.
    #[error("skew: there is no section `{0}` in the corpus")]
    #[diagnostic(
        code(skew::unknown),
        help("write it as `doc_id/section_id`, or `doc_id/*` in `missing` for a whole document")
    )]
    Unknown(String),
    /// No older edition.
    #[error("skew: there is no older edition of `{0}`")]
    #[diagnostic(
        code(skew::edition),
        help("add it to the file that `older_editions` names")
    )]
    NoOlderEdition(String),
}

impl Skew {
    /// The sections as this index holds them.
    pub(super) fn apply(&self, corpus: &[Section]) -> Result<Vec<Section>, SkewError> {
        let known = |name: &String| corpus.iter().any(|section| names(name, section));
        let named = self
            .missing
            .iter()
            .chain(&self.edited)
            .chain(&self.duplicated);
        if let Some(unknown) = named.into_iter().find(|name| !known(name)) {
            return Err(SkewError::Unknown(unknown.clone()));
        }
        let mut sections = Vec::new();
        for section in corpus {
            let on = |list: &[String]| list.iter().any(|name| names(name, section));
            if on(&self.missing) {
                continue;
            }
            if on(&self.edited) {
                sections.push(self.older(section)?);
                continue;
            }
            sections.push(section.clone());
            if on(&self.duplicated) {
                sections.push(self.older(section)?);
            }
        }
        Ok(sections)
    }

    fn older(&self, section: &Section) -> Result<Section, SkewError> {
        let found = self
            .older_editions
            .iter()
            .find(|older| older.key() == section.key());
        found
            .cloned()
            .ok_or_else(|| SkewError::NoOlderEdition(section.key().to_string()))
    }

    /// The length of a row's vector.
    pub(super) fn length_of(&self, row: &str) -> f32 {
        match self.lengths {
            Lengths::Unit => 1.0,
            Lengths::Uneven => {
                let share = f32::from(Digest::of(row).as_bytes()[0]) / f32::from(u8::MAX);
                0.5 * 4.0_f32.powf(share)
            }
        }
    }
}

/// Whether a name of the policy means this section.
fn names(name: &str, section: &Section) -> bool {
    match name.strip_suffix("/*") {
        Some(document) => document == section.doc_id.as_str(),
        None => name == section.key().to_string(),
    }
}
