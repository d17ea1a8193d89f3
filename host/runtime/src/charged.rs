//! Charges what WASI's functions make the host hold to the invocation's budget: bodies, fields, streams, open files, listings.
//!
//! wasmtime-wasi and wasmtime-wasi-http limit how many things there are, and not how large they are together. The functions
//! that take something are linked over theirs here: each calls theirs, and charges what came of it.

mod files;
mod http;

use crate::budget::{Budget, Charge, OpenFile, Spent};
use crate::store::State;
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::component::Linker;

/// Links what is charged over `wasi:filesystem`, which has to be linked before.
pub(crate) fn add_files_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    files::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Links what is charged over `wasi:http`, which has to be linked before.
pub(crate) fn add_http_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    http::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What entries of the resource table are charged for, by their place in it.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    charges: HashMap<u32, Charge>,
    files: HashMap<u32, Arc<OpenFile>>,
    /// What outlives its entry, and nobody can tell for how long: it is charged until the instance ends.
    kept: Vec<Charge>,
}

impl Holdings {
    /// Charges `bytes` for an entry, in place of what it was charged for.
    fn set(&mut self, budget: &Budget, entry: u32, bytes: usize) -> Result<(), Spent> {
        match self.charges.get_mut(&entry) {
            Some(charge) => charge.resize(bytes),
            None => {
                self.charges.insert(entry, budget.charge(bytes)?);
                Ok(())
            }
        }
    }

    /// Charges `bytes` more for an entry.
    fn add(&mut self, budget: &Budget, entry: u32, bytes: usize) -> Result<(), Spent> {
        let before = self.charges.get(&entry).map_or(0, Charge::bytes);
        self.set(budget, entry, before.saturating_add(bytes))
    }

    /// An entry became part of another one.
    fn carry(&mut self, from: u32, to: u32) {
        if let Some(charge) = self.charges.remove(&from) {
            self.charges.insert(to, charge);
        }
    }

    /// An entry is gone.
    fn release(&mut self, entry: u32) {
        self.charges.remove(&entry);
    }

    /// An entry is gone, and its content is not.
    fn keep(&mut self, entry: u32) {
        self.kept.extend(self.charges.remove(&entry));
    }
}
