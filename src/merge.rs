//! Puts the shards of one run together again.

use std::collections::{BTreeMap, BTreeSet};

use miette::Diagnostic;
use thiserror::Error;

use crate::goldset::Filter;
use crate::ids::QuestionId;
use crate::parity::{Contract, ContractField};
use crate::pipeline::judge_again;
use crate::report::{JudgedRecord, Report, RunRecord};

/// Why runs are not the shards of one.
#[derive(Debug, Error, Diagnostic)]
pub enum MergeError {
    /// A run that is no shard.
    #[error("{run}: was not made with --shard")]
    #[diagnostic(
        code(merge::shard),
        help("merge takes every part of one run, each made with --shard i/n")
    )]
    NotAShard {
        /// Its id.
        run: String,
    },
    /// A replay that was never judged.
    #[error("{run}: was never judged")]
    #[diagnostic(
        code(merge::not_judged),
        help("make each part with `ragstone gate --shard i/n`")
    )]
    NotJudged {
        /// Its id.
        run: String,
    },
    /// Parts are missing or given twice.
    #[error("the parts do not make a whole: given {given}, expected 1 to {of}")]
    #[diagnostic(code(merge::parts), help("name each part once"))]
    Parts {
        /// The parts that were given.
        given: String,
        /// How many there should be.
        of: usize,
    },
    /// The parts were not made alike.
    #[error("{run}: another {what} than the first part")]
    #[diagnostic(
        code(merge::differs),
        help(
            "parts of one run share gold set, policy, referee and contracts; ask that part again"
        )
    )]
    Differs {
        /// Its id.
        run: String,
        /// What is not the same.
        what: &'static str,
    },
}

/// The run that would have been, had it not been cut into shards: judged again over all questions.
///
/// The parts may come in any order. A target that was built in the process of each part may say another
/// `BUILD_TS` in each; any other difference of contracts is refused.
///
/// # Errors
/// If the reports are not all shards of one run.
pub fn merge(mut parts: Vec<Report>, run_id: &str) -> Result<Report, MergeError> {
    check_parts(&parts)?;
    parts.sort_by_key(|part| part.record.filter.shard);
    for part in &parts[1..] {
        check_alike(&parts[0], part)?;
    }
    let mut whole = joined(&parts, run_id);
    let not_judged = || MergeError::NotJudged {
        run: whole.record.run_id.clone(),
    };
    whole.verdict = judge_again(&whole).ok_or_else(not_judged)?;
    Ok(whole)
}

fn check_parts(parts: &[Report]) -> Result<(), MergeError> {
    let mut given = BTreeSet::new();
    let mut of = 0;
    for part in parts {
        let shard = part
            .record
            .filter
            .shard
            .ok_or_else(|| MergeError::NotAShard {
                run: part.record.run_id.clone(),
            })?;
        given.insert(shard.index());
        of = of.max(shard.of());
    }
    let same = parts.iter().all(|part| {
        part.record
            .filter
            .shard
            .is_some_and(|shard| shard.of() == of)
    });
    if same && parts.len() == of && given.len() == of {
        return Ok(());
    }
    let given: Vec<String> = parts
        .iter()
        .filter_map(|part| part.record.filter.shard)
        .map(|shard| shard.to_string())
        .collect();
    Err(MergeError::Parts {
        given: given.join(", "),
        of,
    })
}

fn check_alike(first: &Report, part: &Report) -> Result<(), MergeError> {
    let differs = |what| MergeError::Differs {
        run: part.record.run_id.clone(),
        what,
    };
    let (ours, theirs) = (&first.record, &part.record);
    let slice = |record: &RunRecord| Filter {
        shard: None,
        ..record.filter.clone()
    };
    let (Some(judged), Some(also)) = (&ours.judged, &theirs.judged) else {
        return Err(MergeError::NotJudged {
            run: theirs.run_id.clone(),
        });
    };
    let pairs = [
        ("gold set", ours.gold_digest == theirs.gold_digest),
        ("policy", ours.policy_digest == theirs.policy_digest),
        ("slice", slice(ours) == slice(theirs)),
        ("program version", ours.tool_version == theirs.tool_version),
        ("judging", judged.settings == also.settings),
        ("referee", judged.referee == also.referee),
        (
            "contract",
            contracts(ours) == contracts(theirs) && rows(judged) == rows(also),
        ),
    ];
    pairs
        .into_iter()
        .find(|(_, same)| !same)
        .map_or(Ok(()), |(what, _)| Err(differs(what)))
}

/// Contracts without the time of building.
fn contracts(record: &RunRecord) -> Vec<Vec<(ContractField, String)>> {
    let timeless = |contract: &Contract| {
        let fields = contract
            .iter()
            .filter(|(field, _)| *field != ContractField::BuildTs);
        fields
            .map(|(field, value)| (field, value.to_owned()))
            .collect()
    };
    record
        .targets
        .iter()
        .flat_map(|target| [&target.contract_at_start, &target.contract_at_end])
        .flatten()
        .map(timeless)
        .collect()
}

fn rows(judged: &JudgedRecord) -> Vec<&Option<crate::parity::RowDiff>> {
    judged.parity.iter().map(|parity| &parity.rows).collect()
}

fn joined(parts: &[Report], run_id: &str) -> Report {
    let mut whole = parts[0].clone();
    for part in &parts[1..] {
        whole
            .record
            .questions
            .extend(part.record.questions.iter().cloned());
        whole.table.cells.extend(part.table.cells.iter().cloned());
        whole.observations.extend(part.observations.iter().cloned());
        whole.texts.extend(
            part.texts
                .iter()
                .map(|(digest, text)| (*digest, text.clone())),
        );
        if let (Some(judged), Some(other)) = (&mut whole.record.judged, &part.record.judged) {
            for (ours, theirs) in judged.answers.iter_mut().zip(&other.answers) {
                ours.join(theirs);
            }
        }
        for (target, other) in whole.record.targets.iter_mut().zip(&part.record.targets) {
            // One part in which a seed mattered is enough.
            target.seeds_vary = [target.seeds_vary, other.seeds_vary]
                .into_iter()
                .flatten()
                .reduce(|a, b| a || b);
        }
        whole.verdict.started_at = whole
            .verdict
            .started_at
            .min(part.verdict.started_at.clone());
        whole.verdict.ended_at = whole.verdict.ended_at.max(part.verdict.ended_at.clone());
    }
    whole.record.filter.shard = None;
    whole.record.plan_digest = None;
    whole.record.started_at = None;
    run_id.clone_into(&mut whole.record.run_id);
    // In the order of the gold set; within a question the parts kept plan order.
    whole.record.questions.sort_by_key(|question| question.line);
    let places = whole
        .record
        .questions
        .iter()
        .enumerate()
        .map(|(place, question)| (question.id.clone(), place));
    let places: BTreeMap<QuestionId, usize> = places.collect();
    for answers in whole
        .record
        .judged
        .iter_mut()
        .flat_map(|judged| &mut judged.answers)
    {
        answers
            .questions
            .sort_by_key(|answer| places[&answer.question]);
    }
    whole.table.cells.sort_by_key(|cell| places[&cell.question]);
    whole
        .observations
        .sort_by_key(|seen| places[&seen.question]);
    whole
}
