//! The agreed form of a reply, as JSON Schema.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde_json::Value;
use thiserror::Error;

use crate::target::{Failure, Stage};

/// A JSON Schema that every reply must satisfy.
pub struct ReplySchema {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

/// Why a schema of replies cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum ReplySchemaError {
    /// The file cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(
        code(http::schema_file),
        help("`schema` names a file relative to the policy")
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The file is no JSON Schema.
    #[error("{}: no usable JSON Schema: {problem}", path.display())]
    #[diagnostic(
        code(http::schema),
        help("draft 2020-12 unless `$schema` says otherwise; nothing is fetched over a network")
    )]
    Form {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// How much of a schema library's words is kept: they may quote the reply.
const QUOTED: usize = 300;

impl ReplySchema {
    /// Reads a schema.
    ///
    /// # Errors
    /// If it cannot be read, or is no schema.
    pub fn read(path: &Path) -> Result<Self, ReplySchemaError> {
        let text = std::fs::read(path).map_err(|source| ReplySchemaError::Read {
            path: path.to_owned(),
            source,
        })?;
        let wrong = |problem: String| ReplySchemaError::Form {
            path: path.to_owned(),
            problem,
        };
        let schema = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        Self::new(schema).map_err(wrong)
    }

    /// The address is only a name: what a schema refers to outside itself is not looked for.
    fn new(schema: Value) -> Result<Self, String> {
        const ADDRESS: &str = "http://ragstone.invalid/reply.schema.json";
        let mut compiler = boon::Compiler::new();
        compiler.use_loader(Box::new(boon::SchemeUrlLoader::new()));
        let words = |error: boon::CompileError| error.to_string();
        compiler.add_resource(ADDRESS, schema).map_err(words)?;
        let mut schemas = boon::Schemas::new();
        let index = compiler.compile(ADDRESS, &mut schemas).map_err(words)?;
        Ok(Self { schemas, index })
    }

    /// # Errors
    /// If the reply is of another form, with the place of the first violation.
    pub(super) fn check(&self, reply: &Value) -> Result<(), Failure> {
        self.schemas.validate(reply, self.index).map_err(|error| {
            let mut first = &error;
            while let Some(cause) = first.causes.first() {
                first = cause;
            }
            let message = format!("at `{}`: {}", first.instance_location, first.kind);
            let message: String = message.chars().take(QUOTED).collect();
            Failure::lasting("schema_violation", Stage::Schema, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_violation_is_named_by_its_place() {
        let schema = ReplySchema::new(json!({
            "type": "object", "required": ["hits"],
            "properties": { "hits": { "type": "array", "items": { "$ref": "#/$defs/hit" } } },
            "$defs": { "hit": { "required": ["id"], "properties": { "id": { "type": "string" } } } },
        }))
        .expect("a schema");
        schema
            .check(&json!({ "hits": [{ "id": "a" }] }))
            .expect("of the form");
        let failure = schema
            .check(&json!({ "hits": [{ "id": "a" }, { "id": 7 }] }))
            .expect_err("not of the form");
        assert_eq!(
            (failure.class.as_str(), failure.stage),
            ("schema_violation", Stage::Schema)
        );
        assert!(
            failure.message.contains("/hits/1/id"),
            "{}",
            failure.message
        );
    }

    #[test]
    fn what_is_no_schema_is_said() {
        for wrong in [
            json!({ "type": "thing" }),
            json!({ "$ref": "#/$defs/none" }),
            json!({ "$ref": "http://127.0.0.1:1/other.json" }),
            json!({ "$ref": "file:///etc/hostname" }),
            json!(7),
        ] {
            assert!(ReplySchema::new(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
