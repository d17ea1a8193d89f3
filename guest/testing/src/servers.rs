//! The servers that a test answers for.

use crate::answer::Answer;
use crate::upstream::{Upstream, UpstreamRequest};
use http::Uri;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Servers by their origins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    by_origin: HashMap<String, Upstream>,
    /// Who answers for all of them, for the time being.
    everybody: Option<Upstream>,
}

/// Somebody answers for all servers until this is dropped.
pub(crate) struct StandIn<'a>(&'a Servers);

impl Drop for StandIn<'_> {
    fn drop(&mut self) {
        self.0.lock().everybody = None;
    }
}

impl Servers {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `upstream` answer for whatever server is asked.
    pub(crate) fn stand_in(&self, upstream: &Upstream) -> StandIn<'_> {
        self.lock().everybody = Some(upstream.clone());
        StandIn(self)
    }

    /// Has `upstream` answer for `server`.
    ///
    /// # Panics
    /// If `server` is no scheme, host, and port.
    #[track_caller]
    pub(crate) fn add(&self, server: &str, upstream: &Upstream) {
        let uri = server.parse::<Uri>().ok();
        match uri.as_ref().filter(|uri| uri.path() == "/" && uri.query().is_none()).and_then(origin) {
            Some(origin) => {
                self.lock().by_origin.insert(origin, upstream.clone());
            }
            None => panic!("{server:?} is no server, such as https://api.example.com or http://localhost:8080"),
        }
    }

    /// What is answered to a request; none if nobody answers for its server.
    pub(crate) fn answer(&self, request: UpstreamRequest) -> Option<Answer> {
        let known = self.lock();
        let upstream = known.everybody.as_ref().or_else(|| known.by_origin.get(&request.origin)).cloned();
        drop(known);
        Some(upstream?.answer(request))
    }
}

/// Scheme, host and port, in one way of writing them.
pub(crate) fn origin(uri: &Uri) -> Option<String> {
    let scheme = uri.scheme_str()?;
    let host = uri.host()?.to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    match uri.port_u16() {
        Some(port) if port != usual => Some(format!("{scheme}://{host}:{port}")),
        _ => Some(format!("{scheme}://{host}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_one_origin() {
        let of = |uri: &str| uri.parse().ok().as_ref().and_then(origin);
        assert_eq!(of("https://API.example.com:443/v1?x"), Some("https://api.example.com".to_owned()));
        assert_eq!(of("http://api.example.com:443/"), Some("http://api.example.com:443".to_owned()));
        assert_eq!(of("/v1"), None);
    }

    #[test]
    #[should_panic(expected = "is no server")]
    fn a_path_is_no_server() {
        Servers::default().add("https://api.example.com/v1", &Upstream::new(|_| Answer::new(200)));
    }
}
