//! A certificate authority of the tests' own, for as long as a server lives.

use crate::aws;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// An acceptor for the names of this machine, and of AWS in one region, that offers these protocols, and the root's certificate as PEM.
pub(crate) fn acceptor(protocols: &[&str]) -> (TlsAcceptor, String) {
    let root_key = KeyPair::generate().expect("a key");
    let mut root = CertificateParams::new(Vec::new()).expect("no names");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_certificate = root.self_signed(&root_key).expect("a certificate");

    let key = KeyPair::generate().expect("a key");
    let services = ["", "s3.", "execute-api."].map(|parent| format!("*.{parent}{}.amazonaws.com", aws::REGION));
    let names: Vec<String> = ["localhost", "127.0.0.1"].map(ToOwned::to_owned).into_iter().chain(services).collect();
    let params = CertificateParams::new(names).expect("names");
    let certificate = params.signed_by(&key, &Issuer::from_params(&root, &root_key)).expect("a certificate");

    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("they fit");
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), root_certificate.pem())
}
