//! A host for a test in another process: what they say to each other goes through pipes.

use super::Embedded;
use super::network::Ask;
use crate::answer::Answer;
use crate::message::{FromHost, FromTest, PROTOCOL, receive, send};
use crate::upstream::UpstreamRequest;
use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs components for the test that writes to `input` and reads `output`, until it writes no more.
///
/// # Errors
/// One of the two fails, or the test says what no test says.
pub fn serve(input: impl BufRead + Send + 'static, output: impl Write + Send + 'static) -> io::Result<()> {
    let test = Arc::new(Test(Mutex::new((Box::new(input), Box::new(output)))));
    test.tell(&FromHost::Ready { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned() })?;
    let mut loaded = None;
    while let Some(message) = test.hear()? {
        match (message, &loaded) {
            (FromTest::Load(load), _) => {
                let told = Embedded::load(load, Arc::clone(&test) as _).map(|host| loaded = Some(host));
                test.tell(&FromHost::Loaded(told))?;
            }
            (FromTest::Invoke(invocation), Some(host)) => test.tell(&FromHost::Settled(host.run(invocation)))?,
            (FromTest::Invoke(_) | FromTest::Answer(_), _) => return Err(out_of_turn()),
        }
    }
    Ok(())
}

/// The other process.
struct Test(Mutex<(Box<dyn BufRead + Send>, Box<dyn Write + Send>)>);

impl Test {
    fn tell(&self, message: &FromHost) -> io::Result<()> {
        send(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).1, message)
    }

    fn hear(&self) -> io::Result<Option<FromTest>> {
        receive(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).0)
    }
}

impl std::fmt::Debug for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Test")
    }
}

impl Ask for Test {
    fn ask(&self, request: UpstreamRequest) -> io::Result<Option<Answer>> {
        self.tell(&FromHost::Ask(request))?;
        match self.hear()? {
            Some(FromTest::Answer(answer)) => Ok(answer),
            _ => Err(out_of_turn()),
        }
    }
}

fn out_of_turn() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the test said something out of turn")
}
