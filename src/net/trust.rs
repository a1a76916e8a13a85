//! Whom encrypted connections are trusted by. Nothing is ever left unverified.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use crate::net::NetError;

/// Trust in the system's certificates, and in those of a private authority beside them.
///
/// # Errors
/// If the authority's file cannot be read, or there are no certificates to trust.
pub(crate) fn trust(ca_file: Option<&Path>) -> Result<rustls::ClientConfig, NetError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = |error: rustls::Error| NetError::Tls(error.into());
    let extra = ca_file.map(certificates).transpose()?.unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(tls)?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(tls)?
        // It is the platform's own verifier that is set here: nothing is left unverified.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| NetError::CaFile {
        path: path.to_owned(),
        source,
    };
    let pem = std::fs::read(path).map_err(|error| wrong(error.into()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| wrong(error.into()))?;
    if certificates.is_empty() {
        return Err(wrong("no certificate in it".into()));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_authority_must_be_certificates() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "no certificate").expect("written");
        assert!(matches!(trust(Some(&path)), Err(NetError::CaFile { .. })));
    }
}
