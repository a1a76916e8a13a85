//! Files of documents: one JSON object a line, a JSON array, or CSV.

use std::path::Path;
use std::sync::Arc;

use crate::exchange::gold::cells::Cells;
use crate::exchange::gold::draft::{ANY_REV, Draft, DraftSection, Place, WHOLE};
use crate::exchange::gold::field::{CorpusField, Mapped, Mapping};
use crate::exchange::gold::layout::CORPUS;
use crate::exchange::gold::left_out::{LeftOut, Reason};
use crate::exchange::gold::uncovered::{Unread, uncovered};
use crate::exchange::{ExchangeError, records};
use crate::goldset::Problem;

/// Adds the documents of a file to the draft.
///
/// # Errors
/// If the file cannot be read, or with every document that has no id or a field of the wrong type.
pub(super) fn read(
    path: &Path,
    mapped: &[Mapped<CorpusField>],
    draft: &mut Draft,
) -> Result<(), ExchangeError> {
    let mapping = Mapping::new(CORPUS, mapped);
    let file = Arc::new(path.to_owned());
    draft.files.push(path.to_owned());
    let (records, _) = records::read(path, &[])?;
    let mut problems: Vec<Problem> = Vec::new();
    for record in &records {
        let cells = Cells {
            path,
            record,
            mapping: &mapping,
            separator: None,
        };
        let mut text = |field| cells.first(field, &mut problems).into_iter().next();
        let section = DraftSection {
            doc_id: text(CorpusField::Id).unwrap_or_default(),
            section_id: text(CorpusField::SectionId).unwrap_or_else(|| WHOLE.to_owned()),
            title: text(CorpusField::Title).unwrap_or_default(),
            text: text(CorpusField::Text).unwrap_or_default(),
            rev: text(CorpusField::Rev).unwrap_or_else(|| ANY_REV.to_owned()),
            is_context: false,
            place: Place::new(&file, record.line),
        };
        if section.doc_id.is_empty() {
            let help = "expected id, _id, doc_id or docno; --map-corpus id=… names another place";
            cells.say("a document without an id", help, &mut problems);
        }
        draft.sections.push(section);
    }
    ExchangeError::unless_empty(problems)?;
    let pointers: Vec<_> = mapping.all().collect();
    for (field, Unread { line, n }) in uncovered(&records, &pointers) {
        let reason = Reason::NoPlace;
        draft
            .left_out
            .push(LeftOut::field(path, line, &field, reason, n));
    }
    Ok(())
}
