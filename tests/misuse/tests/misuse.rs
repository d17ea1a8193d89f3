//! What the compiler says of handlers that cannot work: each in `cases/` has its words beside it.
//!
//! `TRYBUILD=overwrite cargo test -p misuse-check` writes them anew.

#[test]
fn the_compiler_says_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/cases/*.rs");
}
