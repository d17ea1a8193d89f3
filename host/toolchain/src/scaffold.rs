//! A new project: a template's files in a folder of their own.

use crate::{Language, Sdk, Template};
use std::io;
use std::path::{Path, PathBuf};

/// A project that is to be written.
#[derive(Clone, Copy)]
pub struct Scaffold<'a> {
    /// Its folder, which is new or empty.
    pub folder: &'a Path,
    /// Its name.
    pub name: &'a str,
    /// Its language.
    pub language: &'a dyn Language,
    /// What it is made of, one of the language's.
    pub template: &'a Template,
    /// Where it takes this project's libraries from.
    pub sdk: Sdk<'a>,
}

/// Why a project was not written.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// No project of the language can have this name.
    #[error("{name:?} cannot be the name of a handler in {}: {reason}", language)]
    Name {
        /// The name.
        name: String,
        /// The language.
        language: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// There is something already.
    #[error("{} is there already, and not empty: choose another name", .0.display())]
    Taken(PathBuf),
    /// A file cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

impl Scaffold<'_> {
    /// Writes the project.
    ///
    /// # Errors
    /// [`ScaffoldError`].
    pub fn write(&self) -> Result<(), ScaffoldError> {
        let name = self.name;
        self.language.check_name(name).map_err(|reason| ScaffoldError::Name {
            name: name.to_owned(),
            language: self.language.title(),
            reason,
        })?;
        if std::fs::read_dir(self.folder).is_ok_and(|mut files| files.next().is_some()) || self.folder.is_file() {
            return Err(ScaffoldError::Taken(self.folder.to_owned()));
        }
        let values = self.values();
        for (path, contents) in self.template.files.iter().copied().flatten() {
            let path = self.folder.join(path);
            let folder = path.parent().unwrap_or(self.folder);
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&path, self.filled(contents, &values)))
                .map_err(|reason| ScaffoldError::Unwritable { path, reason })?;
        }
        Ok(())
    }

    /// What stands for what in a template.
    fn values(&self) -> Vec<(&'static str, String)> {
        let mut values = self.language.dependencies(&self.sdk);
        values.extend([
            ("name", self.name.to_owned()),
            ("about", self.template.about.to_owned()),
            ("invoke", format!("{}{}", self.template.invoke, self.template.environment)),
            ("environment", self.template.environment.to_owned()),
        ]);
        values
    }

    /// A template's text with `{{name}}` and the like replaced.
    fn filled(&self, contents: &str, values: &[(&str, String)]) -> String {
        let Template { path, body, .. } = self.template;
        let body = body.map(|body| format!(" -d '{body}'")).unwrap_or_default();
        let call = format!("curl -N '${{FunctionUrl.FunctionUrl}}{path}'{body}");
        let named = contents.replace(STACK, &format!("stack_name = {:?}", self.name)).replace(CALL, &call);
        values.iter().fold(named, |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
    }
}

/// What stands for the name in files that are no templates, but in use as they are.
const STACK: &str = "stack_name = \"my-handler\"";

/// What stands in them for a request to the handler.
const CALL: &str = "curl -N '${FunctionUrl.FunctionUrl}'";

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::LANGUAGES;

    #[test]
    fn every_template_is_filled_and_complete() {
        for language in LANGUAGES {
            assert!(!language.templates().is_empty());
            for template in language.templates() {
                let folder = tempfile::tempdir().unwrap();
                let project = folder.path().join("my-handler-2");
                let sdk = Sdk::Released("0.1.0");
                let scaffold = Scaffold { folder: &project, name: "my-handler-2", language: *language, template, sdk };
                scaffold.write().unwrap();
                for file in [language.mark(), ".gitignore", "README.md", "template.yaml", "Makefile", "samconfig.toml"] {
                    assert!(project.join(file).is_file(), "{}/{}: {file}", language.name(), template.name);
                }
                let paths = template.files.iter().copied().flatten().map(|(path, _)| project.join(path));
                for path in paths {
                    let text = std::fs::read_to_string(&path).unwrap();
                    // CloudFormation has braces of its own.
                    assert!(!text.replace("{{resolve:", "").contains("{{"), "{}: {text}", path.display());
                    assert!(text.ends_with('\n') && !text.contains(" \n"), "{}", path.display());
                }
                let named = std::fs::read_to_string(project.join("samconfig.toml")).unwrap();
                assert!(named.contains("stack_name = \"my-handler-2\""), "{named}");
                let stack = std::fs::read_to_string(project.join("template.yaml")).unwrap();
                let data = template.body.map(|body| format!(" -d '{body}'")).unwrap_or_default();
                let call = format!("curl -N '${{FunctionUrl.FunctionUrl}}{}'{data} --aws-sigv4 ", template.path);
                assert!(stack.contains(&call), "{}/{}: {stack}", language.name(), template.name);
                assert_eq!(language.detect(&project), Some(project.clone()));
                let again = scaffold.write().unwrap_err().to_string();
                assert!(again.ends_with("is there already, and not empty: choose another name"), "{again}");
            }
        }
    }

    #[test]
    fn a_name_that_cannot_be_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (language, project) = (LANGUAGES[0], folder.path().join("x"));
        let template = &language.templates()[0];
        let scaffold = Scaffold { folder: &project, name: "7 up", language, template, sdk: Sdk::Released("0.1.0") };
        let error = scaffold.write().unwrap_err().to_string();
        assert!(error.starts_with("\"7 up\" cannot be the name of a handler in Rust: "), "{error}");
        assert!(!project.exists());
    }
}
