//! Accepts browsers and other tools on this machine, and hands their requests on. Of web pages, only this machine's are answered.

use crate::about::About;
use crate::history::History;
use crate::routes;
use bytes::Bytes;
use firstbyte_emulator::Hosts;
use http::{Request, Response, StatusCode};
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
    pub(crate) about: About,
    pub(crate) allow_hosts: Vec<String>,
}

/// Serves clients until it is dropped, and all of them with it.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, shared.clone()));
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
    match Hosts::new(here, &shared.allow_hosts).objection(&request, |_| false) {
        Some(why) => routes::refused(StatusCode::FORBIDDEN, &why),
        None => routes::answer(request, shared).await,
    }
}
