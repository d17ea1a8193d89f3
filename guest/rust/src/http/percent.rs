//! Percent-encoding, of one part of a path or of a cookie.

use std::{borrow::Cow, fmt::Write as _};

/// Undoes it. What is not encoded properly stays as it is; none if the outcome is not text.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    decode_but(text, |_| None)
}

/// Undoes it but for `/` and `%`: a path that is decoded so can still be split at its slashes, and decoded after that.
#[cfg(any(test, feature = "router"))]
pub(crate) fn decode_path(path: &str) -> Option<Cow<'_, str>> {
    decode_but(path, |byte| match byte {
        b'/' => Some("%2F"),
        b'%' => Some("%25"),
        _ => None,
    })
}

/// `instead` is what stands for an encoded byte, or for a `%` that encodes nothing, in place of the byte itself.
fn decode_but(text: &str, instead: impl Fn(u8) -> Option<&'static str>) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, later @ ..] = rest {
        let encoded = later.get(..2).filter(|_| *first == b'%').and_then(hex);
        let byte = encoded.unwrap_or(*first);
        match instead(byte).filter(|_| *first == b'%') {
            Some(text) => decoded.extend_from_slice(text.as_bytes()),
            None => decoded.push(byte),
        }
        rest = if encoded.is_some() { &later[2..] } else { later };
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0, |value, digit| Some(value * 16 + u8::try_from(char::from(*digit).to_digit(16)?).ok()?))
}

/// Encodes all bytes but those that `stays` says yes to. Whoever reads it again wants `%` not to stay.
pub(crate) fn encode(text: &str, stays: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if stays(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_encoded_properly_stays() {
        for (encoded, decoded) in
            [("a%20b", "a b"), ("%", "%"), ("%4", "%4"), ("%zz%2", "%zz%2"), ("100%25", "100%"), ("%C3%bc", "ü")]
        {
            assert_eq!(decode(encoded).as_deref(), Some(decoded));
        }
        assert_eq!(decode("%+4%-1%ü").as_deref(), Some("%+4%-1%ü"));
        assert_eq!(decode("%ff"), None);
    }

    #[test]
    fn a_path_keeps_its_slashes_apart() {
        assert_eq!(decode_path("/%2F%41%25%2f/%/%%34%31").as_deref(), Some("/%2FA%25%2F/%25/%2541"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_was_written(text in "\\PC*") {
            let encoded = encode(&text, |byte| byte.is_ascii_alphanumeric());
            prop_assert_eq!(decode(&encoded), Some(Cow::Borrowed(&*text)));
        }

        #[test]
        fn a_path_that_is_decoded_in_two_steps_is_decoded_once(text in "[%0-9a-fA-Fx/ü]*") {
            let twice = decode_path(&text).and_then(|path| decode(&path).map(Cow::into_owned));
            prop_assert_eq!(twice, decode(&text).map(Cow::into_owned));
        }
    }
}
