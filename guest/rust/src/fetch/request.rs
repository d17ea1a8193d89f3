//! A request under construction, and its way out.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
};

use serde::Serialize;

use crate::{
    __private::bindings::wasi::{
        http::{
            outgoing_handler,
            types::{
                Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
            },
        },
        io::streams::{OutputStream, StreamError},
    },
    executor::Pollable,
    fetch::{Error, Phase, Response, client::Timeouts},
    time::nanoseconds,
};

/// A request under construction. What cannot be sent is told by [`send`](Self::send).
#[must_use = "a request is sent by `send`"]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
    timeouts: Timeouts,
    /// The first thing that is wrong with it.
    mistake: Option<Error>,
}

impl Request {
    pub(crate) fn new(method: &str, url: &str, timeouts: Timeouts) -> Self {
        Self { method: method.to_owned(), url: url.to_owned(), headers: Vec::new(), body: None, timeouts, mistake: None }
    }

    /// One more header. A name may come several times.
    pub fn header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// The header `authorization: Bearer …`.
    pub fn bearer(self, token: impl fmt::Display) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// A body, as it is.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// A body of JSON, with its content type unless there is one already.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) if self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) => self.body(body),
            Ok(body) => self.header("content-type", "application/json").body(body),
            Err(error) => {
                self.mistake.get_or_insert(Error::Invalid(format!("its body cannot be JSON: {error}")));
                self
            }
        }
    }

    /// Sends the request, and completes when the answer begins: with any status, 500 included.
    ///
    /// # Errors
    /// It cannot be sent, it may not be sent, or no answer came.
    pub async fn send(self) -> Result<Response, Error> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let target = Target::parse(&self.url)?;
        let to = &target.origin;
        let request = OutgoingRequest::new(fields(&self.headers, self.body.as_deref(), &self.method)?);
        let invalid = |what: &str| Error::Invalid(format!("{what} of {:?} is invalid", self.url));
        request
            .set_method(&method(&self.method))
            .map_err(|()| Error::Invalid(format!("the method {:?} is invalid", self.method)))?;
        request.set_scheme(Some(&target.scheme)).map_err(|()| invalid("the scheme"))?;
        request.set_authority(Some(&target.authority)).map_err(|()| invalid("the host"))?;
        request.set_path_with_query(Some(&target.path)).map_err(|()| invalid("the path"))?;
        let outgoing = match self.body {
            // There is one body, and nobody else has asked for it.
            Some(bytes) => request.body().ok().map(|outgoing| (outgoing, bytes)),
            None => None,
        };
        let answer = outgoing_handler::handle(request, Some(options(self.timeouts)))
            .map_err(|code| Error::of_host(to, Phase::Connect, &code))?;

        // A server may answer before it has read everything: what is left of the body is then of no use to it.
        let mut sending = pin!(async {
            if let Some((outgoing, bytes)) = outgoing {
                write(outgoing, &bytes).await;
            }
        });
        let mut answered = pin!(answered(&answer, to));
        let mut sent = false;
        let incoming = poll_fn(|context| {
            sent = sent || sending.as_mut().poll(context).is_ready();
            answered.as_mut().poll(context)
        })
        .await?;
        Response::new(target.origin.clone(), &incoming)
    }
}

/// Waits for the head of an answer.
async fn answered(answer: &FutureIncomingResponse, to: &str) -> Result<IncomingResponse, Error> {
    loop {
        match answer.get() {
            Some(Ok(Ok(incoming))) => return Ok(incoming),
            Some(Ok(Err(code))) => return Err(Error::of_host(to, Phase::FirstByte, &code)),
            Some(Err(())) => return Err(Error::Protocol { to: to.to_owned(), reason: "it was taken before".to_owned() }),
            None => Pollable::new(answer.subscribe()).ready().await,
        }
    }
}

/// Sends a body, as far as the server takes it: whether it did, its answer tells.
async fn write(outgoing: OutgoingBody, bytes: &[u8]) {
    let Ok(stream) = outgoing.write() else { return };
    let written = write_all(&stream, bytes).await.is_ok();
    drop(stream);
    if written {
        // An error of this says what the answer's error says, too.
        let _ = OutgoingBody::finish(outgoing, None);
    }
}

