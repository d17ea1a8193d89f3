//! A Runtime API that does what a test tells it to, faults included, and the real bootstrap in front of it.

use firstbyte_runtime::engine::Arch;
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Names the bootstrap to test, if it is not the one of this build.
pub(crate) const BOOTSTRAP: &str = "FIRSTBYTE_TEST_BOOTSTRAP";

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The fixture with every ending.
pub(crate) static ENDINGS: LazyLock<PathBuf> = LazyLock::new(|| guest("endings"));

/// A component of `tests/guests`, built and compiled.
pub(crate) fn guest(name: &str) -> PathBuf {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests")).join(name);
    let wasm = firstbyte_toolchain::build(&folder).expect("the fixture builds");
    compile(name, &std::fs::read(wasm).expect("it is there"))
}

/// Compiles a component to a file of this name.
pub(crate) fn compile(name: &str, wasm: &[u8]) -> PathBuf {
    let code = firstbyte_runtime::compile::compile(wasm, Arch::native()).expect("a component");
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("cwasm");
    let partial = path.with_extension(std::process::id().to_string());
    std::fs::write(&partial, code).and_then(|()| std::fs::rename(&partial, &path)).expect("the folder is ours");
    path
}

/// What `/next` does.
pub(crate) enum Next {
    /// Delivers an invocation with these headers besides the usual; a value of `""` leaves a usual one out.
    Deliver(String, Vec<(&'static str, String)>),
    /// Answers with these bytes, and closes.
    Raw(Vec<u8>),
}

/// What becomes of a posted response.
#[derive(Clone, Copy)]
pub(crate) enum Post {
    /// It is read to its end and accepted.
    Accept,
    /// It is read to its end and answered with this status.
    Answer(u16),
    /// It is answered with this status after its head, and not read.
    AnswerEarly(u16),
    /// The connection is closed after so many bytes of the body.
    CloseAfter(usize),
    /// It is read, and never answered.
    NeverAnswer,
    /// It is not read before the test says so.
    Stall,
    /// It is read only after so long.
    ReadAfter(Duration),
    /// It is read and accepted, and the connection closed so long after.
    CloseIdle(Duration),
    /// It is read a MiB at a time, with a pause after each, and two long ones; its bytes are checked and not kept.
    Slowly,
}

/// The way by which an event comes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Door {
    Direct,
    Url,
    Rest,
}

impl Door {
    pub(crate) const ALL: [Self; 3] = [Self::Direct, Self::Url, Self::Rest];

    /// The event that brings `payload`.
    pub(crate) fn event(self, payload: &str) -> String {
        let event = match self {
            Self::Direct => return payload.to_owned(),
            Self::Url => serde_json::json!({
                "version": "2.0", "rawPath": "/", "requestContext": { "http": { "method": "POST" } }, "body": payload,
            }),
            Self::Rest => serde_json::json!({
                "httpMethod": "POST", "path": "/", "requestContext": { "identity": {} }, "body": payload,
            }),
        };
        event.to_string()
    }

    /// The body in a streamed response: what follows the prelude, if there is one.
    pub(crate) fn body(self, response: &[u8]) -> &[u8] {
        if matches!(self, Self::Direct) {
            return response;
        }
        let delimiter = response.windows(8).position(|window| window == [0; 8]).expect("a prelude");
        &response[delimiter + 8..]
    }
}

/// A request of the runtime's, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Bytes of the body, if they were not kept.
    pub(crate) length: u64,
    pub(crate) trailers: HashMap<String, String>,
    /// Whether it had a proper end.
    pub(crate) complete: bool,
}

impl Request {
    /// The error type in the trailers.
    pub(crate) fn trailer_type(&self) -> Option<&str> {
        self.trailers.get("lambda-runtime-function-error-type").map(String::as_str)
    }
}

struct Script {
    next: Mutex<VecDeque<Next>>,
    post: Mutex<VecDeque<Post>>,
    requests: Mutex<Sender<Request>>,
    /// Bytes that were read slowly.
    read: AtomicU64,
    /// Invocations that were delivered.
    delivered: AtomicU64,
}

/// A bootstrap and what it says to the API.
pub(crate) struct Bootstrap {
    child: Child,
    requests: Receiver<Request>,
    script: Arc<Script>,
}

