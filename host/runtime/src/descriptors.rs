//! The process's file descriptors: how many there are, how many the host needs itself, and what is left for handlers.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that the process needs whatever it does: its standard streams, the executor, the log, look-ups under way.
const PROCESS: usize = 64;

/// Descriptors that an invocation needs to be answered: its connection to the Runtime API, and a timer.
const INVOCATION: usize = 2;

/// Raises the limit of this process as far as it may, and says what it is then.
pub(crate) fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    // What is refused stays as it was.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    self::limit()
}

/// How many descriptors this process may have.
pub(crate) fn limit() -> usize {
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// How many of `wanted` invocations at once could all be answered, if each opens `folders`, too. At least one.
pub(crate) fn answerable(limit: usize, wanted: usize, folders: usize) -> usize {
    (limit.saturating_sub(PROCESS) / (INVOCATION + folders)).clamp(1, wanted.max(1))
}

/// What is left for all handlers together.
pub(crate) fn for_handlers(limit: usize, invocations: usize, folders: usize) -> usize {
    limit.saturating_sub(PROCESS).saturating_sub(invocations.saturating_mul(INVOCATION + folders))
}

/// What each of so many invocations may have of it for one purpose, of connections and files. At least two.
pub(crate) fn for_each_invocation(limit: usize, invocations: u32) -> usize {
    let invocations = usize::try_from(invocations).unwrap_or(usize::MAX).max(1);
    (for_handlers(limit, invocations, 0) / invocations / 2).max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answering_needs_comes_first() {
        // Lambda's limit, and that of its managed instances.
        assert_eq!((answerable(1024, 1, 0), for_handlers(1024, 1, 0), for_each_invocation(1024, 1)), (1, 958, 479));
        assert_eq!((answerable(4096, 1600, 0), for_handlers(4096, 1600, 0), for_each_invocation(4096, 1600)), (1600, 832, 2));
        // Two folders each.
        assert_eq!((answerable(1024, 450, 2), for_handlers(1024, 240, 2)), (240, 0));
        assert_eq!((answerable(1024, 450, 0), answerable(10, 8, 0), for_handlers(10, 1, 0)), (450, 1, 0));
    }

    #[test]
    fn the_limit_is_raised() {
        let before = limit();
        assert!(raise() >= before && limit() >= before);
    }
}
