//! What the console shows: which function, where its doors are, and what can be switched.

use crate::client::Target;
use crate::history::now_ms;
use firstbyte_emulator::{Controls, Door, Emulator};
use serde_json::{Value, json};

/// The emulator that the console belongs to.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) function: String,
    pub(crate) handler: String,
    pub(crate) controls: Controls,
    lambda: String,
    function_url: String,
    api_gateway: String,
    certificate: Option<String>,
    started_ms: f64,
}

impl About {
    pub(crate) fn of(emulator: &Emulator, handler: String) -> Self {
        Self {
            function: emulator.function_name().to_owned(),
            handler,
            controls: emulator.controls(),
            lambda: emulator.lambda_url(),
            function_url: emulator.function_url(),
            api_gateway: emulator.api_url(),
            certificate: emulator.certificate().map(ToOwned::to_owned),
            started_ms: now_ms(),
        }
    }

    /// A door, for a client that reads ahead so much. `None` if it is not known here.
    pub(crate) fn target(&self, door: Door, read_ahead: Option<u32>) -> Option<Target<'_>> {
        let (url, certificate) = match door {
            Door::Lambda => (&self.lambda, None),
            Door::FunctionUrl => (&self.function_url, None),
            Door::ApiGateway => (&self.api_gateway, self.certificate.as_deref()),
            _ => return None,
        };
        Some(Target { door, url, function: &self.function, certificate, read_ahead })
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "function": self.function,
            "handler": self.handler,
            "doors": {"lambda": self.lambda, "function_url": self.function_url, "api_gateway": self.api_gateway},
            "version": env!("CARGO_PKG_VERSION"),
            "started_ms": self.started_ms,
            "switches": self.switches(),
        })
    }

    /// How the switches stand for the next invocation.
    pub(crate) fn switches(&self) -> Value {
        let timeout = self.controls.timeout().as_secs_f64() * 1000.0;
        json!({"bandwidth": self.controls.throttle(), "timeout_ms": timeout})
    }
}
