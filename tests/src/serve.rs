//! `firstbyte` as a process: `serve` while it runs, and commands that end by themselves.

use crate::door::Doors;
use crate::process::{runtimes_of, send_signal};
use crate::program::{Program, workspace};
use crate::soon;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// `serve`, wherever there is room. The console's port is last.
const ANY_PORTS: [&str; 9] = ["serve", "--lambda-port", "0", "--url-port", "0", "--api-port", "0", "--console-port", "0"];

/// A command that has ended.
#[derive(Debug)]
pub struct Run {
    /// How.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Run {
    /// The one line on standard error.
    ///
    /// # Panics
    /// If there is not exactly one.
    #[must_use]
    pub fn only_line(&self) -> &str {
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "not one line: {self:#?}");
        lines[0]
    }
}

/// Runs `firstbyte` to its end.
///
/// # Panics
/// If it does not end.
pub async fn firstbyte(arguments: &[&str]) -> Run {
    let mut command = command(arguments);
    let output = soon("the end of firstbyte", command.output()).await.expect("firstbyte runs");
    Run {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A command in a project's folder. What is built goes where the workspace's own builds go: most of it is there already.
#[must_use]
pub fn in_project(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = quiet(program);
    command.current_dir(folder).env("CARGO_TARGET_DIR", workspace().join("target"));
    // The command line comes first on the path, as where it is installed.
    let programs = Program::Firstbyte.path().parent().into_iter().map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(programs.chain(std::env::split_paths(&path))).expect("a path");
    command.env("PATH", path);
    command
}

fn command(arguments: &[&str]) -> Command {
    let mut command = quiet(Program::Firstbyte.path());
    command.args(arguments);
    command
}

/// A command with pipes, that ends with the test.
fn quiet(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    // Settings of whoever runs the tests are not for what is tested.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FIRSTBYTE_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs `firstbyte` until it has printed its first line, stops reading, and waits for its end.
///
/// # Panics
/// If it prints nothing or does not end.
pub async fn firstbyte_to_head(arguments: &[&str]) -> Run {
    let mut child = command(arguments).spawn().expect("firstbyte runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = soon("the first line", lines.next_line()).await.expect("UTF-8").expect("a line");
    drop(lines);
    let output = soon("the end of firstbyte", child.wait_with_output()).await.expect("it ends");
    Run { status: output.status, stdout: line, stderr: String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// A running `firstbyte serve`.
#[derive(Debug)]
pub struct Serve {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it said up to where its doors are.
    introduction: Vec<String>,
    /// Where its doors are.
    pub doors: Doors,
}

impl Serve {
    /// Starts `firstbyte serve`, with any free ports, and waits until it has said where its doors are.
    ///
    /// # Panics
    /// If it does not.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_as(command(&[]), arguments).await
    }

    /// The same by a command that is the program, in whatever folder.
    ///
    /// # Panics
    /// If it does not.
    pub async fn start_as(mut command: Command, arguments: &[&str]) -> Self {
        command.args(ANY_PORTS).args(arguments);
        Self::start_by(command).await
    }

    /// The same without a word of the console.
    ///
    /// # Panics
    /// If it does not.
    pub async fn start_without_console_options(arguments: &[&str]) -> Self {
        let [ports @ .., _, _] = ANY_PORTS;
        Self::start_by(command(&[&ports[..], arguments].concat())).await
    }

    async fn start_by(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::inherit()).spawn().expect("firstbyte runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut said = Vec::new();
        while said.last().is_none_or(|line: &String| line != "Ctrl-C stops") {
            let line = soon("where the doors are", lines.next_line()).await.expect("UTF-8");
            said.push(line.unwrap_or_else(|| panic!("serve ended: {said:#?}")));
        }
        let of = |name: &str| {
            let line = said.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}: {said:#?}"));
            line.trim_start().to_owned()
        };
        let url = |name: &str| of(name).split_whitespace().next().unwrap_or_default().to_owned();
        let function = of("Lambda API").split('"').nth(1).unwrap_or_default().to_owned();
        let doors = Doors { lambda: url("Lambda API"), url: url("Function URL"), api: url("API Gateway"), function };
        Self { child, lines, introduction: said, doors }
    }

    /// Starts `firstbyte serve`, with any free ports, and waits for nothing but its first child process.
    ///
    /// # Panics
    /// If it starts none.
    pub async fn starting(arguments: &[&str]) -> (Child, u32) {
        let child = command(&[&ANY_PORTS[..], arguments].concat()).spawn().expect("firstbyte runs");
        let pid = child.id().expect("it runs");
        let started = soon("a child process", async {
            loop {
                match runtimes_of(pid)[..] {
                    [first, ..] => break first,
                    [] => tokio::task::yield_now().await,
                }
            }
        });
        let started = started.await;
        (child, started)
    }

    /// Its process.
    ///
    /// # Panics
    /// If it has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// The processes of its environments.
    #[must_use]
    pub fn environments(&self) -> Vec<u32> {
        runtimes_of(self.pid())
    }

    /// Whether it has printed a line with this text, or does.
    pub async fn said(&mut self, text: &str) -> bool {
        self.introduction.iter().any(|line| line.contains(text)) || !self.until_printed(text).await.is_empty()
    }

    /// Waits until it has printed a line with this text.
    ///
    /// # Panics
    /// If it does not.
    pub async fn until_printed(&mut self, text: &str) -> String {
        loop {
            let line = soon(text, self.lines.next_line()).await.expect("UTF-8");
            let line = line.unwrap_or_else(|| panic!("serve ended without saying {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// What it said up to where its doors are.
    #[must_use]
    pub fn introduction(&self) -> &[String] {
        &self.introduction
    }

    /// Reads no more of what it prints, and closes the pipe.
    #[must_use]
    pub fn read_no_more(self) -> Child {
        self.child
    }

    /// Waits until it cannot print more, because nobody reads what it printed.
    pub async fn until_blocked(&mut self) {
        // A pipe has room for 64 KiB; a line that does not fit any more waits in whole.
        let pipe = self.lines.get_ref().get_ref();
        let is_full = || rustix::io::ioctl_fionread(pipe).is_ok_and(|bytes| bytes > 60_000);
        let full = async {
            while !is_full() {
                tokio::task::yield_now().await;
            }
        };
        soon("a full pipe", full).await;
    }

    /// Sends it a signal and waits for its end.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn end_by(mut self, signal: rustix::process::Signal) -> ExitStatus {
        send_signal(self.pid(), signal);
        soon("the end of serve", self.child.wait()).await.expect("it ends")
    }
}
