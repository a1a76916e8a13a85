//! What ends the shadow stage.

use crate::judge::errors::schema_violations;
use crate::judge::quality::{append, coverage_bounds, delta_s_bounds, named, sample};
use crate::judge::rule::{decide, worse};
use crate::judge::{
    Check, CheckVerdict, Comparator, Definition, Evidence, ReasonCode, Settings, SideEvidence,
};
use crate::measure::{Missing, QuestionMetrics, questions};
use crate::units::Confidence;

/// CA-S0: ΔS median ≥ 0.60, or any reply that violates the schema.
///
/// One sample condition stands in the union, so Holm's correction changes nothing; the other
/// condition is a census.
pub(super) fn hard_stop(
    check: Check,
    side: &SideEvidence,
    evidence: &Evidence,
    settings: &Settings,
) -> Check {
    let limit = check.limit;
    let rule = |questions: &[QuestionMetrics]| {
        let interval = delta_s_bounds(questions, settings.confidence);
        (
            interval,
            decide(interval, Comparator::Below, limit, settings.basis),
        )
    };
    violations(
        with_worst(
            sample(check, side, evidence, settings, &rule),
            side,
            evidence,
        ),
        side,
        evidence,
    )
}

/// BG-SHADOW: ΔS ≥ 0.60, coverage < 0.70, or any reply that violates the schema.
///
/// Two sample conditions may block, so a FAIL of each is tested at half the error rate (Bonferroni,
/// never laxer than Holm); a PASS needs both, and needs no correction.
pub(super) fn block(
    check: Check,
    side: &SideEvidence,
    evidence: &Evidence,
    settings: &Settings,
) -> Check {
    let limit = check.limit;
    let coverage_limit = Definition::of(crate::judge::CheckId::BgCov).limit;
    let halved = Confidence::new(1.0 - settings.confidence.alpha() / 2.0)
        .expect("half of an error rate is one");
    let rule = |questions: &[QuestionMetrics]| {
        let at = |confidence| {
            let distance = decide(
                delta_s_bounds(questions, confidence),
                Comparator::Below,
                limit,
                settings.basis,
            );
            let coverage = decide(
                coverage_bounds(questions, confidence, settings),
                Comparator::AtLeast,
                coverage_limit,
                settings.basis,
            );
            worse(distance, coverage)
        };
        let strict = at(halved);
        let plain = at(settings.confidence);
        let decision = match (strict.0, plain.0) {
            (CheckVerdict::Fail, _) => strict,
            (_, CheckVerdict::Pass) => plain,
            _ => (CheckVerdict::Inconclusive, ReasonCode::BoundCrossesLimit),
        };
        (delta_s_bounds(questions, settings.confidence), decision)
    };
    violations(
        with_worst(
            sample(check, side, evidence, settings, &rule),
            side,
            evidence,
        ),
        side,
        evidence,
    )
}

fn with_worst(mut check: Check, side: &SideEvidence, evidence: &Evidence) -> Check {
    let worst = questions(&evidence.table, &side.name, Missing::Worst);
    check.worst_questions = named(
        worst
            .iter()
            .filter(|question| question.delta_s >= check.limit),
        |question| -question.delta_s,
    );
    check
}

/// A single violation decides, whatever the sample says.
fn violations(mut check: Check, side: &SideEvidence, evidence: &Evidence) -> Check {
    let n = schema_violations(evidence, &side.name);
    if n > 0 {
        return check.with(
            CheckVerdict::Fail,
            ReasonCode::SchemaViolation,
            format!("{n} replies were not of the agreed form"),
        );
    }
    append(&mut check, "no reply violated the schema".to_owned());
    check
}
