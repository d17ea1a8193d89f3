//! AWS as the tests play it: keys that are known wherever they turn up, and the SDK's judgement of signatures.

use crate::server::Seen;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstbyte_tests::Tool;
use serde_json::{Value, json};
use std::io::Write as _;

/// The region that everything is in.
pub const REGION: &str = "us-east-1";

/// The function's role.
pub const ACCESS_KEY_ID: &str = "ASIAHUNTEDHUNTEDHUNT";

/// Its secret.
pub const SECRET_ACCESS_KEY: &str = "the/secret+access/key/that/is/hunted/for";

/// Its session.
pub const SESSION_TOKEN: &str = "the-session-token-that-is-hunted-for==";

/// What opens the container's credentials.
pub const ENDPOINT_TOKEN: &str = "the-endpoint-token-that-is-hunted-for";

/// All that nobody may find.
pub const SECRETS: [&str; 4] = [ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, ENDPOINT_TOKEN];

/// What the container's credentials endpoint answers.
pub(crate) fn document() -> String {
    let document = json!({ "AccessKeyId": ACCESS_KEY_ID, "SecretAccessKey": SECRET_ACCESS_KEY, "Token": SESSION_TOKEN });
    document.to_string()
}

/// A page of what DynamoDB answers to any query: two items, and two more after these.
pub(crate) fn page(query: &Value) -> String {
    let item = |number: u32| json!({ "number": { "N": number.to_string() } });
    let page = if query["ExclusiveStartKey"].is_null() {
        json!({ "Items": [item(1), item(2)], "LastEvaluatedKey": item(2) })
    } else {
        json!({ "Items": [item(3), item(4)] })
    };
    page.to_string()
}

/// What AWS's Python SDK says of each request's signature: see `tests/clients/sigv4.py`.
///
/// # Panics
/// If the SDK fails.
pub async fn judge(sdk: &Tool, requests: &[Seen]) -> Vec<Value> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    for seen in requests {
        let headers: serde_json::Map<String, Value> =
            seen.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().expect("text").into())).collect();
        let host = headers["host"].as_str().expect("a host");
        let url = format!("https://{host}{}", seen.target);
        let line =
            json!({ "method": seen.method.as_str(), "url": url, "headers": headers, "body": STANDARD.encode(&seen.bytes) });
        writeln!(file, "{line}").expect("a temporary file");
    }
    let command = &mut sdk.command();
    let command = command.arg(file.path()).args([ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN]);
    let output = command.output().await.expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
