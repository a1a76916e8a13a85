//! Conditions on the rows that a question may find.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::ids::SectionKey;
use crate::target::store::Fields;

/// What production asks a store for beside nearness: that fields of a row have certain values. All
/// conditions hold at once. No condition lets every row pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(BTreeMap<String, Value>);

/// What it means that a field which holds a list equals one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// One of its elements does, as search engines have it.
    Element,
    /// It does not, since it is a list.
    Whole,
}

/// A filter with what is needed to apply it to the rows of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFilter {
    /// The conditions.
    pub filter: Filter,
    /// The field that holds a row's document.
    pub doc_id: String,
    /// The field that holds its section.
    pub section_id: String,
    /// How lists are held against a value.
    pub lists: Lists,
}

/// How Elasticsearch calls the unanalysed form of a text field by default.
const UNANALYSED: &str = ".keyword";

impl Filter {
    /// Fields with the text, number or truth value that each must equal.
    pub fn new(conditions: BTreeMap<String, Value>) -> Self {
        Self(conditions)
    }

    /// Whether every row passes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The conditions, by field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(field, value)| (field.as_str(), value))
    }

    /// The same with the names of a store's rows, to be applied to an export of it.
    pub fn of_rows(&self, fields: &Fields, lists: Lists) -> RowFilter {
        RowFilter {
            filter: self.clone(),
            doc_id: fields.doc_id.clone(),
            section_id: fields.section_id.clone(),
            lists,
        }
    }
}

impl RowFilter {
    /// Whether a row passes, by its metadata and its section, if it has one. A field within a field
    /// is named `outer.inner`.
    pub fn passes(&self, metadata: &Map<String, Value>, section: Option<&SectionKey>) -> bool {
        self.filter.iter().all(|(field, wanted)| {
            let of_section = section.and_then(|section| {
                if field == self.doc_id {
                    Some(section.doc_id.as_str())
                } else if field == self.section_id {
                    Some(section.section_id.as_str())
                } else {
                    None
                }
            });
            match of_section {
                Some(held) => wanted.as_str() == Some(held),
                None => held(metadata, field).is_some_and(|held| self.equals(held, wanted)),
            }
        })
    }

    fn equals(&self, held: &Value, wanted: &Value) -> bool {
        match (held, wanted) {
            (Value::Number(held), Value::Number(wanted)) => {
                held == wanted || held.as_f64() == wanted.as_f64()
            }
            (Value::Array(held), _) => {
                self.lists == Lists::Element && held.iter().any(|one| self.equals(one, wanted))
            }
            _ => held == wanted,
        }
    }
}

/// What stands under a name, a path or the name of an unanalysed form.
fn held<'a>(metadata: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    let at = |field: &str| {
        let within = || {
            let (outer, inner) = field.split_once('.')?;
            held(metadata.get(outer)?.as_object()?, inner)
        };
        metadata.get(field).or_else(within)
    };
    at(field).or_else(|| at(field.strip_suffix(UNANALYSED)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(conditions: &Value, lists: Lists, passes: bool) {
        let metadata = json!({
            "lang": "en", "rev": 2, "open": true, "tags": ["a", "b"], "origin": { "site": "x" }
        });
        let conditions: BTreeMap<String, Value> =
            serde_json::from_value(conditions.clone()).expect("a table");
        let filter = Filter::new(conditions).of_rows(&Fields::default(), lists);
        let metadata = metadata.as_object().expect("an object");
        let section = SectionKey::new("handbook", "7");
        assert_eq!(
            filter.passes(metadata, Some(&section)),
            passes,
            "{filter:?}"
        );
    }

    #[test]
    fn a_row_passes_if_every_field_has_its_value() {
        check(&json!({}), Lists::Whole, true);
        check(
            &json!({ "lang": "en", "rev": 2.0, "open": true }),
            Lists::Whole,
            true,
        );
        check(&json!({ "lang": "en", "rev": 3 }), Lists::Whole, false);
        check(&json!({ "lang": "EN" }), Lists::Whole, false);
        check(&json!({ "rev": "2" }), Lists::Whole, false);
        check(&json!({ "none": "en" }), Lists::Whole, false);
        check(
            &json!({ "doc_id": "handbook", "section_id": "7" }),
            Lists::Whole,
            true,
        );
        check(&json!({ "section_id": "8" }), Lists::Whole, false);
        check(&json!({ "origin.site": "x" }), Lists::Whole, true);
        check(&json!({ "lang.keyword": "en" }), Lists::Whole, true);
    }

    #[test]
    fn a_list_equals_its_element_where_the_store_says_so() {
        check(&json!({ "tags": "b" }), Lists::Element, true);
        check(&json!({ "tags": "c" }), Lists::Element, false);
        check(&json!({ "tags": "b" }), Lists::Whole, false);
    }
}
