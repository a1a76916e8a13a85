//! JSON Schema, draft 2020-12, of the files that people write and of those that programs read.
//!
//! A type derives its schema where it derives its reader, so that the two cannot disagree: this file
//! only turns what was derived into a document. Three limits are deliberate. What needs two values at
//! once, such as "exactly one control", is said in a description. A float that is whole passes for an
//! integer, since JSON has one kind of number. And the spellings that serde takes beside the documented
//! one, such as an array for an object, are refused.

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value, json};

/// Of a TOML file that people write. TOML has no null: what is absent is left out.
pub fn of_toml<T: JsonSchema>() -> Schema {
    let settings = settings(Contract::Deserialize);
    document::<T>(settings.with_transform(RecursiveTransform(without_null)))
}

/// Of one line of a JSON Lines file that people write.
pub fn of_line<T: JsonSchema>() -> Schema {
    document::<T>(settings(Contract::Deserialize))
}

/// Of a JSON file that this program writes: what is always there is required.
pub fn of_output<T: JsonSchema>() -> Schema {
    document::<T>(settings(Contract::Serialize))
}

/// One of several names, each with what it means, or `""` where there is nothing to add.
pub fn one_of<'a>(names: impl IntoIterator<Item = (&'a str, &'a str)>) -> Schema {
    let names: Vec<(&str, &str)> = names.into_iter().collect();
    if names.iter().all(|(_, meaning)| meaning.is_empty()) {
        let names: Vec<&str> = names.into_iter().map(|(name, _)| name).collect();
        return json_schema!({ "type": "string", "enum": names });
    }
    let value = |(name, meaning): (&str, &str)| {
        let meaning = meaning.trim();
        json!({ "type": "string", "const": name, "description": meaning })
    };
    json_schema!({ "oneOf": names.into_iter().map(value).collect::<Vec<_>>() })
}

/// A table that knows these keys and no other.
pub fn table<'a>(properties: impl IntoIterator<Item = (&'a str, Schema)>) -> Schema {
    let properties: Map<String, Value> = properties
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema.to_value()))
        .collect();
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn settings(contract: Contract) -> SchemaSettings {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.contract = contract)
        .with_transform(RecursiveTransform(in_plain_words))
        .with_transform(RecursiveTransform(with_plain_numbers))
}

fn document<T: JsonSchema>(settings: SchemaSettings) -> Schema {
    settings.into_generator().into_root_schema_for::<T>()
}

/// Doc comments are wrapped at a column and link to items, which means nothing outside the sources.
fn in_plain_words(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs: Vec<String> = text
            .split("\n\n")
            .map(|paragraph| paragraph.replace('\n', " "))
            .collect();
        *text = paragraphs
            .join("\n\n")
            .replace("[`", "`")
            .replace("`]", "`");
    }
}

/// Rust's names of number formats are no formats of JSON Schema, and strict validators refuse them.
fn with_plain_numbers(schema: &mut Schema) {
    let Some(format) = schema.get("format").and_then(Value::as_str) else {
        return;
    };
    let (minimum, maximum) = match format {
        "uint8" => (None, Some(i64::from(u8::MAX))),
        "uint16" => (None, Some(i64::from(u16::MAX))),
        "uint32" => (None, Some(i64::from(u32::MAX))),
        "int32" => (Some(i64::from(i32::MIN)), Some(i64::from(i32::MAX))),
        "uint" | "uint64" | "double" | "float" => (None, None),
        _ => return,
    };
    schema.remove("format");
    for (key, limit) in [("minimum", minimum), ("maximum", maximum)] {
        if let (Some(limit), None) = (limit, schema.get(key)) {
            schema.insert(key.to_owned(), Value::from(limit));
        }
    }
}

/// Takes out the null of every optional value, and what wrapped it.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    match object.get_mut("default") {
        Some(Value::Null) => {
            object.remove("default");
        }
        Some(Value::Object(default)) => default.retain(|_, value| !value.is_null()),
        _ => {}
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| *choice != json!({ "type": "null" }));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// A thing that is
    /// [`Wrapped`].
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Wrapped {
        count: u32,
        share: Option<f64>,
        inner: Option<Inner>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        seed: u64,
    }

    #[test]
    fn a_toml_schema_has_neither_nulls_nor_formats_nor_links() {
        let schema = of_toml::<Wrapped>().to_value();
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert_eq!(schema["description"], "A thing that is `Wrapped`.");
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["count"]));
        assert_eq!(
            schema["properties"],
            json!({
                "count": { "type": "integer", "minimum": 0, "maximum": u32::MAX },
                "share": { "type": "number" },
                "inner": { "$ref": "#/$defs/Inner" },
            })
        );
    }

    #[test]
    fn what_is_always_written_is_required_even_if_it_may_be_null() {
        let schema = of_output::<Wrapped>().to_value();
        assert_eq!(schema["required"], json!(["count", "share", "inner"]));
        assert_eq!(
            schema["properties"]["share"]["type"],
            json!(["number", "null"])
        );
    }

    #[test]
    fn names_without_meanings_are_a_plain_enumeration() {
        let plain = one_of([("CA-DS", ""), ("CA-COV", "")]).to_value();
        assert_eq!(
            plain,
            json!({ "type": "string", "enum": ["CA-DS", "CA-COV"] })
        );
        let told = one_of([("pair", " Two sides.")]).to_value();
        assert_eq!(told["oneOf"][0]["description"], "Two sides.");
    }
}
