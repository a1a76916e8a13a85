//! Which questions were red, for asking them again.

use std::collections::BTreeSet;

use crate::ids::QuestionId;
use crate::judge::case::Case;
use crate::judge::{Definition, Evidence, Requirement, Settings};
use crate::measure::QuestionMetrics;

/// Questions that miss a limit themselves on some judged target: a cell without a number or not
/// convergent, ΔS above or coverage below the limit in force, or a ranking measure that misses what is required of it.
///
/// Asking only these again shows whether a repair helped; it is no fair sample of anything.
pub fn failing(evidence: &Evidence, settings: &Settings) -> BTreeSet<QuestionId> {
    let trials = settings.trials(evidence);
    let cases = trials
        .iter()
        .filter_map(|trial| Case::new(trial, evidence, settings));
    cases.flat_map(|case| of_case(&case)).collect()
}

fn of_case(case: &Case) -> Vec<QuestionId> {
    let (delta_s, coverage) = (case.delta_s_limit(), case.coverage_limit());
    let misses = |question: &&QuestionMetrics| {
        let holds = question.delta_s <= delta_s && question.coverage >= coverage;
        !holds || !question.converges || question.n_missing > 0 || misses_required(case, question)
    };
    case.questions
        .iter()
        .filter(misses)
        .map(|question| question.question.clone())
        .collect()
}

fn misses_required(case: &Case, question: &QuestionMetrics) -> bool {
    let misses = |required: &Requirement| {
        let definition = Definition::of(required.id());
        let limit = case.settings.limit(definition).value;
        let value = question.rank.get(&required.measure);
        value.is_some_and(|value| !definition.comparator.holds(*value, limit))
    };
    case.settings.required.iter().any(misses)
}
