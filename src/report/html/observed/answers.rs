//! Whether regions answered alike, on the page.

use crate::report::html::words::number;
use crate::report::observed::{AnswersTable, answers};
use crate::report::{Report, plain};

/// One side beside another.
pub(in crate::report::html) struct AnswersView {
    /// Who is beside whom, and how many answers are equal.
    pub(in crate::report::html) sentence: String,
    /// How many questions are on which rung.
    pub(in crate::report::html) rungs: String,
    /// Questions that differ: id, distance, why.
    pub(in crate::report::html) different: Vec<[String; 3]>,
    /// How many more differ.
    pub(in crate::report::html) more: usize,
}

/// Every comparison of the report.
pub(super) fn views(report: &Report) -> Vec<AnswersView> {
    answers(report).into_iter().map(view).collect()
}

fn view(table: AnswersTable) -> AnswersView {
    let rungs: Vec<String> = table
        .rungs
        .iter()
        .map(|(rung, n)| format!("{rung} {n}"))
        .collect();
    AnswersView {
        sentence: plain(&format!(
            "{} beside {}: {} of {} answers are equal.",
            table.target, table.control, table.n_equal, table.n
        )),
        rungs: rungs.join(" · "),
        different: table
            .different
            .into_iter()
            .map(|(id, distance, why)| [plain(&id), number(distance, 3), why.to_owned()])
            .collect(),
        more: table.more,
    }
}
