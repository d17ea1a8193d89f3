//! Builds handlers from their sources, in whatever language they are written, and starts projects for new ones.
//!
//! A language implements [`Language`] and is listed in [`LANGUAGES`]: it plugs in there and nowhere else. This crate drives the
//! tools of each language and knows nothing of WebAssembly: what it has built, others compile, run and package.
//!
//! ```no_run
//! # fn example() -> Result<(), firstbyte_toolchain::BuildError> {
//! use firstbyte_toolchain::{Build, Project};
//!
//! let built = Project::find("guest/examples/greeting".as_ref())?.build(&Build::default())?;
//! println!("{}", built.component.display());
//! # Ok(())
//! # }
//! ```

mod error;
mod halt;
pub mod javascript;
mod language;
mod project;
pub mod python;
pub mod rust;
mod scaffold;

pub use error::BuildError;
pub use halt::Halt;
pub use language::{Build, Built, Effort, Language, Sdk, Source, Template};
pub use project::Project;
pub use scaffold::{Scaffold, ScaffoldError};

/// Every language that handlers can be written in.
pub const LANGUAGES: &[&dyn Language] = &[&rust::Rust, &javascript::JAVASCRIPT, &javascript::TYPESCRIPT, &python::Python];

/// Builds the handler that `path` belongs to, its folder or one of its source files, as quickly as possible, and gives its
/// component's file. What the language's tools have to say goes to standard error.
///
/// # Errors
/// [`BuildError`].
pub fn build(path: &std::path::Path) -> Result<std::path::PathBuf, BuildError> {
    Ok(Project::find(path)?.build(&Build::default())?.component)
}
