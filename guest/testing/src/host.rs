//! Who runs a test's handler: the installed command line, or, with the feature `embedded`, this very process.

use crate::component::LoadError;
use crate::message::{Invocation, Load};
use crate::response::Collected;
use crate::servers::Servers;

/// Runs one component, one invocation after the other.
pub(crate) trait Host: std::fmt::Debug + Send {
    /// Invokes the component and waits for its outcome.
    ///
    /// # Errors
    /// The host is gone; nothing can be invoked any more.
    fn invoke(&mut self, invocation: Invocation) -> Result<Collected, Lost>;
}

/// A host that is gone, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Lost(pub(crate) String);

/// Has the component loaded. What it asks of others, `servers` will answer.
#[cfg(not(feature = "embedded"))]
pub(crate) fn load(load: Load, servers: &Servers) -> Result<Box<dyn Host>, LoadError> {
    Ok(Box::new(crate::command::CommandLine::start(&crate::command::program(), load, servers.clone())?))
}

/// Has the component loaded. What it asks of others, `servers` will answer.
#[cfg(feature = "embedded")]
pub(crate) fn load(load: Load, servers: &Servers) -> Result<Box<dyn Host>, LoadError> {
    let network = std::sync::Arc::new(servers.clone());
    Ok(Box::new(crate::embedded::Embedded::load(load, network).map_err(LoadError::Unusable)?))
}
