//! The gold set: questions with paraphrases, target sections and decoys over a small corpus.
//!
//! A gold set is a folder: `gold.toml`, `questions.jsonl`, `corpus.jsonl` and `embeddings.parquet`.
//! [`load()`] reads it or says, by file and line, everything that is wrong with it. A [`GoldSet`]
//! keeps what the loader has proved: ids and texts are unique, every target and decoy exists, spans
//! lie inside their section, an anchor lies inside a target.

mod check;
mod digest;
mod filter;
pub mod lint;
mod load;
pub mod paraphrase;
mod problem;
mod snippets;
mod summary;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{DocId, Form, QuestionId, SectionId, SectionKey, Topic};

pub use filter::{Filter, NoQuestions, NotAShard, Sample, Shard};
pub use load::{GoldSetError, load, read_sections};
pub(crate) use load::{listed, without_line};
pub use problem::{Problem, Rule, Severity};
pub use snippets::{Snippet, Snippets, snippets};
pub use summary::{Spread, Summary, TopicSummary, summarise};

/// One gold question: an information need, its wordings and where the answer stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Ragstone gold question: one line of questions.jsonl")]
pub struct Question {
    /// Unique in the gold set.
    pub id: QuestionId,
    /// What it is about.
    pub topic: Topic,
    /// The original wording: form 0.
    #[schemars(length(min = 1))]
    pub question: String,
    /// Other wordings of the same need: forms 1…n.
    pub paraphrases: Vec<String>,
    /// Whether the corpus holds an answer. An unanswerable question has no target and no anchor.
    #[serde(default = "yes")]
    pub answerable: bool,
    /// Where the answer stands; all of it is needed.
    #[serde(default)]
    pub target: Vec<TargetSection>,
    /// Sections that were judged and do not answer, such as the grade 0 of TREC's judgments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_relevant: Vec<NotRelevant>,
    /// A section near in topic that does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoy: Option<SectionKey>,
    /// The minimal evidence, verbatim from a target section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// An answer in one or two sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Plausible answers that are wrong.
    #[serde(default)]
    pub answers_not_allowed: Vec<String>,
    /// Labels for slices.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Line of `questions.jsonl`, from 1.
    #[serde(skip)]
    pub line: u64,
}

impl Question {
    /// All wordings with their form, the original first.
    pub fn forms(&self) -> impl Iterator<Item = (Form, &str)> {
        let wordings = std::iter::once(&self.question).chain(&self.paraphrases);
        (0..).map(Form).zip(wordings.map(String::as_str))
    }

    /// Whether a section is one of the targets.
    pub fn is_target(&self, section: &SectionKey) -> bool {
        self.target.iter().any(|target| target.key == *section)
    }
}

fn yes() -> bool {
    true
}

/// A section that must be retrieved, or the stretches of it that carry the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "TargetAsWritten", into = "TargetAsWritten")]
pub struct TargetSection {
    /// Which section.
    pub key: SectionKey,
    /// Half-open ranges of characters (Unicode scalar values) of the section's text, ascending, not
    /// overlapping. None means the whole section.
    pub spans: Vec<(usize, usize)>,
    /// How relevant it is, at least 1. Where no grades were given it is 1.
    pub grade: i32,
}

/// The flat object of `questions.jsonl`; `#[serde(flatten)]` could not refuse unknown keys.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TargetAsWritten {
    /// The document.
    doc_id: DocId,
    /// The section within it.
    section_id: SectionId,
    /// Half-open ranges `[start, end)` of characters (Unicode scalar values) of the section's text,
    /// ascending, not overlapping, none empty. Without any, the whole section is meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spans: Vec<(usize, usize)>,
    /// How relevant the section is: 1, or more where judgments are graded.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1))]
    grade: i32,
}

fn one() -> i32 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
fn is_one(grade: &i32) -> bool {
    *grade == one()
}

impl From<TargetAsWritten> for TargetSection {
    fn from(raw: TargetAsWritten) -> Self {
        Self {
            key: SectionKey {
                doc_id: raw.doc_id,
                section_id: raw.section_id,
            },
            spans: raw.spans,
            grade: raw.grade,
        }
    }
}

impl From<TargetSection> for TargetAsWritten {
    fn from(target: TargetSection) -> Self {
        Self {
            doc_id: target.key.doc_id,
            section_id: target.key.section_id,
            spans: target.spans,
            grade: target.grade,
        }
    }
}

