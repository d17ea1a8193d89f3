//! The execution role's credentials, as Lambda provides and refreshes them. They stay in the host.

use aws_credential_types::Credentials as Keys;
use serde::Deserialize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Credentials from the endpoint are asked for again after so long; Lambda's last for hours.
const REFRESH: Duration = Duration::from_secs(300);

/// How long the endpoint, which is on this machine, may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub(super) enum CredentialsError {
    /// Lambda always provides one or the other.
    #[error("neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set")]
    Absent,
    /// The endpoint fails.
    #[error("the credentials endpoint failed: {0}")]
    Endpoint(String),
}

/// Where credentials are to be had.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsSource {
    /// Nowhere.
    #[default]
    Absent,
    /// Here, for the life of this process.
    Fixed {
        /// The id of the access key.
        id: String,
        /// The access key itself.
        secret: String,
        /// The session's token, if the key is temporary.
        token: Option<String>,
    },
    /// From an endpoint on this machine, which refreshes them.
    Endpoint {
        /// Its URL.
        uri: String,
        /// What it wants to be shown, in the header `authorization`.
        token: String,
    },
}

/// None of it may get into a log.
impl std::fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Fixed { .. } => "Fixed",
            Self::Endpoint { .. } => "Endpoint",
        })
    }
}

/// Where credentials come from.
pub(super) enum Credentials {
    /// The environment: for the life of this environment.
    Fixed(Keys),
    /// An endpoint on this machine.
    Endpoint { uri: String, token: String, cached: Mutex<Option<(Instant, Keys)>> },
    /// Nowhere.
    Absent,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
}

impl Credentials {
    pub(super) fn new(source: CredentialsSource) -> Self {
        match source {
            CredentialsSource::Absent => Self::Absent,
            CredentialsSource::Fixed { id, secret, token } => Self::Fixed(Keys::new(id, secret, token, None, "settings")),
            CredentialsSource::Endpoint { uri, token } => Self::Endpoint { uri, token, cached: Mutex::default() },
        }
    }

    /// The credentials to sign with now.
    pub(super) async fn current(&self) -> Result<Keys, CredentialsError> {
        let (uri, token, cached) = match self {
            Self::Fixed(keys) => return Ok(keys.clone()),
            Self::Absent => return Err(CredentialsError::Absent),
            Self::Endpoint { uri, token, cached } => (uri, token, cached),
        };
        let lock = || cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, keys)) = &*lock()
            && since.elapsed() < REFRESH
        {
            return Ok(keys.clone());
        }
        let fetched = tokio::time::timeout(PATIENCE, fetch(uri, token)).await;
        let keys =
            fetched.map_err(|_| CredentialsError::Endpoint("no answer".to_owned()))?.map_err(CredentialsError::Endpoint)?;
        *lock() = Some((Instant::now(), keys.clone()));
        Ok(keys)
    }
}

#[cfg(feature = "lambda")]
async fn fetch(uri: &str, token: &str) -> Result<Keys, String> {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Empty, Limited};
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let request = http::Request::get(uri).header("authorization", token).body(Empty::<Bytes>::new()).map_err(|e| text(&e))?;
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let response = client.request(request).await.map_err(|e| text(&e))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), 64 * 1024).collect().await.map_err(|e| text(&e))?.to_bytes();
    if !status.is_success() {
        return Err(format!("it answered {status}"));
    }
    let keys: Document = serde_json::from_slice(&body).map_err(|e| text(&e))?;
    Ok(Keys::new(keys.access_key_id, keys.secret_access_key, keys.token, None, "container"))
}

#[cfg(not(feature = "lambda"))]
async fn fetch(_: &str, _: &str) -> Result<Keys, String> {
    Err("this build of firstbyte-runtime asks nobody: its feature `lambda` does".to_owned())
}
