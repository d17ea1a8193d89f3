//! `GET …/next`: waits for an invocation, over the connection that its response goes back on.
//!
//! One connection for both means that whoever was given an invocation has what it takes to answer it.

use super::connection::Connection;
use super::{RuntimeApi, USER_AGENT};
use firstbyte_wire::reply::{Reply, ReplyDecoder, ReplyError};
use std::io;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// How much is read at once before it is known how much comes.
const PIECE: usize = 8 * 1024;

/// What the API answered, and the connection over which it did so.
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    pub(super) connection: Connection,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GetError {
    #[error("the connection to the Runtime API failed: {0}")]
    Connection(#[from] io::Error),
    #[error(transparent)]
    Reply(#[from] ReplyError),
}

impl RuntimeApi {
    /// Asks for what is at `path`, for as long as it takes: Lambda stops the clock while nobody calls. The answer's body has at
    /// most `limit` bytes.
    ///
    /// # Errors
    /// [`GetError`].
    pub(crate) async fn get(&self, path: &str, limit: usize) -> Result<Answered, GetError> {
        let connection = self.connection();
        let was_idle = matches!(connection, Connection::Open(_));
        match self.get_over(connection, path, limit).await {
            // It may have been closed since it was looked at. Asking does no harm, so it is asked again.
            Err(GetError::Connection(_) | GetError::Reply(ReplyError::Incomplete)) if was_idle => {
                self.get_over(Connection::to(&self.authority), path, limit).await
            }
            answered => answered,
        }
    }

    async fn get_over(&self, connection: Connection, path: &str, limit: usize) -> Result<Answered, GetError> {
        let mut stream = connection.into_stream().await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nuser-agent: {USER_AGENT}\r\n\r\n", self.authority);
        stream.write_all(request.as_bytes()).await?;
        let mut decoder = ReplyDecoder::new(limit);
        let reply = loop {
            if !read(&stream, &mut decoder).await? {
                break decoder.end()?;
            }
            if let Some(reply) = decoder.decode()? {
                break reply;
            }
        };
        let connection = if reply.keep_alive {
            Connection::Open(stream)
        } else {
            // The old one goes first: its descriptor may be the last.
            drop(stream);
            Connection::to(&self.authority)
        };
        Ok(Answered { reply, connection })
    }
}

/// Reads what has come. False at the end of the connection.
async fn read(stream: &TcpStream, decoder: &mut ReplyDecoder) -> io::Result<bool> {
    loop {
        stream.readable().await?;
        let buffer = decoder.buffer();
        if buffer.capacity() == buffer.len() {
            buffer.reserve(PIECE);
        }
        match stream.try_read_buf(buffer) {
            Ok(read) => return Ok(read > 0),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
