//! What a name stands for.

use crate::budget::Lookup;
use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;

/// A look-up under way.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Looks names up, once for each connection.
pub trait Resolve: Debug + Send + Sync {
    /// The addresses that `host` stands for at this moment, with `port`. A `host` that is an address stands for itself. `right`
    /// is kept until the look-up has ended, even if nobody waits for it any more.
    ///
    /// # Errors
    /// There are none, or nobody can tell.
    fn resolve(&self, host: &str, port: u16, right: Lookup) -> Resolving;
}

/// The machine's own resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str, port: u16, right: Lookup) -> Resolving {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Box::pin(std::future::ready(Ok(vec![(address, port).into()])));
        }
        let host = host.to_owned();
        Box::pin(async move {
            let look = move || {
                let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
                drop(right);
                found
            };
            tokio::task::spawn_blocking(look).await.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()))
        })
    }
}
