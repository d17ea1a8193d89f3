//! The table in front of AWS's own Runtime Interface Emulator: whatever an ending sends, AWS's server takes it at once.

use crate::row::{Left, Row};
use crate::table::table;
use firstbyte_tests::{Door, Rie, Tool};
use serde_json::{Value, json};
use std::time::Duration;

/// What it refuses, it leaves without an answer until the function's timeout, which is later.
const AT_ONCE: Duration = Duration::from_secs(10);

/// The event by which a door delivers a payload.
fn event(door: Door, payload: &Value) -> String {
    let body = payload.to_string();
    let event = match door {
        Door::Direct => return body,
        Door::Url => json!({"version": "2.0", "rawPath": "/", "requestContext": {"http": {"method": "POST"}}, "body": body}),
        Door::Api => json!({"httpMethod": "POST", "path": "/", "requestContext": {"identity": {}}, "body": body}),
    };
    event.to_string()
}

impl Row {
    /// What AWS's emulator has of the response: all that was streamed, metadata included, or the error document.
    fn hold_for_rie(&self, door: Door, answer: &[u8], row: &str) {
        let text = String::from_utf8_lossy(answer).into_owned();
        if let (Left::Unstarted(..) | Left::Mistaken(..) | Left::ToldByStatus, Door::Direct) = (&self.left, door) {
            let document: Value = serde_json::from_slice(answer).unwrap_or_else(|error| panic!("{row}: {error}: {text}"));
            assert_eq!(Some(document["errorType"].as_str()), self.error.map(|(error, _)| Some(error)), "{row}");
            return;
        }
        let mut body = answer;
        if door.is_http() {
            let delimiter = answer.windows(8).position(|window| window == [0; 8]).unwrap_or_else(|| panic!("{row}: {text}"));
            let metadata: Value = serde_json::from_slice(&answer[..delimiter]).expect("metadata is JSON");
            assert_eq!(metadata["statusCode"], self.status, "{row}");
            body = &answer[delimiter + 8..];
        }
        if let Left::Unstarted(_, shown) | Left::Mistaken(_, shown) = self.left {
            assert_eq!(serde_json::from_slice::<Value>(body).expect("JSON"), json!({"message": shown}), "{row}");
        } else {
            let (wrote, rest) = body.split_at_checked(self.wrote.len()).unwrap_or((body, &[]));
            assert!(wrote == self.wrote, "{row}: {text}");
            let words = String::from_utf8_lossy(rest);
            assert_eq!(words.contains("event: error"), self.last_words.is_some(), "{row}: {words}");
        }
    }
}

#[tokio::test]
async fn awss_own_runtime_api_takes_every_ending_at_once() {
    let Some(tool) = Tool::rie() else { return };
    let long = Value::from("a long story, ".repeat(1_000));
    for group in table() {
        let rie = Rie::start(&tool, &group.function).await;
        let mut endings = group.endings;
        // Trailers are cut to what Go's server reads.
        if group.row == "`failure` after the start" {
            for kind in ["Expected", "AKindOfErrorWithANameThatIsAsLongAsNamesOfKindsOfErrorsMayEverBe"] {
                let ending = json!({"ending": "err-after", "kind": kind, "message": long});
                endings.push(Row { ending, ..Row::broken(json!({}), crate::table::pattern(1000), "", "") });
            }
        }
        for ending in &endings {
            for door in Door::ALL {
                let row = format!("{}: {:.100} at {door} of AWS's emulator", group.row, ending.ending.to_string());
                let answer = rie.invoke(event(door, &ending.ending)).await;
                assert!(answer.end_at < AT_ONCE, "{row}: answered after {:?}", answer.end_at);
                ending.hold_for_rie(door, &answer.bytes(), &row);
            }
        }
    }
}
