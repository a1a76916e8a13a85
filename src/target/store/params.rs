//! How an index is built, in one line.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// The kind of an index and its parameters, as contracts state them: `hnsw ef_construct=100 m=16`.
/// Sorted by name, so that two servers that order them otherwise say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexParams {
    kind: String,
    values: BTreeMap<String, String>,
}

impl IndexParams {
    /// An index of a kind, without parameters.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            values: BTreeMap::new(),
        }
    }

    /// States one parameter; the last word counts.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.values.insert(name.into(), value.into());
    }

    /// States every leaf of a JSON value, under the dotted names of its keys. What is null was not
    /// set, and leaves what was stated before as it is.
    pub fn state(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Object(inner) => {
                for (key, value) in inner {
                    let name = if name.is_empty() {
                        key.clone()
                    } else {
                        format!("{name}.{key}")
                    };
                    self.state(&name, value);
                }
            }
            Value::String(text) => self.set(name, text.as_str()),
            other => self.set(name, other.to_string()),
        }
    }
}

impl fmt::Display for IndexParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        for (name, value) in &self.values {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_a_server_does_not_matter_and_null_sets_nothing() {
        let mut params = IndexParams::new("hnsw");
        params.state("", &json!({ "m": 16, "ef": null, "on_disk": false }));
        params.state("", &json!({ "m": null }));
        params.state("quantization", &json!({ "scalar": { "type": "int8" } }));
        let said = "hnsw m=16 on_disk=false quantization.scalar.type=int8";
        assert_eq!(params.to_string(), said);
    }
}
