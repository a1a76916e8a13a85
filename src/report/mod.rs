//! Reports: one value, many renderers.
//!
//! A [`Report`] is a finished run: the verdict and everything it was drawn from. It is saved as a
//! run folder and loads again from there, so that a report can be rendered later, elsewhere,
//! without a network. Renderers take `&Report` and a writer; they compute nothing that decides, and
//! no text from outside reaches HTML, XML, Markdown or a terminal unescaped.

mod calls;
mod checks_table;
mod columns;
mod comparison;
mod ctrf;
mod drawing;
mod escape;
mod figures;
mod folder;
mod github;
mod hit_lists;
mod html;
mod in_toto;
mod junit;
mod labels;
mod ladders;
mod markdown;
mod observed;
mod openmetrics;
mod probes;
mod rows;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sample_drill;
#[cfg(test)]
mod sample_pair;
mod terminal;

use serde::{Deserialize, Serialize};

use crate::drill::Drill;
use crate::embed::EmbedderId;
use crate::goldset::Filter;
use crate::ids::{Digest, QuestionId, SectionKey, TargetName, Topic};
use crate::judge::{self, Verdict};
use crate::measure::{Asking, MetricTable, SideAnswers};
use crate::parity::stamp::Lie;
use crate::parity::{Contract, SideParity};
use crate::replay::Observation;
use crate::target::{Locality, Role, Texts};
use crate::traffic::Observed;
use crate::units::Day;

pub use checks_table::checks_table;
pub use comparison::{
    Better, ComparedCell, Comparison, Flips, MeasureRow, Overlap, QuestionRow, TopicRow,
};
pub use ctrf::ctrf;
pub use drawing::Drawing;
pub use escape::{plain, printable};
pub use folder::{
    FolderError, Probes, load, load_probes, load_verdict, render, save, verdict_bytes, verdict_file,
};
pub use github::{Place, SUMMARY_BYTES, annotations, step_outputs, step_summary};
pub use html::html;
pub use in_toto::Statement;
pub use junit::junit;
pub use markdown::markdown;
pub use openmetrics::openmetrics;
pub use probes::ProbesWriter;
pub use terminal::{Style, terminal, terminal_checks, traffic_table};

/// A finished run and everything its verdict was drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The canonical result.
    pub verdict: Verdict,
    /// What was asked of whom, with what.
    pub record: RunRecord,
    /// One row of numbers a probe.
    pub table: MetricTable,
    /// What came back from each probe.
    pub observations: Vec<Observation>,
    /// Every retrieved text.
    pub texts: Texts,
    /// What was observed beside the probes.
    pub observed: Observed,
}

/// `run.json`: what was asked of whom, with what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this format.
    pub format: u32,
    /// Version of the program.
    pub tool_version: String,
    /// Which run.
    pub run_id: String,
    /// Name and version of the gold set.
    pub gold_name: String,
    /// Its digest.
    pub gold_digest: Digest,
    /// Digest of the checked policy.
    pub policy_digest: Digest,
    /// Digest of the probes planned, by which a run can go on; none where runs were put together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_digest: Option<Digest>,
    /// When the replay began, RFC 3339; none where runs were put together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// Which questions were asked.
    pub filter: Filter,
    /// Of how many in the gold set.
    pub gold_questions: usize,
    /// Hits asked for.
    pub k: usize,
    /// Cut-offs of the ΔS(k) curve.
    pub k_sweep: Vec<usize>,
    /// Seeds sent.
    pub seeds: Vec<u64>,
    /// What judging needs beside the tables; none for a replay alone.
    pub judged: Option<JudgedRecord>,
    /// Every target with its contracts.
    pub targets: Vec<TargetRecord>,
    /// Every question asked.
    pub questions: Vec<QuestionRecord>,
}

impl RunRecord {
    /// The format this version writes.
    pub const FORMAT: u32 = 1;

    /// The questions that have an answer, as comparing replies needs them.
    pub fn asking(&self) -> Vec<Asking<'_>> {
        let asked = self
            .questions
            .iter()
            .filter(|question| !question.targets.is_empty());
        asked
            .map(|question| Asking {
                id: &question.id,
                wording: question.forms.first().map_or("", String::as_str),
                targets: &question.targets,
            })
            .collect()
    }
}

/// What judging needs beside the tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedRecord {
    /// Runbook, stage, limits.
    pub settings: judge::Settings,
    /// The day (UTC) on which the run began: waivers are judged by it.
    pub on: Day,
    /// Who measured.
    pub referee: EmbedderId,
    /// Each side against the control, as found during the run.
    pub parity: Vec<SideParity>,
    /// Replies beside replies, where the runbook asks whether they are equal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<SideAnswers>,
    /// The plan of the drill that was audited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
}

/// One target of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetRecord {
    /// Its name.
    pub name: TargetName,
    /// Its part.
    pub role: Role,
    /// Whether its latency means anything.
    pub locality: Locality,
    /// Before the first probe; none if it could not be read.
    pub contract_at_start: Option<Contract>,
    /// After the last probe.
    pub contract_at_end: Option<Contract>,
    /// Why a contract could not be read.
    pub contract_error: Option<String>,
    /// Why it was not asked to the end, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<String>,
    /// Where its claims contradict what was computed of its rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stamp_lies: Vec<Lie>,
    /// Whether another seed ever changed a reply.
    pub seeds_vary: Option<bool>,
    /// Why replies of earlier runs were no longer used, where that happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_abandoned: Option<String>,
    /// The run in which it was asked, where that is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_in: Option<AskedIn>,
    /// The target that this one is an earlier run of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_of: Option<TargetName>,
}

/// Where a target was asked that stands beside those of another run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedIn {
    /// The run's id.
    pub run_id: String,
    /// Its name there.
    pub name: TargetName,
}

/// One question of a run, for people who read a report without the gold set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionRecord {
    /// Its id.
    pub id: QuestionId,
    /// Its line in `questions.jsonl`, which orders the questions of merged shards.
    pub line: u64,
    /// What it is about.
    pub topic: Topic,
    /// Its wordings, the original first.
    pub forms: Vec<String>,
    /// Where the answer stands.
    pub targets: Vec<SectionKey>,
}

#[cfg(test)]
mod tests;