async fn write_all(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    let ready = Pollable::new(stream.subscribe());
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            ready.ready().await;
            continue;
        }
        let (piece, rest) = bytes.split_at(room.min(bytes.len()));
        stream.write(piece)?;
        bytes = rest;
    }
    stream.flush()?;
    ready.ready().await;
    Ok(())
}

/// Where a request goes.
#[derive(Debug)]
struct Target {
    scheme: Scheme,
    authority: String,
    path: String,
    /// Scheme and authority, for people.
    origin: String,
}

impl Target {
    fn parse(url: &str) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::Invalid(format!("{url:?} {reason}"));
        if let Some(odd) = url.chars().find(|letter| !letter.is_ascii_graphic()) {
            return Err(invalid(&format!("is not a URL: {odd:?} has to be percent-encoded")));
        }
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if scheme.is_empty() || authority.is_empty() {
            return Err(invalid("is not a URL with a scheme and a host, such as https://api.example.com/"));
        }
        if authority.contains('@') {
            return Err(invalid("has a user's name in it: send that as a header"));
        }
        let path = path.split('#').next().unwrap_or_default();
        Ok(Self {
            origin: format!("{scheme}://{authority}"),
            scheme: match scheme {
                "http" => Scheme::Http,
                "https" => Scheme::Https,
                other => Scheme::Other(other.to_owned()),
            },
            authority: authority.to_owned(),
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
        })
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn fields(headers: &[(String, Vec<u8>)], body: Option<&[u8]>, method: &str) -> Result<Fields, Error> {
    let fields = Fields::new();
    for (name, value) in headers {
        fields.append(name, value).map_err(|_| Error::Invalid(format!("the header {name:?} cannot be sent")))?;
    }
    // Without a length the body would go in pieces, which not every server takes.
    let length = match (body, method) {
        (Some(body), _) => Some(body.len()),
        (None, "POST" | "PUT" | "PATCH") => Some(0),
        (None, _) => None,
    };
    if let Some(length) = length.filter(|_| !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"))) {
        let appended = fields.append("content-length", length.to_string().as_bytes());
        appended.map_err(|_| Error::Invalid("its length cannot be sent".to_owned()))?;
    }
    Ok(fields)
}

/// A host that has no such timeout keeps its own.
fn options(timeouts: Timeouts) -> RequestOptions {
    let options = RequestOptions::new();
    if timeouts.connect.is_some() {
        let _ = options.set_connect_timeout(timeouts.connect.map(nanoseconds));
    }
    if timeouts.first_byte.is_some() {
        let _ = options.set_first_byte_timeout(timeouts.first_byte.map(nanoseconds));
    }
    if timeouts.between_bytes.is_some() {
        let _ = options.set_between_bytes_timeout(timeouts.between_bytes.map(nanoseconds));
    }
    options
}

/// Without the values of headers and without the body: there are keys in them.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let mut request = f.debug_struct("Request");
        request.field("method", &self.method).field("url", &self.url).field("headers", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let target = Target::parse("https://api.example.com:8443/v1/chat?x=1#part").expect("a URL");
        assert!(matches!(target.scheme, Scheme::Https));
        assert_eq!((&*target.authority, &*target.path), ("api.example.com:8443", "/v1/chat?x=1"));
        assert_eq!(target.origin, "https://api.example.com:8443");
        assert_eq!(Target::parse("http://[::1]").expect("a URL").path, "/");
    }

    #[test]
    fn what_is_no_url_is_told() {
        for url in ["", "/v1", "api.example.com", "https://", "http://a b/", "http://user:secret@host/"] {
            let error = Target::parse(url).expect_err(url).to_string();
            assert!(error.starts_with("the request cannot be sent: "), "{error}");
        }
    }

    #[test]
    fn a_request_shows_no_secrets() {
        let shown = format!("{:?}", crate::fetch::post("https://host/").bearer("secret").body("secret"));
        assert!(shown.contains("authorization") && !shown.contains("secret"), "{shown}");
    }
}
