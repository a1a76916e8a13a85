//! What a filter says in the words of any of the stores, for their doubles.

use serde_json::Value;

/// The fields of a filter with the values that they must equal; an absent filter has none.
pub(crate) fn conditions(filter: &Value) -> Vec<(String, Value)> {
    let of_qdrant = |one: &Value| {
        let field = one["key"].as_str().expect("a key").to_owned();
        (field, one["match"]["value"].clone())
    };
    let of_elastic = |one: &Value| {
        let (field, term) = only(&one["term"]);
        (field, term["value"].clone())
    };
    let terms = filter.pointer("/bool/filter").unwrap_or(filter);
    if filter.is_null() {
        Vec::new()
    } else if let Some(must) = filter["must"].as_array() {
        must.iter().map(of_qdrant).collect()
    } else if let Some(terms) = terms.as_array() {
        terms.iter().map(of_elastic).collect()
    } else if let Some(all) = filter["$and"].as_array() {
        all.iter().flat_map(conditions).collect()
    } else {
        let (field, value) = only(filter);
        vec![(field, value["$eq"].clone())]
    }
}

/// The one field of an object.
fn only(object: &Value) -> (String, Value) {
    let fields = object.as_object().expect("an object");
    assert_eq!(fields.len(), 1, "{object}");
    let (field, value) = fields.iter().next().expect("one");
    (field.clone(), value.clone())
}
