//! What is concluded of two indexes.

use crate::indexes::Expected;
use crate::judge::RunVerdict;
use crate::parity::stamp::Covers;
use crate::parity::{FieldParity, FieldStatus, Ladder, Rung, RungStatus};

/// A rung that fails decides. Otherwise nothing that one side has and the other has not, and nothing that
/// was required, may be unknown.
pub(super) fn verdict(
    ladder: &Ladder,
    fields: &[FieldParity],
    (a, b): (Covers, Covers),
    expected: &Expected,
) -> (RunVerdict, Vec<String>) {
    if ladder.cause.is_some() {
        return (RunVerdict::Fail, Vec::new());
    }
    let silent = |field: &FieldParity| field.status == FieldStatus::NotStated;
    let wanted = |rung: Rung| match rung {
        // Without rows nothing was compared.
        Rung::Ids => true,
        // A field that only one side states is a claim unanswered.
        Rung::Contract => fields.iter().any(silent),
        Rung::Text => a.texts != b.texts,
        Rung::Metadata => a.metadata != b.metadata,
        Rung::StoredVectors => a.vectors != b.vectors,
        _ => false,
    };
    let unknown = ladder.rungs.iter().filter(|found| {
        let unknown = found.finding.status == RungStatus::Unknown;
        unknown && (wanted(found.rung) || expected.required.contains(&found.rung))
    });
    let undecided: Vec<String> = unknown
        .map(|found| format!("{}: {}", found.rung.name(), found.finding.proof))
        .collect();
    if undecided.is_empty() {
        (RunVerdict::Pass, undecided)
    } else {
        (RunVerdict::Inconclusive, undecided)
    }
}
