//! Two sides, question by question: drift, shifts, flips, and what a side shows against itself.

use crate::ids::QuestionId;
use crate::judge::case::{Case, Noise};
use crate::judge::definition::Method;
use crate::judge::observed::Scene;
use crate::judge::quality;
use crate::judge::rule::{Decision, Ruling, decide, worse};
use crate::judge::sample::{Counted, UNDEFINED, judged};
use crate::judge::{
    Check, CheckVerdict, Comparator, Definition, ReasonCode, Runbook, Settings, SideEvidence,
    traffic,
};
use crate::measure::{Missing, PairedQuestion, axes};
use crate::stats::{Difference, Interval, abc_mean, clopper_pearson};

/// A question whose ΔS differs by more than this has shifted: opposite shifts cancel in a mean.
pub(super) const SHIFT: f64 = 0.10;
/// Largest share of questions that may shift, or converge on one side only.
pub(super) const SHARE: f64 = 0.10;
/// Mean difference of coverage that still counts as none.
pub(super) const COVERAGE_MARGIN: f64 = 0.05;
/// Questions named in a check.
const NAMED: usize = 5;

/// The noise of both sides, by which differences between them are discounted.
struct Floor {
    side: Noise,
    control: Noise,
}

impl Floor {
    /// How far a question may shift by itself.
    fn of(&self, question: &QuestionId) -> f64 {
        let one = |noise: &Noise| {
            let shift = noise.get(question).and_then(|noise| noise.delta_s);
            shift.map_or(0.0, f64::abs)
        };
        one(&self.side).max(one(&self.control))
    }

    fn shifted(&self, pair: &PairedQuestion) -> bool {
        pair.delta_s.abs() - self.of(&pair.question) > SHIFT
    }

    /// Converges on one side only, and not because the control cannot make up its mind.
    fn flipped(&self, pair: &PairedQuestion) -> bool {
        let restless = self.control.get(&pair.question);
        pair.converges != pair.converged && !restless.is_some_and(|noise| noise.lambda_changed)
    }
}

/// What a side and another one look like to a paired check.
pub(super) struct Against<'a> {
    other: &'a SideEvidence,
    floor: Floor,
}

impl<'a> Against<'a> {
    /// # Errors
    /// With the reason for which nothing can be said: a side was asked nothing twice, or the control
    /// differs from itself as much as two sides may.
    pub(super) fn new(case: &Case, other: &'a SideEvidence) -> Result<Self, (ReasonCode, String)> {
        let noise = |side: &SideEvidence| {
            case.noise_of(side).ok_or_else(|| {
                let detail = format!(
                    "{} was asked nothing twice, so its own noise is not known: replay with two seeds",
                    side.name
                );
                (ReasonCode::NoiseNotMeasured, detail)
            })
        };
        let floor = Floor {
            side: noise(case.side)?,
            control: noise(other)?,
        };
        let shifts: Vec<f64> = floor
            .control
            .values()
            .filter_map(|noise| noise.delta_s)
            .collect();
        let drift = mean_within(
            &shifts,
            Definition::of(crate::judge::CheckId::MrDrift).limit,
            case.settings,
        );
        let n_shifted = shifts.iter().filter(|shift| shift.abs() > SHIFT).count();
        let shifted = share(n_shifted, shifts.len(), SHARE, case.settings);
        if worse(drift.decision, shifted.decision).0 != CheckVerdict::Pass {
            let detail = format!(
                "{} is not equivalent to its own repeat (mean ΔS difference {:.3} [{:.3}, {:.3}], {n_shifted} of {} questions shifted): a difference from it says nothing",
                other.name,
                drift.interval.estimate,
                drift.interval.low,
                drift.interval.high,
                shifts.len()
            );
            return Err((ReasonCode::ControlNoisy, detail));
        }
        Ok(Self { other, floor })
    }

    /// Applies a rule to the pairs, and hands them on for naming the questions.
    fn judge(
        &self,
        check: Check,
        case: &Case,
        rule: &dyn Fn(&[PairedQuestion]) -> Ruling,
    ) -> (Check, Vec<PairedQuestion>) {
        let pairs = |missing| case.paired_with(self.other, missing);
        let worst = pairs(Missing::Worst);
        let at_best = || rule(&pairs(Missing::Best));
        let counted = Counted::of_pairs(&worst);
        let check = judged(check, case, counted, rule(&worst), &at_best);
        (check, worst)
    }
}

