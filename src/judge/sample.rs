//! What every sample check shares: the least number of questions, missing cells, an incomparable
//! referee, and the interval shown.

use crate::goldset::lint::PROBE_SET;
use crate::judge::case::Case;
use crate::judge::rule::Ruling;
use crate::judge::{Basis, Check, CheckId, CheckVerdict, ReasonCode, Settings};
use crate::measure::{Missing, QuestionMetrics, questions};
use crate::stats::Interval;

/// Share of missing cells above which a sample says too little.
const MISSING: f64 = 0.05;

/// Applies a rule to the questions of a case.
///
/// Missing cells count as the worst value. When more than 5 % are missing, a PASS is not believed,
/// and a FAIL only if it would stand had every missing cell come out best.
pub(super) fn sample(
    check: Check,
    case: &Case,
    rule: &dyn Fn(&[QuestionMetrics]) -> Ruling,
) -> Check {
    let Ruling { interval, decision } = rule(&case.questions);
    let n_questions = case.questions.len();
    let check = Check {
        n_questions: Some(n_questions),
        n_missing: Some(
            case.questions
                .iter()
                .map(|question| question.n_missing)
                .sum(),
        ),
        ..check
    };
    let check = check.measured(interval, case.settings.confidence.get());
    if measures_distance(&check) && !case.evidence.referee.kind.comparable_with_runbooks() {
        let detail = "the lexical referee's distances have another scale than the runbook's limit";
        return check.inconclusive(ReasonCode::RefereeNotComparable, detail);
    }
    if n_questions < *PROBE_SET.start() {
        let detail = format!(
            "{n_questions} questions decide nothing; {} are the least",
            PROBE_SET.start()
        );
        return check.inconclusive(ReasonCode::TooFewQuestions, detail);
    }
    let missing = missing_share(&case.questions);
    if missing > MISSING {
        return with_many_missing(check, missing, rule(&case.questions_at_best()));
    }
    let control = missing_share(&questions(
        &case.evidence.table,
        &case.control().name,
        Missing::Worst,
    ));
    if (control - missing).abs() > MISSING {
        let (control, here) = (100.0 * control, 100.0 * missing);
        let detail =
            format!("{control:.1} % of the control's cells have no number, {here:.1} % here");
        return check.inconclusive(ReasonCode::MissingUneven, detail);
    }
    check.with(decision.0, decision.1, shown(interval, case.settings))
}

fn with_many_missing(check: Check, share: f64, at_best: Ruling) -> Check {
    let detail = format!("{:.1} % of the cells have no number", 100.0 * share);
    match at_best.decision {
        (CheckVerdict::Fail, reason) => check.with(
            CheckVerdict::Fail,
            reason,
            format!("{detail}, and it would fail had they been the best possible"),
        ),
        _ => check.inconclusive(ReasonCode::MissingCells, detail),
    }
}

fn measures_distance(check: &Check) -> bool {
    matches!(
        check.id,
        CheckId::CaDs | CheckId::BgDs | CheckId::CaS0 | CheckId::BgShadow
    )
}

/// Of all cells, those without a number; all of them if there is no cell.
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
    let by_point = if settings.basis == Basis::Point {
        " by point alone"
    } else {
        ""
    };
    format!("{estimate:.3}{by_point}, one-sided {level:.0} % bounds {low:.3} and {high:.3}")
}
