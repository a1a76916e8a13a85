//! The rows of a store, page by page.

use std::sync::Arc;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::ids::SectionKey;
use crate::net::Attempt;
use crate::parity::StampRow;
use crate::parity::stamp::{Digester, GivenRow};
use crate::target::Working;

/// One row of an index, as its store holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRow {
    /// Its id in the index.
    pub id: String,
    /// The section it was cut from.
    pub section: SectionKey,
    /// Its text.
    pub text: String,
    /// Everything else that is kept beside it, but for the section's ids.
    pub metadata: Map<String, Value>,
    /// Its vector, if the store gives it out.
    pub vector: Option<Vec<f32>>,
}

/// A row whose metadata has no canonical form, so that it has no identity either.
#[derive(Debug, Error)]
#[error("the metadata of row {id} has no canonical JSON: {source}")]
pub struct Unidentified {
    id: String,
    source: serde_json::Error,
}

impl StoredRow {
    /// What a stamp keeps of it.
    ///
    /// # Errors
    /// If its metadata has no canonical JSON.
    pub fn stamped(&self, digester: &Digester) -> Result<StampRow, Unidentified> {
        let given = GivenRow {
            id: &self.id,
            section: Some(&self.section.to_string()),
            text: &self.text,
            metadata: &self.metadata,
            vector: self.vector.as_deref(),
        };
        digester.row(&given).map_err(|source| Unidentified {
            id: self.id.clone(),
            source,
        })
    }
}

/// Some rows, and where to go on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// In the store's order.
    pub rows: Vec<StoredRow>,
    /// To be given back for the next page; none after the last.
    pub next: Option<String>,
}

/// A store that gives out its rows.
pub trait Export: Send + Sync {
    /// The page after a mark that an earlier page gave, or the first.
    fn page<'a>(&'a self, after: Option<&'a str>, attempt: Arc<Attempt>) -> Working<'a, Page>;
}
