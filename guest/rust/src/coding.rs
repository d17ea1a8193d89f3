//! Content codings: how a body is compressed on its way. Knows nothing of heads and hosts.

use std::io::{self, Write as _};

use crate::HttpRequest;

/// A content coding that this build has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    #[cfg(feature = "br")]
    Brotli,
    #[cfg(feature = "gzip")]
    Gzip,
}

impl Coding {
    /// In the order of preference, where a client has none.
    const ALL: &'static [Self] = &[
        #[cfg(feature = "br")]
        Self::Brotli,
        #[cfg(feature = "gzip")]
        Self::Gzip,
    ];

    /// The one that a client likes best, if it takes any.
    pub(crate) fn of(http: &HttpRequest) -> Option<Self> {
        let names: Vec<&str> = Self::ALL.iter().map(|coding| coding.name()).collect();
        let best = http.accepts_coding(&names)?;
        Self::ALL.iter().copied().find(|coding| coding.name() == best)
    }

    /// As in the header `content-encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "br")]
            Self::Brotli => "br",
            #[cfg(feature = "gzip")]
            Self::Gzip => "gzip",
        }
    }
}

/// Whether a body of this type gets smaller: most pictures, films and archives are compressed already.
pub(crate) fn is_compressible(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.split_once('/') {
        Some(("image", subtype)) => matches!(subtype, "svg+xml" | "bmp" | "x-icon" | "vnd.microsoft.icon"),
        Some(("audio" | "video", _)) => false,
        Some(("font", subtype)) => !matches!(subtype, "woff" | "woff2"),
        Some(("application", subtype)) => !matches!(subtype, "zip" | "gzip" | "zstd" | "x-7z-compressed" | "x-bzip2" | "x-xz"),
        _ => true,
    }
}

/// Compresses, so that what was given can be read as soon as what was got has arrived.
pub(crate) enum Encoder {
    #[cfg(feature = "br")]
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    #[cfg(feature = "gzip")]
    Gzip(Box<flate2::write::GzEncoder<Vec<u8>>>),
}

impl Encoder {
    pub(crate) fn new(coding: Coding) -> Self {
        match coding {
            // Quality 4 compresses better than gzip in about its time. A window of 256 KiB is kept small, as memory is.
            #[cfg(feature = "br")]
            Coding::Brotli => Self::Brotli(Box::new(brotli::CompressorWriter::new(Vec::new(), 4096, 4, 18))),
            #[cfg(feature = "gzip")]
            Coding::Gzip => Self::Gzip(Box::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default()))),
        }
    }

    /// What goes over the wire for these bytes, all of them.
    pub(crate) fn encode(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            #[cfg(feature = "br")]
            Self::Brotli(encoder) => {
                encoder.write_all(bytes)?;
                encoder.flush()?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            #[cfg(feature = "gzip")]
            Self::Gzip(encoder) => {
                encoder.write_all(bytes)?;
                encoder.flush()?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    /// What ends the body. Without it, whoever reads knows that something is missing.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            #[cfg(feature = "br")]
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
            #[cfg(feature = "gzip")]
            Self::Gzip(encoder) => encoder.finish(),
        }
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can be read of the beginning of a compressed body.
    fn decoded(coding: Coding, encoded: &[u8]) -> String {
        let mut text = vec![0; 1 << 20];
        let mut length = 0;
        let mut read = |reader: &mut dyn io::Read| {
            // It ends in an error where the body does in the middle.
            while let Ok(count @ 1..) = reader.read(&mut text[length..]) {
                length += count;
            }
        };
        match coding {
            #[cfg(feature = "br")]
            Coding::Brotli => read(&mut brotli::Decompressor::new(encoded, 4096)),
            #[cfg(feature = "gzip")]
            Coding::Gzip => read(&mut flate2::read::GzDecoder::new(encoded)),
        }
        text.truncate(length);
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn each_piece_can_be_read_when_it_has_arrived() {
        for coding in Coding::ALL {
            let mut encoder = Encoder::new(*coding);
            let (mut encoded, mut given) = (Vec::new(), String::new());
            for piece in ["data: 1\n\n", "data: 2\n\n", &"a long line, again and again\n".repeat(5000), "x"] {
                encoded.extend(encoder.encode(piece.as_bytes()).expect("memory takes anything"));
                given.push_str(piece);
                assert_eq!(decoded(*coding, &encoded), given, "{coding:?}");
            }
            encoded.extend(encoder.finish().expect("memory takes anything"));
            assert!(encoded.len() < given.len() / 20, "{coding:?}: {} bytes", encoded.len());
            assert_eq!(decoded(*coding, &encoded), given);
        }
    }

    #[test]
    fn what_is_compressed_already_is_left_alone() {
        for (content_type, compressible) in [
            ("text/html; charset=utf-8", true),
            ("image/svg+xml", true),
            ("application/json", true),
            ("text/event-stream", true),
            ("image/PNG", false),
            ("video/mp4", false),
            ("font/woff2", false),
            ("application/zip; x=y", false),
        ] {
            assert_eq!(is_compressible(content_type), compressible, "{content_type}");
        }
    }
}
