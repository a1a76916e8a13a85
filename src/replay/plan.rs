//! Which probes are asked, in which order.

use crate::goldset::GoldSet;
use crate::ids::{Digest, Form, Seed};
use crate::replay::{Purpose, Settings};
use crate::units::Cutoff;

/// A planned cell. Targets and questions are indexes, from 0, into the lists the plan was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Which target.
    pub target: usize,
    /// Which question.
    pub question: usize,
    /// Which wording.
    pub form: Form,
    /// Which seed.
    pub seed: Seed,
    /// Hits asked for.
    pub k: Cutoff,
    /// What the answer is for.
    pub purpose: Purpose,
}

/// Every probe of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Arms are interleaved: all targets get a probe before any gets the next, so that they meet
    /// the same weather.
    pub probes: Vec<Probe>,
}

impl Plan {
    /// targets × questions × forms × seeds, and the k-sweep with form 0 and the first seed. With a
    /// single seed every cell is repeated, since a comparison needs to know how much a side differs
    /// from itself.
    ///
    /// The sweep asks again for each other cut-off instead of cutting one long list, since filters
    /// and rerankers depend on `k`.
    pub fn new(gold: &GoldSet, n_targets: usize, settings: &Settings) -> Self {
        let mut probes = Vec::new();
        for (index, question) in gold.questions.iter().enumerate() {
            let mut ask = |form, seed, k, purpose| {
                probes.extend((0..n_targets).map(|target| Probe {
                    target,
                    question: index,
                    form,
                    seed,
                    k,
                    purpose,
                }));
            };
            for (form, _) in question.forms().take(1 + settings.paraphrases) {
                for &seed in &settings.seeds {
                    ask(form, seed, settings.k, Purpose::Score);
                }
                if let [only] = settings.seeds[..] {
                    ask(form, only, settings.k, Purpose::Repeat);
                }
            }
            for &k in settings.k_sweep.iter().filter(|&&k| k != settings.k) {
                ask(Form::ORIGINAL, settings.seeds[0], k, Purpose::Sweep);
            }
        }
        Self { probes }
    }

    /// What is asked, as one digest: a journal names probes by their place, which means something under
    /// the same plan only.
    pub fn digest(&self, gold: &GoldSet) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("ragstone 2026 plan v1");
        for probe in &self.probes {
            let question = gold.questions[probe.question].id.as_str();
            let numbers = [
                probe.target as u64,
                u64::from(probe.form.0),
                probe.seed.0,
                probe.k.get() as u64,
                probe.purpose as u64,
            ];
            hasher.update(&(question.len() as u64).to_le_bytes());
            hasher.update(question.as_bytes());
            for number in numbers {
                hasher.update(&number.to_le_bytes());
            }
        }
        Digest::from_bytes(*hasher.finalize().as_bytes())
    }

    /// The probes of each question in turn, as ranges of places.
    pub fn by_question(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let question = self.probes.get(start)?.question;
            let rest = &self.probes[start..];
            let len = rest.iter().take_while(|probe| probe.question == question);
            let range = start..start + len.count();
            start = range.end;
            Some(range)
        })
    }
}
