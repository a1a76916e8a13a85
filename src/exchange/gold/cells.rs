//! Reads the fields of one row, and says which of them are of the wrong type.

use std::path::Path;

use serde_json::Value;

use crate::exchange::Pointer;
use crate::exchange::gold::field::{FieldName, Mapping};
use crate::exchange::pointer::text;
use crate::exchange::records::Record;
use crate::goldset::{Problem, Rule};

/// One row with the mapping of its fields.
pub(super) struct Cells<'a, F: Ord> {
    pub(super) path: &'a Path,
    pub(super) record: &'a Record,
    pub(super) mapping: &'a Mapping<F>,
    /// Where a text is cut into a list.
    pub(super) separator: Option<&'a str>,
}

impl<F: FieldName> Cells<'_, F> {
    /// The values of the first place that has any, and that place.
    pub(super) fn first(&self, field: F, problems: &mut Vec<Problem>) -> Vec<String> {
        let places = self.mapping.of(field).iter();
        let mut found = places.map(|pointer| self.at(pointer, problems));
        found.find(|texts| !texts.is_empty()).unwrap_or_default()
    }

    /// The values of all places, each once.
    pub(super) fn all(&self, field: F, problems: &mut Vec<Problem>) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for pointer in self.mapping.of(field) {
            for text in self.at(pointer, problems) {
                match self.separator {
                    Some(separator) => texts.extend(text.split(separator).map(str::to_owned)),
                    None => texts.push(text),
                }
            }
        }
        texts
    }

    /// The texts at a place; a list there is its elements.
    fn at(&self, pointer: &Pointer, problems: &mut Vec<Problem>) -> Vec<String> {
        let mut texts = Vec::new();
        for value in pointer.select(&self.record.value) {
            let values = match value {
                Value::Array(elements) => elements.as_slice(),
                single => std::slice::from_ref(single),
            };
            for value in values {
                match text(value) {
                    Some(text) if text.is_empty() => {}
                    Some(text) => texts.push(text),
                    None if value.is_null() => {}
                    None => {
                        let message = format!("{pointer} is {}", kind(value));
                        self.say(&message, "expected a text or a list of texts", problems);
                    }
                }
            }
        }
        texts
    }

    /// Something is wrong with the row.
    pub(super) fn say(&self, message: &str, help: &str, problems: &mut Vec<Problem>) {
        let line = self.record.line;
        problems.push(Problem::new(self.path, line, Rule::Schema, message, help));
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "an object",
        Value::Array(_) => "a list within a list",
        _ => "no text",
    }
}
