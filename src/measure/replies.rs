//! Whether two sides of a run gave equal answers, question by question.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::embed::VectorTable;
use crate::ids::{Form, QuestionId, SectionKey, TargetName};
use crate::measure::{AnswerComparison, AnswerContext, Centroid, Reply, answers_equal, noise_of};
use crate::replay::{HitRecord, Observation, Outcome, Purpose};
use crate::target::Texts;

/// The replies of a side beside another's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SideAnswers {
    /// The side.
    pub target: TargetName,
    /// What it is compared with.
    pub control: TargetName,
    /// How far each side's replies are from its own repeats (95th percentile over questions, 1 − cos):
    /// the control's, then the side's. None without a repeat or without vectors.
    pub noise: [Option<f64>; 2],
    /// How many questions each side answers equally when asked again: the control, then the side. None
    /// if it was asked nothing twice.
    pub own: [Option<OwnShare>; 2],
    /// One a question, in the order of the questions.
    pub questions: Vec<QuestionAnswers>,
}

/// A side against its own repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnShare {
    /// Questions answered equally both times.
    pub n_equal: usize,
    /// Questions asked twice.
    pub n_questions: usize,
}

impl SideAnswers {
    /// Adds the questions of another part of the same run. Each keeps the rung that it has within the
    /// noise of its own part; of the noise the larger is shown.
    pub fn join(&mut self, other: &Self) {
        self.questions.extend(other.questions.iter().cloned());
        for (ours, theirs) in self.noise.iter_mut().zip(other.noise) {
            *ours = ours.zip(theirs).map(|(a, b)| a.max(b));
        }
        for (ours, theirs) in self.own.iter_mut().zip(other.own) {
            *ours = ours.zip(theirs).map(|(a, b)| OwnShare {
                n_equal: a.n_equal + b.n_equal,
                n_questions: a.n_questions + b.n_questions,
            });
        }
    }
}

/// One question's replies, compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionAnswers {
    /// Which question.
    pub question: QuestionId,
    /// How they compare.
    #[serde(flatten)]
    pub comparison: AnswerComparison,
}

/// A question as far as comparing replies needs it.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Its id.
    pub id: &'a QuestionId,
    /// Its first wording.
    pub wording: &'a str,
    /// Where its answer stands.
    pub targets: &'a [SectionKey],
}

/// Everything that came back, with vectors where there are any.
#[derive(Clone, Copy)]
pub struct Replies<'a> {
    /// One for each probe.
    pub observations: &'a [Observation],
    /// Every text that came back.
    pub texts: &'a Texts,
    /// Vectors of these texts; none for a saved run, whose semantic rung is then not checked.
    pub vectors: Option<&'a VectorTable>,
}

impl<'a> Replies<'a> {
    /// Compares the replies of two sides to the first wording under the first seed.
    ///
    /// Citations are what an answer names, beside those in its text; where it names nothing, the
    /// retrieved sections in the order of the hits. A reply that failed, or was
    /// never asked for, equals nothing.
    pub fn compare(
        self,
        questions: &[Asking],
        target: &TargetName,
        control: &TargetName,
    ) -> SideAnswers {
        let [(ours, our_repeats), (theirs, their_repeats)] =
            [control, target].map(|side| self.of_side(side));
        let noise = [
            self.noise(&ours, &our_repeats),
            self.noise(&theirs, &their_repeats),
        ];
        let one = |asking: &Asking| QuestionAnswers {
            question: asking.id.clone(),
            comparison: self.one(asking, ours.get(asking.id), theirs.get(asking.id), noise),
        };
        let own = |first: &ByQuestion, again: &ByQuestion| {
            let asked = || {
                questions
                    .iter()
                    .filter(|asking| again.contains_key(asking.id))
            };
            let equal = asked().filter(|asking| {
                let again = again.get(asking.id);
                self.one(asking, first.get(asking.id), again, [None; 2])
                    .rung
                    .is_equal()
            });
            let n_questions = asked().count();
            (n_questions > 0).then(|| OwnShare {
                n_equal: equal.count(),
                n_questions,
            })
        };
        SideAnswers {
            target: target.clone(),
            control: control.clone(),
            noise,
            own: [own(&ours, &our_repeats), own(&theirs, &their_repeats)],
            questions: questions.iter().map(one).collect(),
        }
    }

