//! A stamp as it is written: what an index is, in one file that a person can read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Digest;
use crate::parity::stamp::Health;
use crate::parity::{Behaviour, Contract, ContractField};

/// What an index is. Nothing in it depends on the order of rows, on how they were spread over files, or
/// on when and where it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// Version of the format.
    pub format: u32,
    /// What wrote it.
    pub tool: String,
    /// What the index is: computed where it can be, and claimed otherwise.
    pub contract: Contract,
    /// What the side claims of itself.
    pub claimed: Contract,
    /// The roots.
    pub channels: Channels,
    /// Which parts of rows there were at all.
    pub covers: Covers,
    /// Columns of the export that nothing covers.
    pub left_out: Vec<String>,
    /// What was counted.
    pub health: Health,
    /// The projections of the vectors.
    pub sketch: SketchId,
    /// What the side does, where it is live.
    pub behaviour: Behaviour,
}

/// The roots of the exact channels. They stay apart: none covers another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    /// Over ids, texts and metadata: `INDEX_HASH`.
    pub content: Digest,
    /// Over ids and vectors, if there are any: `VECTOR_HASH`.
    pub vectors: Option<Digest>,
    /// Over the settings of the contract, if any is stated.
    pub config: Option<Digest>,
}

/// Which parts of rows an export has at all. What it has not was not checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "one for each part of a row")]
pub struct Covers {
    /// Texts.
    pub texts: bool,
    /// Metadata.
    pub metadata: bool,
    /// Vectors.
    pub vectors: bool,
    /// The sections that rows were cut from.
    pub sections: bool,
}

/// How vectors were projected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SketchId {
    /// The seed of the signs.
    pub seed: u64,
    /// Numbers in a projection.
    pub floats: u32,
}

/// A field of which a side claims something else than was computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lie {
    /// Which field.
    pub field: ContractField,
    /// What is claimed.
    pub claimed: String,
    /// What was computed.
    pub computed: String,
}

/// The fields that are computed from rows.
const COMPUTED: [ContractField; 4] = [
    ContractField::IndexHash,
    ContractField::VectorHash,
    ContractField::Count,
    ContractField::Dim,
];

/// The fields that are settings: what an index would be built with again.
const SETTINGS: [ContractField; 9] = [
    ContractField::Metric,
    ContractField::IndexParams,
    ContractField::Ranking,
    ContractField::Analyzer,
    ContractField::Dim,
    ContractField::SchemaRev,
    ContractField::ModelTag,
    ContractField::Chunker,
    ContractField::Reranker,
];

const CONFIG: &str = "ragstone 2026 config v1";

/// The root of the config channel: over the settings that a contract states, as canonical JSON
/// (RFC 8785). `None` if it states none.
pub fn config_root(contract: &Contract) -> Option<Digest> {
    let stated = |field: &ContractField| Some((*field, contract.get(*field)?));
    let settings: Vec<(ContractField, &str)> = SETTINGS.iter().filter_map(stated).collect();
    if settings.is_empty() {
        return None;
    }
    let settings = settings
        .into_iter()
        .fold(Contract::default(), |contract, (field, value)| {
            contract.with(field, value)
        });
    let canonical =
        serde_json_canonicalizer::to_vec(&settings).expect("texts have a canonical form");
    Some(Digest::derive(CONFIG, canonical))
}

/// Where a claim contradicts what was computed. An `INDEX_HASH` or `VECTOR_HASH` of another making, which
/// is no digest of ours, says nothing that could be checked.
pub fn lies(claimed: &Contract, computed: &Contract) -> Vec<Lie> {
    let lie = |field: &ContractField| {
        let (claim, found) = (claimed.get(*field)?, computed.get(*field)?);
        let hash = matches!(field, ContractField::IndexHash | ContractField::VectorHash);
        let comparable = !hash || claim.parse::<Digest>().is_ok();
        (comparable && claim != found).then(|| Lie {
            field: *field,
            claimed: claim.to_owned(),
            computed: found.to_owned(),
        })
    };
    COMPUTED.iter().filter_map(lie).collect()
}

impl Stamp {
    /// The format that is written here.
    pub const FORMAT: u32 = 1;

    /// Where what the side claims contradicts what was computed.
    pub fn lies(&self) -> Vec<Lie> {
        lies(&self.claimed, &self.contract)
    }
}
