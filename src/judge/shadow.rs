//! What ends the shadow stage.

use crate::judge::case::Case;
use crate::judge::errors::schema_violations;
use crate::judge::quality::{coverage_bounds, delta_s_bounds, worst};
use crate::judge::rule::{Ruling, decide, worse};
use crate::judge::sample::sample;
use crate::judge::{Check, CheckId, CheckVerdict, Comparator, Definition, ReasonCode};
use crate::measure::QuestionMetrics;
use crate::units::Confidence;

/// CA-S0: ΔS median ≥ 0.60, or any reply that violates the schema.
///
/// One sample condition stands in the union, so Holm's correction changes nothing; the other
/// condition is a census.
pub(super) fn hard_stop(check: Check, case: &Case) -> Check {
    let limit = check.limit;
    let rule = |questions: &[QuestionMetrics]| {
        let interval = delta_s_bounds(questions, case.settings.confidence);
        Ruling {
            interval,
            decision: decide(interval, Comparator::Below, limit, case.settings.basis),
        }
    };
    or_violations(sample(check, case, &rule), case)
}

/// BG-SHADOW: ΔS ≥ 0.60, coverage < 0.70, or any reply that violates the schema.
///
/// Two sample conditions may block, so a FAIL of each is tested at half the error rate (Bonferroni,
/// never laxer than Holm); a PASS needs both, and needs no correction.
pub(super) fn block(check: Check, case: &Case) -> Check {
    let limit = check.limit;
    let coverage_limit = Definition::of(CheckId::BgCov).limit;
    let settings = case.settings;
    let halved = Confidence::new(1.0 - settings.confidence.alpha() / 2.0)
        .expect("half of an error rate is one");
    let rule = |questions: &[QuestionMetrics]| {
        let at = |confidence| {
            let distance = delta_s_bounds(questions, confidence);
            let coverage = coverage_bounds(questions, confidence, settings);
            worse(
                decide(distance, Comparator::Below, limit, settings.basis),
                decide(
                    coverage,
                    Comparator::AtLeast,
                    coverage_limit,
                    settings.basis,
                ),
            )
        };
        let (strict, plain) = (at(halved), at(settings.confidence));
        let decision = match (strict.0, plain.0) {
            (CheckVerdict::Fail, _) => strict,
            (_, CheckVerdict::Pass) => plain,
            _ => (CheckVerdict::Inconclusive, ReasonCode::BoundCrossesLimit),
        };
        Ruling {
            interval: delta_s_bounds(questions, settings.confidence),
            decision,
        }
    };
    or_violations(sample(check, case, &rule), case)
}

/// A single violation decides, whatever the sample says.
fn or_violations(check: Check, case: &Case) -> Check {
    let risky = case
        .questions
        .iter()
        .filter(|question| question.delta_s >= check.limit);
    let check = check
        .clone()
        .naming(worst(risky, |question| -question.delta_s));
    match schema_violations(case) {
        0 => check.adding("no reply violated the schema"),
        n => check.with(
            CheckVerdict::Fail,
            ReasonCode::SchemaViolation,
            format!("{n} replies were not of the agreed form"),
        ),
    }
}
