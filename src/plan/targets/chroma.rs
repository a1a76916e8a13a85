//! `kind = "chroma"`.

use crate::plan::PolicyError;
use crate::plan::targets::connection::{self, EmbeddingSpec};
use crate::plan::targets::{Place, filter};
use crate::plan::written::Target;
use crate::target::chroma::Settings;

/// A collection of a Chroma server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChromaSpec {
    /// Which collection, and how it is read.
    pub settings: Settings,
    /// The service that embeds questions, if not the referee.
    pub embedding: Option<EmbeddingSpec>,
}

const OWN: [&str; 3] = ["tenant", "database", "collection"];

pub(super) fn keys() -> Vec<&'static str> {
    let shared = connection::KEYS.iter().chain(&connection::STORE_KEYS);
    shared.chain(&OWN).copied().collect()
}

pub(super) fn fill(target: &mut Target) {
    target
        .tenant
        .get_or_insert_with(|| "default_tenant".to_owned());
    target
        .database
        .get_or_insert_with(|| "default_database".to_owned());
    target.list_rows.get_or_insert(true);
}

pub(super) fn spec(place: &Place, target: &mut Target) -> Result<ChromaSpec, PolicyError> {
    fill(target);
    let Some(collection) = target.collection.take() else {
        return place.wrong("a collection is missing", "add collection = \"NAME\"");
    };
    Ok(ChromaSpec {
        settings: Settings {
            connection: connection::connection(place, target)?,
            tenant: target.tenant.take().unwrap_or_default(),
            database: target.database.take().unwrap_or_default(),
            collection,
            fields: connection::fields(target),
            filter: filter::filter(place, target)?,
            list_rows: target.list_rows.unwrap_or(true),
        },
        embedding: connection::embedding(target),
    })
}
