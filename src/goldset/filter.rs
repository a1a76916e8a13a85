//! Which questions of a gold set are asked.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::goldset::{GoldSet, Question};
use crate::ids::{Digest, QuestionId, Topic};

/// A slice of a gold set; the default keeps every question.
///
/// The parts apply in the order of the fields: first what a question is, then which part of the
/// rest, then a sample of that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Keep questions of one of these topics; empty keeps all.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Keep questions with one of these tags; empty keeps all.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Keep these questions; none keeps all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<BTreeSet<QuestionId>>,
    /// Keep one part of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Keep a random sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

/// A random sample that does not depend on the order of the file. A larger sample with the same seed
/// contains the smaller one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// How many questions, at most.
    pub n: usize,
    /// Which sample.
    pub seed: u64,
}

/// Part `index` of `of`, written `2/5`. Parts differ in size by one question at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// From 1.
    index: usize,
    of: usize,
}

/// Why a text names no shard.
#[derive(Debug, Error)]
#[error("`{0}` is no shard: write i/n with 1 ≤ i ≤ n, such as 2/5")]
pub struct NotAShard(String);

impl Shard {
    /// Which part, from 1.
    pub fn index(self) -> usize {
        self.index
    }

    /// Of how many.
    pub fn of(self) -> usize {
        self.of
    }
}

impl FromStr for Shard {
    type Err = NotAShard;

