//! What can be run: the worlds that a component may be of, told apart by what it exports. Each has a file of its own, which says
//! how such a component is linked and called. Nothing else in this crate knows a world.

mod http;
mod http_p2;
#[cfg(feature = "wasi-p3")]
mod http_p3;
mod lambda;

use crate::engine::Generation;
use crate::outcome::Failed;
use crate::store::State;
use wasmtime::Store;
use wasmtime::component::{Component, InstancePre, Linker};

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum World {
    /// Our own: `firstbyte:lambda`.
    Lambda,
    /// `wasi:http/proxy` of WASI 0.2.
    HttpP2,
    /// `wasi:http/service` of WASI 0.3.
    HttpP3,
}

impl World {
    /// All that there are. A component that exports what several of them have is of the first.
    #[must_use]
    pub fn all() -> [Self; 3] {
        [Self::Lambda, Self::HttpP3, Self::HttpP2]
    }

    /// The interface that its components export, and by which they are told. Any later patch of the same version will do.
    #[must_use]
    pub fn export(self) -> &'static str {
        match self {
            Self::Lambda => lambda::HANDLER,
            Self::HttpP2 => http_p2::HANDLER,
            Self::HttpP3 => "wasi:http/handler@0.3.0",
        }
    }

    /// What it is called where people read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lambda => "firstbyte:lambda/function 0.2",
            Self::HttpP2 => "wasi:http/proxy 0.2",
            Self::HttpP3 => "wasi:http/service 0.3",
        }
    }

    /// The generation of WASI that it is of.
    #[must_use]
    pub fn generation(self) -> Generation {
        match self {
            Self::Lambda | Self::HttpP2 => Generation::P2,
            Self::HttpP3 => Generation::P3,
        }
    }

    /// The world of a component with these exports, if it is one of ours.
    pub(crate) fn of<'a>(exports: &(impl Iterator<Item = &'a str> + Clone)) -> Option<Self> {
        let exports = |world: &Self| exports.clone().any(|export| is_patch_of(world.export(), export));
        Self::all().into_iter().find(exports)
    }

    /// Adds what components of this world may import besides WASI.
    pub(crate) fn add_to_linker(self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        match self {
            Self::Lambda => lambda::add_to_linker(linker),
            Self::HttpP2 | Self::HttpP3 => Ok(()),
        }
    }
}

/// Whether `name` is the interface `base`, or a later patch of it: `a:b/c@0.2.12` for `a:b/c@0.2.0`.
pub(crate) fn is_patch_of(base: &str, name: &str) -> bool {
    let Some((interface, version)) = name.split_once('@') else { return false };
    let Some((wanted, first)) = base.split_once('@') else { return false };
    let minor = first.rsplit_once('.').map_or(first, |(minor, _)| minor);
    let patch = version.strip_prefix(minor).and_then(|rest| rest.strip_prefix('.'));
    interface == wanted && patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A component of a world, linked.
pub(crate) struct Pre {
    world: World,
    component: Component,
    pre: PreOf,
}

enum PreOf {
    Lambda(lambda::Pre),
    HttpP2(http_p2::Pre),
    #[cfg(feature = "wasi-p3")]
    HttpP3(http_p3::Pre),
}

impl Pre {
    /// # Errors
    /// The component does not export what its world has.
    pub(crate) fn new(world: World, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        let component = pre.component().clone();
        let pre = match world {
            World::Lambda => PreOf::Lambda(lambda::Pre::new(pre)?),
            World::HttpP2 => PreOf::HttpP2(http_p2::Pre::new(pre)?),
            #[cfg(feature = "wasi-p3")]
            World::HttpP3 => PreOf::HttpP3(http_p3::Pre::new(pre)?),
            #[cfg(not(feature = "wasi-p3"))]
            World::HttpP3 => wasmtime::bail!("this build runs nothing of WASI 0.3"),
        };
        Ok(Self { world, component, pre })
    }

    pub(crate) fn world(&self) -> World {
        self.world
    }

    pub(crate) fn component(&self) -> &Component {
        &self.component
    }

    /// Makes an instance. The component's initializers run.
    pub(crate) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        Ok(match &self.pre {
            PreOf::Lambda(pre) => Exports::Lambda(pre.instantiate(store).await?),
            PreOf::HttpP2(pre) => Exports::HttpP2(pre.instantiate(store).await?),
            #[cfg(feature = "wasi-p3")]
            PreOf::HttpP3(pre) => Exports::HttpP3(pre.instantiate(store).await?),
        })
    }
}

/// An instance's exports.
pub(crate) enum Exports {
    Lambda(lambda::Exports),
    HttpP2(http_p2::Exports),
    #[cfg(feature = "wasi-p3")]
    HttpP3(http_p3::Exports),
}

impl Exports {
    /// Has the instance answer the invocation that its store is pointed at.
    ///
    /// # Errors
    /// What the guest did instead of returning.
    pub(crate) async fn call(&self, store: &mut Store<State>) -> wasmtime::Result<Result<(), Failed>> {
        match self {
            Self::Lambda(exports) => exports.call(store).await,
            Self::HttpP2(exports) => exports.call(store).await,
            #[cfg(feature = "wasi-p3")]
            Self::HttpP3(exports) => exports.call(store).await,
        }
    }
}
