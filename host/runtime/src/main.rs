//! Lambda's `bootstrap`.

fn main() -> std::process::ExitCode {
    firstbyte_runtime::bootstrap::main()
}
