//! What a finished replay leaves behind: the record of the run, and its observations on disk.

use std::collections::BTreeMap;
use std::path::Path;

use crate::ids::TargetName;
use crate::measure::{Matched, MetricTable, Prepared, measure, seeds_vary};
use crate::pipeline::{Asked, PipelineError, Replayed};
use crate::replay::{Counts, Kept};
use crate::report::{ProbesWriter, RunRecord};
use crate::traffic::Observed;

impl Replayed {
    /// Judges by live requests and a drill log too.
    #[must_use]
    pub fn observing(mut self, observed: Observed) -> Self {
        self.session.observed = observed;
        self
    }

    /// What was asked of whom. `seeds_vary` says of a target whether another seed ever changed a reply.
    pub(super) fn record(&self, seeds_vary: &dyn Fn(&TargetName) -> Option<bool>) -> RunRecord {
        let session = &self.session;
        let asked = Asked {
            policy: &session.policy,
            gold: &session.gold,
            gold_digest: session.gold_digest,
            n_questions: session.n_questions,
        };
        let mut record = asked.record(&self.finished.sides, seeds_vary, &self.occasion);
        let beside = session.asked_in.iter().zip(&session.caches);
        for (target, (asked_in, cached)) in record.targets.iter_mut().zip(beside) {
            target.asked_in.clone_from(asked_in);
            target.cache_abandoned = cached.as_ref().and_then(|cached| cached.abandoned());
        }
        record
    }

    /// Writes what a replay alone yields into a folder that exists, part by part: `run.json`, observations and
    /// texts.
    ///
    /// # Errors
    /// If the folder cannot be written, or the journal was changed.
    pub fn save(&self, folder: &Path) -> Result<Counts, PipelineError> {
        let mut writer = ProbesWriter::create(folder)?;
        let mut counts = Counts::default();
        let mut vary: BTreeMap<TargetName, Option<bool>> = BTreeMap::new();
        for part in self.finished.parts(&self.session.gold) {
            let part = part?;
            for side in &part.sides {
                let here = seeds_vary(&part, &side.name);
                let so_far = vary.entry(side.name.clone()).or_default();
                *so_far = match (*so_far, here) {
                    (Some(a), Some(b)) => Some(a || b),
                    (a, b) => a.or(b),
                };
            }
            counts = counts.with(part.counts());
            writer.push(&part.observations, &part.texts)?;
        }
        let record = self.record(&|target| vary.get(target).copied().flatten());
        writer.finish(&record)?;
        Ok(counts)
    }

    /// Measures part by part.
    ///
    /// # Errors
    /// If a retrieved text has no vector and none can be made, or the journal was changed.
    pub async fn measure(&self) -> Result<MetricTable, PipelineError> {
        let retrieved = self.finished.kept.retrieved()?;
        let vectors = self.session.vectors_of(&retrieved).await?;
        let prepared = Prepared::new(&self.session.gold, &vectors)?;
        let mut table = MetricTable::default();
        for part in self.finished.parts(&self.session.gold) {
            let part = part?;
            let measured = measure(
                Matched::new(&prepared, &part)?,
                &self.session.policy.ranking,
            );
            table.cells.extend(measured.cells);
        }
        Ok(table)
    }

    /// The journal, to be removed when what it holds is kept elsewhere.
    pub fn journal(self) -> Kept {
        self.finished.kept
    }
}
