//! `firstbyte new`: a project for a new handler, complete with its test and its deployment.

use crate::output::say;
use crate::{ask, checkout};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use firstbyte_toolchain::{LANGUAGES, Language, Scaffold, Sdk, Template};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The project's folder, new or empty; the handler has the same name
    name: Option<PathBuf>,

    /// The language
    #[arg(long, value_parser = PossibleValuesParser::new(LANGUAGES.iter().map(|language| language.name())))]
    lang: Option<String>,

    /// What to begin with; `--template list` shows what there is
    #[arg(long, value_name = "TEMPLATE")]
    template: Option<String>,

    /// A checkout of Firstbyte whose libraries the project takes, instead of those that are published
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.template.as_deref() == Some("list") {
        list(arguments.lang.as_deref());
        return Ok(ExitCode::SUCCESS);
    }
    let language = language(arguments.lang.as_deref())?;
    let template = template(language, arguments.template.as_deref())?;
    let folder = match &arguments.name {
        Some(folder) => folder.clone(),
        None if ask::is_possible() => ask::text("Name", template.name)?.into(),
        None => bail!("NAME is missing: give the name of the new project, as in `firstbyte new hello`"),
    };
    let absolute = std::path::absolute(&folder)?;
    let name = absolute.file_name().with_context(|| format!("{} has no name", folder.display()))?.to_string_lossy();
    let sdk = sdk(arguments.sdk.as_deref())?;
    let sdk = sdk.as_deref().map_or(Sdk::Released(env!("CARGO_PKG_VERSION")), Sdk::Checkout);
    Scaffold { folder: &folder, name: &name, language, template, sdk }.write()?;

    say(format_args!("{}: {}, in {}", folder.display(), template.about, language.title()));
    say("Next:");
    say(format_args!("  cd {}", quoted(&folder.to_string_lossy())));
    let (program, is_on_path) = program()?;
    if !is_on_path {
        // Tests run the handler by this program, too.
        say(format_args!("  export FIRSTBYTE={program}"));
    }
    say(format_args!("  {program} build"));
    say(format_args!("  {}", language.test_command()));
    say(format_args!("  {program} invoke {}{}", template.invoke, template.environment));
    say(format_args!("  {program} serve{}", template.environment));
    say("README.md says how to deploy it.");
    Ok(ExitCode::SUCCESS)
}

fn list(language: Option<&str>) {
    for language in LANGUAGES.iter().filter(|known| language.is_none_or(|name| known.name() == name)) {
        for Template { name, about, .. } in language.templates() {
            say(format_args!("{} {name}: {about}", language.name()));
        }
    }
}

fn language(given: Option<&str>) -> Result<&'static dyn Language> {
    let names: Vec<(&str, &str)> = LANGUAGES.iter().map(|language| (language.name(), language.title())).collect();
    let at = match given {
        Some(given) => {
            names.iter().position(|(name, _)| *name == given).with_context(|| format!("there is no language {given:?}"))?
        }
        None if names.len() > 1 && ask::is_possible() => ask::choice("Language", &names)?,
        None => 0,
    };
    Ok(LANGUAGES[at])
}

fn template(language: &'static dyn Language, given: Option<&str>) -> Result<&'static Template> {
    let templates = language.templates();
    let choices: Vec<(&str, &str)> = templates.iter().map(|template| (template.name, template.about)).collect();
    let at = match given {
        Some(given) => choices.iter().position(|(name, _)| *name == given).with_context(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            format!("{} has no template {given:?}: --template is one of {}", language.title(), names.join(", "))
        })?,
        None if ask::is_possible() => ask::choice("Template", &choices)?,
        None => 0,
    };
    Ok(&templates[at])
}

/// The checkout that the project takes libraries from. None for those that are published.
fn sdk(given: Option<&Path>) -> Result<Option<PathBuf>> {
    let Some(folder) = given else { return Ok(checkout::of_this_build()) };
    if !checkout::is(folder) {
        bail!("{} is not a checkout of Firstbyte: it has no guest/rust", folder.display());
    }
    Ok(Some(folder.canonicalize()?))
}

/// How this program is called from any folder, and whether the shell found it on its path.
fn program() -> Result<(String, bool)> {
    let called = std::env::args_os().next().unwrap_or_default();
    if Path::new(&called).components().count() == 1 {
        return Ok((quoted(&called.to_string_lossy()), true));
    }
    let path = std::env::current_exe().context("cannot find this program's own file")?;
    Ok((quoted(&path.to_string_lossy()), false))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+@:".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("/a/b-c.d"), "/a/b-c.d");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
