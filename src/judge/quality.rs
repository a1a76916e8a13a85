//! ΔS, coverage and λ: the checks on what was retrieved.

use crate::ids::QuestionId;
use crate::judge::case::Case;
use crate::judge::diagnosis;
use crate::judge::rule::{Ruling, decide, worse};
use crate::judge::sample::{UNDEFINED, sample};
use crate::judge::{Check, CheckVerdict, Comparator, ReasonCode, Settings};
use crate::measure::{Axes, QuestionMetrics, RankMeasure, axes};
use crate::stats::{Interval, abc_mean, bca_mean, clopper_pearson, median_bounds};
use crate::units::Confidence;

/// Largest share of `<>` cells that still counts as convergent.
pub(super) const RECURSIVE: f64 = 0.10;
/// Questions named in a check.
const NAMED: usize = 5;

/// The exact bound of the median of ΔS over questions.
pub(super) fn delta_s_bounds(questions: &[QuestionMetrics], confidence: Confidence) -> Interval {
    let values: Vec<f64> = questions.iter().map(|question| question.delta_s).collect();
    median_bounds(&values, confidence).unwrap_or(UNDEFINED)
}

/// The bound of mean coverage over questions.
pub(super) fn coverage_bounds(
    questions: &[QuestionMetrics],
    confidence: Confidence,
    settings: &Settings,
) -> Interval {
    let values: Vec<f64> = questions.iter().map(|question| question.coverage).collect();
    mean_bounds(&values, confidence, settings)
}

/// The bootstrap bounds (BCa) of a mean, and nowhere tighter than what they tend to without drawing
/// (ABC): where questions are all or nothing, a resampled mean takes few values, and a bound that
/// lands on one of them can err more often than it says.
fn mean_bounds(values: &[f64], confidence: Confidence, settings: &Settings) -> Interval {
    let drawn = bca_mean(values, settings.resamples, confidence);
    let smooth = abc_mean(values, confidence);
    drawn
        .zip(smooth)
        .map_or(UNDEFINED, |(drawn, smooth)| drawn.widened(smooth))
}

/// ΔS median ≤ limit.
pub(super) fn delta_s(check: Check, case: &Case) -> Check {
    let limit = check.limit;
    let rule = |questions: &[QuestionMetrics]| {
        let interval = delta_s_bounds(questions, case.settings.confidence);
        Ruling {
            interval,
            decision: decide(interval, Comparator::AtMost, limit, case.settings.basis),
        }
    };
    let (within, beyond): (Vec<_>, Vec<_>) = case
        .questions
        .iter()
        .partition(|question| question.delta_s <= limit);
    let check = sample(check, case, &rule)
        .naming(worst(beyond, |question| -question.delta_s))
        .adding(format!(
            "{} of {} questions at or below {limit:.2}",
            within.len(),
            case.questions.len()
        ));
    diagnosis::delta_s(check, case)
}

/// Mean coverage ≥ limit.
pub(super) fn coverage(check: Check, case: &Case) -> Check {
    let limit = check.limit;
    let rule = |questions: &[QuestionMetrics]| {
        let interval = coverage_bounds(questions, case.settings.confidence, case.settings);
        Ruling {
            interval,
            decision: decide(interval, Comparator::AtLeast, limit, case.settings.basis),
        }
    };
    let short = case
        .questions
        .iter()
        .filter(|question| question.coverage < limit);
    let mut check = sample(check, case, &rule).naming(worst(short, |question| question.coverage));
    if let Some(mean) = mean(&case.questions, |question| question.evidence_coverage) {
        check = check.adding(format!("{mean:.3} of the evidence spans"));
    }
    diagnosis::coverage(check, case)
}

/// Mean of a ranking measure within its limit.
pub(super) fn rank(check: Check, case: &Case, measure: RankMeasure) -> Check {
    let (comparator, limit) = (check.comparator, check.limit);
    let of = |question: &QuestionMetrics| question.rank.get(&measure).copied();
    let unknown = case
        .questions
        .iter()
        .filter(|one| of(one).is_none())
        .count();
    if unknown > 0 {
        let (side, n) = (&case.side.name, case.questions.len());
        let detail = format!("{unknown} of {n} questions have no {measure} on {side}");
        let remedy = format!(
            "the run of {side} was measured without it: replay with a policy that requires {measure}, or has it under [measure] rank"
        );
        return check
            .inconclusive(ReasonCode::EvidenceMissing, detail)
            .advising(Some(remedy));
    }
    let rule = |questions: &[QuestionMetrics]| {
        let values: Vec<f64> = questions.iter().filter_map(of).collect();
        let interval = mean_bounds(&values, case.settings.confidence, case.settings);
        Ruling {
            interval,
            decision: decide(interval, comparator, limit, case.settings.basis),
        }
    };
    let value = |question: &QuestionMetrics| of(question).unwrap_or(f64::NAN);
    let badness = |question: &QuestionMetrics| match comparator {
        Comparator::AtMost => -value(question),
        _ => value(question),
    };
    let misses = |question: &&QuestionMetrics| !comparator.holds(value(question), limit);
    let missing: Vec<&QuestionMetrics> = case.questions.iter().filter(misses).collect();
    let n_missing = missing.len();
    let check = sample(check, case, &rule)
        .naming(worst(missing, badness))
        .adding(format!(
            "{n_missing} of {} questions miss it",
            case.questions.len()
        ));
    let beside = beside_it(&case.questions, measure);
    if check.is_red() && !beside.is_empty() {
        check.adding(format!("of the same lists: {beside}"))
    } else {
        check
    }
}

