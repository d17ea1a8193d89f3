//! Questions to whoever sits at the terminal. Where nobody does, nothing is asked.

use anyhow::{Result, bail};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// Whether somebody can be asked.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a text. An empty answer stands for `default`.
pub(crate) fn text(question: &str, default: &str) -> Result<String> {
    let mut stderr = io::stderr();
    write!(stderr, "{question} [{default}]: ")?;
    stderr.flush()?;
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        bail!("nobody answered");
    }
    let answer = answer.trim();
    Ok(if answer.is_empty() { default.to_owned() } else { answer.to_owned() })
}

/// Asks for one of some choices, by its number or its name; the first is the default. Asks again until it is one of them.
pub(crate) fn choice(question: &str, choices: &[(&str, &str)]) -> Result<usize> {
    let width = choices.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (number, (name, about)) in (1..).zip(choices) {
        writeln!(io::stderr(), "  {number}  {name:width$}  {about}")?;
    }
    loop {
        let answer = text(question, choices.first().map_or("", |(name, _)| name))?;
        let numbered = (1..).zip(choices);
        let mut found = numbered.filter(|(number, (name, _)): &(usize, _)| answer == *name || answer == number.to_string());
        if let Some((number, _)) = found.next() {
            return Ok(number - 1);
        }
        writeln!(io::stderr(), "{answer:?} is not among them: give a number or a name from the list")?;
    }
}
