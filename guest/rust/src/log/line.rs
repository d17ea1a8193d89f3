//! The line that a record is written as: a JSON object, as `wit/firstbyte.wit` describes it.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use super::Level;

/// The host logs a longer line in pieces, none of which would be an object.
const LIMIT: usize = 16 * 1024;

/// Writes a record to standard output.
#[inline] // So that maps are only built into handlers that use this.
pub(super) fn print(level: Level, message: &str, members: Map<String, Value>) {
    // A log that cannot be written is nobody's failure.
    let _ = std::io::stdout().write_all(of(level, message, members).as_bytes());
}

#[inline]
fn of(level: Level, message: &str, members: Map<String, Value>) -> String {
    let mut line = Map::with_capacity(members.len() + 2);
    for (name, value) in members {
        // What a record has already keeps its meaning, and a member of that name its value.
        let name = if matches!(&*name, "level" | "message" | "timestamp" | "requestId" | "tenantId") { name + "_" } else { name };
        line.insert(name, value);
    }
    line.insert("level".to_owned(), level.name().into());
    line.insert("message".to_owned(), message.into());
    let mut line = Value::Object(line).to_string();
    let mut length = message.len().min(LIMIT);
    while line.len() >= LIMIT {
        line = json!({ "level": level.name(), "message": format!("{}…", &message[..message.floor_char_boundary(length)]) })
            .to_string();
        // Escaped, a letter takes up to six.
        length -= length / 4;
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(level: Level, message: &str, members: Value) -> Value {
        let Value::Object(members) = members else { panic!("no object: {members}") };
        let line = of(level, message, members);
        assert!(line.len() <= LIMIT && line.ends_with('\n') && line.matches('\n').count() == 1, "{line}");
        serde_json::from_str(&line).expect("JSON")
    }

    #[test]
    fn a_record_is_one_line() {
        let record = parsed(Level::Warn, "a\nb", json!({ "item": 7, "level": "mine", "requestId": "mine" }));
        assert_eq!(record, json!({ "level": "WARN", "message": "a\nb", "item": 7, "level_": "mine", "requestId_": "mine" }));
    }

    #[test]
    fn a_record_that_is_too_long_is_cut() {
        for message in ["ü".repeat(50_000), "\u{1}".repeat(50_000), "\n".repeat(LIMIT)] {
            let record = parsed(Level::Info, &message, json!({ "item": 7 }));
            let cut = record["message"].as_str().expect("text").strip_suffix('…').expect("a cut");
            assert!(message.starts_with(cut) && cut.len() > 1500, "{}", cut.len());
        }
        let record = parsed(Level::Info, "short", json!({ "item": "x".repeat(LIMIT) }));
        assert_eq!(record, json!({ "level": "INFO", "message": "short…" }));
    }
}
