//! `--snapshot`: a handler that is prepared while it is built.

use crate::compile::with_progress;
use crate::function::seconds;
use crate::output::note;
use anyhow::{Context as _, Result};
use clap::Args;
use firstbyte_runtime::snapshot::{Granted, Snapshot, snapshot};
use std::path::Path;
use std::time::{Duration, Instant};

#[derive(Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// Run the handler's `#[firstbyte::init]` now: every instance begins with the memory as it is then
    #[arg(long)]
    snapshot: bool,

    /// Let it read this environment variable, whose value becomes part of the snapshot; otherwise it can read none
    #[arg(long, value_name = "NAME", requires = "snapshot", value_delimiter = ',')]
    snapshot_env: Vec<String>,

    /// Let it make HashMaps: their seed is drawn now, and is the same in all instances of the snapshot
    #[arg(long, requires = "snapshot")]
    snapshot_hash_seed: bool,

    /// How long the initializer may take
    #[arg(long, value_name = "SECONDS", requires = "snapshot", default_value = "60", value_parser = seconds)]
    snapshot_timeout: Duration,
}

impl Arguments {
    pub(crate) fn is_asked_for(&self) -> bool {
        self.snapshot
    }

    /// The component as it was read from `path`, prepared if that is asked for.
    pub(crate) fn prepare(&self, component: Vec<u8>, path: &Path) -> Result<Vec<u8>> {
        if !self.snapshot {
            return Ok(component);
        }
        let variable = |name: &String| {
            let value = std::env::var(name).with_context(|| {
                format!("--snapshot-env {name}: no text of that name is in this environment; set it before the command")
            })?;
            Ok((name.clone(), value))
        };
        let environment = self.snapshot_env.iter().map(variable).collect::<Result<_>>()?;
        let granted = Granted { environment, hash_seed: self.snapshot_hash_seed, time: self.snapshot_timeout };
        let begun = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let made = with_progress("preparing", || runtime.block_on(snapshot(&component, granted)));
        let Snapshot { wasm, memory, .. } = made.with_context(|| format!("cannot make a snapshot of {}", path.display()))?;
        let (kb, seconds) = (memory.div_ceil(1024), begun.elapsed().as_secs_f64());
        note(format_args!("{}: prepared ({kb} KB of memory, {seconds:.1} s)", path.display()));
        Ok(wasm)
    }
}
