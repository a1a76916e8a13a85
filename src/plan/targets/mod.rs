//! The targets of a policy, checked: which keys each kind takes, and what they mean.

mod chroma;
mod connection;
mod elastic;
mod embedded;
mod filter;
mod http;
mod pgvector;
mod qdrant;
mod recorded;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::ids::{Digest, TargetName};
use crate::parity::{Contract, ContractField};
use crate::plan::PolicyError;
use crate::plan::written::{Target, TargetKind};
use crate::replay::{self, Pace};
use crate::target::Role;
use crate::target::chroma::Chroma;
use crate::target::embedded::Embedded;
use crate::target::pgvector::Pgvector;
use crate::target::store::{Fields, Filter, Lists, RowFilter};

pub use chroma::ChromaSpec;
pub use connection::EmbeddingSpec;
pub use elastic::ElasticSpec;
pub use embedded::EmbeddedSpec;
pub use http::HttpSpec;
pub use pgvector::PgvectorSpec;
pub use qdrant::QdrantSpec;
pub use recorded::RecordedSpec;

/// One target.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetSpec {
    /// Unique in the policy.
    pub name: TargetName,
    /// Its part.
    pub role: Role,
    /// What its contract is meant to say, where that is not what the control's says.
    pub intended: Contract,
    /// Contract fields that it does not say of itself.
    pub stated: Contract,
    /// How fast it is asked.
    pub pace: Pace,
    /// Digest of what its kind was told, without its name, its part, its contract and its pace. It
    /// covers no secret, since a policy holds none.
    pub digest: Digest,
    /// What it is.
    pub settings: TargetSettings,
}

/// What a target is, with the settings of its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetSettings {
    /// An index in this process.
    Embedded(EmbeddedSpec),
    /// A table of a PostgreSQL server with pgvector.
    Pgvector(Box<PgvectorSpec>),
    /// A collection of a Chroma server.
    Chroma(Box<ChromaSpec>),
    /// A target of a saved run.
    Recorded(RecordedSpec),
    /// A service that answers questions over HTTP.
    Http(Box<HttpSpec>),
    /// A Qdrant collection.
    Qdrant(QdrantSpec),
    /// An Elasticsearch or OpenSearch index.
    Elastic(ElasticSpec),
}

impl TargetSpec {
    /// Whether stating a field is a claim that the target's own rows are held against: a manifest's
    /// `INDEX_HASH` beside what a store really holds.
    fn is_claim(&self, field: ContractField) -> bool {
        const OF_ROWS: [ContractField; 3] = [
            ContractField::IndexHash,
            ContractField::VectorHash,
            ContractField::Count,
        ];
        !matches!(self.settings, TargetSettings::Embedded(_)) && OF_ROWS.contains(&field)
    }

    /// The contract fields that the target finds in itself.
    pub fn computed(&self) -> Vec<ContractField> {
        match &self.settings {
            TargetSettings::Pgvector(spec) => listed(&Pgvector::COMPUTED, spec.settings.list_rows),
            TargetSettings::Chroma(spec) => listed(&Chroma::COMPUTED, spec.settings.list_rows),
            TargetSettings::Embedded(_) => Embedded::COMPUTED.to_vec(),
            TargetSettings::Recorded(_) => Vec::new(),
            TargetSettings::Http(http) => http.computed(),
            TargetSettings::Qdrant(spec) => spec.settings.computed().to_vec(),
            TargetSettings::Elastic(spec) => spec.settings.computed().to_vec(),
        }
    }

    /// Whether its replies may be kept for later runs: those of an index in this process are had
    /// faster anew, and those of a saved run are kept already.
    pub fn may_be_kept(&self) -> bool {
        !matches!(
            self.settings,
            TargetSettings::Embedded(_) | TargetSettings::Recorded(_)
        )
    }
}

impl TargetSettings {
    /// The filter of production, if there is one, to be applied to the rows of an export.
    pub fn filter(&self) -> Option<RowFilter> {
        let filter = match self {
            Self::Embedded(spec) => spec.filter.of_rows(&Fields::default(), Lists::Whole),
            Self::Pgvector(spec) => {
                let of = &spec.settings;
                of.filter.of_rows(&of.fields, Lists::Whole)
            }
            Self::Chroma(spec) => {
                let of = &spec.settings;
                of.filter.of_rows(&of.fields, Lists::Whole)
            }
            Self::Qdrant(spec) => {
                let of = &spec.settings;
                of.filter.of_rows(&of.fields, Lists::Element)
            }
            Self::Elastic(spec) => {
                let of = &spec.settings;
                of.filter.of_rows(&of.fields, Lists::Element)
            }
            Self::Recorded(_) | Self::Http(_) => return None,
        };
        Some(filter).filter(|filter| !filter.filter.is_empty())
    }

