//! One connection to the Runtime API: what each of its requests gets.

use super::message::{Head, Reader};
use super::{Payload, Shared};
use std::io::{self, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

/// Lambda's longest, so that no deadline ends a measurement.
const TIMEOUT: Duration = Duration::from_secs(900);

/// Answers requests until the client is gone.
pub(super) fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = Reader::new(stream.try_clone()?);
    let mut connection = Connection { stream, shared };
    while let Some(head) = reader.head()? {
        connection.answer(&head, &mut reader)?;
    }
    Ok(())
}

struct Connection<'a> {
    stream: TcpStream,
    shared: &'a Shared,
}

impl Connection<'_> {
    fn answer(&mut self, head: &Head, body: &mut Reader) -> io::Result<()> {
        let path: Vec<&str> = head.path.trim_start_matches('/').split('/').collect();
        match path[..] {
            ["2018-06-01", "runtime", "invocation", "next"] => self.next(),
            ["2018-06-01", "runtime", "invocation", id, "response"] => {
                let mut payload = Payload::new(&head.content_type);
                body.body(head, |bytes| payload.take(bytes))?;
                self.shared.answered(id, payload);
                self.reply("202 Accepted", "", r#"{"status":"OK"}"#)
            }
            ["2018-06-01", "runtime", .., "error"] => {
                let mut report = Vec::new();
                body.body(head, |bytes| report.extend_from_slice(bytes))?;
                self.shared.failed(format!("the runtime reports: {}", String::from_utf8_lossy(&report)));
                self.reply("202 Accepted", "", r#"{"status":"OK"}"#)
            }
            // What a web adapter is to Lambda.
            ["2020-01-01", "extension", "register"] => {
                body.body(head, |_| ())?;
                let identifier = "lambda-extension-identifier: 5a0ba9e6-0000-4000-8000-000000000000\r\n";
                self.reply("200 OK", identifier, r#"{"functionName":"bench","functionVersion":"$LATEST","handler":"bench"}"#)
            }
            ["2020-01-01", "extension", "event", "next"] => {
                self.shared.wait_for_the_end();
                Ok(())
            }
            _ => {
                body.body(head, |_| ())?;
                self.reply("404 Not Found", "", "{}")
            }
        }
    }

    fn next(&mut self) -> io::Result<()> {
        let Some((id, event)) = self.shared.next_event() else { return Err(io::ErrorKind::ConnectionAborted.into()) };
        let deadline = (SystemTime::now() + TIMEOUT).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: {id}\r\n\
             lambda-runtime-deadline-ms: {}\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n\
             lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n\
             content-length: {}\r\n\r\n{event}",
            deadline.as_millis(),
            event.len(),
        );
        self.shared.event_leaves(id);
        self.stream.write_all(response.as_bytes())
    }

    fn reply(&mut self, status: &str, headers: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let response =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}");
        self.stream.write_all(response.as_bytes())
    }
}
