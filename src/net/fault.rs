//! What an error of the HTTP library means, by class and stage.

use std::error::Error;
use std::io::ErrorKind;

use rustls::CertificateError;
use thiserror::Error;

use crate::net::{Attempt, Failure, Secrets, Stage};

/// A redirect that was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Redirected {
    #[error("a redirect to another host was not followed")]
    Elsewhere,
    #[error("more than {0} redirects")]
    TooOften(usize),
}

/// A host name without an address.
#[derive(Debug, Error)]
#[error("the host name has no address")]
pub(super) struct Unresolved(#[source] pub(super) std::io::Error);

/// Every error in the chain, from the outermost in; what an I/O error wraps counts too.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let inner = |error: &'a (dyn Error + 'static)| {
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|wrapped| wrapped as &(dyn Error + 'static));
        wrapped.or_else(|| error.source())
    };
    std::iter::successors(Some(error), move |&error| inner(error))
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let kinds = chain(error).filter_map(|error| error.downcast_ref::<std::io::Error>());
    kinds.map(std::io::Error::kind).last()
}

/// The innermost reason, which is what a person can act on.
fn reason(error: &(dyn Error + 'static), secrets: &Secrets) -> String {
    let deepest = chain(error).last().unwrap_or(error).to_string();
    secrets.scrub(&deepest).into_owned()
}

/// What the TLS library says of a server that hangs up during the handshake; it has no error of its own.
const HANDSHAKE: &str = "tls handshake eof";

/// A call that failed before its headers were there.
pub(super) fn sending(error: reqwest::Error, attempt: &Attempt, secrets: &Secrets) -> Failure {
    let stage = attempt.stage();
    let error = error.without_url();
    if let Some(redirected) = find::<Redirected>(&error) {
        let class = match redirected {
            Redirected::Elsewhere => "redirect_elsewhere",
            Redirected::TooOften(_) => "redirect_loop",
        };
        return Failure::lasting(class, Stage::Headers, redirected.to_string());
    }
    if error.is_builder() {
        return Failure::lasting("bad_request", Stage::Query, reason(&error, secrets));
    }
    if let Some(unresolved) = find::<Unresolved>(&error) {
        let message = format!("{unresolved}: {}", reason(&error, secrets));
        return Failure::passing("unresolved", Stage::Resolve, message);
    }
    if let Some(tls) = find::<rustls::Error>(&error) {
        return encryption(tls, secrets);
    }
    let message = reason(&error, secrets);
    if error.is_connect() {
        if message.contains(HANDSHAKE) {
            return Failure::passing("tls_handshake", Stage::Tls, message);
        }
        return Failure::passing(not_open(io_kind(&error)), Stage::Connect, message);
    }
    let stage = stage.max(Stage::Connect).min(Stage::Headers);
    Failure::passing(broken(&error), stage, message)
}

/// Why a connection did not open.
fn not_open(kind: Option<ErrorKind>) -> &'static str {
    match kind {
        Some(ErrorKind::ConnectionRefused) => "connection_refused",
        Some(ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => "connection_reset",
        Some(ErrorKind::TimedOut) => "connect_timeout",
        _ => "unreachable",
    }
}

/// A bare connection that did not open.
pub(super) fn connecting(error: &std::io::Error) -> Failure {
    let class = not_open(Some(error.kind()));
    Failure::passing(class, Stage::Connect, error.to_string())
}

/// Whether encryption is what went wrong.
pub(crate) fn is_encryption(error: &(dyn Error + 'static)) -> bool {
    find::<rustls::Error>(error).is_some()
}

/// An exchange of another protocol that broke at a stage.
pub(crate) fn conversation(
    error: &(dyn Error + 'static),
    stage: Stage,
    secrets: &Secrets,
) -> Failure {
    if let Some(tls) = find::<rustls::Error>(error) {
        return encryption(tls, secrets);
    }
    let class = match io_kind(error) {
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted) => {
            "connection_reset"
        }
        _ => "connection_closed",
    };
    Failure::passing(class, stage, reason(error, secrets))
}

/// How a connection ended that should not have.
fn broken(error: &(dyn Error + 'static)) -> &'static str {
    match io_kind(error) {
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted) => {
            "connection_reset"
        }
        Some(ErrorKind::InvalidData | ErrorKind::InvalidInput) => "not_http",
        _ => {
            let words = chain(error).last().map(ToString::to_string);
            if words.is_some_and(|words| words.contains("invalid HTTP")) {
                "not_http"
            } else {
                "connection_closed"
            }
        }
    }
}

/// A body that broke off.
pub(super) fn reading(error: reqwest::Error, secrets: &Secrets) -> Failure {
    let error = error.without_url();
    let message = reason(&error, secrets);
    if error.is_decode() && !matches!(io_kind(&error), Some(ErrorKind::ConnectionReset)) {
        return match io_kind(&error) {
            Some(ErrorKind::UnexpectedEof) => {
                Failure::passing("truncated_body", Stage::Body, message)
            }
            Some(ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other) => {
                Failure::lasting("bad_encoding", Stage::Decode, message)
            }
            _ => Failure::passing("truncated_body", Stage::Body, message),
        };
    }
    let class = match io_kind(&error) {
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => "connection_reset",
        _ => "truncated_body",
    };
    Failure::passing(class, Stage::Body, message)
}

/// A handshake that did not come about.
pub(super) fn encryption(error: &rustls::Error, secrets: &Secrets) -> Failure {
    let class = match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "tls_name_mismatch"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "tls_expired",
            CertificateError::UnknownIssuer => "tls_unknown_issuer",
            _ => "tls_certificate",
        },
        _ => "tls_handshake",
    };
    Failure::lasting(class, Stage::Tls, reason(error, secrets))
}
