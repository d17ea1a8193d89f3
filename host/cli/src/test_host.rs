//! `firstbyte test-host`: runs a handler for its own tests, which start this and speak to it through pipes.

use anyhow::{Context as _, Result};
use std::io::{BufReader, stdin, stdout};
use std::process::ExitCode;

pub(crate) fn run() -> Result<ExitCode> {
    firstbyte_testing::serve(BufReader::new(stdin()), stdout()).context("cannot go on with the tests")?;
    Ok(ExitCode::SUCCESS)
}
