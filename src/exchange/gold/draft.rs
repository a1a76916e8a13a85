//! What the files say, before it is known what of it a gold set can hold.

use std::path::PathBuf;
use std::sync::Arc;

use crate::exchange::gold::left_out::{LeftOut, Reason};
use crate::ids::Digest;

/// Where something stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: Arc<PathBuf>,
    line: Option<u64>,
}

impl Place {
    pub(super) fn new(file: &Arc<PathBuf>, line: impl Into<Option<u64>>) -> Self {
        Self {
            file: Arc::clone(file),
            line: line.into(),
        }
    }

    /// Something here that the gold set does not hold.
    pub(super) fn left_out(&self, id: &str, reason: Reason) -> LeftOut {
        LeftOut::one(&self.file, self.line, id, reason)
    }
}

/// The section of a document that is one section.
pub(super) const WHOLE: &str = "0";
/// The topic of a question whose file has none.
pub(super) const ANY_TOPIC: &str = "all";
/// The edition of a text whose file has none.
pub(super) const ANY_REV: &str = "1";
/// Hexadecimal digits of the digest that names a text without an id.
const NAME_DIGITS: usize = 16;

/// A document or one of its sections.
#[derive(Clone, Debug)]
pub(super) struct DraftSection {
    pub(super) doc_id: String,
    pub(super) section_id: String,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) rev: String,
    /// Whether several questions may bring it along, so that it stands in the file several times.
    pub(super) is_context: bool,
    pub(super) place: Place,
}

impl DraftSection {
    /// A whole document.
    pub(super) fn whole(doc_id: String, text: String, place: Place) -> Self {
        Self {
            doc_id,
            section_id: WHOLE.to_owned(),
            title: String::new(),
            text,
            rev: ANY_REV.to_owned(),
            is_context: false,
            place,
        }
    }

    /// A text that a question brings along. Without an id it is named by its digest, so that the
    /// same text is the same document in every import.
    pub(super) fn context(id: Option<String>, text: String, place: Place) -> Self {
        let doc_id = id.unwrap_or_else(|| Digest::of(&text).short(NAME_DIGITS));
        Self {
            is_context: true,
            ..Self::whole(doc_id, text, place)
        }
    }
}

/// What a judgment is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Judged {
    /// A document, or `document#section`.
    Document(String),
    /// One section of a document.
    Section(String, String),
}

impl std::fmt::Display for Judged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Document(id) => f.write_str(id),
            Self::Section(document, section) => write!(f, "{document}#{section}"),
        }
    }
}

/// That a section answers a question, or does not.
#[derive(Clone, Debug)]
pub(super) struct DraftJudgment {
    pub(super) judged: Judged,
    pub(super) grade: i32,
    /// Half-open ranges of characters, in any order.
    pub(super) spans: Vec<(usize, usize)>,
    pub(super) place: Place,
}

/// A question, or one wording of it.
#[derive(Clone, Debug)]
pub(super) struct DraftQuestion {
    pub(super) id: String,
    /// Rows of one group are wordings of one question, which has this id.
    pub(super) group: Option<String>,
    pub(super) topic: Option<String>,
    /// The original first.
    pub(super) wordings: Vec<String>,
    pub(super) references: Vec<String>,
    pub(super) not_allowed: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) answerable: bool,
    pub(super) decoy: Option<Judged>,
    pub(super) judgments: Vec<DraftJudgment>,
    pub(super) place: Place,
}

impl DraftQuestion {
    /// A question with nothing but its words.
    pub(super) fn new(id: String, wordings: Vec<String>, place: Place) -> Self {
        Self {
            id,
            group: None,
            topic: None,
            wordings,
            references: Vec::new(),
            not_allowed: Vec::new(),
            tags: Vec::new(),
            answerable: true,
            decoy: None,
            judgments: Vec::new(),
            place,
        }
    }
}

/// Everything that was read.
#[derive(Default)]
pub(super) struct Draft {
    /// What was read, in that order.
    pub(super) files: Vec<PathBuf>,
    pub(super) sections: Vec<DraftSection>,
    pub(super) questions: Vec<DraftQuestion>,
    /// Judgments that stand in a file of their own, by the id of their question.
    pub(super) judgments: Vec<(String, DraftJudgment)>,
    pub(super) left_out: Vec<LeftOut>,
}