    /// The service of the target's own model, if the policy names one.
    pub fn embedding(&self) -> Option<&EmbeddingSpec> {
        match self {
            Self::Pgvector(spec) => spec.embedding.as_ref(),
            Self::Chroma(spec) => spec.embedding.as_ref(),
            Self::Qdrant(spec) => spec.embedding.as_ref(),
            Self::Elastic(spec) => spec.embedding.as_ref(),
            Self::Http(spec) => spec.embedding.as_ref(),
            Self::Embedded(_) | Self::Recorded(_) => None,
        }
    }

    /// The same target, asked without a filter.
    #[must_use]
    pub fn without_filter(&self) -> Self {
        let mut settings = self.clone();
        let filter = match &mut settings {
            Self::Embedded(spec) => &mut spec.filter,
            Self::Pgvector(spec) => &mut spec.settings.filter,
            Self::Chroma(spec) => &mut spec.settings.filter,
            Self::Qdrant(spec) => &mut spec.settings.filter,
            Self::Elastic(spec) => &mut spec.settings.filter,
            Self::Recorded(_) | Self::Http(_) => return settings,
        };
        *filter = Filter::default();
        settings
    }
}

/// What a store says of itself, and what listing its rows adds.
fn listed(stated: &[ContractField], list_rows: bool) -> Vec<ContractField> {
    let mut fields = stated.to_vec();
    if list_rows {
        fields.extend([ContractField::IndexHash, ContractField::Count]);
    }
    fields
}

/// Where a target stands, for messages and paths.
pub(super) struct Place<'a> {
    path: &'a Path,
    /// Paths are relative to it.
    folder: &'a Path,
    name: &'a str,
}

impl Place<'_> {
    fn wrong<T>(&self, message: impl AsRef<str>, help: &str) -> Result<T, PolicyError> {
        let message = format!("[[target]] {}: {}", self.name, message.as_ref());
        Err(PolicyError::meaning(self.path, message, help))
    }
}

/// Probes that a target over a network is asked in advance, if the policy does not say.
const WARM_UP: usize = 3;

/// Keys that every target has.
const COMMON: [&str; 8] = [
    "name",
    "role",
    "kind",
    "intended",
    "stated",
    "concurrency",
    "rate",
    "warm_up",
];

/// The keys that a kind takes beside those.
fn keys(kind: TargetKind) -> Vec<&'static str> {
    match kind {
        TargetKind::Embedded => embedded::KEYS.to_vec(),
        TargetKind::Pgvector => pgvector::keys(),
        TargetKind::Chroma => chroma::keys(),
        TargetKind::Recorded => recorded::KEYS.to_vec(),
        TargetKind::Http => [&http::KEYS[..], &connection::KEYS].concat(),
        TargetKind::Qdrant => qdrant::keys(),
        TargetKind::Elastic => elastic::keys(),
    }
}

/// Every kind, with its name in policies.
const KINDS: [(TargetKind, &str); 7] = [
    (TargetKind::Embedded, "embedded"),
    (TargetKind::Recorded, "recorded"),
    (TargetKind::Http, "http"),
    (TargetKind::Pgvector, "pgvector"),
    (TargetKind::Chroma, "chroma"),
    (TargetKind::Qdrant, "qdrant"),
    (TargetKind::Elastic, "elastic"),
];

impl Target {
    /// Writes the defaults in that the policy digest covers.
    pub(super) fn fill(&mut self) {
        match self.kind {
            TargetKind::Embedded => embedded::fill(self),
            TargetKind::Pgvector => pgvector::fill(self),
            TargetKind::Chroma => chroma::fill(self),
            TargetKind::Recorded => {}
            TargetKind::Http => http::fill(self),
            TargetKind::Qdrant => qdrant::fill(self),
            TargetKind::Elastic => elastic::fill(self),
        }
    }
}

/// Checks the targets.
pub(super) fn targets(
    path: &Path,
    folder: &Path,
    written: Vec<Target>,
    usual: &replay::Settings,
) -> Result<Vec<TargetSpec>, PolicyError> {
    let mut names = BTreeSet::new();
    for target in &written {
        if target.name.trim().is_empty() || !names.insert(target.name.as_str()) {
            return Err(PolicyError::meaning(
                path,
                format!("target `{}` is blank or named twice", target.name),
                "give each target its own name",
            ));
        }
    }
    let controls = written
        .iter()
        .filter(|target| target.role.is_control())
        .count();
    if controls != 1 {
        let message = format!("{controls} targets are the control");
        return Err(PolicyError::meaning(
            path,
            message,
            "give exactly one target the role \"control\" (or \"blue\")",
        ));
    }
    if written.len() < 2 {
        return Err(PolicyError::meaning(
            path,
            "there is nothing to judge",
            "add a [[target]] with the role \"candidate\"",
        ));
    }
    written
        .into_iter()
        .map(|target| checked(path, folder, target, usual))
        .collect()
}

