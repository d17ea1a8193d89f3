//! Lambda's `bootstrap`.

/// musl's own allocator is made to be small, and took a quarter of the CPU time of bulk writes.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> std::process::ExitCode {
    firstbyte_runtime::bootstrap::main()
}
