//! `kind = "embedded"`.

use std::path::PathBuf;

use crate::goldset::Snippets;
use crate::plan::PolicyError;
use crate::plan::targets::{Place, filter};
use crate::plan::written::Target;
use crate::target::Metric;
use crate::target::embedded::{Analyzer, Ranking};
use crate::target::store::Filter;

/// An index in this process, over the gold set's own corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedSpec {
    /// Distance of the dense search.
    pub metric: Metric,
    /// Text analysis of the lexical search.
    pub analyzer: Analyzer,
    /// Which searches rank.
    pub ranking: Ranking,
    /// How sections are cut, if not as the gold set says.
    pub snippets: Option<Snippets>,
    /// What production asks for beside nearness.
    pub filter: Filter,
    /// Lost sections.
    pub missing: Vec<String>,
    /// Sections in their older edition.
    pub edited: Vec<String>,
    /// Sections with their older edition beside them.
    pub duplicated: Vec<String>,
    /// The file of older editions.
    pub older_editions: Option<PathBuf>,
    /// Whether stored vectors keep their unit length.
    pub unnormalised: bool,
}

pub(super) const KEYS: [&str; 6] = [
    "metric",
    "analyzer",
    "ranking",
    "snippet_sentences",
    "filter",
    "skew",
];

pub(super) fn fill(target: &mut Target) {
    target.metric.get_or_insert_default();
    target.analyzer.get_or_insert_default();
    target.ranking.get_or_insert_default();
    target.skew.get_or_insert_default();
}

/// What the index is.
///
/// # Errors
/// If its filter is none.
pub(super) fn spec(place: &Place, target: &mut Target) -> Result<EmbeddedSpec, PolicyError> {
    let skew = target.skew.take().unwrap_or_default();
    Ok(EmbeddedSpec {
        filter: filter::filter(place, target)?,
        metric: target.metric.unwrap_or_default(),
        analyzer: target.analyzer.unwrap_or_default(),
        ranking: target.ranking.unwrap_or_default(),
        snippets: target
            .snippet_sentences
            .map(|sentences| Snippets { sentences }),
        missing: skew.missing,
        edited: skew.edited,
        duplicated: skew.duplicated,
        older_editions: skew.older_editions.map(|path| place.folder.join(path)),
        unnormalised: skew.unnormalised,
    })
}
