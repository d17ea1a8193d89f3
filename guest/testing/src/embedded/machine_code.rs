//! Components loaded by way of machine code that is kept from one run of the tests to the next. Knows nothing of what they do.

use firstbyte_runtime::compile::Kept;
use firstbyte_runtime::component::ComponentError;
use firstbyte_runtime::log::Log;
use firstbyte_runtime::{Handler, Settings, SetupError};
use std::path::Path;
use std::sync::Arc;

/// Loads the component in `wasm`, by way of machine code that is kept in `cache`. Where none can be kept, it is compiled each time.
///
/// # Errors
/// As [`Handler::load`].
pub(super) fn load(
    wasm: &Path,
    cache: Option<&Path>,
    settings: &Arc<Settings>,
    log: &Arc<dyn Log>,
) -> Result<Handler, SetupError> {
    let load = |path: &Path| Handler::load(path, Arc::clone(settings), Arc::clone(log));
    let Some(kept) = cache.and_then(|cache| Kept::of(wasm, cache)) else { return load(wasm) };
    match load(&kept.path()) {
        // It is not there, or damaged, or this process may not reserve what it needs.
        Err(
            SetupError::Component(ComponentError::Unreadable { .. } | ComponentError::Stale { .. }) | SetupError::AddressSpace,
        ) => {}
        Err(SetupError::Component(ComponentError::OtherWorld { reason, .. })) => {
            return Err(ComponentError::OtherWorld { path: wasm.to_owned(), reason }.into());
        }
        loaded => return loaded,
    }
    // Tests that want the same at the same time, in this process and in others, wait here for the first of them.
    let Ok(_turn) = kept.turn() else { return load(wasm) };
    load(&kept.path()).or_else(|_| match kept.make() {
        Ok(()) => load(&kept.path()).or_else(|_| load(wasm)),
        Err(_) => load(wasm),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use firstbyte_runtime::log::Record;
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::PathBuf;

    struct Silent;

    impl Log for Silent {
        fn record(&self, _: &Record<'_>) {}
    }

    /// A folder of this test's own, empty.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("firstbyte-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn greeting() -> PathBuf {
        firstbyte_toolchain::build(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/greeting").as_ref()).unwrap()
    }

    fn loads(wasm: &Path, cache: &Path) -> Result<(), String> {
        load(wasm, Some(cache), &Arc::default(), &(Arc::new(Silent) as _)).map(drop).map_err(|error| error.to_string())
    }

    /// The machine code in a folder, each file with what tells it from another of the same name.
    fn codes(cache: &Path) -> Vec<(PathBuf, u64)> {
        let files = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
        let codes = files.filter(|path| path.extension().is_some_and(|ending| ending == "cwasm"));
        let mut codes: Vec<_> = codes.map(|path| (path.clone(), fs::metadata(&path).unwrap().ino())).collect();
        codes.sort();
        codes
    }

    #[test]
    fn a_component_is_compiled_once_however_many_ask_for_it_at_once() {
        let (wasm, cache) = (greeting(), folder("once"));
        // Each has a descriptor of its own, so that threads wait for each other as processes do.
        let made: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..4).map(|_| scope.spawn(|| loads(&wasm, &cache).map(|()| codes(&cache)))).collect();
            all.into_iter().map(|one| one.join().unwrap().unwrap()).collect()
        });
        assert!(made[0].len() == 1 && made.iter().all(|codes| *codes == made[0]), "{made:?}");
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 2, "a lock, and no part of anything");
        fs::remove_dir_all(cache).unwrap();
    }

    #[test]
    fn what_is_damaged_is_made_again_and_what_has_changed_is_made_anew() {
        let (wasm, cache) = (greeting(), folder("damaged"));
        loads(&wasm, &cache).unwrap();
        let [(path, _)] = &codes(&cache)[..] else { panic!("{:?}", codes(&cache)) };
        let whole = fs::read(path).unwrap();
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        for damaged in [&flipped[..], &whole[..middle], b"", b"\x7fELF"] {
            fs::write(path, damaged).unwrap();
            loads(&wasm, &cache).unwrap();
            assert!(fs::read(path).unwrap() == whole, "as it was first made");
        }

        // A custom section changes a component, and not what it does.
        let (changed, mut bytes) = (cache.join("greeting.wasm"), fs::read(&wasm).unwrap());
        for state in 0..=Kept::STATES {
            bytes.extend([0, 2, 1, b'a']);
            fs::write(&changed, &bytes).unwrap();
            let before = codes(&cache);
            loads(&changed, &cache).unwrap();
            let after = codes(&cache);
            assert_eq!(after.iter().filter(|code| !before.contains(code)).count(), 1, "{state}");
            assert_eq!(after.len(), (state + 2).min(Kept::STATES));
        }
        fs::remove_dir_all(cache).unwrap();
    }

    #[test]
    fn what_is_no_handler_is_told_by_its_own_name() {
        let cache = folder("other");
        for (bytes, told) in [(&b"\0asm\x0d\0\x01\0"[..], "it is a component, but not a handler"), (b"what", "is no handler")] {
            let wasm = cache.join("other.wasm");
            fs::write(&wasm, bytes).unwrap();
            for _ in 0..2 {
                let error = loads(&wasm, &cache).unwrap_err();
                assert!(error.starts_with(&wasm.display().to_string()) && error.contains(told), "{error}");
            }
        }
        let missing = loads(&cache.join("missing.wasm"), &cache).unwrap_err();
        assert!(missing.contains("missing.wasm") && missing.contains("No such file"), "{missing}");
        fs::remove_dir_all(cache).unwrap();
    }

    #[test]
    fn where_nothing_can_be_kept_a_component_is_loaded_all_the_same() {
        assert_eq!(loads(&greeting(), Path::new("/dev/null/nowhere")), Ok(()));
    }
}