fn checked(
    path: &Path,
    folder: &Path,
    mut target: Target,
    usual: &replay::Settings,
) -> Result<TargetSpec, PolicyError> {
    let name = target.name.clone();
    let place = Place {
        path,
        folder,
        name: &name,
    };
    if target.role == Role::Baseline {
        let help = "name the run under [gate] baseline, or with --baseline";
        return place.wrong("a baseline is a run, not a target", help);
    }
    own_keys(&place, &target)?;
    let how_fast = pace(&place, &target, usual)?;
    let digest = digest(&place, &target)?;
    let settings = match target.kind {
        TargetKind::Embedded => TargetSettings::Embedded(embedded::spec(&place, &mut target)?),
        TargetKind::Pgvector => {
            TargetSettings::Pgvector(Box::new(pgvector::spec(&place, &mut target)?))
        }
        TargetKind::Chroma => TargetSettings::Chroma(Box::new(chroma::spec(&place, &mut target)?)),
        TargetKind::Recorded => TargetSettings::Recorded(recorded::spec(&place, &mut target)?),
        TargetKind::Http => TargetSettings::Http(Box::new(http::spec(&place, &mut target)?)),
        TargetKind::Qdrant => TargetSettings::Qdrant(qdrant::spec(&place, &mut target)?),
        TargetKind::Elastic => TargetSettings::Elastic(elastic::spec(&place, &mut target)?),
    };
    let spec = TargetSpec {
        name: TargetName::new(target.name),
        role: target.role,
        intended: contract(target.intended),
        stated: contract(target.stated),
        pace: how_fast,
        digest,
        settings,
    };
    let found = spec
        .computed()
        .into_iter()
        .filter(|field| !spec.is_claim(*field))
        .find(|field| spec.stated.get(*field).is_some());
    match found {
        Some(field) => place.wrong(
            format!("{field} is found in the target itself"),
            "leave it out of `stated`; `intended` declares what it is meant to be",
        ),
        None => Ok(spec),
    }
}

/// Refuses a key that belongs to another kind of target.
fn own_keys(place: &Place, target: &Target) -> Result<(), PolicyError> {
    let written = serde_json::to_value(target).expect("a policy has JSON");
    let known = keys(target.kind);
    for (key, _) in written.as_object().expect("a table") {
        let key = key.as_str();
        if COMMON.contains(&key) || known.contains(&key) {
            continue;
        }
        let owners: Vec<&str> = KINDS
            .iter()
            .filter(|(kind, _)| keys(*kind).contains(&key))
            .map(|(_, name)| *name)
            .collect();
        let help = format!("`{key}` belongs to kind = {}", owners.join(", "));
        return place.wrong(
            format!("`{key}` means nothing to this kind of target"),
            &help,
        );
    }
    Ok(())
}

fn pace(place: &Place, target: &Target, usual: &replay::Settings) -> Result<Pace, PolicyError> {
    if target.concurrency == Some(0) {
        return place.wrong("concurrency is 0", "leave it out to get that of [replay]");
    }
    if target
        .rate
        .is_some_and(|rate| !(rate.is_finite() && rate > 0.0))
    {
        return place.wrong(
            "rate is not a positive number",
            "write probes a second, such as 50",
        );
    }
    Ok(Pace {
        concurrency: target.concurrency.unwrap_or(usual.concurrency),
        per_second: target.rate,
        warm_up: target.warm_up.unwrap_or(match target.kind {
            TargetKind::Embedded | TargetKind::Recorded => 0,
            _ => WARM_UP,
        }),
    })
}

const DOMAIN: &str = "ragstone 2026 target v1";

/// Of the keys that its kind takes.
fn digest(place: &Place, target: &Target) -> Result<Digest, PolicyError> {
    let mut written = serde_json::to_value(target).expect("a policy has JSON");
    let keys = written.as_object_mut().expect("a table");
    keys.retain(|key, _| key == "kind" || !COMMON.contains(&key.as_str()));
    match serde_json_canonicalizer::to_vec(&written) {
        Ok(bytes) => Ok(Digest::derive(DOMAIN, bytes)),
        Err(error) => place.wrong(
            format!("a number is not finite ({error})"),
            "write an ordinary number",
        ),
    }
}

fn contract(written: BTreeMap<ContractField, String>) -> Contract {
    written
        .into_iter()
        .fold(Contract::default(), |contract, (field, value)| {
            contract.with(field, value)
        })
}
