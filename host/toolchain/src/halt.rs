//! A way to end a build that is under way, with all the processes that its tools have started.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ends builds that were told of it, from another thread.
#[derive(Debug, Default)]
pub struct Halt(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// A tool is at work, in this group of processes.
    Building(Pid),
    Halted,
}

impl Halt {
    /// Ends the build that is under way, and every later one.
    pub fn now(&self) {
        if let State::Building(group) = std::mem::replace(&mut *self.lock(), State::Halted) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Runs a tool to its end, and keeps what it prints on standard output.
    pub(crate) fn run(&self, command: &mut Command) -> io::Result<Output> {
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
        let child = {
            let mut state = self.lock();
            if matches!(*state, State::Halted) {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the build was ended"));
            }
            let child = command.spawn()?;
            *state = State::Building(Pid::from_child(&child));
            child
        };
        let output = child.wait_with_output();
        let mut state = self.lock();
        if matches!(*state, State::Building(_)) {
            *state = State::Idle;
        }
        output
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn what_a_tool_started_ends_with_it() {
        let halt = Halt::default();
        let (mut reader, writer) = io::pipe().unwrap();
        std::thread::scope(|scope| {
            let run = scope.spawn(|| {
                let mut shell = Command::new("sh");
                // Both have the pipe open until they end.
                halt.run(shell.args(["-c", "sleep 1000 & echo ready >&2; wait"]).stderr(writer))
            });
            let mut ready = [0; 6];
            reader.read_exact(&mut ready).unwrap();
            halt.now();
            assert!(!run.join().unwrap().unwrap().status.success());
        });
        assert_eq!(reader.read(&mut [0]).unwrap(), 0, "nobody has the pipe");
        assert!(halt.run(&mut Command::new("true")).is_err(), "it stays ended");
    }

    #[test]
    fn what_a_tool_prints_is_kept() {
        let output = Halt::default().run(Command::new("echo").arg("built")).unwrap();
        assert_eq!(output.stdout, b"built\n");
    }
}
