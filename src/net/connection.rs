//! How one server is reached: its address, headers, credentials and whom it is trusted by.

use std::collections::BTreeMap;
use std::sync::Arc;

use miette::Diagnostic;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;
use thiserror::Error;

use crate::net::{
    Attempt, Client, ClientSettings, Failure, NetError, Opened, Secret, SecretError, SecretSource,
    Secrets,
};

/// How a server is reached. Holds no secret, only where secrets are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Its address, without credentials.
    pub url: Url,
    /// Sent with every request.
    pub headers: BTreeMap<String, String>,
    /// Sent with every request, their values being secrets.
    pub secret_headers: BTreeMap<String, SecretSource>,
    /// Who asks.
    pub auth: Option<Auth>,
    /// Limits and trust.
    pub client: ClientSettings,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// The token or password.
    pub secret: SecretSource,
    /// How it is sent.
    pub how: AuthScheme,
}

/// How a token or password is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    /// `Authorization: SCHEME token`, such as `Bearer`.
    Scheme(String),
    /// The bare token in a header of this name.
    Header(String),
    /// HTTP basic authentication with this user.
    Basic(String),
}

/// Why a server cannot even be called.
#[derive(Debug, Error, Diagnostic)]
pub enum ConnectionError {
    /// A secret.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Secret(#[from] SecretError),
    /// The client.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Net(#[from] NetError),
    /// A header that HTTP does not allow.
    #[error("`{0}` is not a header that can be sent")]
    #[diagnostic(
        code(net::header),
        help("names are ASCII words with hyphens, values are one line of visible characters")
    )]
    Header(String),
}

/// A server, ready to be called.
#[derive(Clone, Debug)]
pub struct Connection {
    base: Url,
    client: Client,
    headers: HeaderMap,
    secrets: Secrets,
}

impl Connection {
    /// Reads the secrets and sets up the client; nothing is sent.
    ///
    /// # Errors
    /// If a secret is not there, a certificate cannot be read, or a header cannot be sent.
    pub fn new(settings: &ConnectionSettings) -> Result<Self, ConnectionError> {
        let mut headers = HeaderMap::new();
        let mut secrets = Secrets::default();
        for (name, value) in &settings.headers {
            insert(&mut headers, name, value)?;
        }
        for (name, source) in &settings.secret_headers {
            let secret = source.read()?;
            insert_secret(&mut headers, name, secret.reveal())?;
            secrets.watch(&secret);
        }
        if let Some(auth) = &settings.auth {
            let secret = auth.secret.read()?;
            authorise(&mut headers, &mut secrets, &auth.how, &secret)?;
        }
        Ok(Self {
            base: settings.url.clone(),
            client: Client::new(&settings.client)?,
            headers,
            secrets,
        })
    }

    /// The same without credentials, and with these headers only: for an address of another origin.
    /// What must never be shown stays known.
    ///
    /// # Errors
    /// If a header cannot be sent.
    pub fn anonymous(&self, headers: &BTreeMap<String, String>) -> Result<Self, ConnectionError> {
        let mut plain = HeaderMap::new();
        for (name, value) in headers {
            insert(&mut plain, name, value)?;
        }
        Ok(Self {
            headers: plain,
            ..self.clone()
        })
    }

    /// Its address.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Its address for messages: without query.
    pub fn shown(&self) -> String {
        let mut url = self.base.clone();
        url.set_query(None);
        self.secrets.scrub(url.as_str()).into_owned()
    }

    /// An address below it: each part is one segment of the path, escaped.
    pub fn below(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        url
    }