/// The means of the other ranking measures, which tell why one is low.
fn beside_it(questions: &[QuestionMetrics], measure: RankMeasure) -> String {
    let known = questions
        .first()
        .into_iter()
        .flat_map(|one| one.rank.keys());
    let others = known
        .filter(|other| **other != measure)
        .filter_map(|other| {
            let values: Option<Vec<f64>> = questions
                .iter()
                .map(|question| question.rank.get(other).copied())
                .collect();
            let values = values?;
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            Some(format!("{} {mean:.3}", other.name()))
        });
    others.collect::<Vec<_>>().join(", ")
}

/// Rate of converging questions ≥ limit, no `×`, `<>` at most 10 %.
pub(super) fn lambda(check: Check, case: &Case) -> Check {
    let limit = check.limit;
    let rule = |questions: &[QuestionMetrics]| converging(questions, limit, case.settings);
    let not_converging = case.questions.iter().filter(|question| !question.converges);
    let badness =
        |question: &QuestionMetrics| -(question.n_chaotic as f64) - question.share_recursive;
    let axes = axes(&case.evidence.table, &case.side.name, &case.control.name);
    let check = sample(check, case, &rule)
        .naming(worst(not_converging, badness))
        .adding(by_state(&case.questions))
        .adding(by_axis(&axes));
    diagnosis::lambda(check, &axes)
}

/// The rate with its bound, and the worst of three decisions: on the rate, on `×` and on `<>`.
pub(super) fn converging(questions: &[QuestionMetrics], limit: f64, settings: &Settings) -> Ruling {
    let n = questions
        .iter()
        .filter(|question| question.converges)
        .count();
    let interval =
        clopper_pearson(n as u64, questions.len() as u64, settings.confidence).unwrap_or(UNDEFINED);
    let mut decision = decide(interval, Comparator::AtLeast, limit, settings.basis);
    if questions.iter().any(|question| question.n_chaotic > 0) {
        decision = worse(decision, (CheckVerdict::Fail, ReasonCode::ChaoticCells));
    }
    let shares: Vec<f64> = questions
        .iter()
        .map(|question| question.share_recursive)
        .collect();
    let share = mean_bounds(&shares, settings.confidence, settings);
    let (recursive, _) = decide(share, Comparator::AtMost, RECURSIVE, settings.basis);
    Ruling {
        interval,
        decision: worse(decision, (recursive, ReasonCode::RecursiveCells)),
    }
}

fn by_state(questions: &[QuestionMetrics]) -> String {
    let n = questions
        .iter()
        .filter(|question| question.converges)
        .count();
    let n_chaotic: usize = questions.iter().map(|question| question.n_chaotic).sum();
    let percent = 100.0 * mean(questions, |question| question.share_recursive).unwrap_or(0.0);
    format!(
        "{n} of {} questions converge; {n_chaotic} cells are ×, {percent:.1} % are <>",
        questions.len()
    )
}

pub(super) fn by_axis(axes: &Axes) -> String {
    let (paraphrase, seed, region) = (axes.paraphrase.len(), axes.seed.len(), axes.region.len());
    format!(
        "by axis: {paraphrase} flip across paraphrases, {seed} across seeds, {region} across regions"
    )
}

/// `None` for no questions, whose mean is no number.
fn mean(questions: &[QuestionMetrics], value: impl Fn(&QuestionMetrics) -> f64) -> Option<f64> {
    let sum: f64 = questions.iter().map(value).sum();
    (!questions.is_empty()).then(|| sum / questions.len() as f64)
}

/// The first few questions by a key, smallest first, ties in the order of the gold set.
pub(super) fn worst<'a>(
    questions: impl IntoIterator<Item = &'a QuestionMetrics>,
    key: impl Fn(&QuestionMetrics) -> f64,
) -> Vec<QuestionId> {
    let mut questions: Vec<&QuestionMetrics> = questions.into_iter().collect();
    questions.sort_by(|a, b| key(a).total_cmp(&key(b)));
    questions
        .into_iter()
        .take(NAMED)
        .map(|question| question.question.clone())
        .collect()
}
