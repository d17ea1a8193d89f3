//! The installed command line as the host of a test's handler: `firstbyte test-host`, a process for each component.

use crate::component::LoadError;
use crate::host::{Host, Lost};
use crate::message::{FromHost, FromTest, Invocation, Load, PROTOCOL, receive, send};
use crate::response::Collected;
use crate::servers::Servers;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// The command line to use: the `firstbyte` on the path, unless a variable names another.
#[cfg(not(feature = "embedded"))]
pub(crate) fn program() -> std::ffi::OsString {
    std::env::var_os("FIRSTBYTE").filter(|program| !program.is_empty()).unwrap_or_else(|| "firstbyte".into())
}

/// A process that runs one component.
#[derive(Debug)]
pub(crate) struct CommandLine {
    process: Child,
    host: Remote,
}

impl CommandLine {
    /// Starts the command line and has it load a component.
    pub(crate) fn start(program: &OsStr, load: Load, servers: Servers) -> Result<Self, LoadError> {
        let name = program.display().to_string();
        let mut command = Command::new(program);
        let command = command.arg("test-host").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = match command.spawn() {
            Ok(process) => process,
            Err(source) => return Err(LoadError::NoCommandLine { program: name, source }),
        };
        let input = process.stdin.take().expect("it is piped");
        let output = process.stdout.take().expect("it is piped");
        let host = Remote { name, input: Box::new(input), output: Box::new(BufReader::new(output)), servers };
        let mut this = Self { process, host };
        this.host.load(load)?;
        Ok(this)
    }
}

impl Host for CommandLine {
    fn invoke(&mut self, invocation: Invocation) -> Result<Collected, Lost> {
        self.host.invoke(invocation)
    }
}

