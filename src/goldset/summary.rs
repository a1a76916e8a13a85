//! `gold stats`: the size and shape of a gold set.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

use crate::goldset::{GoldSet, Question, Section, snippets};
use crate::ids::{SectionKey, Topic};
use crate::stats;

/// Smallest, middle and largest of some counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// The median.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Option<Self> {
        Some(Self {
            min: values.iter().copied().min_by(f64::total_cmp)?,
            median: stats::median(values)?,
            max: values.iter().copied().max_by(f64::total_cmp)?,
        })
    }
}

/// One topic of a gold set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopicSummary {
    /// Number of questions.
    pub n_questions: usize,
    /// Number of distinct target sections.
    pub n_targets: usize,
}

/// What a gold set holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Number of questions.
    pub n_questions: usize,
    /// Of these, how many the corpus answers.
    pub n_answerable: usize,
    /// Number of wordings, originals included.
    pub n_forms: usize,
    /// Questions that need more than one section.
    pub n_multi_section: usize,
    /// Number of documents.
    pub n_documents: usize,
    /// Number of sections.
    pub n_sections: usize,
    /// Number of snippets after cutting.
    pub n_snippets: usize,
    /// Sections that no question asks for.
    pub n_sections_never_asked: usize,
    /// Words (UAX #29) in a section.
    pub section_words: Option<Spread>,
    /// Words in a wording.
    pub form_words: Option<Spread>,
    /// By topic.
    pub topics: BTreeMap<Topic, TopicSummary>,
}

/// Counts a gold set.
pub fn summarise(gold: &GoldSet) -> Summary {
    let words = |text: &str| text.unicode_words().count() as f64;
    let section_words: Vec<f64> = gold
        .corpus
        .iter()
        .map(|section| words(&section.text))
        .collect();
    let forms = gold.questions.iter().flat_map(Question::forms);
    let form_words: Vec<f64> = forms.map(|(_, text)| words(text)).collect();
    let count = |is: &dyn Fn(&Question) -> bool| {
        gold.questions
            .iter()
            .filter(|question| is(question))
            .count()
    };
    let documents: BTreeSet<_> = gold.corpus.iter().map(|section| &section.doc_id).collect();
    let asked = targets(&gold.questions);
    let never_asked = gold
        .corpus
        .iter()
        .filter(|section| !asked.contains(&section.key()));
    let cut = |section: &Section| snippets(&section.text, gold.manifest.snippets).len();
    Summary {
        name: gold.manifest.name.clone(),
        version: gold.manifest.version.clone(),
        n_questions: gold.questions.len(),
        n_answerable: count(&|question| question.answerable),
        n_forms: form_words.len(),
        n_multi_section: count(&|question| question.target.len() > 1),
        n_documents: documents.len(),
        n_sections: gold.corpus.len(),
        n_snippets: gold.corpus.iter().map(cut).sum(),
        n_sections_never_asked: never_asked.count(),
        section_words: Spread::of(&section_words),
        form_words: Spread::of(&form_words),
        topics: by_topic(gold),
    }
}

/// The sections that some questions lead to.
fn targets<'a>(questions: impl IntoIterator<Item = &'a Question>) -> BTreeSet<&'a SectionKey> {
    questions
        .into_iter()
        .flat_map(|question| &question.target)
        .map(|target| &target.key)
        .collect()
}

fn by_topic(gold: &GoldSet) -> BTreeMap<Topic, TopicSummary> {
    let mut questions: BTreeMap<&Topic, Vec<&Question>> = BTreeMap::new();
    for question in &gold.questions {
        questions.entry(&question.topic).or_default().push(question);
    }
    let summary = |questions: Vec<&Question>| TopicSummary {
        n_questions: questions.len(),
        n_targets: targets(questions).len(),
    };
    questions
        .into_iter()
        .map(|(topic, questions)| (topic.clone(), summary(questions)))
        .collect()
}
