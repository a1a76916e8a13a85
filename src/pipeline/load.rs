//! Filling a store with a gold set's corpus, so that a server can stand beside the embedded index.

use std::sync::Arc;
use std::time::Duration;

use crate::goldset;
use crate::ids::TargetName;
use crate::net::{Attempt, Failure};
use crate::pipeline::PipelineError;
use crate::pipeline::prepare::referee;
use crate::pipeline::targets::named;
use crate::plan::{Policy, TargetSettings};
use crate::target::chroma::ChromaLoad;
use crate::target::embedded::{self, Settings, stored_rows, texts};
use crate::target::pgvector::PgvectorLoad;
use crate::target::store::{Load, Shape};
use crate::target::{Metric, StoredRow, Working};

/// Rows sent at once.
const BATCH: usize = 256;
/// One step may take this long; building an index is one.
const TIMEOUT: Duration = Duration::from_mins(10);
/// Why the referee's vectors would be wrong for a target.
const OTHER_MODEL: &str = "its questions are embedded by another model";

/// The rows of a gold set's corpus, cut and embedded as the embedded index has them, and the store that
/// is to hold them.
pub struct Loading {
    store: Box<dyn Load>,
    rows: Vec<StoredRow>,
    shape: Shape,
    left: &'static str,
}

impl Loading {
    /// Reads the gold set and its vectors; nothing is sent to the store yet.
    ///
    /// # Errors
    /// If the target cannot be filled, or a text of the corpus has no vector.
    pub async fn prepare(
        policy: &Policy,
        target: &str,
        metric: Metric,
    ) -> Result<Self, PipelineError> {
        let (name, store, left) = store(policy, target)?;
        let gold = goldset::load(&policy.gold)?;
        let settings = Settings {
            snippets: gold.manifest.snippets,
            ..embedded::Settings::default()
        };
        let mut wanted = texts(&gold.corpus, &settings)?;
        wanted.sort_unstable();
        wanted.dedup();
        let vectors = referee(&policy.referee, &gold)?.vectors(&wanted).await?;
        Ok(Self {
            store,
            rows: stored_rows(&name, &gold.corpus, &settings, &vectors)?,
            shape: Shape {
                dim: vectors.dim(),
                metric,
            },
            left,
        })
    }

    /// Where the rows go.
    pub fn place(&self) -> String {
        self.store.place()
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Makes the place and fills it. `progress` is told `(done, planned)`.
    ///
    /// # Errors
    /// If the place exists, or the store refuses.
    pub async fn run(&self, progress: &mut dyn FnMut(usize, usize)) -> Result<(), PipelineError> {
        let step = |left: &'static str| {
            move |failure: Failure| PipelineError::Load {
                place: self.place(),
                words: failure.to_string(),
                left,
            }
        };
        within(|attempt| self.store.create(self.shape, attempt))
            .await
            .map_err(step("nothing was written"))?;
        for (index, batch) in self.rows.chunks(BATCH).enumerate() {
            progress(index * BATCH, self.rows.len());
            within(|attempt| self.store.add(batch, attempt))
                .await
                .map_err(step(self.left))?;
        }
        within(|attempt| self.store.finish(self.shape, attempt))
            .await
            .map_err(step(self.left))
    }
}

async fn within<'a>(call: impl FnOnce(Arc<Attempt>) -> Working<'a, ()>) -> Result<(), Failure> {
    let attempt = Attempt::begin();
    let done = tokio::time::timeout(TIMEOUT, call(Arc::clone(&attempt))).await;
    done.unwrap_or_else(|_| Err(Failure::timeout(attempt.stage(), TIMEOUT)))
}

/// The store behind a target, and what an attempt leaves behind that breaks off.
fn store(
    policy: &Policy,
    target: &str,
) -> Result<(TargetName, Box<dyn Load>, &'static str), PipelineError> {
    let spec = named(policy, target)?;
    let name = spec.name.clone();
    let not_fillable = |problem| PipelineError::NotFillable {
        target: name.clone(),
        problem,
    };
    let cannot_call = |source| PipelineError::Connection {
        target: name.clone(),
        source,
    };
    match &spec.settings {
        TargetSettings::Pgvector(spec) if spec.embedding.is_some() => {
            Err(not_fillable(OTHER_MODEL))
        }
        TargetSettings::Chroma(spec) if spec.embedding.is_some() => Err(not_fillable(OTHER_MODEL)),
        TargetSettings::Pgvector(spec) => {
            let store = PgvectorLoad::new(spec.settings.clone()).map_err(cannot_call)?;
            let left = "the transaction was rolled back, and no table is left";
            Ok((name, Box::new(store), left))
        }
        TargetSettings::Chroma(spec) => {
            let store = ChromaLoad::new(spec.settings.clone()).map_err(cannot_call)?;
            Ok((name, Box::new(store), "delete the incomplete collection"))
        }
        _ => Err(not_fillable("it is no store that this command fills")),
    }
}
