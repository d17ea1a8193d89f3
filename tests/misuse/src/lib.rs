//! What the compiler says of handlers that cannot work: each in `tests/cases/` has its words beside it.
