//! What the real rules say of many runs.

use rayon::prelude::*;

use ragstone::judge::{CheckId, CheckVerdict, Definition, Evidence, Settings, Trial, judge};
use ragstone::stats::stream;

use super::laws::{Laws, evidence, names};

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

/// Judges `runs` runs of the same laws by one check.
///
/// Run `i` draws from stream `i` of `seed`, and counts are added: any number of threads gives the
/// same rates.
pub(crate) fn judged(id: CheckId, laws: &Laws, runs: u64, seed: u64) -> Rates {
    let settings = settings(id);
    (0..runs)
        .into_par_iter()
        .map(|run| {
            let evidence = evidence(laws, &mut stream(seed, run));
            Rates::of(verdict(&evidence, &settings))
        })
        .reduce(Rates::default, Rates::plus)
}

/// The default settings, asking for one check alone.
fn settings(id: CheckId) -> Settings {
    let (control, side) = names();
    let stage = Definition::of(id).stages[0];
    Settings {
        runbook: id.runbook(),
        stage,
        trials: vec![Trial {
            side,
            control,
            stage,
            checks: vec![id],
            named: Vec::new(),
        }],
        ..Settings::default()
    }
}

fn verdict(evidence: &Evidence, settings: &Settings) -> CheckVerdict {
    let checks = judge(evidence, settings);
    assert_eq!(checks.len(), 1, "one check was asked for");
    checks[0].verdict
}
