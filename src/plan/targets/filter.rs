//! The conditions under which production asks, of the kinds that take them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::plan::PolicyError;
use crate::plan::targets::Place;
use crate::plan::written::{FilterValue, Target};
use crate::target::store::Filter;

/// What production asks for beside nearness.
///
/// # Errors
/// If a field has no name, or a number is none.
pub(super) fn filter(place: &Place, target: &mut Target) -> Result<Filter, PolicyError> {
    let Some(written) = target.filter.take() else {
        return Ok(Filter::default());
    };
    if written.is_empty() {
        return place.wrong(
            "filter has no field",
            "leave it out, or write { field = value }",
        );
    }
    let mut conditions = BTreeMap::new();
    for (field, value) in written {
        if field.trim().is_empty() {
            return place.wrong(
                "filter has a field without a name",
                "write { field = value }",
            );
        }
        let value = match value {
            FilterValue::Bool(value) => Value::from(value),
            FilterValue::Integer(value) => Value::from(value),
            FilterValue::Number(value) if value.is_finite() => Value::from(value),
            FilterValue::Number(value) => {
                let message = format!("filter: no row has {field} = {value}");
                return place.wrong(message, "write an ordinary number");
            }
            FilterValue::Text(value) => Value::from(value),
        };
        conditions.insert(field, value);
    }
    Ok(Filter::new(conditions))
}