/// One of the paired checks: drift, shifts, flips, coverage.
pub(super) fn paired(check: Check, case: &Case, method: Method) -> Check {
    let against = match Against::new(case, case.control) {
        Ok(against) => against,
        Err((reason, detail)) => return check.inconclusive(reason, detail),
    };
    let limit = check.limit;
    let floor = &against.floor;
    let rule = |pairs: &[PairedQuestion]| ruling(method, pairs, floor, limit, case.settings);
    let (check, pairs) = against.judge(check, case, &rule);
    let check = match method {
        Method::Flips => check
            .naming(first(&pairs, |pair| {
                floor.flipped(pair).then_some(-pair.delta_s.abs())
            }))
            .adding(flips(&pairs, floor))
            .adding(quality::by_axis(&axes(
                &case.evidence.table,
                &case.side.name,
                &case.control.name,
            ))),
        Method::CoverageDrift => check.naming(first(&pairs, |pair| {
            (pair.coverage.abs() > COVERAGE_MARGIN).then_some(-pair.coverage.abs())
        })),
        _ => check
            .naming(first(&pairs, |pair| {
                floor.shifted(pair).then_some(-pair.delta_s.abs())
            }))
            .adding(shifts(&pairs, floor)),
    };
    let check = check.adding(noise(&against));
    if method == Method::DriftAndConvergence {
        return with_convergence(check, case);
    }
    check
}

fn ruling(
    method: Method,
    pairs: &[PairedQuestion],
    floor: &Floor,
    limit: f64,
    settings: &Settings,
) -> Ruling {
    let count =
        |counts: &dyn Fn(&PairedQuestion) -> bool| pairs.iter().filter(|pair| counts(pair)).count();
    let n_shifted = || count(&|pair| floor.shifted(pair));
    let of = |value: fn(&PairedQuestion) -> f64| -> Vec<f64> { pairs.iter().map(value).collect() };
    match method {
        Method::Shifts => share(n_shifted(), pairs.len(), limit, settings),
        Method::Flips => share(
            count(&|pair| floor.flipped(pair)),
            pairs.len(),
            limit,
            settings,
        ),
        Method::CoverageDrift => mean_within(&of(|pair| pair.coverage), limit, settings),
        Method::MeanDrift => mean_within(&of(|pair| pair.delta_s), limit, settings),
        _ => {
            let mean = mean_within(&of(|pair| pair.delta_s), limit, settings);
            let shifted = share(n_shifted(), pairs.len(), SHARE, settings).decision;
            Ruling {
                interval: mean.interval,
                decision: worse(mean.decision, (shifted.0, ReasonCode::ShiftedQuestions)),
            }
        }
    }
}

/// Two one-sided t-tests: the interval of the mean lies inside the margin exactly when both reject.
///
/// The interval is nowhere tighter than ABC's, which follows the skewness of the differences. When a
/// few questions have lost their sections, a sample that met none or one of them has a small mean and
/// a small deviation at once, and Student's interval alone would pass a mean at the margin about
/// ten times in 100 (`reports/soundness.md`).
pub(super) fn mean_within(differences: &[f64], margin: f64, settings: &Settings) -> Ruling {
    let student = Difference::of_pairs(differences)
        .map(|difference| difference.interval(settings.confidence));
    let skewed = abc_mean(differences, settings.confidence);
    let interval = student
        .zip(skewed)
        .map_or(UNDEFINED, |(student, skewed)| student.widened(skewed));
    Ruling {
        interval,
        decision: decide(interval, Comparator::Within, margin, settings.basis),
    }
}

/// The exact bound of a share of questions, which must be small.
fn share(n: usize, of: usize, limit: f64, settings: &Settings) -> Ruling {
    let interval = clopper_pearson(n as u64, of as u64, settings.confidence).unwrap_or(UNDEFINED);
    Ruling {
        interval,
        decision: decide(interval, Comparator::AtMost, limit, settings.basis),
    }
}

fn shifts(pairs: &[PairedQuestion], floor: &Floor) -> String {
    let n = pairs.iter().filter(|pair| floor.shifted(pair)).count();
    format!(
        "{n} of {} questions shifted by more than {SHIFT:.2}",
        pairs.len()
    )
}

fn flips(pairs: &[PairedQuestion], floor: &Floor) -> String {
    let n = |converges: bool| {
        let flipped = pairs.iter().filter(|pair| floor.flipped(pair));
        flipped.filter(|pair| pair.converges == converges).count()
    };
    format!(
        "{} questions converge on the control only, {} here only",
        n(false),
        n(true)
    )
}

fn noise(against: &Against) -> String {
    let largest = |noise: &Noise| {
        let shifts = noise.values().filter_map(|noise| noise.delta_s);
        shifts.map(f64::abs).fold(0.0, f64::max)
    };
    format!(
        "against its own repeat the control shifts by at most {:.3}, this side by {:.3}",
        largest(&against.floor.control),
        largest(&against.floor.side)
    )
}

/// The first few questions that have a key, smallest first, ties in the order of the pairs.
fn first(
    pairs: &[PairedQuestion],
    key: impl Fn(&PairedQuestion) -> Option<f64>,
) -> Vec<QuestionId> {
    let mut keyed: Vec<(f64, &QuestionId)> = pairs
        .iter()
        .filter_map(|pair| Some((key(pair)?, &pair.question)))
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    keyed
        .into_iter()
        .take(NAMED)
        .map(|(_, question)| question.clone())
        .collect()
}

