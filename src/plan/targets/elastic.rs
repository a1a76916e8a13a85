//! `kind = "elastic"`.

use crate::net::ConnectionSettings;
use crate::plan::PolicyError;
use crate::plan::targets::connection::{self, EmbeddingSpec};
use crate::plan::targets::{Place, filter, http};
use crate::plan::written::Target;
use crate::target::elastic::{Flavour, Mode, Settings};
use crate::target::http::{Placeholder, Template};

/// An Elasticsearch or OpenSearch index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElasticSpec {
    /// How its server is reached.
    pub connection: ConnectionSettings,
    /// How it is asked.
    pub settings: Settings,
    /// Its own model, if that is not the referee's.
    pub embedding: Option<EmbeddingSpec>,
}

const OWN_KEYS: [&str; 8] = [
    "flavour",
    "index",
    "mode",
    "body",
    "num_candidates",
    "rank_window",
    "pipeline",
    "id_field",
];

pub(super) fn keys() -> Vec<&'static str> {
    [&OWN_KEYS[..], &connection::KEYS, &connection::STORE_KEYS].concat()
}

pub(super) fn fill(target: &mut Target) {
    target.list_rows.get_or_insert(true);
    if target.body.is_none() {
        target.mode.get_or_insert(Mode::Knn);
    }
}

pub(super) fn spec(place: &Place, target: &mut Target) -> Result<ElasticSpec, PolicyError> {
    let named = |name: &String| !name.trim().is_empty();
    let Some(index) = target.index.take().filter(named) else {
        return place.wrong(
            "an index is missing",
            "add index = \"…\", or an alias of one",
        );
    };
    for (name, value) in [
        ("num_candidates", target.num_candidates),
        ("rank_window", target.rank_window),
    ] {
        if value == Some(0) {
            return place.wrong(format!("{name} is 0"), "leave it out to get 100");
        }
    }
    let pipeline = target.pipeline.take();
    match (target.flavour, target.mode) {
        (Some(Flavour::Elasticsearch), _) if pipeline.is_some() => {
            let help = "leave it out, or set flavour = \"opensearch\"";
            return place.wrong("Elasticsearch has no search pipelines", help);
        }
        (Some(Flavour::Opensearch), Some(Mode::Hybrid)) if pipeline.is_none() => {
            let help =
                "add pipeline = \"…\", a search pipeline with a normalization or ranking processor";
            return place.wrong("nothing fuses the two rankings of a hybrid search", help);
        }
        _ => {}
    }
    if target.body.is_some() && target.filter.is_some() {
        let help = "write the filter into the body, or leave the body out";
        return place.wrong("filter and body are both given", help);
    }
    Ok(ElasticSpec {
        connection: connection::connection(place, target)?,
        embedding: connection::embedding(target),
        settings: Settings {
            flavour: target.flavour,
            index,
            body: body(place, target)?,
            mode: target.mode,
            num_candidates: target.num_candidates,
            rank_window: target.rank_window,
            pipeline,
            id_field: target.id_field.take(),
            fields: connection::fields(target),
            filter: filter::filter(place, target)?,
            list_rows: target.list_rows.unwrap_or(true),
        },
    })
}

fn body(place: &Place, target: &mut Target) -> Result<Option<Template>, PolicyError> {
    let Some(body) = target.body.take() else {
        return Ok(None);
    };
    if target.mode.is_some() {
        return place.wrong("mode and body are both given", "keep one");
    }
    let body = Template::new(&body);
    http::body_is_json(place, &body)?;
    if !body.asks_for(Placeholder::Question) && !body.asks_for(Placeholder::Vector) {
        let help = "write {question}, or {vector}, into the body";
        return place.wrong("the question is never sent", help);
    }
    Ok(Some(body))
}
