//! Names under which a store keeps what a hit needs.

use serde_json::{Map, Value};

use crate::ids::SectionKey;
use crate::target::{Failure, Hit, OffsetUnit, Offsets, Stage, StoredRow};

/// Names of the columns, payload keys or source fields of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The document of a row's section.
    pub doc_id: String,
    /// The section within it.
    pub section_id: String,
    /// The row's text.
    pub text: String,
    /// The row's vector.
    pub vector: String,
    /// Where the text stands in its section, first unit.
    pub start: String,
    /// One past its last unit.
    pub end: String,
    /// What offsets count.
    pub unit: OffsetUnit,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            doc_id: "doc_id".to_owned(),
            section_id: "section_id".to_owned(),
            text: "text".to_owned(),
            vector: "vector".to_owned(),
            start: "start".to_owned(),
            end: "end".to_owned(),
            unit: OffsetUnit::Char,
        }
    }
}

impl Fields {
    /// A row from everything that the store keeps beside its id and vector. Where the text lies
    /// elsewhere, `text` has it.
    ///
    /// # Errors
    /// If the section's ids or the text are not there.
    pub fn row(
        &self,
        id: String,
        mut kept: Map<String, Value>,
        text: Option<String>,
        vector: Option<Vec<f32>>,
    ) -> Result<StoredRow, Failure> {
        let missing = |name: &str| {
            let message = format!("row {id} has no text under `{name}`");
            Failure::lasting("field_missing", Stage::Schema, message)
        };
        let mut take = |name: &String| match kept.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(missing(name)),
        };
        let doc_id = take(&self.doc_id)?;
        let section_id = take(&self.section_id)?;
        let text = match text {
            Some(text) => text,
            None => take(&self.text)?,
        };
        kept.remove(&self.vector);
        Ok(StoredRow {
            id,
            section: SectionKey::new(doc_id, section_id),
            text,
            metadata: kept,
            vector,
        })
    }

    /// A hit from a row that was found, with its score.
    pub fn hit(&self, row: StoredRow, score: f64) -> Hit {
        let index = |name: &String| {
            let value = row.metadata.get(name)?.as_u64()?;
            usize::try_from(value).ok()
        };
        let offsets = index(&self.start).zip(index(&self.end));
        Hit {
            section: row.section,
            snippet_id: row.id,
            score,
            text: row.text,
            offsets: offsets.map(|(start, end)| Offsets {
                start,
                end,
                unit: self.unit,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(json: &Value) -> Map<String, Value> {
        json.as_object().expect("an object").clone()
    }

    #[test]
    fn a_row_keeps_as_metadata_what_no_name_claims() {
        let fields = Fields::default();
        let stored = serde_json::json!({
            "doc_id": "d", "section_id": "s", "text": "words", "start": 3, "end": 8, "rev": "2", "vector": [1.0]
        });
        let row = fields
            .row("d/s#0".to_owned(), kept(&stored), None, None)
            .expect("a row");
        assert_eq!(row.section, SectionKey::new("d", "s"));
        assert_eq!(
            row.metadata.keys().collect::<Vec<_>>(),
            ["end", "rev", "start"]
        );
        let hit = fields.hit(row, 0.5);
        assert_eq!(
            hit.offsets.map(|offsets| (offsets.start, offsets.end)),
            Some((3, 8))
        );
    }

    #[test]
    fn a_row_without_its_section_is_of_no_use() {
        let stored = serde_json::json!({ "doc_id": "d", "section_id": 7, "text": "words" });
        let failure = Fields::default()
            .row("7".to_owned(), kept(&stored), None, None)
            .expect_err("no section");
        assert_eq!(
            (failure.class.as_str(), failure.stage),
            ("field_missing", Stage::Schema)
        );
        assert!(
            failure.message.contains("section_id"),
            "{}",
            failure.message
        );
    }
}
