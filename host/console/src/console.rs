//! The console: a history that the emulator fills, and a listener where it is read.

use crate::about::About;
use crate::history::{Bounds, History};
use crate::intake;
use crate::listener::{self, Shared};
use crate::redact::Redaction;
use crate::sender::Sender;
use firstbyte_emulator::{Emulator, Tap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A console before the emulator that it shows.
#[derive(Debug)]
pub struct Console {
    history: Arc<History>,
    records: SocketAddr,
    tasks: JoinSet<()>,
}

/// A console that can be looked at. Dropped, it ends.
#[derive(Debug)]
pub struct OpenConsole {
    address: SocketAddr,
    /// Dropped, they end.
    _tasks: JoinSet<()>,
}

impl Console {
    /// Makes a console that keeps what its tap is told.
    ///
    /// # Errors
    /// If it cannot listen for what runtimes record.
    pub async fn new(redact: &[String], bounds: Bounds) -> io::Result<Self> {
        let history = Arc::new(History::new(Redaction::new(redact), bounds));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let records = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(intake::serve(listener, history.clone()));
        Ok(Self { history, records, tasks })
    }

    /// What the emulator's settings take, so that its events come here.
    #[must_use]
    pub fn tap(&self) -> Tap {
        let history = self.history.clone();
        Tap::new(move |event| history.emulator(event))
    }

    /// Where a runtime connects to that records what it gives its handler: the value of `FIRSTBYTE_RECORD`.
    #[must_use]
    pub fn records(&self) -> SocketAddr {
        self.records
    }

    /// Opens the console on `listener`, for the emulator whose tap it is.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn open(
        mut self,
        listener: TcpListener,
        emulator: &Emulator,
        handler: String,
        allow_hosts: Vec<String>,
    ) -> io::Result<OpenConsole> {
        let address = listener.local_addr()?;
        let about = Arc::new(About::of(emulator, handler));
        let shared = Shared { history: self.history, about, sender: Sender::default(), allow_hosts };
        self.tasks.spawn(listener::serve(listener, Arc::new(shared)));
        Ok(OpenConsole { address, _tasks: self.tasks })
    }
}

impl OpenConsole {
    /// Where a browser finds it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}
