//! What a policy is going to ask, before it asks anything.

use std::collections::BTreeMap;

use crate::goldset;
use crate::judge::Outlook;
use crate::parity::ContractField;
use crate::pipeline::PipelineError;
use crate::plan::{Policy, TargetSettings, TargetSpec};
use crate::target::Locality;

/// What a policy is going to ask: its gold set is read, and nothing is asked, embedded or built.
///
/// # Errors
/// If the gold set cannot be read, or nothing is left of it after the filter.
pub fn outlook(policy: &Policy) -> Result<Outlook, PipelineError> {
    let mut gold = goldset::load(&policy.gold)?;
    policy.filter.apply(&mut gold)?;
    let answerable = || gold.questions.iter().filter(|question| question.answerable);
    let mut topics = BTreeMap::new();
    for question in answerable() {
        *topics.entry(question.topic.clone()).or_insert(0) += 1;
    }
    let forms = answerable().map(|question| question.forms().count()).max();
    let judged = || policy.targets.iter().filter(|spec| spec.role.is_judged());
    let control = policy.targets.iter().find(|spec| spec.role.is_control());
    let states = |spec: &TargetSpec, field: ContractField| {
        spec.computed().contains(&field) || spec.stated.get(field).is_some()
    };
    let by_control = |field| control.is_some_and(|control| states(control, field));
    let fields = |other: &dyn Fn(&TargetSpec, ContractField) -> bool| {
        let known = |field: &ContractField| {
            judged().all(|spec| states(spec, *field) && other(spec, *field))
        };
        ContractField::ALL.iter().copied().filter(known).collect()
    };
    Ok(Outlook {
        n_questions: answerable().count(),
        topics,
        n_forms: forms.unwrap_or(1).min(1 + policy.replay.paraphrases),
        n_seeds: policy.replay.seeds.len(),
        n_sides: judged().count(),
        referee: policy.referee.kind(),
        locality: locality(policy),
        stated: fields(&|_, field| by_control(field)),
        compared: fields(&|spec, field| spec.intended.get(field).is_some() || by_control(field)),
        history: policy.history.is_some(),
        baseline: policy.baseline.is_some(),
    })
}

/// One target in this process is enough for a comparison of latencies to mean nothing.
fn locality(policy: &Policy) -> Locality {
    let in_process = |spec: &TargetSpec| matches!(spec.settings, TargetSettings::Embedded(_));
    if policy.targets.iter().any(in_process) {
        Locality::InProcess
    } else {
        Locality::Network
    }
}
