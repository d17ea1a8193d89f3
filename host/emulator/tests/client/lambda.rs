//! A client of the Lambda API: `Invoke`, and `InvokeWithResponseStream` with its frames.

use super::{Received, send};
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use bytes::{Bytes, BytesMut};
use firstbyte_emulator::Emulator;
use http::{Request, Version};

/// Frames of an event stream as they come.
pub(crate) struct Frames {
    pub(crate) answer: Received,
    decoder: MessageFrameDecoder,
    pending: BytesMut,
}

impl Frames {
    pub(crate) fn of(answer: Received) -> Self {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/vnd.amazon.eventstream");
        Self { answer, decoder: MessageFrameDecoder::new(), pending: BytesMut::new() }
    }

    /// Type and payload of the next event; none at a clean end.
    pub(crate) async fn next(&mut self) -> Option<(String, Bytes)> {
        loop {
            if let DecodedFrame::Complete(message) = self.decoder.decode_frame(&mut self.pending).expect("frames") {
                let headers: Vec<(String, String)> = message
                    .headers()
                    .iter()
                    .map(|header| {
                        (header.name().as_str().to_owned(), header.value().as_string().expect("text").as_str().to_owned())
                    })
                    .collect();
                assert_eq!(headers[2], (":message-type".to_owned(), "event".to_owned()));
                return Some((headers[0].1.clone(), message.payload().clone()));
            }
            let piece = self.answer.next().await?;
            self.pending.extend_from_slice(&piece.expect("no cut"));
        }
    }

    /// All payload that is left, and the last event.
    pub(crate) async fn rest(mut self) -> (String, serde_json::Value) {
        let mut payload = Vec::new();
        let mut complete = None;
        while let Some((kind, bytes)) = self.next().await {
            assert!(complete.is_none(), "InvokeComplete is the last");
            match kind.as_str() {
                "PayloadChunk" => payload.extend_from_slice(&bytes),
                "InvokeComplete" => complete = Some(serde_json::from_slice(&bytes).expect("JSON")),
                other => panic!("{other}"),
            }
        }
        (String::from_utf8(payload).expect("UTF-8"), complete.expect("InvokeComplete"))
    }
}

pub(crate) async fn stream(emulator: &Emulator, payload: &str, headers: &[(&str, &str)]) -> Frames {
    let url = format!("{}/2021-11-15/functions/raw/response-streaming-invocations", emulator.lambda_url());
    let request = headers.iter().fold(Request::post(url), |request, (name, value)| request.header(*name, *value));
    Frames::of(send(request, payload, Version::HTTP_11).await)
}

pub(crate) async fn invoke(emulator: &Emulator, name: &str, payload: &str, headers: &[(&str, &str)]) -> Received {
    let url = format!("{}/2015-03-31/functions/{name}/invocations", emulator.lambda_url());
    let request = headers.iter().fold(Request::post(url), |request, (name, value)| request.header(*name, *value));
    send(request, payload, Version::HTTP_11).await
}
