//! A target as written: one flat table, of which each kind of target takes its own keys.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parity::{Contract, ContractField};
use crate::target::elastic::{Flavour, Mode};
use crate::target::embedded::{Analyzer, Ranking};
use crate::target::http::Streaming;
use crate::target::pgvector::Tls;
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

    /// Of `embedded`: distance of the dense search. Of `pgvector`: the distance of the exact search
    /// in a table without an index; an index says its own.
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
    /// Of `embedded` and the stores: what production asks for beside nearness, as `field = value`;
    /// rows of which a field has another value are not found. Their listing is not filtered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) filter: Option<BTreeMap<String, FilterValue>>,
    /// Of `qdrant` and `elastic`: the field that holds a row's id, if that is not the store's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) id_field: Option<String>,

    /// Of `qdrant`: which of the collection's vectors, if they have names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) vector_name: Option<String>,
    /// Of `qdrant`: whether the search looks at every vector instead of the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) exact: Option<bool>,

    /// Of `elastic`: which server it is; if left out, it is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) flavour: Option<Flavour>,
    /// Of `elastic`: the index, or an alias of exactly one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) index: Option<String>,
    /// Of `elastic`: which searches rank; `knn`, if neither this nor a body is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) mode: Option<Mode>,
    /// Of `elastic`: candidates that each shard looks at; never fewer than the hits asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(in crate::plan) num_candidates: Option<usize>,
    /// Of `elastic`: how deep each ranking goes before fusion; never less than the hits asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(in crate::plan) rank_window: Option<usize>,
    /// Of `elastic`: the search pipeline of an OpenSearch server, which fuses rankings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) pipeline: Option<String>,

    /// Of `chroma`: the tenant, `default_tenant` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) tenant: Option<String>,
    /// Of `chroma`: the database, `default_database` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) database: Option<String>,
    /// Of `chroma` and `qdrant`: the collection; of `qdrant` an alias of it will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) collection: Option<String>,

    /// Of `pgvector`: whether the connection is encrypted; `off` is for servers of this machine only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) tls: Option<Tls>,
    /// Of `pgvector`: the table, or a view of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) table: Option<String>,
    /// Of `pgvector`: the column of a row's id, `id` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) id_column: Option<String>,
    /// Of `pgvector`: the column (jsonb) of everything else that is kept of a row, `metadata` if left
    /// out; an empty name says that there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) metadata_column: Option<String>,
    /// Of `qdrant` and `pgvector`: size of the search's candidate list, if not as the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(in crate::plan) ef_search: Option<u32>,
    /// Of `pgvector`: `ivfflat.probes` of the sessions, if not as the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(in crate::plan) probes: Option<u32>,
    /// Of `pgvector`: the text search configuration of the table's words, such as
    /// `pg_catalog.english`; `default_text_search_config` of the server if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) text_config: Option<String>,

    /// Of `http`: how the service is asked; `POST`, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) method: Option<Method>,
    /// Of `http` and `elastic`: the JSON that is sent; of `elastic` instead of a `mode`. `{question}` and `{question_id}` are put in as the content of
    /// strings, `{k}`, `{seed}` and `{form}` as numbers, and `{vector}` as the list of numbers that is
    /// the question's vector; every other brace stays. In `url` and in the values of `headers` the same
    /// names are put in percent-encoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) body: Option<String>,
    /// Of `http`: headers that pin a region, a release or an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) pins: Option<Pins>,
    /// Of `http`: where everything stands in a reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) reply: Option<ReplyPointers>,
    /// Of `http`: how a reply comes in parts, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) stream: Option<Streaming>,
    /// Of `http`: the file with the JSON Schema that each reply must satisfy, or each part of one that
    /// comes in parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) reply_schema: Option<String>,
    /// Of `pgvector`: the table's schema, `public` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) schema: Option<String>,
    /// Of `http`: where the service says what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) health: Option<Health>,
}

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::plan) enum TargetKind {
    /// An index in this process, over the gold set's own corpus.
    Embedded,
    /// A table of a PostgreSQL server with pgvector.
    Pgvector,
    /// A collection of a Chroma server.
    Chroma,
    /// A target of a saved run, which answers as it did then.
    Recorded,
    /// Any service that answers questions over HTTP with JSON.
    Http,
    /// A Qdrant collection, over REST.
    Qdrant,
    /// An Elasticsearch or OpenSearch index.
    Elastic,
}

/// What a field of a row must equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a filter's value must be a text, a number, true or false"
)]
pub(in crate::plan) enum FilterValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// A text.
    Text(String),
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

/// How a service is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(in crate::plan) enum Method {
    /// The question is in the address.
    Get,
    /// The question is in the body.
    #[default]
    Post,
    /// As `POST`, for services that insist.
    Put,
}

/// Headers that pin a region, a release or an index, sent with every request.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::plan) struct Pins {
    /// `X-Region-Pin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) region: Option<String>,
    /// `X-Release`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) release: Option<String>,
    /// `X-Index-Hash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) index_hash: Option<String>,
    /// `X-Schema-Rev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) schema_rev: Option<String>,
    /// `X-Canary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) canary: Option<String>,
    /// `x-exp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) exp: Option<String>,
}

/// Where everything stands in a reply: JSON pointers, those of a hit counted from the hit. A null
/// counts as nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::plan) struct ReplyPointers {
    /// The list of hits, best first: `/hits`, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) hits: Option<String>,
    /// A hit's own id: `/id`, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) id: Option<String>,
    /// The document of its section: `/doc_id`, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) doc_id: Option<String>,
    /// The section within it: `/section_id`, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) section_id: Option<String>,
    /// Both in one, `document/section`, parted at the first slash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) section: Option<String>,
    /// Its text: `/text`, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) text: Option<String>,
    /// Its score, a number: `/score`, if left out. With "" there is none, and hits score by rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) score: Option<String>,
    /// Whether the better hit scores more, which is so if left out: not so of a distance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) higher_is_better: Option<bool>,
    /// Where its text begins in its section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) start: Option<String>,
    /// Where it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) end: Option<String>,
    /// What the two count: `char`, if left out, or `byte`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) unit: Option<crate::target::OffsetUnit>,
    /// The generated answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) answer: Option<String>,
    /// With `stream`: a piece of the generated answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) delta: Option<String>,
    /// What the answer rests on: a list of names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) citations: Option<String>,
    /// That the service declined to answer: true, or its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) refusal: Option<String>,
    /// Whether the service had to start something first: true or false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) cold_start: Option<String>,
    /// What a failed tool behind the service said, inside a reply that is a success otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) error: Option<String>,
}

/// Where a service says what it is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::plan) struct Health {
    /// Asked with `GET`, and with credentials only if scheme, host and port are those of the target.
    pub(in crate::plan) url: String,
    /// A JSON pointer for each contract field that stands there.
    #[schemars(with = "Contract")]
    pub(in crate::plan) fields: BTreeMap<ContractField, String>,
}
