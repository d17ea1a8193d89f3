//! One ending: what the handler is told to do, and what each party must see of it.

use firstbyte_tests::{Call, Door, End, Invoked, Lambda, Received};
use serde_json::{Value, json};

/// How the handler leaves its response.
pub(crate) enum Left {
    /// As it meant to.
    Complete,
    /// Not begun: an HTTP caller gets this status and these words.
    Unstarted(u16, &'static str),
    /// Not begun, and the caller's mistake: an HTTP caller gets the same, and Lambda counts no failure for it.
    Mistaken(u16, &'static str),
    /// Begun, and failed.
    Broken,
    /// As it meant to for an HTTP caller. A direct caller, who sees no status, gets an error document.
    ToldByStatus,
}

/// One row of the table.
pub(crate) struct Row {
    /// What the handler is told to do.
    pub(crate) ending: Value,
    pub(crate) left: Left,
    /// The status that the handler gave, if it began.
    pub(crate) status: u16,
    /// What it wrote.
    pub(crate) wrote: Vec<u8>,
    /// What the host adds for readers of an event stream.
    pub(crate) last_words: Option<Value>,
    /// What Lambda counts, and a part of the message. The log has both.
    pub(crate) error: Option<(&'static str, &'static str)>,
}

/// What is said of a failure that is not the caller's business.
pub(crate) const INTERNAL: &str = "Internal Server Error";

/// What the fixture's event stream has before its end.
pub(crate) const EVENTS: &str = "data: 0\n\ndata: 1\n\ndata: 2\n\n";

impl Row {
    pub(crate) fn complete(ending: Value, status: u16, wrote: impl Into<Vec<u8>>) -> Self {
        Self { ending, left: Left::Complete, status, wrote: wrote.into(), last_words: None, error: None }
    }

    /// Fails before the response was started.
    pub(crate) fn unstarted(ending: Value, status: u16, shown: &'static str, error: &'static str, message: &'static str) -> Self {
        let left = Left::Unstarted(status, shown);
        Self { ending, left, status, wrote: Vec::new(), last_words: None, error: Some((error, message)) }
    }

    /// Fails after it was.
    pub(crate) fn broken(ending: Value, wrote: impl Into<Vec<u8>>, error: &'static str, message: &'static str) -> Self {
        let error = Some((error, message));
        Self { ending, left: Left::Broken, status: 200, wrote: wrote.into(), last_words: None, error }
    }

    /// Fails before the response was started, by a mistake of the caller's.
    pub(crate) fn mistaken(ending: Value, status: u16, shown: &'static str, error: &'static str) -> Self {
        let left = Left::Mistaken(status, shown);
        Self { left, ..Self::unstarted(ending, status, shown, error, shown) }
    }

    /// A whole response of `wasi:http` whose status says that something is wrong.
    pub(crate) fn told_by_status(ending: Value, status: u16, wrote: impl Into<Vec<u8>>, message: &'static str) -> Self {
        let error = Some(("Function.HttpStatus", message));
        Self { error, left: Left::ToldByStatus, ..Self::complete(ending, status, wrote) }
    }

    /// The level of the failure's log record, if there is one.
    pub(crate) fn level(&self, door: Door) -> Option<&'static str> {
        self.error.and_then(|_| match self.left {
            Left::ToldByStatus if door.is_http() => None,
            Left::Mistaken(..) if door.is_http() => Some("WARN"),
            _ => Some("ERROR"),
        })
    }

    pub(crate) async fn hold_at(&self, door: Door, lambda: &mut Lambda) -> Invoked {
        let mut invoked = lambda.invoke(door, Call::json(&self.ending)).await;
        let row = format!("{} at {door}", self.ending);
        self.hold_for_the_caller(door, &invoked.answer, &row);
        self.hold_for_lambda(door, &invoked, &row);
        if let (Some((error, message)), Some(level)) = (self.error, self.level(door)) {
            let record = format!("\t{level}\t{error}: ");
            lambda.until_printed(&mut invoked.seen, &record).await;
            lambda.until_printed(&mut invoked.seen, message).await;
        }
        invoked
    }

    /// What an HTTP caller gets where the response is sent whole: a failure of the function's is a 502.
    pub(crate) async fn hold_buffered_at(&self, door: Door, lambda: &mut Lambda) {
        let Invoked { answer, mut seen } = lambda.invoke(door, Call::json(&self.ending)).await;
        let row = format!("{} at {door}, buffered", self.ending);
        let error = self.error.map(|(error, _)| error).filter(|_| self.level(door) == Some("ERROR"));
        assert_eq!((seen.error_type(), &answer.end), (error, &End::Clean), "{row}");
        match (error, &self.left) {
            (Some(error), _) => {
                let said = if door == Door::Url { INTERNAL } else { r#"{"message":"Internal server error"}"# };
                assert_eq!((answer.status.as_u16(), answer.text().as_str()), (502, said), "{row}");
                lambda.until_printed(&mut seen, &format!("\tERROR\t{error}: ")).await;
            }
            (None, Left::Mistaken(status, shown)) => {
                assert_eq!((answer.status.as_u16(), answer.json()), (*status, json!({"message": shown})), "{row}");
            }
            (None, _) => assert_eq!((answer.status.as_u16(), answer.bytes() == self.wrote), (self.status, true), "{row}"),
        }
    }

    /// A stream of events that fails after three of them; the host's last words have the same type.
    pub(crate) fn event_stream(then: &str, shown: &str, error: &'static str, message: &'static str) -> Self {
        let last_words = Some(json!({"errorType": error, "message": shown}));
        let ending = json!({"ending": "sse", "then": then});
        Self { last_words, ..Self::broken(ending, EVENTS, error, message) }
    }

    fn hold_for_the_caller(&self, door: Door, answer: &Received, row: &str) {
        let (error, message) = self.error.unwrap_or_default();
        match (&self.left, door) {
            (Left::Complete, Door::Direct) => assert_eq!(answer.end, End::Complete { error: None, log: None }, "{row}"),
            (Left::Complete | Left::Broken | Left::ToldByStatus, Door::Url | Door::Api) => {
                assert_eq!((answer.status.as_u16(), &answer.end), (self.status, &End::Clean), "{row}");
            }
            (Left::Broken, Door::Direct) => {
                assert_eq!(answer.error_code(), Some(error), "{row}: {:?}", answer.end);
                let details = answer.error_details().expect("details");
                assert_eq!(details["errorType"], error, "{row}");
                assert!(details["errorMessage"].as_str().is_some_and(|text| text.contains(message)), "{row}: {details}");
            }
            (Left::Unstarted(..) | Left::Mistaken(..) | Left::ToldByStatus, Door::Direct) => {
                // As on AWS: the document is the payload, and nothing says that it is one.
                assert_eq!((answer.content_type(), answer.error_code()), (Some("application/json"), None), "{row}");
                let document = answer.json();
                assert_eq!(document["errorType"], error, "{row}");
                assert!(document["errorMessage"].as_str().is_some_and(|text| text.contains(message)), "{row}: {document}");
                return;
            }
            (Left::Unstarted(status, shown) | Left::Mistaken(status, shown), Door::Url | Door::Api) => {
                assert_eq!((answer.status.as_u16(), &answer.end), (*status, &End::Clean), "{row}: {}", answer.text());
                assert_eq!(answer.content_type(), Some("application/json"), "{row}");
                assert_eq!(answer.json(), json!({"message": shown}), "{row}: and nothing internal");
                return;
            }
        }
        let bytes = answer.bytes();
        let (wrote, rest) = bytes.split_at_checked(self.wrote.len()).unwrap_or((&bytes, &[]));
        assert_eq!((wrote.len(), wrote == self.wrote), (self.wrote.len(), true), "{row}: {}", answer.text());
        let rest = String::from_utf8_lossy(rest);
        match &self.last_words {
            None => assert_eq!(rest, "", "{row}"),
            Some(data) => {
                let event = rest.strip_prefix("\n\nevent: error\ndata: ").unwrap_or_else(|| panic!("{row}: {rest:?}"));
                assert_eq!(&serde_json::from_str::<Value>(event.trim_end()).expect("JSON"), data, "{row}");
                assert!(event.ends_with("\n\n"), "{row}");
            }
        }
    }

    fn hold_for_lambda(&self, door: Door, invoked: &Invoked, row: &str) {
        let seen = &invoked.seen;
        let is_answered = matches!(self.left, Left::Mistaken(..) | Left::ToldByStatus) && door.is_http();
        let (error, message) = self.error.filter(|_| !is_answered).unzip();
        assert_eq!(seen.error_type(), error, "{row}");
        assert!(seen.error_message().contains(message.unwrap_or_default()), "{row}: {}", seen.error_message());
        assert!(!seen.platform().iter().any(|line| line.contains("Task timed out")), "{row}");
        let shown = door.is_http() && matches!(self.left, Left::Unstarted(..));
        let hidden = door.is_http() && error.is_some() && !shown;
        assert_eq!(!seen.not_shown().is_empty(), hidden, "{row}: {:?}", seen.not_shown());
        assert_eq!(!seen.failures_shown().is_empty(), shown, "{row}: {:?}", seen.failures_shown());
        if let (true, Left::Unstarted(status, words)) = (shown, &self.left) {
            let told = format!("the client got {status} and ");
            assert!(seen.failures_shown().iter().all(|what| what.starts_with(&told) && what.contains(words)), "{row}");
        }
    }
}
