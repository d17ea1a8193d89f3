//! Finds the values of headers in the text of a function's event, and puts others in their place. All else stays byte for byte,
//! so that a recorded event is the one that the function got.

use super::REDACTED;
use std::ops::Range;

/// The event without the values of headers that `covers` names. `None` if it has none of them.
pub(super) fn without(event: &[u8], covers: impl Fn(&str) -> bool) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    // An event that is no object, or no JSON, has no headers.
    let _ = Scan { text: event, at: 0 }.object(|name, scan| match name {
        "headers" | "multiValueHeaders" => scan.object(|name, scan| {
            let value = scan.value()?;
            if covers(name) {
                found.push(value);
            }
            Some(())
        }),
        "cookies" if covers("cookie") => {
            found.push(scan.value()?);
            Some(())
        }
        _ => scan.value().map(drop),
    });
    found.retain(|value| event[value.clone()] != *b"null");
    let (first, last) = (found.first()?.start, found.last()?.end);
    let mut redacted = event[..first].to_vec();
    let mut from = first;
    for value in found {
        redacted.extend_from_slice(&event[from..value.start]);
        let is_list = event[value.start] == b'[';
        let text = if is_list { format!("[\"{REDACTED}\"]") } else { format!("\"{REDACTED}\"") };
        redacted.extend_from_slice(text.as_bytes());
        from = value.end;
    }
    redacted.extend_from_slice(&event[last..]);
    Some(redacted)
}

/// A place in a JSON text. Each step gives `None` where the text is not JSON.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Calls `member` with each name of an object, at its value. What is no object is passed over.
    fn object(&mut self, mut member: impl FnMut(&str, &mut Self) -> Option<()>) -> Option<()> {
        if self.peek()? != b'{' {
            return self.value().map(drop);
        }
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let start = self.peek().map(|_| self.at)?;
            self.string()?;
            let name: String = serde_json::from_slice(&self.text[start..self.at]).ok()?;
            self.expect(b':')?;
            self.peek()?;
            member(&name, self)?;
            if self.peek()? == b'}' {
                self.at += 1;
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    /// Passes over a value and says where it is.
    fn value(&mut self) -> Option<Range<usize>> {
        self.peek()?;
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                _ => self.scalar()?,
            }
            if depth == 0 {
                return Some(start..self.at);
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Option<()> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = self.text[self.at..].iter().take_while(|byte| is_part(byte)).count();
        self.at += length;
        (length > 0).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            match self.text.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn redacted(event: &str) -> Option<String> {
        let secret = |name: &str| ["cookie", "authorization"].iter().any(|known| known.eq_ignore_ascii_case(name));
        without(event.as_bytes(), secret).map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
    }

    #[test]
    fn values_are_replaced_and_all_else_stays() {
        for (event, expected) in [
            (
                r#"{ "b": [1, {"headers": {"cookie": "kept"}}], "headers" : {"Authorization" : "a\"}b", "x":"y"} , "z":1.50}"#,
                Some(
                    r#"{ "b": [1, {"headers": {"cookie": "kept"}}], "headers" : {"Authorization" : "(redacted)", "x":"y"} , "z":1.50}"#,
                ),
            ),
            (
                r#"{"multiValueHeaders":{"Cookie":["a","b"],"e":[]},"cookies":["a=b","c"],"body":"authorization"}"#,
                Some(r#"{"multiValueHeaders":{"Cookie":["(redacted)"],"e":[]},"cookies":["(redacted)"],"body":"authorization"}"#),
            ),
            (r#"{"headers":{"authoriz\u0061tion":"a"}}"#, Some(r#"{"headers":{"authoriz\u0061tion":"(redacted)"}}"#)),
            (r#"{"headers":null,"multiValueHeaders":{"Cookie":null},"cookies":null}"#, None),
            (r#"{"headers":{},"cookie":"mine"}"#, None),
            ("{}", None),
            ("[1]", None),
            ("\"headers\"", None),
            ("", None),
            ("{\"headers\":{\"cookie\":\"", None),
        ] {
            assert_eq!(redacted(event).as_deref(), expected, "{event}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC*".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("headers|cookie|\\PC*", inner, 0..5).prop_map(|members| json!(members)),
            ]
        })
    }

    proptest! {
        /// Against a reading of the whole document.
        #[test]
        fn any_event_is_redacted_as_its_document_says(mut event in any_json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&event) } else { serde_json::to_string(&event) }.expect("JSON");
            let scanned = redacted(&text).unwrap_or(text);
            if let Some(Value::Object(headers)) = event.get_mut("headers") {
                for (_, value) in headers.iter_mut().filter(|(name, value)| *name == "cookie" && !value.is_null()) {
                    *value = if value.is_array() { json!([REDACTED]) } else { json!(REDACTED) };
                }
            }
            prop_assert_eq!(serde_json::from_str::<Value>(&scanned).expect("JSON"), event);
        }
    }
}
