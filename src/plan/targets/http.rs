//! `kind = "http"`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use crate::ids::{Form, QuestionId, Seed};
use crate::parity::ContractField;
use crate::plan::PolicyError;
use crate::plan::targets::Place;
use crate::plan::targets::connection::{EmbeddingSpec, connection, embedding};
use crate::plan::written::{Method, Pins, ReplyPointers, Target};
use crate::target::http::{
    Escaping, Health, HitPointers, Placeholder, Pointer, Pointers, Scores, SectionPointers,
    Settings, Template,
};
use crate::target::{OffsetUnit, Query};
use crate::units::Cutoff;

/// A service that answers questions over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSpec {
    /// How it is asked, and how its replies are read.
    pub settings: Settings,
    /// The file with the JSON Schema of its replies.
    pub schema: Option<PathBuf>,
    /// Whose vector a question gets, if not the referee's.
    pub embedding: Option<EmbeddingSpec>,
}

impl HttpSpec {
    /// The contract fields that its health endpoint is asked for.
    pub(super) fn computed(&self) -> Vec<ContractField> {
        let health = self.settings.health.as_ref();
        health.map_or_else(Vec::new, |health| health.fields.keys().copied().collect())
    }
}

/// The keys beside those of a connection.
pub(super) const KEYS: [&str; 8] = [
    "method",
    "body",
    "pins",
    "reply",
    "stream",
    "reply_schema",
    "health",
    "embedding",
];

pub(super) fn fill(target: &mut Target) {
    target.method.get_or_insert_default();
    let reply = target.reply.get_or_insert_default();
    let usual = |pointer: &mut Option<String>, at: &str| {
        pointer.get_or_insert_with(|| at.to_owned());
    };
    usual(&mut reply.hits, "/hits");
    usual(&mut reply.id, "/id");
    if reply.section.is_none() {
        usual(&mut reply.doc_id, "/doc_id");
        usual(&mut reply.section_id, "/section_id");
    }
    usual(&mut reply.text, "/text");
    usual(&mut reply.score, "/score");
    reply.higher_is_better.get_or_insert(true);
    reply.unit.get_or_insert(OffsetUnit::Char);
}

/// Checks a target whose defaults are written in.
///
/// # Errors
/// If a template, a pointer or a header cannot be what it should, or the question is never sent.
pub(super) fn spec(place: &Place, target: &mut Target) -> Result<HttpSpec, PolicyError> {
    let url = Template::new(target.url.as_deref().unwrap_or_default());
    let mut connection = connection(place, target)?;
    let headers = std::mem::take(&mut connection.headers).into_iter();
    let (plain, headers): (BTreeMap<_, _>, BTreeMap<_, _>) =
        headers.partition(|(_, value)| Template::new(value).is_plain());
    connection.headers = plain;
    let headers = headers.into_iter();
    let headers = headers.map(|(name, value)| (name, Template::new(&value)));
    let written = target.reply.take().unwrap_or_default();
    let settings = Settings {
        method: match target.method.take().unwrap_or_default() {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        },
        url,
        headers: headers.collect(),
        pins: target.pins.take().map_or_else(BTreeMap::new, pins),
        body: target.body.take().map(|body| Template::new(&body)),
        pointers: pointers(place, &written, target.stream.is_some())?,
        streaming: target.stream.take(),
        health: health(place, target)?,
        connection,
    };
    question_stays_below_the_host(place, &settings)?;
    headers_can_be_sent(place, &settings)?;
    if let Some(body) = &settings.body {
        body_is_json(place, body)?;
    }
    let embedding = embedding(target);
    if !settings.asks_for(Placeholder::Question) && !settings.wants_vector() {
        let help = "write {question}, or {vector}, into the body or the url";
        return place.wrong("the question is never sent", help);
    }
    if embedding.is_some() && !settings.wants_vector() {
        let help = "write {vector} into the body, or leave [target.embedding] out";
        return place.wrong("the vector of its embedding is never sent", help);
    }
    Ok(HttpSpec {
        settings,
        schema: target
            .reply_schema
            .take()
            .map(|path| place.folder.join(path)),
        embedding,
    })
}

/// A question that a careless template would break on.
fn nasty() -> Query {
    Query {
        question: QuestionId::new("\"\\/{k}\n"),
        form: Form(0),
        seed: Seed(u64::MAX),
        k: Cutoff::new(10).expect("positive"),
        text: "\"}\\ {question}\n\u{0}é😀</script>".to_owned(),
        repeat: false,
        warm_up: false,
    }
}

/// A vector with the spellings that numbers have.
const VECTOR: &[f32] = &[0.0, -1.5, 1e-30];

fn question_stays_below_the_host(place: &Place, settings: &Settings) -> Result<(), PolicyError> {
    let rendered = settings.url.render(&nasty(), VECTOR, Escaping::Percent);
    let origin = rendered.parse::<Url>().map(|url| url.origin());
    if origin.is_ok_and(|origin| origin == settings.connection.url.origin()) {
        return Ok(());
    }
    place.wrong(
        "a placeholder stands in the scheme, host or port of the url",
        "write it into the path or the query",
    )
}

/// Tries a body out.
///
/// # Errors
/// If it is no JSON with a question put in.
pub(super) fn body_is_json(place: &Place, body: &Template) -> Result<(), PolicyError> {
    let rendered = body.render(&nasty(), VECTOR, Escaping::Json);
    match serde_json::from_str::<serde_json::Value>(&rendered) {
        Ok(_) => Ok(()),
        Err(error) => place.wrong(
            format!("the body is no JSON once a question is put in: {error}"),
            "put {question} and {question_id} between quotes, and {k}, {seed}, {form} and {vector} outside",
        ),
    }
}

