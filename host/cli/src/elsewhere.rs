//! Where another build of the same crate goes: cargo-component's is for another target than ours, and either may be a debug build.
//! Whoever builds there, and serves what lies here, is told.

use crate::stamp::Stamp;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The other places for a component that cargo has built.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    served: PathBuf,
    others: Mutex<Vec<(PathBuf, Stamp)>>,
}

impl Elsewhere {
    /// Those for the component at `served`, which has others only if it lies where cargo puts components.
    pub(crate) fn of(served: &Path) -> Self {
        let others = others(served).unwrap_or_default();
        let seen = others.into_iter().map(|other| (other.clone(), Stamp::of(&other))).collect();
        Self { served: served.to_owned(), others: Mutex::new(seen) }
    }

    /// What to tell of a component that was built in another place since somebody last looked.
    pub(crate) fn news(&self) -> Option<String> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = others.iter_mut().find_map(|(other, seen)| {
            let now = Stamp::of(other);
            (std::mem::replace(seen, now) != now && now.exists()).then_some(other)
        })?;
        Some(format!(
            "{} was built, but what is served is {}: name the file itself to serve it",
            changed.display(),
            self.served.display()
        ))
    }
}

/// `…/wasm32-wasip2/release/name.wasm` has its like under other targets and profiles.
fn others(served: &Path) -> Option<Vec<PathBuf>> {
    const TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-wasip2"];
    let (name, profile) = (served.file_name()?, served.parent()?);
    let target = profile.parent()?;
    let (root, target, profile) = (target.parent()?, target.file_name()?, profile.file_name()?);
    if TARGETS.iter().all(|known| target != *known) {
        return None;
    }
    let profiles = BTreeSet::from([OsStr::new("debug"), OsStr::new("release"), profile]);
    let all = TARGETS.iter().flat_map(|target| profiles.iter().map(move |profile| root.join(target).join(profile).join(name)));
    Some(all.filter(|path| path != served).collect())
}
