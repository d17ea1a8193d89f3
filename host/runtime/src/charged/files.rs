//! `wasi:filesystem`: open files, their streams, and listings of folders.

use super::Holder;
use crate::budget::{Charge, OpenFile};
use bytes::Bytes;
use std::sync::Arc;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorType, DirectoryEntry, ErrorCode, HostDescriptor, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, FsError, FsResult, InputStream, Pollable, StreamResult};

/// Bytes that a stream of a file may read ahead.
const READ_AHEAD: usize = 64 * 1024;

/// Bytes that an entry of a listing costs beside its name.
const LISTED: usize = 64;

type Store<'a, T> = StoreContextMut<'a, T>;

/// A result as the guest sees it; what is no error of the guest's is a trap.
fn told<T>(result: FsResult<T>) -> wasmtime::Result<(Result<T, ErrorCode>,)> {
    match result {
        Ok(done) => Ok((Ok(done),)),
        Err(error) => Ok((Err(error.downcast()?),)),
    }
}

pub(super) fn add_to_linker<T: Holder>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance("wasi:filesystem/types@0.2.12")?;
    types.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store: Store<'_, T>,
         (folder, path_flags, path, open_flags, flags): (
            Resource<Descriptor>,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            Box::new(async move { told(open(store.data_mut(), folder, path_flags, path, open_flags, flags).await) })
        },
    )?;
    types.resource("descriptor", ResourceType::host::<Descriptor>(), |mut store: Store<'_, T>, entry| {
        let state = store.data_mut();
        state.holdings().files.remove(&entry);
        HostDescriptor::drop(&mut state.filesystem(), Resource::new_own(entry))
    })?;
    types.func_wrap(
        "[method]descriptor.read-via-stream",
        |mut store: Store<'_, T>, (file, offset): (Resource<Descriptor>, u64)| told(read(store.data_mut(), file, offset)),
    )?;
    types.func_wrap_async(
        "[method]descriptor.read-directory",
        |mut store: Store<'_, T>, (folder,): (Resource<Descriptor>,)| {
            Box::new(async move { told(list(store.data_mut(), folder).await) })
        },
    )?;
    types.func_wrap(
        "[method]directory-entry-stream.read-directory-entry",
        |mut store: Store<'_, T>, (listing,): (Resource<Listing>,)| {
            told(store.data_mut().ctx().table.get_mut(&listing)?.entries.next().transpose())
        },
    )?;
    types.resource("directory-entry-stream", ResourceType::host::<Listing>(), |mut store: Store<'_, T>, entry| {
        store.data_mut().ctx().table.delete(Resource::<Listing>::new_own(entry))?;
        Ok(())
    })
}

/// Opens a file or a folder. Others are refused: opening a pipe waits for its other end, and takes a thread until it comes.
async fn open(
    state: &mut impl Holder,
    folder: Resource<Descriptor>,
    path_flags: PathFlags,
    path: String,
    open_flags: OpenFlags,
    flags: DescriptorFlags,
) -> FsResult<Resource<Descriptor>> {
    let there = Resource::new_borrow(folder.rep());
    if let Ok(status) = state.filesystem().stat_at(there, path_flags, path.clone()).await
        && !matches!(status.type_, DescriptorType::RegularFile | DescriptorType::Directory | DescriptorType::SymbolicLink)
    {
        return Err(ErrorCode::NotPermitted.into());
    }
    let Some(count) = state.holdings().budget().open_file() else {
        let most = state.holdings().budget().allowance().files;
        state
            .log()
            .warn(&format!("a file was not opened: {most} are open already, which is what FIRSTBYTE_OPEN_FILES allows at once"));
        return Err(ErrorCode::Quota.into());
    };
    let opened = state.filesystem().open_at(folder, path_flags, path, open_flags, flags).await?;
    state.holdings().files.insert(opened.rep(), Arc::new(count));
    Ok(opened)
}

fn read(state: &mut impl Holder, file: Resource<Descriptor>, offset: u64) -> FsResult<Resource<DynInputStream>> {
    let count = state.holdings().files.get(&file.rep()).cloned();
    let charge = state.holdings().budget().charge(READ_AHEAD).map_err(FsError::trap)?;
    let stream = state.filesystem().read_via_stream(file, offset)?;
    let stream: DynInputStream = Box::new(Charged { stream: state.ctx().table.delete(stream)?, _charge: charge, _file: count });
    Ok(state.ctx().table.push(stream)?)
}

/// The stream of a file: it is charged for what it may read ahead, and keeps its file open.
struct Charged {
    stream: DynInputStream,
    _charge: Charge,
    _file: Option<Arc<OpenFile>>,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Charged {
    async fn ready(&mut self) {
        self.stream.ready().await;
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Charged {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.stream.read(size)
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.stream.blocking_read(size).await
    }

    fn skip(&mut self, length: usize) -> StreamResult<usize> {
        self.stream.skip(length)
    }

    async fn blocking_skip(&mut self, length: usize) -> StreamResult<usize> {
        self.stream.blocking_skip(length).await
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}

/// What is in a folder, read when the listing was made.
struct Listing {
    entries: std::vec::IntoIter<FsResult<DirectoryEntry>>,
    _charge: Charge,
}

async fn list(state: &mut impl Holder, folder: Resource<Descriptor>) -> FsResult<Resource<Listing>> {
    let listing = state.filesystem().read_directory(folder).await?;
    let entries: Vec<_> = state.ctx().table.delete(listing)?.into_iter().collect();
    let size = entries.iter().map(|entry| entry.as_ref().map_or(0, |entry| entry.name.len()) + LISTED).sum();
    let charge = state.holdings().budget().charge(size).map_err(FsError::trap)?;
    Ok(state.ctx().table.push(Listing { entries: entries.into_iter(), _charge: charge })?)
}