/// Starts a bootstrap with the endings fixture.
pub(crate) fn start(variables: &[(&str, &str)], next: Vec<Next>, post: Vec<Post>) -> Bootstrap {
    start_with(&ENDINGS, variables, next, post)
}

/// Starts a bootstrap with the endings fixture, within limits as a shell's `ulimit` takes them.
pub(crate) fn start_within(limits: &str, variables: &[(&str, &str)]) -> Bootstrap {
    start_as(Some(limits), &ENDINGS, variables, vec![], vec![])
}

/// Starts a bootstrap with this component.
pub(crate) fn start_with(component: &Path, variables: &[(&str, &str)], next: Vec<Next>, post: Vec<Post>) -> Bootstrap {
    start_as(None, component, variables, next, post)
}

/// Starts a bootstrap with this component, within limits as a shell's `ulimit` takes them.
pub(crate) fn start_as(
    limits: Option<&str>,
    component: &Path,
    variables: &[(&str, &str)],
    next: Vec<Next>,
    post: Vec<Post>,
) -> Bootstrap {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let (sender, requests) = channel();
    let script = Arc::new(Script {
        next: Mutex::new(next.into()),
        post: Mutex::new(post.into()),
        requests: Mutex::new(sender),
        read: AtomicU64::new(0),
        delivered: AtomicU64::new(0),
    });
    let shared = Arc::clone(&script);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let script = Arc::clone(&shared);
            std::thread::spawn(move || serve(&stream, &script));
        }
    });
    let bootstrap = std::env::var_os(BOOTSTRAP).unwrap_or_else(|| env!("CARGO_BIN_EXE_bootstrap").into());
    let mut command = match limits {
        Some(limits) => {
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(format!("{limits}; exec \"$0\"")).arg(bootstrap);
            shell
        }
        None => Command::new(bootstrap),
    };
    command.env_clear().env("AWS_LAMBDA_RUNTIME_API", address.to_string());
    command.env("_HANDLER", component.file_name().expect("a file"));
    command.env("LAMBDA_TASK_ROOT", component.parent().expect("in a folder"));
    command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128").envs(variables.iter().copied());
    let child = command.stdout(Stdio::piped()).spawn().expect("the bootstrap starts");
    Bootstrap { child, requests, script }
}

impl Bootstrap {
    /// The next request that is not `/next`.
    pub(crate) fn request(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("the bootstrap posts something")
    }

    /// The next request that is not `/next`, if it comes within `time`.
    pub(crate) fn request_within(&self, time: Duration) -> Option<Request> {
        self.requests.recv_timeout(time).ok()
    }

    /// How many bytes of a response were read slowly so far.
    pub(crate) fn read_slowly(&self) -> u64 {
        self.script.read.load(Ordering::Relaxed)
    }

    /// Delivers one more, and says what becomes of a response that is posted.
    pub(crate) fn deliver(&self, next: Next, post: Post) {
        self.script.post.lock().expect("script").push_back(post);
        self.script.next.lock().expect("script").push_back(next);
    }

    /// Whether an invocation was delivered.
    pub(crate) fn is_busy(&self) -> bool {
        self.script.delivered.load(Ordering::Relaxed) > 0
    }

