//! Which columns of an export are what.

use serde::{Deserialize, Serialize};

use super::ExportError;

/// Which columns of an export are what.
///
/// A name that is given must be there; the default of one that is not given (`text`, `vector`, …)
/// may be missing, and then the export has nothing of that kind. An id is always needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// The id: text, or integers, which are written in decimal.
    pub id: String,
    /// The text; by default `text`.
    pub text: Option<String>,
    /// The vector; by default `vector`.
    pub vector: Option<String>,
    /// What is kept beside the text; by default `metadata`.
    ///
    /// One column of text holds a JSON object in each row; one of structs or maps is an object as
    /// it stands; one of any other type, and several columns, make an object with the columns'
    /// names as keys, where a column without a value gives no key.
    pub metadata: Vec<String>,
    /// The document that a row was cut from; by default `doc_id`.
    pub doc_id: Option<String>,
    /// The section that a row was cut from; by default `section_id`. Sections need both columns.
    pub section_id: Option<String>,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            id: "id".to_owned(),
            text: None,
            vector: None,
            metadata: Vec::new(),
            doc_id: None,
            section_id: None,
        }
    }
}

/// What columns are wanted for, as messages say it.
pub(super) mod channel {
    pub(in crate::export) const ID: &str = "id";
    pub(in crate::export) const TEXT: &str = "text";
    pub(in crate::export) const VECTOR: &str = "vector";
    pub(in crate::export) const METADATA: &str = "metadata";
    pub(in crate::export) const DOC_ID: &str = "document";
    pub(in crate::export) const SECTION_ID: &str = "section";
}

/// The columns that are there, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) id: String,
    pub(super) text: Option<String>,
    pub(super) vector: Option<String>,
    pub(super) metadata: Vec<String>,
    /// Document and section.
    pub(super) sections: Option<(String, String)>,
}

impl Columns {
    /// Finds the columns among those that a file has.
    pub(super) fn among(
        &self,
        names: &[String],
        path: &std::path::Path,
    ) -> Result<Present, ExportError> {
        let there = |name: &str| names.iter().any(|other| other == name);
        let needed = |name: &String, channel| {
            there(name).then(|| name.clone()).ok_or_else(|| {
                let (path, column) = (path.to_owned(), name.clone());
                let found = names.to_vec();
                ExportError::Column {
                    path,
                    channel,
                    column,
                    found,
                }
            })
        };
        let found = |named: &Option<String>, default: &str, channel| match named {
            Some(name) => needed(name, channel).map(Some),
            None => Ok(there(default).then(|| default.to_owned())),
        };
        let metadata = match self.metadata.as_slice() {
            [] => Vec::from_iter(there("metadata").then(|| "metadata".to_owned())),
            several => several
                .iter()
                .map(|name| needed(name, channel::METADATA))
                .collect::<Result<_, _>>()?,
        };
        let doc_id = found(&self.doc_id, "doc_id", channel::DOC_ID)?;
        let section_id = found(&self.section_id, "section_id", channel::SECTION_ID)?;
        let sections = match (doc_id, section_id) {
            (Some(doc_id), None) if self.doc_id.is_some() => Some((
                doc_id,
                needed(&"section_id".to_owned(), channel::SECTION_ID)?,
            )),
            (None, Some(section_id)) if self.section_id.is_some() => {
                Some((needed(&"doc_id".to_owned(), channel::DOC_ID)?, section_id))
            }
            (doc_id, section_id) => doc_id.zip(section_id),
        };
        let present = Present {
            id: needed(&self.id, channel::ID)?,
            text: found(&self.text, "text", channel::TEXT)?,
            vector: found(&self.vector, "vector", channel::VECTOR)?,
            metadata,
            sections,
        };
        present.check()?;
        Ok(present)
    }
}

impl Present {
    /// Every column that is read, with what it is read for.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let sections = self.sections.iter().flat_map(|(doc_id, section_id)| {
            [
                (doc_id.as_str(), channel::DOC_ID),
                (section_id.as_str(), channel::SECTION_ID),
            ]
        });
        let metadata = self
            .metadata
            .iter()
            .map(|name| (name.as_str(), channel::METADATA));
        std::iter::once((self.id.as_str(), channel::ID))
            .chain(self.text.iter().map(|name| (name.as_str(), channel::TEXT)))
            .chain(
                self.vector
                    .iter()
                    .map(|name| (name.as_str(), channel::VECTOR)),
            )
            .chain(metadata)
            .chain(sections)
    }

    /// Those of a file's columns that nothing covers.
    pub(super) fn left_out<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a String> {
        names
            .iter()
            .filter(|name| self.all().all(|(read, _)| read != name.as_str()))
    }

    fn check(&self) -> Result<(), ExportError> {
        let mut others = self
            .all()
            .filter(|(_, channel)| *channel != channel::VECTOR);
        match others.find(|(name, _)| Some(*name) == self.vector.as_deref()) {
            Some((column, channel)) => Err(ExportError::Twice {
                column: column.to_owned(),
                channel,
            }),
            None => Ok(()),
        }
    }
}
