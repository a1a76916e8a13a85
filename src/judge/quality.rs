//! ΔS, coverage and λ: the checks on what was retrieved.

use crate::goldset::lint::PROBE_SET;
use crate::ids::QuestionId;
use crate::judge::diagnosis;
use crate::judge::rule::{Decision, decide, worse};
use crate::judge::{
    Basis, Check, CheckVerdict, Comparator, Evidence, ReasonCode, Settings, SideEvidence,
};
use crate::measure::{Axes, Missing, QuestionMetrics, axes, questions};
use crate::stats::{Interval, bca_mean, clopper_pearson, median_bounds};
use crate::units::Confidence;

/// Share of missing cells above which a sample says too little.
const MISSING: f64 = 0.05;
/// Largest share of `<>` cells that still counts as convergent.
const RECURSIVE: f64 = 0.10;
/// Questions named in a check.
const NAMED: usize = 5;

/// ΔS median ≤ limit.
pub(super) fn delta_s(
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
            decide(interval, Comparator::AtMost, limit, settings.basis),
        )
    };
    let mut check = sample(check, side, evidence, settings, &rule);
    let worst = questions(&evidence.table, &side.name, Missing::Worst);
    check.worst_questions = named(
        worst.iter().filter(|question| question.delta_s > limit),
        |question| -question.delta_s,
    );
    let within = worst
        .iter()
        .filter(|question| question.delta_s <= limit)
        .count();
    append(
        &mut check,
        format!(
            "{within} of {} questions at or below {limit:.2}",
            worst.len()
        ),
    );
    if check.verdict != CheckVerdict::Pass && !evidence.referee.kind.comparable_with_runbooks() {
        append(&mut check, "their scale is the lexical one".to_owned());
    }
    diagnosis::delta_s(check, side, evidence)
}

/// The exact bound of the median of ΔS over questions.
pub(super) fn delta_s_bounds(questions: &[QuestionMetrics], confidence: Confidence) -> Interval {
    let values: Vec<f64> = questions.iter().map(|question| question.delta_s).collect();
    median_bounds(&values, confidence).unwrap_or(UNDEFINED)
}

/// The bootstrap bound of mean coverage over questions.
pub(super) fn coverage_bounds(
    questions: &[QuestionMetrics],
    confidence: Confidence,
    settings: &Settings,
) -> Interval {
    let values: Vec<f64> = questions.iter().map(|question| question.coverage).collect();
    bca_mean(&values, settings.resamples, confidence).unwrap_or(UNDEFINED)
}

const UNDEFINED: Interval = Interval {
    estimate: f64::NAN,
    low: f64::NAN,
    high: f64::NAN,
};

/// Mean coverage ≥ limit.
pub(super) fn coverage(
    check: Check,
    side: &SideEvidence,
    evidence: &Evidence,
    settings: &Settings,
) -> Check {
    let limit = check.limit;
    let rule = |questions: &[QuestionMetrics]| {
        let interval = coverage_bounds(questions, settings.confidence, settings);
        (
            interval,
            decide(interval, Comparator::AtLeast, limit, settings.basis),
        )
    };
    let mut check = sample(check, side, evidence, settings, &rule);
    let worst = questions(&evidence.table, &side.name, Missing::Worst);
    check.worst_questions = named(
        worst.iter().filter(|question| question.coverage < limit),
        |question| question.coverage,
    );
    if let Some(mean) = mean(&worst, |question| question.evidence_coverage) {
        append(&mut check, format!("{mean:.3} of the evidence spans"));
    }
    diagnosis::coverage(check, side, evidence, settings)
}

/// Rate of converging questions ≥ limit, no `×`, `<>` at most 10 %.
pub(super) fn lambda(
    check: Check,
    side: &SideEvidence,
    evidence: &Evidence,
    settings: &Settings,
) -> Check {
    let limit = check.limit;
    let rule = |questions: &[QuestionMetrics]| {
        let converging = questions
            .iter()
            .filter(|question| question.converges)
            .count();
        let rate = clopper_pearson(
            converging as u64,
            questions.len() as u64,
            settings.confidence,
        )
        .unwrap_or(UNDEFINED);
        let rate_decision = decide(rate, Comparator::AtLeast, limit, settings.basis);
        (
            rate,
            worse(
                worse(rate_decision, chaotic(questions)),
                recursive(questions, settings),
            ),
        )
    };
    let mut check = sample(check, side, evidence, settings, &rule);
    let worst = questions(&evidence.table, &side.name, Missing::Worst);
    let converging = worst.iter().filter(|question| question.converges).count();
    let not_converging = worst.iter().filter(|question| !question.converges);
    check.worst_questions = named(not_converging, |question| {
        -(question.n_chaotic as f64) - question.share_recursive
    });
    let axes = axes(&evidence.table, &side.name, &evidence.control().name);
    if let Some(share) = mean(&worst, |question| question.share_recursive) {
        let n_chaotic: usize = worst.iter().map(|question| question.n_chaotic).sum();
        let (n, percent) = (worst.len(), 100.0 * share);
        let cells = format!("{n_chaotic} cells are ×, {percent:.1} % are <>");
        append(
            &mut check,
            format!("{converging} of {n} questions converge; {cells}"),
        );
        append(&mut check, by_axis(&axes));
    }
    diagnosis::lambda(check, &axes)
}