    /// Asks the process to end.
    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    }

    /// The process's resident memory, in KiB.
    pub(crate) fn rss(&self) -> usize {
        self.status("VmRSS:")
    }

    /// The most that the process's resident memory ever was, in KiB.
    pub(crate) fn peak_rss(&self) -> usize {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("Linux tells");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Reads the log as it comes.
    pub(crate) fn follow_log(&mut self) -> FollowedLog {
        let stdout = BufReader::new(self.child.stdout.take().expect("piped"));
        let text = Arc::<Mutex<String>>::default();
        let shared = Arc::clone(&text);
        let thread = std::thread::spawn(move || {
            for line in stdout.lines() {
                let mut text = shared.lock().expect("log");
                text.push_str(&line.expect("text"));
                text.push('\n');
            }
        });
        FollowedLog { text, thread }
    }

    /// Reads the log, so that it does not fill up, and forgets it.
    pub(crate) fn discard_log(&mut self) {
        let mut stdout = self.child.stdout.take().expect("piped");
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    }

    pub(crate) fn assert_is_running(&mut self) {
        assert!(self.child.try_wait().expect("a child").is_none(), "the process has ended");
    }

    /// Delivers one more invocation, which must be answered well: the process is still in its senses.
    pub(crate) fn assert_alive(&mut self) {
        self.script.next.lock().expect("script").push_back(deliver(r#"{"ending":"ok","bytes":10}"#));
        let request = self.request();
        assert_eq!(request.body.len(), 10, "{request:?}");
        assert!(request.complete && request.trailers.is_empty(), "{request:?}");
        self.assert_is_running();
    }

    /// Waits for the process to end by itself, and returns whether it called that success, and its log.
    pub(crate) fn ended(mut self) -> (bool, String) {
        let mut log = String::new();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut log).expect("text");
        }
        (self.child.wait().expect("a child").success(), log)
    }

    /// Ends the process and returns its log.
    pub(crate) fn log(mut self) -> String {
        self.child.kill().expect("it runs");
        self.ended().1
    }
}

/// A log that is being read.
pub(crate) struct FollowedLog {
    text: Arc<Mutex<String>>,
    thread: std::thread::JoinHandle<()>,
}

impl FollowedLog {
    /// Whether this has been read.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.text.lock().expect("log").contains(text)
    }

    /// What has been read.
    pub(crate) fn so_far(&self) -> String {
        self.text.lock().expect("log").clone()
    }

    /// The whole log, when its writer is gone.
    pub(crate) fn whole(self) -> String {
        self.thread.join().expect("text");
        self.text.lock().expect("log").clone()
    }
}

impl Drop for Bootstrap {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A direct invocation with 20 seconds to go.
pub(crate) fn deliver(payload: &str) -> Next {
    Next::Deliver(payload.to_owned(), Vec::new())
}

/// The same payload through a Function URL.
pub(crate) fn deliver_by_url(payload: &str) -> Next {
    Next::Deliver(Door::Url.event(payload), Vec::new())
}

/// A value of `lambda-runtime-deadline-ms`.
pub(crate) fn deadline_in(time: Duration) -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    (since_epoch + time).as_millis().to_string()
}

fn serve(stream: &TcpStream, script: &Script) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    while let Some(mut request) = read_head(&mut reader) {
        if request.path.ends_with("/restore/next") {
            let goes_on = answer(stream, 200, "");
            let _ = script.requests.lock().expect("script").send(request);
            if goes_on {
                continue;
            }
            return;
        }
        if request.path.ends_with("/next") {
            if !answer_next(stream, script) {
                return;
            }
            continue;
        }
        let post = script.post.lock().expect("script").pop_front().unwrap_or(Post::Accept);
        let goes_on = match post {
            Post::AnswerEarly(status) => {
                answer(stream, status, r#"{"errorType":"Early"}"#);
                // Unread bytes would turn the close into a reset before the answer is read.
                let _ = stream.shutdown(std::net::Shutdown::Write);
                read_body(&mut reader, &mut request, usize::MAX);
                false
            }
            Post::CloseAfter(limit) => {
                read_body(&mut reader, &mut request, limit);
                false
            }
            Post::Stall => {
                std::thread::sleep(PATIENCE);
                false
            }
            Post::CloseIdle(after) => {
                read_body(&mut reader, &mut request, usize::MAX);
                answer(stream, 202, r#"{"status":"OK"}"#);
                script.requests.lock().expect("script").send(std::mem::take(&mut request)).expect("the test runs");
                std::thread::sleep(after);
                return;
            }
            Post::NeverAnswer => {
                read_body(&mut reader, &mut request, usize::MAX);
                script.requests.lock().expect("script").send(std::mem::take(&mut request)).expect("the test runs");
                std::thread::sleep(PATIENCE);
                false
            }
            Post::Slowly => {
                read_slowly(&mut reader, &mut request, &script.read);
                request.complete && answer(stream, 202, r#"{"status":"OK"}"#)
            }
            Post::Accept | Post::Answer(_) | Post::ReadAfter(_) => {
                if let Post::ReadAfter(time) = post {
                    std::thread::sleep(time);
                }
                read_body(&mut reader, &mut request, usize::MAX);
                let status = if let Post::Answer(status) = post { status } else { 202 };
                request.complete && answer(stream, status, r#"{"status":"OK"}"#)
            }
        };
        let _ = script.requests.lock().expect("script").send(request);
        if !goes_on {
            return;
        }
    }
}

fn answer_next(mut stream: &TcpStream, script: &Script) -> bool {
    let next = loop {
        if let Some(next) = script.next.lock().expect("script").pop_front() {
            break next;
        }
        // `/next` waits; so does the script's owner.
        std::thread::sleep(Duration::from_millis(2));
    };
    let (event, headers) = match next {
        Next::Raw(bytes) => {
            let _ = stream.write_all(&bytes);
            return false;
        }
        Next::Deliver(event, headers) => (event, headers),
    };
    let mut all = vec![
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline_in(Duration::from_secs(20))),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned()),
    ];
    all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
    all.extend(headers);
    let mut head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", event.len());
    for (name, value) in all.iter().filter(|(_, value)| !value.is_empty()) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let written = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(event.as_bytes())).is_ok();
    script.delivered.fetch_add(1, Ordering::Relaxed);
    written
}

