//! What the guests of the standard worlds are asked to do: the same endings for both generations of `wasi:http`.

use serde::Deserialize;

/// How a request is answered, as its body says it in JSON.
#[derive(Debug, Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case")]
pub enum Ending {
    /// So many bytes of [`pattern`], in so many writes.
    Ok {
        /// Bytes in all.
        #[serde(default = "thousand")]
        bytes: usize,
        /// Writes.
        #[serde(default = "one")]
        writes: usize,
    },
    /// A status and no body.
    HeadOnly {
        /// The status.
        status: u16,
    },
    /// A status and a body that says so.
    Status {
        /// The status.
        status: u16,
    },
    /// What the article's handler answers, with its wait.
    Greeting {
        /// Whom to greet.
        name: String,
    },
    /// So many tokens, so many milliseconds apart.
    Tokens {
        /// How many.
        count: usize,
        /// The pause before each.
        ms: u64,
    },
    /// The request, as a line of JSON, then its body.
    Echo,
    /// A body and trailers.
    Trailers,
    /// A response whose head has a header of so many bytes.
    BigHead {
        /// Bytes of its value.
        bytes: usize,
    },
    /// An error in place of a response.
    ErrBefore,
    /// An error, or a body that is left, in the middle.
    ErrAfter,
    /// Nothing.
    NeverAnswered,
    /// A panic, before the head or after it.
    Panic {
        /// Whether the response was begun.
        #[serde(default)]
        started: bool,
    },
    /// An exit with this status.
    Exit {
        /// Whether the response was begun.
        #[serde(default)]
        started: bool,
    },
    /// More memory than there is.
    Memory {
        /// Whether the response was begun.
        #[serde(default)]
        started: bool,
    },
    /// Computing without an end.
    Spin {
        /// Whether the response was begun.
        #[serde(default)]
        started: bool,
    },
    /// Waiting without an end.
    Wait {
        /// Whether the response was begun.
        #[serde(default)]
        started: bool,
    },
    /// A response without an end, in writes of 64 KiB.
    Flood,
    /// A whole response, and then work that fails.
    WorkAfter,
    /// How often this instance was asked.
    Reuse,
    /// Holds what it can of the host's memory.
    Hoard {
        /// What it holds.
        #[serde(default)]
        what: Hoard,
        /// How many.
        count: usize,
    },
}

/// What the host can be made to hold.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hoard {
    /// Fields with long values.
    #[default]
    Fields,
    /// Copies of the request's own headers.
    Headers,
    /// Requests, unsent, with long headers.
    Requests,
    /// Pairs of a stream's ends.
    Streams,
    /// Pairs of a future's ends.
    Futures,
    /// Waits that go on.
    Waits,
}

fn thousand() -> usize {
    1000
}

fn one() -> usize {
    1
}

impl Ending {
    /// What the body of a request asks for.
    ///
    /// # Panics
    /// If it asks for nothing that there is.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(body)))
    }

    /// Whether the response is begun first.
    #[must_use]
    pub fn started(&self) -> bool {
        match self {
            Self::Panic { started }
            | Self::Exit { started }
            | Self::Memory { started }
            | Self::Spin { started }
            | Self::Wait { started } => *started,
            _ => true,
        }
    }

    /// The status of its head.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::HeadOnly { status } | Self::Status { status } => *status,
            _ => 200,
        }
    }

    /// What goes wrong without a word of HTTP, if that is what is asked for.
    pub fn go_wrong(&self) {
        match self {
            Self::Panic { .. } => panic!("this panic was to be expected"),
            Self::Exit { .. } => std::process::exit(3),
            Self::Memory { .. } => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(vec![1_u8; 1 << 20]);
                }
            }
            Self::Spin { .. } => {
                let mut count = 0_u64;
                loop {
                    count = std::hint::black_box(count.wrapping_add(1));
                }
            }
            _ => {}
        }
    }
}

/// The bytes of an answer from offset `from` on: the one at offset `n` is `n % 251`.
#[must_use]
pub fn pattern(from: usize, bytes: usize) -> Vec<u8> {
    (0..=250).cycle().skip(from % 251).take(bytes).collect()
}

/// Where each of `writes` writes of `bytes` bytes ends.
pub fn cuts(bytes: usize, writes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..writes).map(move |n| (bytes * n / writes, bytes * (n + 1) / writes))
}
