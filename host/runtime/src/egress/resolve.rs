//! What a name stands for.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

/// A look-up under way.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Looks names up, once for each connection.
pub trait Resolve: Debug + Send + Sync {
    /// The addresses that `host` stands for at this moment, with `port`. A `host` that is an address stands for itself.
    ///
    /// # Errors
    /// There are none, or nobody can tell.
    fn resolve(&self, host: &str, port: u16) -> Resolving;
}

/// The machine's own resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> Resolving {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
