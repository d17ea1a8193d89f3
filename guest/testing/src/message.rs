//! What a test and whoever runs its handler say to each other: JSON, one document per line.
//!
//! The host says [`FromHost::Ready`], the test has it load a component, and then invokes this as often as it likes. While an
//! invocation runs, the host asks the test for what other servers answer.

use crate::answer::Answer;
use crate::response::Collected;
use crate::upstream::UpstreamRequest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Changes with the messages: a test and a host that have different ones do not understand each other.
pub(crate) const PROTOCOL: u32 = 1;

/// What a test says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromTest {
    Load(Load),
    Invoke(Invocation),
    /// What the other server answers, if the test knows that server.
    Answer(Option<Answer>),
}

/// What a host says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromHost {
    Ready {
        protocol: u32,
        version: String,
    },
    /// The component can be invoked, or the reason why it cannot.
    Loaded(Result<(), String>),
    Ask(UpstreamRequest),
    Settled(Collected),
}

/// A component, and the function's environment variables.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) wasm: PathBuf,
    pub(crate) environment: Vec<(String, String)>,
    /// Where machine code may be kept; absent if no folder is known for it.
    pub(crate) cache: Option<PathBuf>,
}

/// An invocation, as Lambda would deliver it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Invocation {
    #[serde(with = "base64")]
    pub(crate) event: Vec<u8>,
    pub(crate) context: Context,
    pub(crate) timeout: Duration,
    pub(crate) is_paused: bool,
    /// What it is given to go as another invocation went.
    #[serde(default)]
    pub(crate) replaying: Option<Replaying>,
}

/// What an invocation is given to go as another one went.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Replaying {
    /// What its random numbers are made of.
    pub(crate) seed: u64,
    /// What its wall clock says when it begins, since the Unix epoch.
    pub(crate) clock: Duration,
}

/// What Lambda says of an invocation, besides its event.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Context {
    /// Absent where any will do.
    #[serde(default)]
    pub(crate) request_id: Option<String>,
    /// Absent where any will do.
    #[serde(default)]
    pub(crate) function_arn: Option<String>,
    pub(crate) trace_id: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) client_context: Option<String>,
    pub(crate) cognito_identity: Option<String>,
}

/// Sends a message.
pub(crate) fn send(output: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()
}

/// Waits for a message. None if there will be no other.
pub(crate) fn receive<M: DeserializeOwned>(input: &mut impl BufRead) -> io::Result<Option<M>> {
    let mut line = String::new();
    match input.read_line(&mut line)? {
        0 => Ok(None),
        _ => Ok(Some(serde_json::from_str(&line)?)),
    }
}

/// Bytes as a string of JSON.
pub(crate) mod base64 {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
