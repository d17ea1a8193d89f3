//! Takes credentials out of events before anybody sees or saves them: the values of headers that carry them.
//!
//! Knows where headers stand: in `headers` of an event of the console, and inside the event that a function gets. What a caller
//! put elsewhere, into a body or a path, is not looked at.

mod scan;

use firstbyte_emulator::EventKind;
use serde_json::{Map, Value};

/// What stands where a value was.
const REDACTED: &str = "(redacted)";

/// Headers that carry credentials.
const ALWAYS: [&str; 6] = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-amz-security-token", "x-api-key"];

/// The names of headers whose values nobody is to see.
#[derive(Clone, Debug)]
pub(crate) struct Redaction {
    names: Vec<String>,
}

impl Redaction {
    /// Headers that always carry credentials, and these besides.
    pub(crate) fn new(names: &[String]) -> Self {
        let given = names.iter().map(|name| name.trim().to_ascii_lowercase());
        Self { names: ALWAYS.map(ToOwned::to_owned).into_iter().chain(given).collect() }
    }

    fn covers(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Redacts an event of the emulator's.
    pub(crate) fn apply(&self, kind: &mut EventKind) {
        match kind {
            EventKind::ResponseHead { headers, .. } => {
                for (_, value) in headers.iter_mut().filter(|(name, _)| self.covers(name)) {
                    REDACTED.clone_into(value);
                }
            }
            EventKind::InvocationStarted { event, .. } => {
                if let Some(redacted) = scan::without(event, |name| self.covers(name)) {
                    *event = redacted.into();
                }
            }
            _ => {}
        }
    }

    /// Redacts an event that is JSON already, whose `headers` are pairs of names and values.
    pub(crate) fn apply_to_json(&self, event: &mut Map<String, Value>) {
        let Some(Value::Array(headers)) = event.get_mut("headers") else { return };
        for header in headers {
            if let Some([Value::String(name), value]) = header.as_array_mut().map(Vec::as_mut_slice)
                && self.covers(name)
            {
                *value = Value::String(REDACTED.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn credentials_and_named_headers_are_redacted_in_any_case() {
        let redaction = Redaction::new(&["X-Shop-Key".to_owned()]);
        let mut event = json!({"headers": [["Authorization", "a"], ["x-shop-key", "b"], ["accept", "c"]]});
        redaction.apply_to_json(event.as_object_mut().expect("an object"));
        assert_eq!(event, json!({"headers": [["Authorization", REDACTED], ["x-shop-key", REDACTED], ["accept", "c"]]}));
    }
}
