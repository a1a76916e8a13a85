//! The contract of a side: what it publishes about itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::schema;

/// Declares the contract fields with the names that contracts, policies and reports use.
macro_rules! contract_fields {
    ($($(#[doc = $doc:literal])* $field:ident = $name:literal;)*) => {
        /// One field of a contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ContractField {
            $($(#[doc = $doc])* #[serde(rename = $name)] $field,)*
        }

        impl ContractField {
            /// Every field, in the order of reports.
            pub const ALL: &[Self] = &[$(Self::$field,)*];

            /// Its name in contracts: `INDEX_HASH`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)* }
            }

            /// What it says, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $(Self::$field => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

contract_fields! {
    /// Root over exact ids, texts and metadata.
    IndexHash = "INDEX_HASH";
    /// Root over exact vector bits.
    VectorHash = "VECTOR_HASH";
    /// Distance of the dense search.
    Metric = "METRIC";
    /// Index kind and its parameters, defaults expanded.
    IndexParams = "INDEX_PARAMS";
    /// Which searches rank and how they are fused: `dense`, `bm25`, `hybrid`.
    Ranking = "RANKING";
    /// Text analysis of the lexical search.
    Analyzer = "ANALYZER";
    /// When the index was built, RFC 3339.
    BuildTs = "BUILD_TS";
    /// Numbers in a vector.
    Dim = "DIM";
    /// Rows, enumerated and never taken from a counter.
    Count = "COUNT";
    /// Revision of the schema.
    SchemaRev = "SCHEMA_REV";
    /// The embedding model.
    ModelTag = "MODEL_TAG";
    /// Revision of the secrets.
    SecretsRev = "SECRETS_REV";
    /// How documents are cut.
    Chunker = "CHUNKER";
    /// The reranking model.
    Reranker = "RERANKER";
    /// Whether the side takes traffic.
    Ready = "READY";
    /// Digest of the blob manifest.
    BlobManifest = "BLOB_MANIFEST";
    /// What every cache key of the side begins with.
    CachePrefix = "CACHE_PREFIX";
    /// The queue topics that the side reads, separated by commas.
    QueueTopics = "QUEUE_TOPICS";
    /// State of the store that recognises repeated writes: `warm`, or anything else.
    DedupeStore = "DEDUPE_STORE";
}

impl JsonSchema for ContractField {
    fn schema_name() -> Cow<'static, str> {
        "ContractField".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema::one_of(Self::ALL.iter().map(|field| (field.name(), field.about())))
    }
}

impl fmt::Display for ContractField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no contract field has.
#[derive(Debug, thiserror::Error)]
#[error("no contract field is called `{0}`")]
pub struct UnknownField(String);

impl FromStr for ContractField {
    type Err = UnknownField;

    fn from_str(name: &str) -> Result<Self, UnknownField> {
        Self::ALL
            .iter()
            .copied()
            .find(|field| field.name() == name)
            .ok_or_else(|| UnknownField(name.to_owned()))
    }
}

/// What a side says of itself. A field that is absent was not stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Contract(BTreeMap<ContractField, String>);

/// By hand, so that each field has its description.
impl JsonSchema for Contract {
    fn schema_name() -> Cow<'static, str> {
        "Contract".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema::table(ContractField::ALL.iter().map(|field| {
            let value = json_schema!({ "type": "string", "description": field.about() });
            (field.name(), value)
        }))
    }
}

impl Contract {
    /// States a field.
    #[must_use]
    pub fn with(mut self, field: ContractField, value: impl Into<String>) -> Self {
        self.0.insert(field, value.into());
        self
    }

    /// What is stated for a field.
    pub fn get(&self, field: ContractField) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }

    /// Every field that either states; where both do, what this one says.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let mut fields = other.0.clone();
        fields.extend(self.0.clone());
        Self(fields)
    }

    /// The stated fields in the order of reports.
    pub fn iter(&self) -> impl Iterator<Item = (ContractField, &str)> {
        self.0.iter().map(|(field, value)| (*field, value.as_str()))
    }
}
