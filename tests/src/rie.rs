//! AWS's own Runtime Interface Emulator in front of a bootstrap. It buffers what it is given, but its Runtime API server is
//! Lambda's: what it refuses, Lambda may refuse.

use crate::lambda::Function;
use crate::tool::Tool;
use crate::{Call, Received, send_to, soon};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Child;

/// A running emulator of AWS's.
#[derive(Debug)]
pub struct Rie {
    address: SocketAddr,
    _process: Child,
}

impl Rie {
    /// Starts it in front of a function's runtime.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(tool: &Tool, function: &Function) -> Self {
        // It takes no port 0: somebody else may be faster.
        for _ in 0..5 {
            let [address, api] = [(); 2].map(|()| free());
            let mut command = tool.command();
            command.arg("--runtime-interface-emulator-address").arg(address.to_string());
            command.arg("--runtime-api-address").arg(api.to_string());
            function.configure(&mut command);
            let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
            let mut this = Self { address, _process: process };
            if soon("AWS's emulator listens", this.listens()).await {
                return this;
            }
        }
        panic!("AWS's emulator found no port");
    }

    /// Whether it listens; not if it has ended.
    async fn listens(&mut self) -> bool {
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            if self._process.try_wait().is_ok_and(|ended| ended.is_some()) {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        true
    }

    /// Invokes the function with an event.
    pub async fn invoke(&self, event: String) -> Received {
        let url = format!("http://{}/2015-03-31/functions/function/invocations", self.address);
        send_to(&url, Call::post("application/json", event), http::Version::HTTP_11).await
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}