/// Every header with a placeholder or a pin; those without are checked where they are sent.
fn headers_can_be_sent(place: &Place, settings: &Settings) -> Result<(), PolicyError> {
    let rendered = settings.headers.iter().map(|(name, value)| {
        let value = value.render(&nasty(), VECTOR, Escaping::Percent);
        (name.as_str(), value)
    });
    let pins = settings.pins.iter();
    let pins = pins.map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in rendered.chain(pins) {
        if name.parse::<HeaderName>().is_err() || HeaderValue::from_str(&value).is_err() {
            return place.wrong(
                format!("the header `{name}` cannot be sent"),
                "names are ASCII words with hyphens, values are one line of visible characters",
            );
        }
    }
    let connection = &settings.connection;
    let written = connection.headers.keys().chain(settings.headers.keys());
    let mut written = written.chain(connection.secret_headers.keys());
    let pinned = |name: &&String| {
        name.eq_ignore_ascii_case("x-warm")
            || settings
                .pins
                .keys()
                .any(|pin| pin.eq_ignore_ascii_case(name))
    };
    match written.find(pinned) {
        Some(name) => place.wrong(
            format!("the header `{name}` is set twice"),
            "keep it under [target.pins]; x-warm is sent by itself with warm-up queries",
        ),
        None => Ok(()),
    }
}

fn pins(written: Pins) -> BTreeMap<String, String> {
    let Pins {
        region,
        release,
        index_hash,
        schema_rev,
        canary,
        exp,
    } = written;
    let pins = [
        ("X-Region-Pin", region),
        ("X-Release", release),
        ("X-Index-Hash", index_hash),
        ("X-Schema-Rev", schema_rev),
        ("X-Canary", canary),
        ("x-exp", exp),
    ];
    let pins = pins.into_iter();
    pins.filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

fn pointers(
    place: &Place,
    written: &ReplyPointers,
    streams: bool,
) -> Result<Pointers, PolicyError> {
    let maybe = |key: &str, text: &Option<String>| match text.as_deref().map(str::parse::<Pointer>)
    {
        None => Ok(None),
        Some(Ok(pointer)) => Ok(Some(pointer)),
        Some(Err(error)) => place.wrong(
            format!("[target.reply] {key}: {error}"),
            "write a path from the root, such as /hits/0/text",
        ),
    };
    let need = |key: &str, text: &Option<String>| {
        maybe(key, text)?.map_or_else(
            || place.wrong(format!("[target.reply] {key} is missing"), "add it"),
            Ok,
        )
    };
    if written.delta.is_some() && !streams {
        let help = "add stream = \"sse\" or \"ndjson\", or use `answer`";
        return place.wrong("[target.reply] delta is a piece of a stream", help);
    }
    let start = maybe("start", &written.start)?;
    let end = maybe("end", &written.end)?;
    if start.is_some() != end.is_some() {
        return place.wrong("[target.reply] start and end go together", "give both");
    }
    let section = match maybe("section", &written.section)? {
        None => SectionPointers::Two(
            need("doc_id", &written.doc_id)?,
            need("section_id", &written.section_id)?,
        ),
        Some(_) if written.doc_id.is_some() || written.section_id.is_some() => {
            let help = "keep `section`, or keep `doc_id` and `section_id`";
            return place.wrong("[target.reply] names the section twice", help);
        }
        Some(section) => SectionPointers::One(section),
    };
    Ok(Pointers {
        hits: need("hits", &written.hits)?,
        hit: HitPointers {
            id: need("id", &written.id)?,
            section,
            text: need("text", &written.text)?,
            score: scores(place, written, need("score", &written.score)?)?,
            offsets: start.zip(end),
            unit: written.unit.unwrap_or(OffsetUnit::Char),
        },
        answer: maybe("answer", &written.answer)?,
        delta: maybe("delta", &written.delta)?,
        citations: maybe("citations", &written.citations)?,
        refusal: maybe("refusal", &written.refusal)?,
        cold_start: maybe("cold_start", &written.cold_start)?,
        error: maybe("error", &written.error)?,
    })
}

fn scores(place: &Place, written: &ReplyPointers, pointer: Pointer) -> Result<Scores, PolicyError> {
    let by_rank = written.score.as_deref() == Some("");
    match (by_rank, written.higher_is_better.unwrap_or(true)) {
        (true, true) => Ok(Scores::ByRank),
        (true, false) => place.wrong(
            "[target.reply] higher_is_better means nothing where there are no scores",
            "leave it out, or name the score",
        ),
        (false, true) => Ok(Scores::Higher(pointer)),
        (false, false) => Ok(Scores::Lower(pointer)),
    }
}

fn health(place: &Place, target: &mut Target) -> Result<Option<Health>, PolicyError> {
    let Some(written) = target.health.take() else {
        return Ok(None);
    };
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
    };
    let Some(url) = written.url.parse::<Url>().ok().filter(plain) else {
        return place.wrong(
            "[target.health] the url is none of http or https, or holds credentials",
            "write https://host:port/health",
        );
    };
    let mut fields = BTreeMap::new();
    for (field, text) in written.fields {
        match text.parse::<Pointer>() {
            Ok(pointer) => fields.insert(field, pointer),
            Err(error) => {
                let message = format!("[target.health] {field}: {error}");
                return place.wrong(message, "write a path from the root, such as /index/hash");
            }
        };
    }
    Ok(Some(Health { url, fields }))
}
