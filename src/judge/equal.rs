//! Whether two sides of a run answer equally: the share of questions above the last rung.

use crate::judge::case::Case;
use crate::judge::rule::{Ruling, decide};
use crate::judge::sample::{Counted, UNDEFINED, judged};
use crate::judge::{Check, CheckVerdict, Comparator, ReasonCode};
use crate::measure::{OwnShare, QuestionAnswers, Rung, SideAnswers};
use crate::stats::clopper_pearson;

/// Questions named in a check.
const NAMED: usize = 5;

/// The exact bound of the share of questions that both sides answer equally.
pub(super) fn equal(check: Check, case: &Case) -> Check {
    let compared =
        case.evidence.answers.iter().find(|answers| {
            answers.target == case.side.name && answers.control == case.control.name
        });
    let Some(SideAnswers { questions, own, .. }) = compared else {
        return check.inconclusive(ReasonCode::EvidenceMissing, "the answers were not compared");
    };
    let limit = check.limit;
    let share = |n: usize, of: usize| {
        clopper_pearson(n as u64, of as u64, case.settings.confidence).unwrap_or(UNDEFINED)
    };
    let decide = |interval| decide(interval, Comparator::AtLeast, limit, case.settings.basis);
    for (side, own) in [case.control, case.side].into_iter().zip(own) {
        let Some(OwnShare {
            n_equal,
            n_questions,
        }) = *own
        else {
            let detail = format!(
                "{} was asked nothing twice, so its own noise is not known",
                side.name
            );
            return check.inconclusive(ReasonCode::NoiseNotMeasured, detail);
        };
        if decide(share(n_equal, n_questions)).0 == CheckVerdict::Fail {
            let detail = format!(
                "{} answers only {n_equal} of {n_questions} questions equally when asked again",
                side.name
            );
            return check.inconclusive(ReasonCode::UnsteadySide, detail);
        }
    }
    let rule = |equal: &dyn Fn(&QuestionAnswers) -> bool| {
        let n_equal = questions.iter().filter(|question| equal(question)).count();
        let interval = share(n_equal, questions.len());
        Ruling {
            interval,
            decision: decide(interval),
        }
    };
    let is_equal = |question: &QuestionAnswers| question.comparison.rung.is_equal();
    let at_best =
        || rule(&|question| is_equal(question) || question.comparison.unanswered.is_some());
    let counted = Counted::of(&case.questions).with_questions(questions.len());
    let different = questions.iter().filter(|question| !is_equal(question));
    let named = different
        .map(|question| question.question.clone())
        .take(NAMED);
    judged(check, case, counted, rule(&is_equal), &at_best)
        .naming(named.collect())
        .adding(by_rung(questions))
}

fn by_rung(questions: &[QuestionAnswers]) -> String {
    let on = |rung: Rung| {
        questions
            .iter()
            .filter(|question| question.comparison.rung == rung)
            .count()
    };
    let rungs = Rung::ALL.into_iter().filter(|rung| on(*rung) > 0);
    let rungs: Vec<String> = rungs
        .map(|rung| format!("{} {}", on(rung), rung.name().replace('_', " ")))
        .collect();
    let n_unchecked = questions
        .iter()
        .filter(|question| question.comparison.rung == Rung::Different)
        .filter(|question| !question.comparison.semantic.is_checked())
        .count();
    let words = format!("of {} questions: {}", questions.len(), rungs.join(", "));
    match n_unchecked {
        0 => words,
        n => format!("{words}; for {n} of the different ones distance was not checked"),
    }
}
