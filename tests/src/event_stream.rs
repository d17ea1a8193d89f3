//! `application/vnd.amazon.eventstream`, as `InvokeWithResponseStream` answers.

use crate::received::End;
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use serde_json::Value;

/// The content type.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// One event.
pub(crate) enum Event {
    PayloadChunk(Bytes),
    InvokeComplete(End),
}

/// Undoes the frames.
#[derive(Default)]
pub(crate) struct Decoder {
    frames: MessageFrameDecoder,
    buffer: BytesMut,
}

impl Decoder {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The next event, if it is whole.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let frame = self.frames.decode_frame(&mut self.buffer).expect("an event stream");
        let DecodedFrame::Complete(message) = frame else { return None };
        let header = |name: &str| {
            let found = message.headers().iter().find(|header| header.name().as_str() == name);
            found.and_then(|header| Some(header.value().as_string().ok()?.as_str().to_owned())).unwrap_or_default()
        };
        assert_eq!(header(":message-type"), "event");
        match header(":event-type").as_str() {
            "PayloadChunk" => {
                assert_eq!(header(":content-type"), "application/octet-stream");
                Some(Event::PayloadChunk(message.payload().clone()))
            }
            "InvokeComplete" => {
                assert_eq!(header(":content-type"), "application/json");
                Some(Event::InvokeComplete(complete(message.payload())))
            }
            other => panic!("unexpected event {other:?}"),
        }
    }
}

fn complete(payload: &[u8]) -> End {
    let complete: Value = serde_json::from_slice(payload).expect("InvokeComplete is JSON");
    let text = |name: &str| complete.get(name).and_then(Value::as_str).map(str::to_owned);
    let log = text("LogResult").map(|log| {
        let log = STANDARD.decode(log).expect("base64");
        String::from_utf8_lossy(&log).into_owned()
    });
    End::Complete { error: text("ErrorCode").map(|code| (code, text("ErrorDetails").unwrap_or_default())), log }
}