/// Old and new drift apart, or the new one does not converge: either is red.
fn with_convergence(check: Check, case: &Case) -> Check {
    let definition = Runbook::MultiRegion
        .check_by(Method::Convergence)
        .expect("multi-region asks for convergence");
    let ruling = quality::converging(&case.questions, definition.limit, case.settings);
    let Interval {
        estimate,
        low,
        high,
    } = ruling.interval;
    let drift: Decision = (check.verdict, check.reason_code);
    let (verdict, reason) = worse(drift, ruling.decision);
    let detail = format!("λ: {estimate:.3} of the questions converge [{low:.3}, {high:.3}]");
    if check.verdict == CheckVerdict::Inconclusive && verdict == CheckVerdict::Inconclusive {
        return check.adding(detail);
    }
    let before = check.detail.clone();
    check.with(verdict, reason, before).adding(detail)
}

/// A side after the cutover beside itself before it. Egress and dedupe come from telemetry, so that the
/// probes alone can show that it fails and never that it holds.
pub(super) fn after_cutover(check: Check, case: &Case) -> Check {
    let check = beside_baseline(check, case);
    let scene = Scene {
        observed: &case.evidence.observed,
        side: &case.side.name,
        control: &case.control.name,
        stage: case.stage,
        settings: case.settings,
    };
    match (traffic::after_cutover(&scene), check.verdict) {
        (Some((by_requests, said)), _) => {
            let (verdict, reason) = worse((check.verdict, check.reason_code), by_requests);
            let probes = format!("probes: {}", check.detail);
            check.with(verdict, reason, said).adding(probes)
        }
        (None, CheckVerdict::Pass) => {
            let probes = check.detail.clone();
            check
                .inconclusive(ReasonCode::EvidenceMissing, "egress success and the dedupe guard need request telemetry, which was not given")
                .adding(format!("the probes agree with the baseline: {probes}"))
        }
        (None, _) => check,
    }
}

/// What the probes say of a side after the cutover.
fn beside_baseline(check: Check, case: &Case) -> Check {
    let Some(baseline) = case.evidence.baseline_of(case.side) else {
        let detail =
            "no run from before the cutover was given: name it with --baseline or `baseline`";
        return check.inconclusive(ReasonCode::EvidenceMissing, detail);
    };
    let against = match Against::new(case, baseline) {
        Ok(against) => against,
        Err((reason, detail)) => return check.inconclusive(reason, detail),
    };
    let limit = check.limit;
    let floor = &against.floor;
    let rule = |pairs: &[PairedQuestion]| {
        let drift = ruling(Method::Drift, pairs, floor, limit, case.settings);
        let coverage = ruling(
            Method::CoverageDrift,
            pairs,
            floor,
            COVERAGE_MARGIN,
            case.settings,
        );
        let flips = ruling(Method::Flips, pairs, floor, SHARE, case.settings);
        let coverage = (coverage.decision.0, ReasonCode::CoverageShifted);
        let flips = (flips.decision.0, ReasonCode::FlippedQuestions);
        Ruling {
            interval: drift.interval,
            decision: worse(worse(drift.decision, coverage), flips),
        }
    };
    let check = Check {
        control: baseline.name.clone(),
        ..check
    };
    let (check, pairs) = against.judge(check, case, &rule);
    let check = check
        .naming(first(&pairs, |pair| {
            (floor.shifted(pair) || floor.flipped(pair)).then_some(-pair.delta_s.abs())
        }))
        .adding(shifts(&pairs, floor))
        .adding(flips(&pairs, floor));
    let moved = crate::judge::census::moved_since(baseline, case.side);
    if !moved.is_empty() {
        let detail = format!(
            "{} is not what it was before the cutover",
            moved.join(" and ")
        );
        return check.with(CheckVerdict::Fail, ReasonCode::FieldDiffers, detail);
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(n_lost: usize, verdict: CheckVerdict) {
        let lost = |question: usize| if question < n_lost { 0.6 } else { 0.0 };
        let differences: Vec<f64> = (0..100).map(lost).collect();
        let ruling = mean_within(&differences, 0.03, &Settings::default());
        assert_eq!(ruling.decision.0, verdict, "{:?}", ruling.interval);
    }

    #[test]
    fn two_lost_questions_of_a_hundred_leave_the_margin_open() {
        // One sample in eight has no more than two when five in a hundred are lost, which is a mean of
        // exactly the margin. Student's bound of two is 0.026, that of ABC 0.035.
        check(1, CheckVerdict::Pass);
        check(2, CheckVerdict::Inconclusive);
        check(5, CheckVerdict::Inconclusive);
        check(15, CheckVerdict::Fail);
    }
}
