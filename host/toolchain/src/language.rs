//! What a language has to offer: how its projects are told from others, how they are built, and what new ones are made of.

use crate::{BuildError, Halt};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A language that handlers are written in.
pub trait Language: Sync {
    /// Its name on the command line: `rust`.
    fn name(&self) -> &'static str;

    /// Its name in a sentence: `Rust`.
    fn title(&self) -> &'static str;

    /// The file that marks a folder as a project of this language: `Cargo.toml`.
    fn mark(&self) -> &'static str;

    /// The project that `path` belongs to, a folder or a source file that exists: the folder, or the file itself where a language
    /// has handlers that are a single file. None if `path` is not of this language.
    fn detect(&self, path: &Path) -> Option<PathBuf>;

    /// Builds a project that was [detected](Self::detect): all the steps that it takes, checks of types included. What tools have
    /// to say goes to standard error, as it comes.
    ///
    /// # Errors
    /// [`BuildError::Missing`] if a tool is not installed, with the command that installs it; the others as they are described.
    fn build(&self, project: &Path, build: &Build<'_>) -> Result<Built, BuildError>;

    /// What new projects can be made of; the first is taken if nobody chooses.
    fn templates(&self) -> &'static [Template];

    /// Why a project cannot have this name.
    ///
    /// # Errors
    /// The reason, as the end of a sentence that begins with the name.
    fn check_name(&self, name: &str) -> Result<(), String>;

    /// What stands in templates for dependencies: names without their braces, and what they are replaced by.
    fn dependencies(&self, sdk: &Sdk<'_>) -> Vec<(&'static str, String)>;

    /// The command that runs a new project's tests: `cargo test`.
    fn test_command(&self) -> &'static str;
}

/// How to build.
#[derive(Clone, Copy)]
pub struct Build<'a> {
    /// What matters.
    pub effort: Effort,
    /// Is told what is done now, before steps that a user has to wait for and whose tool does not say so itself.
    pub progress: &'a dyn Fn(&str),
    /// Ends the build before it is done. Absent where the build ends with whoever began it, as by Ctrl-C at a terminal.
    pub halt: Option<&'a Halt>,
}

impl Build<'_> {
    /// Runs a tool to its end, or to that of the build, and keeps what it prints on standard output.
    pub(crate) fn run(&self, tool: &mut Command) -> io::Result<Output> {
        match self.halt {
            Some(halt) => halt.run(tool),
            None => tool.output(),
        }
    }
}

impl Default for Build<'_> {
    fn default() -> Self {
        Self { effort: Effort::Quick, progress: &|_| (), halt: None }
    }
}

/// What matters in a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// That it is done soon: for work on a laptop.
    Quick,
    /// That the component is small: for Lambda.
    Small,
}

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The component's file.
    pub component: PathBuf,
    /// The files that it was made of, as far as the author may change them.
    pub inputs: Vec<PathBuf>,
}

/// Where a new project takes this project's own libraries from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk<'a> {
    /// A checkout's folder.
    Checkout(&'a Path),
    /// A registry, in this version.
    Released(&'a str),
}

/// What a new project can be made of.
#[derive(Debug)]
pub struct Template {
    /// Its name on the command line.
    pub name: &'static str,
    /// What its handler does, in a few words.
    pub about: &'static str,
    /// What `firstbyte invoke` is given to see it at work, besides [`environment`](Self::environment).
    pub invoke: &'static str,
    /// What `firstbyte invoke` and `firstbyte serve` are given, so that the handler has what it needs: ` -e NAME`. May be empty.
    pub environment: &'static str,
    /// Path and query of an HTTP request that the handler answers, without the slash at the beginning.
    pub path: &'static str,
    /// The body of that request. Absent for a `GET`.
    pub body: Option<&'static str>,
    /// Its files, those that it shares with others included.
    pub files: &'static [&'static [Source]],
}

/// A file of a template: its path in the project, and its contents.
pub type Source = (&'static str, &'static str);
