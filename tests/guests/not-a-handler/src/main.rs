//! A component that is no handler: it exports `wasi:cli/run`.

fn main() {
    println!("This is a command.");
}
