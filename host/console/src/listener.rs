//! Accepts browsers and other tools on this machine, and hands their requests on. Of web pages, only this machine's are answered.

use crate::about::About;
use crate::history::History;
use crate::routes;
use crate::sender::Sender;
use bytes::Bytes;
use firstbyte_emulator::Hosts;
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How much of an answer may wait in one connection.
const BUFFER: usize = 64 * 1024;

pub(crate) type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// What every connection needs.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) history: Arc<History>,
    pub(crate) about: Arc<About>,
    pub(crate) sender: Sender,
    pub(crate) allow_hosts: Vec<String>,
}

/// Serves clients until it is dropped, and all of them with it.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    each(listener, |stream| connection(stream, shared.clone())).await;
}

/// Runs what `take` makes of each connection, until it is dropped, and all of them with it.
pub(crate) async fn each<F>(listener: TcpListener, take: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(take(stream));
                }
                // Out of descriptors: what is there must be served before more is taken.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Without it, each event would wait for the one before it to be acknowledged.
    let _ = stream.set_nodelay(true);
    let Ok(local) = stream.local_addr() else { return };
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(answer(request, local.ip(), &shared).await) }
    });
    // A client that breaks off has no more to be told.
    let _ =
        http1::Builder::new().timer(TokioTimer::new()).max_buf_size(BUFFER).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, here: IpAddr, shared: &Arc<Shared>) -> Reply {
    let objection = Hosts::new(here, &shared.allow_hosts).objection(&request, |_| false);
    match objection.or_else(|| of_another_page(&request, &shared.allow_hosts)) {
        Some(why) => routes::refused(StatusCode::FORBIDDEN, &why),
        None => routes::answer(request, shared).await,
    }
}

/// A web page of this machine that is not the console's may not use it: what it could do here is more than it could at a door.
fn of_another_page<B>(request: &Request<B>, allowed: &[String]) -> Option<String> {
    let text = |name| request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let origin = text(header::ORIGIN)?;
    let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let is_own = text(header::HOST).is_some_and(|host| host.eq_ignore_ascii_case(authority));
    // Behind a proxy, the page has the name that its user gave.
    let is_allowed = allowed.iter().any(|name| name.eq_ignore_ascii_case(host));
    (!is_own && !is_allowed).then(|| format!("a web page of {origin:?} made this request, and only the console's own page may"))
}
