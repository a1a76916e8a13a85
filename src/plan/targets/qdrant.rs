//! `kind = "qdrant"`.

use crate::net::ConnectionSettings;
use crate::plan::PolicyError;
use crate::plan::targets::connection::{self, EmbeddingSpec};
use crate::plan::targets::{Place, filter};
use crate::plan::written::Target;
use crate::target::qdrant::Settings;

/// A Qdrant collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QdrantSpec {
    /// How its server is reached.
    pub connection: ConnectionSettings,
    /// How it is asked.
    pub settings: Settings,
    /// Its own model, if that is not the referee's.
    pub embedding: Option<EmbeddingSpec>,
}

const OWN_KEYS: [&str; 5] = [
    "collection",
    "vector_name",
    "exact",
    "ef_search",
    "id_field",
];

pub(super) fn keys() -> Vec<&'static str> {
    [&OWN_KEYS[..], &connection::KEYS, &connection::STORE_KEYS].concat()
}

pub(super) fn fill(target: &mut Target) {
    target.list_rows.get_or_insert(true);
}

pub(super) fn spec(place: &Place, target: &mut Target) -> Result<QdrantSpec, PolicyError> {
    let named = |name: &String| !name.trim().is_empty();
    let Some(collection) = target.collection.take().filter(named) else {
        return place.wrong(
            "a collection is missing",
            "add collection = \"…\", or its alias",
        );
    };
    if target.ef_search == Some(0) {
        return place.wrong("ef_search is 0", "leave it out to get the server's default");
    }
    Ok(QdrantSpec {
        connection: connection::connection(place, target)?,
        embedding: connection::embedding(target),
        settings: Settings {
            collection,
            vector_name: target.vector_name.take(),
            exact: target.exact,
            ef_search: target.ef_search,
            id_field: target.id_field.take(),
            fields: connection::fields(target),
            filter: filter::filter(place, target)?,
            list_rows: target.list_rows.unwrap_or(true),
        },
    })
}
