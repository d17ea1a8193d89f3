//! When the function of `#[init]` runs: for a snapshot if one is made, and otherwise before an instance's first invocation; never
//! twice. Does not know what it does.

use std::{
    io::Write as _,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::Error;

/// What `#[init]` makes of a function.
pub trait Prepare {
    /// Calls it.
    #[doc(hidden)]
    fn prepare() -> Result<(), Error>;
}

/// The function, where there is one.
static PREPARE: OnceLock<fn() -> Result<(), Error>> = OnceLock::new();

/// Whether it was called, and returned without an error. A snapshot keeps this with all other memory.
static PREPARED: AtomicBool = AtomicBool::new(false);

/// Whether it is being called for a snapshot.
static FOR_SNAPSHOT: AtomicBool = AtomicBool::new(false);

/// Has instances prepared by this. Called before anything else of the component.
pub fn register<P: Prepare>() {
    // It is called once, by the one static constructor that the attribute makes.
    let _ = PREPARE.set(P::prepare);
}

/// Prepares this instance, unless it is prepared already.
pub(crate) fn prepare() -> Result<(), Error> {
    match PREPARE.get() {
        Some(prepare) if !PREPARED.load(Ordering::Relaxed) => {
            prepare()?;
            PREPARED.store(true, Ordering::Relaxed);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Prepares the instance that a snapshot will be made of.
pub fn prepare_for_snapshot() -> Result<(), String> {
    FOR_SNAPSHOT.store(true, Ordering::Relaxed);
    let outcome = prepare().map_err(|error| error.to_string());
    // A line that has not ended would stay in the snapshot, and be printed by each instance.
    let _ = std::io::stdout().flush();
    forget_environment();
    FOR_SNAPSHOT.store(false, Ordering::Relaxed);
    outcome
}

/// Whether what is kept now would be kept in a snapshot, for all instances.
pub(crate) fn is_for_snapshot() -> bool {
    FOR_SNAPSHOT.load(Ordering::Relaxed)
}

/// Has C's library, by which `std::env` reads, ask for the environment anew: the function's own comes with its instances.
fn forget_environment() {
    #[cfg(all(target_os = "wasi", target_env = "p2"))]
    {
        #[expect(unsafe_code, reason = "a function of C")]
        unsafe extern "C" {
            // Of wasi-libc's public header <wasi/libc-environ.h>, made for this.
            safe fn __wasilibc_deinitialize_environ();
        }
        __wasilibc_deinitialize_environ();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    static CALLS: AtomicU32 = AtomicU32::new(0);

    struct SecondTry;

    impl Prepare for SecondTry {
        fn prepare() -> Result<(), Error> {
            match CALLS.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Error::new("NotYet", "the first call fails")),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn an_instance_is_prepared_until_it_is_and_no_further() {
        assert!(prepare().is_ok(), "there is nothing to do");
        register::<SecondTry>();
        assert_eq!(prepare().expect_err("the first call").kind(), "NotYet");
        assert_eq!(prepare_for_snapshot(), Ok(()));
        assert!(prepare().is_ok() && !is_for_snapshot());
        assert_eq!(CALLS.load(Ordering::Relaxed), 2);
    }
}