    /// What must never be shown.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Begins a request that carries the headers and credentials.
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client
            .request(method, url)
            .headers(self.headers.clone())
    }

    /// Sends a request and waits for status and headers.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send(
        &self,
        request: RequestBuilder,
        attempt: &Arc<Attempt>,
    ) -> Result<Opened, Failure> {
        self.client.send(request, attempt, &self.secrets).await
    }

    /// Sends a request and reads a JSON reply whole.
    ///
    /// # Errors
    /// As [`Client::json`].
    pub async fn json(
        &self,
        request: RequestBuilder,
        attempt: &Arc<Attempt>,
    ) -> Result<Value, Failure> {
        self.client.json(request, attempt, &self.secrets).await
    }

    /// `GET`s JSON below the address.
    ///
    /// # Errors
    /// As [`Client::json`].
    pub async fn get(&self, parts: &[&str], attempt: &Arc<Attempt>) -> Result<Value, Failure> {
        let request = self.request(Method::GET, self.below(parts));
        self.json(request, attempt).await
    }

    /// `POST`s JSON below the address.
    ///
    /// # Errors
    /// As [`Client::json`].
    pub async fn post(
        &self,
        parts: &[&str],
        body: &Value,
        attempt: &Arc<Attempt>,
    ) -> Result<Value, Failure> {
        let request = self.request(Method::POST, self.below(parts)).json(body);
        self.json(request, attempt).await
    }
}

fn authorise(
    headers: &mut HeaderMap,
    secrets: &mut Secrets,
    how: &AuthScheme,
    secret: &Secret,
) -> Result<(), ConnectionError> {
    secrets.watch(secret);
    match how {
        AuthScheme::Scheme(scheme) => {
            let value = format!("{scheme} {}", secret.reveal());
            insert_secret(headers, AUTHORIZATION.as_str(), value.trim_start())
        }
        AuthScheme::Header(name) => insert_secret(headers, name, secret.reveal()),
        AuthScheme::Basic(user) => {
            let encoded = base64(format!("{user}:{}", secret.reveal()).as_bytes());
            secrets.watch(&Secret::new(encoded.clone()));
            insert_secret(headers, AUTHORIZATION.as_str(), &format!("Basic {encoded}"))
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), ConnectionError> {
    let wrong = || ConnectionError::Header(name.to_owned());
    let header: HeaderName = name.parse().map_err(|_| wrong())?;
    let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
    headers.insert(header, value);
    Ok(())
}

fn insert_secret(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), ConnectionError> {
    insert(headers, name, value)?;
    if let Some(value) = headers.get_mut(name) {
        value.set_sensitive(true);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> ConnectionSettings {
        ConnectionSettings {
            url: url.parse().expect("a URL"),
            headers: BTreeMap::new(),
            secret_headers: BTreeMap::new(),
            auth: None,
            client: ClientSettings::default(),
        }
    }

    #[test]
    fn parts_of_a_path_are_escaped() {
        let connection = Connection::new(&settings("http://h:1/base/?x=1")).expect("sound");
        let url = connection.below(&["collections", "a/b c"]);
        assert_eq!(url.as_str(), "http://h:1/base/collections/a%2Fb%20c?x=1");
        assert_eq!(connection.shown(), "http://h:1/base/");
    }

    #[test]
    fn credentials_are_sent_and_never_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        std::fs::write(&path, "open sesame").expect("written");
        let auth = |how| {
            let auth = Some(Auth {
                secret: SecretSource::File(path.clone()),
                how,
            });
            Connection::new(&ConnectionSettings {
                auth,
                ..settings("http://h")
            })
            .expect("sound")
        };
        let basic = auth(AuthScheme::Basic("ali".to_owned()));
        // Source: printf 'ali:open sesame' | base64
        assert_eq!(basic.headers[AUTHORIZATION], "Basic YWxpOm9wZW4gc2VzYW1l");
        assert_eq!(
            basic.secrets.scrub("got YWxpOm9wZW4gc2VzYW1l"),
            "got [secret]"
        );
        let bearer = auth(AuthScheme::Scheme("Bearer".to_owned()));
        assert_eq!(bearer.headers[AUTHORIZATION], "Bearer open sesame");
        let shown = format!("{bearer:?}");
        assert!(!shown.contains("sesame"), "{shown}");
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_refused() {
        let mut wrong = settings("http://h");
        wrong
            .headers
            .insert("X-Region-Pin".into(), "eu\nX-Evil: 1".into());
        assert!(matches!(
            Connection::new(&wrong),
            Err(ConnectionError::Header(_))
        ));
    }
}
