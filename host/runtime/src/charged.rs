//! Charges what WASI's functions make the host hold to the invocation's budget: bodies, fields, streams, open files, listings.
//!
//! wasmtime-wasi and wasmtime-wasi-http limit how many things there are, and not how large they are together. The functions
//! that take something are linked over theirs here: each calls theirs, and charges what came of it.

mod files;
mod http_p2;
#[cfg(feature = "wasi-p3")]
mod http_p3;

use crate::budget::{Budget, Charge, OpenFile, Spent};
use crate::log::InvocationLog;
use http::HeaderMap;
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::{FieldMap, WasiHttpView};

/// What a store has for the functions that charge.
pub(crate) trait Holder: WasiView + WasiHttpView + 'static {
    /// What the entries of its table are charged for.
    fn holdings(&mut self) -> &mut Holdings;

    /// The log of the invocation that it serves.
    fn log(&self) -> &InvocationLog;
}

/// Links what is charged over `wasi:filesystem`, which has to be linked before.
pub(crate) fn add_files_to_linker<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    files::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Links what is charged over `wasi:http`, which has to be linked before.
pub(crate) fn add_http_to_linker<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    http_p2::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The same for the generation 0.3.
#[cfg(feature = "wasi-p3")]
pub(crate) fn add_http_p3_to_linker<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    http_p3::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Bytes that a field costs beside its name and value: its places in the map, and the allocations of both.
const FIELD: usize = 192;

/// The longest authority (`user@host:port`) of a request. No name of a host has more than 255 bytes.
const AUTHORITY: usize = 1024;

/// The longest method of a request, in bytes, apart from those that HTTP defines.
const METHOD: usize = 64;

/// A second handle to what `resource` names.
fn again<R: 'static>(resource: &Resource<R>) -> Resource<R> {
    Resource::new_borrow(resource.rep())
}

/// Bytes that fields take.
fn size_of_fields(fields: &HeaderMap) -> usize {
    fields.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD).sum()
}

/// Charges `fields` for what is in them.
fn charge_fields(state: &mut impl Holder, fields: &Resource<FieldMap>) -> wasmtime::Result<()> {
    let size = size_of_fields(state.ctx().table.get(fields)?);
    Ok(state.holdings().set(fields.rep(), size)?)
}

/// What entries of the resource table are charged for, by their place in it.
#[derive(Debug)]
pub(crate) struct Holdings {
    budget: Budget,
    charges: HashMap<u32, Charge>,
    files: HashMap<u32, Arc<OpenFile>>,
    /// What outlives its entry, and nobody can tell for how long: it is charged until the instance ends.
    kept: Vec<Charge>,
}

impl Holdings {
    /// Nothing yet.
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, charges: HashMap::new(), files: HashMap::new(), kept: Vec::new() }
    }

    /// What it is all charged to.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Charges `bytes` for an entry, in place of what it was charged for.
    fn set(&mut self, entry: u32, bytes: usize) -> Result<(), Spent> {
        match self.charges.get_mut(&entry) {
            Some(charge) => charge.resize(bytes),
            None => {
                self.charges.insert(entry, self.budget.charge(bytes)?);
                Ok(())
            }
        }
    }

    /// Charges `bytes` more for an entry.
    fn add(&mut self, entry: u32, bytes: usize) -> Result<(), Spent> {
        let before = self.charges.get(&entry).map_or(0, Charge::bytes);
        self.set(entry, before.saturating_add(bytes))
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
