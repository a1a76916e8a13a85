//! What came back from one probe.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Form, QuestionId, SectionKey, Seed, TargetName};
use crate::net::{Taken, Timing};
use crate::target::{Failure, Hit, Offsets, Reply, Stage};
use crate::units::Cutoff;

/// What a probe's answer is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A cell of the verdict.
    Score,
    /// A point of the ΔS(k) curve: a diagnosis, never part of a verdict.
    Sweep,
    /// A cell asked once more with its only seed, to learn how much the target differs from itself.
    Repeat,
}

impl Purpose {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Sweep => "sweep",
            Self::Repeat => "repeat",
        }
    }
}

/// One probe and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Which target.
    pub target: TargetName,
    /// Which question.
    pub question: QuestionId,
    /// Which wording.
    pub form: Form,
    /// Which seed.
    pub seed: Seed,
    /// Hits asked for.
    pub k: Cutoff,
    /// What the answer is for.
    pub purpose: Purpose,
    /// What became of it.
    pub outcome: Outcome,
    /// Network tries, 0 if skipped.
    pub attempts: u32,
    /// From the first attempt's start to the last one's end, waits between them included.
    pub elapsed_ms: f64,
    /// How long the parts of the last attempt took.
    pub timing: Timing,
    /// The HTTP status of the last attempt, where there was one.
    pub status: Option<u16>,
    /// Whether the reply was kept from an earlier run: it says nothing about latency.
    pub cached: bool,
    /// Whether the target had to start something first, where it says so.
    pub cold_start: Option<bool>,
}

impl Observation {
    /// The same with what the probe took when it was made, if it is read from a saved run.
    #[must_use]
    pub(super) fn when_taken(self, taken: Option<Taken>) -> Self {
        let Some(taken) = taken else {
            return self;
        };
        Self {
            attempts: taken.attempts,
            elapsed_ms: taken.elapsed_ms,
            timing: taken.timing,
            cached: taken.cached,
            cold_start: taken.cold_start,
            ..self
        }
    }

    /// From the beginning of the attempt that was answered to its last byte, in milliseconds; none
    /// without an answer, where it is not known, and for a reply that was kept from an earlier run.
    pub fn latency_ms(&self) -> Option<f64> {
        let answered = matches!(self.outcome, Outcome::Scored { .. });
        self.timing.tfinal_ms.filter(|_| answered && !self.cached)
    }

    /// What it took, for whoever reads it from a saved run.
    pub fn taken(&self) -> Taken {
        Taken {
            attempts: self.attempts,
            elapsed_ms: self.elapsed_ms,
            timing: self.timing,
            cached: self.cached,
            cold_start: self.cold_start,
        }
    }
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// At least one hit.
    Scored {
        /// Best first.
        hits: Vec<HitRecord>,
        /// Digest of the generated answer.
        answer: Option<Digest>,
        /// What the answer says it rests on, as the target names it.
        citations: Vec<String>,
    },
    /// No usable reply. It stays in every denominator.
    Failed {
        /// A short stable name.
        class: String,
        /// Where it happened.
        stage: Stage,
        /// For people.
        message: String,
    },
    /// Never asked, because its target could not be used at all.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// A hit with its text replaced by the digest under which the run keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct HitRecord {
    /// The section it belongs to.
    pub section: SectionKey,
    /// Its own id in the index.
    pub snippet_id: String,
    /// The target's score.
    pub score: f64,
    /// Digest of its text.
    pub text: Digest,
    /// Where it stands in its section.
    pub offsets: Option<Offsets>,
}

impl HitRecord {
    pub(super) fn of(hit: &Hit) -> Self {
        Self {
            section: hit.section.clone(),
            snippet_id: hit.snippet_id.clone(),
            score: hit.score,
            text: Digest::of(&hit.text),
            offsets: hit.offsets,
        }
    }
}

/// How many probes were planned, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// All.
    pub planned: usize,
    /// With at least one hit.
    pub scored: usize,
    /// Without a usable reply.
    pub failed: usize,
    /// Never asked.
    pub skipped: usize,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            planned: self.planned + other.planned,
            scored: self.scored + other.scored,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// Counts outcomes.
    pub fn of<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Self {
        let mut counts = Self::default();
        for outcome in outcomes {
            counts.planned += 1;
            match outcome {
                Outcome::Scored { .. } => counts.scored += 1,
                Outcome::Failed { .. } => counts.failed += 1,
                Outcome::Skipped { .. } => counts.skipped += 1,
            }
        }
        counts
    }
}

/// A reply that can be measured, or the failure it amounts to.
///
/// # Errors
/// If there is no hit, there are more than were asked for, one is there twice, a score is not finite, or
/// scores do not fall.
pub fn accept(reply: Reply, k: Cutoff) -> Result<Reply, Failure> {
    let refuse = |class: &str, stage, message: String| {
        Err(Failure {
            status: reply.status,
            ..Failure::lasting(class, stage, message)
        })
    };
    if reply.hits.is_empty() {
        return refuse("no_hits", Stage::Tool, "the reply holds no hit".to_owned());
    }
    if reply.hits.len() > k.get() {
        return refuse(
            "hits_beyond_k",
            Stage::Schema,
            format!("{} hits where {k} were asked for", reply.hits.len()),
        );
    }
    if let Some(hit) = reply.hits.iter().find(|hit| !hit.score.is_finite()) {
        return refuse(
            "score_not_finite",
            Stage::Schema,
            format!("hit {} has the score {}", hit.snippet_id, hit.score),
        );
    }
    let mut seen = BTreeSet::new();
    let mut hits = reply.hits.iter();
    if let Some(hit) = hits.find(|hit| !seen.insert((&hit.section, &hit.snippet_id, &hit.text))) {
        return refuse(
            "duplicate_hit",
            Stage::Schema,
            format!("hit {} is there twice", hit.snippet_id),
        );
    }
    if let Some(pair) = reply
        .hits
        .windows(2)
        .find(|pair| pair[1].score > pair[0].score)
    {
        return refuse(
            "scores_not_descending",
            Stage::Schema,
            format!(
                "hit {} scores more than the one before it",
                pair[1].snippet_id
            ),
        );
    }
    Ok(reply)
}
