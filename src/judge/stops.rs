//! What ends a rollout at once, or blocks it.

use std::collections::BTreeMap;

use crate::ids::Topic;
use crate::judge::case::Case;
use crate::judge::errors::schema_violations;
use crate::judge::quality::{coverage_bounds, delta_s_bounds, worst};
use crate::judge::rule::{Ruling, decide, worse};
use crate::judge::sample::{Counted, UNDEFINED, judged, sample};
use crate::judge::{Check, CheckVerdict, Comparator, ReasonCode};
use crate::measure::{QuestionMetrics, flipped_paraphrases};
use crate::stats::{bounded_mean, bounded_mean_below, holm};
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

/// BG-SHADOW and FD-RISK: ΔS ≥ 0.60, coverage < 0.70, or any reply that violates the schema.
///
/// Two sample conditions may block, so a FAIL of each is tested at half the error rate (Bonferroni,
/// never laxer than Holm); a PASS needs both, and needs no correction.
pub(super) fn block(check: Check, case: &Case) -> Check {
    let limit = check.limit;
    let coverage_limit = case.settings.block_coverage();
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

/// CA-S5: coverage < 0.70 on any probe topic.
///
/// Any topic may stop the rollout, so that a FAIL is by Holm over topics; a PASS needs all of them and
/// no correction. The topics are few questions each, hence the exact bound.
pub(super) fn topics(check: Check, case: &Case) -> Check {
    let limit = check.limit;
    let alpha = case.settings.confidence.alpha();
    let rule = |questions: &[QuestionMetrics]| {
        let topics = by_topic(questions);
        let of = |values: &Vec<f64>| bounded_mean(values, case.settings.confidence);
        let intervals: Vec<_> = topics.values().filter_map(of).collect();
        let lowest = intervals
            .iter()
            .copied()
            .min_by(|a, b| a.estimate.total_cmp(&b.estimate));
        let decisions = intervals
            .iter()
            .map(|interval| decide(*interval, Comparator::AtLeast, limit, case.settings.basis));
        let all = decisions
            .reduce(worse)
            .unwrap_or((CheckVerdict::Inconclusive, ReasonCode::NotANumber));
        let p_values: Vec<f64> = topics
            .values()
            .filter_map(|values| bounded_mean_below(values, limit))
            .collect();
        let stopped = holm(&p_values).into_iter().any(|p| p <= alpha);
        let by_bound = case.settings.basis == crate::judge::Basis::Bound;
        let decision = match all {
            _ if by_bound && stopped => (CheckVerdict::Fail, ReasonCode::BoundOutsideLimit),
            (CheckVerdict::Fail, _) if by_bound => {
                (CheckVerdict::Inconclusive, ReasonCode::BoundCrossesLimit)
            }
            all => all,
        };
        Ruling {
            interval: lowest.unwrap_or(UNDEFINED),
            decision,
        }
    };
    let at_best = || rule(&case.questions_at_best());
    let counted = Counted::of(&case.questions);
    let check = judged(check, case, counted, rule(&case.questions), &at_best);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut topics: Vec<(f64, usize, &Topic)> = Vec::new();
    let groups = by_topic(&case.questions);
    topics.extend(
        groups
            .iter()
            .map(|(topic, values)| (mean(values), values.len(), *topic)),
    );
    topics.sort_by(|a, b| a.0.total_cmp(&b.0));
    let lowest: Vec<String> = topics
        .iter()
        .take(3)
        .map(|(mean, n, topic)| format!("{topic} {mean:.3} of {n} questions"))
        .collect();
    let below = topics.first().map(|(_, _, topic)| *topic);
    let of_lowest = case
        .questions
        .iter()
        .filter(|question| Some(&question.topic) == below && question.coverage < limit);
    check
        .naming(worst(of_lowest, |question| question.coverage))
        .adding(format!("lowest topics: {}", lowest.join(", ")))
}

fn by_topic(questions: &[QuestionMetrics]) -> BTreeMap<&Topic, Vec<f64>> {
    let mut topics: BTreeMap<&Topic, Vec<f64>> = BTreeMap::new();
    for question in questions {
        topics
            .entry(&question.topic)
            .or_default()
            .push(question.coverage);
    }
    topics
}

/// CA-S50: λ flips on more than one paraphrase of any gold question.
///
/// A flip to or from a failed cell may be the network's doing: it blocks a PASS and stops nothing.
pub(super) fn flips(check: Check, case: &Case) -> Check {
    const TOO_MANY: usize = 2;
    let flipped = flipped_paraphrases(&case.evidence.table, &case.side.name);
    let control = flipped_paraphrases(&case.evidence.table, &case.control.name);
    let stopping: Vec<_> = flipped
        .iter()
        .filter(|question| question.n_answered >= TOO_MANY)
        .map(|question| question.question.clone())
        .collect();
    let with_failed = flipped
        .iter()
        .filter(|question| question.n >= TOO_MANY)
        .count();
    let also = control
        .iter()
        .filter(|question| question.n_answered >= TOO_MANY && stopping.contains(&question.question))
        .count();
    let n_questions = flipped.len();
    let check = Check {
        estimate: Some(stopping.len() as f64),
        n_questions: Some(n_questions),
        ..check
    };
    if n_questions == 0 {
        return check.inconclusive(ReasonCode::EvidenceMissing, "no question has a λ");
    }
    if !stopping.is_empty() {
        let detail = format!(
            "{} of {n_questions} questions flip on two or more paraphrases, {also} of them on the control too",
            stopping.len()
        );
        let not_its_doing = (also == stopping.len()).then(|| {
            "every one of these flips on the control as well: rolling back mends nothing, so look at the wording of their paraphrases first".to_owned()
        });
        let named = stopping.into_iter().take(5).collect();
        return check.naming(named).advising(not_its_doing).with(
            CheckVerdict::Fail,
            ReasonCode::ParaphrasesFlip,
            detail,
        );
    }
    if with_failed > 0 {
        let detail = format!(
            "{with_failed} questions flip on two or more paraphrases if failed cells are counted"
        );
        return check.inconclusive(ReasonCode::MissingCells, detail);
    }
    let detail = format!("none of {n_questions} questions flips on more than one paraphrase");
    check.with(CheckVerdict::Pass, ReasonCode::NoParaphraseFlips, detail)
}
