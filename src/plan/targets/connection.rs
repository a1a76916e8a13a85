//! What every kind that is reached over HTTP has in common.

use std::collections::BTreeMap;

use crate::net::{Auth, AuthScheme, ClientSettings, ConnectionSettings, SecretSource};
use crate::plan::PolicyError;
use crate::plan::targets::Place;
use crate::plan::written::{FieldNames, Target};
use crate::target::store::Fields;

/// A service that embeds questions for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingSpec {
    /// Where it is.
    pub url: String,
    /// The model.
    pub model: String,
    /// The environment variable of its key.
    pub key_env: Option<String>,
}

/// The keys of a connection.
pub(super) const KEYS: [&str; 11] = [
    "url",
    "headers",
    "header_env",
    "auth_env",
    "auth_file",
    "auth_scheme",
    "auth_header",
    "user",
    "ca_file",
    "max_body_bytes",
    "max_redirects",
];

/// The keys of a store's rows.
pub(super) const STORE_KEYS: [&str; 4] = ["embedding", "fields", "filter", "list_rows"];

/// Headers that carry credentials, which a policy must not hold.
const CREDENTIALS: [&str; 6] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "api-key",
    "x-api-key",
    "x-auth-token",
];

/// How the server is reached.
///
/// # Errors
/// If the address is none, or credentials stand in the policy itself.
pub(super) fn connection(
    place: &Place,
    target: &mut Target,
) -> Result<ConnectionSettings, PolicyError> {
    let Some(url) = target.url.take() else {
        return place.wrong("a url is missing", "add url = \"https://…\"");
    };
    let url: reqwest::Url = match url.parse() {
        Ok(url) => url,
        Err(error) => {
            return place.wrong(
                format!("the url is not one: {error}"),
                "write https://host:port/path",
            );
        }
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return place.wrong(
            "the url is not of http or https",
            "write https://host:port/path",
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return place.wrong(
            "the url holds credentials",
            "take them out, and name the environment variable that holds them: auth_env = \"…\"",
        );
    }
    let headers = target.headers.take().unwrap_or_default();
    let credential = headers
        .keys()
        .find(|name| CREDENTIALS.contains(&name.to_ascii_lowercase().as_str()));
    if let Some(name) = credential {
        return place.wrong(
            format!("the header `{name}` carries credentials"),
            "name the environment variable that holds them: auth_env, or header_env",
        );
    }
    let secret_headers = target.header_env.take().unwrap_or_default();
    Ok(ConnectionSettings {
        url,
        headers,
        secret_headers: secret_headers
            .into_iter()
            .map(|(name, variable)| (name, SecretSource::Env(variable)))
            .collect::<BTreeMap<_, _>>(),
        auth: auth(place, target)?,
        client: client(place, target)?,
    })
}

/// How far the server is trusted.
///
/// # Errors
/// If nothing of a reply could be read.
pub(super) fn client(place: &Place, target: &mut Target) -> Result<ClientSettings, PolicyError> {
    if target.max_body_bytes == Some(0) {
        return place.wrong("max_body_bytes is 0", "leave it out to get 16 MiB");
    }
    let usual = ClientSettings::default();
    Ok(ClientSettings {
        ca_file: target.ca_file.take().map(|path| place.folder.join(path)),
        max_body: target.max_body_bytes.unwrap_or(usual.max_body),
        max_redirects: target.max_redirects.unwrap_or(usual.max_redirects),
    })
}

/// Where the token or password is, if there is one.
pub(super) fn secret(
    place: &Place,
    target: &mut Target,
) -> Result<Option<SecretSource>, PolicyError> {
    match (target.auth_env.take(), target.auth_file.take()) {
        (Some(_), Some(_)) => place.wrong("auth_env and auth_file are both given", "keep one"),
        (Some(variable), None) => Ok(Some(SecretSource::Env(variable))),
        (None, Some(path)) => Ok(Some(SecretSource::File(place.folder.join(path)))),
        (None, None) => Ok(None),
    }
}

fn auth(place: &Place, target: &mut Target) -> Result<Option<Auth>, PolicyError> {
    let (scheme, header, user) = (
        target.auth_scheme.take(),
        target.auth_header.take(),
        target.user.take(),
    );
    let Some(secret) = secret(place, target)? else {
        if scheme.is_some() || header.is_some() || user.is_some() {
            let help = "add auth_env = \"NAME\", the environment variable that holds it";
            return place.wrong("says how a secret is sent, but not where it is", help);
        }
        return Ok(None);
    };
    let how = match (scheme, header, user) {
        (scheme, None, None) => AuthScheme::Scheme(scheme.unwrap_or_else(|| "Bearer".to_owned())),
        (None, Some(header), None) => AuthScheme::Header(header),
        (None, None, Some(user)) => AuthScheme::Basic(user),
        _ => {
            return place.wrong(
                "auth_scheme, auth_header and user exclude each other",
                "keep one",
            );
        }
    };
    Ok(Some(Auth { secret, how }))
}

/// The service that embeds questions, if it is not the referee.
pub(super) fn embedding(target: &mut Target) -> Option<EmbeddingSpec> {
    target.embedding.take().map(|written| EmbeddingSpec {
        url: written.url,
        model: written.model,
        key_env: written.key_env,
    })
}

/// Names under which a store keeps what a hit needs.
pub(super) fn fields(target: &mut Target) -> Fields {
    let written = target.fields.take().unwrap_or_default();
    let FieldNames {
        doc_id,
        section_id,
        text,
        vector,
        start,
        end,
        unit,
    } = written;
    let usual = Fields::default();
    Fields {
        doc_id: doc_id.unwrap_or(usual.doc_id),
        section_id: section_id.unwrap_or(usual.section_id),
        text: text.unwrap_or(usual.text),
        vector: vector.unwrap_or(usual.vector),
        start: start.unwrap_or(usual.start),
        end: end.unwrap_or(usual.end),
        unit: unit.unwrap_or(usual.unit),
    }
}
