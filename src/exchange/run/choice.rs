//! Which probes of a run are exported.

use crate::exchange::run::source::Questions;
use crate::exchange::run::{LeftOut, Loss, RunExportError, Source, Wanted};
use crate::ids::{Form, TargetName};
use crate::measure::CellMetrics;
use crate::replay::{HitRecord, Observation, Outcome, Purpose};

/// The probes that one file is made of, in the order of the run.
pub(super) struct Chosen<'a> {
    pub(super) source: &'a Source,
    pub(super) questions: Questions<'a>,
    /// The one target they are of, where a file holds one only.
    pub(super) target: Option<TargetName>,
    pub(super) probes: Vec<Probe<'a>>,
}

/// What samples for judges of answers have no place for, or must have and may not find.
pub(super) const LOST_BY_SAMPLES: &[Loss] = &[
    Loss::Scores,
    Loss::Offsets,
    Loss::Citations,
    Loss::Metrics,
    Loss::NoAnswer,
    Loss::NoReference,
];

/// A probe with its numbers, if it has any.
pub(super) type Probe<'a> = (&'a Observation, Option<&'a CellMetrics>);

impl<'a> Chosen<'a> {
    /// All probes, but for what is not wanted.
    pub(super) fn every(source: &'a Source, wanted: &Wanted) -> Result<Self, RunExportError> {
        known_target(source, wanted)?;
        let fits = |(seen, _): &Probe<'_>| {
            wanted
                .target
                .as_ref()
                .is_none_or(|name| *name == seen.target)
                && wanted.form.is_none_or(|form| form == seen.form)
                && wanted.seed.is_none_or(|seed| seed == seen.seed)
        };
        let probes: Vec<Probe<'_>> = source.cells().filter(fits).collect();
        if probes.is_empty() {
            return Err(nothing(source, wanted));
        }
        Ok(Self {
            source,
            questions: Questions::of(source),
            target: None,
            probes,
        })
    }

    /// One probe a question, for each target that is wanted; those in other wordings, under other seeds or
    /// for other ends are counted.
    pub(super) fn one_a_question(
        source: &'a Source,
        wanted: &Wanted,
        left_out: &mut LeftOut,
    ) -> Result<Vec<Self>, RunExportError> {
        known_target(source, wanted)?;
        let record = &source.probes.record;
        let form = wanted.form.unwrap_or(Form::ORIGINAL);
        let first = record.seeds.first().copied();
        let under = wanted.seed.map(|seed| seed.0).or(first);
        let mut targets = Vec::new();
        let names = record.targets.iter().map(|target| &target.name);
        for name in names.filter(|name| wanted.target.as_ref().is_none_or(|one| one == *name)) {
            let mut probes = Vec::new();
            for probe in source.cells().filter(|(seen, _)| seen.target == *name) {
                let seen = probe.0;
                match seen.purpose {
                    Purpose::Sweep => left_out.count(Loss::Sweep, 1),
                    Purpose::Repeat => left_out.count(Loss::Repeat, 1),
                    Purpose::Score if seen.form != form => left_out.count(Loss::OtherForm, 1),
                    Purpose::Score if under.is_some_and(|seed| seed != seen.seed.0) => {
                        left_out.count(Loss::OtherSeed, 1);
                    }
                    Purpose::Score => probes.push(probe),
                }
            }
            if probes.is_empty() {
                return Err(nothing(source, wanted));
            }
            targets.push(Self {
                source,
                questions: Questions::of(source),
                target: Some(name.clone()),
                probes,
            });
        }
        Ok(targets)
    }

    /// Counts what each probe has, or lacks, of these.
    pub(super) fn count(&self, losses: &[Loss], left_out: &mut LeftOut) {
        for (seen, cell) in &self.probes {
            let hits = hits(seen);
            for loss in losses {
                let n = match loss {
                    Loss::Scores | Loss::Texts => hits.len(),
                    Loss::Offsets => hits.iter().filter(|hit| hit.offsets.is_some()).count(),
                    Loss::Citations => usize::from(!citations(seen).is_empty()),
                    Loss::Metrics => usize::from(cell.is_some()),
                    Loss::Answers => usize::from(answer(self.source, seen).is_some()),
                    Loss::NoAnswer => usize::from(answer(self.source, seen).is_none()),
                    Loss::NoReference => {
                        usize::from(self.questions.reference(&seen.question).is_none())
                    }
                    _ => 0,
                };
                left_out.count(*loss, n);
            }
        }
    }

    /// Lists the probes without hits, for formats that have no place for the reason.
    pub(super) fn without_hits(&self, left_out: &mut LeftOut) {
        for (seen, _) in &self.probes {
            match &seen.outcome {
                Outcome::Scored { .. } => {}
                Outcome::Failed { class, .. } => {
                    left_out.add(Loss::Failed, format!("{} ({class})", name(seen)));
                }
                Outcome::Skipped { .. } => left_out.add(Loss::Skipped, name(seen)),
            }
        }
    }
}

/// Question and target.
pub(super) fn name(seen: &Observation) -> String {
    format!("{} on {}", seen.question, seen.target)
}

/// All that tells a probe from the others.
pub(super) fn full_name(seen: &Observation) -> String {
    format!(
        "{}, form {}, seed {}, k {}, {}",
        name(seen),
        seen.form.0,
        seen.seed.0,
        seen.k,
        seen.purpose.name()
    )
}

/// The hits of a probe; none of one that failed.
pub(super) fn hits(seen: &Observation) -> &[HitRecord] {
    match &seen.outcome {
        Outcome::Scored { hits, .. } => hits,
        Outcome::Failed { .. } | Outcome::Skipped { .. } => &[],
    }
}

/// The generated answer of a probe.
pub(super) fn answer<'a>(source: &'a Source, seen: &Observation) -> Option<&'a str> {
    match &seen.outcome {
        Outcome::Scored { answer, .. } => answer.as_ref().map(|digest| source.text(digest)),
        Outcome::Failed { .. } | Outcome::Skipped { .. } => None,
    }
}

/// What the answer of a probe rests on.
pub(super) fn citations(seen: &Observation) -> &[String] {
    match &seen.outcome {
        Outcome::Scored { citations, .. } => citations,
        Outcome::Failed { .. } | Outcome::Skipped { .. } => &[],
    }
}

fn known_target(source: &Source, wanted: &Wanted) -> Result<(), RunExportError> {
    let Some(name) = &wanted.target else {
        return Ok(());
    };
    let targets = source.probes.record.targets.iter();
    let known: Vec<&str> = targets.map(|target| target.name.as_str()).collect();
    if known.contains(&name.as_str()) {
        return Ok(());
    }
    Err(RunExportError::NoTarget {
        name: name.to_string(),
        known: known.join(", "),
    })
}

fn nothing(source: &Source, wanted: &Wanted) -> RunExportError {
    let record = &source.probes.record;
    let words = [
        wanted.form.map(|form| format!("in wording {}", form.0)),
        wanted.seed.map(|seed| format!("under seed {}", seed.0)),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    let wanted = if words.is_empty() {
        "at all".to_owned()
    } else {
        words.join(" ")
    };
    let seeds: Vec<String> = record.seeds.iter().map(u64::to_string).collect();
    let most = record.questions.iter().map(|question| question.forms.len());
    RunExportError::Nothing {
        wanted,
        help: format!(
            "its seeds: {}; its questions have at most {} wordings, from 0",
            seeds.join(", "),
            most.max().unwrap_or(0)
        ),
    }
}
