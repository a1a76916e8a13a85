//! What the real rules say of many runs.

use rayon::prelude::*;

use ragstone::embed::EmbedderKind;
use ragstone::ids::Topic;
use ragstone::judge::{
    CheckId, CheckVerdict, Definition, Evidence, Healthy, Outlook, Settings, Trial, judge,
    prospects,
};
use ragstone::stats::{Resamples, stream};
use ragstone::target::Locality;

use super::laws::{FORMS, Laws, SEEDS, evidence, names};

/// How often a check came out in each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    /// All runs.
    pub(crate) runs: u64,
    /// PASS.
    pub(crate) passed: u64,
    /// FAIL.
    pub(crate) failed: u64,
}

impl Rates {
    /// Share of PASS, in `[0, 1]`.
    pub(crate) fn pass(self) -> f64 {
        self.passed as f64 / self.runs as f64
    }

    /// Share of FAIL, in `[0, 1]`.
    pub(crate) fn fail(self) -> f64 {
        self.failed as f64 / self.runs as f64
    }

    fn of(verdict: CheckVerdict) -> Self {
        Self {
            runs: 1,
            passed: u64::from(verdict == CheckVerdict::Pass),
            failed: u64::from(verdict == CheckVerdict::Fail),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
        }
    }
}

/// How many runs, from which random sequence, and how their bootstraps resample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Simulation {
    /// Runs; run `i` draws from stream `i`.
    pub(crate) runs: u64,
    /// Names the random sequence.
    pub(crate) seed: u64,
    /// Resamples of each bootstrap.
    pub(crate) resamples: u32,
}

/// Judges runs of the same laws by one check.
///
/// A run has a random stream of its own and counts are added: any number of threads gives the same
/// rates.
pub(crate) fn judged(id: CheckId, laws: &Laws, simulation: Simulation) -> Rates {
    let settings = settings(id, simulation.resamples);
    (0..simulation.runs)
        .into_par_iter()
        .map(|run| {
            let evidence = evidence(laws, &mut stream(simulation.seed, run));
            Rates::of(verdict(&evidence, &settings))
        })
        .reduce(Rates::default, Rates::plus)
}

/// The default settings but for the resamples, asking for one check alone.
fn settings(id: CheckId, resamples: u32) -> Settings {
    let (control, side) = names();
    let stage = Definition::of(id).stages[0];
    Settings {
        runbook: id.runbook().expect("a clause"),
        stage,
        trials: vec![Trial {
            side,
            control,
            stage,
            checks: vec![id],
            named: Vec::new(),
        }],
        resamples: Resamples {
            n: resamples,
            ..Resamples::default()
        },
        ..Settings::default()
    }
}

fn verdict(evidence: &Evidence, settings: &Settings) -> CheckVerdict {
    let checks = judge(evidence, settings);
    assert_eq!(checks.len(), 1, "one check was asked for");
    checks[0].verdict
}

/// The chance of a PASS that `ragstone plan` prints for as many questions and topics, when nothing
/// is wrong. `None` if it says that the check cannot be decided.
pub(crate) fn planned(id: CheckId, laws: &Laws) -> Option<f64> {
    let of_topic = |topic| (topic..laws.n).step_by(laws.topics).count();
    let outlook = Outlook {
        n_questions: laws.n,
        topics: (0..laws.topics)
            .map(|topic| (Topic::new(format!("t{topic}")), of_topic(topic)))
            .collect(),
        n_forms: usize::from(FORMS),
        n_seeds: SEEDS as usize,
        n_sides: 1,
        referee: EmbedderKind::Cache,
        locality: Locality::Network,
        stated: [].into(),
        compared: [].into(),
        history: false,
        baseline: true,
    };
    prospects(
        &settings(id, Resamples::default().n),
        &outlook,
        &Healthy::usual(),
    )[0]
    .p_pass
}
