//! Parts of a store's reply, of the form that its documentation gives.

use serde_json::Value;

use crate::target::{Failure, Stage};

/// A reply that is not of the documented form.
pub(in crate::target) fn unexpected(message: impl Into<String>) -> Failure {
    Failure::lasting("unexpected_shape", Stage::Schema, message)
}

/// The part of a reply at a JSON pointer.
///
/// # Errors
/// If nothing is there.
pub(in crate::target) fn part<'a>(reply: &'a Value, pointer: &str) -> Result<&'a Value, Failure> {
    let found = reply.pointer(pointer);
    found.ok_or_else(|| unexpected(format!("the reply has nothing at {pointer}")))
}

/// The text at a JSON pointer.
///
/// # Errors
/// If no text is there.
pub(in crate::target) fn text<'a>(reply: &'a Value, pointer: &str) -> Result<&'a str, Failure> {
    let found = part(reply, pointer)?.as_str();
    found.ok_or_else(|| unexpected(format!("the reply has no text at {pointer}")))
}

/// Takes the list at a JSON pointer out of a reply.
///
/// # Errors
/// If no list is there.
pub(in crate::target) fn take_list(
    reply: &mut Value,
    pointer: &str,
) -> Result<Vec<Value>, Failure> {
    match reply.pointer_mut(pointer).map(Value::take) {
        Some(Value::Array(list)) => Ok(list),
        _ => Err(unexpected(format!("the reply has no list at {pointer}"))),
    }
}

/// A vector, if the value is a list of numbers.
pub(in crate::target) fn vector(value: &Value) -> Option<Vec<f32>> {
    let numbers = value.as_array()?.iter();
    numbers
        .map(|number| number.as_f64().map(|number| number as f32))
        .collect()
}

/// A row's id as JSON prints it, a text without its quotes.
pub(in crate::target) fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A score after its transform, which must be a number that can be compared.
///
/// # Errors
/// If it is infinite or none.
pub(in crate::target) fn finite(score: f64, raw: f64) -> Result<f64, Failure> {
    if score.is_finite() {
        return Ok(score);
    }
    let message = format!("the score {raw} means no finite distance");
    Err(Failure::lasting(
        "score_out_of_range",
        Stage::Schema,
        message,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_where_it_should_be_is_named() {
        let mut reply = json!({ "result": { "points": 7, "status": 1 } });
        for failure in [
            take_list(&mut reply, "/result/points").expect_err("a number"),
            text(&reply, "/result/status").expect_err("a number"),
            part(&reply, "/result/config")
                .map(|_| ())
                .expect_err("nothing"),
        ] {
            assert_eq!(failure.class, "unexpected_shape");
            assert_eq!(failure.stage, Stage::Schema);
            assert!(failure.message.contains("/result/"), "{}", failure.message);
        }
    }

    #[test]
    fn ids_are_printed_as_json_prints_them() {
        assert_eq!(id(&json!(42)).as_deref(), Some("42"));
        assert_eq!(id(&json!("d/s#0")).as_deref(), Some("d/s#0"));
        assert_eq!(id(&json!(null)), None);
    }

    #[test]
    fn a_list_with_a_stranger_is_no_vector() {
        assert_eq!(vector(&json!([0.5, 1])), Some(vec![0.5, 1.0]));
        assert_eq!(vector(&json!([0.5, "1"])), None);
    }
}
