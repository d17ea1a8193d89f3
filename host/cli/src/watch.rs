//! A handler's files, watched: sources that change are built anew, and a component that changes, by whoever's doing, is taken up.
//!
//! What does not build or compile is told, and the handler stays as it was.

use crate::handler::Sources;
use crate::served::Served;
use crate::terminal::Terminal;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long nothing may have changed before work begins: editors and compilers write in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// Folders in which tools put what they make.
const OUTPUTS: [&str; 4] = ["target", "dist", "node_modules", "__pycache__"];

/// Watches a handler's files from now on, in a thread that ends with the program.
pub(crate) fn start(served: Arc<Served>, terminal: Terminal) {
    let (sender, events) = channel();
    let watcher = notify::recommended_watcher(move |event| {
        // Nobody receives it when the program ends.
        let _ = sender.send(event);
    });
    match watcher {
        Ok(watcher) => {
            let component = canonical(served.file());
            let mut watch =
                Watch { served, terminal, watcher, component, inputs: BTreeSet::new(), endings: BTreeSet::new(), told: false };
            std::thread::spawn(move || watch.run(&events));
        }
        Err(error) => tell_unwatched(&terminal, &error),
    }
}

struct Watch {
    served: Arc<Served>,
    terminal: Terminal,
    watcher: RecommendedWatcher,
    component: PathBuf,
    /// The files that the component was made of.
    inputs: BTreeSet<PathBuf>,
    /// Their names' endings: a new file with one of these may be a source, too.
    endings: BTreeSet<OsString>,
    /// Whether it was told that something cannot be watched.
    told: bool,
}

/// What has changed since somebody last looked.
#[derive(Default)]
struct Changes {
    /// One of the sources.
    source: Option<PathBuf>,
    component: bool,
}

impl Watch {
    fn run(&mut self, events: &Receiver<notify::Result<Event>>) {
        let served = Arc::clone(&self.served);
        self.follow(served.sources().map_or(&[], |sources| &sources.inputs));
        let mut changes = Changes { source: self.newer_than_component(), component: false };
        loop {
            while changes.source.is_none() && !changes.component {
                let Ok(event) = events.recv() else { return };
                self.note(&mut changes, event);
            }
            while let Ok(event) = events.recv_timeout(QUIET) {
                self.note(&mut changes, event);
            }
            let Changes { source, .. } = std::mem::take(&mut changes);
            if let (Some(source), Some(Sources { project, .. })) = (source, served.sources()) {
                self.tell(format!("{} has changed: building", shown(&source, project.path())));
                match served.rebuild(project) {
                    Ok(inputs) => self.follow(&inputs),
                    Err(error) => self.tell(format!("the handler stays as it was: {error:#}")),
                }
            }
            for news in served.news() {
                self.tell(news);
            }
        }
    }

    /// Watches the folders of these files, and the component's.
    fn follow(&mut self, inputs: &[PathBuf]) {
        self.inputs = inputs.iter().map(|input| canonical(input)).collect();
        self.endings = self.inputs.iter().filter_map(|input| Some(input.extension()?.to_owned())).collect();
        let folders: BTreeSet<PathBuf> =
            self.inputs.iter().chain([&self.component]).filter_map(|file| Some(file.parent()?.to_owned())).collect();
        for folder in folders {
            self.watch(&folder);
        }
    }

    fn watch(&mut self, folder: &Path) {
        if let Err(error) = self.watcher.watch(folder, RecursiveMode::NonRecursive)
            && !std::mem::replace(&mut self.told, true)
        {
            tell_unwatched(&self.terminal, &error);
        }
    }

    /// A source that was changed between its build and now.
    fn newer_than_component(&self) -> Option<PathBuf> {
        let written = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let built = written(&self.component)?;
        self.inputs.iter().find(|input| written(input).is_some_and(|changed| changed > built)).cloned()
    }

    fn note(&mut self, changes: &mut Changes, event: notify::Result<Event>) {
        // What cannot be watched any more is looked at before the next invocation.
        let Ok(Event { kind, paths, .. }) = event else { return };
        if matches!(kind, EventKind::Access(_)) {
            return;
        }
        for path in paths {
            if path == self.component {
                changes.component = true;
            } else if self.is_source(&path) {
                changes.source = Some(path);
            } else if matches!(kind, EventKind::Create(_)) && path.is_dir() && !is_output(&path) {
                self.watch(&path);
                // Files may have been there before it was watched.
                changes.source = Some(path);
            }
        }
    }

    fn is_source(&self, path: &Path) -> bool {
        let beside_component = path.parent() == self.component.parent();
        let may_be = path.extension().is_some_and(|ending| self.endings.contains(ending)) && !is_hidden(path);
        self.inputs.contains(path) || (may_be && !beside_component)
    }

    fn tell(&self, line: String) {
        self.terminal.line_and_wait(line);
    }
}

fn tell_unwatched(terminal: &Terminal, error: &notify::Error) {
    terminal.line_and_wait(format!("changes are not seen: {error}; after one, run `firstbyte build`"));
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn is_output(path: &Path) -> bool {
    is_hidden(path) || path.file_name().is_some_and(|name| OUTPUTS.iter().any(|output| name == *output))
}

/// A path as events have it.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A path as seen from the project.
fn shown(path: &Path, project: &Path) -> String {
    let path = path.strip_prefix(canonical(project)).unwrap_or(path);
    path.display().to_string()
}