    fn from_str(text: &str) -> Result<Self, NotAShard> {
        let parts = text
            .split_once('/')
            .and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((index, of)) if (1..=of).contains(&index) => Ok(Self { index, of }),
            _ => Err(NotAShard(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Shard {
    type Error = NotAShard;

    fn try_from(text: String) -> Result<Self, NotAShard> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// A filter that keeps nothing would make a gate that passes because it asked nothing.
#[derive(Debug, Error, Diagnostic)]
#[error("no question is left after the filter ({filter})")]
#[diagnostic(
    code(goldset::filter),
    help("known topics: {known_topics}; known tags: {known_tags}")
)]
pub struct NoQuestions {
    filter: String,
    known_topics: String,
    known_tags: String,
}

impl Filter {
    /// Leaves only the questions that are kept, in their order.
    ///
    /// # Errors
    /// If none is.
    pub fn apply(&self, gold: &mut GoldSet) -> Result<(), NoQuestions> {
        let mut kept: Vec<&QuestionId> = gold
            .questions
            .iter()
            .filter(|question| self.matches(question))
            .map(|question| &question.id)
            .collect();
        if let Some(Shard { index, of }) = self.shard {
            kept = kept.into_iter().skip(index - 1).step_by(of).collect();
        }
        if let Some(Sample { n, seed }) = self.sample {
            kept.sort_by_cached_key(|id| Digest::derive(SAMPLE, format!("{seed} {id}")));
            kept.truncate(n);
        }
        if kept.is_empty() {
            return Err(self.nothing_left(gold));
        }
        let kept: BTreeSet<QuestionId> = kept.into_iter().cloned().collect();
        gold.questions
            .retain(|question| kept.contains(&question.id));
        Ok(())
    }

    fn matches(&self, question: &Question) -> bool {
        let topic = self.topics.is_empty()
            || self
                .topics
                .iter()
                .any(|topic| topic == question.topic.as_str());
        let tag = self.tags.is_empty() || self.tags.iter().any(|tag| question.tags.contains(tag));
        topic
            && tag
            && self
                .only
                .as_ref()
                .is_none_or(|only| only.contains(&question.id))
    }

    fn nothing_left(&self, gold: &GoldSet) -> NoQuestions {
        let topics: BTreeSet<&str> = gold
            .questions
            .iter()
            .map(|question| Topic::as_str(&question.topic))
            .collect();
        let tags: BTreeSet<&str> = gold
            .questions
            .iter()
            .flat_map(|question| &question.tags)
            .map(String::as_str)
            .collect();
        let join = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
        NoQuestions {
            filter: self.to_string(),
            known_topics: join(topics),
            known_tags: join(tags),
        }
    }
}

const SAMPLE: &str = "ragstone 2026 question sample v1";

/// `topics cache, routing; shard 2/5`, or `all questions`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |name: &str, values: &[String]| {
            (!values.is_empty()).then(|| format!("{name} {}", values.join(", ")))
        };
        let parts = [
            list("topics", &self.topics),
            list("tags", &self.tags),
            self.only
                .as_ref()
                .map(|only| format!("{} named questions", only.len())),
            self.shard.map(|shard| format!("shard {shard}")),
            self.sample
                .map(|sample| format!("a sample of {} with seed {}", sample.n, sample.seed)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&if parts.is_empty() {
            "all questions".to_owned()
        } else {
            parts.join("; ")
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::goldset::load;

    fn gold(n: usize) -> GoldSet {
        let folder = tempfile::tempdir().expect("a folder");
        let line = |index: usize| {
            format!(
                r#"{{"id":"q{index}","topic":"t{}","question":"Why {index}?","paraphrases":[],"answerable":false,"tags":["odd{}"]}}"#,
                index % 3,
                index % 2
            )
        };
        let lines: Vec<String> = (0..n).map(line).collect();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("written");
        };
        write("gold.toml", "name = 'g'\nversion = '1'\nmodel = 'm'\n");
        write(
            "corpus.jsonl",
            r#"{"doc_id":"d","section_id":"s","title":"T","text":"Purge.","rev":"1"}"#,
        );
        write("questions.jsonl", &lines.join("\n"));
        load(folder.path()).expect("sound")
    }

    fn kept(filter: &Filter, mut gold: GoldSet) -> Vec<String> {
        match filter.apply(&mut gold) {
            Ok(()) => gold
                .questions
                .iter()
                .map(|question| question.id.to_string())
                .collect(),
            Err(_) => Vec::new(),
        }
    }

    fn sample(n: usize, seed: u64) -> Filter {
        Filter {
            sample: Some(Sample { n, seed }),
            ..Filter::default()
        }
    }

    #[test]
    fn slices_combine() {
        let filter = Filter {
            topics: vec!["t0".to_owned()],
            tags: vec!["odd1".to_owned()],
            ..Filter::default()
        };
        assert_eq!(kept(&filter, gold(12)), ["q3", "q9"]);
        let only = Filter {
            only: Some(BTreeSet::from([
                QuestionId::new("q7"),
                QuestionId::new("q2"),
            ])),
            ..Filter::default()
        };
        assert_eq!(kept(&only, gold(12)), ["q2", "q7"]);
    }

    #[test]
    fn a_larger_sample_contains_the_smaller_one_and_another_seed_is_another_sample() {
        let (small, large) = (
            kept(&sample(10, 7), gold(60)),
            kept(&sample(30, 7), gold(60)),
        );
        assert_eq!((small.len(), large.len()), (10, 30));
        assert!(small.iter().all(|id| large.contains(id)));
        assert_ne!(kept(&sample(10, 8), gold(60)), small);
    }

    #[test]
    fn shards_are_written_as_fractions() {
        assert_eq!("2/5".parse::<Shard>().expect("a shard").to_string(), "2/5");
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn the_shards_together_are_the_whole_and_share_nothing(n in 1_usize..30, of in 1_usize..7) {
            let shard = |index| Filter { shard: Some(Shard { index, of }), ..Filter::default() };
            let shards: Vec<Vec<String>> = (1..=of).map(|index| kept(&shard(index), gold(n))).collect();
            let sizes: Vec<usize> = shards.iter().map(Vec::len).collect();
            prop_assert_eq!(sizes.iter().sum::<usize>(), n);
            prop_assert!(sizes.iter().max().expect("one") - sizes.iter().min().expect("one") <= 1);
            let all: BTreeSet<String> = shards.into_iter().flatten().collect();
            prop_assert_eq!(all.len(), n);
        }
    }
}
