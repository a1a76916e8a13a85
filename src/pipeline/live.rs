//! The rows of a live target, downloaded to a file, and what it claims of itself.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use crate::export::{IpcWriter, Source, WrittenRow};
use crate::goldset;
use crate::net::Failure;
use crate::parity::{Behaviour, Contract, ContractField, Reading};
use crate::pipeline::prepare::referee;
use crate::pipeline::retrieval::read_retrieval;
use crate::pipeline::targets::{named, query_endpoint};
use crate::pipeline::{Occasion, PipelineError, read_canaries, read_token_streams, targets};
use crate::plan::{Policy, TargetSpec};
use crate::replay::{self, Pages, patiently};
use crate::target::{Listing, StoredRow, Target};

/// A live target, ready to be looked at.
pub struct Live {
    target: Arc<dyn Target>,
    spec: TargetSpec,
    settings: replay::Settings,
}

impl Live {
    /// Builds one target of a policy.
    ///
    /// # Errors
    /// If the policy has no such target, or it cannot be built.
    pub async fn prepare(
        policy: &Policy,
        name: &str,
        occasion: &Occasion,
    ) -> Result<Self, PipelineError> {
        let spec = named(policy, name)?;
        let gold = goldset::load(&policy.gold)?;
        let prepared = targets::prepare(std::slice::from_ref(spec), &gold, gold.digest())?;
        let prepared = prepared.into_iter().next().expect("one for each");
        let mut texts = prepared.texts(&gold)?;
        texts.sort_unstable();
        texts.dedup();
        let vectors = referee(&policy.referee, &gold)?.vectors(&texts).await?;
        let target =
            prepared.build(&spec.name, &gold.corpus, &Arc::new(vectors), None, occasion)?;
        Ok(Self {
            target,
            spec: spec.clone(),
            settings: policy.replay.clone(),
        })
    }

    /// What the policy declares for it, where it differs from its control on purpose.
    pub fn intended(&self) -> &Contract {
        &self.spec.intended
    }

    /// What it says of itself, with what the policy states for it.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn claims(&self) -> Result<Contract, PipelineError> {
        let read = patiently(&self.settings, |attempt| self.target.contract(attempt)).await;
        Ok(read.map_err(self.failed())?.or(&self.spec.stated))
    }

    /// Writes all its rows to an Arrow file. `progress` is told how many there are so far.
    ///
    /// # Errors
    /// If it does not list its rows, or stops doing so, or the file cannot be written.
    pub async fn download(
        &self,
        to: &Path,
        progress: &mut (dyn FnMut(usize) + Send),
    ) -> Result<(), PipelineError> {
        let export = match self.target.listing() {
            Listing::None => {
                return Err(PipelineError::NotListed {
                    target: self.spec.name.clone(),
                });
            }
            Listing::Known(_, export) | Listing::Paged(export) => export,
        };
        let not_written = |source| PipelineError::Download {
            path: to.to_owned(),
            source,
        };
        let mut writer = IpcWriter::create(to).map_err(not_written)?;
        let mut done = 0;
        let mut pages = Pages::of(export);
        while let Some(rows) = pages.next(&self.settings).await.map_err(self.failed())? {
            writer
                .write(rows.iter().map(written))
                .map_err(not_written)?;
            done += rows.len();
            progress(done);
        }
        writer.finish().map_err(not_written)
    }

    /// What it does: how it cuts texts, how it embeds fixed strings, and what it finds of its own rows.
    /// What cannot be read is said and ends nothing. `progress` is told `(done, planned)` questions.
    ///
    /// # Errors
    /// If its contract can no longer be read, or is not what it was: then nothing that was read belongs to
    /// one index.
    pub async fn behaviour(
        &self,
        policy: &Policy,
        claimed: &Contract,
        rows: &Source,
        occasion: &Occasion,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<Behaviour, PipelineError> {
        let name = self.spec.name.as_str();
        let streams = read_token_streams(self.target.as_ref(), &self.settings).await;
        let canaries = match self.spec.settings.embedding() {
            None => Reading::NotRead("the policy names no embedding service of its own".to_owned()),
            Some(embedding) => match query_endpoint(embedding) {
                Ok(endpoint) => reading(read_canaries(&endpoint, REPEATS).await),
                Err(error) => Reading::NotRead(error.to_string()),
            },
        };
        let retrieval = read_retrieval(policy, name, rows, occasion, progress).await;
        Ok(Behaviour {
            identity: Reading::Read(self.still(claimed).await?),
            analyzer: reading(streams),
            canaries,
            retrieval: reading(retrieval),
        })
    }

    /// Which index it is, if it states now what it stated before.
    ///
    /// # Errors
    /// If it does not.
    pub async fn still(&self, claimed: &Contract) -> Result<String, PipelineError> {
        let now = self.claims().await?;
        let moved = ContractField::ALL.iter().copied();
        let moved: Vec<&str> = moved
            .filter(|field| now.get(*field) != claimed.get(*field))
            .map(ContractField::name)
            .collect();
        let name = &self.spec.name;
        if !moved.is_empty() {
            return Err(PipelineError::Live {
                target: name.clone(),
                words: format!("{} moved while it was looked at", moved.join(", ")),
            });
        }
        Ok(match claimed.get(ContractField::IndexParams) {
            Some(index) => format!("{name} is {index}, and stayed it"),
            None => format!("the contract of {name} did not move"),
        })
    }

    fn failed(&self) -> impl Fn(Failure) -> PipelineError {
        |failure| PipelineError::Live {
            target: self.spec.name.clone(),
            words: failure.to_string(),
        }
    }
}

/// How often each canary is embedded: twice tells that there is noise, three times how much.
const REPEATS: NonZeroUsize = NonZeroUsize::new(3).expect("not zero");

fn reading<T, E: std::error::Error>(read: Result<T, E>) -> Reading<T> {
    match read {
        Ok(read) => Reading::Read(read),
        Err(error) => Reading::NotRead(error.to_string()),
    }
}

fn written(row: &StoredRow) -> WrittenRow<'_> {
    WrittenRow {
        id: &row.id,
        section: (row.section.doc_id.as_str(), row.section.section_id.as_str()),
        text: &row.text,
        metadata: &row.metadata,
        vector: row.vector.as_deref(),
    }
}
