//! Whether regions answered alike, question by question.

use crate::measure::{Rung, SemanticRung, SideAnswers, Unanswered};
use crate::report::Report;

/// Questions that are listed.
const LISTED: usize = 25;

/// The answers of one side beside another's.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct AnswersTable {
    /// The side.
    pub(in crate::report) target: String,
    /// What it is compared with.
    pub(in crate::report) control: String,
    /// Questions compared.
    pub(in crate::report) n: usize,
    /// Those that are answered equally.
    pub(in crate::report) n_equal: usize,
    /// Questions on each rung that has any, best first.
    pub(in crate::report) rungs: Vec<(&'static str, usize)>,
    /// Questions that differ: id, distance of the answers, and why they count as different.
    pub(in crate::report) different: Vec<(String, Option<f64>, &'static str)>,
    /// How many more differ.
    pub(in crate::report) more: usize,
}

/// Every comparison of the report.
pub(in crate::report) fn answers(report: &Report) -> Vec<AnswersTable> {
    let judged = report.record.judged.as_ref();
    let all = judged.map_or(&[][..], |judged| &judged.answers);
    all.iter().map(table).collect()
}

fn table(side: &SideAnswers) -> AnswersTable {
    let of = |rung: Rung| {
        let same = side
            .questions
            .iter()
            .filter(|one| one.comparison.rung == rung);
        (rung.name(), same.count())
    };
    let different = || {
        let questions = side.questions.iter();
        questions.filter(|one| !one.comparison.rung.is_equal())
    };
    AnswersTable {
        target: side.target.to_string(),
        control: side.control.to_string(),
        n: side.questions.len(),
        n_equal: side.questions.len() - different().count(),
        rungs: Rung::ALL
            .map(of)
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .collect(),
        different: different()
            .take(LISTED)
            .map(|one| {
                let found = &one.comparison;
                let why = why(found.unanswered, found.semantic);
                (one.question.to_string(), found.distance, why)
            })
            .collect(),
        more: different().count().saturating_sub(LISTED),
    }
}

fn why(unanswered: Option<Unanswered>, semantic: SemanticRung) -> &'static str {
    match (unanswered, semantic) {
        (Some(Unanswered::ByA), _) => "the other side did not reply",
        (Some(Unanswered::ByB), _) => "this side did not reply",
        (Some(Unanswered::ByBoth), _) => "neither side replied",
        (None, SemanticRung::GoldLost) => "a gold citation was lost, or there was none to keep",
        (None, SemanticRung::BeyondNoise) => "further apart than a side is from its own repeat",
        (None, SemanticRung::GoldUnknown) => {
            "other citations or numbers; the gold ones are not known"
        }
        (None, SemanticRung::DistanceUnknown) => {
            "other citations or numbers; distance not measured"
        }
        (None, SemanticRung::NoiseUnknown) => "other citations or numbers; noise not measured",
        (None, _) => "other citations or numbers",
    }
}
