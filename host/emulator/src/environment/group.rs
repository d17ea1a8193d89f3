//! The process group of an environment: the runtime, whatever it starts, and a guard that ends them all when the emulator is
//! gone, however that ended. What moves to a group or session of its own is out of reach.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// The guard reads what only the emulator could write to it, which is nothing. It comes to the end when the last of the
/// emulator's descriptors is closed, by a `SIGKILL` too, and ends its group. Signals to the group do not end it before.
const GUARD: &str = "trap '' HUP INT QUIT TERM; read line; kill -s KILL 0";

/// A process group.
#[derive(Debug)]
pub(super) struct Group {
    /// The group's first process. It is not waited for while the group may be signalled, so that the system gives its id,
    /// which is also the group's, to nobody else.
    guard: Child,
    id: Option<Pid>,
}

impl Group {
    /// A group with nothing in it but its guard.
    pub(super) fn new() -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD]).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).kill_on_drop(true);
        let guard = command.spawn().map_err(|error| io::Error::new(error.kind(), format!("/bin/sh cannot be run: {error}")))?;
        let id = guard.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self { guard, id })
    }

    /// Has `command` run in this group.
    pub(super) fn take_in(&self, command: &mut Command) {
        if let Some(id) = self.id {
            command.process_group(id.as_raw_nonzero().get());
        }
    }

    /// Ends every process in it and waits for the guard's end. No signal reaches the group afterwards.
    pub(super) async fn end(mut self) {
        self.kill();
        self.id = None;
        // It was killed; and if it cannot be waited for, nothing depends on it.
        let _ = self.guard.wait().await;
    }

    fn kill(&self) {
        if let Some(id) = self.id {
            // A group that is gone already is what was wanted.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
