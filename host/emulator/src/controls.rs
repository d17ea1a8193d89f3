//! What can be changed while an emulator runs: the limits of invocations from now on, and whether an environment lives.

use crate::function::Function;
use std::sync::Arc;
use std::time::Duration;

/// What an invocation may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    /// Lambda's bandwidth for streamed responses.
    pub(crate) throttle: bool,
}

/// A hold on a running emulator. It does not keep the emulator running.
#[derive(Clone, Debug)]
pub struct Controls(pub(crate) Arc<Function>);

impl Controls {
    /// How long an invocation that begins now may last.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.0.limits().timeout
    }

    /// Sets how long invocations from now on may last; as the settings say, if `None`.
    pub fn set_timeout(&self, timeout: Option<Duration>) {
        let timeout = timeout.unwrap_or(self.0.settings.timeout);
        self.0.limit(|limits| limits.timeout = timeout);
    }

    /// Whether an invocation that begins now has Lambda's bandwidth.
    #[must_use]
    pub fn throttle(&self) -> bool {
        self.0.limits().throttle
    }

    /// Gives invocations from now on Lambda's bandwidth, or all there is.
    pub fn set_throttle(&self, throttle: bool) {
        self.0.limit(|limits| limits.throttle = throttle);
    }

    /// Kills an environment's process, as a crash would. Whether there is such an environment.
    #[must_use]
    pub fn kill(&self, environment: u32) -> bool {
        self.0.crash(environment)
    }
}
