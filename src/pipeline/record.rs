//! What a run asked of whom, for `run.json`.

use crate::goldset::GoldSet;
use crate::ids::{Digest, TargetName};
use crate::pipeline::Occasion;
use crate::plan::{Policy, TargetSpec};
use crate::replay::{Plan, Side};
use crate::report::{QuestionRecord, RunRecord, TargetRecord};

/// What a policy asks: its gold set, of which the filter has left what is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What is asked.
    pub gold: &'a GoldSet,
    /// Of the whole gold set.
    pub gold_digest: Digest,
    /// Questions of the whole gold set.
    pub n_questions: usize,
}

impl Asked<'_> {
    /// Every probe.
    pub fn plan(self) -> Plan {
        Plan::new(self.gold, self.policy.targets.len(), &self.policy.replay)
    }

    /// What was asked of whom in a run of this policy. `seeds_vary` says of a target whether another seed
    /// ever changed a reply.
    pub fn record(
        self,
        sides: &[Side],
        seeds_vary: &dyn Fn(&TargetName) -> Option<bool>,
        occasion: &Occasion,
    ) -> RunRecord {
        let settings = &self.policy.replay;
        let target = |(side, spec): (&Side, &TargetSpec)| TargetRecord {
            name: side.name.clone(),
            role: spec.role,
            locality: side.locality,
            contract_at_start: side.contract_at_start.clone().ok(),
            contract_at_end: side.contract_at_end.clone().ok(),
            contract_error: [&side.contract_at_start, &side.contract_at_end]
                .into_iter()
                .find_map(|reading| reading.clone().err()),
            stamp_lies: side.stamp_lies.clone(),
            given_up: side.given_up.clone(),
            seeds_vary: seeds_vary(&side.name),
            cache_abandoned: None,
            asked_in: None,
            baseline_of: None,
        };
        RunRecord {
            format: RunRecord::FORMAT,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            run_id: occasion.run_id.clone(),
            gold_name: self.gold.manifest.name.clone(),
            gold_digest: self.gold_digest,
            policy_digest: self.policy.digest,
            plan_digest: Some(self.plan().digest(self.gold)),
            started_at: Some(occasion.started_at.clone()),
            filter: self.policy.filter.clone(),
            gold_questions: self.n_questions,
            k: settings.k.get(),
            k_sweep: settings.k_sweep.iter().map(|k| k.get()).collect(),
            seeds: settings.seeds.iter().map(|seed| seed.0).collect(),
            judged: None,
            targets: sides.iter().zip(&self.policy.targets).map(target).collect(),
            questions: self.questions(),
        }
    }

    fn questions(self) -> Vec<QuestionRecord> {
        let questions = self.gold.questions.iter();
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
}
