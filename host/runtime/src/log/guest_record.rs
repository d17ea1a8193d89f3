//! A line in which a guest tells the level, the message and more members of a record: one JSON object. The format is
//! documented in wit/firstbyte.wit, at `world function`.

use super::Level;
use serde_json::{Map, Value};

/// What only the host says of a record: a guest that says it, too, is not heard.
const OF_THE_HOST: [&str; 3] = ["timestamp", "requestId", "tenantId"];

/// What a guest's line says. Its length is bounded by that of a line, and so is what it takes to read it.
#[derive(Debug, PartialEq)]
pub(super) struct GuestRecord {
    /// The level that the line gives. `None` if it gives no level that is known: then the level of its stream counts.
    pub(super) level: Option<Level>,
    /// The line's `message`; empty if it has no message. A message that is not text stays among the members.
    pub(super) message: String,
    pub(super) members: Map<String, Value>,
}

impl GuestRecord {
    /// Reads a line; none if it is not a JSON object, or has nothing to say.
    pub(super) fn parse(line: &str) -> Option<Self> {
        if !(line.starts_with('{') && line.ends_with('}')) {
            return None;
        }
        let mut members: Map<String, Value> = serde_json::from_str(line).ok()?;
        for name in OF_THE_HOST {
            members.remove(name);
        }
        let level = members.remove("level").as_ref().and_then(Value::as_str).and_then(level);
        let message = match members.get_mut("message") {
            Some(Value::String(message)) => std::mem::take(message),
            _ => String::new(),
        };
        if members.get("message").is_some_and(Value::is_string) {
            members.remove("message");
        }
        // What would say nothing is better shown as it is.
        (!message.is_empty() || !members.is_empty()).then_some(Self { level, message, members })
    }
}

/// Lambda's names, and those of Python's logging.
fn level(name: &str) -> Option<Level> {
    match name {
        _ if name.eq_ignore_ascii_case("warning") => Some(Level::Warn),
        _ if name.eq_ignore_ascii_case("critical") => Some(Level::Fatal),
        name => Level::parse(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(line: &str) -> Option<(Option<Level>, String, Value)> {
        GuestRecord::parse(line).map(|record| (record.level, record.message, Value::Object(record.members)))
    }

    #[test]
    fn an_object_is_a_record() {
        for (line, level, message, members) in [
            (r#"{"level":"warn","message":"low","left":3}"#, Some(Level::Warn), "low", json!({"left": 3})),
            (r#"{"level":"CRITICAL","message":"","a":1}"#, Some(Level::Fatal), "", json!({"a": 1})),
            (r#"{"level":30,"msg":"pino"}"#, None, "", json!({"msg": "pino"})),
            (r#"{"level":"notice","message":{"a":1}}"#, None, "", json!({"message": {"a": 1}})),
            (r#"{ "a" : [ 1 , {"b":null} ] }"#, None, "", json!({"a": [1, {"b": null}]})),
        ] {
            assert_eq!(parsed(line), Some((level, message.to_owned(), members)), "{line}");
        }
    }

    #[test]
    fn what_only_the_host_knows_is_not_taken_from_a_guest() {
        let line = r#"{"timestamp":"1970","requestId":"other","tenantId":"other","request\u0049d":"escaped","message":"m"}"#;
        assert_eq!(parsed(line), Some((None, "m".to_owned(), json!({}))));
    }

    #[test]
    fn what_is_no_object_is_text() {
        for line in [
            "",
            "{",
            "{}",
            "{x}",
            r#"{"level":"INFO"}"#,
            "[1]",
            r#"{"a":1} {"b":2}"#,
            r#"{"a":1"#,
            r#"x{"a":1}"#,
            &"{\"a\":".repeat(500),
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
