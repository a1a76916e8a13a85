//! How far a side agrees with its own repeats: the floor below which no difference counts.

use serde::{Deserialize, Serialize};

use crate::answers::RecordedReply;
use crate::answers::compare::Vectors;
use crate::answers::pairing::{Paired, SideReplies};
use crate::measure::{AnswerContext, AnswerSummary, Rung, answers_equal, noise_of};
use crate::stats::{Interval, mean};
use crate::units::Confidence;

/// A side against its own repeats: the same question with another seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfNoise {
    /// Questions that were repeated.
    pub n_questions: usize,
    /// Of them, those whose repeats are all equal.
    pub n_equal: usize,
    /// Their share, in `[0, 1]`.
    pub share: Option<f64>,
    /// Its exact lower one-sided bound.
    pub ci_low: Option<f64>,
    /// Its exact upper one-sided bound.
    pub ci_high: Option<f64>,
    /// The 95 % quantile over questions of the mean distance, 1 − cos in `[0, 2]`, between a reply
    /// and its repeats. None without vectors, or if fewer than [`LEAST_REPEATED`](crate::measure::LEAST_REPEATED) questions have
    /// one.
    pub distance_p95: Option<f64>,
}

impl SelfNoise {
    /// `None` if no question was repeated.
    pub(super) fn of<'a>(
        questions: &'a [Paired<'a>],
        side: impl Fn(&'a Paired<'a>) -> &'a SideReplies<'a>,
        vectors: Vectors,
    ) -> Option<Self> {
        let repeated: Vec<_> = questions
            .iter()
            .map(|question| (question.gold(), side(question).repeats()))
            .filter(|(_, repeats)| !repeats.is_empty())
            .collect();
        if repeated.is_empty() {
            return None;
        }
        let distance_p95 = {
            let distances = repeated.iter().filter_map(|(_, repeats)| {
                let of_pairs: Option<Vec<f64>> = repeats
                    .iter()
                    .map(|(first, repeat)| vectors.distance(first, repeat))
                    .collect();
                mean(&of_pairs?)
            });
            noise_of(&distances.collect::<Vec<f64>>())
        };
        let rungs = repeated.iter().map(|(gold, repeats)| {
            let rung = |&(first, repeat): &(&RecordedReply, &RecordedReply)| {
                let context = AnswerContext {
                    question: &first.question,
                    gold,
                    distance: vectors.distance(first, repeat),
                    noise: [distance_p95; 2],
                };
                answers_equal(&first.reply(), &repeat.reply(), context).rung
            };
            repeats.iter().map(rung).max().unwrap_or(Rung::Different)
        });
        let summary = AnswerSummary::of(rungs, Confidence::P95);
        Some(Self {
            n_questions: summary.n_questions,
            n_equal: summary.n_equal,
            share: summary.share.map(|share| share.estimate),
            ci_low: summary.share.map(|share| share.low),
            ci_high: summary.share.map(|share| share.high),
            distance_p95,
        })
    }

    /// The share of equal questions, as judging takes it.
    pub(super) fn interval(&self) -> Option<Interval> {
        Some(Interval {
            estimate: self.share?,
            low: self.ci_low?,
            high: self.ci_high?,
        })
    }
}
