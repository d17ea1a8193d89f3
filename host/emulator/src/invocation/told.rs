//! What the feed is told of a response as the runtime sends it: the head that a prelude has, and the body behind it.

use bytes::Bytes;
use firstbyte_wire::runtime_api::HTTP_INTEGRATION_RESPONSE;
use firstbyte_wire::{Prelude, PreludeDecoder};

/// How much of a response was read for its head.
#[derive(Debug)]
pub(super) enum Told {
    /// The prelude is not complete.
    Prelude(PreludeDecoder),
    /// Everything from here on is the body.
    Body,
}

impl Told {
    /// A response of this content type, which says whether a prelude comes first.
    pub(super) fn of(content_type: Option<&str>) -> Self {
        if content_type == Some(HTTP_INTEGRATION_RESPONSE) { Self::Prelude(PreludeDecoder::new()) } else { Self::Body }
    }

    /// Takes what the runtime sent next: the prelude, if it is complete with that, and what of it is the body. Without a valid
    /// prelude, all is the body.
    pub(super) fn take(&mut self, chunk: Bytes) -> (Option<Prelude>, Bytes) {
        let Self::Prelude(decoder) = self else { return (None, chunk) };
        match decoder.push(chunk.clone()) {
            Ok(None) => (None, Bytes::new()),
            Ok(Some((prelude, rest))) => {
                *self = Self::Body;
                (Some(prelude), rest)
            }
            Err(_) => {
                *self = Self::Body;
                (None, chunk)
            }
        }
    }
}

/// A prelude's headers, in the order in which a client gets them.
pub(super) fn headers(prelude: &Prelude) -> Vec<(String, String)> {
    let single = prelude.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    let multiple =
        prelude.multi_value_headers.iter().flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone())));
    let cookies = prelude.cookies.iter().map(|cookie| ("set-cookie".to_owned(), cookie.clone()));
    single.chain(multiple).chain(cookies).collect()
}
