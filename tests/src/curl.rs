//! curl, watched: what it shows of the exchange, and when each piece of the body left it.

use crate::received::Chunk;
use crate::soon;
use crate::tool::Tool;
use bytes::Bytes;
use std::process::Stdio;
use std::time::Instant;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

/// A curl command.
#[derive(Debug)]
pub struct Curl(tokio::process::Command);

/// What curl showed.
#[derive(Debug)]
pub struct CurlAnswer {
    /// `HTTP/1.1 200 OK`, `HTTP/2 200`.
    pub status_line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Since curl showed that it had sent the request.
    pub chunks: Vec<Chunk>,
    /// Everything that `-v` shows.
    pub verbose: String,
    /// How curl ended.
    pub exit_code: Option<i32>,
}

impl Curl {
    /// `curl -sNv`, or none where there is no curl.
    #[must_use]
    pub fn new(arguments: &[&str]) -> Option<Self> {
        let mut command = Tool::curl()?.command();
        command.args(["-sSNv"]).args(arguments);
        Some(Self(command))
    }

    /// Runs it.
    ///
    /// # Panics
    /// If curl cannot be run or shows no answer.
    pub async fn run(mut self) -> CurlAnswer {
        let mut child = self.0.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("curl runs");
        let stdout = child.stdout.take().expect("a pipe");
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let body = tokio::spawn(read(stdout));
        let mut begun = Instant::now();
        let mut lines = Vec::new();
        while let Some(line) = soon("curl's next line", stderr.next_line()).await.expect("UTF-8") {
            if line.starts_with("> ") && !lines.iter().any(|line: &String| line.starts_with("> ")) {
                begun = Instant::now();
            }
            lines.push(line);
        }
        let chunks = soon("the body's end", body).await.expect("the reader does not fail");
        let exit_code = soon("curl's end", child.wait()).await.expect("curl ends").code();
        let mut head = lines.iter().filter_map(|line| line.strip_prefix("< ")).map(str::trim).filter(|line| !line.is_empty());
        let status_line = head.next().unwrap_or_else(|| panic!("no answer: {}", lines.join("\n"))).to_owned();
        let headers = head.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        CurlAnswer {
            headers: headers.collect(),
            status_line,
            chunks: chunks.into_iter().map(|(at, bytes)| Chunk { at: at.saturating_duration_since(begun), bytes }).collect(),
            verbose: lines.join("\n"),
            exit_code,
        }
    }
}

async fn read(mut stdout: tokio::process::ChildStdout) -> Vec<(Instant, Bytes)> {
    let mut chunks = Vec::new();
    let mut buffer = [0; 64 * 1024];
    while let Ok(read @ 1..) = stdout.read(&mut buffer).await {
        chunks.push((Instant::now(), Bytes::copy_from_slice(&buffer[..read])));
    }
    chunks
}

impl CurlAnswer {
    /// A header's value, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self.chunks.iter().flat_map(|chunk| chunk.bytes.iter().copied()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