/// A section that was judged and is not relevant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "NotRelevantAsWritten", into = "NotRelevantAsWritten")]
pub struct NotRelevant {
    /// Which section.
    pub key: SectionKey,
    /// What it was judged, at most 0. TREC's tools take a negative grade for pooled but not judged.
    pub grade: i32,
}

/// The flat object of `questions.jsonl`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NotRelevantAsWritten {
    /// The document.
    doc_id: DocId,
    /// The section within it.
    section_id: SectionId,
    /// What it was judged: 0, or less where the judgments have several ways to say no.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(max = 0))]
    grade: i32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
fn is_zero(grade: &i32) -> bool {
    *grade == 0
}

impl From<NotRelevantAsWritten> for NotRelevant {
    fn from(raw: NotRelevantAsWritten) -> Self {
        Self {
            key: SectionKey {
                doc_id: raw.doc_id,
                section_id: raw.section_id,
            },
            grade: raw.grade,
        }
    }
}

impl From<NotRelevant> for NotRelevantAsWritten {
    fn from(judged: NotRelevant) -> Self {
        Self {
            doc_id: judged.key.doc_id,
            section_id: judged.key.section_id,
            grade: judged.grade,
        }
    }
}

/// A section of the corpus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Ragstone section: one line of corpus.jsonl")]
pub struct Section {
    /// The document it belongs to.
    pub doc_id: DocId,
    /// Its id within the document.
    pub section_id: SectionId,
    /// Its heading.
    pub title: String,
    /// Its text, exactly as it is indexed.
    #[schemars(length(min = 1))]
    pub text: String,
    /// Which edition of the text this is, such as a date.
    pub rev: String,
    /// Line of the file it was read from, from 1.
    #[serde(skip)]
    pub line: u64,
}

impl Section {
    /// Its key.
    pub fn key(&self) -> SectionKey {
        SectionKey {
            doc_id: self.doc_id.clone(),
            section_id: self.section_id.clone(),
        }
    }
}

/// `gold.toml`: what the gold set is called and how its corpus becomes an index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Ragstone gold set")]
pub struct Manifest {
    /// A short name.
    pub name: String,
    /// The gold set's own version.
    pub version: String,
    /// One sentence for people.
    #[serde(default)]
    pub description: String,
    /// SPDX expression of the texts.
    #[serde(default)]
    pub license: Option<String>,
    /// The embedding model of `embeddings.parquet`.
    pub model: String,
    /// How sections are cut into indexed snippets.
    #[serde(default)]
    pub snippets: Snippets,
    /// Further files of sections, such as older editions for drills, that `gold embed` embeds too.
    #[serde(default)]
    pub also_embed: Vec<PathBuf>,
}

/// A gold set that has been read and checked.
#[derive(Clone, Debug)]
pub struct GoldSet {
    /// The folder.
    pub root: PathBuf,
    /// `gold.toml`.
    pub manifest: Manifest,
    /// In file order.
    pub questions: Vec<Question>,
    /// In file order.
    pub corpus: Vec<Section>,
    by_key: BTreeMap<SectionKey, usize>,
}

impl GoldSet {
    /// A section of the corpus.
    pub fn section(&self, key: &SectionKey) -> Option<&Section> {
        self.by_key.get(key).map(|&index| &self.corpus[index])
    }

    /// Where the vectors of this gold set are kept.
    pub fn embeddings_path(&self) -> PathBuf {
        self.root.join("embeddings.parquet")
    }

    /// Every distinct text that measuring or indexing may want a vector of: question forms,
    /// sections, their snippets, anchors, and what `also_embed` adds (given by the caller, who has
    /// read those files). In order of first use.
    pub fn texts<'a>(&'a self, also: &'a [Section]) -> Vec<String> {
        let questions = self.questions.iter().flat_map(|question| {
            question
                .forms()
                .map(|(_, text)| text.to_owned())
                .chain(question.anchor.clone())
        });
        let sections = self.corpus.iter().chain(also).flat_map(|section| {
            let cut = snippets(&section.text, self.manifest.snippets)
                .into_iter()
                .map(|snippet| snippet.text.to_owned());
            std::iter::once(section.text.clone()).chain(cut)
        });
        let mut seen = std::collections::HashSet::new();
        questions
            .chain(sections)
            .filter(|text| seen.insert(text.clone()))
            .collect()
    }
}