impl Drop for CommandLine {
    fn drop(&mut self) {
        // It keeps nothing that a later test would need, and no process stays behind.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A host at the other end of two pipes.
struct Remote {
    name: String,
    input: Box<dyn Write + Send>,
    output: Box<dyn BufRead + Send>,
    servers: Servers,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Remote {
    fn load(&mut self, load: Load) -> Result<(), LoadError> {
        let other = |program: &Self, version| LoadError::OtherVersion { program: program.name.clone(), version };
        match self.receive() {
            Ok(FromHost::Ready { protocol: PROTOCOL, .. }) => {}
            Ok(FromHost::Ready { version, .. }) => return Err(other(self, Some(version))),
            Ok(_) | Err(_) => return Err(other(self, None)),
        }
        self.send(&FromTest::Load(load))?;
        match self.receive()? {
            FromHost::Loaded(Ok(())) => Ok(()),
            FromHost::Loaded(Err(reason)) => Err(LoadError::Unusable(reason)),
            message => Err(self.out_of_turn(&message).into()),
        }
    }

    fn invoke(&mut self, invocation: Invocation) -> Result<Collected, Lost> {
        self.send(&FromTest::Invoke(invocation))?;
        loop {
            match self.receive()? {
                FromHost::Settled(collected) => return Ok(collected),
                FromHost::Ask(request) => {
                    let answer = self.servers.answer(request);
                    self.send(&FromTest::Answer(answer))?;
                }
                message => return Err(self.out_of_turn(&message)),
            }
        }
    }

    fn send(&mut self, message: &FromTest) -> Result<(), Lost> {
        send(&mut self.input, message).map_err(|error| self.lost(&error))
    }

    fn receive(&mut self) -> Result<FromHost, Lost> {
        let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
        receive(&mut self.output).and_then(|message| message.ok_or_else(ended)).map_err(|error| self.lost(&error))
    }

    fn lost(&self, error: &io::Error) -> Lost {
        Lost(format!("`{} test-host` has ended or failed, and its standard error may say why: {error}", self.name))
    }

    fn out_of_turn(&self, message: &FromHost) -> Lost {
        Lost(format!("`{} test-host` spoke out of turn: {message:?}", self.name))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn load() -> Load {
        Load { wasm: "/nowhere/handler.wasm".into(), environment: Vec::new(), cache: None }
    }

    /// A host that says this, whatever it hears.
    fn saying(lines: &str) -> Remote {
        let output = io::Cursor::new(lines.to_owned().into_bytes());
        Remote {
            name: "firstbyte".to_owned(),
            input: Box::new(io::sink()),
            output: Box::new(output),
            servers: Servers::default(),
        }
    }

    #[test]
    fn a_command_line_that_is_missing_or_too_old_is_told_with_what_to_do() {
        let missing = CommandLine::start("/nowhere/firstbyte".as_ref(), load(), Servers::default()).unwrap_err().to_string();
        assert!(
            missing.starts_with("cannot run `/nowhere/firstbyte`, which runs the handler of a test: No such file"),
            "{missing}"
        );
        assert!(missing.contains("cargo install firstbyte-cli --locked") && missing.contains("FIRSTBYTE"), "{missing}");

        // What clap says of a subcommand that it does not know goes to standard error.
        let old = CommandLine::start("false".as_ref(), load(), Servers::default()).unwrap_err().to_string();
        let this = concat!("and this is firstbyte-testing ", env!("CARGO_PKG_VERSION"), ": install the same version of both");
        assert_eq!(old, format!("`false`, which runs the handler of a test, cannot do that, {this}"));

        let other = saying("{\"Ready\":{\"protocol\":99,\"version\":\"9.9.9\"}}\n").load(load()).unwrap_err().to_string();
        assert_eq!(other, format!("`firstbyte`, which runs the handler of a test, is version 9.9.9, {this}"));
    }

    #[test]
    fn a_host_that_ends_or_says_nonsense_is_lost_and_not_waited_for() {
        let ready = format!("{{\"Ready\":{{\"protocol\":{PROTOCOL},\"version\":\"x\"}}}}\n");
        for (then, told) in [("", "has ended or failed"), ("what?\n", "has ended or failed"), (&*ready, "spoke out of turn")] {
            let lost = saying(&format!("{ready}{then}")).load(load()).unwrap_err();
            assert!(matches!(lost, LoadError::Lost(_)) && lost.to_string().contains(told), "{then:?}: {lost}");
        }
        let refused = saying(&format!("{ready}{{\"Loaded\":{{\"Err\":\"it is not a handler\"}}}}\n")).load(load()).unwrap_err();
        assert_eq!(refused.to_string(), "it is not a handler");
    }

    /// What a test gets from a host in another process is what it gets from one in its own.
    #[cfg(feature = "embedded")]
    #[test]
    fn a_host_behind_pipes_answers_as_one_in_this_process() {
        use crate::embedded::{Embedded, serve};
        use crate::{Answer, Event, Upstream};
        use std::sync::Arc;
        use std::time::Duration;

        let wasm =
            firstbyte_toolchain::build(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/chat").as_ref()).expect("it builds");
        let environment =
            [("CHAT_BASE_URL", "https://model.example"), ("FIRSTBYTE_ALLOW_HTTP", "https://model.example,https://other.example")];
        let environment: Vec<_> = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let load = || Load { wasm: wasm.clone(), environment: environment.clone(), cache: None };
        let servers = Servers::default();
        let event = "data: {\"choices\":[{\"delta\":{\"content\":\"\u{1F980}\"}}]}\n\n";
        let answer = move |_: &_| Answer::new(200).chunk(event).pause(Duration::from_secs(20)).chunk(event).break_off();
        let model = Upstream::new(answer);
        servers.add("https://model.example", &model);

        let (input, theirs) = io::pipe().expect("a pipe");
        let (ours, output) = io::pipe().expect("a pipe");
        let host = std::thread::spawn(move || serve(BufReader::new(input), output));
        let output = Box::new(BufReader::new(ours));
        let mut remote = Remote { name: "it".to_owned(), input: Box::new(theirs), output, servers: servers.clone() };
        remote.load(load()).expect("a handler");
        let mut embedded = Embedded::load(load(), Arc::new(servers)).expect("a handler");

        let bodies = [r#"{"messages":[{"role":"user","content":"hello"}]}"#, "no JSON"];
        for event in bodies.iter().flat_map(|body| [Event::function_url(), Event::api_gateway()].map(|event| event.body(*body))) {
            let (event, context) = event.into_parts();
            let invocation = || {
                let (event, context) = (event.clone(), context.clone());
                Invocation { event, context, timeout: Duration::from_secs(60), is_paused: true, replaying: None }
            };
            let asked = model.requests().len();
            let [there, here] =
                [remote.invoke(invocation()), embedded.invoke(invocation())].map(|settled| settled.expect("an outcome"));
            let mut requests = model.requests().split_off(asked);
            assert!(requests.len() == 2 || requests.is_empty());
            if let (Some(second), Some(first)) = (requests.pop(), requests.pop()) {
                assert_eq!((first.path, first.headers, first.body), (second.path, second.headers, second.body));
            }
            // Computing takes the time that it takes: chunks come within the same second.
            let told = |mut collected: Collected| {
                for chunk in &mut collected.chunks {
                    chunk.at = Duration::from_secs(chunk.at.as_secs());
                }
                serde_json::to_string(&collected).expect("JSON")
            };
            assert_eq!(told(there), told(here));
        }
        assert_eq!(model.requests().len(), 4);
        drop(remote);
        host.join().expect("no panic").expect("its input has ended");
    }
}
