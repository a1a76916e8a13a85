//! Runs that are put beside each other: whether they can be, and how.

mod recorded;

use std::collections::BTreeMap;

use miette::Diagnostic;
use thiserror::Error;

use crate::embed::EmbedderId;
use crate::ids::{Digest, QuestionId, TargetName};
use crate::measure::{CellMetrics, MetricTable};
use crate::replay::Observation;
use crate::report::{AskedIn, Report, TargetRecord};
use crate::target::{Role, Texts};

pub use recorded::{NoSide, Recorded};

/// Two runs of which no difference would mean anything.
#[derive(Debug, Error, Diagnostic)]
#[error("{first} and {second} cannot be compared: {}", reasons.join("; "))]
#[diagnostic(
    code(compare::not_comparable),
    help("ask both with the same gold set, questions, seeds, k and referee")
)]
pub struct NotComparable {
    first: String,
    second: String,
    reasons: Vec<String>,
}

/// What was asked, and who measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// For messages: the run's id, or the policy's name.
    pub run: String,
    /// Digest of the gold set.
    pub gold: Digest,
    /// Who measured; `None` for a replay that was never judged.
    pub referee: Option<EmbedderId>,
    /// Hits asked for.
    pub k: usize,
    /// Seeds sent.
    pub seeds: Vec<u64>,
    /// Questions, with the number of forms that were asked.
    pub questions: BTreeMap<QuestionId, usize>,
}

impl Asked {
    /// What was asked in a saved run.
    pub fn of(report: &Report) -> Self {
        let record = &report.record;
        Self {
            run: record.run_id.clone(),
            gold: record.gold_digest,
            referee: record.judged.as_ref().map(|judged| judged.referee.clone()),
            k: record.k,
            seeds: record.seeds.clone(),
            questions: forms(&report.table),
        }
    }

    /// Whether a difference between the two would mean anything.
    ///
    /// # Errors
    /// With every reason for which it would not.
    pub fn comparable_with(&self, other: &Self) -> Result<(), NotComparable> {
        let model = |asked: &Self| {
            let referee = asked.referee.as_ref();
            referee.map_or_else(
                || "none, since the run was never judged".to_owned(),
                |referee| format!("{} with {} dimensions", referee.model, referee.dim),
            )
        };
        let mut reasons = Vec::new();
        if self.gold != other.gold {
            reasons.push(format!(
                "the gold sets differ ({} and {})",
                self.gold, other.gold
            ));
        }
        if model(self) != model(other) || self.referee.is_none() {
            reasons.push(format!(
                "the referees differ ({} and {})",
                model(self),
                model(other)
            ));
        }
        if self.k != other.k {
            reasons.push(format!("k differs ({} and {})", self.k, other.k));
        }
        if self.seeds != other.seeds {
            reasons.push(format!(
                "the seeds differ ({:?} and {:?})",
                self.seeds, other.seeds
            ));
        }
        if self.questions != other.questions {
            let (a, b) = (self.questions.len(), other.questions.len());
            reasons.push(format!(
                "other questions or forms were asked ({a} and {b} questions)"
            ));
        }
        if reasons.is_empty() {
            return Ok(());
        }
        Err(NotComparable {
            first: self.run.clone(),
            second: other.run.clone(),
            reasons,
        })
    }
}

/// How many forms of each question a table has, over all its targets.
fn forms(table: &MetricTable) -> BTreeMap<QuestionId, usize> {
    let mut forms: BTreeMap<&QuestionId, std::collections::BTreeSet<_>> = BTreeMap::new();
    for cell in &table.cells {
        forms.entry(&cell.question).or_default().insert(cell.form);
    }
    forms
        .into_iter()
        .map(|(question, forms)| (question.clone(), forms.len()))
        .collect()
}

/// Some targets of a saved run under other names, ready to stand beside those of another run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sides {
    /// The targets.
    pub targets: Vec<TargetRecord>,
    /// Their cells.
    pub cells: Vec<CellMetrics>,
    /// Their observations.
    pub observations: Vec<Observation>,
    /// Every text of the run.
    pub texts: Texts,
}

impl Sides {
    /// Takes the targets for which `renamed` has a name out of a run.
    pub fn of(report: Report, renamed: impl Fn(&TargetName) -> Option<TargetName>) -> Self {
        let run_id = report.record.run_id;
        let targets = report.record.targets.into_iter().filter_map(|target| {
            Some(TargetRecord {
                name: renamed(&target.name)?,
                asked_in: Some(AskedIn {
                    run_id: run_id.clone(),
                    name: target.name,
                }),
                ..target
            })
        });
        let cells = report.table.cells.into_iter().filter_map(|cell| {
            Some(CellMetrics {
                target: renamed(&cell.target)?,
                ..cell
            })
        });
        let observations = report.observations.into_iter().filter_map(|seen| {
            Some(Observation {
                target: renamed(&seen.target)?,
                ..seen
            })
        });
        Self {
            targets: targets.collect(),
            cells: cells.collect(),
            observations: observations.collect(),
            texts: report.texts,
        }
    }

    /// The same targets as they were before: each beside the one of its name.
    pub fn before(report: Report) -> Self {
        let own: Vec<TargetName> = report
            .record
            .targets
            .iter()
            .filter(|target| target.baseline_of.is_none())
            .map(|target| target.name.clone())
            .collect();
        let name = |target: &TargetName| TargetName::new(format!("{target} (before)"));
        let mut sides = Self::of(report, |target| own.contains(target).then(|| name(target)));
        for target in &mut sides.targets {
            target.baseline_of = own.iter().find(|own| name(own) == target.name).cloned();
            target.role = Role::Baseline;
        }
        sides
    }
}
