//! What a policy requires of a ranking measure, as a check like any clause. Its limit is the policy's.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::judge::CheckId;
use crate::judge::definition::family::COVERAGE;
use crate::judge::definition::{Comparator, Definition, Method, RunbookStage};
use crate::measure::RankMeasure;

/// Each measure that anybody asked for has its row for as long as the process runs.
static ROWS: Mutex<BTreeMap<RankMeasure, &'static Definition>> = Mutex::new(BTreeMap::new());

/// The row of a measure.
pub(super) fn of(measure: RankMeasure) -> &'static Definition {
    // A thread that panicked while it held the lock left the table whole.
    let mut rows = ROWS.lock().unwrap_or_else(PoisonError::into_inner);
    rows.entry(measure)
        .or_insert_with(|| Box::leak(Box::new(row(measure))))
}

/// Judged as coverage is: a mean over questions, with the same bound.
fn row(measure: RankMeasure) -> Definition {
    let name = measure.name();
    Definition {
        id: CheckId::Rank(measure),
        clause: leaked(format!(
            "{name} of the retrieved sections, mean over questions"
        )),
        stages: RunbookStage::ALL,
        method: Method::Rank(measure),
        comparator: if measure.measure().family().is_better_low() {
            Comparator::AtMost
        } else {
            Comparator::AtLeast
        },
        limit: f64::NAN,
        overridable: measure.measure().is_share(),
        meaning: leaked(meaning(measure)),
        remedy: "read the named questions: a target that stands low points to ranking or the reranker, one that is \
missing (recall is low too) to lost sections, the analyzer or a filter; where few of the first sections were judged at all \
(judged is low), judge those first",
        ..COVERAGE
    }
}

fn meaning(measure: RankMeasure) -> String {
    let family = measure.measure().family();
    let convention = if family.is_of_trec_eval() {
        "to the last digit as trec_eval 10 has it"
    } else {
        "which trec_eval does not have"
    };
    let depth = match measure.measure().cutoff() {
        Some(cutoff) => format!("It looks at the first {cutoff} sections."),
        None => "It looks at all that was retrieved, which is no more than the k hits that were asked for.".to_owned(),
    };
    let worst = if family.is_better_low() { "1" } else { "0" };
    let not_a_share = if measure.measure().is_share() {
        ""
    } else {
        " Its values are no shares between 0 and 1 with a mean, so that it can be a column but nothing can be required of it."
    };
    format!(
        "{} Computed {convention}, from the sections in the order in which they were first hit and the judgments of the question: \
its targets with their grade (1 where none is given), what is `not_relevant` with its own, and everything else as never judged. {depth} \
Cells are averaged per question, questions are bootstrapped; a failed probe counts as {worst}.{not_a_share}",
        family.summary()
    )
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
