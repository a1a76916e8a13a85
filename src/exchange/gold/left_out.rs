//! What the other side cannot hold: listed by file, line and reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is lost.
    LeftOut,
    /// It is held by something else that says the same.
    Merged,
    /// The command did not ask for it.
    NotAsked,
}

/// Declares the reasons: a name for output, what became of it, and what it means.
macro_rules! reasons {
    ($($reason:ident = $name:literal, $fate:ident, $meaning:literal;)*) => {
        /// Why something of one side is not on the other.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason { $(#[doc = $meaning] $reason,)* }

        impl Reason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$reason,)*];

            /// The name printed and written to JSON.
            pub fn name(self) -> &'static str {
                match self { $(Self::$reason => $name,)* }
            }

            /// What became of it.
            pub fn fate(self) -> Fate {
                match self { $(Self::$reason => Fate::$fate,)* }
            }

            /// In words.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$reason => $meaning,)* }
            }
        }
    };
}

reasons! {
    BlankDocument = "blank-document", LeftOut, "a document without text";
    DuplicateDocument = "duplicate-document", LeftOut, "a document under the id of an earlier one, with another text";
    EqualText = "equal-text", Merged, "a document with the text of an earlier one, which stands for it";
    BlankWording = "blank-wording", LeftOut, "a wording without words";
    RepeatedWording = "repeated-wording", Merged, "a wording that its question has already";
    EqualWording = "equal-wording", LeftOut, "a wording that another question has";
    DuplicateQuestion = "duplicate-question", LeftOut, "a question under the id of an earlier one";
    NoTarget = "no-target", LeftOut, "a question without a section that answers it";
    UnknownDocument = "unknown-document", LeftOut, "a judgment of a document that is not in the corpus";
    UnknownQuestion = "unknown-question", LeftOut, "a judgment of a question that is not asked";
    SeveralSections = "several-sections", LeftOut, "a judgment of a document of several sections that names none";
    JudgedTwice = "judged-twice", Merged, "a second judgment of one section with another grade; the higher stands";
    SecondReference = "second-reference", LeftOut, "a reference answer beside the first";
    SecondTopic = "second-topic", LeftOut, "a topic other than that of the first wording";
    UnmatchedIds = "unmatched-ids", LeftOut, "ids of contexts that are not as many as the contexts";
    OverlappingSpans = "overlapping-spans", Merged, "answers that overlap, and became one span";
    AnswerElsewhere = "answer-elsewhere", LeftOut, "an answer that does not stand where it is said to";
    OfARun = "of-a-run", LeftOut, "a field that a system under test produced: it belongs to a run, not to a gold set";
    NoPlace = "no-place", LeftOut, "a field that the other side has no place for";
    NotMapped = "not-mapped", NotAsked, "a field that no --map names, or an element that its filter leaves";
    Paraphrase = "paraphrase", LeftOut, "a wording beside the first";
    Grade = "grade", LeftOut, "a judgment's grade";
    NotRelevant = "not-relevant", LeftOut, "a judgment that a section is not relevant";
    Unanswerable = "unanswerable", LeftOut, "a question without an answer";
    WhiteSpace = "white-space", LeftOut, "tabs and line ends, which became spaces";
    SeveralTargets = "several-targets", LeftOut, "a question that needs several sections";
    NoSpan = "no-span", LeftOut, "a question whose answer is no span of its section";
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One thing that is not on the other side, or one field of many rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1, where there is one; of a field, the first.
    pub line: Option<u64>,
    /// The document or question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The field of a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Why.
    pub reason: Reason,
    /// What became of it.
    pub fate: Fate,
    /// How many of them.
    pub n: usize,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl LeftOut {
    /// One document, question or judgment.
    pub(super) fn one(file: &Path, line: Option<u64>, id: &str, reason: Reason) -> Self {
        Self {
            file: file.to_owned(),
            line,
            id: Some(id.to_owned()),
            field: None,
            reason,
            fate: reason.fate(),
            n: 1,
            detail: None,
        }
    }

    /// A field of `n` rows, the first of which stands on `line`.
    pub(super) fn field(file: &Path, line: u64, field: &str, reason: Reason, n: usize) -> Self {
        Self {
            id: None,
            field: Some(field.to_owned()),
            n,
            ..Self::one(file, Some(line), "", reason)
        }
    }

    /// With more about it.
    #[must_use]
    pub(super) fn about(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }
}

/// Fields of many rows first, since there are few of them; else in the order in which they were
/// found.
pub(super) fn fields_first(mut left_out: Vec<LeftOut>) -> Vec<LeftOut> {
    left_out.sort_by_key(|entry| entry.field.is_none());
    left_out
}

/// How many things have one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Why.
    pub reason: Reason,
    /// What became of them.
    pub fate: Fate,
    /// How many.
    pub n: usize,
    /// The reason in words.
    pub meaning: &'static str,
}

/// The counts by reason, in the order of the table.
pub fn counts(left_out: &[LeftOut]) -> Vec<Count> {
    let mut counts: BTreeMap<Reason, usize> = BTreeMap::new();
    for entry in left_out {
        *counts.entry(entry.reason).or_default() += entry.n;
    }
    counts
        .into_iter()
        .map(|(reason, n)| Count {
            reason,
            fate: reason.fate(),
            n,
            meaning: reason.meaning(),
        })
        .collect()
}
