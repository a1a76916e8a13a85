//! The proof that a gold set, a run and vectors belong together.

use std::collections::HashMap;

use miette::Diagnostic;
use thiserror::Error;

use crate::embed::VectorTable;
use crate::goldset::{GoldSet, Question};
use crate::ids::{Form, QuestionId};
use crate::measure::coverage::TargetTokens;
use crate::replay::{Observation, Outcome, Run};

/// A gold set with the vectors of its texts, ready to measure any number of runs, or a run part by part.
pub struct Prepared<'a> {
    pub(super) gold: &'a GoldSet,
    pub(super) vectors: &'a VectorTable,
    pub(super) questions: HashMap<&'a QuestionId, (&'a Question, TargetTokens)>,
}

/// A prepared gold set and a run of which every observation's question, form, text and vector is at hand.
#[derive(Clone, Copy)]
pub struct Matched<'a> {
    pub(super) prepared: &'a Prepared<'a>,
    pub(super) run: &'a Run,
}

/// Why a run cannot be measured.
#[derive(Debug, Error, Diagnostic)]
pub enum MatchError {
    /// The run asked something else.
    #[error("the run asked form {} of `{question}`, which the gold set does not have", form.0)]
    #[diagnostic(
        code(measure::question),
        help(
            "measure a run with the gold set it was made with: compare the digests in run.json and of `ragstone gold digest`"
        )
    )]
    Question {
        /// Which question.
        question: QuestionId,
        /// Which wording.
        form: Form,
    },
    /// A retrieved text is not in the run.
    #[error("a text that `{question}` retrieved is not kept in the run")]
    #[diagnostic(
        code(measure::text),
        help("texts.parquet does not belong to observations.parquet")
    )]
    Text {
        /// Which question.
        question: QuestionId,
    },
    /// A text has no vector.
    #[error("no vector for a text of `{question}`")]
    #[diagnostic(code(measure::vector), help("embed it: `ragstone gold embed`"))]
    Vector {
        /// Which question.
        question: QuestionId,
    },
}

impl<'a> Prepared<'a> {
    /// Checks that every text of the gold set has a vector.
    ///
    /// # Errors
    /// With the first question that lacks one.
    pub fn new(gold: &'a GoldSet, vectors: &'a VectorTable) -> Result<Self, MatchError> {
        for question in &gold.questions {
            let decoy = question
                .decoy
                .as_ref()
                .and_then(|decoy| gold.section(decoy))
                .map(|section| section.text.as_str());
            let texts = question
                .forms()
                .map(|(_, text)| text)
                .chain(question.anchor.as_deref())
                .chain(decoy);
            if texts
                .into_iter()
                .any(|text| vectors.of_text(text).is_none())
            {
                return Err(MatchError::Vector {
                    question: question.id.clone(),
                });
            }
        }
        let tokens = |question: &Question| {
            let targets = question
                .target
                .iter()
                .filter_map(|target| Some((gold.section(&target.key)?, target.spans.as_slice())));
            TargetTokens::new(targets)
        };
        let questions = gold
            .questions
            .iter()
            .map(|question| (&question.id, (question, tokens(question))));
        Ok(Self {
            gold,
            vectors,
            questions: questions.collect(),
        })
    }
}

impl<'a> Matched<'a> {
    /// Checks that a run belongs to a gold set.
    ///
    /// # Errors
    /// With the first question that does not fit.
    pub fn new(prepared: &'a Prepared<'a>, run: &'a Run) -> Result<Self, MatchError> {
        for seen in &run.observations {
            let known = prepared
                .questions
                .get(&seen.question)
                .is_some_and(|(question, _)| question.forms().any(|(form, _)| form == seen.form));
            if !known {
                return Err(MatchError::Question {
                    question: seen.question.clone(),
                    form: seen.form,
                });
            }
            check_hits(seen, run, prepared.vectors)?;
        }
        Ok(Self { prepared, run })
    }
}

fn check_hits(seen: &Observation, run: &Run, vectors: &VectorTable) -> Result<(), MatchError> {
    let Outcome::Scored { hits, .. } = &seen.outcome else {
        return Ok(());
    };
    for hit in hits {
        if !run.texts.contains_key(&hit.text) {
            return Err(MatchError::Text {
                question: seen.question.clone(),
            });
        }
        if vectors.get(&hit.text).is_none() {
            return Err(MatchError::Vector {
                question: seen.question.clone(),
            });
        }
    }
    Ok(())
}
