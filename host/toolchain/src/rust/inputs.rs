//! The files that a component was made of: the sources of its crate and of those that it depends on by path.

use super::MANIFEST;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What cargo notes beside a component, and the manifests of the crates that these files belong to. Sources that were made by
/// the build itself are not among them.
pub(super) fn of(component: &Path, manifest: &Path) -> Vec<PathBuf> {
    let notes = std::fs::read_to_string(component.with_extension("d")).unwrap_or_default();
    // …/target/wasm32-wasip2/release/name.wasm
    let target = component.ancestors().nth(3).unwrap_or(component);
    let mut inputs: BTreeSet<PathBuf> = sources(&notes).into_iter().filter(|source| !source.starts_with(target)).collect();
    inputs.insert(manifest.to_owned());
    let folders: BTreeSet<&Path> = inputs.iter().filter_map(|source| source.parent()).collect();
    let manifests: Vec<PathBuf> = folders.into_iter().filter_map(manifest_above).collect();
    inputs.extend(manifests);
    inputs.into_iter().collect()
}

fn manifest_above(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(MANIFEST)).find(|manifest| manifest.is_file())
}

/// `output: source source`, where a space in a name has a backslash before it.
fn sources(notes: &str) -> Vec<PathBuf> {
    let all = notes.lines().filter_map(|line| line.split_once(": "));
    all.flat_map(|(_, sources)| names(sources)).collect()
}

fn names(list: &str) -> Vec<PathBuf> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut chars = list.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => name.extend(chars.next()),
            ' ' => names.push(std::mem::take(&mut name)),
            char => name.push(char),
        }
    }
    names.push(name);
    names.into_iter().filter(|name| !name.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_spaces_are_read() {
        let notes = "/t/a.wasm: /a/src/lib.rs /a/my\\ page.html\n\n";
        assert_eq!(sources(notes), [PathBuf::from("/a/src/lib.rs"), PathBuf::from("/a/my page.html")]);
        assert!(sources("").is_empty());
    }
}
