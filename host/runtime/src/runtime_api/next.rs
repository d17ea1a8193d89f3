//! `GET …/next`: waits for an invocation, over the connection that its response goes back on.
//!
//! One connection for both means that whoever was given an invocation has what it takes to answer it. Reading HTTP is left to
//! hyper, which gives the socket back when the answer is complete.

use super::connection::Connection;
use super::{RuntimeApi, USER_AGENT};
use bytes::Bytes;
use http::response::Parts;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use tokio::net::TcpStream;

/// How large a head may be. Larger than any that Lambda sends: the longest header in it is a client context of 3583 bytes.
const HEAD: usize = 64 * 1024;

/// What the API answered, and the connection over which it did so.
pub(crate) struct Reply {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(super) connection: Connection,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl RuntimeApi {
    /// Asks for what is at `path`, for as long as it takes: Lambda stops the clock while nobody calls. The answer's body has at
    /// most `limit` bytes.
    ///
    /// # Errors
    /// The connection failed, or what came is not HTTP.
    pub(crate) async fn get(&self, path: &'static str, limit: usize) -> Result<Reply, BoxError> {
        let connection = self.connection();
        let was_idle = matches!(connection, Connection::Open(_));
        match self.get_over(connection, path, limit).await {
            // It may have been closed since it was looked at. Asking does no harm, so it is asked again.
            Err(_) if was_idle => self.get_over(Connection::to(&self.authority), path, limit).await,
            answered => answered,
        }
    }

    async fn get_over(&self, connection: Connection, path: &'static str, limit: usize) -> Result<Reply, BoxError> {
        let stream = connection.into_stream().await?;
        let request = Request::get(path).header(header::HOST, &self.authority).header(header::USER_AGENT, USER_AGENT);
        let request = request.body(Empty::<Bytes>::new())?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD);
        let (mut sender, mut connection) = builder.handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await?;
        let mut is_open = true;
        let answer = {
            let mut answer = pin!(async {
                let (parts, body) = sender.send_request(request).await?.into_parts();
                let body = Limited::new(body, limit).collect().await?.to_bytes();
                Ok::<_, BoxError>((parts, body))
            });
            poll_fn(|cx| {
                if is_open {
                    is_open = connection.poll_without_shutdown(cx).is_pending();
                }
                answer.as_mut().poll(cx)
            })
            .await
        };
        let (parts, body) = answer?;
        // The end of the answer may have been read with its last bytes, and its connection's end not yet been looked at.
        let idle = is_open && poll_fn(|cx| Poll::Ready(connection.poll_without_shutdown(cx).is_pending())).await;
        let http1::Parts { io, read_buf, .. } = connection.into_parts();
        let connection = self.fit(idle && read_buf.is_empty(), io.into_inner());
        Ok(Reply { parts, body, connection })
    }

    /// `stream` if it may be used again, else a new connection.
    fn fit(&self, may: bool, stream: TcpStream) -> Connection {
        if may {
            return Connection::Open(stream);
        }
        // The old one goes first: its descriptor may be the last.
        drop(stream);
        Connection::to(&self.authority)
    }
}
