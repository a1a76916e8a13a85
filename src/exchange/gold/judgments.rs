//! Judgments that stand in a file of their own: TREC's or BEIR's.

use std::path::Path;
use std::sync::Arc;

use crate::exchange::ExchangeError;
use crate::exchange::gold::draft::{Draft, DraftJudgment, Judged, Place};
use crate::trec::Qrels;

/// Adds the judgments of a file to the draft.
///
/// # Errors
/// If the file cannot be read, or has lines that are no judgments.
pub(super) fn read(path: &Path, draft: &mut Draft) -> Result<(), ExchangeError> {
    let file = Arc::new(path.to_owned());
    draft.files.push(path.to_owned());
    let qrels = Qrels::read(path)?;
    for (line, row) in qrels.in_file_order() {
        let judgment = DraftJudgment {
            judged: Judged::Document(row.document.to_owned()),
            grade: row.grade,
            spans: Vec::new(),
            place: Place::new(&file, line),
        };
        draft.judgments.push((row.query.to_owned(), judgment));
    }
    Ok(())
}
