//! HTTP calls with limits: every way in which one can end has a class and a stage.

use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use miette::Diagnostic;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::{self, Policy};
use reqwest::{Method, RequestBuilder, Url};
use thiserror::Error;
use tower_layer::Layer;
use tower_service::Service;

use crate::net::attempt::{CURRENT, Mark, tell};
use crate::net::trust::trust;
use crate::net::{Attempt, Failure, Retry, Secrets, Stage, fault};

/// Longest wait that a `Retry-After` is believed.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// Bytes that are set aside for a body before any of it has come.
const MOST_ROOM: usize = 1 << 20;
/// How much of an error's body is quoted.
const QUOTED: usize = 300;

/// How far a server is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// PEM certificates of a private authority, trusted beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// Bytes of a body, unpacked, above which it is not read on.
    pub max_body: usize,
    /// Redirects followed, to the same host only.
    pub max_redirects: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            ca_file: None,
            max_body: 16 << 20,
            max_redirects: 3,
        }
    }
}

/// Why there is no client.
#[derive(Debug, Error, Diagnostic)]
pub enum NetError {
    /// The private authority's certificates.
    #[error("{}: the certificates cannot be read", path.display())]
    #[diagnostic(code(net::ca_file), help("expected PEM: -----BEGIN CERTIFICATE-----"))]
    CaFile {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The TLS library.
    #[error("encryption cannot be set up")]
    #[diagnostic(
        code(net::tls),
        help("check that the system's CA certificates are installed")
    )]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A pool of connections with one set of limits.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    max_body: usize,
}

impl Client {
    /// A client that verifies certificates, always.
    ///
    /// # Errors
    /// If the private authority's file cannot be read, or there are no certificates to trust.
    pub fn new(settings: &ClientSettings) -> Result<Self, NetError> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("ragstone/", env!("CARGO_PKG_VERSION")))
            .redirect(same_host(settings.max_redirects))
            .dns_resolver(SystemResolver)
            .connector_layer(Watched)
            .tls_backend_preconfigured(trust(settings.ca_file.as_deref())?);
        let inner = builder
            .build()
            .map_err(|error| NetError::Tls(error.into()))?;
        Ok(Self {
            inner,
            max_body: settings.max_body,
        })
    }

    /// Begins a request.
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.inner.request(method, url)
    }

    /// Sends a request and waits for status and headers.
    ///
    /// # Errors
    /// With the stage at which it failed; any status is a success here.
    pub async fn send(
        &self,
        request: RequestBuilder,
        attempt: &Arc<Attempt>,
        secrets: &Secrets,
    ) -> Result<Opened, Failure> {
        attempt.enter(Stage::Headers);
        let answered = CURRENT.scope(Arc::clone(attempt), request.send()).await;
        attempt.mark(Mark::Headers);
        let response = answered.map_err(|error| fault::sending(error, attempt, secrets))?;
        attempt.enter(Stage::Body);
        Ok(Opened {
            response,
            read: 0,
            max_body: self.max_body,
            attempt: Arc::clone(attempt),
            secrets: secrets.clone(),
        })
    }

    /// Sends a request and reads a JSON reply whole.
    ///
    /// # Errors
    /// As [`Client::send`], [`Opened::accepted`] and [`Opened::json`].
    pub async fn json(
        &self,
        request: RequestBuilder,
        attempt: &Arc<Attempt>,
        secrets: &Secrets,
    ) -> Result<serde_json::Value, Failure> {
        let opened = self.send(request, attempt, secrets).await?;
        opened.accepted().await?.json().await
    }
}

/// Follows redirects on the same scheme, host and port only: elsewhere neither the question nor the
/// credentials have any business.
fn same_host(most: usize) -> Policy {
    Policy::custom(move |attempt: redirect::Attempt| {
        let from = attempt.previous().last().map(Url::origin);
        if from.is_some_and(|from| from != attempt.url().origin()) {
            return attempt.error(fault::Redirected::Elsewhere);
        }
        if attempt.previous().len() > most {
            return attempt.error(fault::Redirected::TooOften(most));
        }
        attempt.follow()
    })
}

/// A reply whose body has not been read.
#[derive(Debug)]
pub struct Opened {
    response: reqwest::Response,
    read: usize,
    max_body: usize,
    attempt: Arc<Attempt>,
    secrets: Secrets,
}

impl Opened {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The clock of the call that it answers.
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// A header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The media type without its parameters, in lower case; empty if none is stated.
    pub fn content_type(&self) -> String {
        let value = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let media = value.split(';').next().unwrap_or_default();
        media.trim().to_ascii_lowercase()
    }

    /// The same reply if its status is a success.
    ///
    /// # Errors
    /// Otherwise, with the class `http_503`; what the server says is quoted, without secrets.
    pub async fn accepted(mut self) -> Result<Self, Failure> {
        let status = self.response.status();
        if status.is_success() {
            return Ok(self);
        }
        let wait = self.header("retry-after").and_then(retry_after);
        let mut words = Vec::new();
        while words.len() < QUOTED {
            // The status is the news; a body that breaks changes nothing about it.
            let Ok(Some(chunk)) = self.chunk().await else {
                break;
            };
            words.extend_from_slice(&chunk);
        }
        let words = String::from_utf8_lossy(&words).into_owned();
        let words = self.secrets.scrub(words.trim());
        let words: String = words.chars().take(QUOTED).collect();
        let code = status.as_u16();
        let message = match words.as_str() {
            "" => format!("HTTP status {status}"),
            words => format!("HTTP status {status}: {words}"),
        };
        let retry = match code {
            429 | 503 => Retry::Later(wait.map(|wait| wait.min(LONGEST_WAIT))),
            408 | 425 | 500 | 502 | 504 => Retry::Worthwhile,
            _ => Retry::Pointless,
        };
        Err(Failure {
            retry,
            status: Some(code),
            ..Failure::lasting(format!("http_{code}"), Stage::Headers, message)
        })
    }

