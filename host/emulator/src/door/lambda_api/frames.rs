//! Frames of `application/vnd.amazon.eventstream`, as `InvokeWithResponseStream` sends them.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use serde_json::json;

/// The content type of a stream of frames.
pub(super) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// How much payload a frame has at most. Larger ones are slow in some SDKs, which copy while a frame is incomplete.
const PAYLOAD: usize = 64 * 1024;

/// `PayloadChunk` frames with `chunk`.
pub(super) fn payload(mut chunk: Bytes) -> Bytes {
    let mut frames = Vec::with_capacity(chunk.len() + 128 * (chunk.len() / PAYLOAD + 1));
    while !chunk.is_empty() {
        let piece = chunk.split_to(chunk.len().min(PAYLOAD));
        write("PayloadChunk", "application/octet-stream", piece, &mut frames);
    }
    frames.into()
}

/// What the last frame tells.
#[derive(Debug, Default)]
pub(super) struct Complete {
    /// Code and details of an error.
    pub(super) error: Option<(String, String)>,
    /// The log's tail in base64, if the caller asked for it.
    pub(super) log: Option<String>,
}

/// The `InvokeComplete` frame.
pub(super) fn complete(complete: Complete) -> Bytes {
    let mut json = json!({});
    if let Some((code, details)) = complete.error {
        json["ErrorCode"] = code.into();
        json["ErrorDetails"] = details.into();
    }
    if let Some(log) = complete.log {
        json["LogResult"] = log.into();
    }
    let mut frame = Vec::new();
    write("InvokeComplete", "application/json", json.to_string().into(), &mut frame);
    frame.into()
}

fn write(event_type: &'static str, content_type: &'static str, payload: Bytes, frames: &mut Vec<u8>) {
    let header = |name: &'static str, value: &'static str| Header::new(name, HeaderValue::String(value.into()));
    let message = Message::new(payload)
        .add_header(header(":event-type", event_type))
        .add_header(header(":content-type", content_type))
        .add_header(header(":message-type", "event"));
    write_message_to(&message, frames).expect("three short headers and a payload far below 4 GiB fit a frame");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_payload_frame_is_as_lambda_sends_it() {
        assert_eq!(
            hex(&payload(Bytes::from_static(b"Hello world "))),
            "000000760000005a980e72ec0b3a6576656e742d7479706507000c5061796c6f61644368756e6b0d3a636f6e74656e742d747970650700186170706c\
             69636174696f6e2f6f637465742d73747265616d0d3a6d6573736167652d747970650700056576656e7448656c6c6f20776f726c642033971fd8"
        );
    }

    #[test]
    fn the_last_frame_is_as_lambda_sends_it() {
        assert_eq!(
            hex(&complete(Complete::default())),
            "00000066000000541f56c8690b3a6576656e742d7479706507000e496e766f6b65436f6d706c6574650d3a636f6e74656e742d747970650700106170\
             706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b7d7006d467"
        );
    }

    #[test]
    fn large_chunks_become_several_frames() {
        let mut frames = payload(Bytes::from(vec![7; 2 * PAYLOAD + 1]));
        let mut sizes = Vec::new();
        while !frames.is_empty() {
            let message = aws_smithy_eventstream::frame::read_message_from(&mut frames).expect("a frame");
            sizes.push(message.payload().len());
        }
        assert_eq!(sizes, [PAYLOAD, PAYLOAD, 1]);
    }
}
