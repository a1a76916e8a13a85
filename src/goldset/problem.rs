//! What is wrong with a gold set, where, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The gold set can be used, but a careful author would look again.
    Warning,
    /// The gold set cannot be used.
    Error,
}

/// Declares the rules of the linter: a name for output, and how bad a breach is.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal, $severity:ident;)*) => {
        /// A rule that a gold set can break.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule { $($(#[$doc])* $rule,)* }

        impl Rule {
            /// The name printed and written to JSON.
            pub fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            /// How bad a breach is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity,)* }
            }
        }
    };
}

rules! {
    /// A line is not of the documented form.
    Schema = "schema", Error;
    /// There is nothing to ask or nothing to find.
    Empty = "empty", Error;
    /// An id occurs twice.
    DuplicateId = "duplicate-id", Error;
    /// A wording or a section's text occurs twice.
    DuplicateText = "duplicate-text", Error;
    /// A text that must say something is blank.
    Blank = "blank", Error;
    /// A target, decoy or judgment names a section that is not in the corpus.
    UnknownSection = "unknown-section", Error;
    /// An answerable question without a target, or an unanswerable one with a target.
    Target = "target", Error;
    /// A grade on the wrong side of zero.
    Grade = "grade", Error;
    /// A section that one question judges twice.
    JudgedTwice = "judged-twice", Error;
    /// A span is empty, out of order or outside its section.
    Span = "span", Error;
    /// The anchor is not inside a target section.
    Anchor = "anchor", Error;
    /// The decoy is one of the targets.
    DecoyIsTarget = "decoy-is-target", Error;
    /// Fewer than 50 or more than 200 questions.
    ProbeSetSize = "probe-set-size", Warning;
    /// Not three paraphrases.
    Paraphrases = "paraphrases", Warning;
    /// A paraphrase that is the original wording but for case and punctuation.
    TooClose = "paraphrase-too-close", Warning;
    /// A paraphrase that keeps most words and replaces one by a word of another meaning.
    SwappedWord = "paraphrase-swapped-word", Warning;
    /// A paraphrase that may ask something else.
    TooFar = "paraphrase-too-far", Warning;
    /// A topic that holds too much of the gold set, or whose questions all lead to one section.
    OneSidedTopic = "one-sided-topic", Warning;
    /// A vector that the linter would have needed is not there.
    NotEmbedded = "not-embedded", Warning;
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1, where there is one.
    pub line: Option<u64>,
    /// Which rule.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Problem {
    /// A breach of `rule` in `file` at `line`.
    pub fn new(
        file: &Path,
        line: impl Into<Option<u64>>,
        rule: Rule,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line: line.into(),
            rule,
            severity: rule.severity(),
            message: message.into(),
            help: help.into(),
        }
    }
}

/// `path:line: message [rule]` and, on a line of its own, what to do.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(
            f,
            ": {} [{}]\n    help: {}",
            self.message,
            self.rule.name(),
            self.help
        )
    }
}