    fn one(
        self,
        asking: &Asking,
        a: Option<&&Observation>,
        b: Option<&&Observation>,
        noise: [Option<f64>; 2],
    ) -> AnswerComparison {
        let gold: BTreeSet<String> = asking.targets.iter().map(ToString::to_string).collect();
        let context = AnswerContext {
            question: asking.wording,
            gold: &gold,
            distance: a.zip(b).and_then(|(a, b)| self.distance(a, b)),
            noise,
        };
        let [a, b] = [a, b].map(|seen| Came::of(seen.copied()));
        answers_equal(&a.reply(self.texts), &b.reply(self.texts), context)
    }

    /// The first reply to each question's first wording, and its repeat.
    fn of_side(self, side: &TargetName) -> (ByQuestion<'a>, ByQuestion<'a>) {
        let (mut first, mut again) = (ByQuestion::new(), ByQuestion::new());
        let mine = self.observations.iter().filter(|seen| {
            seen.target == *side && seen.form == Form::ORIGINAL && seen.purpose != Purpose::Sweep
        });
        for seen in mine {
            let times = if first.contains_key(&seen.question) {
                &mut again
            } else {
                &mut first
            };
            times.entry(&seen.question).or_insert(seen);
        }
        (first, again)
    }

    fn noise(self, first: &ByQuestion, again: &ByQuestion) -> Option<f64> {
        let distances: Vec<f64> = first
            .iter()
            .filter_map(|(question, first)| self.distance(first, again.get(question)?))
            .collect();
        noise_of(&distances)
    }

    /// 1 − cos of two answers, or of the centroids of what was retrieved.
    fn distance(self, a: &Observation, b: &Observation) -> Option<f64> {
        let centroid = |seen: &Observation| {
            let Outcome::Scored { hits, answer, .. } = &seen.outcome else {
                return None;
            };
            let texts: Vec<_> = match answer {
                Some(answer) => vec![answer],
                None => hits.iter().map(|hit| &hit.text).collect(),
            };
            let vectors: Option<Vec<&[f32]>> = texts
                .into_iter()
                .map(|digest| self.vectors?.get(digest))
                .collect();
            Centroid::of(vectors?)
        };
        Some(centroid(a)?.distance_to(&centroid(b)?))
    }
}

type ByQuestion<'a> = BTreeMap<&'a QuestionId, &'a Observation>;

/// What came back to one probe, in the shape that replies are compared in.
struct Came<'a> {
    answer: Option<&'a crate::ids::Digest>,
    citations: Vec<String>,
    passages: Vec<crate::ids::Digest>,
}

impl<'a> Came<'a> {
    fn of(seen: Option<&'a Observation>) -> Self {
        let (hits, answer, named): (&[HitRecord], _, &[String]) =
            match seen.map(|seen| &seen.outcome) {
                Some(Outcome::Scored {
                    hits,
                    answer,
                    citations,
                }) => (hits, answer.as_ref(), citations),
                _ => (&[], None, &[]),
            };
        Self {
            answer,
            citations: if answer.is_some() && !named.is_empty() {
                named.to_vec()
            } else {
                sections(hits)
            },
            passages: hits.iter().map(|hit| hit.text).collect(),
        }
    }

    /// As the ladder reads it.
    fn reply<'b>(&'b self, texts: &'b Texts) -> Reply<'b> {
        Reply {
            answer: self
                .answer
                .and_then(|digest| texts.get(digest))
                .map(String::as_str),
            citations: &self.citations,
            passages: &self.passages,
        }
    }
}

/// The sections of the hits, each where it came first.
fn sections(hits: &[HitRecord]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let first = hits.iter().filter(|hit| seen.insert(&hit.section));
    first.map(|hit| hit.section.to_string()).collect()
}
