//! What a finished replay leaves behind: the record of the run, and its observations on disk.

use std::collections::BTreeMap;
use std::path::Path;

use crate::ids::TargetName;
use crate::measure::{Matched, MetricTable, Prepared, measure, seeds_vary};
use crate::pipeline::{PipelineError, Replayed};
use crate::replay::{Counts, Kept};
use crate::report::{ProbesWriter, QuestionRecord, RunRecord, TargetRecord};

impl Replayed {
    /// What was asked of whom. `seeds_vary` says of a target whether another seed ever changed a reply.
    pub(super) fn record(&self, seeds_vary: &dyn Fn(&TargetName) -> Option<bool>) -> RunRecord {
        let (session, sides) = (&self.session, &self.finished.sides);
        let settings = &session.policy.replay;
        let targets = sides.iter().zip(&session.policy.targets);
        RunRecord {
            format: RunRecord::FORMAT,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            run_id: self.occasion.run_id.clone(),
            gold_name: session.gold.manifest.name.clone(),
            gold_digest: session.gold_digest,
            policy_digest: session.policy.digest,
            filter: session.policy.filter.clone(),
            gold_questions: session.n_questions,
            k: settings.k.get(),
            k_sweep: settings.k_sweep.iter().map(|k| k.get()).collect(),
            seeds: settings.seeds.iter().map(|seed| seed.0).collect(),
            judged: None,
            targets: targets
                .map(|(side, spec)| TargetRecord {
                    name: side.name.clone(),
                    role: spec.role,
                    locality: side.locality,
                    contract_at_start: side.contract_at_start.clone().ok(),
                    contract_at_end: side.contract_at_end.clone().ok(),
                    contract_error: [&side.contract_at_start, &side.contract_at_end]
                        .into_iter()
                        .find_map(|reading| reading.clone().err()),
                    given_up: side.given_up.clone(),
                    seeds_vary: seeds_vary(&side.name),
                    asked_in: None,
                    baseline_of: None,
                })
                .collect(),
            questions: self.questions(),
        }
    }

    fn questions(&self) -> Vec<QuestionRecord> {
        let questions = self.session.gold.questions.iter();
        questions
            .map(|question| QuestionRecord {
                id: question.id.clone(),
                line: question.line,
                topic: question.topic.clone(),
                forms: question.forms().map(|(_, text)| text.to_owned()).collect(),
                targets: question
                    .target
                    .iter()
                    .map(|target| target.key.clone())
                    .collect(),
            })
            .collect()
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

    /// Measures part by part, with the vectors at hand, which is all there is to do unless a target
    /// returned texts of its own.
    ///
    /// # Errors
    /// If a retrieved text has no vector, or the journal was changed.
    pub fn measure(&self) -> Result<MetricTable, PipelineError> {
        let prepared = Prepared::new(&self.session.gold, &self.session.vectors)?;
        let mut table = MetricTable::default();
        for part in self.finished.parts(&self.session.gold) {
            let part = part?;
            let measured = measure(Matched::new(&prepared, &part)?);
            table.cells.extend(measured.cells);
        }
        Ok(table)
    }

    /// The journal, to be removed when what it holds is kept elsewhere.
    pub fn journal(self) -> Kept {
        self.finished.kept
    }
}
