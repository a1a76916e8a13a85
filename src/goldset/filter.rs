//! Which questions of a gold set are asked.

use std::collections::BTreeSet;

use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::goldset::{GoldSet, Question};
use crate::ids::Topic;

/// A slice by topic and tag; an empty filter keeps every question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Keep questions of one of these topics; empty keeps all.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Keep questions with one of these tags; empty keeps all.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A filter that keeps nothing would make a gate that passes because it asked nothing.
#[derive(Debug, Error, Diagnostic)]
#[error("no question is left after the filter (topics {topics:?}, tags {tags:?})")]
#[diagnostic(
    code(goldset::filter),
    help("known topics: {known_topics}; known tags: {known_tags}")
)]
pub struct NoQuestions {
    topics: Vec<String>,
    tags: Vec<String>,
    known_topics: String,
    known_tags: String,
}

impl Filter {
    /// Whether a question is kept.
    pub fn keeps(&self, question: &Question) -> bool {
        let topic = self.topics.is_empty()
            || self
                .topics
                .iter()
                .any(|topic| topic == question.topic.as_str());
        let tag = self.tags.is_empty() || self.tags.iter().any(|tag| question.tags.contains(tag));
        topic && tag
    }

    /// Leaves only the questions that are kept.
    ///
    /// # Errors
    /// If none is.
    pub fn apply(&self, gold: &mut GoldSet) -> Result<(), NoQuestions> {
        if !gold.questions.iter().any(|question| self.keeps(question)) {
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
            return Err(NoQuestions {
                topics: self.topics.clone(),
                tags: self.tags.clone(),
                known_topics: join(topics),
                known_tags: join(tags),
            });
        }
        gold.questions.retain(|question| self.keeps(question));
        Ok(())
    }
}
