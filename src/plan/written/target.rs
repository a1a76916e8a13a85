//! A target as written: one flat table, of which each kind of target takes its own keys.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parity::{Contract, ContractField};
use crate::target::embedded::{Analyzer, Ranking};
use crate::target::{Metric, Role};

/// One side of the comparison. Each kind takes its own keys; a key of another kind is refused.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::plan) struct Target {
    /// Unique in the policy.
    #[schemars(length(min = 1))]
    pub(in crate::plan) name: String,
    /// What part it plays. `baseline` is the role of an earlier run, which no target of a policy has.
    pub(in crate::plan) role: Role,
    /// What it is.
    pub(in crate::plan) kind: TargetKind,
    /// What its contract is meant to say, where that is not what the control's says.
    #[serde(default)]
    #[schemars(with = "Contract")]
    pub(in crate::plan) intended: BTreeMap<ContractField, String>,
    /// Contract fields that the target does not say of itself; those that it finds in itself are
    /// refused.
    #[serde(default)]
    #[schemars(with = "Contract")]
    pub(in crate::plan) stated: BTreeMap<ContractField, String>,

    /// Probes under way at once, if not as `[replay]` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(in crate::plan) concurrency: Option<usize>,
    /// Most probes begun in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) rate: Option<f64>,
    /// Probes asked before the run, tagged as warm-up and not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) warm_up: Option<usize>,

    /// Of `embedded`: distance of the dense search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) metric: Option<Metric>,
    /// Of `embedded`: text analysis of the lexical search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) analyzer: Option<Analyzer>,
    /// Of `embedded`: which searches rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) ranking: Option<Ranking>,
    /// Of `embedded`: sentences in a snippet, if not as `gold.toml` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) snippet_sentences: Option<usize>,
    /// Of `embedded`: how it is spoilt on purpose, for drills.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) skew: Option<Skew>,

    /// Of `recorded`: the folder of the saved run, relative to the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) run: Option<String>,
    /// Of `recorded`: the target's name in that run, if it is not the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) side: Option<String>,

    /// Of every kind that is reached over a network: the server's address, without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) url: Option<String>,
    /// Headers sent with every request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) headers: Option<BTreeMap<String, String>>,
    /// Headers whose values are secrets: the environment variable that holds each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) header_env: Option<BTreeMap<String, String>>,
    /// The environment variable that holds the token or password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) auth_env: Option<String>,
    /// The file that holds the token or password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) auth_file: Option<String>,
    /// What stands before the token in `Authorization`: `Bearer`, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) auth_scheme: Option<String>,
    /// The header that carries the bare token, instead of `Authorization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) auth_header: Option<String>,
    /// The user, where a password belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) user: Option<String>,
    /// PEM certificates of a private authority, trusted beside the system's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) ca_file: Option<String>,
    /// Bytes of a reply above which it is not read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(in crate::plan) max_body_bytes: Option<usize>,
    /// Redirects followed, to the same host only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) max_redirects: Option<usize>,
    /// The service that embeds questions for this target, if that is not the referee's model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) embedding: Option<Embedding>,
    /// Of the stores: names under which they keep what a hit needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) fields: Option<FieldNames>,
    /// Of the stores: whether their rows are listed at the start and at the end, for `COUNT` and
    /// `INDEX_HASH`; if not, the two are not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) list_rows: Option<bool>,
}

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::plan) enum TargetKind {
    /// An index in this process, over the gold set's own corpus.
    Embedded,
    /// A target of a saved run, which answers as it did then.
    Recorded,
}

/// How an index is spoilt on purpose, for drills. Sections are named `doc_id/section_id`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::plan) struct Skew {
    /// Sections that it lost.
    pub(in crate::plan) missing: Vec<String>,
    /// Sections that it holds in their older edition.
    pub(in crate::plan) edited: Vec<String>,
    /// Sections beside which it holds their older edition.
    pub(in crate::plan) duplicated: Vec<String>,
    /// The file of older editions.
    pub(in crate::plan) older_editions: Option<String>,
    /// Whether its vectors are stored with uneven lengths.
    pub(in crate::plan) unnormalised: bool,
}

/// A service that embeds questions for one target.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::plan) struct Embedding {
    /// The base address of the service: `http://127.0.0.1:8089/v1`.
    pub(in crate::plan) url: String,
    /// The model.
    pub(in crate::plan) model: String,
    /// The environment variable that holds the service's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) key_env: Option<String>,
}

/// Names under which a store keeps what a hit needs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::plan) struct FieldNames {
    /// The document of a row's section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) doc_id: Option<String>,
    /// The section within it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) section_id: Option<String>,
    /// The row's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) text: Option<String>,
    /// The row's vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) vector: Option<String>,
    /// Where the text begins in its section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) start: Option<String>,
    /// Where it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) end: Option<String>,
    /// What the two count: `char`, if left out, or `byte`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) unit: Option<crate::target::OffsetUnit>,
}