    /// The next part of the body, unpacked.
    ///
    /// # Errors
    /// If the body breaks off or grows too large.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let status = self.status();
        let next = self.response.chunk().await;
        let next =
            next.map_err(|error| fault::reading(error, &self.secrets).with_status(status))?;
        match &next {
            Some(chunk) => {
                self.attempt.first_byte();
                self.read += chunk.len();
                if self.read > self.max_body {
                    return Err(self.too_large());
                }
            }
            None => self.attempt.finished(),
        }
        Ok(next)
    }

    /// The whole body, unpacked.
    ///
    /// # Errors
    /// If the body breaks off or is too large.
    pub async fn body(mut self) -> Result<Vec<u8>, Failure> {
        let announced = self.response.content_length().unwrap_or(0);
        if announced > self.max_body as u64 {
            return Err(self.too_large());
        }
        // What is announced need not come.
        let room = usize::try_from(announced).map_or(0, |announced| announced.min(MOST_ROOM));
        let mut body = Vec::with_capacity(room);
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The body as JSON, without secrets.
    ///
    /// # Errors
    /// If it is not said to be JSON, is not UTF-8, or is not JSON.
    pub async fn json(self) -> Result<serde_json::Value, Failure> {
        let content_type = self.content_type();
        let status = self.status();
        let lasting = |class: &str, message: String| {
            Failure::lasting(class, Stage::Decode, message).with_status(status)
        };
        if !is_json(&content_type) {
            let found = if content_type.is_empty() {
                "none"
            } else {
                &content_type
            };
            let message = format!("the content type is {found}, expected application/json");
            return Err(lasting(
                "content_type",
                self.secrets.scrub(&message).into_owned(),
            ));
        }
        let (attempt, secrets) = (Arc::clone(&self.attempt), self.secrets.clone());
        let body = self.body().await?;
        attempt.enter(Stage::Decode);
        decode(&body, &secrets).map_err(|failure| failure.with_status(status))
    }

    fn too_large(&self) -> Failure {
        let message = format!("a body of more than {} bytes", self.max_body);
        Failure::lasting("body_too_large", Stage::Body, message).with_status(self.status())
    }
}

/// Reads JSON, without secrets.
///
/// # Errors
/// If it is not UTF-8, or not JSON.
pub(crate) fn decode(body: &[u8], secrets: &Secrets) -> Result<serde_json::Value, Failure> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let message = format!("byte {} is not UTF-8", error.valid_up_to());
        Failure::lasting("not_utf8", Stage::Decode, message)
    })?;
    serde_json::from_str(&secrets.scrub(text)).map_err(|error| {
        let class = if error.is_eof() {
            "truncated_json"
        } else {
            "not_json"
        };
        Failure::lasting(class, Stage::Decode, format!("not JSON: {error}"))
    })
}

fn is_json(content_type: &str) -> bool {
    content_type == "application/json"
        || content_type == "text/json"
        || (content_type.starts_with("application/") && content_type.ends_with("+json"))
}

/// Seconds, or a date as RFC 9110 writes one.
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value.trim()).ok()?.timestamp();
    let wait = date.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

/// The system's resolver, which tells the attempt what it does.
struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            tell(|attempt| {
                attempt.enter(Stage::Resolve);
                attempt.mark(Mark::Resolving);
            });
            let host = name.as_str().to_owned();
            let looked_up =
                tokio::task::spawn_blocking(move || (host.as_str(), 0).to_socket_addrs()).await;
            tell(|attempt| {
                attempt.enter(Stage::Connect);
                attempt.mark(Mark::Resolved);
            });
            let addresses = match looked_up {
                Ok(Ok(addresses)) => addresses,
                Ok(Err(error)) => return Err(fault::Unresolved(error).into()),
                Err(error) => return Err(error.into()),
            };
            let addresses: Addrs = Box::new(addresses);
            Ok(addresses)
        })
    }
}

/// Wraps the connector, so that the attempt knows when it connects.
#[derive(Clone)]
struct Watched;

impl<S> Layer<S> for Watched {
    type Service = WatchedConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WatchedConnector(inner)
    }
}

#[derive(Clone)]
struct WatchedConnector<S>(S);

impl<S, R> Service<R> for WatchedConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.0.call(request);
        Box::pin(async move {
            tell(|attempt| {
                attempt.enter(Stage::Connect);
                attempt.mark(Mark::Connecting);
            });
            let connected = connecting.await;
            tell(|attempt| {
                attempt.mark(Mark::Connected);
                if connected.is_ok() {
                    attempt.enter(Stage::Headers);
                }
            });
            connected
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO),
            "a date that has passed"
        );
        let later = retry_after("Tue, 31 Dec 2999 23:59:59 GMT").expect("a date");
        assert!(later > LONGEST_WAIT);
        assert_eq!(retry_after("soon"), None);
    }

    #[test]
    fn only_json_is_json() {
        assert!(is_json("application/json") && is_json("application/problem+json"));
        assert!(!is_json("text/html") && !is_json(""));
    }
}
