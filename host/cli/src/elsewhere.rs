//! Where another build of the same crate goes: cargo-component's is for another target than ours, and either may be of another profile.
//! Whoever builds there, and serves what lies here, is told.

use crate::stamp::Stamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The other places for a component that cargo has built.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    served: PathBuf,
    seen: Mutex<BTreeMap<PathBuf, Stamp>>,
}

impl Elsewhere {
    /// Those for the component at `served`, which has others only if it lies where cargo puts components.
    pub(crate) fn of(served: &Path) -> Self {
        let seen = others(served).map(|other| (other.clone(), Stamp::of(&other))).collect();
        Self { served: served.to_owned(), seen: Mutex::new(seen) }
    }

    /// What to tell of a component that was built in another place since somebody last looked.
    pub(crate) fn news(&self) -> Option<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = others(&self.served).find(|other| {
            let now = Stamp::of(other);
            seen.insert(other.clone(), now) != Some(now) && now.exists()
        })?;
        Some(format!(
            "{} was built, but what is served is {}: name the file itself to serve it",
            changed.display(),
            self.served.display()
        ))
    }
}

/// `…/wasm32-wasip2/release/name.wasm` has its like under other targets and profiles, as far as they have folders by now.
fn others(served: &Path) -> impl Iterator<Item = PathBuf> {
    const TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-wasip2"];
    let target = served.parent().and_then(Path::parent);
    let target = target.filter(|target| TARGETS.iter().any(|known| target.ends_with(known)));
    let targets = target.and_then(Path::parent).into_iter().flat_map(|root| TARGETS.map(|target| root.join(target)));
    let profiles = targets.filter_map(|target| target.read_dir().ok()).flatten().flatten();
    profiles.filter_map(|profile| Some(profile.path().join(served.file_name()?))).filter(move |other| other != served)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_build_for_another_target_or_by_another_profile_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let built = |place: &str| {
            let path = folder.path().join(place).join("greeting.wasm");
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, place).unwrap();
            path
        };
        let served = built("wasm32-wasip2/release");
        built("wasm32-wasip1/debug");
        let elsewhere = Elsewhere::of(&served);
        assert_eq!(elsewhere.news(), None);
        built("wasm32-wasip2/release");
        for place in ["wasm32-wasip1/release", "wasm32-wasip2/debug", "wasm32-wasip2/handler"] {
            let other = built(place);
            let news = elsewhere.news().unwrap_or_default();
            assert!(news.starts_with(&format!("{} was built", other.display())), "{place}: {news}");
            assert_eq!(elsewhere.news(), None);
        }
        built("x86_64-unknown-linux-gnu/release");
        assert_eq!(elsewhere.news(), None);
        let elsewhere = Elsewhere::of(&folder.path().join("greeting.wasm"));
        built("wasm32-wasip2/another");
        assert_eq!(elsewhere.news(), None);
    }
}
