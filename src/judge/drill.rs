//! The named checks of a drill plan, and which clause each of them is.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::judge::CheckId;
use crate::parity::ContractField;
use crate::schema;

/// A check as a drill plan names it.
#[derive(Debug)]
struct Named {
    name: &'static str,
    id: CheckId,
    /// The contract fields it is about, where it is not about all that the clause names.
    fields: Option<&'static [ContractField]>,
}

const INDEX: Option<&[ContractField]> = Some(&[ContractField::IndexHash]);
/// What two environments have in common, whatever index they serve.
const ENVIRONMENT: Option<&[ContractField]> = Some(&[
    ContractField::SchemaRev,
    ContractField::ModelTag,
    ContractField::SecretsRev,
]);

static NAMED: [Named; 14] = [
    named("env_parity", CheckId::FdPar, ENVIRONMENT),
    named("index_hash_equal", CheckId::FdPar, INDEX),
    named("queue_empty", CheckId::FdDrain, None),
    named("cache_warm", CheckId::FdCache, None),
    named("p95_latency", CheckId::FdP95, None),
    named("error_rate", CheckId::FdBurst, None),
    named("queue_backlog", CheckId::FdDrain, None),
    named("ΔS_probe", CheckId::FdDs, None),
    named("λ_state", CheckId::FdLam, None),
    named("index_hash", CheckId::FdPar, INDEX),
    named("answers_equal", CheckId::FdEq, None),
    named("contracts_equal", CheckId::FdPar, None),
    named("backlog_zero", CheckId::FdDrain, None),
    named("cache_rewarmed", CheckId::FdCache, None),
];

const fn named(name: &'static str, id: CheckId, fields: Option<&'static [ContractField]>) -> Named {
    Named { name, id, fields }
}

/// One of the checks that a drill plan may name.
#[derive(Clone, Copy, Debug)]
pub struct DrillCheck(&'static Named);

impl DrillCheck {
    /// The check of a name; the Greek letters may also be written out (`delta_s_probe`,
    /// `lambda_state`).
    pub fn find(name: &str) -> Option<Self> {
        let name = match name {
            "delta_s_probe" => "ΔS_probe",
            "lambda_state" => "λ_state",
            name => name,
        };
        NAMED.iter().find(|named| named.name == name).map(Self)
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|named| named.name)
    }

    /// As a drill plan writes it.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The clause that it is.
    pub fn id(self) -> CheckId {
        self.0.id
    }

    /// Whether it asks for all that the clause names.
    pub fn is_whole(self) -> bool {
        let asks_otherwise = matches!(self.name(), "queue_empty" | "backlog_zero" | "cache_warm");
        self.0.fields.is_none() && !asks_otherwise
    }

    /// The contract fields that it is about, where these are not all that the clause names.
    pub(super) fn fields(self) -> Option<&'static [ContractField]> {
        self.0.fields
    }
}

impl PartialEq for DrillCheck {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for DrillCheck {}

impl Serialize for DrillCheck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for DrillCheck {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::find(&name).ok_or_else(|| {
            let known: Vec<&str> = Self::names().collect();
            serde::de::Error::custom(format!(
                "unknown check `{name}`; known: {}",
                known.join(", ")
            ))
        })
    }
}

impl JsonSchema for DrillCheck {
    fn schema_name() -> Cow<'static, str> {
        "DrillCheck".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema::one_of(Self::names().map(|name| (name, "")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_written_and_unknown_ones_list_the_known() {
        for name in DrillCheck::names() {
            let read: DrillCheck =
                serde_json::from_value(serde_json::Value::from(name)).expect("known");
            assert_eq!(read.name(), name);
        }
        assert_eq!(
            DrillCheck::find("lambda_state"),
            DrillCheck::find("λ_state")
        );
        let error = serde_json::from_str::<DrillCheck>("\"vibes\"").expect_err("unknown");
        assert!(error.to_string().contains("known: env_parity"), "{error}");
    }
}