fn by_axis(axes: &Axes) -> String {
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

fn chaotic(questions: &[QuestionMetrics]) -> Decision {
    if questions.iter().any(|question| question.n_chaotic > 0) {
        (CheckVerdict::Fail, ReasonCode::ChaoticCells)
    } else {
        (CheckVerdict::Pass, ReasonCode::BoundInsideLimit)
    }
}

fn recursive(questions: &[QuestionMetrics], settings: &Settings) -> Decision {
    let shares: Vec<f64> = questions
        .iter()
        .map(|question| question.share_recursive)
        .collect();
    let share = bca_mean(&shares, settings.resamples, settings.confidence).unwrap_or(UNDEFINED);
    let (verdict, _) = decide(share, Comparator::AtMost, RECURSIVE, settings.basis);
    (verdict, ReasonCode::RecursiveCells)
}

/// What every sample check shares: the number of questions, missing cells, an incomparable referee,
/// and the interval shown.
///
/// Missing cells count as the worst value. When more than 5 % are missing, a PASS is not believed,
/// and a FAIL only if it would stand had every missing cell come out best.
pub(super) fn sample(
    check: Check,
    side: &SideEvidence,
    evidence: &Evidence,
    settings: &Settings,
    rule: &dyn Fn(&[QuestionMetrics]) -> (Interval, Decision),
) -> Check {
    let worst = questions(&evidence.table, &side.name, Missing::Worst);
    let (interval, decision) = rule(&worst);
    let missing = missing_share(&worst);
    let control = missing_share(&questions(
        &evidence.table,
        &evidence.control().name,
        Missing::Worst,
    ));
    let check = Check {
        n_questions: Some(worst.len()),
        n_missing: Some(worst.iter().map(|question| question.n_missing).sum()),
        ..check
    };
    let check = check.measured(interval, settings.confidence.get());
    if measures_distance(&check) && !evidence.referee.kind.comparable_with_runbooks() {
        return check.inconclusive(
            ReasonCode::RefereeNotComparable,
            "the lexical referee's distances cannot be held against the runbook's limit",
        );
    }
    if worst.len() < *PROBE_SET.start() {
        let detail = format!(
            "{} questions decide nothing; {} are the least",
            worst.len(),
            PROBE_SET.start()
        );
        return check.inconclusive(ReasonCode::TooFewQuestions, detail);
    }
    if missing > MISSING {
        let (_, at_best) = rule(&questions(&evidence.table, &side.name, Missing::Best));
        let detail = format!("{:.1} % of the cells have no number", 100.0 * missing);
        if at_best.0 == CheckVerdict::Fail {
            return check.with(
                CheckVerdict::Fail,
                at_best.1,
                format!("{detail}, and it would fail had they been the best possible"),
            );
        }
        return check.inconclusive(ReasonCode::MissingCells, detail);
    }
    if (control - missing).abs() > MISSING {
        let detail = format!(
            "{:.1} % of the control's cells have no number, {:.1} % here",
            100.0 * control,
            100.0 * missing
        );
        return check.inconclusive(ReasonCode::MissingUneven, detail);
    }
    check.with(decision.0, decision.1, shown(interval, settings))
}

fn measures_distance(check: &Check) -> bool {
    use crate::judge::CheckId as Id;
    matches!(check.id, Id::CaDs | Id::BgDs | Id::CaS0 | Id::BgShadow)
}

fn missing_share(questions: &[QuestionMetrics]) -> f64 {
    let cells: usize = questions.iter().map(|question| question.n_cells).sum();
    let missing: usize = questions.iter().map(|question| question.n_missing).sum();
    if cells == 0 {
        1.0
    } else {
        missing as f64 / cells as f64
    }
}

fn shown(interval: Interval, settings: &Settings) -> String {
    let Interval {
        estimate,
        low,
        high,
    } = interval;
    let level = 100.0 * settings.confidence.get();
    match settings.basis {
        Basis::Bound => {
            format!("{estimate:.3}, one-sided {level:.0} % bounds {low:.3} and {high:.3}")
        }
        Basis::Point => format!(
            "{estimate:.3} by point alone; one-sided {level:.0} % bounds {low:.3} and {high:.3}"
        ),
    }
}

pub(super) fn append(check: &mut Check, more: String) {
    if !check.detail.is_empty() {
        check.detail.push_str("; ");
    }
    check.detail.push_str(&more);
}

/// The first few questions by a key, smallest first, ties in the order of the gold set.
pub(super) fn named<'a>(
    questions: impl Iterator<Item = &'a QuestionMetrics>,
    key: impl Fn(&QuestionMetrics) -> f64,
) -> Vec<QuestionId> {
    let mut questions: Vec<&QuestionMetrics> = questions.collect();
    questions.sort_by(|a, b| key(a).total_cmp(&key(b)));
    questions
        .into_iter()
        .take(NAMED)
        .map(|question| question.question.clone())
        .collect()
}