fn answer(mut stream: &TcpStream, status: u16, body: &str) -> bool {
    let length = body.len();
    stream.write_all(format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes()).is_ok()
}

fn read_line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}

fn read_fields(reader: &mut BufReader<TcpStream>) -> Option<HashMap<String, String>> {
    let mut fields = HashMap::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Some(fields);
        }
        let (name, value) = line.split_once(':')?;
        fields.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

fn read_head(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let path = read_line(reader)?.split(' ').nth(1)?.to_owned();
    Some(Request { path, headers: read_fields(reader)?, ..Request::default() })
}

fn read_body(reader: &mut BufReader<TcpStream>, request: &mut Request, limit: usize) {
    if let Some(length) = request.headers.get("content-length") {
        request.body.resize(length.parse().expect("a number"), 0);
        request.complete = reader.read_exact(&mut request.body).is_ok();
        return;
    }
    while request.body.len() < limit {
        let Some(size) = read_line(reader).and_then(|line| usize::from_str_radix(&line, 16).ok()) else { return };
        if size == 0 {
            if let Some(trailers) = read_fields(reader) {
                request.trailers = trailers;
                request.complete = true;
            }
            return;
        }
        let start = request.body.len();
        request.body.resize(start + size + 2, 0);
        if reader.read_exact(&mut request.body[start..]).is_err() {
            return;
        }
        request.body.truncate(start + size);
    }
}

/// Reads a body of the endings fixture's pattern (the byte at offset `n` is `n % 251`).
fn read_slowly(reader: &mut BufReader<TcpStream>, request: &mut Request, progress: &AtomicU64) {
    const PERIOD: usize = 251;
    const PIECE: u64 = 1 << 20;
    let mut chunk = Vec::new();
    let mut pattern = Vec::new();
    let mut pause_at = PIECE;
    loop {
        let Some(size) = read_line(reader).and_then(|line| usize::from_str_radix(&line, 16).ok()) else { return };
        if size == 0 {
            request.trailers = read_fields(reader).unwrap_or_default();
            request.complete = true;
            return;
        }
        chunk.resize(size + 2, 0);
        if reader.read_exact(&mut chunk).is_err() {
            return;
        }
        if pattern.len() < size + PERIOD {
            pattern = (0..=250).cycle().take(size + PERIOD).collect::<Vec<u8>>();
        }
        let start = (request.length % PERIOD as u64) as usize;
        assert!(chunk[..size] == pattern[start..start + size], "bytes were lost, doubled or moved near {}", request.length);
        request.length += size as u64;
        progress.store(request.length, Ordering::Relaxed);
        if request.length >= pause_at {
            // A reader that is behind is what this is about: nothing is waited for.
            let long = [16, 128].contains(&(pause_at / PIECE));
            std::thread::sleep(Duration::from_millis(if long { 500 } else { 1 }));
            pause_at = request.length - request.length % PIECE + PIECE;
        }
    }
}
