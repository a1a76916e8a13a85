//! What every sample check shares: the least number of questions, missing cells, an incomparable
//! referee, and the interval shown.

use crate::goldset::lint::PROBE_SET;
use crate::judge::case::Case;
use crate::judge::rule::Ruling;
use crate::judge::{Basis, Check, CheckVerdict, Definition, ReasonCode, Settings, SideEvidence};
use crate::measure::{Missing, PairedQuestion, QuestionMetrics, questions};
use crate::stats::Interval;

/// Share of missing cells above which a sample says too little.
const MISSING: f64 = 0.05;

/// An interval of nothing.
pub(super) const UNDEFINED: Interval = Interval {
    estimate: f64::NAN,
    low: f64::NAN,
    high: f64::NAN,
};

/// How many questions and cells stand behind a ruling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    questions: usize,
    cells: usize,
    missing_cells: usize,
}

impl Counted {
    pub(super) fn of(questions: &[QuestionMetrics]) -> Self {
        Self {
            questions: questions.len(),
            cells: questions.iter().map(|question| question.n_cells).sum(),
            missing_cells: questions.iter().map(|question| question.n_missing).sum(),
        }
    }

    pub(super) fn of_pairs(pairs: &[PairedQuestion]) -> Self {
        Self {
            questions: pairs.len(),
            cells: pairs.iter().map(|pair| pair.n_cells).sum(),
            missing_cells: pairs.iter().map(|pair| pair.n_missing).sum(),
        }
    }

    /// The same cells, but fewer questions that have what the statistic needs.
    pub(super) fn with_questions(self, questions: usize) -> Self {
        Self { questions, ..self }
    }

    /// Of all cells, those without a number; all of them if there is no cell.
    fn missing_share(self) -> f64 {
        if self.cells == 0 {
            1.0
        } else {
            self.missing_cells as f64 / self.cells as f64
        }
    }
}

/// Applies a rule to the questions of a case.
pub(super) fn sample(
    check: Check,
    case: &Case,
    rule: &dyn Fn(&[QuestionMetrics]) -> Ruling,
) -> Check {
    let at_best = || rule(&case.questions_at_best());
    judged(
        check,
        case,
        Counted::of(&case.questions),
        rule(&case.questions),
        &at_best,
    )
}

/// Turns a ruling into a check, if the sample behind it can be believed.
///
/// Missing cells count as the worst value. When more than 5 % are missing, a PASS is not believed,
/// and a FAIL only if it would stand had every missing cell come out best.
pub(super) fn judged(
    check: Check,
    case: &Case,
    counted: Counted,
    Ruling { interval, decision }: Ruling,
    at_best: &dyn Fn() -> Ruling,
) -> Check {
    let n_questions = counted.questions;
    let check = Check {
        n_questions: Some(n_questions),
        n_missing: Some(counted.missing_cells),
        ..check
    };
    let check = check.measured(interval, case.settings.confidence.get());
    if Definition::of(check.id).method.measures_distance()
        && !case.evidence.referee.kind.comparable_with_runbooks()
    {
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
    let missing = counted.missing_share();
    if missing > MISSING {
        return with_many_missing(check, missing, at_best());
    }
    let of = |side: &SideEvidence| {
        Counted::of(&questions(&case.evidence.table, &side.name, Missing::Worst)).missing_share()
    };
    let (control, side) = (of(case.control), of(case.side));
    if (control - side).abs() > MISSING {
        let (control, here) = (100.0 * control, 100.0 * side);
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
