//! The console of `serve`: its options, and where it listens.

use anyhow::{Context as _, Result, bail};
use clap::Args;
use firstbyte_console::{Bounds, Console, OpenConsole};
use firstbyte_emulator::{Emulator, Settings};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// Where the console is, unless somebody else is there.
const PORT: u16 = 9003;

#[derive(Args)]
#[group(id = "console")]
pub(crate) struct Arguments {
    /// Port of the console, a web page that shows every invocation as it happens; if absent, 9003, or any free port where that
    /// one is taken
    #[arg(long, value_name = "PORT")]
    console_port: Option<u16>,

    /// No console
    #[arg(long, conflicts_with_all = ["console_port", "redact"])]
    no_console: bool,

    /// A header whose values the console neither shows nor saves, besides those that carry credentials, such as Authorization
    /// and Cookie. May be given several times
    #[arg(long, value_name = "HEADER")]
    redact: Vec<String>,
}

/// A console whose emulator has not started.
pub(crate) struct Prepared {
    console: Console,
    listener: TcpListener,
    handler: String,
    allow_hosts: Vec<String>,
}

impl Arguments {
    /// Prepares the console of the emulator that `settings` are for, if one is wanted. `handler` is the name of the handler's
    /// file.
    pub(crate) async fn prepare(self, settings: &mut Settings, handler: String) -> Result<Option<Prepared>> {
        if self.no_console {
            return Ok(None);
        }
        let listener = listen(self.console_port).await?;
        let console = Console::new(&self.redact, Bounds::default()).await.context("the console cannot listen")?;
        settings.tap = Some(console.tap());
        Ok(Some(Prepared { console, listener, handler, allow_hosts: settings.allow_hosts.clone() }))
    }
}

async fn listen(port: Option<u16>) -> Result<TcpListener> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    match (bind(port.unwrap_or(PORT)).await, port) {
        (Ok(listener), _) => Ok(listener),
        // Who starts two servers gives them doors of their own, and may not know of consoles.
        (Err(_), None) => bind(0).await.context("the console cannot listen"),
        (Err(error), Some(port)) if error.kind() == io::ErrorKind::AddrInUse => bail!(
            "port {port} is in use: choose another one for the console with --console-port, 0 for any free one, or --no-console"
        ),
        (Err(error), Some(port)) => Err(error).context(format!("the console cannot listen on port {port}")),
    }
}

impl Prepared {
    /// Where it listens for what runtimes record.
    pub(crate) fn records(&self) -> SocketAddr {
        self.console.records()
    }

    /// Opens it.
    pub(crate) fn open(self, emulator: &Emulator) -> Result<OpenConsole> {
        self.console.open(self.listener, emulator, self.handler, self.allow_hosts).context("the console cannot listen")
    }
}
