//! YAML as JSON, with the lines of its parts.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::{Map, Number, Value};

use crate::exchange::places::Places;
use crate::exchange::pointer::child;

/// Reads the first document of a YAML text.
///
/// # Errors
/// With the line, if there is one, and what is wrong.
pub(super) fn parse(text: &str) -> Result<(Value, Places), (Option<u64>, String)> {
    let documents = MarkedYaml::load_from_str(text)
        .map_err(|error| (Some(error.marker().line() as u64), error.info().to_owned()))?;
    let [document] = documents.as_slice() else {
        let message = format!("{} documents, where one is expected", documents.len());
        return Err((None, message));
    };
    let mut places = Places::default();
    let value = value(document, String::new(), &mut places)?;
    Ok((value, places))
}

fn value(
    node: &MarkedYaml,
    pointer: String,
    places: &mut Places,
) -> Result<Value, (Option<u64>, String)> {
    let line = node.span.start.line() as u64;
    places.set(pointer.clone(), line);
    let refused = |what: &str| Err((Some(line), what.to_owned()));
    Ok(match &node.data {
        YamlData::Value(scalar) => of_scalar(scalar),
        YamlData::Representation(text, ..) => Value::String(text.to_string()),
        YamlData::Sequence(nodes) => {
            let mut elements = Vec::with_capacity(nodes.len());
            for (index, node) in nodes.iter().enumerate() {
                elements.push(value(node, child(&pointer, &index.to_string()), places)?);
            }
            Value::Array(elements)
        }
        YamlData::Mapping(nodes) => {
            let mut members = Map::new();
            for (key, node) in nodes {
                let YamlData::Value(key) = &key.data else {
                    return refused("a key that is no text");
                };
                let key = match of_scalar(key) {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                let below = value(node, child(&pointer, &key), places)?;
                members.insert(key, below);
            }
            Value::Object(members)
        }
        YamlData::Tagged(_, node) => {
            let below = places_of(node, pointer, places)?;
            return Ok(below);
        }
        YamlData::Alias(_) | YamlData::BadValue => return refused("a value that cannot be read"),
    })
}

/// The value under a tag, whose place is that of the tag.
fn places_of(
    node: &MarkedYaml,
    pointer: String,
    places: &mut Places,
) -> Result<Value, (Option<u64>, String)> {
    let twice = places.twice.len();
    let below = value(node, pointer, places);
    places.twice.truncate(twice);
    below
}

fn of_scalar(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(bool) => Value::Bool(*bool),
        Scalar::Integer(integer) => Value::from(*integer),
        Scalar::FloatingPoint(float) => Number::from_f64(float.0)
            .map_or_else(|| Value::String(float.to_string()), Value::Number),
        Scalar::String(text) => Value::String(text.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_becomes_the_same_value_as_json_with_its_lines() {
        let text = "tests:\n  - vars: {question: Why?}\n    assert:\n      - type: equals\n        value: 4\n";
        let (value, places) = parse(text).expect("YAML");
        let same = json!({"tests": [{"vars": {"question": "Why?"}, "assert": [{"type": "equals", "value": 4}]}]});
        assert_eq!(value, same);
        assert_eq!(places.line("/tests/0/assert/0/value"), 5);
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_line() {
        let (line, _) = parse("a: 1\nb: [1,\n").err().expect("refused");
        assert!(line.is_some_and(|line| line >= 2));
        assert!(parse("---\na: 1\n---\nb: 2\n").is_err());
    }
}
