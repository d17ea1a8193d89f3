//! Looks for credentials wherever a handler can look, and tells all that it found as one document of JSON.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read as _,
    net::{TcpStream, ToSocketAddrs as _},
    path::Path,
};

use firstbyte::{Request, Response, Result, fetch, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use wasip2::filesystem::preopens::get_directories;

#[derive(Deserialize)]
struct Input {
    /// What to read: files, and folders with all that is in them.
    paths: Vec<String>,
    /// What to ask.
    requests: Vec<Outgoing>,
    /// What to connect to, `host:port`.
    sockets: Vec<String>,
}

#[derive(Deserialize)]
struct Outgoing {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

#[handler]
async fn hunt(request: Request, response: Response) -> Result {
    let input: Input = request.json()?;
    let mut files = BTreeMap::new();
    for path in &input.paths {
        read(Path::new(path), &mut files);
    }
    let mut answers = Vec::new();
    for outgoing in &input.requests {
        answers.push(json!([outgoing.url, ask(outgoing).await]));
    }
    let mut said = String::new();
    let _ = std::io::stdin().read_to_string(&mut said);
    let found = json!({
        "environment": env::vars_os().map(|(n, v)| (n.to_string_lossy().into(), v.to_string_lossy().into())).collect::<BTreeMap<String, String>>(),
        "arguments": env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect::<Vec<_>>(),
        "input": said,
        "folders": get_directories().into_iter().map(|(_, name)| name).collect::<Vec<_>>(),
        "files": files,
        "answers": answers,
        "sockets": input.sockets.iter().map(|to| (to.clone(), connect(to))).collect::<BTreeMap<String, String>>(),
        "event": request.event(),
        "context": [request.client_context(), request.cognito_identity(), request.trace_id(), request.tenant_id()],
    });
    response.content_type("application/json").start()?.write(found.to_string())?;
    Ok(())
}

/// Everything at and below a path.
fn read(path: &Path, files: &mut BTreeMap<String, String>) {
    let name = path.to_string_lossy().into_owned();
    if let Ok(folder) = fs::read_dir(path) {
        files.insert(name, "a folder".to_owned());
        for entry in folder.flatten() {
            read(&entry.path(), files);
        }
        return;
    }
    let told = fs::read(path).map_or_else(|error| error.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
    files.insert(name, told);
}

fn connect(to: &str) -> String {
    let connected = to.to_socket_addrs().map(|addresses| addresses.map(TcpStream::connect).any(|stream| stream.is_ok()));
    match connected {
        Ok(true) => "connected".to_owned(),
        Ok(false) => "refused".to_owned(),
        Err(error) => error.to_string(),
    }
}

async fn ask(outgoing: &Outgoing) -> Value {
    let mut request = fetch::request(&outgoing.method, &outgoing.url);
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    if let Some(body) = &outgoing.body {
        request = request.body(body.as_str());
    }
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return json!(error.to_string()),
    };
    let (status, headers) = (answer.status(), answer.headers().map(|(n, v)| format!("{n}: {v}")).collect::<Vec<_>>());
    let body = answer.text().await.unwrap_or_else(|error| error.to_string());
    json!({ "status": status, "headers": headers, "body": body })
}
