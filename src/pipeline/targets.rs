//! From a target's settings to a target that can be asked.

use std::sync::Arc;

use crate::embed::VectorTable;
use crate::goldset::{self, GoldSet, GoldSetError};
use crate::ids::TargetName;
use crate::pipeline::{Occasion, PipelineError};
use crate::plan::{EmbeddedSpec, TargetSettings, TargetSpec};
use crate::target::Target;
use crate::target::embedded::{self, Embedded, Lengths, Settings, Skew};

/// A target whose files are read and which only lacks vectors.
pub(super) enum Prepared {
    /// An index in this process.
    Embedded(Settings),
}

/// Reads what the targets need from disk.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn prepare(
    specs: &[TargetSpec],
    gold: &GoldSet,
) -> Result<Vec<Prepared>, PipelineError> {
    let one = |spec: &TargetSpec| match &spec.settings {
        TargetSettings::Embedded(embedded) => {
            Ok(Prepared::Embedded(embedded_settings(embedded, gold)?))
        }
    };
    specs.iter().map(one).collect()
}

impl Prepared {
    /// The texts that the target will want vectors for.
    ///
    /// # Errors
    /// If a skew names what is not there.
    pub(super) fn texts(&self, gold: &GoldSet) -> Result<Vec<String>, PipelineError> {
        match self {
            Self::Embedded(settings) => Ok(embedded::texts(&gold.corpus, settings)?),
        }
    }

    /// The target, ready to be asked.
    ///
    /// # Errors
    /// If it cannot be built, or cannot even be called.
    pub(super) fn build(
        self,
        name: &TargetName,
        gold: &GoldSet,
        vectors: &Arc<VectorTable>,
        occasion: &Occasion,
    ) -> Result<Arc<dyn Target>, PipelineError> {
        match self {
            Self::Embedded(settings) => Ok(Arc::new(Embedded::build(
                name.clone(),
                &gold.corpus,
                &settings,
                Arc::clone(vectors),
                &occasion.started_at,
            )?)),
        }
    }
}

fn embedded_settings(spec: &EmbeddedSpec, gold: &GoldSet) -> Result<Settings, GoldSetError> {
    let older_editions = spec
        .older_editions
        .as_deref()
        .map(goldset::read_sections)
        .transpose()?
        .unwrap_or_default();
    Ok(Settings {
        metric: spec.metric,
        analyzer: spec.analyzer,
        ranking: spec.ranking,
        snippets: spec.snippets.unwrap_or(gold.manifest.snippets),
        skew: Skew {
            missing: spec.missing.clone(),
            edited: spec.edited.clone(),
            duplicated: spec.duplicated.clone(),
            older_editions,
            lengths: if spec.unnormalised {
                Lengths::Uneven
            } else {
                Lengths::Unit
            },
        },
    })
}
