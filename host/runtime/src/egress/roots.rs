//! Whom to trust for HTTPS: the bundled certificates, and those of the operator's file.

use crate::path::PathError;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;

/// The certificates in a PEM file.
///
/// # Errors
/// The file cannot be read, has no certificate, or has one that is invalid.
pub(super) fn read(file: &Path) -> Result<RootCertStore, PathError> {
    let unusable = |error: &dyn std::fmt::Display| PathError::new("FIRSTBYTE_CA_FILE", file, error.to_string());
    let pem = std::fs::read(file).map_err(|error| unusable(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"it holds no certificate in PEM"));
    }
    Ok(roots)
}

/// The bundled certificates and these.
pub(super) fn with_bundled(own: &RootCertStore) -> RootCertStore {
    let bundled = webpki_roots::TLS_SERVER_ROOTS.iter();
    RootCertStore { roots: bundled.chain(&own.roots).cloned().collect() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    /// A certificate of nobody's: only its PEM counts here.
    const BROKEN: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn a_file_of_no_use_is_named_with_its_variable() {
        let file = std::env::temp_dir().join(format!("roots-{}.pem", std::process::id()));
        for (content, expected) in [
            (None, "No such file"),
            (Some("what a README says"), "it holds no certificate in PEM"),
            (Some(""), "it holds no certificate in PEM"),
            (Some(BROKEN), "BadEncoding"),
            (Some("-----BEGIN CERTIFICATE-----\nAAAA\n"), ""),
        ] {
            if let Some(content) = content {
                std::fs::write(&file, content).unwrap();
            }
            let error = read(&file).unwrap_err().to_string();
            assert!(error.starts_with(&format!("FIRSTBYTE_CA_FILE names {}: ", file.display())), "{error}");
            assert!(error.contains(expected), "{content:?}: {error}");
        }
        std::fs::remove_file(file).unwrap();
    }
}
