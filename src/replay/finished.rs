//! A replay that has come to its end.

use crate::goldset::GoldSet;
use crate::net::Timing;
use crate::replay::{Counts, JournalError, Kept, Observation, Outcome, Plan, Probe, Purpose, Side};
use crate::target::Texts;

/// Everything that was observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// In the order of the targets.
    pub sides: Vec<Side>,
    /// One for each planned probe, in plan order.
    pub observations: Vec<Observation>,
    /// Every text that came back.
    pub texts: Texts,
}

impl Run {
    /// The probes of the verdict; the sweep is not counted.
    pub fn counts(&self) -> Counts {
        Counts::of(
            self.observations
                .iter()
                .filter(|seen| seen.purpose == Purpose::Score)
                .map(|seen| &seen.outcome),
        )
    }
}

/// Questions of a part.
const QUESTIONS: usize = 64;

/// A replay that has come to its end, with its journal. Memory does not grow with what came back.
pub struct Finished {
    /// What was asked, in order.
    pub plan: Plan,
    /// In the order of the targets.
    pub sides: Vec<Side>,
    /// What came back.
    pub kept: Kept,
}

impl Finished {
    /// What came of one probe, with the texts it brought.
    ///
    /// # Errors
    /// If the journal was changed meanwhile.
    pub fn observation(
        &self,
        gold: &GoldSet,
        place: usize,
    ) -> Result<(Observation, Texts), JournalError> {
        let probe = &self.plan.probes[place];
        let side = &self.sides[probe.target];
        let kept = self.kept.observation(place, unasked(gold, side, probe))?;
        Ok(kept.unwrap_or_else(|| (unasked(gold, side, probe), Texts::new())))
    }

    /// The run part by part, each with all probes of some questions.
    ///
    /// # Errors
    /// Each, if the journal was changed meanwhile.
    pub fn parts(&self, gold: &GoldSet) -> impl Iterator<Item = Result<Run, JournalError>> {
        let mut questions = self.plan.by_question();
        std::iter::from_fn(move || {
            let first = questions.next()?;
            let last = questions.by_ref().take(QUESTIONS - 1).last();
            let end = last.map_or(first.end, |last| last.end);
            Some(self.part(gold, first.start..end))
        })
    }

    /// The whole run in memory.
    ///
    /// # Errors
    /// If the journal was changed meanwhile.
    pub fn run(&self, gold: &GoldSet) -> Result<Run, JournalError> {
        self.part(gold, 0..self.plan.probes.len())
    }

    fn part(&self, gold: &GoldSet, places: std::ops::Range<usize>) -> Result<Run, JournalError> {
        let mut run = Run {
            sides: self.sides.clone(),
            observations: Vec::with_capacity(places.len()),
            texts: Texts::new(),
        };
        for place in places {
            let (seen, texts) = self.observation(gold, place)?;
            run.observations.push(seen);
            for (digest, text) in texts {
                run.texts.entry(digest).or_insert(text);
            }
        }
        Ok(run)
    }
}

/// The observation of a probe that was never asked, with the reason.
pub(super) fn unasked(gold: &GoldSet, side: &Side, probe: &Probe) -> Observation {
    let unreadable = side.contract_at_start.as_ref().err();
    let reason = unreadable.or(side.given_up.as_ref());
    Observation {
        target: side.name.clone(),
        question: gold.questions[probe.question].id.clone(),
        form: probe.form,
        seed: probe.seed,
        k: probe.k,
        purpose: probe.purpose,
        outcome: Outcome::Skipped {
            reason: reason.map_or("not asked", String::as_str).to_owned(),
        },
        attempts: 0,
        elapsed_ms: 0.0,
        timing: Timing::default(),
        status: None,
        cached: false,
        cold_start: None,
    }
}
