//! Requests to AWS, signed by the host (Signature Version 4), so that no handler ever holds a key.
//!
//! Off unless `FIRSTBYTE_SIGN_AWS` names the services. Credentials are the execution role's: from the environment, where Lambda
//! puts them, or from the local endpoint that `AWS_CONTAINER_CREDENTIALS_FULL_URI` names (SnapStart), asked again before they
//! expire.

use super::credentials::{Credentials, CredentialsError, CredentialsSource};
use super::endpoint::{self, Endpoint};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, Method, Request, Uri};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// What the signature covers is held in memory until it is sent.
pub(super) const BODY_LIMIT: usize = 6 * 1024 * 1024;

/// For how many hosts it is told that their requests are not signed: a handler may make up any number of names.
const PASSED_OVER: usize = 100;

/// Why a request was not signed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignError {
    /// No credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The request cannot be signed as it is.
    #[error("cannot sign the request: {0}")]
    Request(String),
}

/// Signs requests to some of AWS's services.
#[derive(Debug)]
pub(super) struct Signer {
    services: Vec<String>,
    credentials: Credentials,
    /// Hosts of which it was told that their requests are not signed.
    passed_over: Mutex<BTreeSet<String>>,
}

impl Signer {
    pub(super) fn new(services: Vec<String>, credentials: CredentialsSource) -> Self {
        Self { services, credentials: Credentials::new(credentials), passed_over: Mutex::default() }
    }

    /// The endpoint that a request goes to, if it is one that the host signs for.
    pub(super) fn endpoint(&self, uri: &Uri) -> Option<Endpoint> {
        let endpoint = Endpoint::of(uri)?;
        self.services.contains(&endpoint.service).then_some(endpoint)
    }

    /// Why a request to AWS that has no [`endpoint`](Self::endpoint) here leaves unsigned, if its operator may have expected a
    /// signature: once for each host.
    pub(super) fn passes_over<T>(&self, request: &Request<T>) -> Option<String> {
        let uri = request.uri();
        let host = uri.host().filter(|host| endpoint::is_aws(host))?.to_ascii_lowercase();
        let has_its_own =
            request.headers().contains_key(AUTHORIZATION) || uri.query().is_some_and(|query| query.contains("X-Amz-Signature="));
        if self.services.is_empty() || has_its_own {
            return None;
        }
        let mut told = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= PASSED_OVER || !told.insert(host) {
            return None;
        }
        Some(match Endpoint::of(uri) {
            Some(Endpoint { service, .. }) => format!("FIRSTBYTE_SIGN_AWS does not name `{service}`"),
            None if uri.scheme_str() != Some("https") => "only what goes by HTTPS is signed".to_owned(),
            None => "the host's name does not tell for which service and region to sign".to_owned(),
        })
    }

    /// Adds the signature's headers. What the handler put in their place is dropped.
    pub(super) async fn sign(
        &self,
        endpoint: &Endpoint,
        method: &Method,
        uri: &Uri,
        headers: &mut HeaderMap,
        body: &Bytes,
    ) -> Result<(), SignError> {
        let credentials = self.credentials.current().await?;
        for name in ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
            headers.remove(name);
        }
        let signed = signature(endpoint, &credentials, method, uri, headers, body, SystemTime::now())?;
        for (name, value) in signed {
            let name: HeaderName = name.parse().map_err(|_| SignError::Request(format!("header {name}")))?;
            let mut value: http::HeaderValue = value.parse().map_err(|_| SignError::Request(format!("value of {name}")))?;
            value.set_sensitive(name == AUTHORIZATION);
            headers.insert(name, value);
        }
        Ok(())
    }
}

fn signature(
    endpoint: &Endpoint,
    credentials: &aws_credential_types::Credentials,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
    time: SystemTime,
) -> Result<Vec<(String, String)>, SignError> {
    let request_error = |error: &dyn std::fmt::Display| SignError::Request(error.to_string());
    let identity = credentials.clone().into();
    let mut settings = SigningSettings::default();
    // S3 takes a path as it is, because `a//b` and `a/../b` are keys of objects, and wants its payload's hash in a header.
    if endpoint.service.starts_with("s3") {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&endpoint.region)
        .name(&endpoint.service)
        .time(time)
        .settings(settings)
        .build()
        .map_err(|error| request_error(&error))?
        .into();
    // Proxies may change what they like but these.
    let covered = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-amz-") || **name == HOST || **name == http::header::CONTENT_TYPE);
    let covered: Vec<(&str, &str)> = covered.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let uri = uri.to_string();
    let request = SignableRequest::new(method.as_str(), uri, covered.into_iter(), SignableBody::Bytes(body))
        .map_err(|error| request_error(&error))?;
    let (instructions, _) = sign(request, &parameters).map_err(|error| request_error(&error))?.into_parts();
    Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use std::time::Duration;

    /// 2015-08-30T12:36:00Z, and the keys of AWS's published test suite for Signature Version 4.
    fn sign_as_published(method: &Method, uri: &str, headers: &[(&str, &str)], body: &str, service: &str) -> String {
        let keys =
            aws_credential_types::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, None, "test");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let endpoint = Endpoint { service: service.to_owned(), region: "us-east-1".to_owned() };
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let body = Bytes::copy_from_slice(body.as_bytes());
        let signed = signature(&endpoint, &keys, method, &uri.parse().unwrap(), &map, &body, time).unwrap();
        let authorization = signed.into_iter().find(|(name, _)| name == "authorization").unwrap().1;
        authorization.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    #[test]
    fn signatures_are_those_of_the_published_test_suite() {
        let host = [("host", "example.amazonaws.com")];
        for (method, uri, signature) in [
            // get-vanilla, get-vanilla-query-order-key-case, post-vanilla
            (Method::GET, "https://example.amazonaws.com/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                Method::GET,
                "https://example.amazonaws.com/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (Method::POST, "https://example.amazonaws.com/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ] {
            assert_eq!(sign_as_published(&method, uri, &host, "", "service"), signature, "{method} {uri}");
        }
    }
}
