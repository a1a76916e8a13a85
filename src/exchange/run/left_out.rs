//! What an export does not hold.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// Declares the losses: a name for output, and what it means.
macro_rules! losses {
    ($($loss:ident = $name:literal, $meaning:literal;)*) => {
        /// What a file does not hold, or holds otherwise.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Loss { $(#[doc = $meaning] $loss,)* }

        impl Loss {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$loss,)*];

            /// The name written to JSON.
            pub fn name(self) -> &'static str {
                match self { $(Self::$loss => $name,)* }
            }

            /// In words.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$loss => $meaning,)* }
            }
        }
    };
}

losses! {
    Failed = "failed", "failed probes, with no hits and no place for the reason";
    Skipped = "skipped", "probes that were never made, with no hits and no place for the reason";
    OtherForm = "other-form", "probes in another wording (--form)";
    OtherSeed = "other-seed", "probes under another seed (--seed)";
    Sweep = "sweep", "probes of the k-sweep";
    Repeat = "repeat", "repeats of a probe";
    SameSection = "same-section", "hits in a section that stands above already";
    OrderChanged = "order-changed", "questions that `trec_eval` would rank otherwise, since it orders equal scores by name (--scores rank keeps the order)";
    SingleOrderChanged = "order-changed-f32", "questions that `trec_eval` 9 would rank otherwise, since it keeps scores in single precision (--scores rank keeps the order)";
    NameChanged = "name-changed", "names with white space, which are percent-encoded";
    Scores = "scores", "scores of hits";
    Texts = "texts", "texts of hits";
    Answers = "answers", "generated answers";
    Offsets = "offsets", "offsets of hits";
    Citations = "citations", "probes with citations";
    Metrics = "metrics", "probes with numbers";
    NoAnswer = "no-answer", "probes without a generated answer";
    NoReference = "no-reference", "probes without a reference answer (in the gold set: --gold)";
    NoEvidence = "no-evidence", "probes without the texts of the evidence (in the gold set: --gold)";
    Contract = "contract", "contracts that could not be read";
    Contracts = "contracts", "contracts that the targets stated";
    NoTime = "no-time", "probes without a time, since the run does not say when it began";
}

impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What the files of an export do not hold, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    entries: BTreeMap<Loss, (usize, Vec<String>)>,
}

impl LeftOut {
    /// Adds one that has a name.
    pub(super) fn add(&mut self, loss: Loss, name: String) {
        let (count, names) = self.entries.entry(loss).or_default();
        *count += 1;
        names.push(name);
    }

    /// Adds some that are only counted.
    pub(super) fn count(&mut self, loss: Loss, n: usize) {
        if n > 0 {
            self.entries.entry(loss).or_default().0 += n;
        }
    }

    /// Each kind with how many there are, and the names of those that have one.
    pub fn entries(&self) -> impl Iterator<Item = (Loss, usize, &[String])> {
        let entries = self.entries.iter();
        entries.map(|(loss, (count, names))| (*loss, *count, names.as_slice()))
    }

    /// How many there are of a kind.
    pub fn of(&self, loss: Loss) -> usize {
        self.entries.get(&loss).map_or(0, |(count, _)| *count)
    }
}

impl Serialize for LeftOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Entry<'a> {
            what: Loss,
            meaning: &'static str,
            count: usize,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            named: &'a [String],
        }
        serializer.collect_seq(self.entries().map(|(what, count, named)| Entry {
            what,
            meaning: what.meaning(),
            count,
            named,
        }))
    }
}
