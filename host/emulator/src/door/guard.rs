//! A guard before a door: it takes requests to this machine, and of web pages only this machine's.
//!
//! A door invokes a function that has its developer's credentials, and any web site may be open in the developer's browser. A
//! site can have its own name lead to this machine (DNS rebinding); then the request's host is that name. And it can send
//! simple requests to `http://127.0.0.1` without asking first; then the browser says whose page it was, in `Origin`, or, where
//! it sends none, in `Sec-Fetch-Site`. A link that a user clicks is the user's request, and taken. What is not a browser sends
//! none of these, and is taken.

use super::{Entrance, Peer, Reply, json};
use crate::feed::{Door, EventKind};
use crate::function::Function;
use http::header::{HOST, ORIGIN, REFERER};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, Uri};
use hyper::body::Incoming;
use std::net::IpAddr;
use std::sync::Arc;

/// How much of what a caller sent is repeated in words, in bytes.
const REPEATED: usize = 200;

/// A door and its guard.
pub(crate) struct Guard<D> {
    door: Arc<D>,
    which: Door,
    function: Arc<Function>,
}

impl<D: Entrance> Guard<D> {
    pub(crate) fn new(which: Door, door: D, function: Arc<Function>) -> Self {
        Self { door: Arc::new(door), which, function }
    }

    /// Why a request is refused; none if it is not.
    fn objection<B>(&self, request: &Request<B>, peer: Peer) -> Option<String> {
        let hosts = Hosts::new(peer.local.ip(), &self.function.settings.allow_hosts);
        hosts.objection(request, |origin| self.grants(origin))
    }

    /// Whether the function's owner lets pages of this origin call the Function URL.
    fn grants(&self, origin: &str) -> bool {
        let cors = self.function.settings.cors.as_ref().filter(|_| self.which == Door::FunctionUrl);
        cors.is_some_and(|cors| cors.allow_origins.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(origin)))
    }
}

impl<D: Entrance> Entrance for Guard<D> {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Reply {
        let Some(why) = self.objection(&request, peer) else { return self.door.clone().answer(request, peer).await };
        let body = serde_json::json!({"message": why}).to_string();
        self.function.feed.tell(None, None, EventKind::Refused { door: self.which, status: 403, why });
        json(StatusCode::FORBIDDEN, body)
    }
}

/// The hosts that are this machine: loopback ones, and those that its user names.
#[derive(Clone, Copy, Debug)]
pub struct Hosts<'a> {
    here: IpAddr,
    allowed: &'a [String],
}

impl<'a> Hosts<'a> {
    /// The hosts of a machine where the client came to the address `here`, and whose user allows these names besides.
    #[must_use]
    pub fn new(here: IpAddr, allowed: &'a [String]) -> Self {
        Self { here, allowed }
    }

    /// Why a request is refused: it is for another host, or a web page of another host made it whose origin nobody `grants`.
    /// `None` if it is not refused.
    pub fn objection<B>(&self, request: &Request<B>, grants: impl FnOnce(&str) -> bool) -> Option<String> {
        let headers = request.headers();
        let in_headers = headers.get_all(HOST).iter().map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
        let mut asked = request.uri().authority().map(ToString::to_string).into_iter().chain(in_headers);
        if let Some(other) = asked.find(|authority| !host_of(authority).is_some_and(|host| self.contain(&host))) {
            let option = option(host_of(&other));
            return Some(format!(
                "the request is for the host {:?}, and this server answers to localhost: start it with {option} if that is this \
                 machine",
                beginning(&other)
            ));
        }
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = String::from_utf8_lossy(origin.as_bytes());
            if self.contain_origin(&origin) || grants(&origin) {
                return None;
            }
            let option = option(origin_host(&origin));
            return Some(format!(
                "a web page of {:?} made this request, and pages of other sites cannot invoke: start this server with {option} if \
                 it is your own",
                beginning(&origin)
            ));
        }
        let is_of_another_site = text(headers, "sec-fetch-site") == "cross-site"
            && !self.contain_origin(&text(headers, REFERER.as_str()))
            && !is_followed_link(request.method(), headers);
        is_of_another_site
            .then(|| "a web page of another site made this request, and pages of other sites cannot invoke".to_owned())
    }

    fn contain(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(ip) => ip.to_canonical().is_loopback() || ip.to_canonical() == self.here.to_canonical(),
            Err(_) => {
                host == "localhost"
                    || host.ends_with(".localhost")
                    || self.allowed.iter().any(|allowed| allowed.trim_end_matches('.').eq_ignore_ascii_case(&host))
            }
        }
    }

    fn contain_origin(&self, origin: &str) -> bool {
        origin_host(origin).is_some_and(|host| self.contain(&host))
    }
}

/// The host of `host` or `host:port`.
fn host_of(authority: &str) -> Option<String> {
    let parsed: Authority = authority.parse().ok()?;
    (!authority.contains('@')).then(|| parsed.host().to_owned())
}

/// The host of an origin, or of any other URL.
fn origin_host(origin: &str) -> Option<String> {
    let parsed: Uri = origin.parse().ok()?;
    parsed.scheme()?;
    host_of(parsed.authority()?.as_str())
}

/// Whether a user has followed a link, or typed what led here: a page cannot do either.
fn is_followed_link(method: &Method, headers: &HeaderMap) -> bool {
    let says = |name: &'static str, value: &str| text(headers, name) == value;
    *method == Method::GET
        && says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
        && says("sec-fetch-user", "?1")
}

fn text(headers: &HeaderMap, name: &'static str) -> String {
    let value = headers.get(HeaderName::from_static(name));
    value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

fn option(host: Option<String>) -> String {
    let host = host.filter(|host| !host.is_empty());
    format!("--allow-host {}", host.as_deref().map_or("NAME", beginning))
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(REPEATED)]
}
