//! What the sections of a corpus are called where documents have one id.

use std::collections::BTreeMap;

use crate::exchange::{DocumentNames, ExchangeError, Spelling};
use crate::goldset::{GoldSet, Section};
use crate::ids::SectionKey;

/// One name a section of the corpus.
pub(super) struct Names {
    names: BTreeMap<SectionKey, String>,
}

impl Names {
    /// The names of a corpus, as they are spelled in a format.
    ///
    /// # Errors
    /// If two sections would have one name.
    pub(super) fn of(gold: &GoldSet, spelling: Spelling) -> Result<Self, ExchangeError> {
        let keys: Vec<SectionKey> = gold.corpus.iter().map(Section::key).collect();
        let names = DocumentNames::of(&keys, spelling).map_err(|clash| ExchangeError::Clash {
            first: clash.first.to_string(),
            second: clash.second.to_string(),
            id: clash.name,
        })?;
        let of_sections = keys.into_iter().map(|key| {
            let name = names.name(&key);
            (key, name)
        });
        Ok(Self {
            names: of_sections.collect(),
        })
    }

    /// The name of a section of the corpus.
    pub(super) fn name(&self, key: &SectionKey) -> &str {
        self.names
            .get(key)
            .expect("the gold set was checked when it was read")
    }
}
